"""Whether the bot does its work, for whoever watches it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from bot.errors import StorageTrouble

log = logging.getLogger(__name__)

OVERDUE_MS: Final = 5 * 60_000
"""A message that is due for longer than this shows that nobody delivers."""

WANTED_MS: Final = 15 * 60_000
"""One that is wanted for longer than this does not arrive, however often it is tried. Making a
large video smaller takes less."""

FRESH_MS: Final = 1_000
"""An answer about the disk stands for this long, so that asking often costs no more."""

MIB: Final = 1024 * 1024


class Health:
    """Is Discord connected, the database writable, room on the disk, the mail out?

    ``ready``: whether the gateway is connected. ``write`` commits the text it is given.
    ``spare``: bytes that the disk has to spare for videos. ``late`` counts the messages that do
    not exist and were due at its first or wanted at its second time; ``now`` is in milliseconds
    since 1970. Nobody waits for any of them longer than ``limit`` seconds.
    """

    def __init__(
        self,
        *,
        ready: Callable[[], bool],
        write: Callable[[str], Awaitable[None]],
        spare: Callable[[], int],
        late: Callable[[int, int], Awaitable[int]],
        now: Callable[[], int],
        limit: float = 2.0,
    ) -> None:
        self._ready = ready
        self._write = write
        self._spare = spare
        self._late = late
        self._now = now
        self._probes = {
            "database": _Probe(self._check_database, now, limit),
            "disk": _Probe(self._check_disk, now, limit),
            "delivery": _Probe(self._check_delivery, now, limit),
        }

    async def troubles(self) -> dict[str, str | None]:
        """For each check the trouble in words, ``None`` where there is none."""
        answers = await asyncio.gather(*(probe.ask() for probe in self._probes.values()))
        gateway = None if self._ready() else "not connected to Discord"
        return {"gateway": gateway, **dict(zip(self._probes, answers, strict=True))}

    async def close(self) -> None:
        """Ask nothing any more."""
        await asyncio.gather(*(probe.close() for probe in self._probes.values()))

    async def _check_database(self) -> str | None:
        # A real commit: what is rolled back never leaves SQLite's memory, and neither does a
        # value that is there already, so neither would notice a full disk.
        await self._write(str(self._now()))
        return None

    async def _check_disk(self) -> str | None:
        spare = await asyncio.to_thread(self._spare)
        return None if spare > 0 else f"full: videos need {-spare // MIB + 1} MiB more"

    async def _check_delivery(self) -> str | None:
        now = self._now()
        late = await self._late(now - OVERDUE_MS, now - WANTED_MS)
        return f"{late} {'message is' if late == 1 else 'messages are'} overdue" if late else None


@dataclass(slots=True)
class _Probe:
    """A check that may hang: it runs once at a time and is not cancelled, as a cancelled
    transaction would itself wait for the disk.
    """

    check: Callable[[], Awaitable[str | None]]
    now: Callable[[], int]
    limit: float
    _task: asyncio.Task[str | None] | None = None
    _since: int = 0

    async def ask(self) -> str | None:
        """The trouble, ``None`` when there is none; at most ``FRESH_MS`` old."""
        task = self._task
        if task is None or (task.done() and not 0 <= self.now() - self._since < FRESH_MS):
            self._since = self.now()
            task = self._task = asyncio.create_task(self._run(), name="readiness")
        await asyncio.wait({task}, timeout=self.limit)
        return task.result() if task.done() else f"no answer within {self.limit:g} seconds"

    async def close(self) -> None:
        """Break the check off."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    async def _run(self) -> str | None:
        try:
            return await self.check()
        except StorageTrouble as error:
            return error.what
        except Exception as error:  # noqa: BLE001 - whatever it is, it is the trouble
            log.warning("a readiness check failed: %s", error)
            return f"failed with {type(error).__name__}"
