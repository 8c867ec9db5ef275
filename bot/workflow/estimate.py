"""When will it be ready? From measured durations, never from a guess."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from math import ceil
from statistics import median


class Durations:
    """How long the last jobs took from submit to delivery, in milliseconds."""

    MOST = 50

    def __init__(self) -> None:
        self._took: deque[int] = deque(maxlen=self.MOST)
        self._typical: int | None = None

    def fill(self, newest_first: Iterable[int]) -> None:
        """Start from what earlier runs measured."""
        self._took.extendleft(newest_first)
        self._typical = None

    def add(self, took: int) -> None:
        """One more job was delivered."""
        self._took.append(took)
        self._typical = None

    @property
    def typical(self) -> int | None:
        """The median; ``None`` before anything was measured."""
        if self._typical is None and self._took:
            self._typical = int(median(self._took))
        return self._typical

    def ready_in(self, place: int, *, free: int, slots: int) -> int | None:
        """Milliseconds until the job at ``place`` (1 = next) is delivered.

        ``free`` of ``slots`` places at Pika are free now. ``None`` when nothing is known.
        """
        if self.typical is None:
            return None
        waits = max(0, place - free)
        return (ceil(waits / slots) + 1) * self.typical
