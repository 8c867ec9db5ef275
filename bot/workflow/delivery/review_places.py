"""Places of reviews: telling moderators of one that takes none, and bringing back the messages
that no place took, and those whose place is gone.
"""

from __future__ import annotations

from functools import partial
from typing import Final

import aiosqlite

from bot.clock import Clock
from bot.model import Delivery, Job
from bot.store import review_messages, review_trouble
from bot.store.database import Database, within
from bot.workflow.delivery.closed import CLOSED_MS

AGAIN_MS: Final = CLOSED_MS
"""How often a place is tried that took no review: events get lost, so that nothing rests on them
alone."""

ABOUT_ONE: Final = frozenset({0, 40005})
"""Codes of what is wrong with one video: it is gone from the disk, or too large (Discord docs,
topics/opcodes-and-status-codes). ``/moderate queue`` tells them."""


class ReviewPlaces:
    """What is heard of places is noted at once, and written with the next ``round``."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._unposted: dict[int, int] = {}  # server -> since when
        self._opened: set[int] = set()
        self._gone: set[int] = set()  # channels

    async def refused(
        self, tx: aiosqlite.Connection, job: Job, review: Delivery, code: int
    ) -> None:
        """This review was not taken, with Discord's ``code``."""
        guild_id, now = job.requester.guild_id, self._clock.now()
        self._unposted[guild_id] = now
        if code not in ABOUT_ONE:
            channel_id = review.channel_id
            await within(tx, partial(
                review_trouble.refused, guild_id=guild_id, channel_id=channel_id, code=code, at=now,
            ))  # fmt: skip

    async def taken(self, tx: aiosqlite.Connection, job: Job, review: Delivery) -> None:
        """This review was posted."""
        guild_id, now = job.requester.guild_id, self._clock.now()
        channel_id = review.channel_id
        await within(
            tx, partial(review_trouble.shown, guild_id=guild_id, channel_id=channel_id, at=now)
        )

    def reopened(self, guild_id: int) -> None:
        """What the bot may do there has changed."""
        if self._unposted.pop(guild_id, None) is not None:
            self._opened.add(guild_id)

    def gone(self, channel_id: int) -> None:
        """A channel was deleted, with all that stood in it."""
        self._gone.add(channel_id)

    async def round(self) -> None:
        """Let what can be posted now become due."""
        now = self._clock.now()
        for guild_id, since in list(self._unposted.items()):
            if now - since >= AGAIN_MS:
                self.reopened(guild_id)
        if not self._opened and not self._gone:
            return
        opened, gone = frozenset(self._opened), frozenset(self._gone)
        async with self._database.transaction() as tx:
            for channel_id in gone:
                await review_messages.lost(tx, channel_id, None, now)
            for guild_id in opened:
                await review_messages.again(tx, now, guild_id)
        self._opened -= opened
        self._gone -= gone
