"""The buttons under a video: Share and Delete, for whom and for how long."""

from __future__ import annotations

import hashlib

import pytest

from bot.sandbox.discord import Fault, Member, Message, Permission, TextChannel
from tests.e2e.conftest import OpenScene
from tests.e2e.panel import opened
from tests.e2e.test_moderation import NOTHING_HERE, entries, moderator
from tests.e2e.test_removals import carrying, delivered, gone
from tests.e2e.town import Scene, bots, noisy_clip, number

MESSAGE = "/channels/{channel_id}/messages/{message_id}"


async def showcase_of(scene: Scene, mona: Member, name: str = "best-of") -> TextChannel:
    """A channel that a moderator has chosen as the showcase."""
    channel = scene.guild.create_text_channel(name)
    hand = await opened(scene, mona)
    await hand.open("results")
    await hand.choose("showcase", channel)
    return channel


async def pressed(scene: Scene, who: Member, message: Message, label: str) -> str:
    """Press a button under a video; the private answer."""
    invocation = await scene.press(who, message, label=label)
    assert invocation.ephemeral
    assert invocation.message is not None
    return invocation.message.text


async def shared(scene: Scene, card: Message, showcase: TextChannel) -> Message:
    """The message with the card's video in the showcase."""
    signature = f"Shared · job {number(card)}"
    found = await scene.until(
        lambda: next((m for m in bots(showcase) if m.content.endswith(signature)), None)
    )
    assert found is not None
    return found


async def test_a_video_is_shared_with_what_it_was_made_of(scene: Scene) -> None:
    """The same bytes, read back from the message by a fresh address; nobody is woken, and there
    is a way back. Once.
    """
    showcase = await showcase_of(scene, moderator(scene))
    card = await delivered(scene)
    (result,) = carrying(scene, card)
    assert [button.label for button in result.buttons] == ["Share", "Delete"]
    left = await scene.left()
    scene.discord.clock.advance(3 * 86_400)  # every address of then is dead
    text = await pressed(scene, scene.alice, result, "Share")
    assert text == f"Your video is being shared in <#{showcase.id}>."
    message = await shared(scene, card, showcase)
    assert message.content.startswith(
        f"<@{scene.alice.id}> made this with /create `a fox in the snow`\n"
        f"-# First posted here: https://discord.com/channels/{scene.guild.id}/"
        f"{scene.thread.id}/{result.id}\n"
    )
    assert message.mentions == []
    assert message.buttons == []
    made = scene.pika.jobs[scene.job(card)["pika_id"]]
    assert hashlib.sha256(message.attachments[0].read()).hexdigest() == made.video_sha256
    again = await pressed(scene, scene.alice, result, "Share")
    assert again == f"You have shared this video already, in <#{showcase.id}>."
    assert len(bots(showcase)) == 1
    assert await scene.left() == left
    assert entries(scene) == ["choices"]


@pytest.mark.parametrize("thread", [False, True])
async def test_what_is_restricted_by_age_is_not_shared_with_everybody(
    scene: Scene, thread: bool
) -> None:
    """Made in an age-restricted channel, or in a thread of one: with one press everybody saw it in
    the showcase. In an age-restricted showcase it may be shown.
    """
    mona = moderator(scene)
    showcase = await showcase_of(scene, mona)
    red = scene.guild.create_text_channel("red", nsfw=True)
    place = red.create_thread("dark", owner=scene.alice) if thread else red
    card = await scene.card(where=place)
    await scene.delivered(card)
    (result,) = carrying(scene, card)
    text = await pressed(scene, scene.alice, result, "Share")
    assert text == (
        f"You have made this in an age-restricted channel, and <#{showcase.id}>, where videos of "
        "this server are shared, is none."
    )
    assert bots(showcase) == []

    late = scene.guild.create_text_channel("late-night", nsfw=True)
    await scene.choose(showcase=late.id)
    await pressed(scene, scene.alice, result, "Share")
    await shared(scene, card, late)


async def test_nobody_shares_what_is_not_theirs(scene: Scene) -> None:
    """Not even a moderator; and numbers nobody has are the same."""
    mona = moderator(scene)
    showcase = await showcase_of(scene, mona)
    card = await delivered(scene)
    (result,) = carrying(scene, card)
    for who in (scene.bob, mona):
        text = await pressed(scene, who, result, "Share")
        assert text == f"I know no job {number(card)} of yours in this server."
    text = await scene.forge(scene.bob, result, "job:987654321:share")
    assert text == "I know no job 987654321 of yours in this server."
    assert bots(showcase) == []


async def test_without_a_showcase_one_is_told_who_could_choose_one(scene: Scene) -> None:
    """In a sentence."""
    card = await delivered(scene)
    (result,) = carrying(scene, card)
    text = await pressed(scene, scene.alice, result, "Share")
    assert text.startswith("This server has no showcase: its moderators choose one")


async def test_ones_own_video_is_deleted_after_one_more_question(scene: Scene) -> None:
    """With what was shared of it; the card says by whom, and nobody is told or written down."""
    mona = moderator(scene)
    showcase = await showcase_of(scene, mona)
    card = await delivered(scene)
    (result,) = carrying(scene, card)
    await pressed(scene, scene.alice, result, "Share")
    await shared(scene, card, showcase)
    asked = await scene.press(scene.alice, result, label="Delete")
    assert asked.message is not None
    assert asked.message.text.startswith(f"Delete the video of job {number(card)}?")
    assert len(carrying(scene, card)) == 2  # nothing has happened yet
    await scene.press(scene.alice, asked.message, label="Delete it")
    assert "is being deleted" in asked.message.text
    assert asked.message.buttons == []
    await gone(scene, card)
    assert bots(showcase) == []
    await scene.says_on(card, "Deleted by whoever asked for it")
    assert entries(scene) == ["choices"]
    assert [m for m in bots(scene.thread) if "was removed" in m.content] == []
    assert scene.hold(card) == "charged"


async def test_a_moderator_is_asked_why(scene: Scene) -> None:
    """By a form, which is the second question; then it is a removal as by the command."""
    mona = moderator(scene)
    card = await delivered(scene)
    (result,) = carrying(scene, card)
    opener = await scene.discord.press(mona, result, label="Delete")
    scene.asked.append(opener)
    await opener.acknowledged()
    assert opener.modal is not None
    assert opener.modal["title"] == f"Remove the video of job {number(card)}"
    sent = await scene.discord.submit_modal(mona, opener, {"reason": "too\nloud"})
    scene.asked.append(sent)
    assert "video removed, reason: `too loud`" in (await sent.answered()).text
    assert sent.ephemeral
    await gone(scene, card)
    await scene.says_on(card, "Removed by a moderator, reason: `too loud`")
    told = [m for m in bots(scene.thread) if "was removed by a moderator" in m.content]
    assert [m.mentions for m in told] == [[scene.alice.user]]
    assert entries(scene) == ["remove"]


async def test_nobody_else_deletes_anything(scene: Scene) -> None:
    """A member, a moderator who was one a second ago, and forged ids: as if nothing was there."""
    mona = moderator(scene)
    card = await delivered(scene)
    (result,) = carrying(scene, card)
    opener = await scene.discord.press(mona, result, label="Delete")
    scene.asked.append(opener)
    await opener.acknowledged()
    mona.remove_role(mona.roles[0])
    sent = await scene.discord.submit_modal(mona, opener, {"reason": "late"})
    scene.asked.append(sent)
    assert (await sent.answered()).text == NOTHING_HERE
    for who in (scene.bob, mona):
        assert await pressed(scene, who, result, "Delete") == NOTHING_HERE
        for custom_id in (f"job:{number(card)}:delete-now", "job:987654321:delete"):
            assert await scene.forge(who, result, custom_id) == NOTHING_HERE
    assert len(carrying(scene, card)) == 1
    assert scene.town.rows("SELECT * FROM removal WHERE job_id = :id", id=number(card)) == []


async def test_buttons_of_another_server_do_nothing(scene: Scene) -> None:
    """A moderator there, and the member themselves in another server of theirs, are nobody here."""
    card = await delivered(scene)
    elsewhere = scene.discord.world.create_guild("Elsewhere")
    there = elsewhere.create_text_channel("videos")
    alice = elsewhere.join(scene.alice.user)
    carol = elsewhere.join(scene.discord.world.create_user("carol"))
    carol.add_role(elsewhere.create_role("moderators", Permission.MANAGE_GUILD))
    theirs = await scene.card(who=alice, where=there)
    result = await scene.result(theirs, there)
    for who in (alice, carol):
        for verb in ("delete", "delete-now"):
            text = await scene.forge(who, result, f"job:{number(card)}:{verb}")
            assert text == NOTHING_HERE
        text = await scene.forge(who, result, f"job:{number(card)}:share")
        assert text == f"I know no job {number(card)} of yours in this server."
    assert len(carrying(scene, card)) == 1


async def test_in_direct_messages_ones_own_buttons_work(scene: Scene) -> None:
    """Where the video came by a direct message, as the server took it no longer."""
    showcase = await showcase_of(scene, moderator(scene))
    scene.pika.pause()
    card = await scene.card()
    await scene.state(card, "rendering")
    scene.channel.set_overwrite(scene.guild.bot_role, deny=Permission.VIEW_CHANNEL)
    scene.pika.resume()
    result = await scene.result(card, scene.alice.user.dm)
    text = await pressed(scene, scene.alice, result, "Share")
    assert text == f"Your video is being shared in <#{showcase.id}>."
    message = await shared(scene, card, showcase)
    assert "First posted here" not in message.content
    asked = await scene.press(scene.alice, result, label="Delete")
    assert asked.message is not None
    await scene.press(scene.alice, asked.message, label="Delete it")
    await scene.until(lambda: not carrying(scene, card))
    scene.channel.set_overwrite(scene.guild.bot_role)


async def test_buttons_and_forms_outlive_a_restart(open_scene: OpenScene) -> None:
    """Those of yesterday's process: share, the second question, the form of a moderator."""
    scene = await open_scene()
    mona = moderator(scene)
    showcase = await showcase_of(scene, mona)
    first, second = await delivered(scene), await delivered(scene)
    (result,), (other,) = carrying(scene, first), carrying(scene, second)
    asked = await scene.press(scene.alice, result, label="Delete")
    opener = await scene.discord.press(mona, other, label="Delete")
    scene.asked.append(opener)
    await opener.acknowledged()
    assert await scene.town.stop() == 0
    await scene.town.restart()

    await pressed(scene, scene.alice, result, "Share")
    await shared(scene, first, showcase)
    assert asked.message is not None
    await scene.press(scene.alice, asked.message, label="Delete it")
    sent = await scene.discord.submit_modal(mona, opener, {"reason": "old"})
    scene.asked.append(sent)
    assert "video removed, reason: `old`" in (await sent.answered()).text
    await gone(scene, first)
    await gone(scene, second)
    assert bots(showcase) == []


async def test_a_video_that_was_made_smaller_is_shared_as_it_was_posted(
    open_scene: OpenScene,
) -> None:
    """What was taken there once is taken as it is."""
    scene = await open_scene()
    scene.discord.upload_limit = 1024 * 1024
    scene.pika.script(match="fox", video=noisy_clip(1.5))
    showcase = await showcase_of(scene, moderator(scene))
    card = await scene.card()
    result = await scene.result(card, seconds=60)
    await scene.says_on(card, "Done")
    await pressed(scene, scene.alice, result, "Share")
    message = await shared(scene, card, showcase)
    assert message.attachments[0].read() == result.attachments[0].read()


@pytest.mark.parametrize(
    "how", [{"status": 503}, {"drop": "after"}, {"drop": "before"}], ids=["503", "after", "before"]
)
async def test_a_hiccup_of_discord_shares_once(scene: Scene, how: dict[str, object]) -> None:
    """On reading the message, and on posting it again."""
    showcase = await showcase_of(scene, moderator(scene))
    card = await delivered(scene)
    (result,) = carrying(scene, card)
    scene.discord.faults.add(Fault("GET", MESSAGE, **how))  # type: ignore[arg-type]
    scene.discord.faults.add(
        Fault(
            "POST",
            "/channels/{channel_id}/messages",
            match=lambda seen: "shared-" in str(seen.body) or "Shared" in str(seen.body),
            **how,  # type: ignore[arg-type]
        )
    )
    await pressed(scene, scene.alice, result, "Share")
    await shared(scene, card, showcase)
    await scene.until(
        lambda: scene.town.rows("SELECT 1 FROM delivery WHERE kind = 'share' AND state = 'sent'")
    )
    assert len(bots(showcase)) == 1
