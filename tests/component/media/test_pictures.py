"""A picture is what it says it is, whole, still and of a size that can be handled."""

from __future__ import annotations

import asyncio
import io
import os
import struct
import subprocess
import sys
import warnings
import zlib
from pathlib import Path

import pytest
from PIL import Image

from bot.errors import Unusable
from bot.media import PICTURE_LIMIT, CheckedPicture, check_declared, check_picture

TYPES = {"PNG": "image/png", "JPEG": "image/jpeg", "WEBP": "image/webp"}


def _noise(width: int = 160, height: int = 120) -> Image.Image:
    return Image.frombytes("RGB", (width, height), os.urandom(width * height * 3))


def _bytes(kind: str, picture: Image.Image | None = None, **options: object) -> bytes:
    out = io.BytesIO()
    (picture or _noise()).save(out, kind, **options)
    return out.getvalue()


async def _check(
    folder: Path, data: bytes, filename: str = "", declared: str = ""
) -> CheckedPicture:
    path = folder / "stored"
    path.write_bytes(data)
    return await check_picture(path, filename=filename, declared=declared)


@pytest.mark.parametrize(
    ("kind", "filename", "declared"),
    [
        ("PNG", "fox.png", "image/png"),
        ("PNG", "FOX.PNG", ""),
        ("PNG", "fox", "application/octet-stream"),
        ("JPEG", "fox.jpg", "image/jpeg"),
        ("JPEG", "fox.JPEG", "image/jpg; q=1"),
        ("JPEG", "fox.jfif", "image/jpeg"),
        ("WEBP", "fox.webp", "image/webp"),
        ("WEBP", "", ""),
    ],
)
async def test_good_pictures(tmp_path: Path, kind: str, filename: str, declared: str) -> None:
    """The three kinds, with their sides."""
    found = await _check(tmp_path, _bytes(kind), filename, declared)
    assert found == CheckedPicture(TYPES[kind], 160, 120)


@pytest.mark.parametrize(
    ("mode", "kind", "options"),
    [
        ("RGBA", "PNG", {}),
        ("P", "PNG", {}),
        ("1", "PNG", {}),
        ("I;16", "PNG", {}),
        ("L", "JPEG", {}),
        ("CMYK", "JPEG", {}),
        ("RGB", "JPEG", {"progressive": True}),
        ("RGBA", "WEBP", {}),
        ("RGBA", "WEBP", {"lossless": True}),
    ],
)
async def test_odd_but_good(
    tmp_path: Path, mode: str, kind: str, options: dict[str, object]
) -> None:
    """Palettes, grey, transparency, print colours, progressive: all fine."""
    picture = Image.new(mode, (33, 21))
    found = await _check(tmp_path, _bytes(kind, picture, **options))
    assert (found.width, found.height) == (33, 21)


@pytest.mark.parametrize(
    "data",
    [
        b"<html><body>not found</body></html>",
        b"GIF89a" + bytes(50),
        b"%PDF-1.7",
        b"\x00\x00\x00\x18ftypheic",
        b"\x00\x00\x00\x18ftypavif",
        b"BM" + bytes(60),
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"x",
    ],
)
async def test_no_picture(tmp_path: Path, data: bytes) -> None:
    """Other files are refused with the kinds that are taken."""
    with pytest.raises(Unusable, match="PNG, JPEG or WEBP"):
        await _check(tmp_path, data)


async def test_empty_and_missing(tmp_path: Path) -> None:
    """No bytes, no file: attach it again."""
    with pytest.raises(Unusable, match="Attach it again"):
        await _check(tmp_path, b"")
    with pytest.raises(Unusable, match="Attach it again"):
        await check_picture(tmp_path / "none", filename="a.png", declared="")


@pytest.mark.parametrize(
    ("kind", "filename", "declared", "words"),
    [
        ("JPEG", "fox.png", "image/jpeg", "says it is PNG but is JPEG"),
        ("JPEG", "fox.jpg", "image/png", "says it is PNG but is JPEG"),
        ("PNG", "fox.webp", "", "says it is WEBP but is PNG"),
        ("WEBP", "fox", "image/gif", "says it is image/gif but is WEBP"),
    ],
)
async def test_lies(tmp_path: Path, kind: str, filename: str, declared: str, words: str) -> None:
    """Name and type must be true; the text says what to change."""
    with pytest.raises(Unusable, match=words) as caught:
        await _check(tmp_path, _bytes(kind), filename, declared)
    assert f"Save it as {kind}" in str(caught.value)


@pytest.mark.parametrize("kind", list(TYPES))
@pytest.mark.parametrize("share", [0.05, 0.5, 0.9, 0.999])
async def test_truncated(tmp_path: Path, kind: str, share: float) -> None:
    """A picture that breaks off anywhere is found."""
    data = _bytes(kind)
    with pytest.raises(Unusable, match="damaged or incomplete"):
        await _check(tmp_path, data[: int(len(data) * share)])


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
async def test_garbage_after_the_first_bytes(tmp_path: Path, kind: str) -> None:
    """The signature alone does not make a picture."""
    data = _bytes(kind)
    with pytest.raises(Unusable):
        await _check(tmp_path, data[:16] + os.urandom(len(data) - 16))


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
async def test_animated(tmp_path: Path, kind: str) -> None:
    """Pika starts from one picture; the person is told to choose a frame."""
    frames = [_noise(), _noise()]
    data = _bytes(kind, frames[0], save_all=True, append_images=frames[1:], duration=100)
    with pytest.raises(Unusable, match="animated"):
        await _check(tmp_path, data)


async def test_one_frame_is_still(tmp_path: Path) -> None:
    """A picture saved as an animation of one frame is a still one."""
    assert (await _check(tmp_path, _bytes("PNG", save_all=True))).width == 160


def _png_head(width: int, height: int) -> bytes:
    """A PNG that claims these sides and holds next to nothing."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        crc = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", crc)

    head = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    body = zlib.compress(b"\x00" * 100)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def _webp_head(width: int, height: int) -> bytes:
    body = b"VP8X" + struct.pack("<I", 10) + bytes(4)
    body += (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


def _jpeg_head(width: int, height: int) -> bytes:
    data = bytearray(_bytes("JPEG"))
    at = data.index(b"\xff\xc0")
    data[at + 5 : at + 9] = struct.pack(">HH", height, width)
    return bytes(data)


@pytest.mark.parametrize(
    "data",
    [
        _png_head(10_000, 5_001),
        _png_head(16_385, 1),
        _png_head(2_000_000_000, 2_000_000_000),
        _jpeg_head(10_000, 5_001),
        _jpeg_head(65_000, 65_000),
        _webp_head(16_384, 16_384),
        _webp_head(16_777_216, 16_777_216),
    ],
)
async def test_bombs(tmp_path: Path, data: bytes) -> None:
    """Sides are judged before any memory is reserved for them, and nobody else is warned."""
    limit = Image.MAX_IMAGE_PIXELS
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(Unusable, match="pixels"):
            await _check(tmp_path, data)
    assert limit == Image.MAX_IMAGE_PIXELS


def _with_scans(data: bytes, more: int) -> bytes:
    """A progressive JPEG, one of its scans ``more`` times again."""
    begin = data.index(b"\xff\xda")
    end = next(
        at
        for at in range(begin + 2, len(data))
        if data[at] == 0xFF and data[at + 1] not in (0, *range(0xD0, 0xD8))
    )
    return data[:end] + data[begin:end] * more + data[end:]


async def test_a_jpeg_of_a_thousand_scans_is_not_decoded(tmp_path: Path) -> None:
    """A picture of 7000 x 7000 pixels in 20 MiB kept a core, and the job's place at Pika, for a
    quarter of an hour: each of its 280,000 scans had 75 bytes and changed nothing.
    """
    ordinary = _bytes("JPEG", Image.new("RGB", (64, 48)), progressive=True)

    assert (await _check(tmp_path, _with_scans(ordinary, 20))).width == 64
    with pytest.raises(Unusable, match="too many passes"):
        await _check(tmp_path, _with_scans(ordinary, 1000))


_LOOK = """
import asyncio, pathlib, re, sys
from bot.media import check_picture
found = asyncio.run(check_picture(pathlib.Path(sys.argv[1]), filename="", declared=""))
# Not ru_maxrss: a process begins with its parent's.
peak = re.search(r"VmHWM:\\s+(\\d+)", pathlib.Path("/proc/self/status").read_text())
print(found.height, int(peak[1]) // 1024)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="does not tell how much memory was used")
async def test_a_large_jpeg_in_scans_is_not_held_in_memory(tmp_path: Path) -> None:
    """A decoder holds all of such a picture whatever size it is asked for, 300 MB of this one; a
    file that breaks off is found all the same.
    """
    data = bytearray(_bytes("JPEG", progressive=True, subsampling=0))
    at = data.index(b"\xff\xc2")
    data[at + 5 : at + 9] = struct.pack(">HH", 7000, 7000)
    path = tmp_path / "large.jpg"
    path.write_bytes(data)

    ran = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", _LOOK, path], stdout=subprocess.PIPE, check=True
    )

    height, mib = map(int, ran.stdout.split())
    assert height == 7000
    assert mib < 150
    with pytest.raises(Unusable, match="damaged"):
        await _check(tmp_path, bytes(data[:-2]))


async def test_the_largest_allowed(tmp_path: Path) -> None:
    """Just under the limits is fine, also a file a pixel high."""
    assert (await _check(tmp_path, _bytes("PNG", Image.new("1", (16_384, 3_051))))).width == 16_384
    assert (await _check(tmp_path, _bytes("JPEG", Image.new("L", (8_000, 6_250))))).height == 6_250


def test_declared_is_checked_before_fetching() -> None:
    """What Discord says of an attachment is enough to refuse it."""
    check_declared("fox.png", "image/png", 1)
    check_declared("fox.jpg", None, PICTURE_LIMIT)
    check_declared("fox", "image/webp", 5)


@pytest.mark.parametrize(
    ("filename", "content_type", "size", "words"),
    [
        ("fox.png", "image/png", 0, "empty"),
        ("fox.png", "image/png", -1, "empty"),
        ("fox.png", "image/png", PICTURE_LIMIT + 1, "at most 20 MiB"),
        ("fox.gif", "image/gif", 5, "image/gif"),
        ("fox.heic", "image/heic", 5, "image/heic"),
        ("fox.gif", None, 5, "no picture"),
        ("fox", None, 5, "no picture"),
        ("fox.txt", "image/png", 5, "takes no .txt files"),
        ("fox.png", "video/mp4", 5, "video/mp4"),
    ],
)
def test_declared_is_refused(
    filename: str, content_type: str | None, size: int, words: str
) -> None:
    """Empty, too large, of another kind: the text says which."""
    with pytest.raises(Unusable, match=words):
        check_declared(filename, content_type, size)


def test_a_file_name_cannot_format_a_message() -> None:
    """Mentions and markup in a name are taken out of the text."""
    with pytest.raises(Unusable) as caught:
        check_declared("<@42>`**x**\u202e" + "y" * 500, None, 5)
    assert not set("<>@`*\u202e") & set(str(caught.value))
    assert len(str(caught.value)) < 200
