"""Commands with every kind of option, suggestions, and answers that come late or never."""

from __future__ import annotations

import time

from playwright.async_api import expect

from tests.e2e.page.conftest import OpenPage
from tests.e2e.page.hands import LATER, SUGGEST, Hands
from tests.e2e.page.parts import Json, look


async def test_autocomplete_asks_the_bot_after_a_pause(hands: Hands, open_page: OpenPage) -> None:
    """Suggestions come from the bot, once for a word typed in one go; silence is told."""
    job = {"type": 3, "name": "job", "description": "Which", "required": True, "autocomplete": True}
    await hands.commands({"name": "show", "description": "Shows a video", "options": [job]})

    def suggest(interaction: Json) -> Json:
        typed = interaction["data"]["options"][0]["value"]
        return {"type": SUGGEST, "data": {"choices": [{"name": f"Job 7: {typed}", "value": "7"}]}}

    hands.answers["show?"] = suggest
    hands.answers["show"] = lambda i: hands.say(f"Job {i['data']['options'][0]['value']}")
    visit = await look(hands, open_page)
    await visit.begin("show")
    await visit.page.keyboard.type("fox", delay=20)
    await expect(visit.page.get_by_role("option")).to_have_text("Job 7: fox")
    asked = [one["data"]["options"][0]["value"] for one in hands.heard]
    assert asked[-1] == "fox"
    assert "fo" not in asked
    await visit.page.keyboard.press("Enter")
    await expect(visit.option("job").locator("input")).to_have_value("Job 7: fox")
    await visit.page.keyboard.press("Enter")
    await expect(visit.message("Job 7")).to_be_visible()

    del hands.answers["show?"]
    await visit.begin("show")
    await visit.page.keyboard.type("x")
    await hands.told("show", 1 + len(asked) + 1)
    hands.discord.clock.advance(3)
    await expect(visit.page.locator(".listbox-empty")).to_have_text("Loading options failed")


async def test_options_of_every_kind(hands: Hands, open_page: OpenPage) -> None:
    """Numbers, yes and no, people, channels and roles; subcommands are found by their path."""
    kinds = (
        (4, "count"),
        (10, "share"),
        (5, "sure"),
        (6, "who"),
        (7, "where"),
        (8, "role"),
        (9, "any"),
    )
    options = [{"type": kind, "name": name, "description": name} for kind, name in kinds]
    limit = {"type": 1, "name": "limit", "description": "Sets a limit", "options": options}
    await hands.commands(
        {"name": "moderate", "description": "For moderators", "options": [limit]},
    )
    hands.answers["moderate"] = hands.say("Set")
    visit = await look(hands, open_page)
    form = await visit.begin("moderate limit")
    typed = {
        "count": "3", "share": "0.5", "sure": "true", "who": "bob", "where": "backstage",
        "role": "@Crew", "any": "Bob",
    }  # fmt: skip
    for name, text in typed.items():
        await (await visit.add(name)).locator("input").fill(text)
    await form.locator(".send").click()
    await expect(visit.message("Set")).to_be_visible()
    [sub] = (await hands.told("moderate"))["options"]
    values = {option["name"]: option["value"] for option in sub["options"]}
    assert values == {
        "count": 3, "share": 0.5, "sure": True, "who": str(hands.bob.id),
        "where": str(hands.other.id), "role": str(hands.crew.id), "any": str(hands.bob.id),
    }  # fmt: skip


async def test_thinking_editing_and_no_answer_at_all(hands: Hands, open_page: OpenPage) -> None:
    """ "is thinking…" until there is an answer, "(edited)" after it changed; a bot that says
    nothing for three seconds "did not respond", not earlier.
    """
    await hands.commands(
        {"name": "slow", "description": "Takes its time"},
        {"name": "mute", "description": "Says nothing"},
    )
    hands.answers["slow"] = {"type": LATER, "data": {"flags": 0}}
    visit = await look(hands, open_page)
    await visit.use("slow")
    await expect(visit.message("is thinking…")).to_contain_text("Alice used /slow")
    await hands.told("slow")
    await hands.after(hands.heard[-1], content="Done thinking")
    answer = visit.message("Done thinking")
    await expect(answer).to_be_visible()
    await expect(visit.page.locator(".thinking")).to_have_count(0)
    await expect(answer.locator(".edited")).to_have_count(0)
    await hands.after(hands.heard[-1], content="Done thinking, twice")
    await expect(answer.locator(".edited")).to_have_text("(edited)")

    await visit.begin("mute")
    sent_at = time.monotonic()
    await visit.page.keyboard.press("Enter")
    doing = visit.page.locator(".doing")
    await expect(doing).to_contain_text("/mute")
    await visit.page.wait_for_function("() => document.querySelector('.doing.failed')")
    assert 2.9 < time.monotonic() - sent_at < 4.0
    await expect(doing).to_contain_text("The application did not respond")
    await doing.get_by_role("button", name="Dismiss").click()
    await expect(doing).to_have_count(0)
