"""How often something may be done in a server, where each time costs all the others."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import Final

from bot.clock import Clock

AT_ONCE: Final = 3
"""Channels that are tried at the same time, in all servers together."""

TEST_MS: Final = 30_000
"""Between two rounds of test posts in one server: a round may be ninety requests of the fifty that
Discord allows the bot in a second."""


class Turns:
    """One turn for each server in ``pause_ms``, and the ``places`` that all of them share in it."""

    def __init__(self, clock: Clock, pause_ms: int) -> None:
        self._clock = clock
        self._pause_ms = pause_ms
        self.places = asyncio.Semaphore(AT_ONCE)
        self._next: OrderedDict[int, int] = OrderedDict()  # server -> when

    def take(self, guild_id: int) -> bool:
        """Whether it is this server's turn; then it is taken."""
        now = self._clock.now()
        while self._next and next(iter(self._next.values())) <= now:
            self._next.popitem(last=False)
        if guild_id in self._next:
            return False
        self._next[guild_id] = now + self._pause_ms
        return True

    def give_back(self, guild_id: int) -> None:
        """Nothing came of the server's turn: the next one need not wait for it."""
        self._next.pop(guild_id, None)
