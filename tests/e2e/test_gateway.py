"""Whatever the gateway does: nothing is charged twice or in vain, and delivery goes on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest
import pytest_asyncio

from bot.sandbox.discord import DidNotRespond, Guild, Invocation
from tests.e2e.town import Scene, Town, bots

SERVERS = 300


async def unanswered(asked: Invocation) -> None:
    """The member saw "The application did not respond"."""
    with pytest.raises(DidNotRespond):
        await asked.acknowledged()


async def test_commands_that_a_resume_brings_too_late_cost_nothing(scene: Scene) -> None:
    """The connection broke, and what was asked meanwhile is replayed when it is older than three
    seconds: Discord takes no answer (10062), so nothing is charged and nothing is made.
    """
    resumes = scene.discord.gateway.resumes
    scene.discord.gateway.drop()
    late = [await scene.ask(who=who) for who in (scene.alice, scene.bob, scene.alice)]
    scene.discord.clock.advance(4)
    await scene.until(lambda: scene.discord.gateway.resumes == resumes + 1)
    for asked in late:
        await unanswered(asked)
    await scene.until(lambda: [job["state"] for job in scene.jobs] == ["cancelled"] * 3)
    assert {job["code"] for job in scene.jobs} == {"unanswered"}
    assert bots(scene.thread) == []
    assert scene.accepted == []
    assert await scene.left() == 5
    await scene.delivered(await scene.card())


async def test_a_command_replayed_many_times_in_one_instant_is_one_job(scene: Scene) -> None:
    """Before it is written down, while it is answered, and after a resume."""
    asked = await scene.ask()
    for _ in range(5):
        scene.discord.gateway.replay_last_interaction()
    card = await asked.answered()
    resumes = scene.discord.gateway.resumes
    scene.discord.gateway.drop()
    scene.discord.gateway.replay_last_interaction()
    await scene.until(lambda: scene.discord.gateway.resumes == resumes + 1)
    result = await scene.delivered(card)
    await scene.until(lambda: len(scene.logged("arrived twice")) == 6)
    assert bots(scene.thread) == [card, result]
    assert len(scene.jobs) == len(scene.accepted) == 1
    assert await scene.left() == 4


async def test_commands_that_never_arrive_cost_nothing(scene: Scene) -> None:
    """Events may be lost: the member sees that nobody answered, and has all their credits."""
    scene.discord.gateway.drop_interactions(2)
    lost = [await scene.ask() for _ in range(2)]
    scene.discord.clock.advance(4)
    for asked in lost:
        await unanswered(asked)
    assert scene.jobs == []
    assert await scene.left() == 5
    await scene.delivered(await scene.card())


async def test_a_session_that_timed_out_is_taken_up_again(scene: Scene) -> None:
    """Discord closes with 4009 while a video is made; who asks meanwhile is answered."""
    scene.pika.pause()
    first = await scene.card()
    scene.discord.gateway.disconnect(4009)
    second = await (await scene.ask()).answered()
    scene.pika.resume()
    for card in (first, second):
        await scene.delivered(card)


class Outage:
    """A town whose gateway cannot be reached for a while. discord.py takes its time to come back,
    so this happens beside the other tests of this module.
    """

    def __init__(self, town: Town) -> None:
        self.town = town
        self.scene = Scene(town)
        self.scene.expect_traceback = True  # discord.py's, of each try
        self.guilds: list[Guild] = []

    async def play(self) -> None:
        """Cut off with a video under way, back with hundreds of servers at once."""
        scene, gateway = self.scene, self.scene.discord.gateway
        await scene.start()
        scene.pika.pause()
        under_way, failing = await scene.card(), await scene.card()
        for card in (under_way, failing):
            await scene.state(card, "rendering")
        gateway.cut_off()
        await scene.until(lambda: scene.logged("Attempting a reconnect"))
        scene.pika.fail(scene.job(failing)["pika_id"])
        scene.pika.resume()
        await scene.delivered(under_way)
        await scene.notice(failing)
        await scene.says_on(failing, "you were not charged")
        assert not gateway.is_connected

        world = scene.discord.world
        self.guilds = [world.create_guild(f"Server {number}") for number in range(SERVERS)]
        gateway.reachable = True
        await scene.until(lambda: gateway.is_connected, 40)
        await scene.delivered(await scene.card())

    async def storm(self) -> None:
        """An outage of all servers ends for all of them in one instant, amid commands."""
        scene = self.scene
        for guild in self.guilds:
            guild.set_available(False)
        asked = []
        for index, guild in enumerate(self.guilds):
            guild.set_available(True)
            if index % 100 == 0:
                asked.append(await scene.ask(who=scene.bob))
        for one in asked:
            card = await one.answered()
            assert one.ack_seconds is not None
            assert one.ack_seconds < 3
            await scene.delivered(card)


@pytest_asyncio.fixture(loop_scope="session", scope="module", autouse=True)
async def outage(
    tmp_path_factory: pytest.TempPathFactory, openapi: Path | None
) -> AsyncIterator[tuple[Outage, asyncio.Task[None]]]:
    """Begins with the module, and is looked at last."""
    town = Town(tmp_path_factory.mktemp("outage"), openapi)
    await town.open()
    played = Outage(town)
    story = asyncio.create_task(played.play())
    try:
        yield played, story
        with suppress(Exception):
            await story
        await played.scene.check(stop=True)
    finally:
        story.cancel()
        await town.close()


async def test_without_a_gateway_videos_are_delivered(
    outage: tuple[Outage, asyncio.Task[None]],
) -> None:
    """Delivery needs none: what was under way arrives, what failed is told. Once the gateway is
    back, with hundreds of servers to be told of, commands are answered again; also while an
    outage of all of them ends.
    """
    played, story = outage
    await story
    await played.storm()
    assert len(played.scene.accepted) == 3 + 3
