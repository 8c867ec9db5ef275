"""Waiting for the world to become a certain way, without polling it to death."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from typing import Final, TypeVar

T = TypeVar("T")

#: Conditions may look at things outside the sandbox; they are tested at least this often, seconds.
RECHECK: Final = 0.05


class Changes:
    """Tells waiters that something in the world is different now."""

    def __init__(self) -> None:
        self._waiters: set[asyncio.Event] = set()
        self.count = 0

    def bump(self) -> None:
        """Something changed. Costs nothing while nobody waits."""
        self.count += 1
        for waiter in self._waiters:
            waiter.set()

    async def after(self, count: int) -> int:
        """Wait until there were more changes than ``count``; how many there were then."""
        changed = asyncio.Event()
        self._waiters.add(changed)
        try:
            while self.count <= count:
                await changed.wait()
                changed.clear()
        finally:
            self._waiters.discard(changed)
        return self.count

    async def until(
        self,
        condition: Callable[[], T],
        *,
        timeout: float,  # noqa: ASYNC109 -- part of the facade; the text of the error needs it
        describe: Callable[[], str] | None = None,
    ) -> T:
        """Return the first truthy value of ``condition``; it is tested after every change.

        Raises ``TimeoutError`` after ``timeout`` seconds, with ``describe()`` in its text.
        """
        result = condition()
        if result:
            return result
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout
        changed = asyncio.Event()
        self._waiters.add(changed)
        try:
            while loop.time() < deadline:
                pause = min(RECHECK, max(0.0, deadline - loop.time()))
                timer = loop.call_later(pause, changed.set)
                await changed.wait()
                timer.cancel()
                changed.clear()
                result = condition()
                if result:
                    return result
        finally:
            self._waiters.discard(changed)
        seen = f"; {describe()}" if describe else ""
        raise TimeoutError(f"not within {timeout:g} s: {_source(condition)}{seen}")


def _source(condition: Callable[[], object]) -> str:
    try:
        return " ".join(inspect.getsource(condition).split())
    except (OSError, TypeError):
        return repr(condition)
