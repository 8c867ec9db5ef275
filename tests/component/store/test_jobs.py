"""move(): the arrows there are and no other, and a history that no path can forget."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import aiosqlite
import pytest

from bot.errors import StaleState
from bot.model import FINAL, NEXT, Font, Hold, Job, JobState, Picture, Recipe, Verb
from bot.store import jobs, ledger
from bot.store.database import Database
from tests.fakes import START, a_job, requester

S = JobState

# The shortest way to each state, as (state, columns written with it).
REF: dict[str, Any] = {"attempt": 1, "reply_ref": "ref"}
WAYS: dict[JobState, list[tuple[JobState, dict[str, Any]]]] = {
    S.QUEUED: [],
    S.SUBMITTING: [(S.SUBMITTING, REF)],
    S.IN_DOUBT: [(S.SUBMITTING, REF), (S.IN_DOUBT, {"code": "timeout"})],
    S.RENDERING: [(S.SUBMITTING, REF), (S.RENDERING, {"pika_id": "p"})],
    S.REVIEWING: [
        (S.SUBMITTING, REF),
        (S.RENDERING, {"pika_id": "p"}),
        (S.REVIEWING, {"video_path": Path("v.mp4")}),
    ],
    S.DELIVERING: [
        (S.SUBMITTING, REF),
        (S.RENDERING, {"pika_id": "p"}),
        (S.DELIVERING, {"video_path": Path("v.mp4")}),
    ],
    S.DELIVERED: [
        (S.SUBMITTING, REF),
        (S.RENDERING, {"pika_id": "p"}),
        (S.DELIVERING, {}),
        (S.DELIVERED, {}),
    ],
    S.FAILED: [(S.FAILED, {"code": "stalled"})],
    S.CANCELLED: [(S.CANCELLED, {})],
}
NEEDS: dict[JobState, dict[str, Any]] = {
    S.SUBMITTING: {"attempt": 2, "reply_ref": "ref2"},
    S.RENDERING: {"pika_id": "p"},
    S.REVIEWING: {"pika_id": "p"},
    S.DELIVERING: {"pika_id": "p"},
    S.FAILED: {"code": "failed"},
}


async def _insert(database: Database, job: Job | None = None) -> Job:
    job = job or a_job()

    def work(tx: sqlite3.Connection) -> None:
        jobs.insert(tx, [job])
        ledger.hold(tx, [job])

    await database.write(work)
    return job


async def _at(database: Database, state: JobState) -> Job:
    job = await _insert(database)
    frm = S.QUEUED
    for to, columns in WAYS[state]:
        async with database.transaction() as tx:
            job = await jobs.move(tx, job.id, frm, to, at=START + 1, **columns)
        frm = to
    return job


async def _given_up(database: Database, number: int, **values: Any) -> Job:
    await _insert(database, a_job(number, requester=requester(key=number)))
    code = values.pop("code", "unknown")
    async with database.transaction() as tx:
        for column, value in values.items():
            await tx.execute_fetchall(f"UPDATE job SET {column} = ? WHERE id = ?", (value, number))
        return await jobs.move(tx, number, S.QUEUED, S.FAILED, at=START + number, code=code)


async def test_what_was_given_up_lately_is_found_and_nothing_else(database: Database) -> None:
    """By the same rule as ``may_come_late``, from the database."""
    await _given_up(database, 1)
    welcome = [await _given_up(database, 2), await _given_up(database, 3, code="stalled")]
    await _given_up(database, 4, code="moderated")
    await _given_up(database, 5, cancel_asked_at=START)
    await _insert(database, a_job(6, requester=requester(key=6)))

    assert await jobs.given_up(database, START + 1) == welcome


async def test_a_name_is_learnt_once_and_only_by_a_job_that_failed(database: Database) -> None:
    """Nothing that Pika or a callback says later changes it."""
    await _given_up(database, 1)
    await _insert(database, a_job(2, requester=requester(key=2)))
    async with database.transaction() as tx:
        for job_id, name in ((1, "p1"), (1, "another"), (2, "p2")):
            await jobs.learn_pika_id(tx, job_id, name)

    assert [(await _now(database, n)).pika_id for n in (1, 2)] == ["p1", None]
    with pytest.raises(sqlite3.IntegrityError, match="pika_id"):
        async with database.transaction() as tx:
            await _fail_another(tx)


async def _fail_another(tx: aiosqlite.Connection) -> None:
    await jobs.move(tx, 2, S.QUEUED, S.FAILED, at=START + 3, code="unknown")
    await jobs.learn_pika_id(tx, 2, "p1")


async def _now(database: Database, job_id: int) -> Job:
    job = await jobs.get(database, job_id)
    assert job is not None
    return job


def test_the_ways_lead_everywhere() -> None:
    """A new state needs a way here."""
    assert set(WAYS) == set(JobState)


@pytest.mark.parametrize(("frm", "to"), list(product(JobState, JobState)))
async def test_every_arrow_of_the_table_can_be_taken_and_no_other(
    database: Database, frm: JobState, to: JobState
) -> None:
    """All pairs; what is not an arrow is refused before anything is written."""
    job = await _at(database, frm)
    history = await jobs.history(database, job.id)

    if to in NEXT[frm]:
        async with database.transaction() as tx:
            moved = await jobs.move(tx, job.id, frm, to, at=START + 2, **NEEDS.get(to, {}))
        assert moved.state is to
        assert moved == await jobs.get(database, job.id)
        assert await jobs.history(database, job.id) == [*history, to]
        assert moved.finished_at == (START + 2 if to in FINAL else None)
    else:
        with pytest.raises(ValueError, match="no arrow"):
            async with database.transaction() as tx:
                await jobs.move(tx, job.id, frm, to, at=START + 2, **NEEDS.get(to, {}))
        assert await jobs.get(database, job.id) == job
        assert await jobs.history(database, job.id) == history


@pytest.mark.parametrize(
    ("actual", "thought"), [pair for pair in product(JobState, JobState) if pair[0] != pair[1]]
)
async def test_who_thinks_the_job_is_elsewhere_changes_nothing(
    database: Database, actual: JobState, thought: JobState
) -> None:
    """The first one was right: the late one's whole transaction is undone."""
    job = await _at(database, actual)
    history = await jobs.history(database, job.id)

    async def late(to: JobState) -> None:
        async with database.transaction() as tx:
            await ledger.settle(tx, job.id, Hold.RELEASED, START)
            await jobs.move(tx, job.id, thought, to, at=START + 9, **NEEDS.get(to, {}))

    for to in NEXT[thought]:
        with pytest.raises(StaleState):
            await late(to)

    assert await jobs.get(database, job.id) == job
    assert await jobs.history(database, job.id) == history
    rows = await database.fetch("SELECT state FROM reservation", {})
    assert [row["state"] for row in rows] == ["held"]


async def test_a_job_that_does_not_exist_cannot_be_moved(database: Database) -> None:
    """Nor is it made."""
    with pytest.raises(StaleState):
        async with database.transaction() as tx:
            await jobs.move(tx, 77, S.QUEUED, S.CANCELLED, at=START)


@pytest.mark.parametrize("column", ["user_id", "state", "id", "finished_at", "prompt", "x = 1; --"])
async def test_a_move_writes_only_the_columns_of_a_move(database: Database, column: str) -> None:
    """Column names become SQL, so they are taken from a list."""
    job = await _insert(database)

    with pytest.raises(ValueError, match="not a column"):
        async with database.transaction() as tx:
            await jobs.move(tx, job.id, S.QUEUED, S.CANCELLED, at=START, **{column: 1})

    assert await jobs.get(database, job.id) == job


async def test_the_history_knows_states_attempts_codes_and_times(database: Database) -> None:
    """Written by triggers, from the first state on."""
    job = await _at(database, S.IN_DOUBT)
    rows = await database.fetch(
        "SELECT state, attempt, code, at FROM job_event WHERE job_id = :id ORDER BY id",
        {"id": job.id},
    )

    assert [tuple(row) for row in rows] == [
        ("queued", 0, None, START),
        ("submitting", 1, None, START + 1),
        ("in_doubt", 1, "timeout", START + 1),
    ]


async def test_what_is_no_move_leaves_no_history(database: Database) -> None:
    """Progress and wishes are not events."""
    job = await _at(database, S.RENDERING)
    before = await jobs.history(database, job.id)

    async with database.transaction() as tx:
        await jobs.show_progress(tx, job.id, at=START + 5, percent=40)
        await jobs.ask_cancel(tx, job.id, START + 6)

    assert await jobs.history(database, job.id) == before
    seen = await jobs.get(database, job.id)
    assert seen is not None
    assert (seen.progressed_at, seen.percent, seen.cancel_asked_at) == (START + 5, 40, START + 6)


async def test_progress_without_a_number_keeps_the_number(database: Database) -> None:
    """Pika showed life, and did not say how far it is."""
    job = await _at(database, S.RENDERING)
    async with database.transaction() as tx:
        await jobs.show_progress(tx, job.id, at=START + 5, percent=40)
        await jobs.show_progress(tx, job.id, at=START + 6, percent=None)
        seen = await jobs.get_in(tx, job.id)

    assert (seen.progressed_at, seen.percent) == (START + 6, 40)


@pytest.mark.parametrize("state", [state for state in JobState if state is not S.RENDERING])
async def test_progress_of_a_job_that_is_elsewhere_is_no_progress(
    database: Database, state: JobState
) -> None:
    """A late answer of Pika does not touch a job that is over."""
    job = await _at(database, state)
    async with database.transaction() as tx:
        await jobs.show_progress(tx, job.id, at=START + 5, percent=40)

    assert await jobs.get(database, job.id) == job


async def test_the_first_wish_to_cancel_counts_and_none_after_the_end(database: Database) -> None:
    """A second press changes nothing."""
    job = await _at(database, S.RENDERING)
    async with database.transaction() as tx:
        await jobs.ask_cancel(tx, job.id, START + 6)
        await jobs.ask_cancel(tx, job.id, START + 7)
        assert (await jobs.get_in(tx, job.id)).cancel_asked_at == START + 6
        await jobs.move(tx, job.id, S.RENDERING, S.CANCELLED, at=START + 8)

    other = await _insert(database, a_job(2))
    async with database.transaction() as tx:
        await jobs.move(tx, other.id, S.QUEUED, S.CANCELLED, at=START)
        await jobs.ask_cancel(tx, other.id, START + 9)
        assert (await jobs.get_in(tx, other.id)).cancel_asked_at is None


async def test_a_job_is_read_back_as_it_was_written(database: Database) -> None:
    """Every field, pictures included."""
    job = a_job(
        5,
        requester=requester(2**62, 2**61, key=2**60, channel_id=2**59, parent_id=2**58),
        recipe=Recipe(
            Verb.ENCRYPT_TEXT,
            "é 👩\u200d🚀 ' \" \\",
            message="it's",
            font=Font.SANS_SERIF,
            image=Picture("a.png", "image/png", 5, url="https://x/?a=b"),
            message_image=Picture("b.png", "image/png", 6, path=Path("/b.png")),
        ),
    )

    await _insert(database, job)

    assert await jobs.get(database, 5) == job


async def test_a_kept_picture_has_a_path_and_no_address(database: Database) -> None:
    """Signed addresses are not kept longer than they are needed."""
    first = Picture("a.png", "image/png", 5, url="https://x")
    job = await _insert(database, a_job(recipe=Recipe(Verb.ANIMATE, "", image=first)))

    async with database.transaction() as tx:
        kept = replace(first, content_type="image/webp", size=9, url=None, path=Path("/p"))
        await jobs.keep_picture(tx, job.id, "image", kept)

    read = await jobs.get(database, job.id)
    assert read is not None
    assert read.recipe.image == kept


async def test_numbers_are_never_used_twice(database: Database) -> None:
    """People say "job 42" and mean one job for ever."""
    assert await database.write(jobs.next_id) == 1
    await _insert(database, a_job(7))
    assert await database.write(jobs.next_id) == 8
    await database.write(lambda tx: tx.execute("DELETE FROM job"))
    assert await database.write(jobs.next_id) == 8


async def test_unfinished_jobs_are_found_by_whose_they_are(database: Database) -> None:
    """Oldest first; another server's and finished ones are not among them."""
    asked = [(1, 1), (1, 2), (2, 1), (1, 1), (1, 1)]
    for job_id, (guild_id, user_id) in enumerate(asked, start=1):
        await _insert(database, a_job(job_id, requester=requester(user_id, guild_id, key=job_id)))
    async with database.transaction() as tx:
        await jobs.move(tx, 4, S.QUEUED, S.CANCELLED, at=START)

    mine = await jobs.unfinished(database, guild_id=1, user_id=1)

    assert [job.id for job in mine] == [1, 5]
    assert [job.id for job in await jobs.unfinished(database)] == [1, 2, 3, 5]


async def test_jobs_are_found_by_state_reference_name_and_request(database: Database) -> None:
    """What recovery, callbacks and double events ask for."""
    job = await _at(database, S.RENDERING)
    await _insert(database, a_job(2))

    assert await jobs.in_state(database, S.RENDERING, S.IN_DOUBT) == [job]
    assert await jobs.by_reply_ref(database, "ref") == job
    assert await jobs.by_reply_ref(database, "other") is None
    assert await jobs.know_pika_id(database, json.dumps(["p", "q"])) == {"p"}
    known = await database.write(lambda tx: jobs.ids_of_requests(tx, json.dumps([1, 2, 3])))
    assert known == {1: 1, 2: 2}


async def test_durations_are_those_of_delivered_jobs_newest_first(database: Database) -> None:
    """From the POST to the message; failed jobs say nothing."""
    for job_id, took in enumerate([100, 300, 200], start=1):
        await _insert(database, a_job(job_id))
        async with database.transaction() as tx:
            ref = {"attempt": 1, "reply_ref": str(job_id), "submitted_at": START}
            await jobs.move(tx, job_id, S.QUEUED, S.SUBMITTING, at=START, **ref)
            pika_id = str(job_id)
            await jobs.move(tx, job_id, S.SUBMITTING, S.RENDERING, at=START, pika_id=pika_id)
            await jobs.move(tx, job_id, S.RENDERING, S.DELIVERING, at=START)
            await jobs.move(tx, job_id, S.DELIVERING, S.DELIVERED, at=START + took)
    await _insert(database, a_job(9))
    async with database.transaction() as tx:
        await jobs.move(tx, 9, S.QUEUED, S.FAILED, at=START + 999, code="x")

    assert await jobs.durations(database, 2) == [300, 200]
