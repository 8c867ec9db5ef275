"""What is set is read as it was written, every change is in the log, and no server sees another."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from bot.model import Quota, Verb
from bot.rules.policy import (
    AgeRule,
    Block,
    Grant,
    Installation,
    Limit,
    Operator,
    Pause,
    PauseMode,
    Personal,
    Policy,
    Rate,
    Rulebook,
)
from bot.store import audit, governing, policies
from bot.store.audit import Act, AuditEntry
from bot.store.database import Database
from bot.store.governing import Access, Whose
from bot.store.migrate import migrate, migrations

NOW = 1_700_000_000_000
HOUR = 3_600_000
GUILD, OTHER, CHANNEL, ROLE, MEMBER, MODERATOR = 1, 2, 20, 40, 300, 900
DEFAULT = Quota(5, 24 * HOUR, 2)
ACT = Act(GUILD, MODERATOR, NOW)
ABOVE = Act(policies.OPERATOR, 1, NOW)


@pytest.fixture
def tx(database_path: Path) -> Iterator[sqlite3.Connection]:
    """One long writing transaction."""
    with closing(sqlite3.connect(database_path, isolation_level=None)) as db:
        db.execute("BEGIN")
        yield db
        db.rollback()


def book(tx: sqlite3.Connection, guild: int = GUILD, now: int = NOW) -> Rulebook:
    return policies.read(tx, [(guild, MEMBER)], Installation(DEFAULT), now)[guild, MEMBER]


NOTHING = Rulebook(Policy(GUILD, DEFAULT))

Change = Callable[[sqlite3.Connection], AuditEntry | None]
CHANGES: dict[str, tuple[Change, Rulebook]] = {
    "the default": (
        lambda tx: governing.set_limit(tx, ACT, Whose.EVERYONE, amount=9, concurrent=3),
        Rulebook(Policy(GUILD, Quota(9, 24 * HOUR, 3))),
    ),
    "a window alone": (
        lambda tx: governing.set_limit(tx, ACT, Whose.EVERYONE, window_ms=HOUR),
        Rulebook(Policy(GUILD, Quota(5, HOUR, 2))),
    ),
    "a role": (
        lambda tx: governing.set_limit(tx, ACT, Whose.ROLE, ROLE, amount=9, window_ms=HOUR),
        Rulebook(Policy(GUILD, DEFAULT, roles={ROLE: Limit(Rate(9, HOUR))})),
    ),
    "a role's credits in everyone's window": (
        lambda tx: governing.set_limit(tx, ACT, Whose.ROLE, ROLE, amount=9),
        Rulebook(Policy(GUILD, DEFAULT, roles={ROLE: Limit(Rate(9, 24 * HOUR))})),
    ),
    "a channel": (
        lambda tx: governing.set_limit(tx, ACT, Whose.CHANNEL, CHANNEL, concurrent=4),
        Rulebook(Policy(GUILD, DEFAULT, channels={CHANNEL: Limit(concurrent=4)})),
    ),
    "a member": (
        lambda tx: governing.set_limit(tx, ACT, Whose.MEMBER, MEMBER, amount=0, concurrent=1),
        Rulebook(Policy(GUILD, DEFAULT), Personal(Limit(Rate(0, 24 * HOUR), 1))),
    ),
    "the budget": (
        lambda tx: governing.set_limit(tx, ACT, Whose.SERVER, amount=100, window_ms=HOUR),
        Rulebook(Policy(GUILD, DEFAULT, budget=Rate(100, HOUR))),
    ),
    "a grant": (
        lambda tx: governing.grant(tx, ACT, MEMBER, 3, NOW + HOUR),
        Rulebook(Policy(GUILD, DEFAULT), Personal(grants=(Grant(3, NOW + HOUR),))),
    ),
    "a block": (
        lambda tx: governing.block(tx, ACT, MEMBER, reason="Spam", until=NOW + HOUR),
        Rulebook(Policy(GUILD, DEFAULT), Personal(block=Block("Spam", NOW + HOUR))),
    ),
    "a block without a reason": (
        lambda tx: governing.block(tx, ACT, MEMBER),
        Rulebook(Policy(GUILD, DEFAULT), Personal(block=Block())),
    ),
    "a pause": (
        lambda tx: governing.pause(tx, ACT, PauseMode.DRAIN, reason="Party"),
        Rulebook(Policy(GUILD, DEFAULT, pause=Pause(PauseMode.DRAIN, "Party"))),
    ),
    "the operator's pause": (
        lambda tx: governing.pause(tx, ABOVE, PauseMode.PAUSE, until=NOW + 1),
        Rulebook(Policy(GUILD, DEFAULT), operator=Operator(Pause(until=NOW + 1))),
    ),
    "channels": (
        lambda tx: governing.set_access(tx, ACT, Access.ALLOWED_CHANNEL, [CHANNEL, 21]),
        Rulebook(Policy(GUILD, DEFAULT, allowed_channels=frozenset({CHANNEL, 21}))),
    ),
    "required roles": (
        lambda tx: governing.set_access(tx, ACT, Access.REQUIRED_ROLE, [ROLE]),
        Rulebook(Policy(GUILD, DEFAULT, required_roles=frozenset({ROLE}))),
    ),
    "barred roles": (
        lambda tx: governing.set_access(tx, ACT, Access.BARRED_ROLE, [ROLE]),
        Rulebook(Policy(GUILD, DEFAULT, barred_roles=frozenset({ROLE}))),
    ),
    "newcomers": (
        lambda tx: governing.set_gate(tx, ACT, newcomer_ms=HOUR),
        Rulebook(Policy(GUILD, DEFAULT, newcomer_ms=HOUR)),
    ),
    "age": (
        lambda tx: governing.set_gate(tx, ACT, age=AgeRule.NOT_THERE),
        Rulebook(Policy(GUILD, DEFAULT, age=AgeRule.NOT_THERE)),
    ),
    "weights": (
        lambda tx: governing.set_weights(tx, ACT, {Verb.ANIMATE: 2, Verb.CREATE: 1}),
        Rulebook(Policy(GUILD, DEFAULT, weights={Verb.ANIMATE: 2})),
    ),
}


def test_a_server_that_has_set_nothing_has_the_default(tx: sqlite3.Connection) -> None:
    """Of the installation."""
    assert book(tx) == NOTHING


@pytest.mark.parametrize("what", CHANGES)
def test_what_is_set_is_read(tx: sqlite3.Connection, what: str) -> None:
    """By whoever decides, and by whoever lists a server; the log has one entry of it."""
    change, expected = CHANGES[what]

    entry = change(tx)

    assert book(tx) == expected
    everything, people = policies.read_all(tx, GUILD, DEFAULT, NOW)
    assert everything == policies.read_server(tx, GUILD, DEFAULT) == expected.server
    assert people == ({MEMBER: expected.member} if expected.member != Personal() else {})
    assert entry is not None
    assert entry.after is not None
    assert entry.before != entry.after
    (logged,) = tx.execute("SELECT guild_id, actor_id, at, after_state FROM audit_entry")
    assert tuple(logged)[:3] == (entry.act.guild_id, entry.act.actor_id, NOW)
    assert json.loads(logged[3]) == entry.after


@pytest.mark.parametrize("what", [one for one in CHANGES if one != "a grant"])
def test_setting_the_same_again_is_no_change(tx: sqlite3.Connection, what: str) -> None:
    """And not in the log; only grants add up."""
    change, expected = CHANGES[what]
    change(tx)

    assert change(tx) is None
    assert book(tx) == expected
    assert tx.execute("SELECT count(*) FROM audit_entry").fetchone()[0] == 1


@pytest.mark.parametrize("what", [one for one in CHANGES if "operator" not in one])
def test_nothing_reaches_into_another_server(tx: sqlite3.Connection, what: str) -> None:
    """Whatever is set; the same member there is another."""
    CHANGES[what][0](tx)

    assert book(tx, OTHER) == Rulebook(Policy(OTHER, DEFAULT))
    assert policies.read_all(tx, OTHER, DEFAULT, NOW)[1] == {}


UNDONE: dict[str, Change] = {
    "a role": lambda tx: governing.clear_limit(tx, ACT, Whose.ROLE, ROLE),
    "the default": lambda tx: governing.clear_limit(tx, ACT, Whose.EVERYONE),
    "a member": lambda tx: governing.clear_limit(tx, ACT, Whose.MEMBER, MEMBER),
    "the budget": lambda tx: governing.clear_limit(tx, ACT, Whose.SERVER),
    "a grant": lambda tx: governing.revoke_grants(tx, ACT, MEMBER),
    "a block": lambda tx: governing.unblock(tx, ACT, MEMBER),
    "a block without a reason": lambda tx: governing.unblock(tx, ACT, MEMBER),
    "a pause": lambda tx: governing.resume(tx, ACT),
    "the operator's pause": lambda tx: governing.resume(tx, ABOVE),
    "channels": lambda tx: governing.set_access(tx, ACT, Access.ALLOWED_CHANNEL, []),
    "newcomers": lambda tx: governing.set_gate(tx, ACT, newcomer_ms=0),
    "weights": lambda tx: governing.set_weights(tx, ACT, {}),
}


@pytest.mark.parametrize("what", UNDONE)
def test_what_is_undone_is_as_it_was(tx: sqlite3.Connection, what: str) -> None:
    """And the log says from what; undoing it again is nothing."""
    done = CHANGES[what][0](tx)

    undone = UNDONE[what](tx)

    assert book(tx) == NOTHING
    assert done is not None
    assert undone is not None
    assert undone.before == done.after
    assert UNDONE[what](tx) is None


def test_a_limit_keeps_what_is_not_given(tx: sqlite3.Connection) -> None:
    """Jobs at once can be set without touching the credits."""
    governing.set_limit(tx, ACT, Whose.ROLE, ROLE, amount=9, window_ms=HOUR)

    entry = governing.set_limit(tx, ACT, Whose.ROLE, ROLE, concurrent=4)

    assert book(tx).server.roles == {ROLE: Limit(Rate(9, HOUR), 4)}
    assert entry is not None
    assert entry.before == {"credits": 9, "window_ms": HOUR}
    assert entry.after == {"credits": 9, "window_ms": HOUR, "concurrent": 4}


@pytest.mark.parametrize(
    ("constraint", "act", "whose", "id_", "numbers"),
    [
        ("a_window_belongs_to_credits", ACT, Whose.ROLE, ROLE, {"window_ms": 1}),
        ("a_budget_is_credits_in_a_window", ACT, Whose.SERVER, 0, {"amount": 1}),
        ("a_budget_is_credits_in_a_window", ACT, Whose.SERVER, 0,
         {"amount": 1, "window_ms": 1, "concurrent": 1}),
        ("an_id_where_there_is_one", ACT, Whose.ROLE, 0, {"amount": 1}),
        ("an_id_where_there_is_one", ACT, Whose.EVERYONE, 5, {"amount": 1}),
        ("a_limit_is_a_servers", ABOVE, Whose.ROLE, ROLE, {"amount": 1}),
        ("credits_not_negative", ACT, Whose.ROLE, ROLE, {"amount": -1}),
        ("window_is_some_time", ACT, Whose.ROLE, ROLE, {"amount": 1, "window_ms": 0}),
        ("at_least_one_job_at_once", ACT, Whose.ROLE, ROLE, {"concurrent": 0}),
    ],
)  # fmt: skip
def test_what_makes_no_limit_is_refused(
    tx: sqlite3.Connection, constraint: str, act: Act, whose: Whose, id_: int, numbers: Any
) -> None:
    """By a rule whose name is a sentence."""
    with pytest.raises(sqlite3.IntegrityError, match=constraint):
        governing.set_limit(tx, act, whose, id_, **numbers)


def test_grants_add_up_and_are_swept_out_when_they_have_ended(tx: sqlite3.Connection) -> None:
    """Each keeps its own end."""
    governing.grant(tx, ACT, MEMBER, 3, NOW + 10)
    governing.grant(tx, ACT, MEMBER, 2, NOW + 20)

    assert sorted(grant.credits for grant in book(tx).member.grants) == [2, 3]
    assert book(tx, now=NOW + 10).member.grants == (Grant(2, NOW + 20),)
    entry = governing.grant(tx, Act(GUILD, MODERATOR, NOW + 10), MEMBER, 4, NOW + 30)
    assert entry.before == {"credits": 2, "until": NOW + 20}
    assert entry.after == {"credits": 6, "until": NOW + 30}
    assert tx.execute("SELECT count(*) FROM member_grant").fetchone()[0] == 2


def test_a_block_or_pause_that_has_ended_was_none(tx: sqlite3.Connection) -> None:
    """A new one begins from nothing, and there is nothing to end."""
    governing.block(tx, ACT, MEMBER, until=NOW + 1)
    governing.pause(tx, ACT, PauseMode.PAUSE, until=NOW + 1)
    later = Act(GUILD, MODERATOR, NOW + 1)

    assert governing.unblock(tx, later, MEMBER) is None
    assert governing.resume(tx, later) is None
    entry = governing.block(tx, later, MEMBER, reason="Again")
    assert entry is not None
    assert (entry.before, entry.after) == (None, {"reason": "Again"})


def test_the_ceiling_is_the_installations(tx: sqlite3.Connection) -> None:
    """No table holds one: there is one place to set it."""
    here = Installation(DEFAULT, ceiling=Rate(100, HOUR))
    found = policies.read(tx, [(GUILD, MEMBER)], here, NOW)[GUILD, MEMBER]

    assert found == Rulebook(Policy(GUILD, DEFAULT), operator=Operator(ceiling=Rate(100, HOUR)))
    with pytest.raises(sqlite3.IntegrityError, match="a_limit_is_a_servers"):
        governing.set_limit(tx, ABOVE, Whose.SERVER, amount=100, window_ms=HOUR)


def test_many_members_are_read_at_once(tx: sqlite3.Connection) -> None:
    """Of several servers, some of them asking twice."""
    CHANGES["a block"][0](tx)
    CHANGES["a role"][0](tx)

    books = policies.read(tx, [(GUILD, MEMBER), (OTHER, MEMBER), (GUILD, 301), (GUILD, MEMBER)],
                          Installation(DEFAULT), NOW)  # fmt: skip

    assert books.keys() == {(GUILD, MEMBER), (OTHER, MEMBER), (GUILD, 301)}
    assert books[GUILD, MEMBER].member.block is not None
    assert books[GUILD, 301].member == Personal()
    assert books[GUILD, 301].server is books[GUILD, MEMBER].server
    assert books[OTHER, MEMBER].server.roles == {}


def test_a_changed_default_of_the_installation_is_seen(tx: sqlite3.Connection) -> None:
    """A policy that is remembered belongs to its default."""
    governing.set_limit(tx, ACT, Whose.EVERYONE, concurrent=3)
    members = [(GUILD, MEMBER)]

    for default in (Quota(5, 10, 2), Quota(6, 20, 2)):
        found = policies.read(tx, members, Installation(default), NOW)[GUILD, MEMBER].server.default
        assert found == Quota(default.credits, default.window_ms, 3)


def test_policies_are_found_by_their_keys(tx: sqlite3.Connection) -> None:
    """A server with ten thousand blocked members reads one of them."""
    asked: list[str] = []
    tx.set_trace_callback(asked.append)
    policies.read(tx, [(GUILD, MEMBER)], Installation(DEFAULT), NOW)
    tx.set_trace_callback(None)

    (sql,) = asked
    plan = [row[3] for row in tx.execute(f"EXPLAIN QUERY PLAN {sql}")]
    reads = [step for step in plan if "VIRTUAL" not in step and "CONSTANT" not in step]
    reads = [step for step in reads if step.split()[0] in {"SCAN", "SEARCH"}]

    assert {step.split()[0] for step in reads} == {"SEARCH"}
    assert {step.split()[1] for step in reads} == {
        "usage_limit",
        "server_pause",
        "server_access",
        "server_gate",
        "verb_weight",
        "word_list",
        "server_choice",
        "member_grant",
        "member_block",
    }
    assert all("user_id=?" in step for step in reads if step.split()[1].startswith("member_"))


# -- the log -------------------------------------------------------------------------------


def test_the_log_cannot_be_changed(tx: sqlite3.Connection) -> None:
    """By no statement; only with the whole server."""
    CHANGES["a block"][0](tx)

    for sql in ("UPDATE audit_entry SET actor_id = 0", "DELETE FROM audit_entry"):
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            tx.execute(sql)


def test_a_forgotten_server_leaves_nothing(tx: sqlite3.Connection) -> None:
    """And takes nothing of another along."""
    for change, _ in CHANGES.values():
        change(tx)
    governing.block(tx, Act(OTHER, MODERATOR, NOW), MEMBER)

    governing.forget_server(tx, GUILD)

    assert policies.read_all(tx, GUILD, DEFAULT, NOW) == (NOTHING.server, {})
    left = tx.execute("SELECT DISTINCT guild_id FROM audit_entry ORDER BY 1").fetchall()
    assert left == [(policies.OPERATOR,), (OTHER,)]
    tables = tx.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    with_server = [
        table
        for (table,) in tables
        if "guild_id" in {row[1] for row in tx.execute(f"PRAGMA table_info({table})")}
    ]
    assert len(with_server) >= 10
    for table in with_server:
        assert not tx.execute(f"SELECT 1 FROM {table} WHERE guild_id = ?", (GUILD,)).fetchall()


async def test_the_log_is_read_in_pages(database: Database) -> None:
    """Newest first, of one server, each entry as it was written."""

    def work(tx: sqlite3.Connection) -> list[AuditEntry | None]:
        governing.block(tx, Act(OTHER, MODERATOR, NOW), MEMBER)
        return [
            governing.set_limit(tx, Act(GUILD, MODERATOR, NOW + n), Whose.EVERYONE, amount=n)
            for n in range(5)
        ]

    written = (await database.write(work))[::-1]

    first = await audit.page(database, GUILD, most=2)
    second = await audit.page(database, GUILD, before_id=first[-1].id, most=9)

    assert [*first, *second] == written


async def test_a_change_and_its_entry_are_one_transaction(database: Database) -> None:
    """If the one cannot be, nor is the other."""

    def work(tx: sqlite3.Connection) -> None:
        governing.block(tx, ACT, MEMBER)
        raise RuntimeError("a crash")

    with pytest.raises(RuntimeError):
        await database.write(work)

    assert await audit.page(database, GUILD, most=9) == []
    assert await database.read(book) == NOTHING


# -- the migration -------------------------------------------------------------------------


@pytest.mark.usefixtures("database_path")
def test_older_policies_and_reservations_are_kept(tmp_path: Path) -> None:
    """Limits that servers had, and the channel of what is in the window."""
    path = tmp_path / "old.db"
    policy = next(number for number, name, _ in migrations() if name.endswith("_policy.sql"))
    migrate(path, [step for step in migrations() if step[0] < policy])
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("INSERT INTO guild_policy VALUES (1, 9, NULL, 3), (2, NULL, NULL, NULL)")
        for job_id, parent in ((1, None), (2, 20)):
            db.execute(
                """
                INSERT INTO job (id, request_key, guild_id, channel_id, parent_id, user_id, verb,
                                 prompt, state, created_at, changed_at)
                VALUES (?1, ?1, 1, 21, ?2, 300, 'create', 'x', 'queued', 5, 5)
                """,
                (job_id, parent),
            )
            db.execute(
                "INSERT INTO reservation (job_id, guild_id, user_id, credits, held_at) "
                "VALUES (?, 1, 300, 1, 5)",
                (job_id,),
            )

    migrate(path)

    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        assert book(db).server == Policy(GUILD, Quota(9, 24 * HOUR, 3))
        assert book(db, OTHER) == Rulebook(Policy(OTHER, DEFAULT))
        assert db.execute("SELECT channel_id FROM reservation").fetchall() == [(21,), (20,)]
        assert db.execute("PRAGMA foreign_key_check").fetchall() == []
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        with pytest.raises(sqlite3.IntegrityError, match="a reservation names its channel"):
            db.execute("INSERT INTO reservation (job_id, guild_id, user_id, credits, held_at) "
                       "VALUES (3, 1, 300, 1, 5)")  # fmt: skip


def test_limits_of_servers_outlive_the_ceiling_that_stood_among_them(tmp_path: Path) -> None:
    """The operator's is a setting from now on; every other row is as it was."""
    path = tmp_path / "old.db"
    logbook = next(number for number, name, _ in migrations() if name.endswith("_logbook.sql"))
    migrate(path, [step for step in migrations() if step[0] < logbook])
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("INSERT INTO usage_limit VALUES (0, 'server', 0, 9, 8, NULL)")
        CHANGES["the budget"][0](db)
        CHANGES["a member"][0](db)
        before = db.execute("SELECT * FROM usage_limit WHERE guild_id <> 0").fetchall()

    migrate(path)

    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        assert db.execute("SELECT * FROM usage_limit").fetchall() == before
        assert len(before) == 2
