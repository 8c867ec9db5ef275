"""A clock that can be moved, and the timers that hang on it."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(order=True, slots=True)
class Timer:
    """One call to come. Ordered by due time (Unix seconds), then by age."""

    when: float
    number: int
    call: Callable[[], None] | None = field(compare=False)

    def cancel(self) -> None:
        """Never make the call. Cancelling twice, or too late, does nothing."""
        self.call = None


class Clock:
    """Real time plus an offset that only grows.

    ``now()`` runs with the wall clock; ``advance()`` moves it on at once and makes every call
    that became due, in order, before it returns. All times are Unix seconds.
    """

    def __init__(self) -> None:
        self._offset = 0.0
        self._timers: list[Timer] = []
        self._numbers = itertools.count()
        self._alarm: asyncio.TimerHandle | None = None

    def now(self) -> float:
        """Return the present, in Unix seconds."""
        return time.time() + self._offset

    def advance(self, seconds: float) -> None:
        """Move on by `seconds` and make the calls that are due. Negative: ValueError."""
        if seconds < 0:
            message = "the clock only moves forward"
            raise ValueError(message)
        self._offset += seconds
        self._run_due()

    def call_at(self, when: float, call: Callable[[], None]) -> Timer:
        """Make `call` once `when` is reached; at the earliest in the loop's next turn."""
        timer = Timer(when, next(self._numbers), call)
        heapq.heappush(self._timers, timer)
        if self._timers[0] is timer:
            self._set_alarm()
        return timer

    async def sleep(self, seconds: float) -> None:
        """Wait `seconds` of this clock's time."""
        if seconds <= 0:
            return
        done = asyncio.Event()
        timer = self.call_at(self.now() + seconds, done.set)
        try:
            await done.wait()
        finally:
            timer.cancel()

    def close(self) -> None:
        """Forget every timer."""
        self._timers.clear()
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None

    def _set_alarm(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        if self._timers:
            delay = max(0.0, self._timers[0].when - self.now())
            self._alarm = asyncio.get_running_loop().call_later(delay, self._run_due)

    def _run_due(self) -> None:
        while self._timers and (self._timers[0].call is None or self._timers[0].when <= self.now()):
            call = heapq.heappop(self._timers).call
            if call is not None:
                call()
        self._set_alarm()
