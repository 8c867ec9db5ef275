"""Places that Discord has closed are asked once, not by every job that waits for them."""

from __future__ import annotations

import pytest

from bot.errors import Denied
from bot.model import DeliveryKind, DeliveryState, Job, JobState, Place
from bot.workflow.delivery.brake import STOP_AT, WINDOW_MS
from bot.workflow.delivery.closed import CLOSED_MS
from bot.workflow.delivery.posting import POSTS_AT_ONCE
from tests.fakes import CHANNEL, GUILD, MEMBER, THREAD, House, requester

S, K = JobState, DeliveryKind
MINUTES = CLOSED_MS / 1000


@pytest.fixture
async def waiting(house: House) -> list[Job]:
    """Sixty jobs of sixty members, all asked for in one thread, none of them to be had."""
    jobs = []
    for user in range(1, 61):
        taken = await house.ask(requester(user, channel_id=THREAD, parent_id=CHANNEL))
        jobs.append(taken.job)
    return jobs


async def _fail(house: House, *jobs: Job) -> None:
    for job in jobs:
        await house.settling.fail(job, "moderated", "")


def _asked(house: House, channel_id: int) -> int:
    return [where for where, _ in house.discord.tried].count(channel_id)


@pytest.mark.parametrize("code", [10003, 50001, 50013, 160005])
async def test_sixty_jobs_do_not_ask_one_locked_thread_sixty_times(
    house: House, waiting: list[Job], code: int
) -> None:
    """At most as many as are under way at once; the others go to the next place by themselves."""
    house.discord.closed = {THREAD: code}
    await _fail(house, *waiting)
    for _ in range(3):
        await house.deliver()

    assert 1 <= _asked(house, THREAD) <= POSTS_AT_ONCE
    for job in waiting:
        (notice,) = house.discord.of(job.id, K.NOTICE)
        assert notice.channel_id == CHANNEL


async def test_a_closed_place_is_asked_again_after_some_minutes(
    house: House, waiting: list[Job]
) -> None:
    """A change that nobody told us of: the next one is where it was asked for."""
    house.discord.closed = {THREAD: 50013}
    await _fail(house, waiting[0])
    await house.deliver()
    await house.deliver()
    house.discord.closed.clear()

    await _fail(house, waiting[1])
    await house.deliver()
    await house.deliver()
    house.clock.move(MINUTES)
    await _fail(house, waiting[2])
    await house.deliver()

    places = [house.discord.of(job.id, K.NOTICE)[0].channel_id for job in waiting[:3]]
    assert places == [CHANNEL, CHANNEL, THREAD]


@pytest.mark.parametrize("how", ["thread", "server"])
async def test_a_place_that_opens_is_used_at_once(
    house: House, waiting: list[Job], how: str
) -> None:
    """Discord tells of the thread that was unlocked, or of the role that may write again."""
    house.discord.closed = {THREAD: 160005}
    await _fail(house, waiting[0])
    await house.deliver()
    await house.deliver()
    house.discord.closed.clear()

    house.closed.reopen(GUILD + 1)
    house.closed.reopen(GUILD, CHANNEL)
    await _fail(house, waiting[1])
    await house.deliver()
    await house.deliver()
    house.closed.reopen(GUILD, THREAD if how == "thread" else None)
    await _fail(house, waiting[2])
    await house.deliver()

    places = [house.discord.of(job.id, K.NOTICE)[0].channel_id for job in waiting[:3]]
    assert places == [CHANNEL, CHANNEL, THREAD]


async def test_where_no_file_may_be_posted_words_may(house: House) -> None:
    """Missing permissions (50013) are those for what was asked: without Attach Files, notices
    still come where they belong.
    """
    job = await house.delivering()
    other = await house.rendering()
    house.discord.outcomes.append(Denied(50013))
    await house.deliver()
    await _fail(house, other)
    await house.deliver()

    assert house.discord.of(job.id, K.RESULT)[0].channel_id == MEMBER * 1000
    assert house.discord.of(other.id, K.NOTICE)[0].channel_id == CHANNEL


async def test_a_refusal_of_one_message_closes_no_place(house: House) -> None:
    """AutoMod (200000) disliked one prompt; the next result comes where it belongs."""
    first, second = await house.delivering(), await house.delivering()
    house.discord.outcomes.append(Denied(200000))
    await house.deliver()
    await house.deliver()

    places = {house.discord.of(job.id, K.RESULT)[0].channel_id for job in (first, second)}
    assert places == {MEMBER * 1000, CHANNEL}


async def test_a_member_whose_messages_are_closed_is_asked_once(house: House) -> None:
    """However many of their jobs end where nothing can be posted."""
    house.discord.closed = {CHANNEL: 50001, MEMBER * 1000: 50007}
    jobs = [(await house.ask()).job for _ in range(5)]
    await _fail(house, jobs[0])
    for _ in range(3):
        await house.deliver()
    await _fail(house, *jobs[1:])
    for _ in range(3):
        await house.deliver()

    assert _asked(house, CHANNEL) == _asked(house, MEMBER * 1000) == 1
    for job in jobs:
        assert (await house.messages(job.id))[K.NOTICE].state is DeliveryState.UNDELIVERABLE


async def test_cards_in_a_channel_that_cannot_be_seen_are_not_tried_one_by_one(
    house: House, waiting: list[Job]
) -> None:
    """The bot lost the thread: sixty cards that move on ask for it once or twice."""
    house.discord.uneditable = {THREAD: 50001}
    for job in waiting:
        await house.members.cancel(GUILD, job.requester.user_id, job.id)
    for _ in range(4):
        await house.deliver()
        house.clock.move(5)

    assert 1 <= house.discord.edits_asked <= 2


async def test_what_somebody_removed_is_not_posted_elsewhere(house: House) -> None:
    """A repeated post is answered with "unknown message" (10008): the first one had arrived,
    and a moderator deleted it. It does not come back through another door.
    """
    job = await house.delivering()
    house.discord.outcomes.append(Denied(10008))
    for _ in range(3):
        await house.deliver()

    assert house.discord.of(job.id, K.RESULT) == []
    assert (await house.job(job.id)).code == "undeliverable"
    assert (await house.messages(job.id))[K.RESULT].place is Place.HERE


async def test_near_the_ban_messages_wait_and_none_is_lost(
    house: House, waiting: list[Job]
) -> None:
    """Five thousand refusals in ten minutes: nothing is sent to Discord until they are over,
    then everything is.
    """
    for _ in range(STOP_AT):
        house.brake.heard(403)
    await _fail(house, *waiting)
    result = await house.delivering()
    for _ in range(int(WINDOW_MS / 60_000)):
        await house.deliver()
        assert house.discord.tried == []
        assert house.discord.edits_asked == 0
        house.clock.move(60)
    for _ in range(3):
        await house.deliver()
        house.clock.move(60)

    assert await house.state(result.id) is S.DELIVERED
    for job in waiting:
        assert len(house.discord.of(job.id, K.NOTICE)) == 1
