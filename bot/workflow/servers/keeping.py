"""Words and pictures are kept for as long as a server or the operator says, and no longer."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Collection, Iterable
from functools import partial
from pathlib import Path
from typing import Final

from bot.clock import Clock
from bot.store import erasing
from bot.store.database import Database
from bot.workflow.recovery import job_of_file
from bot.workflow.servers.chores import Chore, Tally

log = logging.getLogger(__name__)

AT_ONCE: Final = 50
PAUSE_SECONDS: Final = 0.25
"""Jobs of one transaction, and the pause after it: nobody who asks for a video may notice."""


class Keeping:
    """Erases what is kept no longer. ``retention_ms`` holds where a server has chosen nothing;
    ``videos`` is where those are that could not be posted.
    """

    def __init__(
        self, database: Database, clock: Clock, videos: Path, retention_ms: int, tally: Tally
    ) -> None:
        self._database = database
        self._clock = clock
        self._videos = videos
        self._retention_ms = retention_ms
        self._tally = tally

    async def round(self) -> None:
        """Erase all that is due now, a little at a time."""
        now = self._clock.now()
        for guild_id, before in await erasing.due(self._database, now, self._retention_ms):
            while await self._some(guild_id, before):
                await self._clock.sleep(PAUSE_SECONDS)
        while await self._database.write(partial(self._reasons, now=now)):
            await self._clock.sleep(PAUSE_SECONDS)

    def _reasons(self, tx: sqlite3.Connection, now: int) -> bool:
        """Erase some reasons that came after the words; whether there may be more."""
        return erasing.erase_reasons(tx, now, self._retention_ms, AT_ONCE) >= AT_ONCE

    async def _some(self, guild_id: int, before: int) -> bool:
        """Erase the next few; whether there may be more. Their files go when nothing names them
        any more: should that be cut off, the next start sweeps them away.
        """
        erased = await self._database.write(
            partial(
                erasing.erase,
                guild_id=guild_id,
                before=before,
                now=self._clock.now(),
                most=AT_ONCE,
            )
        )
        if erased.jobs:
            await delete_files(self._videos, erased.jobs, erased.pictures)
            log.info("erased the words of %d jobs", len(erased.jobs))
            self._tally(Chore.ERASED, len(erased.jobs))
        return len(erased.jobs) == AT_ONCE


async def delete_files(videos: Path, jobs: Collection[int], pictures: Iterable[Path]) -> None:
    """Delete the videos of these jobs with all smaller copies, and these pictures."""
    await asyncio.to_thread(_delete, videos, jobs, list(pictures))


def _delete(videos: Path, jobs: Collection[int], pictures: list[Path]) -> None:
    for path in (*pictures, *(one for one in videos.iterdir() if job_of_file(one) in jobs)):
        try:
            path.unlink(missing_ok=True)
        except OSError as error:  # the next start sweeps it away
            log.warning("a file could not be deleted: %s", error)
