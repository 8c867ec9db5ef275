"""Each log channel hears once a day what happened: the day as it was, nothing where nothing was."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.model import Quota
from bot.store import digests
from bot.store.reports import DAY_MS
from bot.workflow.servers.chores import Chore
from bot.workflow.servers.digests import MORNING_MS, SPREAD_MS, day_to_tell
from tests.conftest import OpenHouse
from tests.fakes import GUILD, MEMBER, START, House
from tests.servers import ELSEWHERE, LOG, OTHER_LOG, budget, change, choose, said

HOUR = 3_600_000
TODAY = START // DAY_MS
MIDNIGHT = TODAY * DAY_MS
SIX = MIDNIGHT + MORNING_MS


def add(
    tx: sqlite3.Connection,
    job_id: int,
    at: int,
    *,
    user: int = MEMBER,
    guild: int = GUILD,
    state: str = "delivered",
    code: str | None = None,
    credits_: int = 1,
) -> None:
    """A job that was over at this moment, and its reservation."""
    tx.execute(
        """
        INSERT INTO job (id, request_key, guild_id, channel_id, user_id, verb, prompt, state,
                         pika_id, created_at, changed_at, finished_at, code)
        VALUES (?, ?, ?, 200, ?, 'create', 'x', ?, ?, ?, ?, ?, ?)
        """,
        (job_id, job_id, guild, user, state, f"p{job_id}", at, at, at, code),
    )
    hold = "released" if state == "failed" else "charged"
    tx.execute(
        """
        INSERT INTO reservation (job_id, guild_id, user_id, channel_id, credits, state, held_at,
                                 settled_at)
        VALUES (?, ?, ?, 200, ?, ?, ?, ?)
        """,
        (job_id, guild, user, credits_, hold, at, at),
    )


def a_day(tx: sqlite3.Connection, guild: int = GUILD, first: int = 1, day: int = TODAY) -> None:
    """Some history of this day, and of the moments right before and after it."""
    began = day * DAY_MS
    add(tx, first, began, user=1, guild=guild, credits_=2)
    add(tx, first + 1, began + DAY_MS - 1, user=2, guild=guild, credits_=5)
    add(tx, first + 2, began + HOUR, user=1, guild=guild)
    add(tx, first + 3, began + HOUR, guild=guild, state="failed", code="moderated")
    add(tx, first + 4, began + HOUR, guild=guild, state="failed", code="stalled")
    add(tx, first + 5, began + HOUR, guild=guild, state="cancelled")
    add(tx, first + 6, began - 1, user=9, guild=guild, credits_=50)
    add(tx, first + 7, began + DAY_MS, user=9, guild=guild, credits_=70)
    add(tx, first + 8, began - 1, guild=guild, state="failed", code="moderated")


async def morning(house: House, days: int = 1, guild: int = GUILD) -> None:
    """So many days later, a little after the moment when this server's digest comes."""
    at = MIDNIGHT + days * DAY_MS + MORNING_MS + (guild >> 22) % SPREAD_MS + 1_000
    house.clock.move((at - house.clock.now()) / 1000)
    await house.digests.round()
    await house.tell()


def told(house: House, channel: int = LOG) -> list[str]:
    """The first lines of the digests in a channel."""
    return [line for line in said(house, channel) if line.startswith("📊")]


@pytest.fixture
async def logged(house: House) -> House:
    """A server that has chosen its log channel today."""
    await choose(house, log=LOG)
    await house.tell()
    return house


async def test_a_day_is_told_as_it_was(logged: House) -> None:
    """Credits, outcomes, who was most active, what was moderated, what waits, the budget."""
    await logged.database.write(a_day)
    await budget(logged, 1_000, 48 * HOUR)

    def waiting(tx: sqlite3.Connection) -> None:
        for number, verdict in ((1, None), (2, None), (3, "approved")):
            decided = None if verdict is None else 5
            tx.execute(
                "INSERT INTO review VALUES (?, ?, 'all', 5, ?, ?, ?, NULL)",
                (number, GUILD, verdict, decided, decided),
            )
        for job, user in ((1, 7), (1, 8), (2, 7), (3, 7), (4, 7)):
            tx.execute("INSERT INTO report VALUES (?, ?, NULL, ?)", (job, user, START))
        tx.execute("INSERT INTO removal VALUES (3, 900, NULL, ?)", (START,))
        tx.execute("INSERT INTO dismissal VALUES (2, 900, ?)", (START - 1,))
        tx.execute("INSERT INTO dismissal VALUES (4, 900, ?)", (START,))

    await logged.database.write(waiting)
    await morning(logged)

    lines = said(logged)
    begin = lines.index(told(logged)[0])
    assert lines[begin : begin + 5] == [
        "📊 **14 November 2023** (UTC): **9 credits**; 3 videos posted, 2 failed, 1 cancelled.",
        "Pika's moderation refused 1 prompt.",
        f"Most active: <@2> 5 credits, <@1> 3 credits, <@{MEMBER}> 1 credit.",
        "Budget: 129 of 1,000 credits of the last 48 hours used.",
        "Waiting for a moderator: 2 videos to review, 2 reported videos.",
    ]


async def test_each_day_once_whatever_is_started_again(open_house: OpenHouse) -> None:
    """Every minute asks, and every start; a day's digest is one."""
    house = await open_house()
    await choose(house, log=LOG)
    for day in range(3):
        await house.database.write(
            lambda tx, day=day: a_day(tx, first=100 * day + 1, day=TODAY + day)
        )
    for day in (1, 2, 3):
        for _ in range(3):
            await morning(house, day)
            house = await open_house()
    assert [line.split("**")[1] for line in told(house)] == [
        "14 November 2023",
        "15 November 2023",
        "16 November 2023",
    ]


async def test_two_rounds_at_once_tell_it_once(logged: House) -> None:
    """Both find that it is due, and one writes it down."""
    await logged.database.write(a_day)
    logged.clock.move((SIX + DAY_MS + HOUR - logged.clock.now()) / 1000)
    await asyncio.gather(*(logged.digests.round() for _ in range(3)))
    await logged.tell()
    assert len(told(logged)) == 1


async def test_a_morning_that_was_missed_is_made_up_for_once(logged: House) -> None:
    """Later on the same day, or for the last day only after several."""
    await logged.database.write(a_day)
    await logged.database.write(lambda tx: a_day(tx, first=101, day=TODAY + 5))
    await morning(logged, 1)
    logged.clock.move((MIDNIGHT + 6 * DAY_MS + 23 * HOUR - logged.clock.now()) / 1000)
    for _ in range(3):
        await logged.digests.round()
        await logged.tell()
    assert [line.split("**")[1] for line in told(logged)] == [
        "14 November 2023",
        "19 November 2023",
    ]


async def test_nothing_is_told_of_a_day_without_anything(logged: House) -> None:
    """Nor is it looked at again."""
    await morning(logged)
    assert told(logged) == []
    assert await digests.wanting(logged.database, TODAY) == []
    await logged.database.write(a_day)
    await logged.digests.round()
    await logged.tell()
    assert told(logged) == []
    assert logged.chores[Chore.DIGEST] == 0


async def test_the_first_one_is_of_the_day_on_which_the_log_was_chosen(house: House) -> None:
    """What was before is not told, however early in the day somebody chooses."""
    await house.database.write(lambda tx: a_day(tx, day=TODAY - 1))
    await choose(house, log=LOG)
    await house.digests.round()
    await house.tell()
    assert told(house) == []
    await house.database.write(lambda tx: a_day(tx, first=101))
    await morning(house)
    assert len(told(house)) == 1
    assert "14 November" in told(house)[0]


@pytest.mark.parametrize("how", [{"digest": False}, {"log": None}])
async def test_a_server_that_wants_none_gets_none(logged: House, how: dict[str, Any]) -> None:
    """Or has no place for it."""
    await logged.database.write(a_day)
    await choose(logged, **how)
    await morning(logged)
    assert told(logged) == []
    assert logged.chores[Chore.DIGEST] == 0


async def test_servers_hear_of_their_own_day(logged: House) -> None:
    """In their own channel."""
    await choose(logged, guild=ELSEWHERE, log=OTHER_LOG)
    await logged.database.write(a_day)
    await logged.database.write(
        lambda tx: add(tx, 99, MIDNIGHT, user=77, guild=ELSEWHERE, credits_=3)
    )
    await morning(logged)
    assert ["9 credits" in line for line in told(logged)] == [True]
    assert ["3 credits" in line for line in told(logged, OTHER_LOG)] == [True]
    assert "<@77>" not in "".join(said(logged))


async def test_a_server_that_the_bot_has_left_is_not_told(logged: House) -> None:
    """Nobody could read it."""
    await logged.database.write(a_day)
    await change(logged, lambda tx, _: tx.execute(
        "INSERT INTO server_absence VALUES (?, 1)", (GUILD,)
    ))  # fmt: skip
    await morning(logged)
    assert logged.chores[Chore.DIGEST] == 0


@given(guild=st.integers(1, 2**63 - 1), now=st.integers(START, START + 10 * DAY_MS))
def test_a_day_is_told_between_six_and_seven(guild: int, now: int) -> None:
    """Never before it is over, and each server at its own moment, the same every day."""
    day = day_to_tell(guild, now)
    over_for = now - (day + 1) * DAY_MS
    assert MORNING_MS <= over_for < MORNING_MS + SPREAD_MS + DAY_MS
    assert day_to_tell(guild, now + DAY_MS) == day + 1


def test_servers_are_spread_over_the_hour() -> None:
    """A hundred servers that were made one after the other have a hundred moments."""
    moments = {
        next(ms for ms in range(SPREAD_MS) if day_to_tell(guild, SIX + ms) == TODAY - 1)
        for guild in (number << 22 for number in range(1, 101))
    }
    assert len(moments) == 100


@pytest.mark.parametrize(
    ("query", "index"),
    [
        (digests.MODERATED_OF_DAY, "job_outcome"),
        (digests.MEMBERS_OF_DAY, "reservation_settled"),
        (digests.REPORTS, "report_by_time"),
        (digests.REVIEWS, "review_waits"),
    ],
)
def test_a_day_is_found_by_indexes(database_path: Path, query: str, index: str) -> None:
    """However long the history of the server is."""
    with closing(sqlite3.connect(database_path)) as db:
        params = {"guild_id": 1, "since": 0, "until": 1, "most": 5, "reported_since": 0}
        plan = [row[3] for row in db.execute(f"EXPLAIN QUERY PLAN {query}", params)]
    reading = [step for step in plan if step.startswith(("SEARCH", "SCAN"))]
    assert any(f"INDEX {index} " in step for step in reading), plan
    assert not any(step.startswith("SCAN") and "INDEX" not in step for step in reading), plan


def test_a_digest_is_read_as_it_was_written(database_path: Path) -> None:
    """All of its fields."""
    with closing(sqlite3.connect(database_path)) as db:
        a_day(db)
        digest = digests.of_day(db, GUILD, TODAY, START, Quota(1, 1, 1))
    assert digest.members
    assert digests.digest_of(json.loads(json.dumps(asdict(digest)))) == digest
