"""``Report video`` in the menu of a message, and what moderators do about it in their log."""

from __future__ import annotations

import re

from bot.sandbox.discord import Invocation, Member, Message, Permission, TextChannel
from tests.e2e.conftest import OpenScene
from tests.e2e.panel import opened, private
from tests.e2e.test_moderation import NOTHING_HERE, entries, moderate, moderator
from tests.e2e.test_removals import carrying, delivered, gone
from tests.e2e.town import Scene, bots, number

NO_VIDEO = "That message carries no video of mine. Use this on the message with the video itself."
SEEN = "Thank you. The moderators of this server can read your report now."


async def log_of(scene: Scene, mona: Member) -> TextChannel:
    """A channel of moderators that one of them has chosen for the log."""
    channel = private(scene)
    hand = await opened(scene, mona)
    await hand.open("records")
    await hand.choose("log", channel)
    return channel


async def menu(scene: Scene, who: Member, message: Message) -> Invocation:
    """Choose "Report video" from the message's menu."""
    asked = await scene.discord.message_menu(who, "Report video", message)
    scene.asked.append(asked)
    return await asked.acknowledged()


async def filled(scene: Scene, who: Member, opener: Invocation, **typed: str) -> str:
    """Send the form that was opened; the private answer."""
    sent = await scene.discord.submit_modal(who, opener, typed)
    scene.asked.append(sent)
    text = (await sent.answered()).text
    assert sent.ephemeral
    return text


async def report(scene: Scene, who: Member, message: Message, reason: str = "") -> str:
    """Report a video; the private answer."""
    opener = await menu(scene, who, message)
    if opener.modal is None:
        assert opener.message is not None
        assert opener.ephemeral
        return opener.message.text
    return await filled(scene, who, opener, reason=reason)


async def shown(scene: Scene, card: Message, log: TextChannel, words: str) -> Message:
    """The one message about the card's video in the log, once it says this."""
    signature = f"Report · job {number(card)}"

    def there() -> Message | None:
        about = [m for m in bots(log) if m.content.endswith(signature)]
        assert len(about) <= 1
        return next((m for m in about if words in m.content), None)

    found = await scene.until(there)
    assert found is not None
    return found


async def press(scene: Scene, who: Member, message: Message, label: str) -> Invocation:
    """Press a button that may open a form."""
    pressed = await scene.discord.press(who, message, label=label)
    scene.asked.append(pressed)
    return await pressed.acknowledged()


async def test_reports_become_one_message_that_moderators_can_act_on(scene: Scene) -> None:
    """Who and why as code, and how often; nobody is woken; dismissing it is seen and written
    down, and others may report it anew.
    """
    mona = moderator(scene)
    log = await log_of(scene, mona)
    card = await delivered(scene)
    (result,) = carrying(scene, card)
    carol = scene.newcomer("carol")
    assert await report(scene, scene.bob, result, "`@everyone`\nlook <@1>") == SEEN
    first = await shown(scene, card, log, "1 member finds")
    assert f"job {number(card)} of <@{scene.alice.id}>, /create `a fox in the snow`" in (
        first.content
    )
    assert f"/{scene.thread.id}/{result.id}" in first.content
    assert re.search(rf"- <@{scene.bob.id}> <t:\d+:R>: `ˋ@everyoneˋ look <@1>`", first.content)
    assert (first.mentions, first.mention_everyone) == ([], False)
    assert [b.label for b in first.buttons] == ["Remove…", "Block requester…", "Dismiss"]
    assert await report(scene, scene.bob, result) == "You have reported this video already."
    assert await report(scene, carol, result) == SEEN
    await shown(scene, card, log, "2 members find")

    text = (await scene.press(mona, first, label="Dismiss")).message
    assert text is not None
    assert text.text == f"Job {number(card)}: `reports 2` → dismissed"
    closed = await shown(scene, card, log, f"**Dismissed** by <@{mona.id}>")
    assert closed is first
    assert closed.buttons == []
    assert len(carrying(scene, card)) == 1
    assert await report(scene, carol, result) == "You have reported this video already."
    dave = scene.newcomer("dave")
    assert await report(scene, dave, result, "really") == SEEN
    again = await shown(scene, card, log, "3 members find")
    assert f"-# Dismissed before, by <@{mona.id}>" in again.content
    assert len(again.buttons) == 3
    assert entries(scene) == ["choices", "dismiss"]


async def test_a_reported_video_is_removed_from_the_log(scene: Scene) -> None:
    """With a reason; two moderators at once are one removal, and the message says whose."""
    mona, otto = moderator(scene), moderator(scene, "otto")
    log = await log_of(scene, mona)
    card = await delivered(scene)
    (result,) = carrying(scene, card)
    await report(scene, scene.bob, result)
    message = await shown(scene, card, log, "gave no reason")
    first = await press(scene, mona, message, "Remove…")
    second = await press(scene, otto, message, "Remove…")
    assert "video removed, reason: `no`" in await filled(scene, mona, first, reason="no")
    assert await filled(scene, otto, second, reason="never") == (
        f"The video of job {number(card)} is removed already."
    )
    await gone(scene, card)
    closed = await shown(scene, card, log, f"🗑️ **Removed** by <@{mona.id}>: `no`")
    assert closed.buttons == []
    assert entries(scene) == ["choices", "remove"]
    told = [m for m in bots(scene.thread) if "was removed by a moderator" in m.content]
    assert [m.mentions for m in told] == [[scene.alice.user]]


async def test_whoever_asked_can_be_blocked_from_there(scene: Scene) -> None:
    """For some hours; a number that is none is refused in words."""
    mona = moderator(scene)
    log = await log_of(scene, mona)
    card = await delivered(scene)
    (result,) = carrying(scene, card)
    await report(scene, scene.bob, result)
    message = await shown(scene, card, log, "1 member finds")
    opener = await press(scene, mona, message, "Block requester…")
    assert "must be a number" in await filled(scene, mona, opener, hours="soon")
    text = await filled(scene, mona, opener, reason="enough", hours="1.5")
    assert text.startswith(f"<@{scene.alice.id}>: may ask for videos → blocked until <t:")
    assert "may not ask for videos" in await scene.refused(who=scene.alice)
    assert entries(scene) == ["choices", "block"]
    assert len(message.buttons) == 3  # the video is still there


async def test_only_videos_of_others_can_be_reported(scene: Scene) -> None:
    """A card, somebody's words, one's own video: a sentence each, and no form."""
    mona = moderator(scene)
    await log_of(scene, mona)
    card = await delivered(scene)
    (result,) = carrying(scene, card)
    words = scene.thread.post(scene.bob, "nice fox")
    for message in (card, words):
        assert await report(scene, scene.bob, message) == NO_VIDEO
    own = await report(scene, scene.alice, result)
    assert own == "That is your own video: *Delete* below it takes it away."
    late = await menu(scene, scene.bob, result)
    await moderate(scene, mona, "remove", job=number(card))
    await gone(scene, card)
    text = await filled(scene, scene.bob, late, reason="too late")
    assert text == f"The video of job {number(card)} is removed already."


async def test_without_a_log_channel_a_report_waits_for_one(scene: Scene) -> None:
    """The member is told so; it is shown once there is one."""
    card = await delivered(scene)
    (result,) = carrying(scene, card)
    text = await report(scene, scene.bob, result, "no")
    assert "they have chosen no log channel. Your report is kept" in text
    log = await log_of(scene, moderator(scene))
    await shown(scene, card, log, "`no`")


async def test_nobody_without_permission_acts_on_a_report(scene: Scene) -> None:
    """Buttons and forms ask for today's permission, and know no other server."""
    mona = moderator(scene)
    log = await log_of(scene, mona)
    card = await delivered(scene)
    (result,) = carrying(scene, card)
    await report(scene, scene.bob, result)
    message = await shown(scene, card, log, "1 member finds")
    removing = await press(scene, mona, message, "Remove…")
    blocking = await press(scene, mona, message, "Block requester…")
    mona.remove_role(mona.roles[0])
    log.set_overwrite(scene.guild.everyone)
    for opener in (removing, blocking):
        assert await filled(scene, mona, opener, reason="late") == NOTHING_HERE
    for who in (mona, scene.bob):
        for label in ("Remove…", "Block requester…", "Dismiss"):
            pressed = await scene.press(who, message, label=label)
            assert pressed.message is not None
            assert pressed.message.text == NOTHING_HERE
    elsewhere = scene.discord.world.create_guild("Elsewhere")
    there = elsewhere.create_text_channel("mods")
    carol = elsewhere.join(scene.discord.world.create_user("carol"))
    carol.add_role(elsewhere.create_role("moderators", Permission.MANAGE_GUILD))
    theirs = await scene.card(who=carol, where=there)
    posted = await scene.result(theirs, there)
    for verb in ("report-remove", "report-block", "report-dismiss"):
        for job in (number(card), 987_654_321):
            assert await scene.forge(carol, posted, f"job:{job}:{verb}") == NOTHING_HERE
    assert entries(scene) == ["choices"]
    assert len(carrying(scene, card)) == 1
    assert len(message.buttons) == 3


def reports(log: TextChannel) -> list[Message]:
    """Those in the log channel, which tells of changes, too."""
    return [message for message in bots(log) if "should go" in message.content]


async def test_a_report_of_another_servers_video_is_of_none(scene: Scene) -> None:
    """A form that names a message elsewhere reports nothing."""
    log = await log_of(scene, moderator(scene))
    card, other = await delivered(scene), await delivered(scene)
    (result,), (second,) = carrying(scene, card), carrying(scene, other)
    elsewhere = scene.discord.world.create_guild("Elsewhere")
    there = elsewhere.create_text_channel("videos")
    carol = elsewhere.join(scene.discord.world.create_user("carol"))
    theirs = await scene.result(await scene.card(who=carol, where=there), there)
    opener = await menu(scene, scene.bob, result)
    assert opener.modal is not None
    opener.modal["custom_id"] = f"report:{theirs.id}"
    assert await filled(scene, scene.bob, opener, reason="forged") == NO_VIDEO
    opener.modal["custom_id"] = f"report:{second.id}"  # as good as choosing that one
    assert await filled(scene, scene.bob, opener, reason="forged") == SEEN
    await shown(scene, other, log, "`forged`")
    assert len(reports(log)) == 1


async def test_a_member_who_reports_everything_is_told_to_wait(scene: Scene) -> None:
    """Five in an hour, each its own message; the sixth is refused before anything is typed."""
    log = await log_of(scene, moderator(scene))
    cards = [await delivered(scene) for _ in range(5)]
    carol = scene.newcomer("carol")
    last = await scene.card(who=carol)
    await scene.delivered(last)
    for card in cards:
        assert await report(scene, scene.bob, carrying(scene, card)[0]) == SEEN
    text = await report(scene, scene.bob, carrying(scene, last)[0])
    assert text.startswith("You have reported 5 videos within an hour, and may report 5.")
    await scene.until(lambda: len(reports(log)) == 5)


async def test_buttons_and_forms_of_reports_outlive_a_restart(open_scene: OpenScene) -> None:
    """The member's form, the moderator's buttons and form."""
    scene = await open_scene()
    mona = moderator(scene)
    log = await log_of(scene, mona)
    card, other = await delivered(scene), await delivered(scene)
    (result,), (second,) = carrying(scene, card), carrying(scene, other)
    await report(scene, scene.bob, result)
    message = await shown(scene, card, log, "1 member finds")
    removing = await press(scene, mona, message, "Remove…")
    reporting = await menu(scene, scene.bob, second)
    assert await scene.town.stop() == 0
    await scene.town.restart()

    assert await filled(scene, scene.bob, reporting, reason="old form") == SEEN
    about_other = await shown(scene, other, log, "`old form`")
    assert "video removed" in await filled(scene, mona, removing, reason="old form")
    await gone(scene, card)
    await scene.press(mona, about_other, label="Dismiss")
    await shown(scene, other, log, "**Dismissed**")
