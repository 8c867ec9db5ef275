"""Exchanges that may outlast the round which began them: one slow host holds nobody up."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection
from contextlib import suppress
from typing import TypeVar

from bot.clock import Clock
from bot.errors import StorageTrouble

log = logging.getLogger(__name__)

Key = tuple[str, int | str]
Errand = asyncio.Task[None]
T = TypeVar("T")


class Errands:
    """Runs errands in the background, each key once at a time."""

    def __init__(self, clock: Clock, seconds: float) -> None:
        self._clock = clock
        self._seconds = seconds
        self._running: dict[Key, Errand] = {}
        self._closed = False

    def __len__(self) -> int:
        return len(self._running)

    def begin(self, key: Key, work: Callable[[T], Awaitable[None]], about: T) -> list[Errand]:
        """Begin ``work(about)``, unless an errand of this key runs: then nothing was begun, and
        nobody waits for it again.
        """
        running = self._running.get(key)
        if self._closed or (running is not None and not running.done()):
            return []
        task = asyncio.create_task(self._guarded(key, work, about), name=f"errand {key}")
        self._running[key] = task
        task.add_done_callback(lambda ended: self._ended(key, ended))
        return [task]

    def _ended(self, key: Key, errand: Errand) -> None:
        if self._running.get(key) is errand:
            del self._running[key]

    async def wait(self, errands: Collection[Errand]) -> None:
        """Until all of them have ended, but only so long: the rest goes on by itself."""
        pending = {errand for errand in errands if not errand.done()}
        if not pending:
            return
        alarm = asyncio.ensure_future(self._clock.sleep(self._seconds))
        try:
            while pending and not alarm.done():
                await asyncio.wait({alarm, *pending}, return_when=asyncio.FIRST_COMPLETED)
                pending = {errand for errand in pending if not errand.done()}
        finally:
            alarm.cancel()
            with suppress(asyncio.CancelledError):
                await alarm

    async def settle_down(self) -> None:
        """Return when nothing is under way."""
        while self._running:
            await asyncio.wait(self._running.values())

    async def finish(self, seconds: float) -> None:
        """Begin nothing more, give what is under way ``seconds`` of real time, and break off the
        rest.
        """
        self._closed = True
        if self._running:
            await asyncio.wait(self._running.values(), timeout=seconds)
        await self.close()

    async def close(self) -> None:
        """Break off what is under way, and begin nothing more."""
        self._closed = True
        running = list(self._running.values())
        for errand in running:
            errand.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    async def _guarded(self, key: Key, work: Callable[[T], Awaitable[None]], about: T) -> None:
        try:
            await work(about)
        except StorageTrouble:
            log.debug("%s %s must wait for the storage", *key)  # the database has told why
        except Exception:
            log.exception("%s %s went wrong; the next round tries again", *key)
