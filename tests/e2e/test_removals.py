"""Videos that are taken away, through real sockets: nothing is left, and people are told."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from bot.sandbox.discord import Fault, Message, Permission
from tests.e2e.conftest import OpenScene
from tests.e2e.test_moderation import NOTHING_HERE, entries, moderate, moderator
from tests.e2e.test_reviews import held, hold, review_of
from tests.e2e.town import Scene, bots, number

MESSAGES = "/channels/{channel_id}/messages"
MESSAGE = f"{MESSAGES}/{{message_id}}"


def carrying(scene: Scene, card: Message) -> list[Message]:
    """Every message of this card's job with its video, wherever it is."""
    return [
        message
        for channel in scene.discord.world.channels.values()
        for message in channel.messages
        for file in message.attachments
        if f"-{number(card)}-" in file.filename and message.author is scene.discord.bot_user
    ]


async def gone(scene: Scene, card: Message) -> None:
    """Wait until nothing is left of the card's video, and the card says so."""
    await scene.until(lambda: not carrying(scene, card))
    await scene.says_on(card, "🗑️")
    await scene.until(
        lambda: not scene.town.rows("SELECT 1 FROM delivery WHERE state = 'removing'")
    )
    left = await asyncio.to_thread(lambda: [p.name for p in scene.town.data.glob("videos/*")])
    assert [name for name in left if name.startswith(f"{number(card)}.")] == []


async def delivered(scene: Scene, **asked: Any) -> Message:
    """A card of Alice's whose video is posted in the thread."""
    card = await scene.card(**asked)
    await scene.delivered(card)
    return card


async def test_a_moderator_removes_a_video_with_a_reason(scene: Scene) -> None:
    """Its message goes, the card and one message to Alice say why, the audit log who."""
    card = await delivered(scene)
    mona = moderator(scene)
    text = await moderate(scene, mona, "remove", job=number(card), reason="no `code` @everyone")
    assert text == (
        f"Job {number(card)}: `state delivered` → video removed, reason: `no ˋcodeˋ @everyone`"
    )
    await gone(scene, card)
    await scene.says_on(card, "Removed by a moderator, reason: `no ˋcodeˋ @everyone`")
    assert [button.label for button in card.buttons] == []
    told = [m for m in bots(scene.thread) if "was removed by a moderator" in m.content]
    assert len(told) == 1
    assert told[0].mentions == [scene.alice.user]
    assert not told[0].mention_everyone
    assert entries(scene) == ["remove"]
    again = await moderate(scene, mona, "remove", job=number(card))
    assert again == f"The video of job {number(card)} is removed already."
    assert entries(scene) == ["remove"]
    assert scene.hold(card) == "charged"


async def test_what_has_no_video_yet_is_pointed_elsewhere(scene: Scene) -> None:
    """Nothing is written down."""
    mona = moderator(scene)
    scene.pika.pause()
    card = await scene.card()
    await scene.state(card, "rendering")
    text = await moderate(scene, mona, "remove", job=number(card))
    assert text == f"Job {number(card)} has no video yet. `/moderate cancel` stops it."
    assert entries(scene) == []
    scene.pika.resume()
    await scene.delivered(card)


async def test_the_video_of_another_server_is_not_there(scene: Scene) -> None:
    """The same words as for a number nobody has; and nothing happens to it."""
    card = await delivered(scene)
    elsewhere = scene.discord.world.create_guild("Elsewhere")
    there = elsewhere.create_text_channel("mods")
    carol = elsewhere.join(scene.discord.world.create_user("carol"))
    carol.add_role(elsewhere.create_role("moderators", Permission.MANAGE_GUILD))
    for job in (number(card), 987_654_321):
        asked = await scene.ask("moderate remove", who=carol, where=there, job=job)
        assert (await asked.answered()).text == NOTHING_HERE
    assert len(carrying(scene, card)) == 1


async def test_a_video_that_is_being_posted_is_deleted_when_it_has_arrived(scene: Scene) -> None:
    """The removal comes while Discord takes its time for the upload."""
    mona = moderator(scene)
    scene.discord.faults.add(
        Fault("POST", MESSAGES, delay=1.0, match=lambda seen: "pika-" in str(seen.body))
    )
    card = await scene.card()
    await scene.until(
        lambda: scene.town.rows(
            "SELECT 1 FROM delivery WHERE kind = 'result' AND attempts = 1 AND job_id = :id",
            id=number(card),
        )
    )
    assert "video removed" in await moderate(scene, mona, "remove", job=number(card))
    await gone(scene, card)
    job = await scene.state(card, "failed")
    assert job["code"] == "removed"
    assert scene.hold(card) == "charged"
    assert [r for r in scene.discord.requests if (r.method, r.route) == ("DELETE", MESSAGE)]


@pytest.mark.parametrize("locked", [False, True])
async def test_in_an_archived_thread_it_is_opened_or_waited_for(scene: Scene, locked: bool) -> None:
    """Whoever may write there may open it; a locked one waits for a moderator, and the member is
    told in the channel above.
    """
    card = await delivered(scene)
    mona = moderator(scene)
    scene.thread.update(archived=True, locked=locked)
    await moderate(scene, mona, "remove", job=number(card))
    if locked:
        told = await scene.until(
            lambda: next((m for m in bots(scene.channel) if "was removed" in m.content), None)
        )
        assert told is not None
        assert told.mentions == [scene.alice.user]
        assert len(carrying(scene, card)) == 1
        scene.thread.update(archived=False, locked=False)
    await gone(scene, card)


async def test_every_hiccup_of_discord_is_one_removal(scene: Scene) -> None:
    """Refused, cut off before and after, out of order: it goes once, and is told once."""
    card = await delivered(scene)
    mona = moderator(scene)
    for how in ({"drop": "before"}, {"status": 503}, {"drop": "after"}):
        scene.discord.faults.add(Fault("DELETE", MESSAGE, **how))
    await moderate(scene, mona, "remove", job=number(card))
    await gone(scene, card)
    assert len([m for m in bots(scene.thread) if "was removed" in m.content]) == 1


async def test_a_kill_in_the_middle_of_a_removal_changes_nothing(open_scene: OpenScene) -> None:
    """The next start goes on with it."""
    scene = await open_scene()
    mona = moderator(scene)
    card = await scene.card()
    await scene.delivered(card)
    slow = scene.discord.faults.add(Fault("DELETE", MESSAGE, delay=30.0))
    await moderate(scene, mona, "remove", job=number(card))
    await scene.until(lambda: slow.used)
    await scene.town.kill()
    assert len(carrying(scene, card)) == 1
    await scene.town.restart()
    await gone(scene, card)
    assert len([m for m in bots(scene.thread) if "was removed" in m.content]) == 1


async def test_of_a_video_that_was_looked_at_nothing_is_left_either(scene: Scene) -> None:
    """Neither in the review channel nor in the one where the review began."""
    mona = moderator(scene)
    card, began = await held(scene, await hold(scene))
    other = await hold(scene, name="other-reviews")
    review = await review_of(scene, card, other)
    await scene.until(lambda: "goes on in" in began.content and not began.attachments)
    await scene.press(mona, review, label="Approve")
    await scene.delivered(card)
    assert {m.channel for m in carrying(scene, card)} == {scene.thread, other}
    assert "video removed" in await moderate(scene, mona, "remove", job=number(card))
    await gone(scene, card)
