"""Bringing messages of reviews back: those that no place took, and those whose place is gone."""

from __future__ import annotations

from typing import Final

from bot.clock import Clock
from bot.store import review_messages
from bot.store.database import Database
from bot.workflow.delivery.closed import CLOSED_MS

AGAIN_MS: Final = CLOSED_MS
"""How often a place is tried that took no review: events get lost, so that nothing rests on them
alone."""


class ReviewPlaces:
    """What is heard of places is noted at once, and written with the next ``round``."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._unposted: dict[int, int] = {}  # server -> since when
        self._opened: set[int] = set()
        self._gone: set[int] = set()  # channels

    def unposted(self, guild_id: int) -> None:
        """No place in this server took a review."""
        self._unposted[guild_id] = self._clock.now()

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
