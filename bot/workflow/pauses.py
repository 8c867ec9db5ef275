"""Servers whose waiting jobs wait on, because a moderator or the operator has paused them.

A mirror in memory of the pauses that are written down, which whoever changes them has read
again. A pause that has an end ends by itself.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from bot.clock import Clock
from bot.rules.policy import Pause, PauseMode
from bot.store import policies
from bot.store.database import Database
from bot.store.policies import OPERATOR
from bot.workflow.queue import FairQueue


@dataclass(frozen=True, slots=True)
class Held:
    """Why waiting jobs do not go: ``pause``, of the server or of the operator."""

    pause: Pause
    by_operator: bool


class Pauses:
    """Tells which jobs do not go, and wakes the queue when that changes."""

    def __init__(self, database: Database, clock: Clock, queue: FairQueue) -> None:
        self._database = database
        self._clock = clock
        self._queue = queue
        self._pauses: dict[int, Pause] = {}
        self._ends: asyncio.Task[None] | None = None
        queue.pass_over(self)

    def __len__(self) -> int:
        return len(self._pauses)

    def __contains__(self, guild_id: object) -> bool:
        return isinstance(guild_id, int) and self.of(guild_id) is not None

    def of(self, guild_id: int) -> Held | None:
        """What holds this server's waiting jobs back now, if anything does."""
        for paused in (OPERATOR, guild_id):
            pause = self._pauses.get(paused)
            if pause is not None and pause.active(self._clock.now()):
                return Held(pause, by_operator=paused == OPERATOR)
        return None

    async def read(self) -> None:
        """Read what is paused: at the start, and whenever a pause was begun, changed or ended."""
        now = self._clock.now()
        found = await self._database.read(lambda tx: policies.pauses(tx, now))
        self._pauses = {
            guild_id: pause for guild_id, pause in found.items() if pause.mode is PauseMode.PAUSE
        }
        await self.stop()
        if any(pause.until is not None for pause in self._pauses.values()):
            self._ends = asyncio.create_task(self._end(), name="ends of pauses")
        self._queue.wake()

    async def stop(self) -> None:
        """Wake nobody any more."""
        if self._ends is not None:
            self._ends.cancel()
            await asyncio.gather(self._ends, return_exceptions=True)
            self._ends = None

    async def _end(self) -> None:
        """Forget each pause when it is over, and let the jobs go."""
        while ends := [p.until for p in self._pauses.values() if p.until is not None]:
            await self._clock.sleep(max(0, min(ends) - self._clock.now()) / 1000)
            now = self._clock.now()
            self._pauses = {id_: p for id_, p in self._pauses.items() if p.active(now)}
            self._queue.wake()
