"""What a machine can tell about whether everybody can use a page: names, labels, contrast."""

from __future__ import annotations

from pathlib import Path

from playwright.async_api import Page

LEAST_CONTRAST = 4.5
LEAST_CONTRAST_LARGE = 3.0

PROBLEMS = (Path(__file__).parent / "readable.js").read_text()


async def problems(page: Page) -> list[str]:
    """What is wrong with what is on the page now; empty is good."""
    found: list[str] = await page.evaluate(PROBLEMS, [LEAST_CONTRAST, LEAST_CONTRAST_LARGE])
    return found
