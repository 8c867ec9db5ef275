"""What `pika-bot demo` opens: five people, two servers, and the pictures of README."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.async_api import expect

from bot.demo.picture import sunset
from bot.demo.stage import Stage
from bot.sandbox.discord import Permission
from tests.e2e.page.conftest import OpenWindow
from tests.e2e.page.parts import open_demo
from tests.e2e.page.pictures import keep, still
from tests.e2e.page.readable import problems
from tests.e2e.page.visit import PHONE, Visit


async def ask(visit: Visit, folder: Path) -> None:
    """Two videos, asked for as in README's first picture."""
    picture = folder / "sunset.png"
    picture.write_bytes(sunset())
    videos = visit.messages.locator("video")
    await visit.use("create", prompt="a fox runs through fresh snow at dawn")
    await expect(videos).to_have_count(1)
    await visit.begin("encrypt_text")
    await visit.option("message").locator("textarea").fill("HELLO")
    await visit.option("prompt").locator("textarea").fill("waves at sunset, overhead shot")
    await (await visit.add("image")).locator("input[type=file]").set_input_files(picture)
    font = await visit.add("font")
    await font.locator("input").fill("RETRO")
    if await visit.page.locator('[data-theme="dark"]').count():
        await still(visit)
        await keep(visit, "command")
    await visit.page.keyboard.press("Enter")
    await expect(videos).to_have_count(2)
    await visit.plays(videos.last)
    cards = visit.messages.filter(has=visit.page.locator(".above-command"))
    await expect(cards.filter(has_text="Done")).to_have_count(2)
    await expect(visit.page.locator(".above-reply", has_text="Done")).to_have_count(2)
    await visit.page.locator("#text").focus()
    await visit.page.mouse.move(5, 5)
    await videos.last.evaluate("video => video.pause()")


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_two_videos_in_the_demo(
    stage: Stage, open_window: OpenWindow, tmp_path: Path, scheme: str
) -> None:
    """The demo's page from the first command to two playing videos, readable in these colours."""
    visit = await open_demo(stage, open_window, color_scheme=scheme)
    await ask(visit, tmp_path)
    await visit.page.locator(".hint").scroll_into_view_if_needed()
    await visit.page.locator("#latest").click()
    assert await problems(visit.page) == []
    await still(visit)
    await keep(visit, f"page-{scheme}")
    if scheme == "dark":
        phone = await open_demo(stage, open_window, **PHONE)
        await expect(phone.messages.locator("video")).to_have_count(2)
        await still(phone)
        await keep(phone, "phone")


async def test_the_drawers_of_the_demo(stage: Stage, open_window: OpenWindow) -> None:
    """Pika's drawer shows the jobs as they go on and where each video was posted."""
    visit = await open_demo(stage, open_window, color_scheme="light")
    await visit.use("create", prompt="rain on a window")
    await expect(visit.messages.locator("video")).to_have_count(1)
    stage.pika.pause()
    await visit.use("create", prompt="a train through the alps")
    await visit.page.locator("#open-pika").click()
    jobs = visit.page.locator(".job")
    await expect(jobs.last).to_contain_text("Posted once: winter clips")
    await expect(jobs.first.locator("progress")).to_be_visible()
    await keep(visit, "drawer-pika")
    await visit.page.locator("#open-faults").click()
    await keep(visit, "drawer-faults")
    stage.pika.resume()
    await expect(visit.messages.locator("video")).to_have_count(2)


async def test_five_people_are_seen_differently(stage: Stage, open_window: OpenWindow) -> None:
    """Whoever is played sees their own places, roles and standing; a closed room only by those
    who may, a private answer only by whom it is for.
    """
    visit = await open_demo(stage, open_window)
    channels = visit.page.locator("[data-channel]")
    standing = visit.page.locator("#myself")
    people = visit.page.locator("[data-person]")
    await expect(people).to_have_count(5)
    await visit.use("quota")
    await expect(visit.message("Only you can see this")).to_contain_text("5 of 5")
    await expect(channels.filter(has_text="mod-office")).to_have_count(0)
    await expect(visit.page.locator("#servers .server")).to_have_count(3)

    await visit.be("mara")
    await expect(standing).to_contain_text("Moderators")
    await expect(standing).to_contain_text("Moderator")
    await expect(channels.filter(has_text="mod-office")).to_have_count(1)
    await expect(visit.messages.filter(has_text="Only you can see this")).to_have_count(0)

    await visit.be("bea")
    await expect(standing).to_contain_text("Server Booster")
    await expect(standing).to_contain_text(re.compile("Boosting\\s*Yes"))

    await visit.be("nova")
    await expect(visit.page.locator("#servers .server")).to_have_count(2)

    await visit.be("noor")
    await visit.page.get_by_role("button", name="Night market", exact=True).click()
    await expect(standing).to_contain_text("Market wardens")
    await visit.go("news")
    await visit.be("alice")
    await expect(visit.page.locator("#why-not")).not_to_be_empty()


async def test_a_forum_is_read_and_written(stage: Stage, open_window: OpenWindow) -> None:
    """Posts are listed, opened, and begun with a first message; commands work in them."""
    visit = await open_demo(stage, open_window)
    await visit.go("showcase")
    await expect(visit.page.locator("#composer")).to_be_hidden()
    await expect(visit.page.locator(".post")).to_contain_text("Ten seconds of green")
    await visit.page.locator(".posts").get_by_role("button", name="New post").click()
    dialog = visit.page.get_by_role("dialog", name="New post")
    await dialog.get_by_label("Name", exact=True).fill("My film")
    await dialog.get_by_label("First message").fill("Here it comes")
    await dialog.get_by_role("button", name="Create").click()
    await expect(visit.message("Here it comes")).to_be_visible()
    await visit.use("create", prompt="a film of my own")
    await visit.plays(visit.messages.locator("video"))


async def test_a_direct_message_when_nothing_else_is_left(
    stage: Stage, open_window: OpenWindow
) -> None:
    """The bot loses its right to write: the video comes as a direct message, the card says so."""
    stage.pika.pause()
    visit = await open_demo(stage, open_window)
    await visit.use("create", prompt="a letter in a bottle")
    await expect(visit.message("Alice used /create")).to_contain_text("Pika is making it")
    deny = Permission.SEND_MESSAGES | Permission.SEND_MESSAGES_IN_THREADS
    for channel in stage.guild.channels.values():
        channel.set_overwrite(stage.guild.everyone, deny=deny)
    stage.pika.resume()
    await expect(visit.page.locator("#servers .badge")).to_have_text("1")
    await visit.page.get_by_role("button", name="Direct messages").click()
    await visit.plays(visit.messages.locator("video"))
    await expect(visit.message("@Alice")).to_contain_text("a letter in a bottle")
