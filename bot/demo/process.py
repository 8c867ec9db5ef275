"""The bot as it runs in production: a process of its own, told everything by its environment."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

PASSED_ON = ("PATH", "SYSTEMROOT", "LANG", "LC_ALL", "TMPDIR", "HOME")
"""What the bot inherits; anything else would make it depend on whose machine it is."""

ROOT = Path(__file__).resolve().parents[2]


def environment(settings: Mapping[str, str]) -> dict[str, str]:
    """The whole environment of a process of ours with these settings."""
    inherited = {name: os.environ[name] for name in PASSED_ON if name in os.environ}  # noqa: TID251 - another process's environment, not our settings
    return {**inherited, "PYTHONPATH": str(ROOT), **settings}


class BotProcess:
    """``pika-bot run`` with these settings; its log goes to a file."""

    program: tuple[str, ...] = ("-m", "bot", "run")
    """What Python is started with."""

    def __init__(self, settings: Mapping[str, str], folder: Path) -> None:
        self.settings = dict(settings)
        self.folder = folder
        self.log_path = folder / "bot.log"
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start it, again after it has ended; its folder with all it wrote stays the same.

        Its working directory is its own, so no ``.env`` of ours is read.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        with self.log_path.open("ab") as log:  # the process keeps it open for itself
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                *self.program,
                cwd=self.folder,
                env=environment(self.settings),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    @property
    def process(self) -> asyncio.subprocess.Process:
        """The running process. Raises ``RuntimeError`` before ``start``."""
        if self._process is None:
            raise RuntimeError("the bot was not started")
        return self._process

    @property
    def pid(self) -> int | None:
        """The id of the running process; None when none runs."""
        process = self._process
        return None if process is None or process.returncode is not None else process.pid

    async def stop(self, seconds: float = 10.0) -> int:
        """SIGTERM, and its exit code; SIGKILL when it takes longer than it may."""
        process = self.process
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
            try:
                async with asyncio.timeout(seconds):
                    await process.wait()
            except TimeoutError:
                process.kill()
        return await process.wait()

    async def kill(self) -> int:
        """SIGKILL: it gets no chance to do anything. Its exit code."""
        if self.process.returncode is None:
            self.process.kill()
        return await self.process.wait()

    def log(self) -> str:
        """Everything it has logged so far."""
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""
