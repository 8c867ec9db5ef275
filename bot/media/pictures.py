"""Is this a picture that Pika can use?

The texts of Unusable are for the person who gave the picture: they say what to change.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO, Final

from bot.errors import Unusable
from bot.media.bounded import Places

PICTURE_LIMIT: Final = 20 * 1024 * 1024
"""Bytes of a picture that are taken; Pika documents no limit of its own."""

PIXEL_LIMIT: Final = 50_000_000
SIDE_LIMIT: Final = 16_384
HEAD: Final = 32

SCANS_LIMIT: Final = 100
"""Passes over its picture that a JPEG may make; usual ones make 1 to 12. A scan that changes
nothing has 26 bytes and costs a decoder milliseconds, so a file of 20 MiB could cost an hour."""

BUFFERED_LIMIT: Final = 12_000_000
"""Pixels of a JPEG in several scans that is decoded: decoders hold all of it meanwhile, at whatever
size it is wanted (72 MB for this one). Of a larger one only the frame and the end are looked at."""

PNG: Final = "image/png"
JPEG: Final = "image/jpeg"
WEBP: Final = "image/webp"

_NAMES: Final = {PNG: "PNG", JPEG: "JPEG", WEBP: "WEBP"}
_SUFFIXES: Final = {
    ".png": PNG,
    ".jpg": JPEG,
    ".jpeg": JPEG,
    ".jpe": JPEG,
    ".jfif": JPEG,
    ".webp": WEBP,
}
_ALIASES: Final = {"image/jpg": JPEG, "image/pjpeg": JPEG, "image/x-png": PNG}
_UNKNOWN: Final = frozenset({"", "application/octet-stream"})
_WEBP_ANIMATED: Final = 0x02
_places: Final = Places()

_KINDS: Final = "Use a PNG, JPEG or WEBP picture."
_BROKEN: Final = "The picture is damaged or incomplete. Save or upload it again."


@dataclass(frozen=True, slots=True)
class CheckedPicture:
    """What a picture really is; sides in pixels."""

    content_type: str
    width: int
    height: int


def check_declared(filename: str, content_type: str | None, size: int) -> None:
    """A first look at what Discord says of an attachment, before it is fetched.

    ``size`` is in bytes. Raises Unusable.
    """
    _check_size(size)
    told, named = _declared(content_type), _SUFFIXES.get(_suffix(filename))
    if told is None and named is None:
        raise Unusable(f"{_shown(filename)} is no picture that Pika takes. {_KINDS}")
    if told is not None and told not in _NAMES:
        raise Unusable(f"{_shown(filename)} is of type {_shown(told)}. {_KINDS}")
    if _suffix(filename) and named is None:
        raise Unusable(f"Pika takes no {_shown(_suffix(filename))} files. {_KINDS}")


async def check_picture(path: Path, *, filename: str, declared: str) -> CheckedPicture:
    """Look into the file at ``path``: a still PNG, JPEG or WEBP that is whole.

    ``filename`` and ``declared`` (a content type, may be empty) are what was said of it; a
    file that is something else is refused. Raises Unusable.
    """
    return await _places.in_thread(partial(_check, path, filename, declared))


def _check(path: Path, filename: str, declared: str) -> CheckedPicture:
    try:
        with path.open("rb") as file:
            size = path.stat().st_size
            _check_size(size)
            kind = _kind(file.read(HEAD))
            _check_honest(kind, filename, declared)
            file.seek(0)
            width, height = _examine(kind, file, size)
    except FileNotFoundError:
        raise Unusable("The picture is no longer stored. Attach it again.") from None
    return CheckedPicture(kind, width, height)


def _examine(kind: str, file: BinaryIO, size: int) -> tuple[int, int]:
    """Sides of the picture, after enough reading to know that it is whole.

    Pillow's readers are used directly: ``Image.open`` would judge by a global pixel limit and
    warn the whole process. What is read costs little memory: a PNG's checksums, a JPEG at an
    eighth of its size unless it is too much to hold, a WEBP's structure.
    """
    # Not at every start: this is a thread, and most members send no pictures.
    from PIL import JpegImagePlugin, PngImagePlugin, WebPImagePlugin  # noqa: PLC0415

    try:
        if kind == WEBP:
            _check_webp(file.read(HEAD), size)
            file.seek(0)
            with WebPImagePlugin.WebPImageFile(file) as webp:
                _check_still(getattr(webp, "is_animated", False))
                return _check_sides(*webp.size)
        if kind == PNG:
            with PngImagePlugin.PngImageFile(file) as png:
                _check_still(getattr(png, "is_animated", False))
                sides = _check_sides(*png.size)
                png.verify()
                return sides
        with JpegImagePlugin.JpegImageFile(file) as jpeg:
            sides = _check_sides(*jpeg.size)
            if _check_scans(file) == 1 or sides[0] * sides[1] <= BUFFERED_LIMIT:
                jpeg.draft("RGB", (max(1, sides[0] // 8), max(1, sides[1] // 8)))
                jpeg.load()
            return sides
    except Unusable:
        raise
    except (OSError, SyntaxError, ValueError, EOFError, struct.error, MemoryError) as error:
        raise Unusable(_BROKEN) from error


def _check_size(size: int) -> None:
    if size <= 0:
        raise Unusable("The picture is an empty file. Attach it again.")
    if size > PICTURE_LIMIT:
        raise Unusable(
            f"The picture has {size / 1024 / 1024:.1f} MiB; "
            f"at most {PICTURE_LIMIT // 1024 // 1024} MiB are taken. Make it smaller."
        )


def _check_sides(width: int, height: int) -> tuple[int, int]:
    if width < 1 or height < 1:
        raise Unusable(_BROKEN)
    if width > SIDE_LIMIT or height > SIDE_LIMIT or width * height > PIXEL_LIMIT:
        raise Unusable(
            f"The picture is {width} x {height} pixels; at most {PIXEL_LIMIT // 1_000_000} "
            f"million and {SIDE_LIMIT} a side are taken. Make it smaller."
        )
    return width, height


def _check_still(animated: bool) -> None:
    if animated:
        raise Unusable("The picture is animated. Use a still one, for example its first frame.")


def _check_scans(file: BinaryIO) -> int:
    """How many scans a JPEG has whose first one begins where ``file`` is.

    In their data 0xFF is followed by zero or a restart (ITU-T T.81, B.1.1.5), so whatever looks
    like a marker is one.
    """
    at = file.tell()
    rest = file.read()
    file.seek(at)
    scans = 1 + rest.count(b"\xff\xda")
    if b"\xff\xd9" not in rest:
        raise Unusable(_BROKEN)
    if scans > SCANS_LIMIT:
        raise Unusable("The picture is saved in too many passes. Save it as an ordinary JPEG.")
    return scans


def _check_webp(head: bytes, size: int) -> None:
    """What must be known before the decoder reserves memory for the canvas it reads of.

    Layout: RFC 9649, sections 2.4 to 2.7.
    """
    if int.from_bytes(head[4:8], "little") + 8 > size:
        raise Unusable(_BROKEN)
    if head[12:16] == b"VP8X":
        _check_still(bool(head[20] & _WEBP_ANIMATED))
        width = 1 + int.from_bytes(head[24:27], "little")
        height = 1 + int.from_bytes(head[27:30], "little")
        _check_sides(width, height)


def _kind(head: bytes) -> str:
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return PNG
    if head.startswith(b"\xff\xd8\xff"):
        return JPEG
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return WEBP
    raise Unusable(f"The file is no picture that Pika takes. {_KINDS}")


def _check_honest(kind: str, filename: str, declared: str) -> None:
    told = (_declared(declared), _SUFFIXES.get(_suffix(filename)))
    for claim in told:
        if claim is not None and claim != kind:
            claimed = _NAMES.get(claim, _shown(claim))
            raise Unusable(
                f"{_shown(filename)} says it is {claimed} but is {_NAMES[kind]}. "
                f"Save it as {_NAMES[kind]} or give it the right ending."
            )


def _declared(content_type: str | None) -> str | None:
    """The type without parameters, under its usual name; ``None`` if none was told."""
    kind = (content_type or "").partition(";")[0].strip().lower()
    return None if kind in _UNKNOWN else _ALIASES.get(kind, kind)


def _suffix(filename: str) -> str:
    return Path(filename).suffix.lower()


def _shown(text: str) -> str:
    """Somebody else's words, short and without what could format or mention."""
    plain = "".join(letter for letter in text if letter.isprintable() and letter not in "`*_~|<>@")
    return plain if len(plain) <= 60 else plain[:59] + "…"
