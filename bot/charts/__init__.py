"""Pictures of numbers, drawn by a process of its own that ends with each picture.

The library that draws takes a second to load, much memory, and the interpreter for as long as
it works: nobody who waits for an answer shall notice. The process is told nothing but the
numbers.
"""

from __future__ import annotations

import asyncio
import json
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Awaitable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

SECONDS: Final = 30.0
"""What one picture may take: a second, but the first one ever looks for fonts."""

_ROOT: Final = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Bar:
    """What happened on one day. ``began_at`` is its midnight in UTC."""

    began_at: int
    credits: int
    failed: int


class NotDrawnError(Exception):
    """There is no picture."""


class Charts:
    """Draws, one picture at a time. ``folder`` keeps what the library finds out about fonts."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._turn = asyncio.Lock()

    async def usage(self, days: Awaitable[Sequence[Bar]]) -> bytes:
        """A PNG of the credits used on each of these days. Raises ``NotDrawnError``, and what
        ``days`` raises.

        The process gets ready while the numbers are still being read.
        """
        async with self._turn:
            try:
                process = await self._start()
            except OSError as error:
                raise NotDrawnError(f"{type(error).__name__}: {error}") from error
            try:
                return await _draw(process, await days)
            finally:
                if process.returncode is None:
                    process.kill()
                    await process.wait()

    async def _start(self) -> Process:
        return await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bot.charts",
            stdin=PIPE, stdout=PIPE, stderr=DEVNULL, cwd=_ROOT,
            env={
                "PYTHONPATH": str(_ROOT),
                "MPLCONFIGDIR": str(self._folder.absolute()),
                "OPENBLAS_NUM_THREADS": "1",
                "LC_ALL": "C.UTF-8",
            },
        )  # fmt: skip


async def _draw(process: Process, days: Sequence[Bar]) -> bytes:
    numbers = json.dumps([asdict(day) for day in days]).encode()
    try:
        async with asyncio.timeout(SECONDS):
            picture, _ = await process.communicate(numbers)
    except (OSError, TimeoutError) as error:
        raise NotDrawnError(f"{type(error).__name__}: {error}") from error
    if process.returncode != 0:
        raise NotDrawnError(f"the drawing process ended with {process.returncode}")
    return picture
