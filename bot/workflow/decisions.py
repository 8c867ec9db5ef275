"""Deciding by what is written down: the rules, fed by the store, in one transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot.model import Requester, Verb
from bot.rules.books import Sum, member_of
from bot.rules.costs import Order
from bot.rules.engine import decide
from bot.rules.limits import needs
from bot.rules.policy import Asker, Installation, Rulebook
from bot.rules.strikes import StrikeCount
from bot.rules.trace import Rule, Trace
from bot.store import policies, usage
from bot.store.database import Database
from bot.store.policies import Member
from bot.workflow.servers import strikes


class Decisions:
    """Decides on orders one after the other, each seeing those taken before it.

    Everything is read at once for all ``askers``; good as long as the transaction is open.
    With ``writing``, the transaction is one that writes, and has written nothing yet.
    """

    def __init__(
        self,
        tx: sqlite3.Connection,
        askers: Sequence[Asker],
        installation: Installation,
        now: int,
        *,
        writing: bool,
    ) -> None:
        self._now = now
        self._books = policies.read(tx, [_member(asker) for asker in askers], installation, now)
        needed = usage.together(needs(self.rulebook(asker), asker) for asker in askers)
        read = usage.read_to_write if writing else usage.read
        self._numbers = read(tx, needed, now)

    def rulebook(self, asker: Asker) -> Rulebook:
        """What is set and may concern this asker."""
        return self._books[_member(asker)]

    def on(self, asker: Asker, order: Order) -> Trace:
        """The decision on one more order of one of the askers."""
        return decide(self.rulebook(asker), asker, order, self._numbers, self._now)

    def next_credit_at(self, asker: Asker, trace: Trace) -> int | None:
        """When the member's own limit leaves more than in ``trace``; ``None`` when nothing is
        used, or when no waiting helps.
        """
        line = trace.of(Rule.MEMBER_LIMIT)
        measure = line.measure
        if measure is None or measure.window_ms is None or not measure.used:
            return None
        if line.refuses:
            return line.changes_at
        return self._numbers.leave_at(Sum(member_of(asker), measure.window_ms), 1)

    def take(self, asker: Asker, trace: Trace) -> None:
        """The order is taken: the next decision counts it."""
        self._numbers.take(asker, trace.cost)


def _member(asker: Asker) -> Member:
    return asker.guild_id, asker.user_id


@dataclass(frozen=True, slots=True)
class Account:
    """What a member may still do here: the decision on one more, when the next credit of their
    own limit frees, and how many strikes count, where the server counts any. Strikes are no part
    of the decision: they come of what was decided, and end in a block, which is.
    """

    trace: Trace
    next_credit_at: int | None
    strikes: StrikeCount | None = None


async def account_now(
    database: Database, asker: Asker, installation: Installation, now: int
) -> Account:
    """The account by what is committed, for a video from words."""

    def read(tx: sqlite3.Connection) -> Account:
        decisions = Decisions(tx, [asker], installation, now, writing=False)
        trace = decisions.on(asker, Order(Verb.CREATE))
        return Account(
            trace,
            decisions.next_credit_at(asker, trace),
            strikes.standing(tx, asker.guild_id, asker.user_id, now),
        )

    return await database.read(read)


def left_for_late(
    tx: sqlite3.Connection, requester: Requester, installation: Installation, now: int
) -> int:
    """Credits that a job of this member may cost now, when nobody knows the member's roles any
    more: the least that any role with a limit, or none, would leave.
    """
    asker = Asker(
        requester.guild_id,
        requester.user_id,
        requester.channel_id,
        parent_id=requester.parent_id,
    )
    book = policies.read(tx, [_member(asker)], installation, now)[_member(asker)]
    askers = [asker, *(replace(asker, role_ids=frozenset({id_})) for id_ in book.server.roles)]
    decisions = Decisions(tx, askers, installation, now, writing=False)
    return min(decisions.on(one, Order(Verb.CREATE)).left for one in askers)


async def decide_now(
    database: Database, asker: Asker, order: Order, installation: Installation, now: int
) -> Trace:
    """The decision on one order by what is committed; the order is not taken."""
    return await database.read(
        lambda tx: Decisions(tx, [asker], installation, now, writing=False).on(asker, order)
    )
