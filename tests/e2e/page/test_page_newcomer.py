"""What somebody tries who sees the page for the first time."""

from __future__ import annotations

from playwright.async_api import FilePayload, Locator, expect

from bot.sandbox.web import Page, Player
from tests.e2e.page.conftest import OpenPage, OpenWindow
from tests.e2e.page.hands import Hands
from tests.e2e.page.parts import Json, look
from tests.e2e.page.visit import PHONE, Visit
from tests.e2e.town import Scene

CREATE: Json = {"name": "create", "description": "Makes", "options": [
    {"type": 3, "name": "prompt", "description": "What", "required": True}]}  # fmt: skip
QUOTA: Json = {"name": "quota", "description": "Tells"}


def texts(kind: str, count: int) -> list[FilePayload]:
    """Small files, numbered."""
    return [
        {"name": f"{kind}{at}.txt", "mimeType": "text/plain", "buffer": b"x"} for at in range(count)
    ]


async def _commands(hands: Hands) -> None:
    await hands.commands(CREATE, QUOTA)
    hands.answers["create"] = lambda i: hands.say(f"Made {i['data']['options'][0]['value']}")
    hands.answers["quota"] = hands.say("You have 5", private=True)


async def test_a_command_copied_from_readme_is_a_command(hands: Hands, open_page: OpenPage) -> None:
    """Pasted whole, its words become the first text that the command asks for; only the words
    of a command that takes some do. Its bare name, sent with the button, begins it too.
    """
    await _commands(hands)
    visit = await look(hands, open_page)
    await visit.page.locator("#text").click()
    await visit.page.keyboard.insert_text("/create a fox in the snow")
    prompt = visit.option("prompt").locator("textarea")
    await expect(prompt).to_have_value("a fox in the snow")
    await expect(prompt).to_be_focused()
    await visit.page.keyboard.press("Enter")
    await expect(visit.message("Made a fox in the snow")).to_be_visible()

    text = visit.page.locator("#text")
    await visit.page.keyboard.insert_text("/quota please")
    await expect(text).to_have_value("/quota please")
    await expect(visit.page.locator("form.command")).to_have_count(0)
    await text.fill("/quota")
    await visit.page.get_by_role("button", name="Send", exact=True).click()
    await visit.page.get_by_role("button", name="Send /quota").click()
    await expect(visit.message("You have 5")).to_be_visible()
    assert [one.text for one in hands.channel.messages] == ["Made a fox in the snow"]


async def test_a_mistyped_command_leaves_no_list_behind(hands: Hands, open_page: OpenPage) -> None:
    """It is said as words, as in Discord, and nothing lies over them afterwards."""
    await _commands(hands)
    visit = await look(hands, open_page)
    await visit.page.locator("#text").fill("/craete")
    await expect(visit.page.locator(".listbox-empty")).to_have_text("No command begins like this")
    await visit.page.keyboard.press("Enter")
    await expect(visit.message("/craete")).to_be_visible()
    await expect(visit.page.locator("#text")).to_have_value("")
    await expect(visit.page.locator(".popup")).to_have_count(0)


async def test_typing_begins_a_message_wherever_the_focus_is(
    hands: Hands, open_page: OpenPage
) -> None:
    """After a press on something else, and after what had the focus went away: then the message
    before it has it. A field keeps what is typed into it.
    """
    await _commands(hands)
    hands.channel.post(hands.bob, "Hello")
    visit = await look(hands, open_page)
    text = visit.page.locator("#text")
    await visit.begin("quota")
    await visit.page.keyboard.press("Enter")
    dismiss = visit.page.get_by_role("button", name="Dismiss message")
    await dismiss.click()
    await expect(dismiss).to_have_count(0)
    await expect(visit.message("Hello")).to_be_focused()
    await visit.page.keyboard.type("/quo")
    await expect(text).to_have_value("/quo")
    await expect(visit.page.get_by_role("option", name="/quota")).to_be_visible()
    await text.fill("")
    await visit.page.locator("#open-faults").click()
    number = visit.page.locator("form.tool input[type=number]").first
    await number.fill("")
    await number.press("4")
    await expect(number).to_have_value("4")
    await expect(text).to_have_value("")


async def test_files_that_miss_their_place(hands: Hands, open_page: OpenPage) -> None:
    """Dropped beside the conversation they do not replace the page; pasted while the focus is
    elsewhere they are taken; an eleventh is told.
    """
    visit = await look(hands, open_page)
    assert await visit.drop("#channels", *texts("drop", 1))
    picked = visit.page.locator("#tray .picked-name")
    await expect(picked).to_have_count(0)
    assert await visit.paste("body", *texts("paste", 1))
    await expect(picked).to_have_text(["paste0.txt"])
    assert await visit.drop("#scroller", *texts("drop", 10))
    await expect(picked).to_have_count(10)
    await expect(visit.notes("A message takes at most 10 files")).to_be_visible()


async def test_nothing_lies_over_where_things_happen(
    hands: Hands, open_page: OpenPage, open_window: OpenWindow
) -> None:
    """Neither a note nor the news of a lost connection covers the newest message, the field to
    write in, or the name of the place. Who wants no motion sees a note at once.
    """
    for number in range(30):
        hands.channel.post(hands.bob, f"Message {number}")
    seats = [Player(p.user, p.name, "Plays in a test.") for p in hands.players]
    async with Page(hands.discord, hands.pika, seats) as page:
        visit = await open_window(page.url, reduced_motion="reduce")
        parts = [visit.message("Message 29"), visit.page.locator("#composer"),
                 visit.page.locator("#place"), visit.page.locator("#servers")]  # fmt: skip
        await visit.paste("body", *texts("paste", 11))
        note = visit.page.locator(".note")
        await expect(note).to_have_css("opacity", "1", timeout=1500)
        for part in parts:
            assert not await _overlap(note, part)
    lost = visit.page.get_by_text("The connection to the demo was lost")
    await expect(lost).to_be_visible()
    for part in parts:
        assert not await _overlap(lost, part)
    visit.trouble = [words for words in visit.trouble if "WebSocket" not in words]


async def _overlap(one: Locator, other: Locator) -> bool:
    a, b = await one.bounding_box(), await other.bounding_box()
    assert a is not None
    assert b is not None
    beside = a["x"] + a["width"] <= b["x"] or b["x"] + b["width"] <= a["x"]
    return not (beside or a["y"] + a["height"] <= b["y"] or b["y"] + b["height"] <= a["y"])


async def test_the_newest_message_stays_in_sight_while_one_writes(
    hands: Hands, open_page: OpenPage
) -> None:
    """A form with many fields takes its room from the top of the conversation, not from its end:
    whoever was at the end still is, however much it takes. Who scrolled up stays there.
    """
    many = [{"type": 3, "name": f"words{n}", "description": "What", "required": n < 8}
            for n in range(12)]  # fmt: skip
    await hands.commands({"name": "write", "description": "Writes", "options": many})
    for number in range(30):
        hands.channel.post(hands.bob, f"Message {number}")
    visit = await look(hands, open_page)
    scroller = visit.page.locator("#scroller")
    await visit.begin("write")
    await expect(visit.page.locator(".option-field")).to_have_count(8)
    await visit.add("words11")
    # A little movement, and in the same frame the composer grows.
    await scroller.evaluate("node => { node.scrollTop -= 20; }")
    grow = """async (node) => {
        await new Promise((done) => setTimeout(done, 100));
        node.scrollTop += 10;
        document.getElementById("composer").style.minHeight = "420px";
    }"""
    await scroller.evaluate(grow)
    await expect(visit.page.locator("#composer")).to_have_css("height", "420px")
    await expect(visit.message("Message 29")).to_be_in_viewport(ratio=1)
    await expect(visit.page.locator("#latest")).to_be_hidden()
    await scroller.evaluate("node => node.scrollBy(0, -300)")
    await expect(visit.page.locator("#latest")).to_be_visible()
    before = await scroller.evaluate("node => node.scrollTop")
    await visit.page.get_by_role("button", name="Leave the command").click()
    hands.channel.post(hands.bob, "Message 30")
    await expect(visit.page.locator("#latest")).to_contain_text("1 new message")
    assert await scroller.evaluate("node => node.scrollTop") == before


async def test_a_drawer_opens_at_its_top(hands: Hands, open_page: OpenPage) -> None:
    """Also when the other one was read to its end."""
    visit = await look(hands, open_page)
    body = visit.page.locator("#drawer .panel-body")
    await visit.page.locator("#open-faults").click()
    await visit.page.locator("form.tool").last.scroll_into_view_if_needed()
    assert await body.evaluate("node => node.scrollTop") > 0
    await visit.page.locator("#open-pika").click()
    await expect(visit.page.locator("#drawer-about")).to_be_in_viewport()
    assert await body.evaluate("node => node.scrollTop") == 0


async def test_emoji_and_other_directions(hands: Hands, open_page: OpenPage) -> None:
    """Emoji alone are large, flags and keys among them, digits are not; a text runs as its own
    script does; a word without end breaks.
    """
    for words in ("👩‍👩‍👧‍👦 🇩🇪 1️⃣ ❤️", "12", "שלום עולם and more", "W" * 600):
        hands.channel.post(hands.bob, words)
    visit = await look(hands, open_page)
    await expect(visit.page.locator(".jumbo")).to_have_text(["👩‍👩‍👧‍👦 🇩🇪 1️⃣ ❤️"])
    edges = """node => ["עולם", "more"].map((word) => {
        const text = node.firstChild, range = document.createRange();
        range.setStart(text, text.data.indexOf(word));
        range.setEnd(text, text.data.indexOf(word) + word.length);
        return range.getBoundingClientRect().left;
    })"""
    hebrew, english = await visit.message("שלום").locator(".content").evaluate(edges)
    assert hebrew > english
    scroller = visit.page.locator("#scroller")
    assert await scroller.evaluate("node => node.scrollWidth - node.clientWidth") == 0


async def test_a_phone_is_not_taken_over(scene: Scene, open_page: OpenPage) -> None:
    """Opening a place brings up no keyboard, a press on the field to write in does; under an open
    panel nothing can be reached.
    """
    visit = await open_page(scene, **PHONE)
    focused = "document.activeElement.id"
    assert await visit.page.evaluate(focused) != "text"
    await visit.page.locator("#open-nav").tap()
    await expect(visit.page.locator("#top")).to_have_js_property("inert", True)
    await visit.go("winter clips")
    await expect(visit.page.locator("#top")).to_have_js_property("inert", False)
    assert await visit.page.evaluate(focused) != "text"
    await visit.page.locator("#text").tap()
    assert await visit.page.evaluate(focused) == "text"


async def test_two_hundred_messages_are_no_burden(hands: Hands, open_page: OpenPage) -> None:
    """All of them are there, the newest in sight, and another one is drawn without a pause that
    a person would notice.
    """
    for number in range(200):
        hands.channel.post(hands.bob, f"**Message** {number} `code` https://example.org/{number}")
    visit: Visit = await look(hands, open_page)
    await expect(visit.messages).to_have_count(200)
    await expect(visit.message("Message 199")).to_be_in_viewport()
    await visit.page.evaluate(
        """() => { window.longest = 0; new PerformanceObserver((list) => {
            for (const one of list.getEntries()) window.longest = Math.max(longest, one.duration);
        }).observe({ type: "longtask" }); }"""
    )
    await visit.page.locator("#text").fill("one more")
    await visit.page.keyboard.press("Enter")
    await expect(visit.message("one more")).to_be_in_viewport()
    assert await visit.page.evaluate("window.longest") < 500
