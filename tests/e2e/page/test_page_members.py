"""What members do on the page, with our bot behind it, from the slash to the playing video."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.async_api import expect

from bot.sandbox.discord import Permission
from tests.e2e.page.conftest import OpenPage
from tests.e2e.town import Scene, picture

MODERATES = Permission.MANAGE_GUILD | Permission.MANAGE_THREADS | Permission.MANAGE_MESSAGES


async def test_create_in_a_thread_with_a_picture_until_the_video_plays(
    scene: Scene, open_page: OpenPage, tmp_path: Path
) -> None:
    """A first-time person types a slash, picks the command with the keyboard, gives it words and
    a picture, sees the card count down and the video play where they asked.
    """
    image = tmp_path / "fox.png"
    image.write_bytes(picture(colour="orange"))
    visit = await open_page(scene)
    await visit.go("winter clips")
    await expect(visit.page.locator(".hint")).to_contain_text("Type / to ask the bot for a video")
    await expect(visit.page.locator("#text")).to_be_focused()
    await visit.page.keyboard.type("/crea")
    await expect(visit.page.get_by_role("option", name="/create")).to_be_visible()
    await visit.page.keyboard.press("Enter")
    await expect(visit.option("prompt").locator("textarea")).to_be_focused()
    await visit.page.keyboard.type("a fox runs through fresh snow")
    field = await visit.add("image")
    await field.locator("input[type=file]").set_input_files(image)
    await expect(field.locator(".picked-name")).to_have_text("fox.png")
    await expect(field.locator(".picked img")).to_have_js_property("complete", True)
    await visit.page.locator("form.command .send").click()

    card = visit.message("Alice used /create")
    await expect(card).to_contain_text("a fox runs through fresh snow")
    result = visit.message("@Alice")
    await visit.plays(result.locator("video"))
    await expect(card).to_contain_text("Done")
    await expect(result).to_have_class(re.compile("mentions-me"))
    [job] = scene.jobs
    assert scene.pika.jobs[job["pika_id"]].image is not None

    # The link of the finished card leads to the video without leaving the page.
    await card.get_by_role("button", name="Watch").click()
    await expect(result).to_be_focused()
    assert visit.page.url.startswith(visit.url)


async def test_a_picture_may_be_dropped_or_pasted(scene: Scene, open_page: OpenPage) -> None:
    """A file that falls anywhere on the conversation becomes the option that takes one."""
    visit = await open_page(scene)
    await visit.begin("animate")
    sent = {"name": "dropped.png", "mimeType": "image/png", "buffer": picture()}
    picked = visit.option("image").locator(".picked-name")
    await visit.drop("#scroller", sent)
    await expect(picked).to_have_text("dropped.png")
    await visit.option("image").get_by_role("button", name="Remove dropped.png").click()
    await expect(picked).to_have_count(0)
    await visit.paste("#composer form.command", {**sent, "name": "pasted.png"})
    await expect(picked).to_have_text("pasted.png")
    await visit.page.keyboard.press("Escape")
    await expect(visit.page.locator("form.command")).to_have_count(0)


async def test_encrypt_text_with_a_font(scene: Scene, open_page: OpenPage) -> None:
    """Choices are a list to pick from; what was picked arrives at Pika."""
    visit = await open_page(scene)
    form = await visit.begin("encrypt_text")
    await visit.page.keyboard.type("HELLO")
    await visit.page.keyboard.press("Tab")
    await visit.page.keyboard.type("waves at sunset")
    field = await visit.add("font")
    await expect(visit.page.get_by_role("option")).to_have_text(
        ["MODERN", "COMICS", "SANS SERIF", "BAUHAUS", "RETRO"]
    )
    await visit.page.keyboard.type("ret")
    await visit.page.keyboard.press("Enter")
    await expect(field.locator("input")).to_have_value("RETRO")
    await visit.page.keyboard.press("Enter")
    await expect(form).to_have_count(0)
    await visit.plays(visit.messages.locator("video"))
    [job] = [scene.pika.jobs[row["pika_id"]] for row in scene.jobs]
    assert (job.command, job.message, job.font) == ("encrypt_text", "HELLO", "RETRO")


async def test_what_is_wrong_is_said_before_it_is_sent(scene: Scene, open_page: OpenPage) -> None:
    """Missing, too long, out of range and not in the list: the field is named, and has the
    focus; nothing is sent.
    """
    visit = await open_page(scene)
    form = await visit.begin("encrypt_text")
    about = form.locator(".command-about")
    await visit.page.keyboard.press("Enter")
    await expect(about).to_contain_text("required")
    await visit.page.keyboard.type("a text that is far too long")
    await visit.page.keyboard.press("Enter")
    await expect(about).to_contain_text("At most 20 characters")
    await expect(visit.option("message").locator("textarea")).to_be_focused()
    await visit.option("message").locator("textarea").fill("HI")
    await visit.option("prompt").locator("textarea").fill("rain")
    motion = await visit.add("motion")
    await motion.locator("input").fill("9")
    await visit.page.keyboard.press("Enter")
    await expect(about).to_contain_text("At most 4")
    await expect(motion.locator("input")).to_have_attribute("aria-invalid", "true")
    await motion.get_by_role("button", name="Remove motion").click()
    camera = await visit.add("camera")
    await camera.locator("input").fill("sideways")
    await expect(visit.page.locator(".listbox-empty")).to_be_visible()
    await form.locator(".send").click()
    await expect(about).to_contain_text("Choose one of the values")
    assert scene.jobs == []


async def test_the_quota_is_reached_and_explained(scene: Scene, open_page: OpenPage) -> None:
    """The sixth video is refused with the rule and a moment that counts; only she sees it, and
    she can dismiss it.
    """
    for turn in range(5):
        await scene.delivered(await scene.card(prompt=f"number {turn}"))
    visit = await open_page(scene)
    await visit.go("winter clips")
    await visit.use("create", prompt="one more")
    refusal = visit.message("Only you can see this")
    await expect(refusal).to_contain_text("5")
    await expect(refusal.locator("time[data-counts]").first).to_contain_text("in 2")
    await visit.use("quota")
    explained = visit.message("0 of 5")
    await expect(explained).to_contain_text("own limit (that of every member)")
    await visit.be("bob")
    await expect(visit.messages.filter(has_text="Only you can see this")).to_have_count(0)
    await visit.be("alice")
    await expect(explained).to_be_visible()
    await explained.get_by_role("button", name="Dismiss message").click()
    await expect(explained).to_have_count(0)
    assert len(scene.jobs) == 5


async def test_cancel_and_the_list_of_jobs(scene: Scene, open_page: OpenPage) -> None:
    """Both cancel buttons work, each answered privately; the cards say what became of it."""
    scene.pika.pause()
    visit = await open_page(scene)
    await visit.go("winter clips")
    await visit.use("create", prompt="first wish")
    await visit.use("create", prompt="second wish")
    card = visit.messages.filter(has_text="first wish").first
    await card.get_by_role("button", name="Cancel").click()
    await expect(visit.message("Only you can see this")).to_contain_text("not charged")
    await expect(card).to_contain_text("Cancelled")
    await expect(card.get_by_role("button", name="Cancel")).to_have_count(0)
    await visit.use("jobs")
    listed = visit.message("Alice used /jobs")
    await listed.get_by_role("button", name=re.compile("Cancel job")).click()
    await expect(visit.messages.filter(has_text="second wish").first).to_contain_text("Cancelled")
    assert [row["state"] for row in scene.jobs] == ["cancelled", "cancelled"]


async def test_help_leads_to_the_commands(scene: Scene, open_page: OpenPage) -> None:
    """A command that is mentioned in a text can be pressed, and waits to be filled in."""
    visit = await open_page(scene)
    await visit.use("help")
    await visit.message("Alice used /help").get_by_role("button", name="/animate").click()
    form = visit.page.locator('form.command[data-command="animate"]')
    await expect(form).to_be_visible()
    await expect(visit.option("image").locator("button").first).to_be_focused()


async def test_a_card_that_changes_disturbs_nobody(scene: Scene, open_page: OpenPage) -> None:
    """While cards are edited and messages come in, a video plays on, half-typed words stay, the
    place where one reads does not move, and the focus stays on its button.
    """
    done = await scene.card(prompt="to be watched")
    await scene.delivered(done)
    for turn in range(30):
        scene.thread.post(scene.bob, f"line {turn}\nand another\nand a third")
    scene.pika.pause()
    visit = await open_page(scene)
    await visit.go("winter clips")
    await visit.page.locator("#text").fill("half a thou")
    video = visit.messages.locator("video")
    await video.scroll_into_view_if_needed()
    await video.evaluate("video => { video.loop = true; video.muted = true; return video.play(); }")
    top = await visit.page.locator("#scroller").evaluate("node => node.scrollTop")
    await visit.page.locator("#text").focus()

    card = await scene.card(prompt="meanwhile")
    await scene.state(card, "rendering")
    scene.thread.post(scene.bob, "the newest line")
    await expect(visit.page.locator("#latest")).to_contain_text("new message")
    scene.pika.resume()
    await scene.delivered(card)
    await expect(visit.messages.locator("video")).to_have_count(2)
    assert await visit.page.locator("#scroller").evaluate("node => node.scrollTop") == top
    assert await video.first.evaluate("video => !video.paused && video.currentTime > 0")
    await expect(visit.page.locator("#text")).to_have_value("half a thou")
    await expect(visit.page.locator("#text")).to_be_focused()
    await visit.page.locator("#latest").click()
    await expect(visit.page.locator("#latest")).to_be_hidden()
    await expect(visit.message("@Alice")).to_be_in_viewport()


async def test_threads_are_started_archived_locked_and_deleted(
    scene: Scene, open_page: OpenPage
) -> None:
    """A member starts and archives a thread, a moderator locks and deletes it; who may not, is
    not offered it, and in an archived thread no command is.
    """
    mara = scene.newcomer("mara")
    mara.add_role(scene.guild.create_role("Moderators", MODERATES))
    visit = await open_page(scene, scene.alice, mara)
    await visit.go("videos")
    await visit.place_menu("New thread")
    dialog = visit.page.get_by_role("dialog", name="New thread")
    await dialog.get_by_label("Name", exact=True).fill("spring clips")
    await dialog.get_by_role("button", name="Create").click()
    await expect(visit.page.locator(".place-name")).to_have_text("spring clips")
    await visit.use("create", prompt="a thaw")
    await visit.plays(visit.messages.locator("video"))
    await visit.page.locator('[data-focus="place-menu"]').click()
    await expect(visit.page.get_by_role("menuitem")).to_have_text(["Archive"])
    await visit.page.get_by_role("menuitem", name="Archive").click()
    await expect(visit.page.locator(".place .chip")).to_have_text(["Archived"])
    await expect(visit.page.locator(".hint")).to_contain_text("archived thread")
    await visit.be("mara")
    await visit.place_menu("Lock")
    await expect(visit.page.locator(".place .chip")).to_have_text(["Archived", "Locked"])
    await visit.be("alice")
    await expect(visit.page.locator("#why-not")).not_to_be_empty()
    await visit.be("mara")
    await visit.place_menu("Delete thread")
    await expect(visit.page.locator(".place-name")).to_have_text("videos")
    assert not any(thread.name == "spring clips" for thread in scene.guild.threads.values())
    assert all(row["state"] == "delivered" for row in scene.jobs)


async def test_nothing_in_a_prompt_becomes_part_of_the_page(
    scene: Scene, open_page: OpenPage
) -> None:
    """Markup, markdown tricks and script links in prompts are words, wherever they are shown."""
    evil = (
        "<img src=x onerror=window.broken=1> [x](javascript:window.broken=1) "
        "**a** <script>window.broken=1</script> `\u0060` ||b|| @everyone <@&1> https://a.b/c"
    )
    visit = await open_page(scene)
    await visit.use("create", prompt=evil)
    result = visit.message("@Alice")
    await expect(result.locator("video")).to_be_visible()
    card = visit.message("Alice used /create")
    for place in (card.locator(".embed"), result.locator(".content")):
        await expect(place).to_contain_text("<img src=x onerror=window.broken=1>")
        await expect(place).to_contain_text("[x](javascript:window.broken=1)")
        await expect(place.locator("img, script, a, .spoiler, strong:has-text('a')")).to_have_count(
            0
        )
    await visit.page.locator("#open-pika").click()
    await expect(visit.page.locator(".job-prompt").first).to_contain_text("<script>")
    assert await visit.page.evaluate("window.broken") is None
