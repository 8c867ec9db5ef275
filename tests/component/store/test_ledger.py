"""Credits: used is a sum, each reservation settles once, and a refusal knows when it ends."""

from __future__ import annotations

import sqlite3
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.errors import StaleState
from bot.model import Hold, JobState, Quota, Usage
from bot.store import jobs, ledger
from bot.store.database import Database
from tests.fakes import GUILD, MEMBER, START, a_job, requester

HOUR = 3_600_000
QUOTA = Quota(credits=3, window_ms=HOUR, concurrent=2)
WHO = (GUILD, MEMBER)


async def _hold(database: Database, job_id: int, at: int = START, who: ledger.Member = WHO) -> None:
    job = a_job(job_id, requester=requester(who[1], who[0], key=job_id), created_at=at)

    def work(tx: sqlite3.Connection) -> None:
        jobs.insert(tx, [job])
        ledger.hold(tx, [job])

    await database.write(work)


async def _settle(database: Database, job_id: int, to: Hold) -> None:
    async with database.transaction() as tx:
        await ledger.settle(tx, job_id, to, START + 1)


async def _usage(database: Database, now: int, who: ledger.Member = WHO) -> Usage:
    return (await ledger.standing(database, who, QUOTA, now)).usage


async def test_who_has_asked_for_nothing_has_used_nothing(database: Database) -> None:
    """And has the default quota."""
    assert await ledger.standing(database, WHO, QUOTA, START) == ledger.Standing(QUOTA, Usage(0, 0))


@pytest.mark.parametrize(("to", "used"), [(None, 1), (Hold.CHARGED, 1), (Hold.RELEASED, 0)])
async def test_held_and_charged_credits_are_used_and_released_ones_are_not(
    database: Database, to: Hold | None, used: int
) -> None:
    """Held ones count, or forty at once would pass any limit."""
    await _hold(database, 1)
    if to is not None:
        await _settle(database, 1, to)

    assert (await _usage(database, START)).used == used


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


async def _late(database: Database, job_id: int, now: int, quota: Quota = QUOTA) -> Hold:
    """The video of a job that was given up comes at ``now``."""
    async with database.transaction() as tx:
        job = await jobs.get_in(tx, job_id)
        if job.state is JobState.QUEUED:
            await jobs.move(tx, job_id, job.state, JobState.FAILED, at=now, code="unknown")
            await jobs.move(
                tx, job_id, JobState.FAILED, JobState.DELIVERING, at=now, code="late", pika_id="p"
            )
        return await ledger.charge_late(tx, job, quota, now)


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


async def test_a_late_video_is_free_where_the_credit_was_used_meanwhile(
    database: Database,
) -> None:
    """Used never exceeds the limit."""
    for job_id in (1, 2, 3, 4):
        await _hold(database, job_id, START + job_id)
        if job_id == 1:
            await _settle(database, 1, Hold.RELEASED)

    assert await _late(database, 1, START + 10) is Hold.RELEASED
    assert (await _usage(database, START + 10)).used == QUOTA.credits


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
            await ledger.charge_late(tx, await jobs.get_in(tx, 1), QUOTA, START)


@settings(max_examples=40)
@given(
    steps=st.lists(
        st.tuples(st.sampled_from(["take", "release", "late"]), st.integers(0, 40)), max_size=25
    )
)
async def test_in_no_window_that_ever_was_more_is_used_than_allowed(
    database: Database, steps: list[tuple[str, int]]
) -> None:
    """Whatever is taken, given back and charged late: not now, and not looking back either."""
    quota, now = Quota(2, 60, 99), START
    await database.write(lambda tx: tx.execute("DELETE FROM job"))
    taken: list[int] = []
    for number, (what, pause) in enumerate(steps, start=1):
        now += pause
        if what == "take":
            if (await ledger.standing(database, WHO, quota, now)).usage.used < quota.credits:
                await _hold(database, number, now)
                taken.append(number)
        elif taken and what == "release":
            with suppress(StaleState):
                await _settle(database, taken[pause % len(taken)], Hold.RELEASED)
        elif taken:
            await _fate(database, taken[pause % len(taken)], now, quota)

    rows = await database.fetch("SELECT held_at FROM reservation WHERE state <> 'released'", {})
    ends = [row["held_at"] for row in rows]
    for end in ends:
        assert sum(end - quota.window_ms < at <= end for at in ends) <= quota.credits


async def _fate(database: Database, job_id: int, now: int, quota: Quota) -> None:
    """A late video, for a job that was given up and for no other."""
    rows = await database.fetch("SELECT state FROM reservation WHERE job_id = :id", {"id": job_id})
    if rows[0]["state"] == "released":
        await database.write(lambda tx: tx.execute("UPDATE job SET pika_id = NULL"))
        await _late(database, job_id, now, quota)


async def test_a_credit_frees_exactly_when_the_window_has_passed(database: Database) -> None:
    """Not a millisecond earlier, nor later."""
    await _hold(database, 1, at=START)

    assert (await _usage(database, START + HOUR - 1)).used == 1
    assert (await _usage(database, START + HOUR)).used == 0


async def test_members_and_servers_do_not_share(database: Database) -> None:
    """The same person in another server has a quota of that server."""
    await _hold(database, 1, who=(1, 1))
    await _hold(database, 2, who=(1, 2))
    await _hold(database, 3, who=(2, 1))

    found = await database.write(
        lambda tx: ledger.standings(tx, [(1, 1), (1, 1), (2, 2)], QUOTA, START)
    )

    assert {who: standing.usage for who, standing in found.items()} == {
        (1, 1): Usage(1, 1),
        (2, 2): Usage(0, 0),
    }


async def test_a_servers_own_quota_replaces_what_it_names(database: Database) -> None:
    """The rest stays the default."""
    await database.write(lambda tx: tx.execute("INSERT INTO guild_policy VALUES (100, 9, NULL, 7)"))

    standing = await ledger.standing(database, WHO, QUOTA, START)

    assert standing.quota == Quota(credits=9, window_ms=HOUR, concurrent=7)


async def _frees(database: Database, now: int, quota: Quota = QUOTA) -> int | None:
    standing = await ledger.standing(database, WHO, quota, now)
    frees = await ledger.frees_at_now(database, WHO, standing, now)
    assert frees == await database.write(lambda tx: ledger.frees_at(tx, WHO, standing, now))
    return frees


async def test_the_next_credit_frees_with_the_oldest(database: Database) -> None:
    """Not with the newest, and not with a released one."""
    for job_id, at in ((1, START), (2, START + 10), (3, START + 20), (4, START + 30)):
        await _hold(database, job_id, at)
    await _settle(database, 1, Hold.RELEASED)

    assert await _frees(database, START + 40) == START + 10 + HOUR


async def test_after_a_lowered_limit_more_must_free_first(database: Database) -> None:
    """Three used of one: two more must go before there is room again."""
    for job_id, at in ((1, START), (2, START + 10), (3, START + 20)):
        await _hold(database, job_id, at)

    assert await _frees(database, START + 30, Quota(1, HOUR, 9)) == START + 20 + HOUR


async def test_no_waiting_helps_where_nothing_is_allowed(database: Database) -> None:
    """A quota of zero, or nothing used: there is no moment to name."""
    assert await _frees(database, START) is None
    await _hold(database, 1)
    assert await _frees(database, START, Quota(0, HOUR, 9)) is None


@settings(max_examples=30)
@given(
    held=st.lists(st.integers(0, 100), max_size=8),
    limit=st.integers(1, 5),
    now=st.integers(0, 160),
)
async def test_one_more_is_allowed_from_the_named_moment_on_and_not_before(
    database: Database, held: list[int], limit: int, now: int
) -> None:
    """For any history: at ``frees_at`` one more fits, a millisecond earlier it does not."""
    await database.write(lambda tx: tx.execute("DELETE FROM job"))
    for job_id, at in enumerate(held, start=1):
        await _hold(database, job_id, START + at)
    quota = Quota(limit, 50, 99)
    if (await ledger.standing(database, WHO, quota, START + now)).usage.used < limit:
        return

    frees = await _frees(database, START + now, quota)

    assert frees is not None
    # Credits held in the future of "now" cannot be in the way: time only goes forward.
    assert frees > START + now
    assert (await ledger.standing(database, WHO, quota, frees)).usage.used < limit
    assert (await ledger.standing(database, WHO, quota, frees - 1)).usage.used >= limit
