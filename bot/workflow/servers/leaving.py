"""A server that the bot was removed from: what waits there is cancelled, and after a while all of
it is forgotten.
"""

from __future__ import annotations

import logging
from collections.abc import Collection
from contextlib import suppress
from functools import partial
from typing import Final

from bot.clock import Clock
from bot.errors import StaleState, StorageTrouble
from bot.logs import about_job
from bot.model import SERVER_LEFT
from bot.store import absences
from bot.store.database import Database
from bot.workflow.pauses import Pauses
from bot.workflow.rendering.settling import Settling
from bot.workflow.servers.chores import Chore, Tally
from bot.workflow.servers.keeping import AT_ONCE, PAUSE_SECONDS, delete_files
from bot.workflow.servers.presence import Notes, Presence

log = logging.getLogger(__name__)

FORGET_MS: Final = 30 * 24 * 3_600_000
"""How long a server is remembered that the bot was removed from."""


class Leaving:
    """Writes down what ``presence`` has heard, and acts on it."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        presence: Presence,
        settling: Settling,
        pauses: Pauses,
        tally: Tally,
    ) -> None:
        self._database = database
        self._clock = clock
        self._presence = presence
        self._settling = settling
        self._pauses = pauses
        self._tally = tally
        self._left: set[int] = set()  # heard by this process
        self._counted = False  # and the gateway has named all servers since it began

    async def round(self) -> None:
        """Note who is gone and who is back; cancel what waits, forget what is old."""
        notes = self._presence.take()
        try:
            absent = await self._note(notes)
        except StorageTrouble:
            self._presence.put_back(notes)
            raise
        if absent:
            await self._cancel_waiting(absent)
            old = self._clock.now() - FORGET_MS
            for guild_id in [id_ for id_, since in absent.items() if since <= old]:
                # It may have come back while no process ran.
                if self._counted or guild_id in self._left:
                    await self._forget(guild_id)

    async def _note(self, notes: Notes) -> dict[int, int]:
        """The servers that the bot is absent from, now that this is known too."""
        absent = await absences.absent(self._database)
        gone = {guild_id for guild_id, here in notes.here.items() if not here}
        back = {guild_id for guild_id, here in notes.here.items() if here}
        if notes.census is not None:
            census = notes.census
            known = {id_ for id_ in await absences.known(self._database) if census.ours(id_)}
            gone |= known - census.present - back
            back |= census.present - gone
            self._counted = True
        self._left = (self._left | gone) - back
        gone, back = gone - absent.keys(), back & absent.keys()
        if gone or back:
            now = self._clock.now()
            await self._database.write(partial(absences.note, gone=gone, back=back, at=now))
            for guild_id in gone:
                log.warning("was removed from server %d: it is forgotten in 30 days", guild_id)
            self._tally(Chore.LEFT, len(gone))
            absent = await absences.absent(self._database)
        return absent

    async def _cancel_waiting(self, absent: Collection[int]) -> None:
        """What has not gone to Pika does not: nobody there could see it, and nobody pays."""
        for job in await absences.waiting(self._database, absent):
            with about_job(job.id), suppress(StaleState):  # it has just gone
                await self._settling.cancel_queued(job, SERVER_LEFT)

    async def _forget(self, guild_id: int) -> None:
        """Delete all of it, a little at a time, unless the bot comes back meanwhile."""
        while not self._presence.is_back(guild_id):
            some = await self._database.write(
                partial(absences.forget_jobs, guild_id=guild_id, most=AT_ONCE)
            )
            await delete_files(self._settling.videos, some.jobs, some.pictures)
            if len(some.jobs) < AT_ONCE:
                break
            await self._clock.sleep(PAUSE_SECONDS)
        else:
            return
        if await self._database.write(partial(absences.forget, guild_id=guild_id)):
            await self._pauses.read()
            log.warning("server %d is forgotten", guild_id)
            self._tally(Chore.FORGOTTEN, 1)
