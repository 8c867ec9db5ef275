"""What must hold of the rules whatever is set, whoever asks and whatever was used before."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import groupby
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.model import Quota, Verb
from bot.rules.books import EVERYTHING, Sum, channel_of, member_of, server_of
from bot.rules.costs import Order
from bot.rules.engine import decide
from bot.rules.limits import needs, own_cap, own_rates
from bot.rules.policy import (
    AgeRule,
    Asker,
    Block,
    Grant,
    Limit,
    Operator,
    Pause,
    Personal,
    Policy,
    Rate,
    Rulebook,
)
from bot.rules.trace import Line, Outcome, Rule, Trace
from tests.books import ListBooks, Reserved

NOW = 1_000
GUILD = 1
ROLES = (GUILD, 41, 42, 43)
CHANNELS = (21, 22)
THREAD = 31

moments = st.integers(NOW - 60, NOW + 60)
windows = st.sampled_from((7, 20, 50))
ends = st.none() | moments
rates = st.builds(Rate, st.integers(0, 6), windows)
limits = st.builds(Limit, st.none() | rates, st.none() | st.integers(1, 3))
roles = st.frozensets(st.sampled_from(ROLES[1:]))
some_roles = st.just(frozenset[int]()) | st.frozensets(st.sampled_from(ROLES), max_size=2)


@st.composite
def askers(draw: st.DrawFn, *, joined: st.SearchStrategy[int | None] = ends) -> Asker:
    parent = draw(st.none() | st.sampled_from(CHANNELS))
    return Asker(
        guild_id=GUILD,
        user_id=draw(st.sampled_from((301, 302))),
        channel_id=draw(st.sampled_from(CHANNELS)) if parent is None else THREAD,
        role_ids=draw(roles),
        parent_id=parent,
        joined_at=draw(joined),
        age_restricted=draw(st.booleans()),
    )


policies = st.builds(
    Policy,
    guild_id=st.just(GUILD),
    default=st.builds(Quota, st.integers(0, 6), windows, st.integers(1, 3)),
    roles=st.dictionaries(st.sampled_from(ROLES), limits, max_size=3),
    channels=st.dictionaries(st.sampled_from(CHANNELS), limits),
    budget=st.none() | rates,
    pause=st.none() | st.builds(Pause, until=ends),
    allowed_channels=st.just(frozenset[int]())
    | st.frozensets(st.sampled_from((*CHANNELS, THREAD, 99)), max_size=2),
    required_roles=some_roles,
    barred_roles=some_roles,
    newcomer_ms=st.sampled_from((0, 0, 30)),
    age=st.sampled_from((AgeRule.ANYWHERE, *AgeRule)),
    weights=st.just({}) | st.just({Verb.CREATE: 2}),
)
grants = st.builds(Grant, st.integers(1, 3), moments)
people = st.builds(
    Personal,
    limit=st.just(Limit()) | limits,
    grants=st.lists(grants, max_size=2).map(tuple),
    block=st.none() | st.builds(Block, until=ends),
)
operators = st.builds(
    Operator, pause=st.none() | st.builds(Pause, until=ends), ceiling=st.none() | rates
)
rulebooks = st.builds(Rulebook, policies, people, operators)
open_rulebooks = st.builds(
    Rulebook,
    policies.map(
        lambda one: replace(
            one,
            pause=None,
            allowed_channels=frozenset(),
            required_roles=frozenset(),
            barred_roles=frozenset(),
            newcomer_ms=0,
            age=AgeRule.ANYWHERE,
        )
    ),
    people.map(lambda one: replace(one, block=None)),
    st.builds(Operator, ceiling=st.none() | rates),
)
"""Only what counts: so that the rules that count are reached."""

reserved = st.builds(
    Reserved, askers(), st.integers(1, 3), st.integers(NOW - 60, NOW), st.booleans()
)
histories = st.lists(reserved, max_size=8)
orders = st.builds(
    Order,
    verb=st.sampled_from((Verb.CREATE, Verb.ANIMATE)),
    blocked_phrase=st.none() | st.none() | st.just("b*d"),
)
anybody = st.tuples(rulebooks | open_rulebooks, askers(), orders, histories)

REGULAR = Asker(GUILD, 301, CHANNELS[0], frozenset(ROLES[1:]), joined_at=0)
role_rates = st.builds(Limit, st.builds(Rate, st.integers(1, 5), windows))
regulars = st.builds(
    Rulebook,
    st.builds(
        Policy,
        guild_id=st.just(GUILD),
        default=st.builds(Quota, st.integers(0, 6), windows, st.just(99)),
        roles=st.dictionaries(st.sampled_from(ROLES), role_rates, max_size=3),
        budget=st.none() | st.builds(Rate, st.integers(3, 9), windows),
    ),
    st.builds(
        Personal,
        grants=st.lists(
            st.builds(Grant, st.integers(1, 4), st.integers(NOW + 1, NOW + 40)), max_size=3
        ).map(tuple),
    ),
)
spent = st.builds(
    Reserved, st.just(REGULAR), st.integers(1, 2), st.integers(NOW - 49, NOW), st.just(False)
)
one_regular = st.tuples(
    regulars, st.just(REGULAR), st.just(Order(Verb.CREATE)), st.lists(spent, max_size=10)
)
"""Only the member's own limit and the budget, and one who uses much: so that windows, roles and
grants that end decide, and not whatever stands before them."""

anybody = anybody | one_regular
Case = tuple[Rulebook, Asker, Order, list[Reserved]]


def traced(case: Case, now: int = NOW) -> Trace:
    book, asker, order, history = case
    return decide(book, asker, order, ListBooks(history, now), now)


# -- an oracle: the list of product rules, written down once more, plainly ------------------


def _refusing(case: Case, now: int) -> Iterator[Rule]:
    """Every rule that refuses, in the order of the list."""
    book, asker, order, history = case
    server, member, books = book.server, book.member, ListBooks(history, now)
    price = server.weights.get(order.verb, 1)
    mine = asker.role_ids | {GUILD}
    places = {asker.channel_id, asker.parent_id or asker.channel_id}

    def over(subject: Any, rate: Rate | None, more: int = 0) -> bool:
        if rate is None:
            return False
        return books.used(Sum(subject, rate.window_ms)) + price > rate.credits + more

    def holds(stop: Pause | Block | None) -> bool:
        return stop is not None and (stop.until is None or stop.until > now)

    if holds(book.operator.pause):
        yield Rule.OPERATOR_PAUSE
    if holds(server.pause):
        yield Rule.SERVER_PAUSE
    if holds(member.block):
        yield Rule.BLOCKED
    if mine & server.barred_roles:
        yield Rule.BARRED_ROLE
    if server.required_roles and not mine & server.required_roles:
        yield Rule.REQUIRED_ROLE
    if server.newcomer_ms and (
        asker.joined_at is None or now - asker.joined_at < server.newcomer_ms
    ):
        yield Rule.NEWCOMER
    if server.allowed_channels and not places & server.allowed_channels:
        yield Rule.CHANNEL
    if (server.age is AgeRule.ONLY_THERE and not asker.age_restricted) or (
        server.age is AgeRule.NOT_THERE and asker.age_restricted
    ):
        yield Rule.AGE
    if order.blocked_phrase:
        yield Rule.WORDS
    ours = [server.roles[role] for role in mine if role in server.roles]
    caps = [member.limit.concurrent] if member.limit.concurrent else []
    caps = caps or [limit.concurrent for limit in ours if limit.concurrent]
    if books.unfinished(member_of(asker)) >= max(caps or [server.default.concurrent]):
        yield Rule.UNFINISHED
    own = [member.limit.rate] if member.limit.rate else []
    own = own or [limit.rate for limit in ours if limit.rate]
    own = own or [Rate(server.default.credits, server.default.window_ms)]
    granted = sum(grant.credits for grant in member.grants if now < grant.until)
    if all(over(member_of(asker), rate, granted) for rate in own):
        yield Rule.MEMBER_LIMIT
    here = server.channels.get(asker.parent_id or asker.channel_id, Limit())
    if over(channel_of(asker), here.rate) or (
        here.concurrent and books.unfinished(channel_of(asker)) >= here.concurrent
    ):
        yield Rule.CHANNEL_LIMIT
    if over(server_of(GUILD), server.budget):
        yield Rule.SERVER_BUDGET
    if over(EVERYTHING, book.operator.ceiling):
        yield Rule.OPERATOR_CEILING


@settings(max_examples=300)
@given(anybody, moments)
def test_the_decision_is_the_first_rule_of_the_list_that_refuses(case: Case, now: int) -> None:
    """And the trace shows every rule that refuses, no other, each rule in its place."""
    expected = list(_refusing(case, now))

    trace = traced(case, now)

    assert [rule for rule, _ in groupby(line.rule for line in trace.lines)] == list(Rule)
    assert [rule for rule, _ in groupby(line.rule for line in trace.refusals)] == expected
    assert trace.allowed == (not expected)
    assert trace.decided is None or trace.decided.rule is expected[0]


@given(anybody)
def test_a_line_rests_on_its_numbers(case: Case) -> None:
    """They are those of the books, and the outcome follows from them alone."""
    book, asker, _, history = case
    books = ListBooks(history, NOW)
    whose = {
        Rule.UNFINISHED: member_of(asker),
        Rule.MEMBER_LIMIT: member_of(asker),
        Rule.CHANNEL_LIMIT: channel_of(asker),
        Rule.SERVER_BUDGET: server_of(GUILD),
        Rule.OPERATOR_CEILING: EVERYTHING,
    }
    trace = traced(case)

    for line in trace.lines:
        if line.measure is None:
            assert line.rule not in {Rule.UNFINISHED, Rule.MEMBER_LIMIT}
            continue
        subject, measure = whose[line.rule], line.measure
        assert line.refuses is (measure.used + measure.cost > measure.limit)
        assert measure.left == max(0, measure.limit - measure.used)
        if measure.window_ms is None:
            assert measure.used == books.unfinished(subject)
        else:
            assert measure.used == books.used(Sum(subject, measure.window_ms))
            assert measure.cost == trace.cost
            assert Sum(subject, measure.window_ms) in needs(book, asker).sums


class Strict(ListBooks):
    """Books that answer only what was announced."""

    announced: Any

    def used(self, sum_: Sum) -> int:
        assert sum_ in self.announced.sums
        return super().used(sum_)

    def unfinished(self, subject: Any) -> int:
        assert subject in self.announced.counts
        return super().unfinished(subject)


@given(anybody)
def test_everything_that_is_asked_was_announced(case: Case) -> None:
    """So that the numbers can be read at once, before the decision."""
    book, asker, order, history = case
    books = Strict(history, NOW)
    object.__setattr__(books, "announced", needs(book, asker))

    assert decide(book, asker, order, books, NOW) == traced(case)


# -- never over a limit --------------------------------------------------------------------


@settings(max_examples=300)
@given(
    open_rulebooks | regulars,
    st.lists(
        st.tuples(askers() | st.just(REGULAR), orders, st.integers(0, 15), st.sampled_from("--fr")),
        max_size=25,
    ),
)
def test_no_limit_is_ever_exceeded(
    book: Rulebook, steps: list[tuple[Asker, Order, int, str]]
) -> None:
    """Whoever asks in whatever order, while jobs finish (f) and are released (r)."""
    history: list[Reserved] = []
    now = NOW
    for asker, order, later, happens in steps:
        now += later
        if history and happens == "f":
            history[0] = replace(history[0], unfinished=False)
        if history and happens == "r":
            history.pop(len(history) // 2)
        trace = traced((book, asker, order, history), now)
        if not trace.allowed:
            continue
        history.append(Reserved(asker, trace.cost, now, unfinished=True))
        books = ListBooks(history, now)
        granted = sum(grant.credits for grant in book.member.grants if now < grant.until)
        assert books.unfinished(member_of(asker)) <= own_cap(book, asker).concurrent
        assert any(
            books.used(Sum(member_of(asker), one.rate.window_ms)) <= one.rate.credits + granted
            for one in own_rates(book, asker)
        )
        for channel, limit in book.server.channels.items():
            subject = channel_of(replace(asker, channel_id=channel, parent_id=None))
            if limit.rate is not None:
                assert books.used(Sum(subject, limit.rate.window_ms)) <= limit.rate.credits
            if limit.concurrent is not None:
                assert books.unfinished(subject) <= limit.concurrent
        for subject, rate in (
            (server_of(GUILD), book.server.budget),
            (EVERYTHING, book.operator.ceiling),
        ):
            assert rate is None or books.used(Sum(subject, rate.window_ms)) <= rate.credits


# -- fewer rules, more grants --------------------------------------------------------------

BOUNDLESS = Rate(10**9, 1)
Lift = Callable[[Rulebook, Order], tuple[Rulebook, Order]]


def _server(**values: Any) -> Lift:
    return lambda book, order: (replace(book, server=replace(book.server, **values)), order)


def _member(**values: Any) -> Lift:
    return lambda book, order: (replace(book, member=replace(book.member, **values)), order)


def _operator(**values: Any) -> Lift:
    return lambda book, order: (replace(book, operator=replace(book.operator, **values)), order)


def _own(**values: Any) -> Lift:
    return lambda book, order: _member(limit=replace(book.member.limit, **values))(book, order)


LIFTED: dict[Rule, Lift] = {
    Rule.OPERATOR_PAUSE: _operator(pause=None),
    Rule.SERVER_PAUSE: _server(pause=None),
    Rule.BLOCKED: _member(block=None),
    Rule.BARRED_ROLE: _server(barred_roles=frozenset()),
    Rule.REQUIRED_ROLE: _server(required_roles=frozenset()),
    Rule.NEWCOMER: _server(newcomer_ms=0),
    Rule.CHANNEL: _server(allowed_channels=frozenset()),
    Rule.AGE: _server(age=AgeRule.ANYWHERE),
    Rule.WORDS: lambda book, order: (book, replace(order, blocked_phrase=None)),
    Rule.UNFINISHED: _own(concurrent=10**9),
    Rule.MEMBER_LIMIT: _own(rate=BOUNDLESS),
    Rule.CHANNEL_LIMIT: _server(channels={}),
    Rule.SERVER_BUDGET: _server(budget=None),
    Rule.OPERATOR_CEILING: _operator(ceiling=None),
}


def _no_stricter(before: Trace, after: Trace) -> None:
    refused, still = ({line.rule for line in trace.refusals} for trace in (before, after))
    assert still <= refused
    for rule in still:
        earlier, later = before.of(rule).changes_at, after.of(rule).changes_at
        assert earlier is None or (later is not None and later <= earlier)
    assert before.opens_at is None or (
        after.opens_at is not None and after.opens_at <= before.opens_at
    )


@pytest.mark.parametrize("rule", Rule)
@given(case=anybody)
def test_without_a_rule_nothing_is_stricter(rule: Rule, case: Case) -> None:
    """What passed passes, nothing is refused by another rule than before, nor for longer."""
    book, asker, order, history = case
    fewer = LIFTED[rule](book, order)

    after = traced((fewer[0], asker, fewer[1], history))

    assert not after.of(rule).refuses
    _no_stricter(traced(case), after)


@settings(max_examples=300)
@given(anybody, grants)
def test_a_grant_never_hurts(case: Case, grant: Grant) -> None:
    """Whether it lasts, ends soon or has ended."""
    book, asker, order, history = case
    more = replace(book, member=replace(book.member, grants=(*book.member.grants, grant)))

    _no_stricter(traced(case), traced((more, asker, order, history)))


# -- when it changes -----------------------------------------------------------------------


def _same_line(of: Line, trace: Trace) -> Line:
    """The line about the same thing at another time; which role is best may have changed."""
    counts = [line.measure is not None and line.measure.window_ms is None for line in trace.lines]
    wanted = of.measure is not None and of.measure.window_ms is None
    return next(
        line
        for line, at_once in zip(trace.lines, counts, strict=True)
        if line.rule is of.rule and at_once == wanted
    )


@settings(max_examples=300)
@given(anybody, st.data())
def test_a_rule_changes_when_it_says(case: Case, data: st.DataObject) -> None:
    """If nothing else happens, it refuses at every moment before, and passes at that one.
    Where it names no moment, none ever comes.
    """
    for line in traced(case).refusals:
        opens = line.changes_at
        last = NOW + 500 if opens is None else opens - 1
        assert last >= NOW
        for moment in (last, data.draw(st.integers(NOW, last))):
            assert _same_line(line, traced(case, moment)).refuses
        if opens is not None:
            assert _same_line(line, traced(case, opens)).outcome is not Outcome.REFUSES


@settings(max_examples=300)
@given(anybody, st.data())
def test_an_order_is_refused_until_it_opens(case: Case, data: st.DataObject) -> None:
    """The moment that a member is told is never too late to be right, and never too early."""
    trace = traced(case)
    if trace.allowed:
        assert trace.opens_at == NOW
        return
    last = NOW + 500 if trace.opens_at is None else trace.opens_at - 1

    assert not traced(case, data.draw(st.integers(NOW, last))).allowed
    assert not traced(case, last).allowed


@given(anybody)
def test_what_is_left_can_be_spent(case: Case) -> None:
    """An order for all of it passes every limit of credits; one for more does not."""
    book, asker, order, history = case
    left = traced(case).left

    def over(price: int) -> bool:
        dear = replace(book, server=replace(book.server, weights={order.verb: price}))
        lines = traced((dear, asker, order, history)).lines
        return any(line.refuses for line in lines if line.measure and line.measure.window_ms)

    assert over(left + 1)
    assert left == 0 or not over(left)
