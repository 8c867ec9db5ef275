"""Makes a video small enough for a server that takes no more."""

from __future__ import annotations

import asyncio
import math
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from bot.errors import NotStored, Unreachable, Unusable
from bot.media import containers, ffmpeg, videos
from bot.media.bounded import Places
from bot.media.room import Room, not_stored
from bot.media.videos import VIDEO_LIMIT, CheckedVideo, check_video

FIT_SECONDS: Final = 300.0
"""Time one pass may take."""

SHARES: Final = (0.94, 0.80)
"""Shares of the limit that are aimed at: an encoder keeps to its target only roughly."""

AUDIO_BITS: Final = 64_000
"""Bits per second for sound, where there is any."""

LEAST_BITS_PER_PIXEL: Final = 0.04
"""Below this a smaller picture looks better than more of the same one (a rule of thumb for
H.264; seen on our own clips)."""

FRAME_RATE: Final = 24

_FULL_DISK: Final = ("No space left on device", "Disk quota exceeded", "File too large")
"""How ffmpeg ends its complaint when the disk took no more (``strerror`` of the C library)."""

_places: Final = Places()


FIRST_PASS: Final = 30
"""Percent of the work that the first pass is counted as (seen on our own clips)."""

Told = Callable[[int], None]
"""Is told percents from 0 to 99, as it goes on; once more from 0 where a copy came out too large
and is made anew. It must not raise."""


async def fit(source: Path, to: Path, *, limit: int, told: Told | None = None) -> int:
    """Encode ``source`` again as ``to``, an MP4 of at most ``limit`` bytes; its size in bytes.

    Two passes of H.264 at the bit rate that fills the limit, the picture scaled down where
    that rate is too thin for it. Raises ``Unusable`` when it does not get that small,
    ``Unreachable`` when it could not be encoded now, ``NotStored`` when our disk has no room.
    """
    video = await check_video(source)
    await asyncio.to_thread(Room(to.parent).check, limit)
    async with _places:
        for share in SHARES:
            size = await _encode(source, to, video, int(limit * share), limit, told)
            if size <= limit:
                return size
    raise Unusable(f"The video does not fit into {limit:,} bytes.")


async def _encode(
    source: Path, to: Path, video: CheckedVideo, target: int, limit: int, told: Told | None
) -> int:
    """Encode for ``target`` bytes; the size. It is ``to`` only if ``limit`` allows."""
    rate = int(target * 8 / video.seconds) - AUDIO_BITS
    if rate < 10_000:
        raise Unusable(f"A video of {video.seconds:g} s does not fit into {target:,} bytes.")
    part = _part(to)
    try:
        with tempfile.TemporaryDirectory(dir=to.parent) as folder:
            kind = await asyncio.to_thread(containers.look, source, VIDEO_LIMIT)
            read = videos.source(source, kind)
            first, second = _passes(read, part, video, rate, limit, f"{folder}/pass")
            await _run(first, _part_of(0, FIRST_PASS, video, told))
            await _run(second, _part_of(FIRST_PASS, 100, video, told))
        return await asyncio.to_thread(_keep, part, to, limit)
    except OSError as error:
        raise not_stored(error) from error
    finally:
        with suppress(OSError):
            await asyncio.to_thread(part.unlink, missing_ok=True)


def _part(to: Path) -> Path:
    return to.with_name(f"{to.name}.part")


def _passes(
    read: list[str], to: Path, video: CheckedVideo, rate: int, limit: int, log: str
) -> tuple[list[str], list[str]]:
    """The first picture track, which is the one that was checked, and the first sound, hardly
    longer than it. What grows beyond the limit is broken off: it would not be kept.
    """
    picture = ["-map", "0:v:0", "-t", f"{video.seconds + 1:.3f}", "-vf", _scale(video, rate)]
    picture += ["-c:v", "libx264", "-preset", "fast", "-pix_fmt", "yuv420p"]
    picture += ["-b:v", str(rate), "-maxrate", str(rate), "-bufsize", str(2 * rate)]
    picture += ["-threads", "2", "-passlogfile", log]
    sound = ["-map", "0:a:0?", "-c:a", "aac", "-b:a", str(AUDIO_BITS)]
    container = ["-fs", str(2 * limit), "-movflags", "+faststart", "-f", "mp4"]
    return (
        ["-y", *read, *picture, "-pass", "1", "-an", "-f", "null", "-"],
        ["-y", *read, *picture, "-pass", "2", *sound, *container, f"file:{to.resolve()}"],
    )


def _keep(part: Path, to: Path, limit: int) -> int:
    """Name it only if it fits: who finds the name after a kill takes it for a copy that does."""
    size = part.stat().st_size
    if size <= limit:
        part.replace(to)
    return size


def _scale(video: CheckedVideo, rate: int) -> str:
    """The filter that makes the picture as large as ``rate`` can fill, never larger."""
    affordable = rate / FRAME_RATE / LEAST_BITS_PER_PIXEL
    share = min(1.0, math.sqrt(affordable / (video.width * video.height)))
    width, height = (max(16, int(side * share) // 2 * 2) for side in (video.width, video.height))
    return f"scale={width}:{height}"


def _part_of(
    begin: int, end: int, video: CheckedVideo, told: Told | None
) -> Callable[[float], None] | None:
    """Tells how far a pass has come that is counted from ``begin`` to ``end`` percent."""
    if told is None:
        return None

    def made(seconds: float) -> None:
        done = min(1.0, seconds / video.seconds)
        told(min(99, int(begin + (end - begin) * done)))

    return made


async def _run(arguments: list[str], made: Callable[[float], None] | None) -> None:
    try:
        ran = await ffmpeg.run(arguments, seconds=FIT_SECONDS, told=made)
    except TimeoutError:
        raise Unreachable("The video could not be made smaller in time.") from None
    except OSError as error:
        raise Unreachable(f"The encoder did not start: {type(error).__name__}.") from error
    if ran.code and any(words in ran.err for words in _FULL_DISK):
        raise NotStored("The disk is full.")
    if ran.code:
        raise Unusable("The video could not be made smaller.")
