"""What can be pressed or chosen in a message reaches the bot, and shows what came of it."""

from __future__ import annotations

import re

from playwright.async_api import expect

from tests.e2e.page.conftest import OpenPage
from tests.e2e.page.hands import UPDATE, Hands
from tests.e2e.page.parts import Json, button, look, row


async def test_every_kind_of_button(hands: Hands, open_page: OpenPage) -> None:
    """Each style is pressed and heard; a disabled one is not; a link leads somewhere; one that
    the bot leaves unanswered is busy, and after three seconds says so where it was pressed.
    """
    styles = {1: "primary", 2: "secondary", 3: "success", 4: "danger"}
    await hands.post(
        content="Press",
        components=[
            row(*(button(name.title(), name, style) for style, name in styles.items())),
            row(
                button("Off", "off", disabled=True),
                {"type": 2, "style": 1, "custom_id": "fox", "emoji": {"name": "🦊"}},
                {"type": 2, "style": 5, "label": "Leads", "url": "https://example.org/a"},
                {"type": 2, "style": 5, "label": "Inside",
                 "url": f"https://discord.com/channels/{hands.guild.id}/{hands.other.id}"},
                button("Silent", "silent"),
            ),
        ],
    )  # fmt: skip
    for name in (*styles.values(), "fox"):
        hands.answers[name] = hands.say(f"You pressed {name}", private=True)
    visit = await look(hands, open_page)
    message = visit.page.locator(f'[data-message="{hands.channel.messages[0].id}"]')
    for name in styles.values():
        pressed = message.get_by_role("button", name=name.title())
        await expect(pressed).to_have_class(re.compile(name))
        await pressed.click()
        await expect(visit.message(f"You pressed {name}")).to_be_visible()
        assert (await hands.told(name))["component_type"] == 2
    await expect(message.get_by_role("button", name="Off")).to_be_disabled()
    await message.get_by_role("button", name="🦊").click()
    await expect(visit.message("You pressed fox")).to_be_visible()
    leads = message.get_by_role("link", name="Leads")
    await expect(leads).to_have_attribute("href", "https://example.org/a")

    silent = message.get_by_role("button", name="Silent")
    await silent.click()
    await expect(silent).to_have_attribute("aria-busy", "true")
    hands.discord.clock.advance(3)
    await expect(message.locator(".failed-line")).to_contain_text("This interaction failed")
    await expect(silent).not_to_have_attribute("aria-busy", "true")
    await message.get_by_role("button", name="Dismiss", exact=True).click()
    await expect(message.locator(".failed-line")).to_have_count(0)
    await message.get_by_role("button", name="Inside").click()
    await expect(visit.page.locator(".place-name")).to_have_text("backstage")


async def test_every_kind_of_select(hands: Hands, open_page: OpenPage) -> None:
    """One of the options, several of them, people, roles, both, channels: by keyboard."""
    several = [
        {"label": f"Choice {n}", "value": f"v{n}", "description": f"Number {n}"}
        for n in range(1, 4)
    ]
    menus: list[Json] = [
        {"type": 3, "custom_id": "one", "placeholder": "Pick one", "options": several},
        {"type": 3, "custom_id": "some", "options": several, "min_values": 0, "max_values": 2},
        {"type": 5, "custom_id": "who"},
        {"type": 6, "custom_id": "role"},
        {"type": 8, "custom_id": "where", "channel_types": [0]},
    ]
    await hands.post(content="Menus", components=[row(menu) for menu in menus])
    await hands.post(content="More", components=[row({"type": 7, "custom_id": "any"})])
    for name in ("one", "some", "who", "role", "any", "where"):
        hands.answers[name] = {"type": 6}
    visit = await look(hands, open_page)
    keys = visit.page.keyboard

    async def choose(name: str, *presses: str) -> Json:
        menu = visit.page.locator(f'.select[data-custom="{name}"]')
        await menu.focus()
        await keys.press("Enter")
        await expect(visit.page.locator(".popup")).to_be_visible()
        for press in presses:
            await (keys.press(press) if press[0].isupper() else keys.type(press))
        told = await hands.told(name)
        await expect(visit.page.locator(".popup")).to_have_count(0)
        await expect(menu).to_be_focused()
        return told

    assert (await choose("one", "ArrowDown", "Enter"))["values"] == ["v2"]
    assert (await choose("some", "Enter", "ArrowDown", "ArrowDown", "Enter", "Tab"))["values"] == [
        "v1",
        "v3",
    ]
    assert (await choose("who", "bo", "Enter"))["values"] == [str(hands.bob.id)]
    assert (await choose("role", "cre", "Enter"))["values"] == [str(hands.crew.id)]
    any_ = await choose("any", "alice", "Enter")
    assert any_["resolved"]["users"].keys() == {str(hands.alice.id)}
    where = await choose("where", "back", "Enter")
    assert where["resolved"]["channels"][str(hands.other.id)]["name"] == "backstage"


async def test_an_open_menu_survives_what_happens_around_it(
    hands: Hands, open_page: OpenPage
) -> None:
    """A select stays open and keeps what was ticked while its message is edited."""
    options = [{"label": f"Choice {n}", "value": f"v{n}"} for n in range(1, 4)]
    menu = {"type": 3, "custom_id": "some", "options": options, "max_values": 3}
    message = await hands.post(content="Choose", components=[row(menu)])
    hands.answers["some"] = {"type": UPDATE, "data": {"content": "Chosen", "components": []}}
    visit = await look(hands, open_page)
    await visit.page.locator('.select[data-custom="some"]').click()
    await visit.page.get_by_role("option", name="Choice 1").click()
    await hands.edit(
        message, content="Choose well", components=[row({**menu, "placeholder": "New"})]
    )
    await expect(visit.message("Choose well")).to_be_visible()
    await hands.post(content="Something else")
    await expect(visit.message("Something else")).to_be_visible()
    await visit.page.get_by_role("option", name="Choice 3").click()
    await visit.page.keyboard.press("Tab")
    assert (await hands.told("some"))["values"] == ["v1", "v3"]
    await expect(visit.message("Chosen")).to_be_visible()
