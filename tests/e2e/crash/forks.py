"""Bots that need not import themselves: forked from a process that has imported everything.

Hundreds of bots are killed here, and three quarters of what such a life takes would be Python
reading modules, where there is no point to be killed at. A fork goes on at the first line of
``pika-bot run``, with an environment, a folder and a log of its own. All other tests start the
bot as an operator does.

This is also the script of that process. It reads a line of JSON for each fork (``command``: a
file of Python and its arguments; ``folder``, ``log``, ``environment``), and writes ``{"pid": …}``
for it and, when it has ended, ``{"pid": …, "code": …}``, as ``subprocess`` has codes. It ends with
its input.
"""

from __future__ import annotations

import asyncio
import json
import os
import runpy
import select
import signal
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

from bot.demo.process import environment

Json = dict[str, Any]

PREPARED = ("bot.app", "bot.cli", "anyio._backends._asyncio", "discord", "httpcore", "uvloop")
"""Modules that bring everything with them; the rest is imported while the bot runs."""


class Forked:
    """One fork, as far as it is used like an ``asyncio.subprocess.Process``."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._ended = asyncio.Event()

    async def wait(self) -> int:
        """Its exit code, once it has ended; a signal's number below zero."""
        await self._ended.wait()
        assert self.returncode is not None
        return self.returncode

    def ended(self, code: int) -> None:
        """Told by whoever waits for it in its place."""
        self.returncode = code
        self._ended.set()

    def send_signal(self, number: int) -> None:
        """Send a signal; nothing where it has ended."""
        if self.returncode is None:
            with suppress(ProcessLookupError):  # it has, and that is on its way to us
                os.kill(self.pid, number)

    def kill(self) -> None:
        """SIGKILL."""
        self.send_signal(signal.SIGKILL)


class Forks:
    """The process that forks. Use as an async context manager."""

    def __init__(self) -> None:
        self._living: dict[int, Forked] = {}
        self._turn = asyncio.Lock()

    async def __aenter__(self) -> Self:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            __file__,
            env=environment({}),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        self._begun: asyncio.Queue[Forked] = asyncio.Queue()
        self._listening = asyncio.create_task(self._listen())
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        await self._process.wait()
        await self._listening

    async def fork(
        self, *command: str, folder: Path, log: Path, environment: Mapping[str, str]
    ) -> Forked:
        """Run a file of Python with these arguments, in this folder; its output goes to a log."""
        wish = {
            "command": command,
            "folder": str(folder),
            "log": str(log),
            "environment": environment,
        }
        assert self._process.stdin is not None
        async with self._turn:
            self._process.stdin.write(json.dumps(wish).encode() + b"\n")
            begun = asyncio.ensure_future(self._begun.get())
            await asyncio.wait({begun, self._listening}, return_when=asyncio.FIRST_COMPLETED)
            if not begun.done():
                begun.cancel()
                raise RuntimeError("the process that forks has ended")
            return begun.result()

    async def _listen(self) -> None:
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            told = json.loads(line)
            if "code" in told:
                self._living.pop(told["pid"]).ended(told["code"])
            else:
                fork = self._living[told["pid"]] = Forked(told["pid"])
                self._begun.put_nowait(fork)


def _serve() -> Json | None:
    """Fork for each line that comes in; the line for whoever is a fork, ``None`` at the end."""
    for name in PREPARED:
        __import__(name)
    news, woken = os.pipe()
    for end in (news, woken):
        os.set_blocking(end, False)
    signal.set_wakeup_fd(woken, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    said = b""
    while True:
        ready, _, _ = select.select([0, news], [], [])
        if news in ready:
            os.read(news, 65_536)
            _tell_ends()
        if 0 in ready:
            more = os.read(0, 65_536)
            if not more:
                return None
            *lines, said = (said + more).split(b"\n")
            for line in lines:
                pid = os.fork()
                if pid == 0:
                    signal.set_wakeup_fd(-1)
                    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                    os.close(news)
                    os.close(woken)
                    wish: Json = json.loads(line)
                    return wish
                _tell(pid=pid)


def _tell_ends() -> None:
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if not pid:
            return
        _tell(pid=pid, code=os.waitstatus_to_exitcode(status))


def _tell(**what: int) -> None:
    os.write(1, json.dumps(what).encode() + b"\n")


def _become(wish: Json) -> None:
    """Be what was wished for, from here on."""
    os.chdir(wish["folder"])
    surroundings = os.environ  # noqa: TID251 - another process's environment, not our settings
    surroundings.clear()
    surroundings.update(wish["environment"])
    log = os.open(wish["log"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(source, target)
    os.close(log)
    os.close(nothing)
    sys.argv = wish["command"]
    runpy.run_path(sys.argv[0], run_name="__main__")


if __name__ == "__main__":
    wished = _serve()
    if wished is not None:
        _become(wished)
