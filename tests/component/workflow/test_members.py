"""What members may ask about their own jobs, and what a cancel comes to at any moment."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiosqlite
import pytest

from bot.errors import JobNotFound, TooLate
from bot.model import DeliveryKind, Hold, Job, JobState, Quota
from bot.pika.errors import Busy
from bot.rules.trace import Rule
from bot.store import deliveries, jobs, ledger
from bot.workflow.members import Cancelled
from tests.conftest import OpenHouse
from tests.fakes import GUILD, MEMBER, START, Hang, House, asker_of, requester, until

S = JobState
DAY = 24 * 3_600_000


@asynccontextmanager
async def _meanwhile(
    house: House, job: Job
) -> AsyncIterator[tuple[aiosqlite.Connection, asyncio.Task[tuple[Job, Cancelled]]]]:
    """A cancel that has read the job, and then has to wait for somebody else's transaction."""
    async with house.database.transaction() as tx:
        task = asyncio.create_task(house.members.cancel(GUILD, MEMBER, job.id))
        await asyncio.sleep(0.02)
        yield tx, task


@pytest.mark.parametrize(
    ("guild_id", "user_id", "job_id"), [(GUILD, 1, 1), (1, MEMBER, 1), (GUILD, MEMBER, 2)]
)
async def test_a_job_that_is_not_ones_own_here_is_unknown(
    house: House, guild_id: int, user_id: int, job_id: int
) -> None:
    """Another member's, another server's, nobody's: the same words, so that nobody learns which."""
    await house.ask()

    with pytest.raises(JobNotFound, match=f"I know no job {job_id} of yours in this server"):
        await house.members.cancel(guild_id, user_id, job_id)

    assert await house.state(1) is S.QUEUED


async def test_one_sees_ones_own_unfinished_jobs_with_their_places(house: House) -> None:
    """Oldest first; in this server only."""
    for who in (requester(), requester(7), requester(), requester(guild_id=9)):
        await house.ask(who)

    mine = await house.members.unfinished(GUILD, MEMBER)

    assert [(job.id, outlook.place) for job, outlook in mine] == [(1, 1), (3, 4)]


async def test_the_account_says_what_the_rules_say(open_house: OpenHouse) -> None:
    """The same function that refuses, and the moment from which it will not."""
    house = await open_house(quota=Quota(2, DAY, 9))
    account = await house.members.account(asker_of(requester()))
    assert (account.trace.left, account.next_credit_at) == (2, None)

    await house.ask()
    account = await house.members.account(asker_of(requester()))
    assert (account.trace.left, account.next_credit_at) == (1, START + DAY)
    house.clock.move(60)
    await house.ask()

    account = await house.members.account(asker_of(requester()))
    assert account.trace.decided is not None
    assert account.trace.decided.rule is Rule.MEMBER_LIMIT
    assert (account.trace.left, account.next_credit_at) == (0, START + DAY)


async def test_a_cancelled_job_gives_its_credit_back_at_once(open_house: OpenHouse) -> None:
    """For the next request of the same member."""
    house = await open_house(quota=Quota(1, DAY, 1))
    taken = await house.ask()

    _, came_of_it = await house.members.cancel(GUILD, MEMBER, taken.job.id)
    again = await house.ask()

    assert came_of_it is Cancelled.RELEASED
    assert again.new


async def test_two_cancels_at_once_are_one(house: House) -> None:
    """Two quick presses: one cancels, the other learns it."""
    taken = await house.ask()

    results = await asyncio.gather(
        *(house.members.cancel(GUILD, MEMBER, taken.job.id) for _ in range(2)),
        return_exceptions=True,
    )

    assert sorted(type(result).__name__ for result in results) == ["TooLate", "tuple"]
    assert await house.hold(taken.job.id) == "released"
    assert await house.history(taken.job.id) == ["queued", "cancelled"]


async def test_a_second_press_on_a_running_job_changes_nothing(house: House) -> None:
    """The first wish counts."""
    job = await house.rendering()
    await house.members.cancel(GUILD, MEMBER, job.id)
    house.clock.move(5)

    again, came_of_it = await house.members.cancel(GUILD, MEMBER, job.id)

    assert (again.cancel_asked_at, came_of_it) == (START, Cancelled.ASKED)


@pytest.mark.parametrize("over", [S.DELIVERING, S.DELIVERED, S.FAILED, S.CANCELLED])
async def test_what_is_past_cancelling_says_so(house: House, over: JobState) -> None:
    """And stays as it is."""
    if over in {S.DELIVERING, S.DELIVERED}:
        job = await house.delivering()
        if over is S.DELIVERED:
            await house.deliver()
    else:
        job = (await house.ask()).job
        if over is S.FAILED:
            await house.settling.fail(job, "refused", "")
        else:
            await house.members.cancel(GUILD, MEMBER, job.id)
    before = await house.job(job.id)
    assert before.state is over

    with pytest.raises(TooLate, match=f"Job {job.id} "):
        await house.members.cancel(GUILD, MEMBER, job.id)

    assert await house.job(job.id) == before


async def test_a_cancel_that_meets_the_arriving_video_is_too_late(house: House) -> None:
    """Read as rendering, it was delivering when the wish came to be written: the member is not
    told that the video is thrown away while it is being posted.
    """
    job = await house.rendering()
    async with _meanwhile(house, job) as (tx, task):
        done = await jobs.move(tx, job.id, S.RENDERING, S.DELIVERING, at=START)
        await ledger.settle(tx, job.id, Hold.CHARGED, START)
        await deliveries.add(tx, done, DeliveryKind.RESULT, at=START)

    with pytest.raises(TooLate):
        await task
    assert (await house.job(job.id)).cancel_asked_at is None


async def test_a_cancel_that_meets_the_end_is_too_late(house: House) -> None:
    """Not "I have asked Pika to stop" about a job that has failed."""
    job = await house.rendering()
    async with _meanwhile(house, job) as (tx, task):
        await jobs.move(tx, job.id, S.RENDERING, S.FAILED, at=START, code="failed")
        await ledger.settle(tx, job.id, Hold.RELEASED, START)

    with pytest.raises(TooLate):
        await task


async def test_a_cancel_that_meets_a_busy_pika_cancels_in_the_queue(house: House) -> None:
    """Read as submitting, it was back in the queue when the wish came to be written: it is
    cancelled there, and never sent.
    """
    go = asyncio.Event()
    house.pika.outcomes.append(Hang(go))
    house.run()
    job = (await house.ask()).job
    await until(lambda: house.pika.taken)
    async with _meanwhile(house, job) as (tx, task):
        await jobs.move(tx, job.id, S.SUBMITTING, S.QUEUED, at=START)

    cancelled, came_of_it = await task

    assert (cancelled.state, came_of_it) == (S.CANCELLED, Cancelled.RELEASED)
    assert await house.hold(job.id) == "released"


async def test_a_cancel_that_meets_its_submit_asks_pika_to_stop(house: House) -> None:
    """Read as queued, it was being sent when the cancel came to be written."""
    job = (await house.ask()).job
    async with _meanwhile(house, job) as (tx, task):
        await jobs.move(tx, job.id, S.QUEUED, S.SUBMITTING, at=START, attempt=1, reply_ref="r")

    asked, came_of_it = await task

    assert (asked.state, came_of_it) == (S.SUBMITTING, Cancelled.ASKED)
    assert asked.cancel_asked_at == START
    assert await house.hold(job.id) == "held"


async def test_a_cancel_asked_while_pika_was_busy_is_granted(house: House) -> None:
    """The wish came during the POST, the answer was 429."""
    house.pika.outcomes.append(Busy("later", retry_after=25))
    job = await house.sent()

    cancelled, came_of_it = await house.members.cancel(GUILD, MEMBER, job.id)

    assert (cancelled.state, came_of_it) == (S.CANCELLED, Cancelled.RELEASED)
