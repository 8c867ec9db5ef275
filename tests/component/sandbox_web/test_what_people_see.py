"""A page gets what the person it plays may see, as differences, and nothing else."""

from __future__ import annotations

import asyncio
import json

import pytest

from bot.sandbox.discord import Permission
from tests.component.sandbox_web.browser import Browser


def names(browser: Browser) -> set[str]:
    return {place["name"] for place in browser.all("channel")}


async def test_a_page_begins_with_everything_its_person_sees(stage, open_page):
    """Servers, places, people, commands and drawers are there with the first message."""
    page = await open_page(stage.alice)
    assert [guild["name"] for guild in page.all("guild")] == ["Film club"]
    assert names(page) == {"videos", "clips", "showcase", "pika"}
    assert {person["title"] for person in page.all("person")} == {"Alice", "Mo", "Bob"}
    assert page.state["me"]["user"]["username"] == "alice"
    assert page.state["bot"]["state"] == "starting"
    assert page.state["pika"]["up"]
    assert {tool["drawer"] for tool in page.all("tool")} == {"pika", "faults"}


async def test_private_places_are_seen_by_those_who_may(stage, open_page):
    """The moderators' channel exists for the moderator only, with what is written there."""
    stage.office.post(stage.mo, "between us")
    alice, mo = await open_page(stage.alice), await open_page(stage.mo)
    assert "office" not in names(alice)
    assert "office" in names(mo)
    assert "between us" in mo.texts()
    assert "between us" not in json.dumps(alice.log)


async def test_another_server_does_not_exist(stage, open_page):
    """Who is in one server hears nothing of the other: names, members, messages."""
    stage.stalls.post(stage.bob, "only for the market")
    stage.channel.post(stage.alice, "only for the club")
    alice, bob = await open_page(stage.alice), await open_page(stage.bob)
    assert "Night market" not in [guild["name"] for guild in alice.all("guild")]
    assert "only for the market" not in json.dumps(alice.log)
    assert "only for the club" not in json.dumps(bob.log)
    assert names(bob) == {"stalls", "pika"}


async def test_a_change_is_sent_as_the_difference(stage, open_page):
    """A new message brings its own document and those that it changed; no more."""
    page = await open_page()
    message = stage.channel.post(stage.alice, "hello")
    key = f"message:{stage.channel.id}:{message.id}"
    await page.until(lambda: key in page.state)
    change = page.log[-1]
    assert not change["all"]
    assert set(change["set"]) == {key, f"channel:{stage.channel.id}"}
    assert change["del"] == []


async def test_what_goes_is_deleted(stage, open_page):
    """A deleted message, thread or channel takes its documents along."""
    message = stage.thread.post(stage.alice, "hello")
    page = await open_page()
    assert f"message:{stage.thread.id}:{message.id}" in page.state
    stage.thread.delete()
    await page.until(lambda: f"channel:{stage.thread.id}" not in page.state)
    assert f"message:{stage.thread.id}:{message.id}" not in page.state


async def test_many_changes_are_few_messages(stage, open_page):
    """A burst is gathered."""
    page = await open_page()
    for number in range(50):
        stage.channel.post(stage.alice, f"number {number}")
    await page.until(lambda: "number 49" in page.texts())
    assert len(page.log) <= 4


async def test_nothing_is_sent_while_nothing_changes(stage, open_page):
    """Links to files stay as they are, and so does everything else."""
    await_first = await open_page()
    seen = len(await_first.log)
    for _ in range(3):
        stage.page.poke()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(await_first.receive(), 0.1)
    assert len(await_first.log) == seen


async def test_becoming_somebody_else_is_a_difference(stage, open_page):
    """The page then has exactly what a fresh page of that person has."""
    page = await open_page(stage.alice)
    await page.ask("be", person=str(stage.bob.id))
    fresh = await open_page(stage.bob)
    for one in (page, fresh):
        one.state["town"] = {}
    assert page.state == fresh.state
    assert not any(message.get("all") for message in page.log[1:])


async def test_two_pages_play_two_people(stage, open_page):
    """Switching on one page leaves the other alone; what one writes, the other reads."""
    one, two = await open_page(stage.alice), await open_page(stage.alice)
    await two.ask("be", person=str(stage.mo.id))
    await one.ask("post", channel=str(stage.channel.id), content="from Alice")
    await two.until(lambda: "from Alice" in two.texts())
    assert one.state["me"]["user"]["username"] == "alice"
    assert two.state["me"]["user"]["username"] == "mo"


async def test_losing_the_view_takes_the_place_away(stage, open_page):
    """A channel that is hidden goes at once, with its threads and messages."""
    stage.channel.post(stage.alice, "before")
    page = await open_page(stage.alice)
    stage.channel.set_overwrite(stage.guild.everyone, deny=Permission.VIEW_CHANNEL)
    await page.until(lambda: "videos" not in names(page))
    assert "clips" not in names(page)
    assert "before" not in page.texts()


async def test_without_history_there_is_none(stage, open_page):
    """Who may not read the history sees no earlier message."""
    stage.channel.post(stage.alice, "before")
    stage.channel.set_overwrite(stage.guild.everyone, deny=Permission.READ_MESSAGE_HISTORY)
    page = await open_page(stage.alice)
    assert page.texts() == []


async def test_private_threads_are_for_their_members(stage, open_page):
    """And for who manages threads."""
    stage.channel.create_thread("secret", owner=stage.mo, private=True)
    secret = stage.channel.create_thread("ours", owner=stage.alice, private=True)
    alice, mo = await open_page(stage.alice), await open_page(stage.mo)
    assert "secret" not in names(alice)
    assert "ours" in names(alice)
    assert {"secret", "ours"} <= names(mo)
    assert mo.state[f"channel:{secret.id}"]["joined"] is False


async def test_what_the_server_thinks_of_me(stage, open_page):
    """Roles, rights and dates are Discord's; a moderator is told apart."""
    stage.alice.joined_at = 1_700_000_000.0
    stage.alice.boosting_since = 1_700_000_001.0
    alice, mo = await open_page(stage.alice), await open_page(stage.mo)
    mine = alice.state[f"standing:{stage.guild.id}"]
    assert mine["joined_at"] == 1_700_000_000_000
    assert mine["boosting"]
    assert not mine["moderator"]
    assert "Send Messages" in mine["permissions"]
    theirs = mo.state[f"standing:{stage.guild.id}"]
    assert theirs["moderator"]
    assert "Manage Server" in theirs["permissions"]
    assert [role["name"] for role in theirs["roles"]] == ["mo's"]


async def test_servers_tell_their_settings(stage, open_page):
    """Boosts and limits, and what the bot lacks for its work."""
    stage.guild.everyone.revoke(Permission.ATTACH_FILES)
    stage.guild.bot_role.revoke(Permission.ATTACH_FILES)
    alice, bob = await open_page(stage.alice), await open_page(stage.bob)
    club, market = alice.all("guild")[0], bob.all("guild")[0]
    assert club["bot_lacks"] == ["Attach Files"]
    assert market["bot_lacks"] == []
    assert (club["upload_limit"], market["upload_limit"]) == (20 * 2**20, 50 * 2**20)


async def test_commands_are_offered_to_those_who_may_use_them(stage, open_page):
    """A command for moderators exists for the moderator, in servers and not elsewhere."""
    alice, mo = await open_page(stage.alice), await open_page(stage.mo)
    assert "moderate" not in {command["name"] for command in alice.all("command")}
    moderate = next(c for c in mo.all("command") if c["name"] == "moderate")
    assert moderate["id"] in mo.named("videos")["commands"]
    stage.thread.archive()
    await mo.until(lambda: mo.named("clips")["commands"] == [])


async def test_a_channel_says_why_one_cannot_write(stage, open_page):
    """Reasons follow what happened to the place."""
    page = await open_page()
    assert page.named("clips")["why_not"] is None
    stage.thread.lock()
    await page.until(lambda: page.named("clips")["why_not"])
    assert "locked" in page.named("clips")["why_not"]
    assert not page.named("clips")["can"]["send"]
    stage.alice.time_out(60)
    await page.until(lambda: "time-out" in (page.named("videos")["why_not"] or ""))
