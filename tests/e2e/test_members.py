"""What members see of their own jobs, and how they change their mind."""

from __future__ import annotations

import re

from bot.sandbox.discord import Message
from bot.sandbox.pika import PikaFault
from tests.e2e.conftest import OpenScene
from tests.e2e.town import Scene, number

SETTINGS = {"PIKA_MAX_JOBS": "1"}  # the second job waits in the queue


def unknown(card: Message) -> str:
    """What is said of a job that is not there, or not yours."""
    return f"I know no job {number(card)} of yours in this server."


async def queued_behind(scene: Scene) -> tuple[Message, Message]:
    """Alice has a job at Pika, which makes no progress, and another in the queue."""
    scene.pika.pause()
    first = await scene.card(prompt="first")
    await scene.state(first, "rendering")
    second = await scene.card(prompt="second")
    return first, second


async def test_quota_tells_what_is_left(scene: Scene) -> None:
    """Five credits; one is held while a job runs and is spent when its video exists, or comes
    back. When the next one frees is told as soon as one is used.
    """
    assert await scene.left() == 5
    assert "frees" not in await scene.says("quota")
    scene.pika.pause()
    card = await scene.card()
    assert await scene.left() == 4
    assert "**Unfinished videos**: 1 of 100" in await scene.says("quota")
    scene.pika.resume()
    await scene.delivered(card)
    text = await scene.says("quota")
    assert "**4 of 5**" in text
    assert re.search(r"next credit frees <t:\d+:R>", text)
    assert await scene.left(scene.bob) == 5


async def test_jobs_lists_ones_own_with_place_and_cancel(scene: Scene) -> None:
    """``/jobs`` shows the member's unfinished jobs with their state, each with a button; to
    them alone, and nothing of anybody else.
    """
    assert await scene.says("jobs") == "You have no unfinished videos here."
    first, second = await queued_behind(scene)
    asked = await scene.ask("jobs")
    listed = await asked.answered()
    assert asked.ephemeral
    for card, words in ((first, "Pika is making it"), (second, "**Next** in the queue")):
        assert f"**Job {number(card)}** /create" in listed.text
        assert words in listed.text
    assert [button.label for button in listed.buttons] == [
        f"Cancel job {number(first)}",
        f"Cancel job {number(second)}",
    ]
    assert await scene.says("jobs", scene.bob) == "You have no unfinished videos here."
    pressed = await scene.press(scene.alice, listed, label=f"Cancel job {number(second)}")
    assert pressed.ephemeral
    await scene.says_on(second, "Cancelled")
    scene.pika.resume()
    await scene.delivered(first)
    assert len(scene.accepted) == 1


async def test_a_queued_job_is_cancelled_on_its_card(scene: Scene) -> None:
    """Out of the queue at once: not charged, never sent, and the card says so."""
    first, second = await queued_behind(scene)
    assert await scene.left() == 3
    pressed = await scene.press(scene.alice, second, label="Cancel")
    assert pressed.ephemeral
    assert pressed.message is not None
    assert pressed.message.text == f"Job {number(second)} is cancelled. You were not charged."
    await scene.says_on(second, "Cancelled", "you were not charged")
    assert second.buttons == []
    assert await scene.left() == 4
    again = await scene.forge(scene.alice, second, f"job:{number(second)}:cancel")
    assert again == f"Job {number(second)} is cancelled already."
    scene.pika.resume()
    await scene.delivered(first)
    assert [job.prompt for job in scene.accepted] == ["first"]


async def test_a_rendering_job_is_cancelled_at_pika(scene: Scene) -> None:
    """Pika is asked to stop; when it does, nothing is charged and its place is free again."""
    first, second = await queued_behind(scene)
    pressed = await scene.press(scene.alice, first, label="Cancel")
    assert pressed.message is not None
    assert "asked it to stop" in pressed.message.text
    await scene.says_on(first, "Cancelled", "you were not charged")
    assert scene.accepted[0].status == "cancelled"
    assert scene.hold(first) == "released"
    scene.pika.resume()
    await scene.delivered(second)
    assert await scene.left() == 4


async def test_a_cancel_that_pika_overtakes_is_charged_as_announced(scene: Scene) -> None:
    """Pika finished before it heard of the cancel: the video is thrown away, the credit is
    spent, and the member was told so beforehand.
    """
    scene.pika.pause()
    card = await scene.card()
    await scene.state(card, "rendering")
    scene.pika.faults.add(PikaFault("read", "status", times=None, status=503))
    await scene.pika.finish(scene.accepted[0].jobid)
    pressed = await scene.press(scene.alice, card, label="Cancel")
    assert pressed.message is not None
    assert "your credit is spent" in pressed.message.text
    await scene.says_on(card, "Asking Pika to stop")
    scene.pika.faults.clear()
    await scene.says_on(card, "Cancelled", "1 credit was charged")
    assert scene.hold(card) == "charged"
    assert [message for message in scene.thread.messages if message.attachments] == []


async def test_a_cancel_after_the_video_is_too_late(scene: Scene) -> None:
    """The card of a finished job has no button; a forged press says that the video is there."""
    card = await scene.card()
    await scene.delivered(card)
    assert [button.label for button in card.buttons] == ["Watch"]
    text = await scene.forge(scene.alice, card, f"job:{number(card)}:cancel")
    assert text == f"Job {number(card)} has its video already."
    assert scene.hold(card) == "charged"


async def test_nobody_cancels_what_is_not_theirs(scene: Scene) -> None:
    """Another member, the same member in another server and a number nobody has: the same
    words, so that nobody learns which jobs exist; and nothing is cancelled.
    """
    scene.pika.pause()
    card = await scene.card()
    await scene.state(card, "rendering")
    pressed = await scene.press(scene.bob, card, label="Cancel")
    assert pressed.ephemeral
    assert pressed.message is not None
    assert pressed.message.text == unknown(card)

    elsewhere = scene.discord.world.create_guild("Elsewhere")
    twin = elsewhere.join(scene.alice.user)
    there = elsewhere.create_text_channel("videos")
    foreign = await scene.card(who=scene.alice.user, where=there)
    text = await scene.forge(twin, foreign, f"job:{number(card)}:cancel")
    assert text == unknown(card)

    text = await scene.forge(scene.alice, card, "job:987654321:cancel")
    assert text == "I know no job 987654321 of yours in this server."
    assert scene.job(card)["cancel_asked_at"] is None
    scene.pika.resume()
    await scene.delivered(card)
    await scene.result(foreign)


async def test_buttons_answer_after_a_restart(open_scene: OpenScene) -> None:
    """A card that an earlier process wrote is cancelled by its button."""
    scene = await open_scene(PIKA_MAX_JOBS=1)
    first, second = await queued_behind(scene)
    assert await scene.town.stop() == 0
    await scene.town.restart(PIKA_MAX_JOBS="1")
    pressed = await scene.press(scene.alice, second, label="Cancel")
    assert pressed.message is not None
    assert "is cancelled" in pressed.message.text
    await scene.says_on(second, "Cancelled")
    scene.pika.resume()
    await scene.delivered(first)
    assert len(scene.accepted) == 1


async def test_help_is_private_and_can_be_clicked(scene: Scene) -> None:
    """``/help`` mentions every command in the form that members can click on."""
    text = await scene.says("help")
    ids = {
        command["name"]: command["id"] for command in scene.discord.commands.visible(scene.guild)
    }
    for name in ("create", "animate", "encrypt_text", "encrypt_image", "jobs", "quota"):
        assert f"</{name}:{ids[name]}>" in text
    assert "5 of 5" in text
