"""What moderators do in their own server, and what nobody else can."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest

from bot.sandbox.discord import ClientRefused, Member, Message, Permission, Upload
from tests.e2e import forging
from tests.e2e.conftest import OpenScene
from tests.e2e.moderating import hand_over, helper, moderate, moderated, moderator
from tests.e2e.town import Scene, number

SETTINGS = {"PIKA_MAX_JOBS": "1"}  # the second job waits in the queue

NOTHING_HERE = "I know nothing like that in this server that you may manage."


async def forged(scene: Scene, who: Member, *path: str, **values: tuple[int, Any]) -> str:
    """Send a command that Discord would not let this member send, each value with the kind of its
    option; the private words.
    """
    options = [
        {"name": name, "type": kind, "value": value} for name, (kind, value) in values.items()
    ]
    sent = await forging.command(scene, who, scene.channel, ["moderate", *path], options=options)
    message = await sent.answered()
    assert sent.ephemeral
    return message.text


def entries(scene: Scene) -> list[str]:
    """What the audit log has of this server, oldest first."""
    rows = scene.town.rows(
        "SELECT action FROM audit_entry WHERE guild_id = :id ORDER BY id", id=scene.guild.id
    )
    return [row["action"] for row in rows]


def a_file(message: Message, name: str) -> bytes:
    """A file of the answer."""
    return next(file for file in message.attachments if file.filename == name).read()


def table(content: bytes) -> list[dict[str, str]]:
    """A CSV file's lines."""
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))


async def test_limits_say_before_and_after_and_hold(scene: Scene) -> None:
    """A limit for a member, a role, a channel by its thread, and everyone; each answer says what
    was and what is, and the next request obeys it.
    """
    mona = moderator(scene)
    role = scene.guild.create_role("regulars")
    text = await moderate(scene, mona, "limit", credits=3, hours=12.0)
    assert text == (
        "Every member: the bot's own limit (5 credits in 24 hours, 100 unfinished at once) → "
        "3 credits in 12 hours, 100 unfinished at once"
    )
    text = await moderate(scene, mona, "limit", member=scene.alice, credits=0)
    assert text == (
        f"<@{scene.alice.id}>: no limit of its own → "
        "0 credits in the time that holds for every member"
    )
    text = await moderate(scene, mona, "limit", role=role, concurrent=7)
    assert text == f"<@&{role.id}>: no limit of its own → 7 unfinished at once"
    text = await moderate(scene, mona, "limit", channel=scene.thread, credits=9, hours=1)
    assert text == f"<#{scene.channel.id}>: no limit of its own → 9 credits in 1 hour"
    assert "0 of 0 credits" in await scene.refused(who=scene.alice)
    text = await moderate(scene, mona, "limit", member=scene.alice, clear=True)
    assert text.endswith("→ no limit of its own")
    assert await moderate(scene, mona, "limit", member=scene.alice, clear=True) == (
        "That is so already: nothing was changed."
    )
    await scene.delivered(await scene.card(who=scene.alice))
    assert entries(scene) == ["limit"] * 5


async def test_what_makes_no_limit_is_refused_in_words(scene: Scene) -> None:
    """Two subjects, hours without credits, nothing at all, numbers beside ``clear``: a sentence
    that says what to change, and nothing is written.
    """
    mona = moderator(scene)
    role = scene.guild.create_role("regulars")
    both = await moderate(scene, mona, "limit", member=scene.bob, role=role, credits=1)
    assert both == "Choose one of `member`, `role` and `channel`, or none."
    assert "give `credits` too" in await moderate(scene, mona, "limit", role=role, hours=5)
    assert "Say `credits`" in await moderate(scene, mona, "limit", role=role)
    assert "give both" in await moderate(scene, mona, "budget", credits=5)
    cleared = await moderate(scene, mona, "budget", credits=5, clear=True)
    assert "leave the numbers out" in cleared
    with pytest.raises(ClientRefused):
        await moderate(scene, mona, "limit", credits=-1)
    negative = await forged(scene, mona, "limit", credits=(4, -1))
    assert negative == "`credits` must be between 0 and 1,000,000."
    assert "`hours` must be" in await forged(scene, mona, "pause", hours=(10, 1e300))
    assert entries(scene) == []


async def test_a_budget_is_for_the_whole_server(scene: Scene) -> None:
    """Members use it up together; cleared, it holds nobody back."""
    mona = moderator(scene)
    text = await moderate(scene, mona, "budget", credits=1, hours=24)
    assert text == "This server's budget: none → 1 credit in 24 hours"
    await scene.delivered(await scene.card(who=scene.alice))
    assert "This server has used 1 of 1 credits" in await scene.refused(who=scene.bob)
    text = await moderate(scene, mona, "budget", clear=True)
    assert text == "This server's budget: 1 credit in 24 hours → none"
    await scene.delivered(await scene.card(who=scene.bob))


async def test_a_grant_and_a_block_concern_one_member(scene: Scene) -> None:
    """A grant adds to what is left; a block, with its reason, ends all requests until it is
    taken back. Neither concerns anybody else.
    """
    mona = moderator(scene)
    text = await moderate(scene, mona, "grant", member=scene.alice, credits=2)
    assert f"<@{scene.alice.id}>: nothing extra → 2 credits extra, until <t:" in text
    assert await scene.left(scene.alice) == 7
    assert await scene.left(scene.bob) == 5
    text = await moderate(
        scene, mona, "block", member=scene.alice, reason="too *many*\n@everyone", hours=2
    )
    assert "may ask for videos → blocked until <t:" in text
    assert "`too *many* @everyone`" in text
    assert "You may not ask for videos in this server." in await scene.refused(who=scene.alice)
    await scene.delivered(await scene.card(who=scene.bob))
    text = await moderate(scene, mona, "unblock", member=scene.alice)
    assert text.endswith("→ may ask for videos")
    await scene.delivered(await scene.card(who=scene.alice))
    assert entries(scene) == ["grant", "block", "unblock"]


async def test_words_are_blocked_tried_and_carried_as_a_file(scene: Scene) -> None:
    """Added, they are refused in prompts however they are disguised; ``test`` says why; the
    list goes out as a file and comes back as one, with lines that cannot be used named.
    """
    mona = moderator(scene)
    assert "No words are blocked" in await moderate(scene, mona, "words list")
    assert await moderate(scene, mona, "words add", phrase="dragon*") == (
        "Blocked words: `dragon*` is blocked"
    )
    assert "is on the list already" in await moderate(scene, mona, "words add", phrase="Dragon*")
    refused = await scene.refused(prompt="a DRAG0NFLY at dawn")
    assert "does not allow" in refused
    assert "This text would be refused" in await moderate(
        scene, mona, "words test", phrase="a DRAG0NFLY"
    )
    assert await moderate(scene, mona, "words test", phrase="a fox") == (
        "Nothing in this text is blocked."
    )
    exported = await moderated(scene, mona, "words export")
    assert b"\ndragon*\n" in a_file(exported, "blocked-words.txt")

    new = Upload("words.txt", "text/plain", b"# ours\ngoblin\n*\nred cap\n")
    text = await moderate(scene, mona, "words import", file=new)
    assert "added `goblin`, `red cap`; taken off `dragon*`" in text
    assert "1 line could not be used" in text
    assert "line 3" in text
    listed = await moderate(scene, mona, "words list")
    assert listed == "**2 blocked phrases**: `goblin`, `red cap`"
    empty = Upload("words.txt", "text/plain", b"# nothing\n")
    assert "stays as it is" in await moderate(scene, mona, "words import", file=empty)
    assert "is blocked no more" in await moderate(scene, mona, "words remove", phrase="GOBLIN")
    assert "not on the list" in await moderate(scene, mona, "words remove", phrase="goblin")
    await scene.delivered(await scene.card(prompt="a goblin with a dragonfly"))
    assert entries(scene) == ["words_add", "words_import", "words_remove"]


async def test_words_may_let_a_video_be_looked_at_instead(scene: Scene) -> None:
    """The same commands and the same file know them; nothing is refused for them, and as long as
    nobody looks at flagged videos, that is said.
    """
    mona = moderator(scene)
    added = await moderate(scene, mona, "words add", phrase="dragon", then="review")
    assert added.startswith("Blocked words: `dragon` lets the video be looked at\n")
    assert "switched off" in added
    await moderate(scene, mona, "words add", phrase="goblin")
    tried = await moderate(scene, mona, "words test", phrase="a DRAG0N")
    assert tried.startswith("This text would be taken, and its video would wait for a moderator:")
    tried = await moderate(scene, mona, "words test", phrase="a dragon and a goblin")
    assert tried.startswith("This text would be refused:")
    assert "**1 phrase to look at the video of**: `dragon`" in await moderate(
        scene, mona, "words list"
    )
    exported = a_file(await moderated(scene, mona, "words export"), "blocked-words.txt")
    assert b"\ndragon, review\ngoblin\n" in exported
    changed = Upload("words.txt", "text/plain", exported.replace(b"goblin", b"goblin, review"))
    text = await moderate(scene, mona, "words import", file=changed)
    assert text == "Blocked words: added to look at `goblin`; taken off `goblin`"
    text = await moderate(scene, mona, "words add", phrase="Dragon")
    assert text == "Blocked words: `dragon` lets the video be looked at → `dragon` is blocked"
    await scene.refused(prompt="a dragon")
    await scene.delivered(await scene.card(prompt="a goblin"))


async def test_a_paused_server_takes_nothing_until_it_is_resumed(scene: Scene) -> None:
    """Members are told why; what waited goes on afterwards."""
    mona = moderator(scene)
    scene.pika.pause()
    first = await scene.card(prompt="first")
    await scene.state(first, "rendering")
    second = await scene.card(prompt="second")
    text = await moderate(scene, mona, "pause", reason="movie night", hours=3)
    assert text.startswith(
        "This server: takes new videos → takes no new videos, those waiting wait until <t:"
    )
    assert "movie night" in await scene.refused(who=scene.bob)
    scene.pika.resume()
    await scene.delivered(first)
    assert scene.job(second)["state"] == "queued"
    text = await moderate(scene, mona, "resume")
    assert text.endswith("→ takes new videos")
    await scene.delivered(second)
    text = await moderate(scene, mona, "pause", mode="drain")
    assert "those waiting are made, until somebody ends it" in text
    await moderate(scene, mona, "resume")


async def test_queue_and_cancel(scene: Scene) -> None:
    """All unfinished jobs of the server are listed; one that waits is cancelled and one at Pika
    is stopped, and their cards say by whom.
    """
    mona = moderator(scene)
    assert await moderate(scene, mona, "queue") == "No videos are unfinished in this server."
    scene.pika.pause()
    first = await scene.card(prompt="first")
    await scene.state(first, "rendering")
    second = await scene.card(prompt="second", who=scene.bob)
    text = await moderate(scene, mona, "queue")
    assert text.startswith("**2 unfinished videos**")
    assert text.index(f"**Job {number(first)}** <@{scene.alice.id}>") < text.index(
        f"**Job {number(second)}** <@{scene.bob.id}>"
    )
    text = await moderate(scene, mona, "cancel", job=number(second))
    assert text == (
        f"Job {number(second)} of <@{scene.bob.id}>: in the queue → cancelled. "
        "Nothing was charged; its card says so."
    )
    await scene.says_on(second, "Cancelled by a moderator", "you were not charged")
    text = await moderate(scene, mona, "cancel", job=number(second))
    assert text == f"Job {number(second)} is cancelled already."
    assert "asked Pika to stop" in await moderate(scene, mona, "cancel", job=number(first))
    await scene.says_on(first, "Cancelled by a moderator")
    assert scene.hold(first) == scene.hold(second) == "released"
    assert entries(scene) == ["cancel", "cancel"]


async def test_explain_is_what_the_member_would_meet(scene: Scene) -> None:
    """It names the rule that decides, with the numbers, for a member and their roles."""
    mona = moderator(scene)
    text = await moderate(scene, mona, "explain", member=scene.alice)
    assert text.startswith(f"<@{scene.alice.id}> can ask for a video now.")
    await moderate(scene, mona, "block", member=scene.alice, reason="spam")
    text = await moderate(scene, mona, "explain", member=scene.alice)
    assert "**block** decides" in text
    assert "`spam`" in text


async def test_usage_has_words_a_picture_and_files(scene: Scene) -> None:
    """Totals and top members as text, a chart, and two CSV files that say the same."""
    mona = moderator(scene)
    await scene.delivered(await scene.card(who=scene.alice))
    await scene.delivered(await scene.card(who=scene.alice))
    await scene.delivered(await scene.card(who=scene.bob))
    message = await moderated(scene, mona, "usage", days=7)
    assert message.text.startswith("**The last 7 days** (UTC): **3 credits** by 2 members.")
    assert f"1. <@{scene.alice.id}>: 2 credits for 2 videos" in message.text
    assert a_file(message, "usage.png").startswith(b"\x89PNG")
    days = table(a_file(message, "usage-days.csv"))
    assert len(days) == 7
    assert sum(int(day["credits"]) for day in days) == 3
    assert sum(int(day["delivered"]) for day in days) == 3
    members = table(a_file(message, "usage-members.csv"))
    assert [(row["member"], row["credits"]) for row in members] == [
        (str(scene.alice.id), "2"),
        (str(scene.bob.id), "1"),
    ]


async def test_audit_turns_pages_and_makes_a_file(scene: Scene) -> None:
    """Newest first, eight on a page; the buttons go back and forth; the CSV has all, and no
    text of a person becomes a formula in it.
    """
    mona = moderator(scene)
    empty = await moderated(scene, mona, "audit")
    assert empty.text == "Nothing has been changed in this server yet."
    await moderate(scene, mona, "block", member=scene.bob, reason="=1+1")
    for credits_ in range(1, 10):
        await moderate(scene, mona, "limit", credits=credits_)
    first = await moderated(scene, mona, "audit")
    assert first.text.count(f"by <@{mona.id}>") == 8
    assert "9 credits in 24 hours" in first.text
    assert [button.label for button in first.buttons] == ["Older", "CSV file"]
    await scene.press(mona, first, label="Older")
    await scene.until(lambda: "blocked, until somebody ends it" in first.text)
    assert [button.label for button in first.buttons] == ["Newest", "CSV file"]
    pressed = await scene.press(mona, first, label="CSV file")
    message = await pressed.answered()
    rows = table(a_file(message, "audit.csv"))
    assert [row["action"] for row in rows] == ["limit"] * 9 + ["block"]
    assert json.loads(rows[-1]["kept_after"]) == {"reason": "=1+1"}
    assert not any(cell.startswith(("=", "+", "@")) for row in rows for cell in row.values())
    await scene.press(mona, first, label="Newest")
    await scene.until(lambda: "9 credits in 24 hours" in first.text)


async def test_a_member_without_permission_finds_nothing(scene: Scene) -> None:
    """Discord offers the command to no member without Manage Server; a request that comes all
    the same is answered as if there was nothing, and nothing is changed. ``test_isolation`` tries
    all the others.
    """
    with pytest.raises(ClientRefused):
        await scene.discord.invoke(scene.bob, scene.channel, "moderate audit")
    scene.pika.pause()
    card = await scene.card()
    assert await forged(scene, scene.bob, "cancel", job=(4, number(card))) == NOTHING_HERE
    assert entries(scene) == []
    scene.pika.resume()
    await scene.delivered(card)


async def test_another_servers_jobs_and_numbers_nobody_has_are_the_same(scene: Scene) -> None:
    """The moderator of one server can neither see nor stop what is asked in another one."""
    mona = moderator(scene)
    elsewhere = scene.discord.world.create_guild("Elsewhere")
    there = elsewhere.create_text_channel("videos")
    carol = elsewhere.join(scene.discord.world.create_user("carol"))
    scene.pika.pause()
    card = await scene.card(who=carol.user, where=there)
    await scene.state(card, "rendering")
    assert await moderate(scene, mona, "cancel", job=number(card)) == NOTHING_HERE
    assert await moderate(scene, mona, "cancel", job=987_654_321) == NOTHING_HERE
    assert scene.job(card)["cancel_asked_at"] is None
    assert await moderate(scene, mona, "queue") == "No videos are unfinished in this server."
    stranger = carol.user
    assert await moderate(scene, mona, "explain", member=stranger) == NOTHING_HERE
    assert await moderate(scene, mona, "grant", member=stranger, credits=5) == NOTHING_HERE
    await moderate(scene, mona, "block", member=stranger)
    assert entries(scene) == ["block"]
    scene.pika.resume()
    await scene.result(card, there)
    again = await scene.card(who=carol.user, where=there)  # blocked here, not there
    await scene.result(again, there)


async def test_who_lost_the_permission_a_second_ago_turns_no_page(scene: Scene) -> None:
    """Buttons ask for today's permission, not for that of the day they were made."""
    mona = moderator(scene)
    for credits_ in range(1, 11):
        await moderate(scene, mona, "limit", credits=credits_)
    shown = await moderated(scene, mona, "audit")
    before = shown.text
    mona.remove_role(mona.roles[0])
    for label in ("Older", "CSV file"):
        pressed = await scene.press(mona, shown, label=label)
        assert pressed.ephemeral
        assert pressed.message is not None
        assert pressed.message.text == NOTHING_HERE
    assert shown.text == before
    assert await forged(scene, mona, "queue") == NOTHING_HERE


async def test_a_page_of_another_server_is_one_of_ones_own(scene: Scene) -> None:
    """A forged page number shows nothing but the log of the presser's server."""
    mona = moderator(scene)
    await moderate(scene, mona, "limit", credits=4)
    shown = await moderated(scene, mona, "audit")
    elsewhere = scene.discord.world.create_guild("Elsewhere")
    there = elsewhere.create_text_channel("mods")
    carol = elsewhere.join(scene.discord.world.create_user("carol"))
    carol.add_role(elsewhere.create_role("moderators", Permission.MANAGE_GUILD))
    asked = await scene.ask("moderate audit", who=carol, where=there)
    theirs = await asked.answered()
    assert theirs.text == "Nothing has been changed in this server yet."
    button = {"type": 2, "id": 2, "style": 2, "label": "Forged"}
    theirs.components = [
        {"type": 1, "id": 1, "components": [{**button, "custom_id": "audit:older:999999"}]}
    ]
    await scene.press(carol, theirs, custom_id="audit:older:999999")
    await scene.until(lambda: theirs.text == "There are no older entries.")
    assert "4 credits" in shown.text


async def test_a_server_hands_the_command_to_a_role(scene: Scene) -> None:
    """Under Integrations: then it works with its buttons, until it is taken back."""
    helpers = helper(scene, scene.bob)
    for credits_ in range(1, 11):
        assert "credit" in await moderate(scene, scene.bob, "limit", credits=credits_)
    shown = await moderated(scene, scene.bob, "audit")
    await scene.press(scene.bob, shown, label="Older")
    await scene.until(lambda: "Newest" in [button.label for button in shown.buttons])
    hand_over(scene, helpers, allow=False)
    pressed = await scene.press(scene.bob, shown, label="Newest")
    assert pressed.message is not None
    assert pressed.message.text == NOTHING_HERE


async def test_pages_and_blocks_outlive_a_restart(open_scene: OpenScene) -> None:
    """A button that an earlier process made turns its page, and what was set still holds."""
    scene = await open_scene()
    mona = moderator(scene)
    await moderate(scene, mona, "block", member=scene.bob)
    for credits_ in range(1, 9):
        await moderate(scene, mona, "limit", credits=credits_)
    shown = await moderated(scene, mona, "audit")
    assert await scene.town.stop() == 0
    await scene.town.restart()
    await scene.press(mona, shown, label="Older")
    await scene.until(lambda: "blocked, until" in shown.text)
    assert "may not ask for videos" in await scene.refused(who=scene.bob)
