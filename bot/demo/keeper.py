"""Keeps the bot's process: starts it, kills it, notices its end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any

from bot.demo.process import BotProcess


class BotKeeper:
    """One process of the bot after the other. Whoever asked for something may go away meanwhile:
    what was begun is finished.
    """

    def __init__(self, bot: BotProcess) -> None:
        self.bot = bot
        self.starts = 0
        self.since = time.time()
        self.exit_code: int | None = None
        self.failed = False
        self._asked_to_end = False
        self._changed: Callable[[], None] = lambda: None
        self._one_at_a_time = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()
        self._ended: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int | None:
        """The running process; None without one."""
        return self.bot.pid

    def log_tail(self, lines: int) -> list[str]:
        """The last lines of its log."""
        return self.bot.log().splitlines()[-lines:]

    def watch(self, changed: Callable[[], None]) -> None:
        """Call ``changed`` whenever the process began or ended."""
        self._changed = changed

    async def start(self) -> None:
        """Start a process unless one runs."""
        await self._finish(self._start())

    async def stop(self) -> None:
        """SIGTERM, and wait for its end."""
        await self._finish(self._end(self.bot.stop))

    async def kill(self) -> None:
        """SIGKILL, and wait for its end."""
        await self._finish(self._end(self.bot.kill))

    async def ended(self) -> None:
        """Wait until the process that runs now has ended. Returns at once without one."""
        if self._ended is not None:
            await asyncio.wait({self._ended})

    async def close(self) -> None:
        """Stop the bot for good."""
        await self.stop()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _finish(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        await asyncio.shield(task)

    async def _start(self) -> None:
        async with self._one_at_a_time:
            if self.bot.pid is not None:
                return
            await self.bot.start()
            self.starts += 1
            self.since, self.exit_code = time.time(), None
            self.failed = self._asked_to_end = False
            self._ended = asyncio.create_task(self._notice_end())
        self._changed()

    async def _end(self, how: Callable[[], Coroutine[Any, Any, int]]) -> None:
        async with self._one_at_a_time:
            if self.bot.pid is None:
                return
            self._asked_to_end = True
            await how()
            await self.ended()

    async def _notice_end(self) -> None:
        self.exit_code = await self.bot.process.wait()
        self.since = time.time()
        self.failed = not self._asked_to_end
        self._changed()
