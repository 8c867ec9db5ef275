"""Whatever stops the bot, at whatever moment: nothing is lost, doubled or charged twice."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from bot.sandbox.discord import Fault, Message
from bot.sandbox.pika import PikaFault
from tests.e2e.conftest import OpenScene
from tests.e2e.town import Scene, bots, has_file, number

POST = "/channels/{channel_id}/messages"
CALLBACK = "/interactions/{interaction_id}/{interaction_token}/callback"

Stop = Callable[[Scene], Awaitable[None]]


async def terminate(scene: Scene) -> None:
    """SIGTERM: it ends by itself, in time, with 0."""
    assert await scene.town.stop() == 0, scene.story


async def kill(scene: Scene) -> None:
    """SIGKILL."""
    await scene.town.kill()


both = pytest.mark.parametrize("stop", [terminate, kill])


async def once(scene: Scene, card: Message) -> None:
    """One submission, one video, one charge, and a card that says so."""
    result = await scene.delivered(card)
    assert bots(card.channel) == [card, result]
    assert len(scene.accepted) == 1
    assert scene.hold(card) == "charged"
    assert await scene.left() == 4


@both
async def test_a_queued_job_waits_for_the_next_start(open_scene: OpenScene, stop: Stop) -> None:
    """Stopped with one job at Pika and two in the queue: all are made, in their order."""
    scene = await open_scene(PIKA_MAX_JOBS=1)
    scene.pika.pause()
    cards = [await scene.card(prompt=f"fox {n}") for n in range(3)]
    await scene.state(cards[0], "rendering")
    await stop(scene)
    await scene.town.restart(PIKA_MAX_JOBS="1")
    scene.pika.resume()
    for card in cards:
        await scene.delivered(card)
    assert [job.prompt for job in scene.accepted] == ["fox 0", "fox 1", "fox 2"]


async def test_a_kill_right_after_the_answer_loses_nothing(open_scene: OpenScene) -> None:
    """The card has answered, and nobody wrote down yet which message it is."""
    scene = await open_scene()
    card = await scene.card()
    await scene.town.kill()
    await scene.town.restart()
    result = await scene.delivered(card)
    assert bots(card.channel) == [card, result]


async def test_a_card_that_never_arrived_is_posted_after_a_restart(open_scene: OpenScene) -> None:
    """Discord answered nothing but 503: the job is safe, and gets its card."""
    scene = await open_scene()
    scene.pika.pause()
    scene.discord.faults.add(Fault("POST", CALLBACK, status=503, times=None))
    await scene.ask()
    await scene.until(lambda: scene.logged("nobody knows whether the answer arrived"))
    scene.discord.faults.clear()
    await terminate(scene)
    await scene.town.restart()
    await scene.until(lambda: len(bots(scene.thread)) == 1)
    card = bots(scene.thread)[0]
    scene.pika.resume()
    await once(scene, card)


async def test_a_slow_submit_is_finished_before_the_bot_stops(open_scene: OpenScene) -> None:
    """SIGTERM while Pika takes its time to answer: the answer is still heard."""
    scene = await open_scene()
    scene.pika.pause()
    scene.pika.faults.add(PikaFault("create", "delay", seconds=1.0))
    card = await scene.card()
    await scene.until(lambda: len(scene.accepted) == 1)
    await terminate(scene)
    assert scene.job(card)["state"] == "rendering"
    await scene.town.restart()
    scene.pika.resume()
    await once(scene, card)
    assert "in_doubt" not in scene.history(card)


@both
async def test_a_submit_that_was_cut_off_is_found_at_pika(
    open_scene: OpenScene, stop: Stop
) -> None:
    """Stopped while Pika has the job but has not said so: asked, found, not sent again."""
    scene = await open_scene()
    scene.pika.pause()
    scene.pika.faults.add(PikaFault("create", "hang", took=True))
    card = await scene.card()
    await scene.until(lambda: len(scene.accepted) == 1)
    await stop(scene)
    assert scene.job(card)["state"] == "submitting"
    await scene.town.restart()
    await scene.state(card, "rendering")
    scene.pika.resume()
    await once(scene, card)
    assert scene.history(card)[:4] == ["queued", "submitting", "in_doubt", "rendering"]


async def test_a_submit_that_was_cut_off_and_never_arrived_is_not_guessed_about(
    open_scene: OpenScene,
) -> None:
    """Killed before Pika read the request, and back too late to prove it: nothing is sent
    twice, and the member gets the credit back.
    """
    scene = await open_scene()
    scene.pika.faults.add(PikaFault("create", "hang"))
    card = await scene.card()
    sent = (await scene.state(card, "submitting"))["submitted_at"] / 1000
    await scene.town.kill()
    await scene.until(lambda: scene.pika.clock.now() - sent > 0.35)
    await scene.town.restart()
    await scene.says_on(card, "Pika never said whether it took this job", "you were not charged")
    await scene.notice(card)
    assert scene.accepted == []
    assert await scene.left() == 5


@both
async def test_a_rendering_job_is_picked_up_again(open_scene: OpenScene, stop: Stop) -> None:
    """Pika finished while nobody was looking: the video is delivered after the start."""
    scene = await open_scene()
    scene.pika.pause()
    card = await scene.card()
    await scene.state(card, "rendering")
    await stop(scene)
    await scene.pika.finish(scene.accepted[0].jobid)
    await scene.town.restart()
    await once(scene, card)


async def test_a_cancel_asked_before_a_restart_is_still_asked_of_pika(
    open_scene: OpenScene,
) -> None:
    """The wish to cancel is on the disk."""
    scene = await open_scene()
    scene.pika.pause()
    card = await scene.card()
    await scene.state(card, "rendering")
    scene.pika.faults.add(PikaFault("read", "status", times=None, status=503))
    await scene.press(scene.alice, card, label="Cancel")
    await scene.town.kill()
    scene.pika.faults.clear()
    await scene.town.restart()
    await scene.says_on(card, "Cancelled", "you were not charged")
    assert scene.accepted[0].status == "cancelled"


async def test_a_slow_upload_is_finished_before_the_bot_stops(open_scene: OpenScene) -> None:
    """SIGTERM while the video is on its way to Discord: it arrives first."""
    scene = await open_scene()
    slow = scene.discord.faults.add(Fault("POST", POST, delay=1.0))
    card = await scene.card()
    await scene.until(lambda: slow.used)
    await terminate(scene)
    assert scene.job(card)["state"] == "delivered"
    await scene.town.restart()
    await once(scene, card)


@both
async def test_an_upload_that_was_cut_off_is_begun_again(open_scene: OpenScene, stop: Stop) -> None:
    """Stopped in the middle of an upload that takes too long: one message in the end."""
    scene = await open_scene()
    slow = scene.discord.faults.add(Fault("POST", POST, delay=30.0))
    card = await scene.card()
    await scene.until(lambda: slow.used)
    await stop(scene)
    assert scene.job(card)["state"] == "delivering"
    await scene.town.restart()
    await once(scene, card)


@both
async def test_a_video_that_was_posted_without_our_knowing_is_not_posted_again(
    open_scene: OpenScene, stop: Stop
) -> None:
    """Discord took the message and the bot was stopped before it heard of that. The nonce is
    forgotten by then: the bot looks for its own message first.
    """
    scene = await open_scene()
    scene.discord.faults.add(Fault("POST", POST, status=503, done=True, times=None))
    card = await scene.card()
    await scene.result(card)
    await stop(scene)
    scene.discord.faults.clear()
    scene.discord.clock.advance(600)
    await scene.town.restart()
    await once(scene, card)
    assert scene.logged("result posted")


async def test_a_final_card_is_written_after_a_restart(open_scene: OpenScene) -> None:
    """The video is there, but the bot was killed before the card said so."""
    scene = await open_scene()
    scene.discord.faults.add(
        Fault("PATCH", "/channels/{channel_id}/messages/{message_id}", status=503, times=None)
    )
    card = await scene.card()
    await scene.state(card, "delivered")
    await scene.town.kill()
    scene.discord.faults.clear()
    assert "Done" not in card.text
    await scene.town.restart()
    await once(scene, card)


async def test_any_number_of_kills_makes_no_difference(open_scene: OpenScene) -> None:
    """Killed again and again while six jobs are made: each ends as one video, or is given back
    because nobody could tell; Pika is never asked twice for one attempt.
    """
    scene = await open_scene(DEFAULT_QUOTA=6)
    cards = [await scene.card(prompt=f"fox {n}") for n in range(6)]
    for step in (1, 4, 2, 6, 3):
        seen = len(scene.pika.requests) + step
        await scene.until(
            lambda seen=seen: len(scene.pika.requests) >= seen
            or not [job for job in scene.jobs if job["finished_at"] is None]
        )
        await scene.town.kill()
        await scene.town.restart(DEFAULT_QUOTA="6")
    for card in cards:
        job = await scene.state(card, "delivered", "failed")
        posted = [m for m in scene.thread.messages if has_file(m, f"pika-{number(card)}-")]
        assert len(posted) == (job["state"] == "delivered")
        if job["state"] == "failed":
            assert job["code"] == "unknown"
    references = [job.reply_ref for job in scene.accepted]
    assert len(references) == len(set(references))
    assert len({job.prompt for job in scene.accepted}) == len(scene.accepted)


# -- the gateway ---------------------------------------------------------------------------------


def reconnect(scene: Scene) -> None:
    """Discord asks for a new connection (op 7)."""
    scene.discord.gateway.reconnect()


def invalidate(scene: Scene) -> None:
    """Discord declares the session resumable (op 9)."""
    scene.discord.gateway.invalidate(resumable=True)


def hang_up(scene: Scene) -> None:
    """Discord closes the connection with an unknown error."""
    scene.discord.gateway.disconnect(4000)


def cut(scene: Scene) -> None:
    """The network breaks."""
    scene.discord.gateway.drop()


@pytest.mark.parametrize("trouble", [reconnect, invalidate, hang_up, cut])
async def test_a_lost_gateway_costs_nothing(
    scene: Scene, trouble: Callable[[Scene], None]
) -> None:
    """The connection goes while a video is made, and another command comes meanwhile: the
    session is resumed, both end as videos.
    """
    scene.pika.pause()
    first = await scene.card()
    await scene.state(first, "rendering")
    before = scene.discord.gateway.resumes
    trouble(scene)
    asked = await scene.ask()
    await scene.until(lambda: scene.discord.gateway.resumes == before + 1)
    second = await asked.answered()
    scene.pika.resume()
    for card in (first, second):
        await scene.delivered(card)
    assert len(scene.accepted) == 2


async def test_a_session_that_discord_forgot_is_begun_anew(scene: Scene) -> None:
    """Op 9 without a way back: a new session, the jobs go on."""
    scene.pika.pause()
    first = await scene.card()
    await scene.state(first, "rendering")
    scene.discord.gateway.invalidate()
    scene.pika.resume()
    await scene.delivered(first)
    await scene.until(lambda: scene.discord.gateway.is_connected)
    await scene.delivered(await scene.card())
