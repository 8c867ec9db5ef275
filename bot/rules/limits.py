"""The rules that count: unfinished jobs, and credits in windows that roll."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from bot.model import Quota
from bot.rules.access import SILENT
from bot.rules.books import (
    EVERYTHING,
    Books,
    Needs,
    Subject,
    Sum,
    channel_of,
    member_of,
    server_of,
)
from bot.rules.policy import Asker, Grant, Limit, Rate, Rulebook
from bot.rules.trace import Line, Measure, Outcome, Rule, Source


class RateOf(NamedTuple):
    """A rate, or a quota for its rate, and where it was set; ``id`` is the role or channel, if it
    is one's.
    """

    source: Source
    id: int | None
    rate: Rate | Quota


class CapOf(NamedTuple):
    """A number of unfinished jobs and where it was set."""

    source: Source
    id: int | None
    concurrent: int


def own_rates(book: Rulebook, asker: Asker) -> list[RateOf]:
    """The rates of which the best one holds for this member: the one set for the member, else
    those of the member's roles, else the server's default.
    """
    if book.member.limit.rate is not None:
        return [RateOf(Source.MEMBER, None, book.member.limit.rate)]
    roles = [
        RateOf(Source.ROLE, role, limit.rate)
        for role, limit in _role_limits(book, asker)
        if limit.rate is not None
    ]
    return roles or [RateOf(Source.DEFAULT, None, book.server.default)]


def own_cap(book: Rulebook, asker: Asker) -> CapOf:
    """How many jobs this member may have at once: as for the rates, and independent of them."""
    if book.member.limit.concurrent is not None:
        return CapOf(Source.MEMBER, None, book.member.limit.concurrent)
    roles = [
        CapOf(Source.ROLE, role, limit.concurrent)
        for role, limit in _role_limits(book, asker)
        if limit.concurrent is not None
    ]
    if roles:
        return max(roles, key=lambda cap: cap.concurrent)
    return CapOf(Source.DEFAULT, None, book.server.default.concurrent)


def _role_limits(book: Rulebook, asker: Asker) -> list[tuple[int, Limit]]:
    limits = book.server.roles
    if not limits:
        return []
    return [(role, limits[role]) for role in sorted(asker.roles & limits.keys())]


def needs(book: Rulebook, asker: Asker) -> Needs:
    """What these rules will ask the books for, so that it can be read at once."""
    member = member_of(asker)
    sums = {Sum(member, one.rate.window_ms) for one in own_rates(book, asker)}
    counts = {member}
    limit = _channel_limit(book, asker)
    if limit.rate is not None:
        sums.add(Sum(channel_of(asker), limit.rate.window_ms))
    if limit.concurrent is not None:
        counts.add(channel_of(asker))
    if book.server.budget is not None:
        sums.add(Sum(server_of(asker.guild_id), book.server.budget.window_ms))
    if book.operator.ceiling is not None:
        sums.add(Sum(EVERYTHING, book.operator.ceiling.window_ms))
    return Needs(frozenset(sums), frozenset(counts))


def unfinished(book: Rulebook, asker: Asker, books: Books) -> Line:
    """How many jobs this member may have at once."""
    cap = own_cap(book, asker)
    return _at_once(Rule.UNFINISHED, cap, books.unfinished(member_of(asker)))


def member_limit(book: Rulebook, asker: Asker, price: int, books: Books, now: int) -> Line:
    """The member's own limit, and with it the grants that have not ended.

    The best of several roles is the one that serves the member best now: of those that let the
    order pass, the one that leaves most; if none does, the one that lets it pass first.
    """
    grants = [grant for grant in book.member.grants if grant.active(now)]
    subject = member_of(asker)
    lines = [
        _rate(Rule.MEMBER_LIMIT, one, subject, price, books, grants)
        for one in own_rates(book, asker)
    ]
    return lines[0] if len(lines) == 1 else min(lines, key=_worse)


def _worse(line: Line) -> tuple[bool, bool, int]:
    measure, opens = line.measure, line.changes_at
    assert measure is not None
    if not line.refuses:
        return (False, False, -measure.left)
    return (True, opens is None, -measure.left if opens is None else opens)


def channel_limit(book: Rulebook, asker: Asker, price: int, books: Books) -> list[Line]:
    """What may be asked for in this channel and its threads, by all members together."""
    limit = _channel_limit(book, asker)
    if limit.concurrent is None and limit.rate is None:
        return [SILENT[Rule.CHANNEL_LIMIT]]
    channel, lines = channel_of(asker), []
    if limit.concurrent is not None:
        cap = CapOf(Source.CHANNEL, channel.id, limit.concurrent)
        lines.append(_at_once(Rule.CHANNEL_LIMIT, cap, books.unfinished(channel)))
    if limit.rate is not None:
        one = RateOf(Source.CHANNEL, channel.id, limit.rate)
        lines.append(_rate(Rule.CHANNEL_LIMIT, one, channel, price, books))
    return lines


def _channel_limit(book: Rulebook, asker: Asker) -> Limit:
    channels = book.server.channels
    return channels.get(asker.top_channel_id, _NO_LIMIT) if channels else _NO_LIMIT


_NO_LIMIT: Final = Limit()


def server_budget(book: Rulebook, asker: Asker, price: int, books: Books) -> Line:
    """What the whole server may use."""
    if book.server.budget is None:
        return SILENT[Rule.SERVER_BUDGET]
    one = RateOf(Source.SERVER, None, book.server.budget)
    return _rate(Rule.SERVER_BUDGET, one, server_of(asker.guild_id), price, books)


def operator_ceiling(book: Rulebook, price: int, books: Books) -> Line:
    """What all servers together may use."""
    if book.operator.ceiling is None:
        return SILENT[Rule.OPERATOR_CEILING]
    one = RateOf(Source.OPERATOR, None, book.operator.ceiling)
    return _rate(Rule.OPERATOR_CEILING, one, EVERYTHING, price, books)


def _at_once(rule: Rule, cap: CapOf, count: int) -> Line:
    measure = Measure(count, cap.concurrent, 1, cap.source)
    outcome = Outcome.PASSES if measure.fits else Outcome.REFUSES
    return Line(rule, outcome, measure, cap.id)


def _rate(
    rule: Rule,
    one: RateOf,
    subject: Subject,
    price: int,
    books: Books,
    grants: Sequence[Grant] = (),
) -> Line:
    sum_ = Sum(subject, one.rate.window_ms)
    granted = sum([grant.credits for grant in grants])
    limit = one.rate.credits + granted
    measure = Measure(books.used(sum_), limit, price, one.source, one.rate.window_ms, granted)
    if measure.fits:
        return Line(rule, Outcome.PASSES, measure, one.id)
    opens = _opens_at(measure, sum_, books, grants)
    return Line(rule, Outcome.REFUSES, measure, one.id, opens)


def _opens_at(measure: Measure, sum_: Sum, books: Books, grants: Sequence[Grant]) -> int | None:
    """When enough has left the window: while the grants last, or after some of them have ended
    and more has to leave.
    """
    excess = measure.used + measure.cost - measure.limit
    for end in sorted({grant.until for grant in grants}):
        opens = books.leave_at(sum_, excess)
        if opens is not None and opens < end:
            return opens
        excess += sum(grant.credits for grant in grants if grant.until == end)
    return books.leave_at(sum_, excess)
