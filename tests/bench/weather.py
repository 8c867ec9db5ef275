"""Misfortunes, and the weather that draws them.

Each is a coroutine by a name; one that lasts undoes itself at its end, also when it is
cancelled. ``Weather`` draws them from a shuffled pack, so that every kind comes about as often
as its weight says, whatever the seed.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from bot.sandbox.discord import Fault
from bot.sandbox.pika import PikaFault
from tests.bench.crowd import Crowd
from tests.bench.lives import Keeper

Misfortune = Callable[[], Awaitable[None]]

Kinds = dict[str, tuple[float, Misfortune]]
"""By name: how often it is in one pack, and what it does."""


@dataclass(frozen=True)
class Happened:
    """A misfortune, when, and what of it is still to be counted."""

    name: str
    at: float
    fault: PikaFault | Fault | None = None

    @property
    def times(self) -> int:
        """How many requests it has befallen; 1 for what is no matter of requests."""
        match self.fault:
            case PikaFault():
                return self.fault.hits
            case Fault():
                return self.fault.used
            case None:
                return 1


class Stage:
    """What misfortunes act on, and where they are noted."""

    def __init__(self, crowd: Crowd, keeper: Keeper, draw: random.Random) -> None:
        self.crowd = crowd
        self.keeper = keeper
        self.town = crowd.town
        self.draw = draw
        self.happened: list[Happened] = []
        self.outages: list[tuple[float, float]] = []
        self.calm = asyncio.Event()
        self.calm.set()
        crowd.on_fault = self.note

    def note(self, name: str, fault: PikaFault | Fault | None = None) -> None:
        """This happens now."""
        self.happened.append(Happened(name, time.time(), fault))

    async def a_while(self, least: float, most: float) -> None:
        """Some seconds."""
        await asyncio.sleep(self.draw.uniform(least, most))

    @property
    def by_kind(self) -> Counter[str]:
        """How often each kind has befallen somebody."""
        count: Counter[str] = Counter()
        for one in self.happened:
            count[one.name] += one.times
        return +count

    def between(self, begin: float, end: float) -> list[tuple[str, float]]:
        """What happened between two moments, for a story: names and times."""
        told = (one for one in self.happened if begin <= one.at <= end and one.times)
        return [(one.name, one.at) for one in told]


class Weather:
    """Lets misfortunes of these kinds happen, but those whose names begin so."""

    def __init__(self, stage: Stage, kinds: Kinds, *, without: Sequence[str] = ()) -> None:
        self._stage = stage
        self._kinds = {
            name: kind for name, kind in kinds.items() if not name.startswith(tuple(without))
        }
        self._pack: list[str] = []
        self._lasting: set[asyncio.Task[None]] = set()

    @property
    def kinds(self) -> list[str]:
        """All there are."""
        return sorted(self._kinds)

    def next(self) -> None:
        """Let one more happen, beside those that last."""
        if not self._pack:
            weights = ((name, weight) for name, (weight, _) in self._kinds.items())
            self._pack = [name for name, weight in weights for _ in range(self._times(weight))]
            self._stage.draw.shuffle(self._pack)
        name = self._pack.pop()
        task = asyncio.create_task(self._let(name), name=name)
        self._lasting.add(task)
        task.add_done_callback(self._lasting.discard)

    def _times(self, weight: float) -> int:
        whole = int(weight)
        return whole + (self._stage.draw.random() < weight - whole)

    async def _let(self, name: str) -> None:
        await self._kinds[name][1]()

    async def end(self) -> None:
        """It is over: everything is undone."""
        for task in self._lasting:
            task.cancel()
        for ended in await asyncio.gather(*self._lasting, return_exceptions=True):
            if isinstance(ended, Exception):
                raise ended
        town = self._stage.town
        town.discord.faults.clear()
        town.pika.faults.clear()
        town.pika.unscript()
        self._stage.calm.set()
