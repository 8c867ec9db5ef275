"""Keeps us well away from Discord's ban: what it answers 401, 403 or 429 is counted.

Ten thousand such answers within ten minutes block the address, for every bot behind it
(Discord docs, topics/rate-limits, "Invalid Request Limit"). The bot never comes near that by
itself; a server that plays with permissions, or a mistake of ours, might.
"""

from __future__ import annotations

import logging
from collections import deque
from enum import IntEnum
from typing import Final

from bot.clock import Clock
from bot.errors import TryLater

log = logging.getLogger(__name__)

WINDOW_MS: Final = 10 * 60_000
SLOW_AT: Final = 1_000
STOP_AT: Final = 5_000
SLOW_MS: Final = 1_000
"""From ``SLOW_AT`` invalid answers on, one request goes in this time: should all of them be
refused, that makes 600 more in ten minutes. At ``STOP_AT`` nothing goes before fewer than
``SLOW_AT`` are left in the window."""

BANNED_SECONDS: Final = 60.0
"""How long nothing is sent after a 429 of the proxy in front of Discord that names no time."""

INVALID: Final = frozenset({401, 403, 429})


class Pace(IntEnum):
    """How fast messages may go; the number is the one on ``/metrics``."""

    FREE = 0
    SLOW = 1
    STOPPED = 2


_SAID: Final = {
    Pace.FREE: (logging.WARNING, "go as ever again"),
    Pace.SLOW: (logging.WARNING, "go slowly"),
    Pace.STOPPED: (logging.ERROR, "wait until these are over"),
}


class Brake:
    """Slows down what is sent to Discord on our own account, then stops it.

    Answers to commands are not braked: each is sent once, and nobody's wait.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._invalid: deque[int] = deque()  # when they came
        self._pace = Pace.FREE
        self._turn = 0
        self._banned_until = 0

    def heard(self, status: int, *, shared: bool = False) -> None:
        """Discord has answered with this HTTP status; a 429 of ``shared`` scope does not count."""
        if status in INVALID and not shared:
            self._invalid.append(self._clock.now())
            self._judge()

    def banned(self, seconds: float | None) -> None:
        """The proxy in front of Discord turns us away: send nothing for so long."""
        wait = BANNED_SECONDS if seconds is None else seconds
        log.error("Discord's proxy turns us away: nothing is posted for %.0f s", wait)
        self._banned_until = max(self._banned_until, self._clock.now() + int(wait * 1000))

    @property
    def invalid(self) -> int:
        """Invalid answers of the last ten minutes."""
        floor = self._clock.now() - WINDOW_MS
        while self._invalid and self._invalid[0] <= floor:
            self._invalid.popleft()
        return len(self._invalid)

    @property
    def pace(self) -> Pace:
        """How fast messages may go now."""
        self._judge()
        return Pace.STOPPED if self._clock.now() < self._banned_until else self._pace

    async def turn(self) -> None:
        """Return when the next request may go. Raises ``TryLater`` when none may for a while."""
        pace, now = self.pace, self._clock.now()
        if pace is Pace.STOPPED:
            raise TryLater(self._stopped_seconds(now), "of our own accord")
        if pace is Pace.SLOW:
            self._turn = max(now, self._turn + SLOW_MS)
            await self._clock.sleep((self._turn - now) / 1000)

    def _stopped_seconds(self, now: int) -> float:
        over = self._banned_until
        if self._pace is Pace.STOPPED:
            # The one with which fewer than SLOW_AT are left once it is out of the window.
            over = max(over, self._invalid[-SLOW_AT] + WINDOW_MS)
        return (over - now) / 1000

    def _judge(self) -> None:
        count = self.invalid
        before = self._pace
        if count >= STOP_AT or (before is Pace.STOPPED and count >= SLOW_AT):
            self._pace = Pace.STOPPED
        else:
            self._pace = Pace.SLOW if count >= SLOW_AT else Pace.FREE
        if self._pace is not before:
            level, how = _SAID[self._pace]
            log.log(level, "%d invalid answers of Discord in ten minutes: messages %s", count, how)
