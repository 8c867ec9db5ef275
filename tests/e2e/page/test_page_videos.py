"""What becomes of posted videos, by clicks of different people in the town of the demo.

Alice asks for them; Bea is a member as she is; Mara moderates. Both tests share one town.
"""

from __future__ import annotations

from dataclasses import replace

from playwright.async_api import Locator, expect

from bot.demo.stage import Stage
from tests.e2e.choosing import choose
from tests.e2e.page.conftest import OpenWindow
from tests.e2e.page.parts import open_demo
from tests.e2e.page.test_page_menus import entries
from tests.e2e.page.test_page_moderation import NOTHING_HERE, job_of
from tests.e2e.page.visit import Visit

LOG, SHOWCASE = "mod-office", "lounge"


async def alice_has_a_video(
    stage: Stage, open_window: OpenWindow, where: str, prompt: str
) -> tuple[Visit, Locator, Locator]:
    """A window in which Alice has just got a video; its card, and its message. Moderators have
    chosen a log, and a place for what members share.
    """
    places = {channel.name: channel.id for channel in stage.guild.channels.values()}
    await choose(
        stage.bot.folder / "data",
        stage.guild.id,
        lambda now: replace(now, log=places[LOG], showcase=places[SHOWCASE]),
    )
    visit = await open_demo(stage, open_window)
    await visit.go(where)
    card = await visit.answer("create", prompt=prompt)
    await expect(card).to_contain_text("Done")
    video = with_video(visit)
    await expect(video).to_have_count(1)
    return visit, card, video


def with_video(visit: Visit) -> Locator:
    """The messages of the open place that show one."""
    return visit.messages.filter(has=visit.page.locator("video"))


async def report(visit: Visit, video: Locator) -> None:
    """Choose "Report video" from the menu of a message."""
    await video.locator("video").click(button="right")
    await entries(visit, "Message").get_by_text("Apps").click()
    await entries(visit, "Apps").get_by_text("Report video").click()


async def test_a_reported_video_is_removed_from_the_log(
    shared_stage: Stage, open_window: OpenWindow
) -> None:
    """A member says what is wrong, once; a moderator reads it, removes the video by the buttons
    below and says why; whoever asked for it reads that.
    """
    visit, card, video = await alice_has_a_video(
        shared_stage, open_window, "videos", "a dog that surfs"
    )
    await report(visit, video)
    await expect(visit.message("That is your own video")).to_contain_text("Only you can see this")

    await visit.be("bea")
    await report(visit, video)
    form = visit.page.get_by_role("dialog", name="Report video")
    await form.get_by_label("What is wrong with it?").fill("That is *my* dog")
    await form.get_by_role("button", name="Submit").click()
    await expect(visit.message("can read your report now")).to_contain_text("Only you can see")
    await report(visit, video)
    await expect(visit.message("You have reported this video already.")).to_be_visible()
    await expect(visit.page.locator("[data-channel]", has_text=LOG)).to_have_count(0)

    await visit.be("mara")
    job = await job_of(card)
    await visit.go(LOG)
    told = visit.message("that a video should go")
    await expect(told).to_contain_text("1 member finds")
    await expect(told).to_contain_text(f"job {job} of @Alice, /create a dog that surfs")
    await expect(told.locator("code").last).to_have_text("That is *my* dog")
    await told.get_by_role("button", name="Remove…").click()
    form = visit.page.get_by_role("dialog", name=f"Remove the video of job {job}")
    await form.get_by_label("Why?").fill("Bea’s dog")
    await form.get_by_role("button", name="Submit").click()
    await expect(told).to_contain_text("Removed by @Mara: Bea’s dog")
    await expect(told.get_by_role("button", name="Remove…")).to_have_count(0)

    await visit.be("alice")
    await visit.go("videos")
    await expect(card).to_contain_text("Removed by a moderator, reason: Bea’s dog")
    await expect(visit.message("was removed by a moderator")).to_contain_text("@Alice")
    await expect(video).to_have_count(0)


async def test_a_video_is_shared_and_then_deleted(
    shared_stage: Stage, open_window: OpenWindow
) -> None:
    """By the buttons below it, which do nothing for anybody else: it plays where the server shows
    its best, and after one more question it is gone from everywhere.
    """
    visit, card, video = await alice_has_a_video(
        shared_stage, open_window, "winter clips", "a kite above the ice"
    )
    await video.get_by_role("button", name="Share").click()
    await expect(visit.message("Your video is being shared in lounge")).to_be_visible()
    await visit.go(SHOWCASE)
    await visit.plays(video.locator("video"))
    await expect(video).to_contain_text("@Alice made this with /create a kite above the ice")

    await visit.be("bea")
    await visit.go("winter clips")
    job = await job_of(card)
    await video.get_by_role("button", name="Share").click()
    await expect(visit.message(f"I know no job {job} of yours in this server.")).to_be_visible()
    await video.get_by_role("button", name="Delete").click()
    await expect(visit.message(NOTHING_HERE)).to_contain_text("Only you can see this")

    await visit.be("alice")
    await visit.go("winter clips")
    await video.get_by_role("button", name="Delete").click()
    asked = visit.message(f"Delete the video of job {job}?")
    await asked.get_by_role("button", name="Delete it").click()
    await expect(visit.message(f"The video of job {job} is being deleted")).to_be_visible()
    await expect(card).to_contain_text("Deleted by whoever asked for it")
    await expect(video).to_have_count(0)
    await visit.go(SHOWCASE)
    await expect(visit.message("The popcorn machine")).to_be_visible()
    await expect(video).to_have_count(0)
