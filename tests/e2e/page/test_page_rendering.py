"""Everything that a bot or a person can send is drawn, and nothing of it becomes markup.

The bot here is a few lines that send what ours does not (yet): over the real REST API and
gateway, past every rule of the embedded Discord.
"""

from __future__ import annotations

import re
import time

from playwright.async_api import expect

from tests.e2e.page.conftest import OpenPage
from tests.e2e.page.hands import MESSAGE, Hands
from tests.e2e.page.parts import LAYOUT, button, look, row
from tests.e2e.town import clip, picture


async def test_markdown_mentions_and_timestamps(hands: Hands, open_page: OpenPage) -> None:
    """Discord's markdown becomes elements; what only looks like it stays text."""
    [ping] = await hands.commands({"name": "ping", "description": "Says pong"})
    soon = int(time.time()) + 90
    text = "\n".join(
        (
            "# Big", "## Middle", "### Small", "-# fine print",
            "**bold** *slanted* _slanted too_ __under__ ~~gone~~ ***both*** `code **raw**`",
            "snake_case_name 2 * 3 * 4 \\*escaped\\*",
            "> quoted **words**", "- one", "- two", "  - inner", "3. third",
            "```py\nprint('<b>')\n```",
            "||hidden|| [a link](https://example.org/a_(b)) <https://example.org/x>",
            "[bad](javascript:alert(1)) https://example.org/bare).",
            f"<@{hands.bob.id}> <@&{hands.crew.id}> <#{hands.other.id}> </ping:{ping['id']}>",
            f"<t:{soon}:R> <t:0:D> <@999> @everyone <b>no</b>",
        )
    )  # fmt: skip
    await hands.post(content=text)
    visit = await look(hands, open_page)
    said = visit.message("Big").locator(".content")
    for tag, words in (
        ("h3.md-h1", ["Big"]), ("h4.md-h2", ["Middle"]), ("h5.md-h3", ["Small"]),
        ("small", ["fine print"]), ("strong", ["bold", "both", "words"]),
        ("em", ["slanted", "slanted too", "both"]), ("u", ["under"]), ("s", ["gone"]),
        ("code.md-code", ["code **raw**"]), ("blockquote", [re.compile("quoted words")]),
        ("pre code", ["print('<b>')"]), ("ul > li", ["one", re.compile("^two"), "inner"]),
        ("ol > li", ["third"]), ("b", []), ("script", []),
        ("a", ["a link", "https://example.org/x", "https://example.org/bare"]),
        (".mention", ["@Bob", "@Crew", "backstage", "/ping", "@unknown-user"]),
    ):  # fmt: skip
        await expect(said.locator(tag)).to_have_text(words)
    await expect(said).to_contain_text("snake_case_name 2 * 3 * 4 *escaped*")
    await expect(said).to_contain_text("[bad](javascript:alert(1))")
    await expect(said).to_contain_text("@everyone <b>no</b>")
    link = said.locator("a").first
    await expect(link).to_have_attribute("href", "https://example.org/a_(b)")
    await expect(link).to_have_attribute("rel", "noopener noreferrer")
    counting = said.locator("time[data-counts]")
    await expect(counting).to_have_text("in 1 minute")
    await expect(said.locator("time").last).to_have_text(re.compile("1970|1969"))

    hidden = said.locator(".spoiler")
    await expect(hidden).to_have_accessible_name("Spoiler: press to show it")
    await hidden.press("Enter")
    await expect(hidden).to_have_class(re.compile("shown"))
    await said.get_by_role("button", name="/ping").click()
    await expect(visit.page.locator('form.command[data-command="ping"]')).to_be_visible()
    await visit.page.keyboard.press("Escape")
    await said.get_by_role("button", name="backstage").click()
    await expect(visit.page.locator(".place-name")).to_have_text("backstage")


async def test_a_countdown_counts(hands: Hands, open_page: OpenPage) -> None:
    """Seconds pass in a timestamp without anything being sent."""
    await hands.post(content=f"<t:{int(time.time()) + 30}:R>")
    visit = await look(hands, open_page)
    counting = visit.messages.locator("time[data-counts]")
    first = await counting.inner_text()
    assert re.fullmatch(r"in (2\d|30) seconds", first)
    await expect(counting).not_to_have_text(first)


async def test_embeds(hands: Hands, open_page: OpenPage) -> None:
    """All parts of an embed, with an uploaded picture in it."""
    embed = {
        "title": "A title", "url": "https://example.org/", "description": "With **words**",
        "color": 0xED4245, "author": {"name": "Somebody"}, "footer": {"text": "Job 7"},
        "timestamp": "2026-01-02T03:04:05+00:00", "image": {"url": "attachment://fox.png"},
        "fields": [
            {"name": "One", "value": "*1*", "inline": True},
            {"name": "Two", "value": "2", "inline": True},
        ],
    }  # fmt: skip
    await hands.post(files={"fox.png": picture()}, embeds=[embed])
    visit = await look(hands, open_page)
    drawn = visit.page.locator(".embed")
    await expect(drawn.get_by_role("link", name="A title")).to_have_attribute(
        "href", "https://example.org/"
    )
    for words in ("Somebody", "With words", "One", "Job 7 • 02/01/2026"):
        await expect(drawn).to_contain_text(words)
    await expect(drawn.locator("strong")).to_have_text("words")
    await expect(drawn).to_have_css("border-left-color", "rgb(237, 66, 69)")
    shown = drawn.locator(".embed-image img")
    await shown.scroll_into_view_if_needed()
    await expect(shown).to_have_js_property("naturalWidth", 64)


async def test_components_v2(hands: Hands, open_page: OpenPage) -> None:
    """Containers, sections, texts, galleries with a video that plays, separators and files."""
    layout = {
        "type": 17, "accent_color": 0x57F287,
        "components": [
            {"type": 10, "content": "## Heading"},
            {"type": 9, "components": [{"type": 10, "content": "Beside a picture"}],
             "accessory": {"type": 11, "media": {"url": "attachment://fox.png"},
                           "description": "A fox"}},
            {"type": 9, "components": [{"type": 10, "content": "Beside a button"}],
             "accessory": button("Go", "go", 3)},
            {"type": 14, "divider": True, "spacing": 2},
            {"type": 12, "items": [
                {"media": {"url": "attachment://clip.mp4"}, "description": "A clip"},
                {"media": {"url": "attachment://fox.png"}, "spoiler": True},
            ]},
            {"type": 13, "file": {"url": "attachment://notes.txt"}},
            row(button("Below", "below", 1)),
        ],
    }  # fmt: skip
    files = {"fox.png": picture(), "clip.mp4": clip(), "notes.txt": b"hello"}
    await hands.post(files=files, flags=LAYOUT, components=[layout])
    hands.answers["go"] = hands.say("Went", private=True)
    visit = await look(hands, open_page)
    drawn = visit.page.locator(".container")
    await expect(drawn.locator(".md-h2")).to_have_text("Heading")
    await expect(drawn.get_by_role("img", name="A fox")).to_be_visible()
    await expect(drawn.get_by_role("separator")).to_have_count(1)
    await expect(drawn.get_by_role("link", name="notes.txt").first).to_have_attribute(
        "download", "notes.txt"
    )
    await visit.plays(drawn.locator("video"))
    secret = drawn.locator(".spoiler-block")
    await secret.click()
    await expect(secret.locator("img")).to_have_js_property("naturalWidth", 64)
    await drawn.get_by_role("button", name="Go").click()
    await expect(visit.message("Went")).to_be_visible()
    await expect(visit.messages.first.locator(".attachments")).to_have_count(0)


async def test_people_write_reply_and_delete(hands: Hands, open_page: OpenPage) -> None:
    """Plain words with a file, a reply with its preview, and what is deleted is gone."""
    hands.channel.post(hands.bob, "a question")
    visit = await look(hands, open_page)
    await visit.page.locator("#file-input").set_input_files(
        {"name": "notes.txt", "mimeType": "text/plain", "buffer": b"hello"}
    )
    await visit.page.locator("#text").fill("my **own** words")
    await visit.page.keyboard.press("Enter")
    mine = visit.message("my own words")
    await expect(mine.locator("strong")).to_have_text("own")
    await expect(mine.get_by_role("link", name="notes.txt").first).to_be_visible()
    question = visit.messages.filter(has_text="a question").first
    await question.hover()
    await question.get_by_role("button", name="More for this message").click()
    await visit.page.get_by_role("menuitem", name="Reply").click()
    await expect(visit.page.locator("#reply-bar")).to_contain_text("Replying to Bob")
    await visit.page.keyboard.type("an answer")
    await visit.page.keyboard.press("Enter")
    answer = visit.message("an answer")
    await expect(answer.locator(".above-reply")).to_contain_text("a question")
    await answer.hover()
    await answer.get_by_role("button", name="More for this message").click()
    await visit.page.get_by_role("menuitem", name="Delete message").click()
    await expect(visit.messages.filter(has_text="an answer")).to_have_count(0)


async def test_what_a_reply_answers_is_shown_as_it_is_now(
    hands: Hands, open_page: OpenPage
) -> None:
    """Once seen, the line above a reply follows every change of what it answers, also of a card
    that has nothing but an embed or components.

    A video came before its card said "Done", in two differences: the line above the video went
    on to say that Pika was making it.
    """
    card = await hands.post(embeds=[{"title": "/create", "description": "being made"}])
    reference = {"message_id": str(card.id)}
    await hands.post(content="the video", message_reference=reference)
    visit = await look(hands, open_page)
    above = visit.message("the video").locator(".above-reply")
    await expect(above).to_contain_text("being made")
    await hands.edit(card, embeds=[{"title": "/create", "description": "all done"}])
    await expect(above).to_contain_text("all done")
    await expect(above).to_have_accessible_name("Reply to pika: /create · all done")
    await hands.edit(card, embeds=[], components=[{"type": 10, "content": "laid out"}],
                     flags=LAYOUT)  # fmt: skip
    await expect(above).to_contain_text("laid out")


async def test_texts_of_others_are_never_markup(hands: Hands, open_page: OpenPage) -> None:
    """Names, titles, labels, file names and descriptions are words, whatever they hold."""
    evil = "<img src=x onerror=window.broken=1>"
    hands.answers["evil"] = {"type": MESSAGE, "data": {"content": f"answer {evil}"}}
    await hands.commands({"name": "evil", "description": evil})
    embed = {"title": evil, "description": evil, "footer": {"text": evil},
             "url": "https://example.org/", "fields": [{"name": evil, "value": evil}]}  # fmt: skip
    options = [{"label": evil, "value": "x", "description": evil}]
    await hands.post(
        files={"x.txt": b"x"},
        content=f"{evil} [x](javascript:window.broken=1) <javascript:window.broken=1>",
        embeds=[embed],
        components=[
            row(button(evil, "evil")),
            row({"type": 3, "custom_id": "menu", "options": options}),
        ],
    )
    thread = hands.channel.create_thread(evil, owner=hands.alice)
    thread.post(hands.bob, evil)
    visit = await look(hands, open_page)
    await visit.page.locator('.select[data-custom="menu"]').click()
    await expect(visit.page.get_by_role("option")).to_contain_text(evil)
    await visit.page.keyboard.press("Escape")
    await visit.page.get_by_role("button", name=evil, exact=True).click()
    await expect(visit.message("answer")).to_contain_text(evil)
    await visit.use("evil")
    await visit.go(evil)
    await expect(visit.page).to_have_title(f"{evil} · pika-bot demo")
    await expect(visit.page.locator('img, [href^="javascript"]')).to_have_count(0)
    assert await visit.page.evaluate("window.broken") is None
