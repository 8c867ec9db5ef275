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


def section(text: str, accessory: Json) -> Json:
    """A text with something beside it."""
    return {"type": 9, "components": [{"type": 10, "content": text}], "accessory": accessory}


def container(*components: Json, **more: Any) -> Json:
    """A frame around other components."""
    return {"type": 17, "components": list(components), **more}


def preset(kind: str, *things: Any) -> list[Json]:
    """What stands in a select menu of people, roles or channels before anybody chose."""
    return [{"type": kind, "id": str(thing.id)} for thing in things]


def label(text: str, component: Json, **more: Any) -> Json:
    """A labelled input of a form."""
    return {"type": 18, "label": text, "component": component, **more}


async def look(hands: Hands, open_page: OpenPage, **window: Any) -> Visit:
    """Alice looks at the bot's channel. Keyword arguments are the browser's."""
    return await open_page(hands, *hands.players, **window)


async def open_demo(stage: Stage, open_window: OpenWindow, **window: Any) -> Visit:
    """Alice looks at the demo, its bot online. Keyword arguments are the browser's."""
    assert stage.page is not None
    visit = await open_window(stage.page.url, **window)
    await expect(visit.page.locator("#bot-state")).to_have_attribute("data-state", "online")
    return visit
