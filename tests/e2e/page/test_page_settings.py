"""What a moderator sets on the panel, by clicks and keys, in the town of the demo.

Mara moderates Film club; Alice is a member of it. Both tests share one town.
"""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Locator, expect

from bot.demo.stage import Stage
from tests.e2e.page.conftest import OpenWindow
from tests.e2e.page.parts import open_demo
from tests.e2e.page.pictures import keep
from tests.e2e.page.readable import problems
from tests.e2e.page.visit import PHONE, Visit


async def mara_visits(stage: Stage, open_window: OpenWindow, **window: object) -> Visit:
    """A window in which Mara looks at the channel of videos."""
    visit = await open_demo(stage, open_window, **window)
    await visit.be("mara")
    await visit.go("videos")
    return visit


async def choose(visit: Visit, panel: Locator, select: str, *options: str) -> None:
    """Choose in a select of the panel, by what it says, and close it."""
    await panel.get_by_role("combobox", name=select).click()
    for option in options:
        await visit.page.get_by_role("option", name=option).click()
    if await visit.page.get_by_role("listbox").count():  # of several, it waits for more
        await visit.page.keyboard.press("Tab")


async def edit(panel: Locator, group: str) -> None:
    """Open a group from the first page."""
    name = panel.page.get_by_text(group, exact=True)
    section = panel.locator(".section").filter(has=name)
    await section.get_by_role("button", name="Edit").click()
    await expect(panel.get_by_role("heading", name=group)).to_be_visible()


async def back(panel: Locator) -> None:
    """Return to the first page."""
    await panel.get_by_role("button", name="All settings").click()
    await expect(panel).to_contain_text("Set by commands")


async def test_everything_on_one_panel(shared_stage: Stage, open_window: OpenWindow) -> None:
    """Channels, a form with a mistake in it, a log, reviews: each press redraws the one message,
    and says what was and what is. Alice meets what was set.
    """
    visit = await mara_visits(shared_stage, open_window)
    panel = await visit.answer("moderate settings")
    await expect(panel).to_contain_text("Videos may be asked for in every channel")
    await edit(panel, "Channels")
    await choose(visit, panel, "Every channel", "videos")
    await expect(panel).to_contain_text("Channels where videos may be asked for: all → videos")
    await back(panel)

    await edit(panel, "Strikes")
    await panel.get_by_role("button", name="Switch on").click()
    form = visit.page.get_by_role("dialog", name="Strikes")
    await form.get_by_label("Refused prompts").fill("three")
    await form.get_by_role("button", name="Submit").click()
    await expect(panel).to_contain_text("Refused prompts: three is no number. Write digits")
    await panel.get_by_role("button", name="Switch on").click()
    await expect(form.get_by_label("Refused prompts")).to_have_value("three")
    await form.get_by_label("Refused prompts").fill("3")
    await form.get_by_role("button", name="Submit").click()
    await expect(panel).to_contain_text("Strikes: off → after 3 refused prompts")
    await back(panel)

    await edit(panel, "Log and records")
    await choose(visit, panel, "No log", "mod-office")
    await expect(panel).to_contain_text("Log channel: none → mod-office")
    await back(panel)
    await edit(panel, "Review")
    await expect(panel.get_by_role("combobox", name="Choose a review channel")).to_be_disabled()
    await choose(visit, panel, "No review channel", "mod-office")
    await choose(visit, panel, "None", "Videos of new members")
    await expect(panel).to_contain_text("Review of new members’ videos: off → for 7 days")
    assert await problems(visit.page) == []
    await back(panel)
    for line in (
        "Videos may be asked for only in videos",
        "Looked at first, in mod-office: videos of new members (7 days)",
        "Log in mod-office, with a daily report",
        "After 3 refused prompts, within 24 hours, blocked for 24 hours",
    ):
        await expect(panel).to_contain_text(line)
    await expect(visit.messages.filter(has_text="Set by commands")).to_have_count(1)
    await keep(visit, "settings", panel)

    await visit.be("alice")
    await visit.go("lounge")
    why = await visit.answer("create", prompt="a fox at the bar")
    await expect(why).to_contain_text("Videos may not be asked for in this channel")


async def test_a_first_run_with_a_test_post(shared_stage: Stage, open_window: OpenWindow) -> None:
    """Step by step, with a way back; a test proves that everything works, and leaves nothing.
    Members see nothing of it.
    """
    visit = await mara_visits(shared_stage, open_window)
    await visit.go("lounge")  # or the window would ask for a picture that is gone by then
    panel = await visit.answer("moderate setup")
    on = panel.get_by_role("button", name=re.compile("^(Next|Skip)$"))
    await expect(panel).to_contain_text("Step 1 of 5")
    await on.click()
    await expect(panel).to_contain_text("Step 2 of 5")
    await choose(visit, panel, "Where they were asked for", "videos")
    await expect(panel).to_contain_text("Result place: where the video was asked for → videos")
    await on.click()
    await expect(panel).to_contain_text("Step 3 of 5")
    await choose(visit, panel, "Numbers of your own", "A medium server")
    await expect(panel).to_contain_text("All members together: 100 credits in 24 hours")
    await on.click()
    await expect(panel).to_contain_text("Step 4 of 5")
    await panel.get_by_role("button", name="Back").click()
    await expect(panel).to_contain_text("Step 3 of 5")
    await on.click()
    await expect(panel).to_contain_text("Step 4 of 5")  # or one press would be two too soon
    await on.click()
    await expect(panel).to_contain_text("Step 5 of 5")
    await panel.get_by_role("button", name="Send a test post").click()
    await expect(panel).to_contain_text("Everything works where it was tried.")
    await expect(panel).to_contain_text("videos: posted, read again, deleted")
    assert await problems(visit.page) == []
    await panel.get_by_role("button", name="Done").click()
    await expect(panel).to_contain_text("Members can ask for videos now")
    await panel.get_by_role("button", name="All settings").click()
    await expect(panel).to_contain_text("Videos are posted in videos")
    await visit.be("alice")
    await visit.go("videos")
    await expect(visit.messages.filter(has_text="Test post")).to_have_count(0)
    await expect(visit.messages.filter(has_text="Step")).to_have_count(0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_the_panel_on_a_phone(
    shared_stage: Stage, open_window: OpenWindow, scheme: str
) -> None:
    """Readable there too, in either scheme, and nothing of it is out of reach."""
    visit = await open_demo(shared_stage, open_window, **{**PHONE, "color_scheme": scheme})
    await visit.page.locator("#open-me").tap()
    await visit.be("mara")
    await visit.page.keyboard.press("Escape")
    panel = await visit.answer("moderate settings")
    await edit(panel, "Members")
    await expect(panel.get_by_role("button", name="All settings")).to_be_visible()
    assert await problems(visit.page) == []
