"""The database refuses what cannot be, and answers the hot questions without searching."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from bot.model import JobState
from bot.store import deliveries, jobs, review_messages, reviews
from bot.store.database import Database, Params, Row

GOOD_JOB: dict[str, Any] = {
    "id": 1,
    "request_key": 1,
    "guild_id": 1,
    "channel_id": 1,
    "user_id": 1,
    "verb": "create",
    "prompt": "x",
    "state": "queued",
    "created_at": 1,
    "changed_at": 1,
}
GOOD_RESERVATION = {
    "job_id": 1,
    "guild_id": 1,
    "user_id": 1,
    "channel_id": 1,
    "credits": 1,
    "held_at": 1,
}
GOOD_LIMIT = {"guild_id": 1, "subject": "everyone", "subject_id": 0, "credits": 1}
GOOD_PHRASE = {"guild_id": 1, "place": 0, "phrase": "bad"}
GOOD_DELIVERY = {"job_id": 1, "kind": "card", "channel_id": 1, "due_at": 1}


def _insert(db: sqlite3.Connection, table: str, values: dict[str, Any]) -> None:
    names = ", ".join(values)
    marks = ", ".join(f":{name}" for name in values)
    db.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", values)


def _open(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("PRAGMA foreign_keys = ON")
    return db


@pytest.mark.parametrize("state", JobState)
def test_the_database_knows_every_state(database_path: Path, state: JobState) -> None:
    """Each word of the model can be written, with what the state needs."""
    needs: dict[str, Any] = {"reply_ref": "r", "attempt": 1, "pika_id": "p", "code": "c"}
    over = state in {"delivered", "failed", "cancelled"}
    with closing(_open(database_path)) as db:
        _insert(db, "job", GOOD_JOB | needs | {"state": state, "finished_at": 2 if over else None})
        assert db.execute("SELECT state FROM job").fetchall() == [(state,)]


@pytest.mark.parametrize(
    ("constraint", "wrong"),
    [
        ("state_is_known", {"state": "paused"}),
        ("verb_is_known", {"verb": "dance"}),
        ("prompt_fits_pika", {"prompt": "x" * 1501}),
        ("message_fits_pika", {"message": "x" * 21}),
        ("percent_in_range", {"percent": 101}),
        ("percent_in_range", {"percent": -1}),
        ("finished_iff_final", {"state": "cancelled"}),
        ("finished_iff_final", {"finished_at": 5}),
        ("pika_id_once_accepted", {"state": "rendering"}),
        ("pika_id_once_accepted", {"state": "delivering"}),
        ("pika_id_once_accepted", {"state": "delivered", "finished_at": 5}),
        ("reference_before_submit", {"state": "submitting"}),
        ("reference_before_submit", {"state": "submitting", "attempt": 1}),
        ("reference_before_submit", {"state": "in_doubt", "reply_ref": "r"}),
        ("failure_has_a_code", {"state": "failed", "finished_at": 5}),
        ("prompt", {"prompt": None}),
        ("user_id", {"user_id": "somebody"}),
    ],
)
def test_an_impossible_job_is_refused(
    database_path: Path, constraint: str, wrong: dict[str, Any]
) -> None:
    """By a rule whose name is a sentence, whichever code path tries."""
    with closing(_open(database_path)) as db:
        with pytest.raises(sqlite3.IntegrityError, match=constraint):
            _insert(db, "job", GOOD_JOB | wrong)
        _insert(db, "job", GOOD_JOB)  # and the rest of the row is fine
        assert db.execute("SELECT count(*) FROM job_event").fetchone() == (1,)


@pytest.mark.parametrize(
    ("column", "value"), [("request_key", 7), ("reply_ref", "r"), ("pika_id", "p")]
)
def test_what_names_one_job_cannot_name_two(
    database_path: Path, column: str, value: object
) -> None:
    """An interaction, a reference, a job of Pika: each belongs to one job."""
    with closing(_open(database_path)) as db:
        _insert(db, "job", GOOD_JOB | {column: value})
        with pytest.raises(sqlite3.IntegrityError, match=f"UNIQUE.*{column}"):
            _insert(db, "job", GOOD_JOB | {"id": 2, "request_key": 8, column: value})


@pytest.mark.parametrize(
    ("table", "good", "constraint", "wrong"),
    [
        ("reservation", GOOD_RESERVATION, "credits_positive", {"credits": 0}),
        ("reservation", GOOD_RESERVATION, "hold_is_known", {"state": "lost", "settled_at": 1}),
        ("reservation", GOOD_RESERVATION, "settled_iff_not_held", {"state": "charged"}),
        ("reservation", GOOD_RESERVATION, "settled_iff_not_held", {"settled_at": 1}),
        ("reservation", GOOD_RESERVATION, "FOREIGN KEY", {"job_id": 77}),
        ("delivery", GOOD_DELIVERY, "kind_is_known", {"kind": "poem"}),
        ("delivery", GOOD_DELIVERY, "delivery_state_is_known", {"state": "lost"}),
        ("delivery", GOOD_DELIVERY, "place_is_known", {"place": "elsewhere"}),
        ("delivery", GOOD_DELIVERY, "sent_iff_message", {"message_id": 1}),
        ("delivery", GOOD_DELIVERY, "sent_iff_message", {"state": "sent", "sent_at": 1}),
        ("delivery", GOOD_DELIVERY, "sent_iff_dated", {"state": "sent", "message_id": 1}),
        ("delivery", GOOD_DELIVERY, "sent_iff_dated", {"sent_at": 1}),
        ("delivery", GOOD_DELIVERY, "fit_is_a_size", {"fit": -1}),
        ("delivery", GOOD_DELIVERY, "FOREIGN KEY", {"job_id": 77}),
        ("reservation", GOOD_RESERVATION, "names its channel", {"channel_id": 0}),
        ("usage_limit", GOOD_LIMIT, "credits_not_negative", {"credits": -1}),
        ("usage_limit", GOOD_LIMIT, "window_is_some_time", {"window_ms": 0}),
        ("usage_limit", GOOD_LIMIT, "at_least_one_job_at_once", {"concurrent": 0}),
        ("blocked_phrase", GOOD_PHRASE, "phrase_is_short", {"phrase": ""}),
        ("blocked_phrase", GOOD_PHRASE, "FOREIGN KEY", {"guild_id": 2}),
    ],
)
def test_an_impossible_row_is_refused(
    database_path: Path, table: str, good: dict[str, Any], constraint: str, wrong: dict[str, Any]
) -> None:
    """Credits, messages and policies alike."""
    with closing(_open(database_path)) as db:
        _insert(db, "job", GOOD_JOB)
        _insert(db, "word_list", {"guild_id": 1, "version": 1})
        with pytest.raises(sqlite3.IntegrityError, match=constraint):
            _insert(db, table, good | wrong)
        _insert(db, table, good)


def test_a_job_has_one_message_of_a_kind_and_one_reservation(database_path: Path) -> None:
    """A second result would be a second post."""
    with closing(_open(database_path)) as db:
        _insert(db, "job", GOOD_JOB)
        for table, row in (("delivery", GOOD_DELIVERY), ("reservation", GOOD_RESERVATION)):
            _insert(db, table, row)
            with pytest.raises(sqlite3.IntegrityError, match="UNIQUE"):
                _insert(db, table, row)


class Explaining(Database):
    """A database that also asks SQLite how it would answer."""

    plans: list[str]

    async def fetch(self, sql: str, params: Params) -> list[Row]:
        """All rows, after noting the plan."""
        plan = await super().fetch(f"EXPLAIN QUERY PLAN {sql}", params)
        self.plans += [str(row["detail"]) for row in plan]
        return await super().fetch(sql, params)


Ask = Callable[[Explaining], Awaitable[Any]]
HOT: dict[str, Ask] = {
    "due": lambda db: deliveries.due(db, 1, 99),
    "untrue_cards": lambda db: deliveries.untrue_cards(db, 1),
    "of_job": lambda db: deliveries.of_job(db, 1),
    "get": lambda db: jobs.get(db, 1),
    "unfinished": jobs.unfinished,
    "my unfinished": lambda db: jobs.unfinished(db, guild_id=1, user_id=1),
    "in_state": lambda db: jobs.in_state(db, JobState.RENDERING),
    "by_reply_ref": lambda db: jobs.by_reply_ref(db, "r"),
    "know_pika_id": lambda db: jobs.know_pika_id(db, json.dumps(["p"])),
    "given_up": lambda db: jobs.given_up(db, 1),
    "durations": lambda db: jobs.durations(db, 50),
    "history": lambda db: jobs.history(db, 1),
    "overdue reviews": lambda db: reviews.overdue(db, 1),
    "reviews of a server": lambda db: review_messages.of_waiting(db, 1),
    "untrue reviews": lambda db: review_messages.untrue(db, 1),
    "former reviews": lambda db: review_messages.former(db, 1),
}


def _searches_a_table(step: str) -> bool:
    """Whether a step of a plan reads a whole table rather than an index made for it."""
    words = step.split()
    if words[0] != "SCAN" or words[1] in {"asker", "json_each"} or "VIRTUAL" in words:
        return False
    return "INDEX" not in words


@pytest.mark.parametrize("name", HOT)
async def test_hot_questions_are_answered_by_an_index(database_path: Path, name: str) -> None:
    """After a year the tables are long; what is asked every second does not read them."""
    with closing(_open(database_path)) as db:
        db.execute("BEGIN")
        for number in range(2, 400):
            over = number % 40 > 0
            _insert(
                db,
                "job",
                GOOD_JOB
                | {
                    "id": number,
                    "request_key": number,
                    "state": "cancelled" if over else "queued",
                    "finished_at": 5 if over else None,
                },
            )
            _insert(db, "reservation", GOOD_RESERVATION | {"job_id": number})
            _insert(
                db,
                "delivery",
                GOOD_DELIVERY
                | {"job_id": number, "state": "sent", "sent_at": 1, "message_id": 1}
                | {"shown": "final"},
            )
        db.execute("COMMIT")
    database = await Explaining.open(database_path)
    database.plans = []
    try:
        await HOT[name](database)
    finally:
        await database.close()

    assert database.plans
    assert [step for step in database.plans if _searches_a_table(step)] == []
