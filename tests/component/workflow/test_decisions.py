"""Many orders at once, decided by the real store: no limit is passed, and all agree."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Sequence
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.model import Quota, Requester, Verb
from bot.rules.costs import Order
from bot.rules.policy import Asker, Installation, Rate
from bot.rules.trace import Rule, Trace
from bot.store import governing, ledger
from bot.store.audit import Act
from bot.store.batch import Batch
from bot.store.database import Database, fetch, within
from bot.store.governing import Whose
from bot.workflow.decisions import Decisions, account_now, decide_now, left_for_late
from tests.reservations import Held, write

NOW = 1_700_000_000_000
HOUR = 3_600_000
GUILD, CHANNEL, MEMBER = 1, 20, 300
HERE = Installation(Quota(5, 24 * HOUR, 2))
ACT = Act(GUILD, 900, NOW)
ORDER = Order(Verb.CREATE)


class Counter:
    """Takes orders as intake does: many in one commit, each decided after those before it."""

    def __init__(self, database: Database) -> None:
        self.orders: Batch[Asker, Trace] = Batch(database, self._write)
        self.commits = 0
        self._next = 1

    def _write(self, tx: sqlite3.Connection, askers: Sequence[Asker]) -> list[Trace | Exception]:
        self.commits += 1
        decisions = Decisions(tx, askers, HERE, NOW, writing=True)
        traces: list[Trace | Exception] = []
        taken: list[Held] = []
        for asker in askers:
            trace = decisions.on(asker, ORDER)
            traces.append(trace)
            if trace.allowed:
                decisions.take(asker, trace)
                taken.append(
                    Held(self._next, GUILD, asker.user_id, asker.channel_id, trace.cost, NOW)
                )
                self._next += 1
        write(tx, taken)
        return traces


async def test_forty_at_once_pass_no_limit(database: Database) -> None:
    """Of members, channel and server: as many as fit, whoever comes first, and each refusal
    says when it opens, though what it waits for was not yet written when it was decided.
    """

    def policy(tx: sqlite3.Connection) -> None:
        governing.set_limit(tx, ACT, Whose.EVERYONE, amount=6, concurrent=99)
        governing.set_limit(tx, ACT, Whose.CHANNEL, CHANNEL, amount=15, window_ms=HOUR)
        governing.set_limit(tx, ACT, Whose.SERVER, amount=20, window_ms=2 * HOUR)

    await database.write(policy)
    counter = Counter(database)
    askers = [Asker(GUILD, MEMBER + n % 5, CHANNEL if n % 2 else 99) for n in range(40)]

    traces = await asyncio.gather(*(counter.orders.put(asker) for asker in askers))
    traces += await asyncio.gather(*(counter.orders.put(asker) for asker in askers))

    assert sum(trace.allowed for trace in traces) == 20
    assert counter.commits < 40
    rows = await database.fetch(
        "SELECT user_id, channel_id, sum(credits) AS used FROM reservation GROUP BY 1, 2", {}
    )
    assert sum(row["used"] for row in rows) == 20
    assert sum(row["used"] for row in rows if row["channel_id"] == CHANNEL) <= 15
    opens = {(trace.decided.rule, trace.decided.changes_at) for trace in traces if trace.decided}
    assert opens <= {
        (Rule.MEMBER_LIMIT, NOW + 24 * HOUR),
        (Rule.CHANNEL_LIMIT, NOW + HOUR),
        (Rule.SERVER_BUDGET, NOW + 2 * HOUR),
    }
    assert Rule.SERVER_BUDGET in {rule for rule, _ in opens}


async def test_what_is_asked_in_between_is_what_intake_decides(database: Database) -> None:
    """A reader gets the trace that the next order in the queue will get, line for line."""
    counter = Counter(database)
    asker = Asker(GUILD, MEMBER, CHANNEL)

    for _ in range(4):
        told = await decide_now(database, asker, ORDER, HERE, NOW)
        assert await counter.orders.put(asker) == told

    assert not told.allowed
    assert told.decided is not None
    assert told.decided.rule is Rule.UNFINISHED


async def test_the_next_credit_is_the_oldest_in_the_window(database: Database) -> None:
    """Not the newest, not a released one, and none where nothing is used."""
    asker = Asker(GUILD, MEMBER, CHANNEL)
    assert (await account_now(database, asker, HERE, NOW)).next_credit_at is None

    held = [
        Held(1, GUILD, MEMBER, CHANNEL, 1, NOW - 3, state="released", finished=True),
        Held(2, GUILD, MEMBER, CHANNEL, 1, NOW - 2, finished=True),
        Held(3, GUILD, MEMBER, CHANNEL, 1, NOW - 1, finished=True),
    ]
    await database.write(lambda tx: write(tx, held))

    account = await account_now(database, asker, HERE, NOW)
    assert (account.trace.left, account.next_credit_at) == (3, NOW - 2 + 24 * HOUR)


async def test_after_a_lowered_limit_more_must_free_first(database: Database) -> None:
    """Three used of one: the next credit is the third to leave; of nothing at all, none."""
    asker = Asker(GUILD, MEMBER, CHANNEL)
    held = [Held(n, GUILD, MEMBER, CHANNEL, 1, NOW - 9 + n, finished=True) for n in (1, 2, 3)]
    await database.write(lambda tx: write(tx, held))

    for amount, expected in ((1, NOW - 6 + HOUR), (0, None)):
        account = await account_now(database, asker, Installation(Quota(amount, HOUR, 9)), NOW)
        assert (account.trace.left, account.next_credit_at) == (0, expected)


async def test_the_operators_ceiling_is_for_all_servers_together(database: Database) -> None:
    """What one server has used is not there for another, in every way of asking; and it is the
    setting that says so, whatever stands in the database.
    """
    here = Installation(Quota(5, HOUR, 9), ceiling=Rate(2, HOUR))
    held = [Held(n, n, MEMBER, CHANNEL, 1, NOW - 9 + n, finished=True) for n in (1, 2)]
    await database.write(lambda tx: write(tx, held))
    asker, who = Asker(3, MEMBER, CHANNEL), Requester(1, MEMBER, 3, CHANNEL)

    trace = await decide_now(database, asker, ORDER, here, NOW)
    account = await account_now(database, asker, here, NOW)
    late = await database.read(lambda tx: left_for_late(tx, who, here, NOW))

    assert trace.decided is not None
    assert (trace.decided.rule, trace.decided.changes_at) == (
        Rule.OPERATOR_CEILING,
        NOW - 8 + HOUR,
    )
    assert (account.trace, late) == (trace, 0)
    assert (await decide_now(database, asker, ORDER, HERE, NOW)).allowed


ROLE, OTHER_ROLE = 501, 502


@pytest.mark.parametrize(
    ("roles", "personal", "left"),
    [
        ({}, None, 4),
        ({ROLE: 9}, None, 4),
        ({ROLE: 9, OTHER_ROLE: 2}, None, 1),
        ({OTHER_ROLE: 0}, None, 0),
        ({GUILD: 3}, None, 2),
        ({OTHER_ROLE: 2}, 8, 7),
    ],
)
async def test_without_roles_the_strictest_of_them_decides(
    database: Database, roles: dict[int, int], personal: int | None, left: int
) -> None:
    """A late video is charged only if it would fit whatever roles its member has. One credit is
    used already; the role of everybody is everybody's, and a personal limit needs no role.
    """
    who = Requester(1, MEMBER, GUILD, CHANNEL)

    def policy(tx: sqlite3.Connection) -> None:
        for role, amount in roles.items():
            governing.set_limit(tx, ACT, Whose.ROLE, role, amount=amount)
        if personal is not None:
            governing.set_limit(tx, ACT, Whose.MEMBER, MEMBER, amount=personal)
        write(tx, [Held(1, GUILD, MEMBER, CHANNEL, 1, NOW, finished=True)])

    await database.write(policy)

    assert await database.read(lambda tx: left_for_late(tx, who, HERE, NOW)) == left


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
    quota, now = Quota(2, 60, 99), NOW
    asker, who = Asker(GUILD, MEMBER, CHANNEL), Requester(1, MEMBER, GUILD, CHANNEL)
    await database.write(lambda tx: tx.execute("DELETE FROM job"))
    taken: list[int] = []
    for number, (what, pause) in enumerate(steps, start=1):
        now += pause
        if what == "take":
            if (await decide_now(database, asker, ORDER, Installation(quota), now)).allowed:
                row = Held(number, GUILD, MEMBER, CHANNEL, 1, now)
                await database.write(lambda tx, row=row: write(tx, [row]))  # type: ignore[misc]
                taken.append(number)
        elif taken:
            job_id = taken[pause % len(taken)]
            async with database.transaction() as tx:
                if what == "release":
                    await fetch(
                        tx,
                        "UPDATE reservation SET state = 'released', settled_at = :now "
                        "WHERE job_id = :id AND state = 'held'",
                        {"now": now, "id": job_id},
                    )
                    continue
                await fetch(
                    tx,
                    "UPDATE job SET state = 'delivering', code = 'late', pika_id = :id "
                    "WHERE id = :id",
                    {"id": job_id},
                )
                left = await within(tx, partial(_left, who=who, quota=quota, now=now))
                await ledger.charge_late(tx, job_id, left, now)

    rows = await database.fetch("SELECT held_at FROM reservation WHERE state <> 'released'", {})
    ends = [row["held_at"] for row in rows]
    for end in ends:
        assert sum(end - quota.window_ms < at <= end for at in ends) <= quota.credits


def _left(tx: sqlite3.Connection, who: Requester, quota: Quota, now: int) -> int:
    return left_for_late(tx, who, Installation(quota), now)
