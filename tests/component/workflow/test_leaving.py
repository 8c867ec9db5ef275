"""A server that removed the bot: nothing is begun for it, and after a month nothing is left."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from bot.errors import StorageTrouble
from bot.model import SERVER_LEFT, DeliveryKind, Job, JobState
from bot.store import absences, audit
from bot.store import jobs as store
from bot.ui.cards import notice_text
from bot.workflow.servers.chores import Chore
from bot.workflow.servers.keeping import AT_ONCE, PAUSE_SECONDS
from bot.workflow.servers.leaving import FORGET_MS
from tests.conftest import OpenHouse
from tests.fakes import GUILD, MEMBER, House, requester, until
from tests.servers import ELSEWHERE, LOG, block, blocked, budget, choose
from tests.storage_faults import locked

THIRD = 102
MONTH = FORGET_MS / 1000


def every(_guild_id: int) -> bool:
    """This process has all servers."""
    return True


async def absent(house: House) -> set[int]:
    """The servers that the bot is not in any more."""
    return set(await absences.absent(house.database))


async def over(house: House, guild: int = GUILD) -> Job:
    """A job that is over."""
    job = (await house.ask(requester(guild_id=guild))).job
    await house.settling.fail(job, "failed", "")
    return job


async def left(house: House, guild: int) -> list[str]:
    """The tables that hold anything of a server, or of its jobs."""
    names = await house.database.fetch("SELECT name FROM sqlite_master WHERE type = 'table'", {})
    found = []
    for name in (row["name"] for row in names):
        columns = await house.database.fetch(f"PRAGMA table_info({name})", {})
        which = {"guild_id", "job_id"} & {row["name"] for row in columns}
        if "guild_id" in which:
            sql = f"SELECT 1 FROM {name} WHERE guild_id = :guild LIMIT 1"
        elif "job_id" in which:
            sql = f"SELECT 1 FROM {name} WHERE job_id NOT IN (SELECT id FROM job) LIMIT 1"
        else:
            continue
        if await house.database.fetch(sql, {"guild": guild}):
            found.append(name)
    return found


# -- what is noted -------------------------------------------------------------------------


async def test_a_removal_is_noted_and_taken_back(house: House) -> None:
    """Once, with the moment when it was heard first."""
    house.presence.left(GUILD)
    await house.leaving.round()
    since = await absences.absent(house.database)
    house.clock.move(60)
    house.presence.left(GUILD)
    await house.leaving.round()
    assert await absences.absent(house.database) == since == {GUILD: house.clock.now() - 60_000}
    assert house.chores[Chore.LEFT] == 1

    house.presence.came(GUILD)
    await house.leaving.round()
    assert await absent(house) == set()


@pytest.mark.parametrize(("last", "gone"), [("left", {GUILD}), ("came", set())])
async def test_the_last_word_counts(house: House, last: str, gone: set[int]) -> None:
    """Whatever was heard before it and not written down yet."""
    for what in ("came", "left", "came", last):
        getattr(house.presence, what)(GUILD)
    await house.leaving.round()
    assert await absent(house) == gone


async def test_a_start_finds_what_happened_while_nobody_listened(house: House) -> None:
    """Servers with jobs that are over, with some that are not, and with settings only; what is
    another process's is left to it.
    """
    await over(house, 1)
    await house.ask(requester(guild_id=2))
    await block(house, 7, guild=3)
    await over(house, 4)
    await over(house, 5)
    house.presence.left(9)
    await house.leaving.round()
    assert await absent(house) == {9}

    house.presence.counted({4, 9, 10}, lambda guild: guild != 5)
    await house.leaving.round()
    assert await absent(house) == {1, 2, 3}
    house.presence.counted({1, 2, 3, 4}, every)
    await house.leaving.round()
    assert await absent(house) == {5}


async def test_what_came_after_the_count_counts(house: House) -> None:
    """Invited, or removed, since the gateway named all servers."""
    await over(house, 1)
    await over(house, 2)
    house.presence.counted({2}, every)
    house.presence.came(1)
    house.presence.left(2)
    await house.leaving.round()
    assert await absent(house) == {2}
    house.presence.counted({1, 2}, every)
    house.presence.left(2)
    await house.leaving.round()
    assert await absent(house) == {2}


async def test_what_the_storage_did_not_take_is_noted_later(
    house: House, database_path: Path
) -> None:
    """Nothing that was heard is lost, and what was heard meanwhile is newer."""
    await over(house, 1)
    async with house.database.transaction() as tx:
        await tx.execute_fetchall("PRAGMA busy_timeout = 20")
    house.database._pause = 0.02
    house.presence.left(GUILD)
    house.presence.left(ELSEWHERE)
    house.presence.counted({2}, every)
    with locked(database_path):
        round_ = asyncio.create_task(house.leaving.round())
        await asyncio.sleep(0)
        house.presence.came(GUILD)
        with pytest.raises(StorageTrouble):
            await round_
    await house.database.works()
    await house.leaving.round()
    assert await absent(house) == {1, ELSEWHERE}


# -- what waits ----------------------------------------------------------------------------


async def test_what_waits_is_cancelled_and_costs_nothing(house: House) -> None:
    """Of that server only; the member hears of it where the bot still may write to them."""
    jobs = [(await house.ask(requester(guild_id=guild))).job for guild in (GUILD, ELSEWHERE)]
    house.presence.left(GUILD)
    await house.leaving.round()

    job = await house.job(jobs[0].id)
    assert (job.state, job.code) == (JobState.CANCELLED, SERVER_LEFT)
    assert await house.hold(job.id) == "released"
    assert await house.used() == 0
    assert await house.state(jobs[1].id) is JobState.QUEUED
    assert list(house.queue.order()) == [jobs[1].id]
    assert notice_text(job) == (
        f"<@{MEMBER}> Job {job.id}: It was cancelled, as I am no longer in that server. "
        "You were not charged."
    )
    house.discord.uneditable[200] = house.discord.closed[200] = 50001
    for _ in range(4):
        await house.deliver()
    (notice,) = house.discord.of(job.id, DeliveryKind.NOTICE)
    assert notice.channel_id == MEMBER * 1000


async def test_what_comes_back_from_pika_is_cancelled_too(house: House) -> None:
    """It was on its way when the bot was removed, and Pika did not take it."""
    job = (await house.ask()).job
    async with house.database.transaction() as tx:
        await store.move(
            tx, job.id, JobState.QUEUED, JobState.SUBMITTING, at=1, reply_ref="r", attempt=1
        )
    house.presence.left(GUILD)
    await house.leaving.round()
    assert await house.state(job.id) is JobState.SUBMITTING
    async with house.database.transaction() as tx:
        await store.move(tx, job.id, JobState.SUBMITTING, JobState.QUEUED, at=2)
    await house.leaving.round()
    assert await house.state(job.id) is JobState.CANCELLED


async def test_what_pika_works_on_is_paid_and_goes_on(house: House) -> None:
    """Its video reaches the member by a direct message, or is kept."""
    job = await house.rendering()
    house.presence.left(GUILD)
    await house.leaving.round()
    house.finish(job)
    await house.poller.round()
    house.discord.closed[200] = 50001
    for _ in range(3):
        await house.deliver()
    assert await house.state(job.id) is JobState.DELIVERED
    (result,) = house.discord.of(job.id, DeliveryKind.RESULT)
    assert result.channel_id == MEMBER * 1000


# -- forgetting ----------------------------------------------------------------------------


async def test_after_thirty_days_nothing_is_left(house: House) -> None:
    """Settings, log, words, grants, blocks, jobs with all that belongs to them, and files; of
    other servers everything is. A pause ends too, should the bot ever be invited again.
    """
    for guild in (GUILD, ELSEWHERE):
        await fill(house, guild)
    before = await left(house, ELSEWHERE)
    kept = house.world.folder / "videos" / "1-25.mp4"
    kept.write_bytes(b"kept")
    house.presence.left(GUILD)
    await house.leaving.round()
    house.clock.move(MONTH - 1)
    await house.leaving.round()
    assert len(await left(house, GUILD)) > 15
    house.clock.move(1)
    await house.leaving.round()

    assert await left(house, GUILD) == []
    assert await absent(house) == set()
    assert await left(house, ELSEWHERE) == before
    assert not kept.exists()
    assert GUILD not in house.pauses
    assert house.chores[Chore.FORGOTTEN] == 1
    assert (await house.ask()).new


async def fill(house: House, guild: int) -> None:
    """Something of this server in every table that can hold something of one."""
    await choose(house, guild, log=LOG + guild)
    await block(house, 7, guild=guild)
    await budget(house, 5, 3_600_000, guild)
    jobs = [await over(house, guild) for _ in range(4)]
    taken = {table: await _columns(house, table) for table in await _tables(house)}

    def write(tx: sqlite3.Connection) -> None:
        act = audit.Act(guild, 900, house.clock.now())
        audit.append(tx, act, "something", "server", 0, None, {"a": 1})
        tx.execute("INSERT INTO server_pause VALUES (?, 'pause', NULL, NULL)", (guild,))
        tx.execute("INSERT INTO review VALUES (?, ?, 'all', 5, NULL, NULL, NULL, NULL)",
                   (jobs[0].id, guild))  # fmt: skip
        tx.execute("INSERT INTO removal VALUES (?, 900, NULL, 7)", (jobs[0].id,))
        tx.execute("INSERT INTO report VALUES (?, 8, NULL, 9)", (jobs[0].id,))
        tx.execute("INSERT INTO picture VALUES (?, 'image', 'a', 'b', 5, NULL, NULL)",
                   (jobs[0].id,))  # fmt: skip
        for table, columns in taken.items():
            empty = not tx.execute(f"SELECT 1 FROM {table} WHERE guild_id = ?", (guild,)).fetchall()
            if empty and table not in {"server_to_forget", "server_absence"}:
                row = SAMPLES.get(table, {})
                values = [guild if name == "guild_id" else row.get(name) for name in columns]
                tx.execute(f"INSERT INTO {table} VALUES ({','.join('?' * len(values))})", values)

    await house.database.write(write)
    await house.pauses.read()
    empty = [
        table
        for table in taken
        if not await house.database.fetch(f"SELECT 1 FROM {table} WHERE guild_id = {guild}", {})
    ]
    assert set(empty) <= {"server_to_forget", "server_absence"}


SAMPLES: dict[str, dict[str, object]] = {
    "member_grant": {"user_id": 7, "credits": 1, "until_at": 10**15},
    "server_access": {"kind": "barred_role", "subject_id": 5},
    "server_gate": {"newcomer_ms": 1, "age": "anywhere"},
    "verb_weight": {"verb": "create", "weight": 2},
    "word_list": {"version": 1},
    "blocked_phrase": {"place": 0, "phrase": "bad", "what_then": "refuse"},
    "rolling_sum": {"scope": "server", "subject_id": 1, "window_ms": 5, "since": 1, "credits": 9},
    "budget_alert": {"fill": "near"},
    "review_trouble": {"channel_id": 5, "code": 50001},
    "server_digest": {"day": 5},
}
"""What a table needs to hold a row of a server, where nothing above has made one."""


async def _tables(house: House) -> list[str]:
    rows = await house.database.fetch("SELECT name FROM sqlite_master WHERE type = 'table'", {})
    names = [row["name"] for row in rows]
    return [name for name in names if "guild_id" in await _columns(house, name)]


async def _columns(house: House, table: str) -> list[str]:
    rows = await house.database.fetch(f"PRAGMA table_info({table})", {})
    return [row["name"] for row in rows]


async def test_coming_back_in_time_keeps_everything(house: House) -> None:
    """Also on the last day, and while the first jobs are being deleted already."""
    await fill(house, GUILD)
    before = await left(house, GUILD)
    house.presence.left(GUILD)
    await house.leaving.round()
    house.clock.move(MONTH)
    house.presence.came(GUILD)
    await house.leaving.round()
    house.clock.move(2 * MONTH)
    await house.leaving.round()
    assert await left(house, GUILD) == before


async def test_much_is_forgotten_a_little_at_a_time(house: House) -> None:
    """And not further once the bot is back."""
    for _ in range(2 * AT_ONCE + 1):
        await over(house)
    await choose(house, log=LOG)
    house.presence.left(GUILD)
    await house.leaving.round()
    house.clock.move(MONTH)
    task = asyncio.create_task(house.leaving.round())
    await until(lambda: house.clock.sleeps == [PAUSE_SECONDS])
    rows = await house.database.fetch("SELECT count(*) AS n FROM job", {})
    assert rows[0]["n"] == AT_ONCE + 1
    house.presence.came(GUILD)
    house.clock.move(PAUSE_SECONDS)
    await task
    await house.leaving.round()
    house.clock.move(MONTH)
    await house.leaving.round()
    rows = await house.database.fetch("SELECT count(*) AS n FROM job", {})
    assert rows[0]["n"] == AT_ONCE + 1
    await block(house, 7)
    await house.tell()
    assert blocked(house) == [7]


async def test_what_is_unfinished_is_waited_for(house: House) -> None:
    """No job disappears while somebody may be working on it; the rest of its server waits too."""
    await over(house, ELSEWHERE)
    job = await house.rendering()
    await block(house, 7)
    house.presence.left(GUILD)
    house.presence.left(ELSEWHERE)
    await house.leaving.round()
    house.clock.move(MONTH)
    await house.leaving.round()
    assert await house.state(job.id) is JobState.RENDERING
    assert "audit_entry" in await left(house, GUILD)
    assert await left(house, ELSEWHERE) == []

    await house.settling.fail(await house.job(job.id), "stalled", "")
    await house.leaving.round()
    assert await left(house, GUILD) == []


async def test_a_start_goes_on_forgetting(open_house: OpenHouse) -> None:
    """Also one long after the month was over."""
    house = await open_house()
    await over(house)
    house.presence.left(GUILD)
    await house.leaving.round()
    house.clock.move(3 * MONTH)
    house = await open_house()
    house.presence.counted(set(), every)
    await house.leaving.round()
    assert await left(house, GUILD) == []


async def test_nothing_is_forgotten_before_the_gateway_has_spoken(open_house: OpenHouse) -> None:
    """A server had invited the bot again while no process ran. The next start forgot it within
    the moment before the gateway named its servers.
    """
    house = await open_house()
    await fill(house, GUILD)
    before = await left(house, GUILD)
    house.presence.left(GUILD)
    await house.leaving.round()
    house.clock.move(3 * MONTH)
    house = await open_house()
    await house.leaving.round()
    house.presence.counted({GUILD}, every)
    await house.leaving.round()
    await house.leaving.round()
    assert [table for table in before if table not in await left(house, GUILD)] == []
    assert await absent(house) == set()


async def test_the_count_is_newer_than_what_was_heard_before_it(house: House) -> None:
    """Removed, then invited again while the gateway was down: the server counted as left."""
    await over(house)
    house.presence.left(GUILD)
    house.presence.counted({GUILD}, every)
    await house.leaving.round()
    assert await absent(house) == set()


def test_servers_are_found_by_indexes(database_path: Path) -> None:
    """A start must not read every job there is."""
    with closing(sqlite3.connect(database_path)) as db:
        plan = [row[3] for row in db.execute(f"EXPLAIN QUERY PLAN {absences.KNOWN}")]
    reads = [step for step in plan if " job" in step or " audit_entry" in step]
    assert len(reads) == 6
    assert all(step.startswith("SEARCH") and "INDEX" in step for step in reads), plan


def test_whether_a_server_has_jobs_is_found_by_indexes(database_path: Path) -> None:
    """Every job there is was read, every two seconds, with the database's one writer waiting."""
    with closing(sqlite3.connect(database_path)) as db:
        plan = [
            row[3] for row in db.execute(f"EXPLAIN QUERY PLAN {absences.ANY_JOB}", {"guild_id": 1})
        ]
    reads = [step for step in plan if " job" in step]
    assert len(reads) == 2
    assert all(step.startswith("SEARCH") for step in reads), plan
