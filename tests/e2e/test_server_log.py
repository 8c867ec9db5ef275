"""What a server's log channel is told by the running bot: all of it, once, and nobody else."""

from __future__ import annotations

import time

from bot.sandbox.discord import Fault, Permission, TextChannel
from bot.store.reports import DAY_MS
from bot.workflow.servers.digests import day_to_tell
from tests.e2e.conftest import OpenScene
from tests.e2e.moderating import moderate, moderator
from tests.e2e.town import Scene, about, bots

MESSAGES = "/channels/{channel_id}/messages"


def told(channel: TextChannel) -> list[str]:
    """What the log says of each change, without when and by whom, in order."""
    lines = [line for message in bots(channel) for line in message.text.split("\n")]
    return [line for line in lines if not line.startswith("-# ")]


async def log_of(scene: Scene, name: str = "mod-log") -> TextChannel:
    """A channel that is the server's log, which has said so."""
    channel = scene.guild.create_text_channel(name)
    await scene.choose(log=channel.id)
    await scene.until(lambda: told(channel))
    return channel


async def test_every_change_stands_in_the_log_channel(scene: Scene) -> None:
    """In the words of the answer, once and in order, with who and when; nobody is pinged, and the
    log of another server hears nothing.
    """
    elsewhere = scene.discord.world.create_guild("Elsewhere")
    theirs = elsewhere.create_text_channel("mod-log")
    await scene.choose(elsewhere, log=theirs.id)
    mona, log = moderator(scene), await log_of(scene)
    first = told(log)
    assert first == [f"Log channel: none → <#{log.id}>"]

    answers = [
        await moderate(scene, mona, "limit", credits=3),
        await moderate(scene, mona, "block", member=scene.bob, reason="@everyone <@1>"),
        await moderate(scene, mona, "words add", phrase="goblin"),
        await moderate(scene, mona, "pause", reason="movie night"),
        await moderate(scene, mona, "resume"),
    ]
    await scene.until(lambda: len(told(log)) == 6)
    assert told(log) == first + answers
    text = "\n".join(message.text for message in bots(log))
    assert text.count(f"by <@{mona.id}>") == 5
    assert not any(m.mentions or m.mention_everyone for m in bots(log))
    assert len(told(theirs)) == 1

    scene.discord.faults.add(Fault("POST", MESSAGES, match=about("goblin* is"), status=503))
    await moderate(scene, mona, "words add", phrase="goblin*")
    await scene.until(lambda: len(told(log)) == 7)


async def test_a_log_channel_that_was_closed_is_told_once_it_opens(scene: Scene) -> None:
    """Nothing hammers Discord meanwhile; the moderator is answered as ever."""
    mona, log = moderator(scene), await log_of(scene)
    log.set_overwrite(scene.guild.bot_role, deny=Permission.SEND_MESSAGES)
    before = scene.discord.invalid_requests
    for credits_ in range(1, 6):
        await moderate(scene, mona, "limit", credits=credits_)
    await scene.until(lambda: scene.logged("the log channel of server"))
    assert scene.discord.invalid_requests - before == 1
    log.set_overwrite(scene.guild.bot_role, allow=Permission.SEND_MESSAGES)
    await scene.until(lambda: len(told(log)) == 6)
    assert [text.split(" → ")[1][:8] for text in told(log)[1:]] == [
        "1 credit", "2 credit", "3 credit", "4 credit", "5 credit",
    ]  # fmt: skip


async def test_a_budget_is_told_of_at_eighty_per_cent_and_when_it_is_used_up(scene: Scene) -> None:
    """Once each, in the log of its server only, however many are refused afterwards."""
    mona, log = moderator(scene), await log_of(scene)
    elsewhere = scene.discord.world.create_guild("Elsewhere")
    theirs = elsewhere.create_text_channel("mod-log")
    await scene.choose(elsewhere, log=theirs.id)
    await moderate(scene, mona, "budget", credits=5, hours=12)
    for who in (scene.alice, scene.alice, scene.bob, scene.bob):
        await scene.card(who=who)
    near = "⚠️ **80 % of this server's budget is used**: 4 of 5 credits of the last 12 hours."
    await scene.until(lambda: told(log)[2:] == [near])
    card = await scene.card()
    await scene.until(lambda: len(told(log)) == 4)
    for _ in range(3):
        await scene.refused()
    await scene.delivered(card)
    assert told(log)[2] == near
    assert told(log)[3].startswith("⛔ **This server's budget is used up**: 5 of 5 credits")
    assert len(told(log)) == 4
    assert len(told(theirs)) == 1


async def test_a_day_is_told_once_however_often_the_bot_is_started(open_scene: OpenScene) -> None:
    """The bot that finds a day untold tells it, to the server in which it happened."""
    scene = await open_scene()
    log = await log_of(scene)
    elsewhere = scene.discord.world.create_guild("Elsewhere")
    theirs = elsewhere.create_text_channel("mod-log")
    await scene.choose(elsewhere, log=theirs.id)
    for who in (scene.alice, scene.alice, scene.bob):
        await scene.delivered(await scene.card(who=who))
    assert await scene.town.stop() == 0
    day = day_to_tell(scene.guild.id, int(time.time() * 1000))
    at = day * DAY_MS + 3_600_000
    scene.town.change("UPDATE job SET finished_at = ?", at)
    scene.town.change("UPDATE reservation SET settled_at = ?", at)
    scene.town.change("UPDATE server_digest SET day = ?", day - 1)
    for _ in range(2):
        await scene.town.restart()
        await scene.until(lambda: len(told(log)) == 3)
        assert await scene.town.stop() == 0
    assert "**3 credits**; 3 videos posted, 0 failed, 0 cancelled." in told(log)[1]
    most = f"Most active: <@{scene.alice.id}> 2 credits, <@{scene.bob.id}> 1 credit."
    assert told(log)[2] == most
    assert len(told(theirs)) == 1


async def test_a_kill_while_the_log_is_told_posts_nothing_twice(open_scene: OpenScene) -> None:
    """Discord has the message, the bot dies before it knows: the next one finds it, and tells what
    came after.
    """
    scene = await open_scene()
    mona, log = moderator(scene), await log_of(scene)
    lost = scene.discord.faults.add(Fault("POST", MESSAGES, match=about("3 credits"), drop="after"))
    await moderate(scene, mona, "limit", credits=3)
    await scene.until(lambda: lost.used)
    await scene.town.kill()
    await scene.town.restart()
    await moderate(scene, mona, "limit", credits=4)
    await scene.until(lambda: len(told(log)) == 3)
    assert [("3 credits" in line, "4 credits" in line) for line in told(log)] == [
        (False, False),
        (True, False),
        (True, True),
    ]
