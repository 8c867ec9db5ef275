"""Rendering: from a scene to an MP4 on disk (H.264, yuv420p, faststart)."""

from __future__ import annotations

import asyncio
import hashlib
import importlib
import os
import shutil
import struct
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final, ParamSpec, TypeVar

from bot.sandbox.pika.picture import Stills, draw
from bot.sandbox.pika.scene import SECONDS, Scene, frame_size

P = ParamSpec("P")
T = TypeVar("T")

_CONCURRENT: Final = 2
_NICENESS: Final = 10
_MEGABYTE: Final = 1_000_000

_INSTANT: Final = Scene(
    command="create",
    words="instant",
    message="",
    camera="",
    width=256,
    height=144,
    fps=24,
    motion=1,
    seed=0,
    image=None,
    mask=None,
    key=hashlib.sha256(b"instant").hexdigest(),
)
_instant_bytes: list[bytes] = []


class NoEncoder(RuntimeError):
    """Neither the package imageio-ffmpeg nor a system ffmpeg is there."""


class EncodingFailed(RuntimeError):
    """ffmpeg ended with an error; the text is its own."""


@dataclass(frozen=True, slots=True)
class Clip:
    """A finished MP4: where it is, its digest, its size in bytes and in pixels."""

    path: Path
    sha256: str
    size: int
    width: int
    height: int


def find_ffmpeg() -> str:
    """Return the path of ffmpeg: that of imageio-ffmpeg, else the system's, else NoEncoder."""
    with suppress(ImportError, RuntimeError):
        return str(importlib.import_module("imageio_ffmpeg").get_ffmpeg_exe())
    found = shutil.which("ffmpeg")
    if found is None:
        message = "no ffmpeg: install the package imageio-ffmpeg, or ffmpeg itself"
        raise NoEncoder(message)
    return found


class Renderer:
    """Makes clips in a folder; the same scene is rendered once.

    `video` takes the place of every video; `instant` of every rendering by one small clip that
    is made once per process (so `-ar` and `-fps` have no effect then).
    """

    def __init__(self, folder: Path, *, instant: bool, video: bytes | None) -> None:
        self._folder = folder
        self._instant = instant
        self._video = video
        self._tasks: dict[str, asyncio.Task[Clip]] = {}
        self._slots = asyncio.Semaphore(_CONCURRENT)
        self._threads = ThreadPoolExecutor(_CONCURRENT, "renderer")

    async def make(
        self, scene: Scene, *, size_mb: float | None = None, video: bytes | None = None
    ) -> Clip:
        """Return the clip of a scene, grown to `size_mb`, or one of the given bytes.

        Raises NotAPicture for an upload that cannot be opened, NoEncoder, EncodingFailed.
        """
        given = video if video is not None else self._video
        if given is not None:
            key = "given-" + hashlib.sha256(given).hexdigest()
            clip = await self._once(key, lambda: self._keep(key, given, *frame_size(None)))
        elif self._instant:
            clip = await self._once("instant", self._keep_instant)
        else:
            clip = await self._once(scene.key, lambda: self._render(scene))
        if size_mb is None:
            return clip
        key = f"{clip.path.stem}-{size_mb:g}"
        return await self._once(key, lambda: self._grown(key, clip, int(size_mb * _MEGABYTE)))

    async def close(self) -> None:
        """Break off what is being rendered."""
        tasks = [task for task in self._tasks.values() if not task.done()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        # A thread knows nothing of a cancel, and the folder it writes to goes next.
        await asyncio.to_thread(self._threads.shutdown)

    async def _in_thread(self, work: Callable[P, T], *args: P.args, **options: P.kwargs) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, partial(work, *args, **options))

    async def _once(self, key: str, work: Callable[[], Coroutine[object, object, Clip]]) -> Clip:
        """Do a piece of work once; whoever wants it meanwhile waits for the same."""
        task = self._tasks.get(key)
        if task is None:
            task = self._tasks[key] = asyncio.get_running_loop().create_task(work())
            # Nobody may be left to hear of a failure when the job was cancelled.
            task.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
        return await asyncio.shield(task)

    async def _keep(self, key: str, data: bytes, width: int, height: int) -> Clip:
        return await self._in_thread(_written, self._folder / f"{key}.mp4", data, width, height)

    async def _keep_instant(self) -> Clip:
        if not _instant_bytes:
            _instant_bytes.append((await self._render(_INSTANT)).path.read_bytes())
        return await self._keep("instant", _instant_bytes[0], _INSTANT.width, _INSTANT.height)

    async def _grown(self, key: str, clip: Clip, size: int) -> Clip:
        target = self._folder / f"{key}.mp4"
        return await self._in_thread(_padded, clip, target, size)

    async def _render(self, scene: Scene) -> Clip:
        async with self._slots:
            stills = await self._in_thread(draw, scene)
            ground = self._folder / f"{scene.key}.ppm"
            overlay = self._folder / f"{scene.key}.png"
            target = self._folder / f"{scene.key}.mp4"
            try:
                await self._in_thread(ground.write_bytes, stills.background)
                await self._in_thread(overlay.write_bytes, stills.overlay)
                await _run(find_ffmpeg(), _arguments(scene, stills, ground, overlay, target))
            finally:
                ground.unlink(missing_ok=True)
                overlay.unlink(missing_ok=True)
            return await self._in_thread(_described, target, scene.width, scene.height)


def _arguments(
    scene: Scene, stills: Stills, ground: Path, overlay: Path, target: Path
) -> tuple[str, ...]:
    """Write the command line. One thread and bit-exact muxing, so that bytes repeat."""
    frames = SECONDS * scene.fps
    graph = (
        f"[0:v]format=yuv420p,{_movement(scene, stills, frames)}[moving];"
        "[moving][1:v]overlay=0:0:format=yuv420[out]"
    )
    exact = ("-map_metadata", "-1", "-fflags", "+bitexact", "-flags:v", "+bitexact")
    quiet = ("-nostdin", "-hide_banner", "-loglevel", "error", "-y")
    inputs = ("-i", str(ground), "-i", str(overlay))
    filters = ("-filter_complex_threads", "1", "-filter_complex", graph, "-map", "[out]")
    shape = ("-frames:v", str(frames), "-r", str(scene.fps), "-pix_fmt", "yuv420p", "-an")
    coder = ("-c:v", "libx264", "-preset", "veryfast", "-crf", "23", "-threads", "1")
    return (*quiet, *inputs, *filters, *shape, *coder, "-movflags", "+faststart", *exact,
            str(target))  # fmt: skip


def _movement(scene: Scene, stills: Stills, frames: int) -> str:
    """Return the filter that lets the camera move as `-camera` says, or drift."""
    size = f"{scene.width}:{scene.height}"
    still = f"loop=loop={frames - 1}:size=1:start=0,setpts=N/{scene.fps}/TB"
    part = f"(t/{SECONDS})"
    centre = f"crop={size}"
    match scene.camera.split():
        case ["zoom", way]:
            grow = f"0.3*on/{frames}" if way == "in" else f"0.3*(1-on/{frames})"
            area = f"s={scene.width}x{scene.height}:d={frames}:fps={scene.fps}"
            return f"zoompan=z='1+{grow}':x='iw/2-iw/zoom/2':y='ih/2-ih/zoom/2':{area}"
        case ["rotate", way]:
            sign = "" if way in {"cw", "clockwise"} else "-"
            return f"{still},rotate='{sign}0.2*{part}':fillcolor=gray,{centre}"
        case ["pan", *ways]:
            x, y = _travel(set(ways), part)
        case _:
            number = int(scene.key[-1], 16)
            ways = [("left", "right")[number & 1], ("up", "down")[number >> 1 & 1]]
            x, y = _travel(set(ways), part)
    width, height = stills.width - scene.width, stills.height - scene.height
    return f"{still},crop={size}:x='{width}*{x}':y='{height}*{y}'"


def _travel(ways: set[str], part: str) -> tuple[str, str]:
    """Return how the window travels over the margin: 0..1 in both directions."""
    x = part if "right" in ways else f"(1-{part})" if "left" in ways else "0.5"
    y = part if "down" in ways else f"(1-{part})" if "up" in ways else "0.5"
    return x, y


async def _run(program: str, arguments: tuple[str, ...]) -> None:
    process = await asyncio.create_subprocess_exec(
        program,
        *arguments,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    with suppress(AttributeError, OSError):  # not on Windows, or it has ended already
        os.setpriority(os.PRIO_PROCESS, process.pid, _NICENESS)
    try:
        _, said = await process.communicate()
    except BaseException:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        raise
    if process.returncode != 0:
        raise EncodingFailed(said.decode("utf-8", "replace").strip()[-500:])


def _written(path: Path, data: bytes, width: int, height: int) -> Clip:
    path.write_bytes(data)
    return _described(path, width, height)


def _described(path: Path, width: int, height: int) -> Clip:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return Clip(path, digest, path.stat().st_size, width, height)


def _padded(clip: Clip, target: Path, size: int) -> Clip:
    """Copy a clip and append a `free` box (ISO 14496-12, 8.1.2): players skip it."""
    shutil.copyfile(clip.path, target)
    missing = size - clip.size
    if missing >= struct.calcsize(">I4s"):
        with target.open("r+b") as file:
            file.seek(0, os.SEEK_END)
            file.write(struct.pack(">I4s", missing, b"free"))
            file.truncate(size)
    return _described(target, clip.width, clip.height)
