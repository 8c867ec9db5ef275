"""Whatever stops the bot, at whatever moment: nothing is lost, doubled or charged twice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import ClassVar

import pytest
import pytest_asyncio

from bot.sandbox.discord import Fault, Message
from bot.sandbox.pika import PikaFault, PikaJob
from tests.e2e.conftest import OpenScene
from tests.e2e.town import DOUBT_SECONDS, Scene, Town, about, bots, number

POST = "/channels/{channel_id}/messages"
PATCH = "/channels/{channel_id}/messages/{message_id}"
CALLBACK = "/interactions/{interaction_id}/{interaction_token}/callback"

Stop = Callable[[Scene], Awaitable[None]]


async def terminate(scene: Scene) -> None:
    """SIGTERM: it ends by itself, in time, with 0."""
    assert await scene.town.stop() == 0, scene.story


async def kill(scene: Scene) -> None:
    """SIGKILL."""
    await scene.town.kill()


async def once(scene: Scene, card: Message) -> None:
    """One submission, one video, one charge, and a card that says so."""
    result = await scene.delivered(card)
    assert bots(card.channel) == [card, result]
    assert len(scene.accepted) == 1
    assert scene.hold(card) == "charged"
    assert await scene.left() == 4


class Stages:
    """One town that was stopped with a job at every stage, started again, and left to finish.

    Two places at Pika: the first jobs have left it again when the next two come. The last one
    was answered a moment before the stop: which message is its card is not written down yet.
    """

    SETTINGS: ClassVar = {"PIKA_MAX_JOBS": "2", "DEFAULT_QUOTA": "6"}
    ALL = ("untold", "posted", "uploading", "rendering", "submitting", "queued")

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.cards: dict[str, Message] = {}
        self.before: dict[str, str] = {}

    async def play(self, stop: Stop) -> None:
        """Everything up to the moment when all jobs are over."""
        scene = self.scene
        await scene.start(**self.SETTINGS)
        await self._bring_them_there()
        self.before = {stage: scene.job(card)["state"] for stage, card in self.cards.items()}
        await stop(scene)
        scene.discord.faults.clear()
        scene.discord.clock.advance(600)  # Discord has forgotten every nonce
        await scene.pika.finish(self.at_pika("rendering").jobid)
        await scene.town.restart(**self.SETTINGS)
        await scene.state(self.cards["submitting"], "rendering")
        await scene.pika.finish(self.at_pika("submitting").jobid)
        for card in self.cards.values():
            await scene.state(card, "delivered")

    async def _bring_them_there(self) -> None:
        pika, faults = self.scene.pika, self.scene.discord.faults
        deaf = Fault("POST", POST, match=about("posted"), status=503, done=True, times=None)
        slow = Fault("POST", POST, match=about("uploading"), delay=30.0, times=None)
        mute = Fault("PATCH", PATCH, match=about("untold"), status=503, times=None)
        faults.add(mute)
        faults.add(deaf)
        faults.add(slow)
        await self._ask("untold")
        await self.scene.state(self.cards["untold"], "delivered")
        await self._ask("posted")
        # One after the other: discord.py sends one message at a time into a channel.
        await self.scene.until(lambda: deaf.used)
        await self.scene.result(self.cards["posted"])
        await self._ask("uploading")
        await self.scene.until(lambda: slow.used)
        pika.script(outcome="slow", times=2)
        await self._ask("rendering")
        await self.scene.state(self.cards["rendering"], "rendering")
        pika.faults.add(PikaFault("create", "hang", took=True))
        await self._ask("submitting")
        await self.scene.until(lambda: self.made("submitting"))
        await self._ask("queued")

    async def _ask(self, stage: str) -> None:
        self.cards[stage] = await self.scene.card(prompt=f"the {stage} one")

    def made(self, stage: str) -> list[PikaJob]:
        """What Pika took for the job of this stage."""
        return [job for job in self.scene.accepted if job.prompt == f"the {stage} one"]

    def at_pika(self, stage: str) -> PikaJob:
        """The one job that Pika took for it."""
        (job,) = self.made(stage)
        return job


@pytest_asyncio.fixture(loop_scope="session", scope="module", params=[terminate, kill])
async def stages(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, openapi: Path | None
) -> AsyncIterator[Stages]:
    """The stages, by SIGTERM and by SIGKILL."""
    town = Town(tmp_path_factory.mktemp("stages"), openapi)
    await town.open()
    try:
        played = Stages(Scene(town))
        await played.play(request.param)
        yield played
        await played.scene.check(stop=True)
    finally:
        await town.close()


@pytest.mark.parametrize("stage", Stages.ALL)
async def test_a_job_at_any_stage_ends_as_one_video(stages: Stages, stage: str) -> None:
    """One submission, one video, one charge, and one card that says so; SIGTERM exits with 0
    in time, whatever hangs.
    """
    scene, card = stages.scene, stages.cards[stage]
    expected = {"untold": "delivered", "posted": "delivering", "uploading": "delivering"}
    assert stages.before[stage] == expected.get(stage, stage)
    await scene.delivered(card)
    assert [m for m in bots(scene.thread) if m.embeds and number(m) == number(card)] == [card]
    assert len(stages.made(stage)) == 1
    assert scene.hold(card) == "charged"
    steps = scene.history(card)
    assert steps.count("submitting") == 1
    assert ("in_doubt" in steps) == (stage == "submitting")


async def test_what_is_on_its_way_arrives_before_the_bot_stops(open_scene: OpenScene) -> None:
    """SIGTERM while Pika takes a second to answer and Discord a second to take a video: the
    answer is heard, the message is known.
    """
    scene = await open_scene()
    slow = scene.discord.faults.add(Fault("POST", POST, delay=1.2))
    first = await scene.card(prompt="first")
    await scene.until(lambda: slow.used)
    scene.pika.pause()
    scene.pika.faults.add(PikaFault("create", "delay", seconds=1.0))
    second = await scene.card(prompt="second")
    await scene.until(lambda: len(scene.accepted) == 2)
    await terminate(scene)
    assert scene.job(first)["state"] == "delivered"
    assert scene.job(second)["state"] == "rendering"
    await scene.town.restart()
    scene.pika.resume()
    for card in (first, second):
        await scene.delivered(card)
        assert "in_doubt" not in scene.history(card)
    assert len(scene.accepted) == 2


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
    await scene.until(lambda: scene.pika.clock.now() - sent > DOUBT_SECONDS / 2 + 0.05)
    await scene.town.restart()
    await scene.says_on(card, "Pika never said whether it took this job", "you were not charged")
    await scene.notice(card)
    assert scene.accepted == []
    assert await scene.left() == 5


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
async def test_a_lost_gateway_costs_nothing(scene: Scene, trouble: Callable[[Scene], None]) -> None:
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


async def _forget(scene: Scene) -> None:
    """Op 9 without a way back while a video is made, and a command in the new session."""
    await scene.start()
    scene.pika.pause()
    first = await scene.card()
    await scene.state(first, "rendering")
    scene.discord.gateway.invalidate()
    await scene.until(lambda: not scene.discord.gateway.is_connected)
    scene.pika.resume()
    await scene.delivered(first)
    await scene.until(lambda: scene.discord.gateway.is_connected)
    await scene.delivered(await scene.card())


@pytest_asyncio.fixture(loop_scope="session", scope="module", autouse=True)
async def forgotten(
    tmp_path_factory: pytest.TempPathFactory, openapi: Path | None
) -> AsyncIterator[tuple[Scene, asyncio.Task[None]]]:
    """A session that Discord forgot. discord.py waits five seconds before it begins another,
    so this happens beside the other tests of this module.
    """
    town = Town(tmp_path_factory.mktemp("forgotten"), openapi)
    await town.open()
    scene = Scene(town)
    story = asyncio.create_task(_forget(scene))
    yield scene, story
    try:
        await asyncio.wait({story})
        await scene.check(stop=True)
    finally:
        await town.close()


async def test_a_session_that_discord_forgot_is_begun_anew(
    forgotten: tuple[Scene, asyncio.Task[None]],
) -> None:
    """Op 9 without a way back: a new session, and the jobs of before and after are delivered."""
    scene, story = forgotten
    await story
    assert scene.discord.gateway.identifies == 2
    assert scene.discord.gateway.resumes == 0
    assert len(scene.accepted) == 2
