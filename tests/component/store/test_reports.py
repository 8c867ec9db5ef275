"""What a server has used: right to the credit, and read from indexes alone."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from bot.store import reports
from bot.store.reports import DAY_MS, Day, MemberUse

SERVER, OTHER, CHANNEL = 100, 101, 200
NOW = 20_000 * DAY_MS + 5_000


def add(
    db: sqlite3.Connection,
    job_id: int,
    *,
    user: int = 1,
    server: int = SERVER,
    days_ago: int = 0,
    state: str = "delivered",
    credits_: int = 1,
    hold: str = "charged",
) -> None:
    """A job that is over, and its reservation."""
    at = NOW - days_ago * DAY_MS
    code = "failed" if state == "failed" else None
    db.execute(
        """
        INSERT INTO job (id, request_key, guild_id, channel_id, user_id, verb, prompt, state,
                         pika_id, created_at, changed_at, finished_at, code)
        VALUES (?, ?, ?, ?, ?, 'create', 'x', ?, ?, ?, ?, ?, ?)
        """,
        (job_id, job_id, server, CHANNEL, user, state, f"p{job_id}", at, at, at, code),
    )
    db.execute(
        """
        INSERT INTO reservation (job_id, guild_id, user_id, channel_id, credits, state, held_at,
                                 settled_at)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?)
        """,
        (job_id, server, user, CHANNEL, credits_, hold, at, at),
    )


@pytest.fixture
def path(database_path: Path) -> Path:
    """Some history of two servers."""
    with closing(sqlite3.connect(database_path)) as db, db:
        add(db, 1, user=1, credits_=2)
        add(db, 2, user=2, credits_=5, days_ago=1)
        add(db, 3, user=1, days_ago=1)
        add(db, 4, user=3, state="failed", hold="released")
        add(db, 5, user=3, state="cancelled", hold="charged", days_ago=2)
        add(db, 6, user=1, days_ago=3)  # before what is asked for
        add(db, 7, user=1, server=OTHER, credits_=50)
    return database_path


async def test_a_report_counts_days_outcomes_and_members(path: Path) -> None:
    """Every day is there, the last of them today; what was released costs nothing, who used
    most is first, and other servers and older days are left out.
    """
    report = await reports.usage(path, SERVER, NOW, 3)
    midnight = 20_000 * DAY_MS
    assert report.days == (
        Day(midnight - 2 * DAY_MS, credits=1, cancelled=1),
        Day(midnight - DAY_MS, credits=6, delivered=2),
        Day(midnight, credits=2, delivered=1, failed=1),
    )
    assert report.members == (MemberUse(2, 5, 1), MemberUse(1, 3, 2), MemberUse(3, 1, 1))
    assert (report.credits, report.delivered, report.failed, report.cancelled) == (9, 3, 1, 1)


async def test_a_server_without_history_has_an_empty_report(path: Path) -> None:
    """As many days as were asked for, all zero."""
    report = await reports.usage(path, 999, NOW, 2)
    assert [(day.credits, day.delivered) for day in report.days] == [(0, 0), (0, 0)]
    assert report.members == ()


@pytest.mark.parametrize(
    ("query", "index"),
    [
        (reports.CREDITS_OF_DAY, "reservation_settled"),
        (reports.OUTCOMES_OF_DAY, "job_outcome"),
        (reports.CREDITS_BY_MEMBER, "reservation_settled_of_member"),
    ],
)
def test_reports_never_touch_a_table(database_path: Path, query: str, index: str) -> None:
    """Each query is answered by one index that covers it: a million rows are read in the order
    in which they lie.
    """
    with closing(sqlite3.connect(database_path)) as db:
        params = {"guild_id": SERVER, "since": 0, "until": NOW, "most": 10}
        plan = [row[3] for row in db.execute(f"EXPLAIN QUERY PLAN {query}", params)]
    reading = [step for step in plan if step.startswith(("SEARCH", "SCAN"))]
    assert len(reading) == 1, plan
    assert f"USING COVERING INDEX {index} (guild_id=?" in reading[0], plan
    assert "USE TEMP B-TREE FOR GROUP BY" not in plan  # a million rows would be sorted
