"""Bringing messages of reviews back: those that no place took, and those whose place is gone."""

from __future__ import annotations

import logging

from bot.clock import Clock
from bot.store import review_messages
from bot.store.database import Database

log = logging.getLogger(__name__)


class ReviewPlaces:
    """What is heard of places is noted at once, and written with the next ``round``."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._unposted: set[int] = set()  # servers
        self._opened: set[int] = set()
        self._gone: set[int] = set()  # channels

    def unposted(self, guild_id: int) -> None:
        """No place in this server took a review."""
        self._unposted.add(guild_id)

    def reopened(self, guild_id: int) -> None:
        """What the bot may do there has changed."""
        if guild_id in self._unposted:
            self._unposted.discard(guild_id)
            self._opened.add(guild_id)

    def gone(self, channel_id: int) -> None:
        """A channel was deleted, with all that stood in it."""
        self._gone.add(channel_id)

    async def round(self) -> None:
        """Let what can be posted now become due."""
        if not self._opened and not self._gone:
            return
        now = self._clock.now()
        opened, gone = frozenset(self._opened), frozenset(self._gone)
        async with self._database.transaction() as tx:
            for channel_id in gone:
                await review_messages.lost(tx, channel_id, None, now)
            for guild_id in opened:
                await review_messages.again(tx, now, guild_id)
        self._opened -= opened
        self._gone -= gone
