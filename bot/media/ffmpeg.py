"""Runs ffmpeg on files we do not trust: no network, low priority, bounded time and output."""

from __future__ import annotations

import asyncio
import functools
import shutil
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import imageio_ffmpeg  # type: ignore[import-untyped]  # ships no types

OUTPUT_LIMIT: Final = 4 * 1024 * 1024
"""Bytes of each output that are kept; more is read and dropped."""

_ENVIRONMENT: Final = {"LC_ALL": "C"}
"""All the child gets: ours holds tokens."""


@dataclass(frozen=True, slots=True)
class Ran:
    """How a run ended: exit code and the beginning of both outputs."""

    code: int
    out: str
    err: str


@functools.cache
def find_ffmpeg() -> str:
    """Path of the ffmpeg that came with imageio-ffmpeg, else of the system's.

    Raises FileNotFoundError if there is none. Looks at the disk once.
    """
    try:
        return str(imageio_ffmpeg.get_ffmpeg_exe())
    except RuntimeError:
        found = shutil.which("ffmpeg")
    if found is None:
        raise FileNotFoundError("no ffmpeg found: install imageio-ffmpeg or ffmpeg")
    return found


MEMORY_LIMIT: Final = 3 * 1024**3
"""Bytes of address space a run may take, where the system has ``prlimit``."""

CPU_SECONDS: Final = 900
"""Seconds of all cores together that a run may take, where the system has ``prlimit``: more than
any run here may take by the clock, in case that is not looked at any more."""


@functools.cache
def _bounds() -> tuple[str, ...]:
    """The commands in front of ffmpeg that keep it polite, as far as this system has them."""
    nice, prlimit = shutil.which("nice"), shutil.which("prlimit")
    polite = () if nice is None else (nice, "-n", "10")
    limits = (f"--as={MEMORY_LIMIT}", f"--cpu={CPU_SECONDS}", "--core=0")
    bounded = () if prlimit is None else (prlimit, *limits)
    return (*polite, *bounded)


async def run(
    arguments: Sequence[str], *, seconds: float, told: Callable[[float], None] | None = None
) -> Ran:
    """Run ffmpeg with ``arguments``; it is dead when this returns, fails or is cancelled.

    ``told`` is called about twice a second with how many seconds of output are made; it must not
    raise. ffmpeg's standard output is spent on that then.

    Raises TimeoutError after ``seconds``, OSError if it cannot be started.
    """
    program = await asyncio.to_thread(find_ffmpeg)
    process = await asyncio.create_subprocess_exec(
        *_bounds(),
        program,
        "-nostdin",
        "-hide_banner",
        *(() if told is None else _REPORT),
        *arguments,
        stdin=DEVNULL,
        stdout=PIPE,
        stderr=PIPE,
        env=_ENVIRONMENT,
    )
    try:
        async with asyncio.timeout(seconds):
            heard = _head(process.stdout) if told is None else _follow(process.stdout, told)
            out, err = await asyncio.gather(heard, _head(process.stderr))
            code = await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()
    return Ran(code, out, err)


_REPORT: Final = ("-nostats", "-progress", "pipe:1")
"""Has ffmpeg write lines of ``name=value`` (ffmpeg docs, ffmpeg.html, "-progress")."""


async def _follow(stream: asyncio.StreamReader | None, told: Callable[[float], None]) -> str:
    """Pass on how far it says it is; nothing of its output is kept."""
    rest = b""
    while stream is not None and (piece := await stream.read(65_536)):
        *lines, rest = (rest + piece).split(b"\n")
        rest = rest[:_LINE]
        made = [line.removeprefix(_MADE) for line in lines if line.startswith(_MADE)]
        if made and made[-1].strip().isdigit():  # at first it may be "N/A"
            told(int(made[-1]) / 1_000_000)
    return ""


_MADE: Final = b"out_time_us="
_LINE: Final = 200
"""Bytes of a line that is not whole yet; ffmpeg's are far shorter."""


async def _head(stream: asyncio.StreamReader | None) -> str:
    kept = bytearray()
    while stream is not None and (piece := await stream.read(65_536)):
        kept += piece[: OUTPUT_LIMIT - len(kept)]
    return kept.decode("utf-8", "replace")
