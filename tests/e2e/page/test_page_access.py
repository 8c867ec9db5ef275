"""Everybody can use the page: by keyboard alone, read aloud, in light and dark, on a phone."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.async_api import expect

from bot.sandbox.web import Page, Player
from tests.e2e.page.conftest import OpenPage, OpenWindow
from tests.e2e.page.hands import FORM, Hands
from tests.e2e.page.parts import LAYOUT, button, label, row
from tests.e2e.page.readable import problems
from tests.e2e.page.visit import PHONE, Visit
from tests.e2e.town import Scene, picture

Json = dict[str, Any]


async def everything(hands: Hands) -> None:
    """One of each, so that every colour is on the page."""
    [ping] = await hands.commands(
        {"name": "ping", "description": "Says pong", "options": [
            {"type": 3, "name": "word", "description": "Which", "required": True, "max_length": 5},
            {"type": 11, "name": "file", "description": "A file"},
        ]},
    )  # fmt: skip
    options = [{"label": "Choice", "value": "v", "description": "Why"}]
    hands.answers["form"] = {
        "type": FORM,
        "data": {"custom_id": "f", "title": "A form", "components": [
            label("Words", {"type": 4, "custom_id": "w", "style": 2}, description="Some"),
            label("Kind", {"type": 3, "custom_id": "k", "options": options}),
            label("Files", {"type": 19, "custom_id": "u"}),
        ]},
    }  # fmt: skip
    hands.answers["private"] = hands.say("For you `only` <t:0:R>", private=True)
    hands.channel.post(hands.bob, "hello")
    await hands.post(
        content=f"# Head\n-# small\n`code` <@{hands.alice.id}> </ping:{ping['id']}> <t:0:R>"
        "\n> quote [link](https://example.org)\n```\nblock\n```",
        embeds=[{"title": "Title", "description": "Text `code`", "footer": {"text": "Foot"},
                 "fields": [{"name": "Name", "value": "Value"}], "color": 0xFEE75C}],
        components=[row(button("One", "a", 1), button("Two", "b"), button("Three", "c", 3),
                        button("Four", "d", 4)),
                    row({"type": 3, "custom_id": "s", "options": options}),
                    row(button("Form", "form"), button("Private", "private"))],
        allowed_mentions={"parse": ["users"]},
        files={"fox.png": picture()},
    )  # fmt: skip
    layout = {"type": 17, "accent_color": 0x57F287, "components": [
        {"type": 10, "content": "Layout `code`\n-# small"}, row(button("In it", "e"))]}  # fmt: skip
    await hands.post(flags=LAYOUT, components=[layout])


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_names_labels_and_contrast(hands: Hands, open_page: OpenPage, scheme: str) -> None:
    """Every control has a name, every picture its words, every reference an end, and every text
    the contrast of WCAG AA: in the conversation, lists, forms and drawers.
    """
    await everything(hands)
    visit = await open_page(hands, *hands.players, color_scheme=scheme)
    await visit.page.get_by_role("button", name="Private").click()
    await expect(visit.message("For you only")).to_be_visible()
    assert await problems(visit.page) == []
    await visit.page.locator('.select[data-custom="s"]').click()
    assert await problems(visit.page) == []
    await visit.page.keyboard.press("Escape")
    await visit.page.locator("#text").fill("/")
    assert await problems(visit.page) == []
    await visit.page.keyboard.press("Enter")
    await visit.page.keyboard.type("too long")
    await visit.page.keyboard.press("Enter")
    await visit.add("file")
    assert await problems(visit.page) == []
    await visit.page.keyboard.press("Escape")
    for drawer in ("pika", "faults"):
        await visit.page.locator(f"#open-{drawer}").click()
        await expect(visit.page.locator("form.tool").first).to_be_visible()
        assert await problems(visit.page) == []
    await visit.page.get_by_role("button", name="Form", exact=True).click()
    await visit.page.get_by_role("button", name="Submit").click()
    await expect(visit.page.get_by_role("dialog", name="A form")).to_be_visible()
    assert await problems(visit.page) == []


async def test_a_video_with_the_keyboard_alone(scene: Scene, open_page: OpenPage) -> None:
    """From the first key to the finished video and its link without a mouse; Escape leaves what
    was begun, and what comes in is read aloud.
    """
    visit = await open_page(scene)
    keys = visit.page.keyboard
    await expect(visit.page.locator(".hint-commands button").first).to_be_visible()
    await keys.type("/")
    await expect(visit.page.get_by_role("option").first).to_have_class("option active")
    await keys.press("ArrowDown")
    chosen = visit.page.locator(".option.active")
    await expect(chosen).to_contain_text("/create")
    await expect(visit.page.locator("#text")).to_have_attribute(
        "aria-activedescendant", await chosen.get_attribute("id") or "?"
    )
    await keys.press("Escape")
    await expect(visit.page.locator(".popup")).to_have_count(0)
    await keys.press("Backspace")
    await keys.type("/create ")
    await expect(visit.option("prompt").locator("textarea")).to_be_focused()
    await keys.type("by hand")
    for _ in range(4):  # send, the chips for image, aspect_ratio and motion
        await keys.press("Tab")
    await keys.press("Enter")
    await expect(visit.option("motion").locator("input")).to_be_focused()
    await keys.type("2")
    await keys.press("Enter")
    voice = visit.page.locator("#voice")
    await expect(voice).to_contain_text("pika: /create · by hand")
    await expect(visit.messages.locator("video")).to_be_visible()
    await expect(voice).to_contain_text("@someone by hand")
    await expect(visit.page.locator("#text")).to_be_focused()
    await keys.type("/create ")
    await keys.press("Escape")
    await expect(visit.page.locator("#text")).to_be_focused()
    await expect(visit.page.locator("form.command")).to_have_count(0)
    [job] = [scene.pika.jobs[r["pika_id"]] for r in scene.jobs]
    assert "-motion 2" in job.prompt


async def test_the_page_on_a_phone(scene: Scene, open_page: OpenPage) -> None:
    """At 360 pixels nothing sticks out; channels and drawers lie over the conversation and go
    away again; the video is asked for and plays.
    """
    visit = await open_page(scene, **PHONE)
    await _fits(visit)
    await visit.page.get_by_role("button", name="Servers and channels").tap()
    await expect(visit.page.locator("#conversation")).to_have_js_property("inert", True)
    await _fits(visit)
    await visit.go("winter clips")
    await expect(visit.page.locator("#nav")).not_to_be_in_viewport()
    for name in ("pika", "faults", "me"):
        await visit.page.locator(f"#open-{name}").tap()
        panel = visit.page.locator("#me" if name == "me" else "#drawer")
        await expect(panel).to_be_in_viewport()
        await _fits(visit)
        await visit.page.keyboard.press("Escape")
        await expect(panel).to_be_hidden()
        await expect(visit.page.locator(f"#open-{name}")).to_be_focused()
    await visit.use("create", prompt="a very long word: " + "snow" * 40)
    await visit.plays(visit.messages.locator("video"))
    await _fits(visit)
    assert await problems(visit.page) == []


async def _fits(visit: Visit) -> None:
    width = "document.documentElement.scrollWidth - innerWidth"
    assert await visit.page.evaluate(width) <= 0


async def test_the_chosen_colours_stay(hands: Hands, open_page: OpenPage) -> None:
    """The system's colours until somebody chooses; the choice survives a reload."""
    visit = await open_page(hands, *hands.players, color_scheme="light")
    root = visit.page.locator("html")
    await expect(root).to_have_attribute("data-theme", "light")
    await visit.page.get_by_role("button", name="Use dark colours").click()
    await visit.page.reload()
    await expect(root).to_have_attribute("data-theme", "dark")


async def test_who_reloads_is_where_they_were(scene: Scene, open_page: OpenPage) -> None:
    """The same person in the same place."""
    visit = await open_page(scene)
    await visit.be("bob")
    await visit.go("winter clips")
    await visit.page.reload()
    await expect(visit.page.locator(".place-name")).to_have_text("winter clips")
    bob = visit.page.locator('[data-person="bob"]')
    await expect(bob).to_have_attribute("aria-pressed", "true")


async def test_a_lost_connection_comes_back_by_itself(
    hands: Hands, open_window: OpenWindow
) -> None:
    """It is told while it is lost; what happened meanwhile is there afterwards, and so are the
    half-typed words and the person who was played.
    """
    seats = [Player(p.user, p.name, "Plays in a test.") for p in hands.players]
    async with Page(hands.discord, hands.pika, seats) as first:
        visit = await open_window(first.url)
        await visit.be("bob")
        await visit.page.locator("#text").fill("half a thou")
    lost = visit.page.get_by_text("The connection to the demo was lost")
    await expect(lost).to_be_visible()
    await hands.post(content="said meanwhile")
    async with Page(hands.discord, hands.pika, seats, port=first.port):
        await expect(lost).to_be_hidden()
        await expect(visit.message("said meanwhile")).to_be_visible()
        await expect(visit.page.locator("#text")).to_have_value("half a thou")
        bob = visit.page.locator('[data-person="bob"]')
        await expect(bob).to_have_attribute("aria-pressed", "true")
    # The browser itself reports the connections that failed.
    visit.trouble = [words for words in visit.trouble if "WebSocket" not in words]
