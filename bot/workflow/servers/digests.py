"""Telling each log channel, once a day, what happened on the day before."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Final

from bot.clock import Clock
from bot.model import Quota
from bot.store import digests, logbook
from bot.store.database import Database
from bot.store.reports import DAY_MS
from bot.workflow.servers.chores import Chore, Tally

MORNING_MS: Final = 6 * 3_600_000
SPREAD_MS: Final = 3_600_000
"""Digests come from six o'clock on (UTC), each server at a fixed moment of that hour."""


def day_to_tell(guild_id: int, now: int) -> int:
    """The last day (since 1970, in UTC) whose digest is due in this server. The moment follows
    from when the server was made, which its id says: no two of a crowd have the same.
    """
    moment = MORNING_MS + (guild_id >> 22) % SPREAD_MS
    return (now - moment) // DAY_MS - 1


class Digests:
    """Writes down what has to be told. Each day is read aside: it may have many jobs."""

    def __init__(
        self, database: Database, path: Path, clock: Clock, default: Quota, tally: Tally
    ) -> None:
        self._database = database
        self._path = path
        self._clock = clock
        self._default = default
        self._tally = tally

    async def round(self) -> None:
        """Tell every server of the day that is due, if it was not told of it."""
        now = self._clock.now()
        newest = (now - MORNING_MS) // DAY_MS - 1
        for guild_id, last in await digests.wanting(self._database, newest):
            day = day_to_tell(guild_id, now)
            if last < day:
                await self._tell(guild_id, day)

    async def _tell(self, guild_id: int, day: int) -> None:
        now = self._clock.now()
        digest = await digests.read(self._path, guild_id, day, now, self._default)

        def write(tx: sqlite3.Connection) -> bool:
            if not digests.told(tx, guild_id, day) or not digest.anything:
                return False
            logbook.tell(tx, guild_id, digest, now)
            return True

        if await self._database.write(write):
            self._tally(Chore.DIGEST, 1)
