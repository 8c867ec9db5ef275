"""A moderator looks at videos first: what everybody sees of it, and README's picture.

With PIKA_PICTURES set, the picture is written to `.github/images/`.
"""

from __future__ import annotations

from dataclasses import replace

from playwright.async_api import Locator, expect

from bot.demo.stage import Stage
from bot.rules.policy import ReviewRule
from tests.e2e.choosing import choose
from tests.e2e.page.conftest import OpenWindow
from tests.e2e.page.parts import open_demo
from tests.e2e.page.pictures import keep, still
from tests.e2e.page.readable import problems
from tests.e2e.page.visit import Visit

ROOM = "mod-office"


def review(visit: Visit, prompt: str) -> Locator:
    """The moderators' message about this video."""
    return visit.messages.filter(has_text=prompt).filter(has_text="Review of job")


async def test_one_video_is_approved_and_another_rejected(
    stage: Stage, open_window: OpenWindow
) -> None:
    """A member asks twice and sees that both wait; a moderator watches them, approves one and
    rejects the other through the form; the member's video plays, and the reason is read.
    """
    room = next(c for c in stage.guild.channels.values() if c.name == ROOM)
    visit = await open_demo(stage, open_window, color_scheme="dark")
    await choose(
        stage.bot.folder / "data",
        stage.guild.id,
        lambda now: replace(now, review=room.id, look_at=ReviewRule(everything=True)),
    )
    for prompt in ("a fox runs through fresh snow at dawn", "a monster under the bed"):
        await visit.use("create", prompt=prompt)
        card = visit.message(prompt)
        await expect(card).to_contain_text("waits for a moderator")
        await expect(card.get_by_role("button", name="Cancel")).to_have_count(0)
    await expect(visit.messages.locator("video")).to_have_count(0)

    await visit.be("mara")
    await visit.go(ROOM)
    fox, monster = review(visit, "fresh snow"), review(visit, "monster under")
    await visit.plays(fox.locator("video"))
    await expect(fox).to_contain_text("@Alice in")
    await expect(fox.get_by_role("button", name="Approve")).to_be_visible()
    await expect(monster.get_by_role("button", name="Block…")).to_be_visible()
    assert await problems(visit.page) == []

    await monster.get_by_role("button", name="Reject…").click()
    form = visit.page.get_by_role("dialog", name="Reject the video of job 2")
    await form.get_by_label("Why?").fill("Too scary for our younger members")
    await form.get_by_role("button", name="Submit").click()
    await expect(form).to_have_count(0)
    await expect(monster).to_contain_text("Rejected by @Mara")
    await expect(monster).to_contain_text("Too scary for our younger members")
    await expect(monster.get_by_role("button", name="Approve")).to_have_count(0)
    await visit.page.get_by_role("button", name="Dismiss message").last.click()
    await still(visit)
    await visit.page.locator("#text").focus()
    await fox.scroll_into_view_if_needed()
    await keep(visit, "review")
    await fox.get_by_role("button", name="Approve").click()
    await expect(fox).to_contain_text("Approved by @Mara")
    await expect(fox.locator("video")).to_have_count(1)

    await visit.be("alice")
    await visit.go("winter clips")
    await visit.plays(visit.messages.locator("video"))
    await expect(visit.message("Job 2:")).to_contain_text("Too scary for our younger members")
    await expect(visit.messages.filter(has_text="Review of job")).to_have_count(0)
    await expect(visit.messages.filter(has_text="waits for a moderator")).to_have_count(0)
