"""The picture of what was used: a PNG from a process of its own."""

from __future__ import annotations

import io
import math
import os
import sys
from pathlib import Path

import psutil
import pytest
from PIL import Image

import bot.charts
from bot.charts import Bar, Charts, NotDrawnError
from bot.errors import StorageTrouble

DAY_MS = 86_400_000
PAGE = (0x31, 0x33, 0x38)
CREDITS = (0x79, 0x83, 0xF5)
PICTURE = Path(__file__).resolve().parents[2] / ".github" / "images" / "usage.webp"


def month() -> list[Bar]:
    """Thirty days of a server whose members come on weekends."""
    last = 1_795_219_200_000
    return [
        Bar(
            began_at=last - (29 - day) * DAY_MS,
            credits=round(90 + day * 3 + 55 * math.sin(day / 7 * math.tau) + (day * 37) % 23),
            failed=max(0, (day * 29) % 11 - 4),
        )
        for day in range(30)
    ]


def shades(picture: Image.Image) -> dict[tuple[int, ...], int]:
    """How many pixels have which colour."""
    found = picture.convert("RGB").getcolors(picture.width * picture.height)
    return {colour: count for count, colour in found or [] if isinstance(colour, tuple)}


async def read(bars: list[Bar]) -> list[Bar]:
    """The numbers, once they are there."""
    return bars


async def test_a_picture_shows_the_credits_on_discords_dark_page(tmp_path: Path) -> None:
    """Bars where there was something, none where there was nothing, on the page's own colour."""
    charts = Charts(tmp_path)
    busy = Image.open(io.BytesIO(await charts.usage(read(month()))))
    assert busy.format == "PNG"
    assert busy.size == (960, 432)
    assert shades(busy)[PAGE] > 100_000
    assert shades(busy)[CREDITS] > 30_000
    assert busy.getpixel((2, 2))[:3] == PAGE  # type: ignore[index]
    quiet = Image.open(io.BytesIO(await charts.usage(read([Bar(0, 0, 0)]))))
    assert shades(quiet).get(CREDITS, 0) < 500  # the legend
    if os.getenv("PIKA_PICTURES"):
        busy.convert("RGB").save(PICTURE, "WEBP", lossless=True, method=6)


async def test_what_cannot_be_drawn_is_an_error_of_its_own(tmp_path: Path) -> None:
    """Numbers that are none end the process that draws, and not ours."""
    with pytest.raises(NotDrawnError):
        await Charts(tmp_path).usage(read([Bar(0, "many", 0)]))  # type: ignore[arg-type]


async def test_numbers_that_cannot_be_read_leave_no_process_behind(tmp_path: Path) -> None:
    """What was wrong is told as it is, and whatever was begun for the picture has ended."""

    async def unreadable() -> list[Bar]:
        begun.update(_children() - before)
        raise StorageTrouble("disk error", "look at the disk")

    before = _children()  # a browser of other tests, perhaps
    begun: set[int] = set()
    with pytest.raises(StorageTrouble):
        await Charts(tmp_path).usage(unreadable())
    assert begun
    assert not begun & _children()


def _children() -> set[int]:
    return {child.pid for child in psutil.Process().children()}


def test_the_bot_itself_never_loads_the_library() -> None:
    """It takes a second and much memory."""
    assert Path(bot.charts.__file__).name == "__init__.py"
    assert "matplotlib" not in sys.modules
