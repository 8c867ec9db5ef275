"""What kind of video file is it, and is all of it there?

Reads a few bytes at the places where a file says how long its parts are. A download that
broke off is found here: a player would show its beginning and then stop.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from bot.errors import Unusable

BOXES: Final = 100_000
"""Top-level parts that are walked; a fragmented video has some hundred."""

_EBML: Final = b"\x1a\x45\xdf\xa3"
_SEGMENT: Final = b"\x18\x53\x80\x67"
_HEAD: Final = 512
_BOX_HEAD: Final = 8


@dataclass(frozen=True, slots=True)
class Container:
    """A kind of file; ``demuxer`` is ffmpeg's name of it, ``extension`` begins with a dot."""

    content_type: str
    extension: str
    demuxer: str


MP4: Final = Container("video/mp4", ".mp4", "mov")
MOV: Final = Container("video/quicktime", ".mov", "mov")
WEBM: Final = Container("video/webm", ".webm", "matroska")

CUT_OFF: Final = "The video is incomplete: the file ends too early."


def look(path: Path, limit: int) -> Container:
    """The kind of a video file, whole and of at most ``limit`` bytes. Raises Unusable, OSError."""
    size = path.stat().st_size
    if not size:
        raise Unusable("The video is an empty file.")
    if size > limit:
        raise Unusable(f"The video is larger than {limit // 1024 // 1024} MiB.")
    with path.open("rb") as file:
        head = file.read(_HEAD)
        if head[4:8] == b"ftyp":
            _walk_boxes(file, size)
            return MOV if head[8:12] == b"qt  " else MP4
        if head.startswith(_EBML):
            return _webm(head, size)
    raise Unusable(_no_video(head))


def _no_video(head: bytes) -> str:
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith((b"<!doctype", b"<html", b"<?xml")):
        return "A web page came instead of a video."
    if text.startswith((b"{", b"[")):
        return "A message came instead of a video."
    return "The file is no video of a kind that can be posted (MP4, MOV, WEBM)."


def _walk_boxes(file: BinaryIO, size: int) -> None:
    """Check that every top-level box ends inside the file (ISO/IEC 14496-12, section 4.2)."""
    at = 0
    for _ in range(BOXES):
        if size - at < _BOX_HEAD:  # the end, perhaps with padding
            return
        file.seek(at)
        head = file.read(16)
        length = int.from_bytes(head[:4], "big")
        if length == 0:  # up to the end of the file
            return
        if length == 1:  # the length has 64 bits
            length = int.from_bytes(head[8:16], "big")
        if length < _BOX_HEAD or at + length > size:
            raise Unusable(CUT_OFF)
        at += length
    raise Unusable("The video is in too many pieces.")


def _webm(head: bytes, size: int) -> Container:
    """Check the segment's length; EBML (RFC 8794, sections 4 to 6) and Matroska (RFC 9559)."""
    if b"webm" not in head[:64]:
        raise Unusable("The file is a Matroska video; Discord plays MP4, MOV and WEBM.")
    length, at = _number(head, len(_EBML))
    at += length or 0
    if head[at : at + 4] != _SEGMENT:
        raise Unusable("The video cannot be read.")
    length, at = _number(head, at + len(_SEGMENT))
    if length is not None and at + length > size:
        raise Unusable(CUT_OFF)
    return WEBM


def _number(data: bytes, at: int) -> tuple[int | None, int]:
    """A variable-size integer and where it ends; ``None`` is EBML's "unknown length"."""
    first = data[at] if at < len(data) else 0
    width = 9 - first.bit_length()
    if not first or at + width > len(data):
        raise Unusable("The video cannot be read.")
    value = int.from_bytes(data[at : at + width], "big") & ((1 << (7 * width)) - 1)
    return (None if value == (1 << (7 * width)) - 1 else value), at + width
