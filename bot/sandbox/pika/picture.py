"""Drawing the two stills of a video: the background and the words over it."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Final

from PIL import Image, ImageDraw, ImageFont, ImageOps

from bot.sandbox.pika.scene import Scene

MARGIN: Final = 0.08
"""By how much the background is larger than the frame for each step of motion."""

_LETTERS_PER_LINE: Final = 44
_LINES: Final = 3

Colour = tuple[int, int, int]


class NotAPicture(Exception):
    """The uploaded bytes are no picture that can be opened."""


@dataclass(frozen=True, slots=True)
class Stills:
    """Background (PPM, larger than the frame) and overlay (PNG with alpha, frame size)."""

    background: bytes
    overlay: bytes
    width: int
    height: int


def draw(scene: Scene) -> Stills:
    """Draw both. Raises NotAPicture when an upload of the scene cannot be opened."""
    margin = 1 + MARGIN * (scene.motion + 1)
    size = (_even(scene.width * margin), _even(scene.height * margin))
    ground = _fitted(scene.image, size) if scene.image is not None else _pattern(scene, size)
    if scene.mask is not None:
        mask = ImageOps.autocontrast(_fitted(scene.mask, size).convert("L"))
        ground = Image.composite(ImageOps.invert(ground), ground, mask.point(lambda v: v // 2))
    overlay = _overlay(scene)
    return Stills(_saved(ground, "PPM"), _saved(overlay, "PNG"), *size)


def _even(value: float) -> int:
    return int(value) // 2 * 2


def _fitted(data: bytes, size: tuple[int, int]) -> Image.Image:
    """Open an upload and let it fill the size."""
    try:
        with Image.open(io.BytesIO(data)) as opened:
            opened.draft("RGB", size)
            return ImageOps.fit(ImageOps.exif_transpose(opened).convert("RGB"), size)
    except (OSError, ValueError, SyntaxError, EOFError, Warning) as error:
        raise NotAPicture(str(error)) from error
    except Image.DecompressionBombError as error:
        raise NotAPicture(str(error)) from error


def _pattern(scene: Scene, size: tuple[int, int]) -> Image.Image:
    """Draw a gradient and discs whose colours and places come from the scene's key."""
    numbers = bytes.fromhex(scene.key)
    dark: Colour = (numbers[0] // 3, numbers[1] // 3, numbers[2] // 3)
    light: Colour = (128 + numbers[3] // 2, 128 + numbers[4] // 2, 128 + numbers[5] // 2)
    slope = Image.linear_gradient("L").rotate(90 * (numbers[6] % 4)).resize(size)
    picture = ImageOps.colorize(slope, dark, light)
    pen = ImageDraw.Draw(picture)
    for i in range(8, 28, 4):
        x, y, r, tint = numbers[i : i + 4]
        centre_x, centre_y = x * size[0] // 255, y * size[1] // 255
        radius = max(6, r * min(size) // 700)
        box = (centre_x - radius, centre_y - radius, centre_x + radius, centre_y + radius)
        colour: Colour = (tint, numbers[i % 7] // 2 + 64, 255 - tint)
        pen.ellipse(box, fill=colour, outline=light, width=2)
    return picture


def _overlay(scene: Scene) -> Image.Image:
    picture = Image.new("RGBA", (scene.width, scene.height), (0, 0, 0, 0))
    pen = ImageDraw.Draw(picture)
    if scene.message:
        _big(pen, scene)
    lines = _wrapped(scene.words)
    if lines:
        size = max(11, min(scene.width // 26, scene.height // 12))
        font = ImageFont.load_default(size)
        top = scene.height - (size + 6) * len(lines) - 10
        pen.rectangle((0, top - 6, scene.width, scene.height), fill=(0, 0, 0, 130))
        for number, line in enumerate(lines):
            place = (12, top + number * (size + 6))
            pen.text(place, line, font=font, fill=(255, 255, 255, 255))
    return picture


def _big(pen: ImageDraw.ImageDraw, scene: Scene) -> None:
    """Write the message across the frame."""
    size = max(14, min(scene.height // 3, int(scene.width * 1.5 / len(scene.message))))
    pen.text(
        (scene.width / 2, scene.height * 0.42),
        scene.message,
        font=ImageFont.load_default(size),
        fill=(255, 255, 255, 235),
        stroke_width=max(1, size // 20),
        stroke_fill=(0, 0, 0, 235),
        anchor="mm",
    )


def _wrapped(text: str) -> list[str]:
    lines: list[str] = []
    for word in text.split():
        shown = word[:_LETTERS_PER_LINE]
        if lines and len(lines[-1]) + 1 + len(shown) <= _LETTERS_PER_LINE:
            lines[-1] += f" {shown}"
        else:
            lines.append(shown)
        if len(lines) > _LINES:
            return [*lines[: _LINES - 1], f"{lines[_LINES - 1][: _LETTERS_PER_LINE - 2]} …"]
    return lines


def _saved(picture: Image.Image, form: str) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, form)
    return buffer.getvalue()
