"""The menus of messages and members, with the bot's commands in them: by mouse, keys, finger."""

from __future__ import annotations

from playwright.async_api import Locator, expect

from bot.sandbox.discord import Permission
from tests.e2e.page.conftest import OpenPage
from tests.e2e.page.hands import FORM, Hands, Json
from tests.e2e.page.parts import label, look
from tests.e2e.page.visit import PHONE, Visit
from tests.e2e.town import clip

MODERATES = str(int(Permission.MANAGE_GUILD))
MENUS: list[Json] = [
    {"name": "Report video", "type": 3, "contexts": [0]},
    {"name": "Redo this", "type": 3, "default_member_permissions": MODERATES},
    {"name": "Usage", "type": 2},
]  # fmt: skip


async def with_menus(hands: Hands) -> Json:
    """Registers the commands, and posts a video; the message's id and words."""
    await hands.commands(*MENUS)
    for menu in MENUS:
        hands.answers[menu["name"]] = hands.say(f"Heard {menu['name']}", private=True)
    video = await hands.post(content="job 7", files={"fox.mp4": clip()})
    return {"id": str(video.id), "words": "job 7"}


def entries(visit: Visit, name: str) -> Locator:
    """The entries of an open menu."""
    return visit.page.get_by_role("menu", name=name).get_by_role("menuitem")


async def test_a_right_click_on_a_video_offers_the_bots_commands(
    hands: Hands, open_page: OpenPage
) -> None:
    """Under Apps, as in Discord, only those that this member may use; the bot hears of the whole
    message, and its private answer is shown like any other. A link keeps the browser's own menu.
    """
    posted = await with_menus(hands)
    hands.channel.post(hands.bob, "see https://example.org/")
    visit = await look(hands, open_page)
    video = visit.messages.locator("video")
    await video.click(button="right", position={"x": 40, "y": 30})
    await expect(entries(visit, "Message")).to_have_text(["Reply", "Start a thread here", "Apps"])
    box = await visit.page.locator(".popup").bounding_box()
    at = await video.bounding_box()
    assert box is not None
    assert at is not None
    assert abs(box["x"] - at["x"] - 40) < 2
    await entries(visit, "Message").get_by_text("Apps").click()
    await expect(entries(visit, "Apps")).to_have_text(["Apps", "Report video"])
    await entries(visit, "Apps").get_by_text("Report video").click()
    answer = visit.message("Heard Report video")
    await expect(answer).to_contain_text("Only you can see this")
    await expect(answer.locator(".above-line")).to_have_text("Alice used Report video")
    told = await hands.told("Report video")
    assert (told["type"], told["target_id"]) == (3, posted["id"])
    [message] = told["resolved"]["messages"].values()
    assert message["content"] == posted["words"]
    assert message["attachments"][0]["filename"] == "fox.mp4"
    # A private answer has no menu of its own.
    await answer.locator(".content").click(button="right")
    await expect(visit.page.locator(".popup")).to_have_count(0)

    kept = """node => node.dispatchEvent(
        new MouseEvent("contextmenu", { bubbles: true, cancelable: true }))"""
    assert await visit.messages.locator("a", has_text="example.org").evaluate(kept)
    await visit.be("mara")
    await video.click(button="right")
    await entries(visit, "Message").get_by_text("Apps").click()
    await expect(entries(visit, "Apps")).to_have_text(["Apps", "Redo this", "Report video"])


async def test_the_menu_with_the_keyboard_and_a_form_as_the_answer(
    hands: Hands, open_page: OpenPage
) -> None:
    """Arrows go into the menu of commands and back; the form that the bot opens is filled in and
    sent, and closing it gives the focus back.
    """
    await with_menus(hands)
    why = {"type": 4, "custom_id": "why", "style": 2, "max_length": 200}
    data = {"custom_id": "report:7", "title": "Report this video",
            "components": [label("What is wrong?", why)]}  # fmt: skip
    hands.answers["Report video"] = {"type": FORM, "data": data}
    hands.answers["report:7"] = hands.say("The moderators see it", private=True)
    visit = await look(hands, open_page)
    keys = visit.page.keyboard
    more = visit.message("job 7").get_by_role("button", name="More for this message")
    await more.focus()
    await keys.press("Enter")
    await expect(entries(visit, "Message").first).to_be_focused()
    await keys.press("End")
    apps = entries(visit, "Message").get_by_text("Apps")
    await expect(entries(visit, "Message").last).to_be_focused()
    await keys.press("ArrowRight")
    await expect(entries(visit, "Apps").nth(1)).to_be_focused()
    await keys.press("ArrowLeft")
    await expect(entries(visit, "Message").last).to_be_focused()
    await expect(apps).to_be_visible()
    await keys.press("Enter")
    await keys.press("Escape")
    await keys.press("Escape")
    await expect(visit.page.locator(".popup")).to_have_count(0)
    await expect(more).to_be_focused()

    for key in ("Enter", "ArrowUp", "ArrowRight", "Enter"):
        await keys.press(key)
    form = visit.page.get_by_role("dialog", name="Report this video")
    await expect(form.get_by_label("What is wrong? *")).to_be_focused()
    await keys.type("It is my face")
    await form.get_by_role("button", name="Submit").click()
    await expect(visit.message("The moderators see it")).to_be_visible()
    told = await hands.told("report:7")
    assert told["components"][0]["component"]["value"] == "It is my face"


async def test_the_menu_under_a_finger(hands: Hands, open_page: OpenPage) -> None:
    """On a phone the dots are there without a mouse over them."""
    await with_menus(hands)
    visit = await open_page(hands, *hands.players, **PHONE)
    await visit.message("job 7").get_by_role("button", name="More for this message").tap()
    await entries(visit, "Message").get_by_text("Apps").tap()
    await entries(visit, "Apps").get_by_text("Report video").tap()
    await expect(visit.message("Heard Report video")).to_be_visible()


async def test_the_menu_of_a_member(hands: Hands, open_page: OpenPage) -> None:
    """Commands for members are offered in the list of members."""
    await with_menus(hands)
    visit = await look(hands, open_page)
    await visit.page.locator("#members").get_by_role("button", name="Bob").click()
    await visit.page.get_by_role("menuitem", name="Usage").click()
    await expect(visit.message("Heard Usage")).to_be_visible()
    assert (await hands.told("Usage"))["target_id"] == str(hands.bob.id)
