"""Parts of messages and forms, and the windows in which they are looked at."""

from __future__ import annotations

from typing import Any

from playwright.async_api import expect

from bot.demo.stage import Stage
from tests.e2e.page.conftest import OpenPage, OpenWindow
from tests.e2e.page.hands import Hands
from tests.e2e.page.visit import Visit

Json = dict[str, Any]
LAYOUT = 1 << 15
"""The flag of messages that consist of Components V2."""


def row(*components: Json) -> Json:
    """An action row."""
    return {"type": 1, "components": list(components)}


def button(label: str, custom_id: str, style: int = 2, **more: Any) -> Json:
    """A button."""
    return {"type": 2, "style": style, "label": label, "custom_id": custom_id, **more}


def label(text: str, component: Json, **more: Any) -> Json:
    """A labelled input of a form."""
    return {"type": 18, "label": text, "component": component, **more}


async def look(hands: Hands, open_page: OpenPage) -> Visit:
    """Alice looks at the bot's channel."""
    return await open_page(hands, *hands.players)


async def open_demo(stage: Stage, open_window: OpenWindow, **window: Any) -> Visit:
    """Alice looks at the demo, its bot online. Keyword arguments are the browser's."""
    assert stage.page is not None
    visit = await open_window(stage.page.url, **window)
    await expect(visit.page.locator("#bot-state")).to_have_attribute("data-state", "online")
    return visit
