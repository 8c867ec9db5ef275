"""What moderators do, by clicks and keys, in the town of the demo, and what members see of it.

Mara moderates Film club, where Alice is a member; Noor moderates Night market, and is a member
of Film club. All tests share one town.
"""

from __future__ import annotations

import csv
import re
from pathlib import Path

from playwright.async_api import Locator, expect

from bot.demo.stage import Stage
from bot.sandbox.discord import Member
from tests.e2e.page.conftest import OpenWindow
from tests.e2e.page.parts import open_demo
from tests.e2e.page.visit import Visit

NOTHING_HERE = "I know nothing like that in this server that you may manage."
ENTRIES_ON_A_PAGE = 8


async def mara_visits(stage: Stage, open_window: OpenWindow) -> Visit:
    """A window in which Mara looks at the channel of videos."""
    visit = await open_demo(stage, open_window)
    await visit.be("mara")
    await visit.go("videos")
    return visit


def moderator_of(stage: Stage, name: str) -> Member:
    """A member of Film club, as the embedded Discord knows them."""
    return next(one for one in stage.guild.members.values() if one.name == name)


async def refusal(visit: Visit, prompt: str) -> Locator:
    """Alice asks for a video, and only she sees why there is none."""
    await visit.be("alice")
    said = await visit.answer("create", prompt=prompt)
    await expect(said).to_contain_text("Only you can see this")
    return said


async def job_of(card: Locator) -> str:
    """The number on a job's card."""
    found = re.search(r"Job (\d+)", await card.inner_text())
    assert found is not None
    return found[1]


async def rows(visit: Visit, link: Locator) -> list[dict[str, str]]:
    """The lines of a CSV file, saved with a click."""
    with (await saved(visit, link)).open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


async def saved(visit: Visit, link: Locator) -> Path:
    """A file, saved with a click."""
    async with visit.page.expect_download() as download:
        await link.click()
    return await (await download.value).path()


async def test_limits_for_a_member_a_role_and_a_channel(
    shared_stage: Stage, open_window: OpenWindow
) -> None:
    """Each is chosen from a list, and the answer says what was and what is; a member meets the
    limit with its rule, until it is cleared. The same for a budget and a grant.
    """
    visit = await mara_visits(shared_stage, open_window)
    await visit.begin("moderate limit")
    member = await visit.add("member")
    await member.locator("input").press_sequentially("ali")
    await visit.page.get_by_role("option", name="Alice").click()
    await (await visit.add("credits")).locator("textarea, input").fill("0")
    await visit.page.keyboard.press("Enter")
    said = await visit.answered("moderate limit")
    await expect(said).to_contain_text(
        "@Alice: no limit of its own → 0 credits in the time that holds for every member"
    )
    said = await visit.answer("moderate limit", role="@Server Booster", concurrent="7")
    await expect(said).to_contain_text(
        "@Server Booster: no limit of its own → 7 unfinished at once"
    )
    said = await visit.answer("moderate limit", channel="lounge", credits="9", hours="1.5")
    await expect(said).to_contain_text("lounge: no limit of its own → 9 credits in 1.5 hours")
    await expect(said.locator(".mention")).to_have_text("lounge")

    await expect(await refusal(visit, "none left")).to_contain_text("0 of 0 credits")
    await visit.be("mara")
    for subject in ({"member": "Alice"}, {"role": "@Server Booster"}, {"channel": "lounge"}):
        said = await visit.answer("moderate limit", **subject, clear="True")
        await expect(said).to_contain_text("→ no limit of its own")

    said = await visit.answer("moderate budget", credits="1", hours="0.5")
    await expect(said).to_contain_text("This server's budget: none → 1 credit in 0.5 hours")
    said = await visit.answer("moderate budget", clear="True")
    await expect(said).to_contain_text("1 credit in 0.5 hours → none")
    said = await visit.answer("moderate grant", member="Alice", credits="2", hours="1")
    await expect(said).to_contain_text("@Alice: nothing extra → 2 credits extra, until")
    await visit.be("alice")
    await expect(await visit.answer("quota")).to_contain_text(re.compile(r"7 of 7"))


async def test_a_block_says_why_until_it_is_taken_back(
    shared_stage: Stage, open_window: OpenWindow
) -> None:
    """The member reads the moderator's reason, as plain words; `explain` names the block."""
    visit = await mara_visits(shared_stage, open_window)
    said = await visit.answer(
        "moderate block", member="Alice", reason="too *many* foxes", hours="2"
    )
    await expect(said).to_contain_text("@Alice: may ask for videos → blocked until")
    why = await refusal(visit, "one more fox")
    await expect(why).to_contain_text("You may not ask for videos in this server.")
    await expect(why.locator("code")).to_have_text("too *many* foxes")

    await visit.be("mara")
    said = await visit.answer("moderate explain", member="Alice")
    await expect(said).to_contain_text("@Alice cannot ask for a video now: block decides.")
    await expect(said).to_contain_text("too *many* foxes")
    said = await visit.answer("moderate unblock", member="Alice")
    await expect(said).to_contain_text("→ may ask for videos")
    said = await visit.answer("moderate explain", member="Alice")
    await expect(said).to_contain_text("@Alice can ask for a video now.")


async def test_words_by_hand_and_as_a_file(shared_stage: Stage, open_window: OpenWindow) -> None:
    """Added and tried; a list that falls on the page replaces the old one and names the lines
    that cannot be used; the list comes out as a file.
    """
    visit = await mara_visits(shared_stage, open_window)
    said = await visit.answer("moderate words add", phrase="dragon*")
    await expect(said).to_contain_text("dragon* is blocked")
    said = await visit.answer("moderate words test", phrase="a DRAG0NFLY at dawn")
    await expect(said).to_contain_text("This text would be refused")
    why = await refusal(visit, "a dr4gonfly")
    await expect(why).to_contain_text("does not allow")

    await visit.be("mara")
    form = await visit.begin("moderate words import")
    content = "# ours\ngoblin\n*\nred cap\n"
    file = {"name": "words.txt", "mimeType": "text/plain", "buffer": content.encode()}
    await visit.drop("#scroller", file)
    await expect(visit.option("file").locator(".picked-name")).to_have_text("words.txt")
    await form.locator(".send").click()
    said = await visit.answered("moderate words import")
    await expect(said).to_contain_text("added goblin, red cap; taken off dragon*")
    await expect(said).to_contain_text("1 line could not be used")
    said = await visit.answer("moderate words list")
    await expect(said).to_contain_text("2 blocked phrases: goblin, red cap")
    said = await visit.answer("moderate words export")
    exported = await saved(visit, said.get_by_role("link", name="blocked-words.txt").first)
    assert [line for line in exported.read_text().splitlines() if line[:1] != "#"] == [
        "goblin",
        "red cap",
    ]
    for phrase in ("goblin", "red cap"):
        said = await visit.answer("moderate words remove", phrase=phrase)
        await expect(said).to_contain_text(f"{phrase} is blocked no more")


async def test_pause_drain_and_resume(shared_stage: Stage, open_window: OpenWindow) -> None:
    """Members are told why nothing is taken; afterwards it is again."""
    visit = await mara_visits(shared_stage, open_window)
    said = await visit.answer("moderate pause", reason="movie night", hours="3")
    await expect(said).to_contain_text("takes no new videos, those waiting wait until")
    await expect(await refusal(visit, "now, please")).to_contain_text("movie night")
    await visit.be("mara")
    said = await visit.answer("moderate pause", mode="drain")
    await expect(said).to_contain_text("those waiting are made, until somebody ends it")
    await refusal(visit, "and now?")
    await visit.be("mara")
    said = await visit.answer("moderate resume")
    await expect(said).to_contain_text("→ takes new videos")
    await visit.be("alice")
    card = await visit.answer("create", prompt="at last")
    await expect(card).to_contain_text("Done")


async def test_the_queue_and_a_members_job_cancelled(
    shared_stage: Stage, open_window: OpenWindow
) -> None:
    """Mara sees who waits for what, and cancels it by its number; the card says by whom. Then
    the report: a chart that is shown, and files that say the same.
    """
    shared_stage.pika.pause()
    visit = await open_demo(shared_stage, open_window)
    await visit.go("videos")
    card = await visit.answer("create", prompt="a very long river")
    await expect(card).to_contain_text("Pika is making it")
    job = await job_of(card)
    await visit.be("mara")
    listed = await visit.answer("moderate queue")
    await expect(listed).to_contain_text(f"Job {job} @Alice /create a very long river")
    said = await visit.answer("moderate cancel", job=job)
    await expect(said).to_contain_text("asked Pika to stop")
    await expect(card).to_contain_text("Cancelled by a moderator")
    await expect(card.get_by_role("button", name="Cancel")).to_have_count(0)
    shared_stage.pika.resume()
    said = await visit.answer("moderate cancel", job=job)
    await expect(said).to_contain_text(f"Job {job} is cancelled already.")

    report = await visit.answer("moderate usage", days="7")
    await expect(report).to_contain_text("The last 7 days")
    chart = report.get_by_role("img")
    await expect(chart).to_be_visible()
    frame = await report.locator(".media-picture").bounding_box()
    drawn = await chart.bounding_box()
    assert frame is not None
    assert drawn is not None
    assert drawn["width"] == frame["width"] > 300
    assert await chart.evaluate("picture => picture.naturalWidth > 0")
    days = await rows(visit, report.get_by_role("link", name="usage-days.csv").first)
    members = await rows(visit, report.get_by_role("link", name="usage-members.csv").first)
    assert len(days) == 7
    assert int(days[-1]["cancelled"]) >= 1
    assert sum(int(day["credits"]) for day in days) == sum(int(one["credits"]) for one in members)


async def test_the_audit_log_is_turned_until_the_role_is_gone(
    shared_stage: Stage, open_window: OpenWindow
) -> None:
    """Pages go back and forth in place, and come as a file. Mara loses her role a second ago, by
    a press in the drawer: her next press is answered as if there was nothing, a form that she
    has begun is refused, and the command is offered no more.
    """
    mara = moderator_of(shared_stage, "mara")
    for credits_ in range(1, ENTRIES_ON_A_PAGE + 2):
        await shared_stage.discord.invoke(
            mara, shared_stage.channel, "moderate limit", credits=credits_
        )
    visit = await mara_visits(shared_stage, open_window)
    await visit.answer("moderate limit", clear="True")
    log = await visit.answer("moderate audit")
    changes = log.locator(".content time")
    await expect(changes).to_have_count(ENTRIES_ON_A_PAGE)
    newest = "9 credits in 24 hours"
    await expect(log).to_contain_text(newest)
    await log.get_by_role("button", name="Older").click()
    await expect(log).to_contain_text("1 credit in 24 hours")
    await expect(log).not_to_contain_text(newest)
    await log.get_by_role("button", name="Newest").click()
    await expect(log).to_contain_text(newest)
    await log.get_by_role("button", name="CSV file").click()
    file = visit.messages.get_by_role("link", name="audit.csv").first
    entries = await rows(visit, file)
    assert [entry["action"] for entry in entries[:10]] == ["limit"] * 10

    form = await visit.begin("moderate queue")
    await visit.page.locator("#open-faults").click()
    tool = visit.page.locator('form.tool[data-tool="place_roles"]')
    await tool.get_by_role("button").click()
    await expect(tool).to_contain_text("Mara has no roles in Film club.")
    await log.get_by_role("button", name="Older").click()
    await expect(visit.message(NOTHING_HERE)).to_contain_text("Only you can see this")
    await expect(log).to_contain_text(newest)
    await form.locator(".send").click()
    await expect(form.locator(".command-about")).to_contain_text("You do not have permission")
    await visit.page.keyboard.press("Escape")
    await visit.page.locator("#text").fill("/moderate")
    await expect(visit.page.locator(".listbox-empty")).to_have_text("No command begins like this")
    await visit.page.locator("#text").fill("")
    await visit.page.get_by_role("button", name="Undo").click()
    await visit.page.locator("#text").fill("/moderate q")
    await expect(visit.page.get_by_role("option", name="/moderate queue")).to_be_visible()


async def test_who_governs_elsewhere_finds_nothing_here(
    shared_stage: Stage, open_window: OpenWindow
) -> None:
    """Noor, moderator of another server, does not find Film club's job by its number there, and
    is offered no such command in Film club; nor is a plain member. The job is not touched.
    """
    shared_stage.pika.pause()
    visit = await open_demo(shared_stage, open_window)
    await visit.go("videos")
    card = await visit.answer("create", prompt="nobody else's business")
    job = await job_of(card)
    text, offered = visit.page.locator("#text"), visit.page.get_by_role("option")
    for plain in ("alice", "noor"):
        await visit.be(plain)
        await text.fill("/")
        await expect(offered.filter(has_text="/create")).to_have_count(1)
        await expect(offered.filter(has_text="/moderate")).to_have_count(0)
        await expect(visit.page.locator(".hint")).not_to_contain_text("govern")
        await text.fill("")
    await visit.page.get_by_role("button", name="Night market", exact=True).click()
    await visit.go("stalls")
    await expect(visit.page.locator(".hint")).to_contain_text("You may govern this server")
    said = await visit.answer("moderate queue")
    await expect(said).to_contain_text("No videos are unfinished in this server.")
    for number in (job, "987654321"):
        said = await visit.answer("moderate cancel", job=number)
        await expect(said.locator(".content")).to_have_text(NOTHING_HERE)
    said = await visit.answer("moderate audit")
    await expect(said).to_contain_text("Nothing has been changed in this server yet.")
    shared_stage.pika.resume()
    await visit.page.get_by_role("button", name="Film club", exact=True).click()
    await visit.go("videos")
    await expect(visit.message("nobody else's business")).to_be_visible()
    await expect(card).to_contain_text("Done")
