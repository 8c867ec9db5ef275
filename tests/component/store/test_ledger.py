"""Credits: each reservation settles once, and a late video may take a released one again."""

from __future__ import annotations

import sqlite3

import pytest

from bot.errors import StaleState
from bot.model import Hold, JobState
from bot.store import jobs, ledger
from bot.store.database import Database
from tests.fakes import CHANNEL, GUILD, MEMBER, START, a_job, requester


async def _hold(
    database: Database, job_id: int, *, price: int = 1, parent_id: int | None = None
) -> None:
    who = requester(key=job_id, parent_id=parent_id)
    job = a_job(job_id, requester=who, credits=price)

    def work(tx: sqlite3.Connection) -> None:
        jobs.insert(tx, [job])
        ledger.hold(tx, [job])

    await database.write(work)


async def _settle(database: Database, job_id: int, to: Hold) -> None:
    async with database.transaction() as tx:
        await ledger.settle(tx, job_id, to, START + 1)


@pytest.mark.parametrize(("parent_id", "counted"), [(None, CHANNEL), (77, 77)])
async def test_what_is_set_aside_is_the_price_and_counts_for_the_channel(
    database: Database, parent_id: int | None, counted: int
) -> None:
    """Of a thread the channel above it. The job that is read again knows its price."""
    await _hold(database, 1, price=4, parent_id=parent_id)

    rows = await database.fetch("SELECT * FROM reservation", {})
    job = await jobs.get(database, 1)

    assert [tuple(row) for row in rows] == [(1, GUILD, MEMBER, 4, "held", START, None, counted)]
    assert job is not None
    assert (job.credits, job.hold) == (4, Hold.HELD)


@pytest.mark.parametrize("first", [Hold.CHARGED, Hold.RELEASED])
@pytest.mark.parametrize("second", [Hold.CHARGED, Hold.RELEASED])
async def test_a_reservation_settles_once(database: Database, first: Hold, second: Hold) -> None:
    """By our statement, and by the database for any other."""
    await _hold(database, 1)
    await _settle(database, 1, first)

    with pytest.raises(StaleState):
        await _settle(database, 1, second)
    with pytest.raises(sqlite3.IntegrityError, match="a reservation settles once"):
        await database.write(
            lambda tx: tx.execute("UPDATE reservation SET state = ?", (str(second),))
        )

    rows = await database.fetch("SELECT state FROM reservation", {})
    assert [row["state"] for row in rows] == [first]


async def test_what_holds_nothing_cannot_be_settled(database: Database) -> None:
    """Silence here would be a lost or invented credit."""
    with pytest.raises(StaleState):
        await _settle(database, 77, Hold.CHARGED)


async def _late(database: Database, job_id: int, now: int, left: int = 9) -> Hold:
    """The video of a job that was given up comes at ``now``, when so much is left."""
    async with database.transaction() as tx:
        job = await jobs.get_in(tx, job_id)
        if job.state is JobState.QUEUED:
            await jobs.move(tx, job_id, job.state, JobState.FAILED, at=now, code="unknown")
            await jobs.move(
                tx, job_id, JobState.FAILED, JobState.DELIVERING, at=now, code="late", pika_id="p"
            )
        return await ledger.charge_late(tx, job_id, left, now)


async def test_a_released_credit_is_charged_for_a_late_video_once(database: Database) -> None:
    """Dated from then on; a second time there is nothing to charge."""
    await _hold(database, 1)
    await _settle(database, 1, Hold.RELEASED)

    assert await _late(database, 1, START + 10) is Hold.CHARGED
    assert await _late(database, 1, START + 20) is Hold.RELEASED

    rows = await database.fetch("SELECT * FROM reservation", {})
    assert [(row["state"], row["held_at"], row["settled_at"]) for row in rows] == [
        ("charged", START + 10, START + 10)
    ]


async def test_a_late_video_is_free_where_less_is_left_than_it_costs(database: Database) -> None:
    """It stays released, and counts nowhere."""
    await _hold(database, 1, price=3)
    await _settle(database, 1, Hold.RELEASED)

    assert await _late(database, 1, START + 10, left=2) is Hold.RELEASED
    assert await _late(database, 1, START + 20, left=3) is Hold.CHARGED


@pytest.mark.parametrize(
    ("state", "code"), [("failed", "unknown"), ("delivering", None), ("delivered", "late")]
)
async def test_nothing_but_a_late_video_charges_what_was_released(
    database: Database, state: str, code: str | None
) -> None:
    """The database itself refuses it."""
    await _hold(database, 1)
    await _settle(database, 1, Hold.RELEASED)
    over = None if state == "delivering" else START
    values = (state, code, over)
    await database.write(
        lambda tx: tx.execute(
            "UPDATE job SET state = ?, code = ?, finished_at = ?, pika_id = 'p'", values
        )
    )

    with pytest.raises(sqlite3.IntegrityError, match="a reservation settles once"):
        async with database.transaction() as tx:
            await ledger.charge_late(tx, 1, 9, START)


@pytest.mark.parametrize(
    ("state", "code", "after"),
    [
        (JobState.FAILED, "lost", "released"),
        (JobState.FAILED, "undeliverable", None),
        (JobState.DELIVERED, None, None),
    ],
)
async def test_a_charged_credit_is_given_back_for_a_lost_video_alone(
    database: Database, state: JobState, code: str | None, after: str | None
) -> None:
    """Where we have lost it, there is no video to pay for. Nobody else gets anything back."""
    await _hold(database, 1)
    await _settle(database, 1, Hold.CHARGED)
    async with database.transaction() as tx:
        await jobs.move(
            tx, 1, JobState.QUEUED, JobState.SUBMITTING, at=START, attempt=1, reply_ref="r"
        )
        await jobs.move(tx, 1, JobState.SUBMITTING, JobState.RENDERING, at=START, pika_id="p")
        await jobs.move(tx, 1, JobState.RENDERING, JobState.DELIVERING, at=START)
        await jobs.move(tx, 1, JobState.DELIVERING, state, at=START, code=code)

    async def give_back() -> None:
        async with database.transaction() as tx:
            await ledger.give_back(tx, 1, START + 5)

    if after is None:
        with pytest.raises(sqlite3.IntegrityError, match="a reservation settles once"):
            await give_back()
    else:
        await give_back()
        await give_back()  # what is released stays so
        rows = await database.fetch("SELECT state, settled_at FROM reservation", {})
        assert [tuple(row) for row in rows] == [(after, START + 5)]
