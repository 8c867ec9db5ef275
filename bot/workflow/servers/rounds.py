"""Doing something again and again, whatever goes wrong with it once."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bot.clock import Clock
from bot.errors import StorageTrouble
from bot.store.database import Database

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Rounds:
    """Does ``work`` every ``seconds``, when the storage works. ``name`` says in the log what."""

    database: Database
    clock: Clock
    name: str
    seconds: float
    work: Callable[[], Awaitable[None]]

    async def run(self) -> None:
        """Until cancelled, which may happen anywhere in ``work``."""
        while True:
            await self.database.works()
            try:
                await self.work()
            except StorageTrouble:
                log.debug("%s must wait for the storage", self.name)  # the database has told why
            except Exception:
                log.exception("%s went wrong; the next round tries again", self.name)
            await self.clock.sleep(self.seconds)
