"""A clock that tests can move: tokens age and links expire without waiting."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime


class Clock:
    """Real time plus whatever it was advanced by. It never goes back."""

    def __init__(self) -> None:
        self._offset = time.time() - time.monotonic()
        self._listeners: list[Callable[[], None]] = []

    def now(self) -> float:
        """Seconds since 1970."""
        return time.monotonic() + self._offset

    def advance(self, seconds: float) -> None:
        """Let ``seconds`` pass at once; what has become due happens before this returns.

        Raises ``ValueError`` for a negative number.
        """
        if seconds < 0:
            raise ValueError("time does not go back")
        self._offset += seconds
        for listener in self._listeners:
            listener()

    def on_advance(self, listener: Callable[[], None]) -> None:
        """Call ``listener`` after every jump."""
        self._listeners.append(listener)


def iso(moment: float) -> str:
    """A moment in seconds since 1970 as Discord writes it."""
    return datetime.fromtimestamp(moment, UTC).isoformat()
