"""The pictures of README: written to `.github/images/` when PIKA_PICTURES is set.

They want the fonts Inter and Noto Color Emoji (Debian: fonts-inter, fonts-noto-color-emoji).
"""

from __future__ import annotations

import io
import os
from pathlib import Path

from PIL import Image
from playwright.async_api import Locator

from tests.e2e.page.visit import Visit

IMAGES = Path(__file__).resolve().parents[3] / ".github" / "images"
MOST_BYTES = 150_000
STILL = """() => Promise.all([...document.querySelectorAll("video")].map((video) => {
    video.controls = false;
    video.currentTime = 1.4;
    return new Promise((done) => video.addEventListener("seeked", done, { once: true }));
}))"""


async def keep(visit: Visit, name: str, part: Locator | None = None) -> None:
    """Write what is to be seen, or a part of it, as a small picture, if pictures are wanted."""
    if not os.getenv("PIKA_PICTURES"):
        return
    await visit.page.mouse.move(700, 2)  # nothing is pointed at
    shown = visit.page if part is None else part
    image = Image.open(io.BytesIO(await shown.screenshot(animations="disabled")))
    IMAGES.mkdir(exist_ok=True)
    path = IMAGES / f"{name}.webp"
    image.save(path, "WEBP", quality=88, method=6)
    assert path.stat().st_size < MOST_BYTES


async def still(visit: Visit) -> None:
    """Let every video show a moment from its middle, without controls."""
    await visit.page.evaluate(STILL)
