"""Sums over rolling windows: always what adding up the reservations gives, and never dearer."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from bot.rules.books import EVERYTHING, Needs, Scope, Subject, Sum
from bot.rules.policy import Asker, Rate
from bot.store import usage
from bot.store.database import Database
from tests.books import ListBooks, Reserved
from tests.reservations import Held, write

START = 1_000_000
WINDOW = 100
GUILD, CHANNEL, THREAD, MEMBER = 1, 20, 21, 300
MINE = Sum(Subject(Scope.MEMBER, GUILD, MEMBER), WINDOW)
SUBJECTS = (
    MINE.subject,
    Subject(Scope.MEMBER, GUILD, 301),
    Subject(Scope.CHANNEL, GUILD, CHANNEL),
    Subject(Scope.CHANNEL, GUILD, 22),
    Subject(Scope.SERVER, GUILD, GUILD),
    Subject(Scope.SERVER, 2, 2),
    EVERYTHING,
)
NEEDS = Needs(
    sums=frozenset(Sum(subject, window) for subject in SUBJECTS for window in (WINDOW, 30)),
    counts=frozenset(one for one in SUBJECTS if one.scope in {Scope.MEMBER, Scope.CHANNEL}),
)


@pytest.fixture
def tx(database_path: Path) -> Iterator[sqlite3.Connection]:
    """One long writing transaction."""
    with closing(sqlite3.connect(database_path, isolation_level=None)) as db:
        db.execute("PRAGMA foreign_keys = ON")
        db.execute("BEGIN")
        yield db
        db.rollback()


def held(job_id: int, at: int, amount: int = 1, **values: object) -> Held:
    return Held(job_id, GUILD, MEMBER, CHANNEL, amount, START + at)._replace(**values)  # type: ignore[arg-type]


def mine(tx: sqlite3.Connection, at: int, sum_: Sum = MINE) -> int:
    return usage.read(tx, Needs(frozenset({sum_}), frozenset()), START + at).used(sum_)


def sums(tx: sqlite3.Connection) -> list[tuple[object, ...]]:
    return tx.execute("SELECT scope, since, credits FROM rolling_sum ORDER BY scope").fetchall()


# -- what counts ---------------------------------------------------------------------------


def test_nothing_is_used_where_nobody_asked(tx: sqlite3.Connection) -> None:
    """Of every kind."""
    books = usage.read(tx, NEEDS, START)

    assert {books.used(sum_) for sum_ in NEEDS.sums} == {0}
    assert {books.unfinished(subject) for subject in NEEDS.counts} == {0}


@pytest.mark.parametrize(("state", "used"), [("held", 3), ("charged", 3), ("released", 0)])
def test_held_and_charged_credits_are_used_and_released_ones_are_not(
    tx: sqlite3.Connection, state: str, used: int
) -> None:
    """Or forty at once would pass any limit."""
    write(tx, [held(1, 0, 3, state=state)])

    assert mine(tx, 0) == used


def test_a_credit_leaves_exactly_when_the_window_has_passed(tx: sqlite3.Connection) -> None:
    """Not a millisecond earlier, nor later."""
    write(tx, [held(1, 0)])

    assert (mine(tx, WINDOW - 1), mine(tx, WINDOW)) == (1, 0)


def test_each_subject_has_its_own(tx: sqlite3.Connection) -> None:
    """Threads count for their channel; a person is somebody else in another server."""
    write(
        tx,
        [
            held(1, 0, 1),
            held(2, 0, 2, channel_id=THREAD, parent_id=CHANNEL),
            held(3, 0, 4, user_id=301, channel_id=22),
            held(4, 0, 8, guild_id=2, channel_id=23),
            held(5, 0, 16, finished=True, state="charged"),
        ],
    )

    books = usage.read(tx, NEEDS, START)

    assert [books.used(Sum(subject, WINDOW)) for subject in SUBJECTS] == [19, 4, 19, 4, 23, 8, 31]
    assert [books.unfinished(one) for one in SUBJECTS if one in NEEDS.counts] == [2, 1, 2, 1]


# -- when credits leave --------------------------------------------------------------------


def test_credits_leave_the_oldest_first(tx: sqlite3.Connection) -> None:
    """Two, three and one of them; more than there are never leave."""
    write(tx, [held(1, 10, 2), held(2, 20, 3), held(3, 30, 1), held(4, 5, 9, state="released")])
    books = usage.read(tx, NEEDS, START + 40)

    leave = [books.leave_at(MINE, amount) for amount in range(1, 8)]

    expected = [10, 10, 20, 20, 20, 30]
    assert leave == [*(START + WINDOW + at for at in expected), None]


def test_what_this_transaction_takes_leaves_last(tx: sqlite3.Connection) -> None:
    """Before it is written, so that many orders can be decided and then written together."""
    write(tx, [held(1, 0)])
    books = usage.read(tx, NEEDS, START + 10)

    books.take(Asker(GUILD, MEMBER, THREAD, parent_id=CHANNEL), 4)

    assert [books.used(Sum(subject, WINDOW)) for subject in SUBJECTS] == [5, 0, 5, 0, 5, 0, 5]
    assert books.unfinished(MINE.subject) == books.unfinished(SUBJECTS[2]) == 2
    assert books.leave_at(MINE, 1) == START + WINDOW
    assert books.leave_at(MINE, 2) == START + 10 + WINDOW
    assert books.leave_at(MINE, 6) is None


# -- long sums -----------------------------------------------------------------------------


def _many(count: int, first: int = 1, at: int = 0) -> list[Held]:
    return [held(first + number, at, finished=True, state="charged") for number in range(count)]


def test_a_reader_writes_nothing(tx: sqlite3.Connection) -> None:
    """It may be read-only."""
    write(tx, _many(2 * usage.FEW))

    usage.read(tx, NEEDS, START)

    assert sums(tx) == []


def test_only_what_is_long_is_written_down(tx: sqlite3.Connection) -> None:
    """Members with a few jobs are added up faster than looked up."""
    write(tx, [*_many(usage.FEW), *(held(99, 0, user_id=301),)])

    usage.read_to_write(tx, NEEDS, START)

    assert {scope for scope, _, _ in sums(tx)} == {"channel", "everything", "server"}


async def test_an_earlier_ceilings_sum_is_not_kept(database: Database) -> None:
    """It would be counted on for ever, and nobody asks for it. That of this ceiling is kept."""
    windows = (WINDOW, 2 * WINDOW)
    needs = Needs(frozenset(Sum(EVERYTHING, one) for one in windows), frozenset())
    await database.write(lambda tx: write(tx, _many(2 * usage.FEW)))
    await database.write(lambda tx: usage.read_to_write(tx, needs, START))

    for ceiling, left in ((Rate(5, WINDOW), [WINDOW]), (None, [])):
        await usage.keep_ceiling(database, ceiling)
        rows = await database.fetch("SELECT window_ms FROM rolling_sum", {})
        assert [row["window_ms"] for row in rows] == left


def test_what_has_left_is_written_down_when_it_is_more_than_a_few(tx: sqlite3.Connection) -> None:
    """So that the next decision does not read it again."""
    write(tx, [*_many(usage.FEW), *_many(usage.FEW, 100, at=10), *_many(1, 200, at=20)])
    needs = Needs(frozenset({MINE}), frozenset())
    usage.read_to_write(tx, needs, START + 20)
    assert sums(tx) == [("member", START + 20 - WINDOW, 2 * usage.FEW + 1)]

    assert usage.read_to_write(tx, needs, START + WINDOW).used(MINE) == usage.FEW + 1
    assert sums(tx) == [("member", START + 20 - WINDOW, 2 * usage.FEW + 1)]

    assert usage.read_to_write(tx, needs, START + WINDOW + 10).used(MINE) == 1
    assert sums(tx) == [("member", START + 10, 1)]


def test_a_late_charge_counts_from_its_own_moment(tx: sqlite3.Connection) -> None:
    """A released reservation may be charged for a video that came late, as of then."""
    write(tx, [*_many(usage.FEW + 1), held(99, 0, 5, state="released")])
    usage.read_to_write(tx, NEEDS, START)
    tx.execute("DROP TRIGGER reservation_settles_once")  # it asks for the job's state too

    tx.execute(
        "UPDATE reservation SET state = 'charged', held_at = ? WHERE job_id = 99", (START + 50,)
    )

    assert mine(tx, 60) == usage.FEW + 6
    assert mine(tx, WINDOW) == 5


def test_a_clock_that_was_put_back_counts_nothing_twice(tx: sqlite3.Connection) -> None:
    """What is reserved before the moment at which a sum begins is found in the rows alone."""
    write(tx, _many(usage.FEW + 1))
    usage.read_to_write(tx, NEEDS, START + 99)

    write(tx, _many(2, 100, at=-50))
    assert mine(tx, -50) == mine(tx, 49) == usage.FEW + 3
    assert mine(tx, 50) == usage.FEW + 1

    tx.execute("DELETE FROM job WHERE id = 100")
    assert mine(tx, -50) == usage.FEW + 2


def test_no_decision_reads_a_whole_table(tx: sqlite3.Connection) -> None:
    """Every step that reads jobs or reservations goes by an index made for it."""
    asked: list[str] = []
    write(tx, _many(50))
    tx.set_trace_callback(asked.append)
    books = usage.read_to_write(tx, NEEDS, START)
    for sum_ in NEEDS.sums:
        books.leave_at(sum_, 1)
        books.leave_at(sum_, max(1, books.used(sum_) - 1))
    tx.set_trace_callback(None)

    reads = [sql for sql in asked if sql.lstrip().startswith("SELECT")]
    plans = [row[3] for sql in reads for row in tx.execute(f"EXPLAIN QUERY PLAN {sql}")]
    steps = [step for step in plans if step.split()[1] in {"r", "j", "reservation", "rolling_sum"}]

    assert {step.split()[0] for step in steps} == {"SEARCH"}
    assert {"reservation_counts", "reservation_of_channel", "reservation_of_server",
            "reservation_of_all", "job_unfinished", "job_unfinished_here"} <= {
        word for step in steps for word in step.split()
    }  # fmt: skip


async def test_a_reader_sees_one_moment(database: Database) -> None:
    """All numbers of a decision are from the same commit, and nothing can be written by it."""
    await database.write(lambda tx: write(tx, [held(1, 0)]))

    assert await database.read(lambda tx: mine(tx, 0)) == 1
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        await database.read(lambda tx: tx.execute("DELETE FROM job"))
    assert await database.read(lambda tx: mine(tx, 0)) == 1


# -- any history ---------------------------------------------------------------------------


class Histories(RuleBasedStateMachine):
    """Jobs come, end, are released, charged late and forgotten, while the clock goes forward
    and now and then back; the books are read by readers and by writers.
    """

    path: Path

    def __init__(self) -> None:
        super().__init__()
        self.db = sqlite3.connect(self.path, isolation_level=None)
        self.db.execute("PRAGMA foreign_keys = ON")
        self.db.execute("BEGIN")
        self.db.execute("DROP TRIGGER reservation_settles_once")
        self.rows: dict[int, Held] = {}
        self.now = START
        self.next = 1

    def teardown(self) -> None:
        self.db.rollback()
        self.db.close()

    @rule(by=st.sampled_from((1, 10, 29, 30, 99, -5, -60, 1000)))
    def time_passes(self, by: int) -> None:
        self.now += by

    @rule(
        count=st.sampled_from((1, 1, 7, usage.FEW + 1)),
        guild=st.sampled_from((GUILD, GUILD, 2)),
        user=st.sampled_from((MEMBER, 301)),
        where=st.sampled_from(((CHANNEL, None), (THREAD, CHANNEL), (22, None))),
        amount=st.integers(1, 3),
    )
    def jobs_come(
        self, count: int, guild: int, user: int, where: tuple[int, int | None], amount: int
    ) -> None:
        new = [
            Held(self.next + number, guild, user, where[0], amount, self.now, where[1])
            for number in range(count)
        ]
        self.next += count
        write(self.db, new)
        self.rows |= {one.job_id: one for one in new}

    @precondition(lambda self: self.rows)
    @rule(data=st.data(), state=st.sampled_from(("charged", "released", "late")))
    def one_settles(self, data: st.DataObject, state: str) -> None:
        job_id = data.draw(st.sampled_from(sorted(self.rows)))
        row = self.rows[job_id]
        late = state == "late" and row.state == "released"
        row = row._replace(
            state="charged" if state == "late" else state,
            held_at=self.now if late else row.held_at,
        )
        self.db.execute(
            "UPDATE reservation SET state = ?, held_at = ?, settled_at = ? WHERE job_id = ?",
            (row.state, row.held_at, self.now, job_id),
        )
        self.rows[job_id] = row

    @precondition(lambda self: self.rows)
    @rule(data=st.data())
    def one_is_forgotten(self, data: st.DataObject) -> None:
        job_id = data.draw(st.sampled_from(sorted(self.rows)))
        self.db.execute("DELETE FROM job WHERE id = ?", (job_id,))
        del self.rows[job_id]

    @rule(guild=st.sampled_from((0, GUILD, 2)))
    def windows_change(self, guild: int) -> None:
        usage.drop_sums(self.db, guild)

    @rule()
    def a_writer_decides(self) -> None:
        self._compare(usage.read_to_write(self.db, NEEDS, self.now))

    @invariant()
    def a_reader_agrees(self) -> None:
        self._compare(usage.read(self.db, NEEDS, self.now))

    def _compare(self, books: usage.Snapshot) -> None:
        plain = ListBooks(
            [
                Reserved(
                    Asker(one.guild_id, one.user_id, one.channel_id, parent_id=one.parent_id),
                    one.credits,
                    one.held_at,
                    unfinished=True,
                )
                for one in self.rows.values()
                if one.state != "released"
            ],
            self.now,
        )
        for sum_ in NEEDS.sums:
            used = plain.used(sum_)
            assert books.used(sum_) == used, sum_
            for amount in {1, used // 2 or 1, used or 1, used + 1}:
                assert books.leave_at(sum_, amount) == plain.leave_at(sum_, amount)


def test_the_sums_are_those_of_the_rows(database_path: Path) -> None:
    """After any history, to the credit, and so are the moments at which they leave."""
    Histories.path = database_path
    machine = type("Machine", (Histories,), {}).TestCase
    machine.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
    machine("runTest").runTest()
