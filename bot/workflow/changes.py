"""Who wants to know that a job changed."""

from __future__ import annotations

from collections.abc import Callable

from bot.model import Job


class Changes:
    """Tells every listener of each job that was written, after its commit."""

    def __init__(self) -> None:
        self._listeners: list[Callable[[Job], None]] = []

    def listen(self, listener: Callable[[Job], None]) -> None:
        """Call ``listener`` with each job that changes. It must not wait and not raise."""
        self._listeners.append(listener)

    def tell(self, job: Job) -> None:
        """``job`` was written."""
        for listener in self._listeners:
            listener(job)
