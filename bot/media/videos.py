"""Is this a video that can be posted?"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final

from bot.errors import Unreachable, Unusable
from bot.media import containers, ffmpeg
from bot.media.bounded import Places

VIDEO_LIMIT: Final = 200 * 1024 * 1024
"""Bytes of a video that are taken; Pika's have about half a million."""

LENGTH_LIMIT: Final = 120
"""Seconds of a video that are taken; Pika's have three to ten."""

PIXEL_LIMIT: Final = 36_000_000
"""Pixels of one frame that are decoded: 8K."""

CHECK_SECONDS: Final = 60.0

_places: Final = Places()

_SIDES: Final = re.compile(r"^#dimensions 0: (\d+)x(\d+)$", re.MULTILINE)
_TICK: Final = re.compile(r"^#tb 0: (\d+)/(\d+)$", re.MULTILINE)
_PACKET: Final = re.compile(r"^0, *-?\d+, *(-?\d+), *(\d+), *\d+, 0x", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class CheckedVideo:
    """What a video really is: length in seconds, sides in pixels, ``extension`` like ``.mp4``."""

    seconds: float
    width: int
    height: int
    content_type: str
    extension: str


async def check_video(path: Path) -> CheckedVideo:
    """Look into the file at ``path``: whole, of a kind that Discord plays, within limits.

    The first frame is decoded and every packet read, which takes a core some hundredths of a
    second. Raises Unusable; Unreachable when it could not be examined now.
    """
    async with _places:
        try:
            kind = await asyncio.to_thread(containers.look, path, VIDEO_LIMIT)
            ran = await ffmpeg.run(_arguments(path, kind), seconds=CHECK_SECONDS)
        except TimeoutError:
            raise Unreachable("The video could not be examined in time.") from None
        except OSError as error:
            why = f"The video could not be examined: {type(error).__name__}."
            raise Unreachable(why) from error
    return _judge(ran, kind)


def source(path: Path, kind: containers.Container) -> list[str]:
    """The arguments with which ffmpeg reads a video that may be malicious.

    The demuxer is named and files are all it may open, so no playlist inside can lead
    elsewhere (ffmpeg docs, protocols, ``protocol_whitelist``).
    """
    limits = ["-v", "error", "-threads", "1", "-max_pixels", str(PIXEL_LIMIT)]
    only_this = ["-protocol_whitelist", "file", "-f", kind.demuxer, "-i", f"file:{path.resolve()}"]
    return [*limits, *only_this]


def _arguments(path: Path, kind: containers.Container) -> list[str]:
    """The first frame decoded, told on stderr; every packet's time, told on stdout.

    ``framecrc`` is ffmpeg's format for machines.
    """
    frame = ["-map", "0:v:0", "-frames:v", "1", "-f", "framecrc", "pipe:2"]
    packets = ["-map", "0:v:0", "-c", "copy", "-t", str(LENGTH_LIMIT + 2), "-f", "framecrc"]
    return [*source(path, kind), *frame, *packets, "pipe:1"]


def _judge(ran: ffmpeg.Ran, kind: containers.Container) -> CheckedVideo:
    sides, tick = _SIDES.search(ran.out), _TICK.search(ran.out)
    decoded = _PACKET.search(ran.err) is not None
    if ran.code or not decoded or sides is None or tick is None:
        raise Unusable("The video cannot be played: no picture in it can be read.")
    times = [(int(pts), int(duration)) for pts, duration in _PACKET.findall(ran.out)]
    begin = min((pts for pts, _ in times), default=0)
    end = max((pts + duration for pts, duration in times), default=0)
    seconds = float((end - begin) * Fraction(int(tick[1]), int(tick[2]) or 1))
    if seconds <= 0:
        raise Unusable("The video has no length.")
    if seconds > LENGTH_LIMIT:
        raise Unusable(f"The video is longer than {LENGTH_LIMIT} seconds.")
    width, height = int(sides[1]), int(sides[2])
    return CheckedVideo(round(seconds, 3), width, height, kind.content_type, kind.extension)
