"""A picture to give to Pika, made on the spot."""

from __future__ import annotations

from io import BytesIO

from PIL import Image, ImageDraw


def sunset(width: int = 640, height: int = 360) -> bytes:
    """A PNG of the sun going down over the sea."""
    image = Image.new("RGB", (width, height))
    draw = ImageDraw.Draw(image)
    horizon = height * 2 // 3
    for y in range(height):
        share = y / height
        sky = (int(90 + 150 * share), int(60 + 90 * share), int(140 - 40 * share))
        sea = (int(70 - 40 * share), int(70 - 20 * share), int(150 - 40 * share))
        draw.line([(0, y), (width, y)], fill=sky if y < horizon else sea)
    radius = height // 6
    middle = width // 2
    draw.pieslice(
        (middle - radius, horizon - radius, middle + radius, horizon + radius),
        180,
        360,
        fill=(255, 214, 120),
    )
    out = BytesIO()
    image.save(out, "PNG")
    return out.getvalue()
