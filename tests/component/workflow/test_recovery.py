"""After a kill at any instant the next start goes on: nothing lost, sent twice or left untrue."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from bot.model import DeliveryKind, JobState
from bot.pika.errors import NoAnswer
from bot.workflow.delivery.upkeep import EDIT_PAUSE_MS
from bot.workflow.recovery import sweep
from tests.conftest import OpenHouse
from tests.fakes import (
    GUILD,
    MEMBER,
    Hang,
    House,
    PostedSilent,
    World,
    a_while,
    picture,
    recipe,
    requester,
    until,
)

S = JobState
K = DeliveryKind


async def _reach(house: House, state: JobState) -> int:
    """A job in this state, as a kill would find it; its number."""
    if state is S.SUBMITTING:
        house.pika.outcomes.append(Hang(asyncio.Event()))
        house.run()
        taken = await house.ask()
        await until(lambda: house.pika.taken)
        return taken.job.id
    if state is S.IN_DOUBT:
        house.pika.outcomes.append(NoAnswer("timeout", code="timeout"))
        house.pika.take("a stranger's")
        return (await house.sent()).id
    if state is S.RENDERING:
        return (await house.rendering()).id
    if state in {S.DELIVERING, S.DELIVERED}:
        job = await house.delivering()
        if state is S.DELIVERED:
            await house.deliver()
        return job.id
    taken = await house.ask()
    if state is S.FAILED:
        await house.settling.fail(taken.job, "moderated", "")
    elif state is S.CANCELLED:
        await house.members.cancel(GUILD, MEMBER, taken.job.id)
    return taken.job.id


async def _live(house: House) -> None:
    """Everything runs for ten minutes; Pika finishes what it has."""
    house.run()
    for _ in range(40):
        await house.poller.round()
        for pika_id in list(house.pika.listed):
            house.pika.end(pika_id)
            house.world.files.files[house.pika.video_url.format(pika_id)] = house.world.video
        await house.deliver()
        await a_while(4)
        house.clock.move(15)


@pytest.mark.parametrize("state", JobState)
async def test_a_job_in_any_state_comes_to_its_end_after_a_restart(
    open_house: OpenHouse, world: World, state: JobState
) -> None:
    """Once at Pika, once in Discord, charged exactly if there is a video; its card is true."""
    job_id = await _reach(await open_house(), state)

    house = await open_house()
    await _live(house)

    job = await house.job(job_id)
    good = state not in {S.FAILED, S.CANCELLED}
    assert job.state is (S.DELIVERED if good else state)
    assert await house.hold(job_id) == ("charged" if good else "released")
    ours = [r for r in house.pika.taken if r.reply_ref != "a stranger's"]
    assert len(ours) == (1 if good else 0)
    assert len(house.discord.of(job_id, K.RESULT)) == (1 if good else 0)
    assert len(house.discord.of(job_id, K.NOTICE)) == (1 if state is S.FAILED else 0)
    assert [message.shows for message in house.discord.of(job_id, K.CARD)] == ["final"]
    assert list((world.folder / "videos").iterdir()) == []
    assert house.slots.free == house.slots.most
    assert len(house.queue) == 0


@pytest.mark.parametrize("state", [S.QUEUED, S.SUBMITTING, S.IN_DOUBT, S.RENDERING])
async def test_many_restarts_are_as_good_as_one(open_house: OpenHouse, state: JobState) -> None:
    """A bot that is killed every few seconds does not buy a video each time."""
    job_id = await _reach(await open_house(), state)
    for _ in range(4):
        house = await open_house()
        house.run()
        await a_while(10)
        await house.poller.round()

    ours = [r for r in house.pika.taken if r.reply_ref != "a stranger's"]
    assert len(ours) <= 1
    assert await house.hold(job_id) == "held"


async def test_the_queue_is_filled_again_fairly(open_house: OpenHouse) -> None:
    """By the same rule, oldest first within it; reserved jobs of the dead may go."""
    house = await open_house()
    for user in (1, 1, 1, 2):
        await house.ask(requester(user))
    await house.ask(requester(3), answer=False)

    house = await open_house()

    assert list(house.queue.order()) == [1, 4, 5, 2, 3]
    house.run()
    await until(lambda: house.pika.submits == 2)


async def test_what_pika_has_and_what_may_be_there_takes_a_slot(open_house: OpenHouse) -> None:
    """A restart does not let more jobs to Pika than may be."""
    house = await open_house(slots=9)
    ids = {await _reach(house, S.RENDERING), await _reach(house, S.IN_DOUBT)}
    ids.add(await _reach(house, S.SUBMITTING))
    await _reach(house, S.DELIVERING)

    house = await open_house(slots=3)

    assert house.slots.taken == ids
    assert house.slots.free == 0


async def test_measured_durations_survive(open_house: OpenHouse) -> None:
    """The first estimate after a restart is not a shrug."""
    house = await open_house()
    job = await house.rendering()
    house.clock.move(90)
    house.finish(job)
    await house.poller.round()
    await house.deliver()

    house = await open_house()

    assert house.durations.typical == 90_000


async def test_a_card_whose_last_edit_was_lost_is_made_true(open_house: OpenHouse) -> None:
    """The job ended, and the process died before its card said so."""
    house = await open_house()
    taken = await house.ask()
    await house.members.cancel(GUILD, MEMBER, taken.job.id)
    (card,) = house.discord.of(taken.job.id, K.CARD)
    assert card.shows == "queued 1"

    house = await open_house()
    await house.deliver()

    (card,) = house.discord.of(taken.job.id, K.CARD)
    assert card.shows == "final"


async def test_a_crash_while_a_video_is_fetched_fetches_it_again(
    open_house: OpenHouse, world: World
) -> None:
    """Not charged before it is there, and charged once."""
    house = await open_house()
    job = await house.rendering()
    house.finish(job)
    url = house.pika.video_url.format(job.pika_id)
    world.files.hold(url)
    house.start(house.poller.round())
    await until(lambda: url in world.files.fetched)
    assert await house.hold(job.id) == "held"

    house = await open_house()
    world.files.held.clear()
    await house.poller.round()

    assert await house.state(job.id) is S.DELIVERING
    assert await house.hold(job.id) == "charged"


async def test_a_crash_during_a_rerender_of_cards_leaves_no_orphan(open_house: OpenHouse) -> None:
    """Killed in every round of a job's life, the card ends as the job does, and is one."""
    house = await open_house()
    job_id = (await house.rendering()).id
    for _ in range(3):
        house = await open_house()
        house.discord.outcomes.append(PostedSilent(asyncio.Event()))
        for report in list(house.pika.jobs.values()):
            if report.pika_id in house.pika.listed:
                house.finish(await house.job(job_id))
        await house.poller.round()
        await house.courier.round()
        await a_while(20)
        house.clock.move(400)

    house = await open_house()
    house.discord.outcomes.clear()
    for _ in range(4):
        await house.deliver()
        house.clock.move(EDIT_PAUSE_MS / 1000)

    assert await house.state(job_id) is S.DELIVERED
    assert len(house.discord.of(job_id, K.RESULT)) == 1
    assert [message.shows for message in house.discord.of(job_id, K.CARD)] == ["final"]


async def test_files_that_no_job_needs_are_swept_and_needed_ones_stay(
    open_house: OpenHouse, world: World, png: bytes
) -> None:
    """A kill leaves behind what was being fetched, encoded or about to be deleted."""
    url = "https://cdn.test/fox.png"
    world.files.files[url] = png
    house = await open_house()
    video = (await house.delivering()).video_path
    waiting = (await house.ask(what=recipe(image=picture(url)))).job
    image = (await house.job(waiting.id)).recipe.image
    assert image is not None
    kept: set[Path | None] = {video, image.path}
    for name in ("pictures/123-image.png", "pictures/x.part", "videos/77.mp4", "videos/1.mp4.part"):
        (world.folder / name).write_bytes(b"left over")

    await sweep(house.database, world.folder / "pictures", world.folder / "videos")

    left = {path for name in ("pictures", "videos") for path in (world.folder / name).iterdir()}
    assert left == kept
