"""Many messages due at once: few are begun at a time, the longest due first, and none is hidden."""

from __future__ import annotations

import asyncio

import pytest

from bot.media.fit import _places
from bot.model import DeliveryKind, Job, JobState, Quota
from bot.pika.errors import Refused
from bot.workflow.delivery.courier import MOST_ENCODED, MOST_POSTS
from bot.workflow.delivery.posting import POSTS_AT_ONCE, RETRY_MS
from bot.workflow.delivery.restoring import AT_ONCE, BUSY_PAUSE
from tests.conftest import OpenHouse
from tests.fakes import (
    CHANNEL,
    GUILD,
    House,
    PostedSilent,
    a_while,
    asker_of,
    recipe,
    requester,
    until,
)

S, K = JobState, DeliveryKind
MANY = 3 * MOST_POSTS


@pytest.fixture
async def crowded(open_house: OpenHouse) -> House:
    """A house in which many may ask for much, whose courier sleeps until it is woken."""
    house = await open_house(quota=Quota(1000, 24 * 3_600_000, 1000), slots=1000)
    house.courier._tick_seconds = 60.0
    return house


async def _failed(house: House, count: int) -> list[Job]:
    """Jobs that failed one after the other: as many notices are due."""
    jobs = [(await house.ask()).job for _ in range(count)]
    for job in jobs:
        house.clock.move(0.001)
        await house.settling.fail(job, "moderated", "")
    return jobs


async def _refused(house: House) -> Job:
    """A job that Pika does not take."""
    house.pika.outcomes.append(Refused("no"))
    return await house.sent()


def _noticed(house: House) -> list[int]:
    """The jobs whose notices exist, in the order in which they were posted."""
    return [m.job_id for m in house.discord.messages.values() if m.kind is K.NOTICE]


async def _finished(house: House, count: int) -> list[Job]:
    """Jobs whose videos are here."""
    jobs = [await house.rendering() for _ in range(count)]
    for job in jobs:
        house.finish(job)
    await house.poller.round()
    await until(lambda: sum(state is S.DELIVERING for _, state in house.told) == count)
    return jobs


async def test_a_backlog_is_worked_off_in_its_order_and_a_part_at_a_time(crowded: House) -> None:
    """After a long outage thousands may be due; they were all loaded and begun at every step."""
    jobs = await _failed(crowded, MANY)
    go = asyncio.Event()
    crowded.discord.outcomes.extend([PostedSilent(go)] * POSTS_AT_ONCE)
    crowded.start(crowded.courier.run())
    await until(lambda: len(_noticed(crowded)) == POSTS_AT_ONCE)
    await a_while()
    begun = [key for key in crowded.courier._under_way if key[1] == K.NOTICE]
    assert len(begun) == MOST_POSTS

    go.set()
    await until(lambda: len(_noticed(crowded)) == MANY)
    assert _noticed(crowded) == [job.id for job in jobs]


async def test_videos_that_wait_to_be_made_smaller_hide_no_other_message(crowded: House) -> None:
    """They have places of their own, and few of them: encoding takes minutes."""
    await _finished(crowded, MOST_POSTS + MOST_ENCODED)
    async with crowded.database.transaction() as tx:
        await tx.execute("UPDATE delivery SET fit = 9999 WHERE kind = 'result'")
    async with _places, _places:  # somebody else has the encoder
        crowded.start(crowded.courier.run())
        await until(lambda: len(crowded.courier._lines[1].begun) == MOST_ENCODED)

        crowded.clock.move(5)
        late = await _refused(crowded)
        await until(lambda: _noticed(crowded) == [late.id])
        assert len(crowded.courier._lines[1].begun) == MOST_ENCODED


async def test_videos_whose_cards_are_on_their_way_hide_no_other_message(crowded: House) -> None:
    """They stayed due, before everybody else, until it was known which messages are their cards."""
    for number in range(MOST_POSTS + 5):
        who = requester(key=number + 1)
        taken = await crowded.intake.take(number + 1, asker_of(who), recipe(f"fox {number}"))
        crowded.intake.unanswered(taken.job)
    crowded.run()
    await until(lambda: crowded.pika.submits == MOST_POSTS + 5)
    await crowded.rest()
    for name in list(crowded.pika.jobs):
        crowded.pika.end(name)
        crowded.world.files.files[crowded.pika.jobs[name].video_url or ""] = crowded.world.video
    await crowded.poller.round()
    await until(lambda: sum(state is S.DELIVERING for _, state in crowded.told) == MOST_POSTS + 5)
    crowded.clock.move(5)
    failed = await _refused(crowded)

    crowded.start(crowded.courier.run())
    await until(lambda: _noticed(crowded) == [failed.id])
    assert [m for m in crowded.discord.messages.values() if m.kind is K.RESULT] == []


async def test_messages_that_go_wrong_on_our_side_hide_no_other_message(crowded: House) -> None:
    """Each is tried again after the others had their turn."""
    broken = await _finished(crowded, MOST_POSTS)
    async with crowded.database.transaction() as tx:  # such a path is an error of its own kind
        await tx.execute("UPDATE job SET video_path = ? WHERE state = 'delivering'", ["no\0where"])
    crowded.clock.move(1)
    whole = await _refused(crowded)
    crowded.start(crowded.courier.run())
    await until(lambda: _noticed(crowded) == [whole.id])
    await crowded.courier.settle_down()

    async with crowded.database.transaction() as tx:
        videos = crowded.world.folder / "videos"
        for job in broken:
            path = str(videos / f"{job.id}.mp4")
            await tx.execute("UPDATE job SET video_path = ? WHERE id = ?", (path, job.id))
    crowded.clock.move(RETRY_MS / 1000)
    crowded.courier.reopened(GUILD, CHANNEL)
    await until(lambda: sum(state is S.DELIVERED for _, state in crowded.told) == len(broken))


async def test_videos_that_wait_to_be_fetched_again_hide_no_other_message(crowded: House) -> None:
    """A disk had lost them all: every place was taken by one that waited for its turn at Pika."""
    lost = await _finished(crowded, MOST_POSTS + 5)
    hold = crowded.world.files.hold("https://cdn.test/pika:1.mp4")
    for job in lost:
        crowded.world.files.held[crowded.pika.jobs[job.pika_id or ""].video_url or ""] = hold
        (crowded.world.folder / "videos" / f"{job.id}.mp4").unlink()
    fetched = len(crowded.world.files.fetched)
    crowded.clock.move(5)
    crowded.start(crowded.courier.run())
    await until(lambda: len(crowded.world.files.fetched) == fetched + AT_ONCE)
    failed = await _refused(crowded)
    await until(lambda: _noticed(crowded) == [failed.id])

    hold.set()
    while not all([await crowded.state(job.id) is S.DELIVERED for job in lost]):
        crowded.clock.move(BUSY_PAUSE)
        crowded.courier.reopened(GUILD, CHANNEL)
        await crowded.courier.settle_down()
