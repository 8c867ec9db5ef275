"""The two drawers: what a person lets go wrong, and that the promises hold while it does."""

from __future__ import annotations

import re

from playwright.async_api import expect

from bot.demo.stage import Stage
from bot.sandbox.discord import Message
from tests.e2e.page.conftest import OpenPage, OpenWindow
from tests.e2e.page.parts import open_demo
from tests.e2e.page.visit import PATIENCE_MS
from tests.e2e.town import Scene


def videos(stage: Stage) -> list[Message]:
    """Every message with a video, anywhere."""
    places = stage.discord.world.channels.values()
    return [m for place in places for m in place.messages if m.attachments]


async def test_kill_the_bot_while_pika_works_and_get_the_video_once(
    stage: Stage, open_window: OpenWindow
) -> None:
    """SIGKILL during rendering, from the drawer; started again there, the bot delivers the video
    exactly once, and the drawer shows the proof.
    """
    stage.pika.pause()
    visit = await open_demo(stage, open_window)
    await visit.use("create", prompt="a lighthouse in a storm")
    card = visit.message("Alice used /create")
    await visit.page.locator("#open-pika").click()
    job = visit.page.locator(".job")
    await expect(job).to_contain_text(re.compile("created|started|progress"))
    await expect(card).to_contain_text("Pika is making it")

    await visit.page.locator("#open-faults").click()
    bot = visit.page.locator("#drawer-head")
    await bot.get_by_role("button", name="Kill").click()
    await expect(bot).to_contain_text("The bot: Stopped")
    await expect(bot).to_contain_text("code -9")
    await expect(visit.page.locator("#bot-state")).to_have_text("The bot is stopped")
    stage.pika.resume()
    await stage.discord.wait_for(lambda: not stage.pika.executing, timeout=PATIENCE_MS / 1000)
    assert videos(stage) == []

    await bot.get_by_role("button", name="Start", exact=True).click()
    await expect(bot).to_contain_text("The bot: Online")
    await expect(bot).to_contain_text("started 2 times")
    await expect(card).to_contain_text("Done")
    await visit.plays(visit.messages.locator("video"))
    await visit.page.locator("#open-pika").click()
    await expect(job.locator(".job-posted")).to_contain_text("Posted once: winter clips")
    assert len(videos(stage)) == 1


async def test_a_moderated_prompt_costs_nothing(scene: Scene, open_page: OpenPage) -> None:
    """Ordered in the Pika drawer, it is told in words on the card, and is undone by itself."""
    visit = await open_page(scene)
    await visit.page.locator("#open-pika").click()
    tool = visit.page.locator('form.tool[data-tool="pika_moderated"]')
    await tool.get_by_role("button").click()
    await expect(tool.locator(".tool-said")).not_to_be_empty()
    await visit.use("create", prompt="something odd")
    card = visit.message("Alice used /create")
    await expect(card).to_contain_text("moderation refused")
    await expect(card).to_contain_text("you were not charged")
    await expect(visit.page.locator("#in-force")).to_be_hidden()


async def test_discord_fails_three_times_and_the_video_comes_once(
    scene: Scene, open_page: OpenPage
) -> None:
    """Errors of Discord are in force, count down, and can be undone; the video arrives anyway."""
    scene.pika.pause()
    visit = await open_page(scene)
    await visit.go("winter clips")
    await visit.use("create", prompt="through the wall")
    await scene.until(lambda: scene.jobs and scene.jobs[0]["state"] == "rendering")
    await visit.page.locator("#open-faults").click()
    await expect(visit.page.locator("#faults-count")).to_be_hidden()
    tool = visit.page.locator("form.tool").filter(has_text="Errors")
    await tool.locator("input[type=number]").fill("2")
    await tool.get_by_role("button").click()
    fault = visit.page.locator(".fault")
    await expect(fault).to_contain_text("2 to go")
    await expect(visit.page.locator("#faults-count")).to_have_text("1")
    scene.pika.resume()
    await expect(fault).to_have_count(0)
    await visit.plays(visit.messages.locator("video"))
    await expect(visit.messages.locator("video")).to_have_count(1)

    await tool.get_by_role("button").click()
    await fault.get_by_role("button", name="Undo").click()
    await expect(fault).to_have_count(0)


async def test_typed_fields_of_a_tool_survive_what_happens(
    scene: Scene, open_page: OpenPage
) -> None:
    """A drawer is drawn again while jobs run; what was typed into it stays."""
    visit = await open_page(scene)
    await visit.page.locator("#open-pika").click()
    seconds = visit.page.locator('form.tool[data-tool="pika_slow"] input').first
    await seconds.fill("7")
    await scene.delivered(await scene.card(prompt="meanwhile"))
    scene.channel.create_thread("a new place", owner=scene.bob)
    await expect(visit.page.locator(".job").first).to_contain_text("completed")
    await expect(visit.page.locator("[data-channel]", has_text="a new place")).to_be_visible()
    await expect(seconds).to_have_value("7")
    await expect(seconds).to_be_focused()
