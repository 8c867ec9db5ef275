"""Each rule by itself, and which of them decides."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bot.model import Quota, Verb
from bot.rules.costs import Order
from bot.rules.engine import decide
from bot.rules.policy import (
    AgeRule,
    Asker,
    Block,
    Grant,
    Limit,
    Operator,
    Pause,
    PauseMode,
    Personal,
    Policy,
    Rate,
    Rulebook,
)
from bot.rules.trace import Line, Outcome, Rule, Source, Trace
from tests.books import ListBooks, Reserved

NOW = 1_000_000
HOUR = 3_600_000
GUILD, CHANNEL, THREAD, MEMBER, OTHER = 1, 20, 21, 300, 301
BOOSTER, ARTIST, MUTED = 40, 41, 42
ASKER = Asker(GUILD, MEMBER, CHANNEL, frozenset({BOOSTER, ARTIST}), joined_at=0)
POLICY = Policy(GUILD, Quota(5, HOUR, 2))
ORDER = Order(Verb.CREATE)


def used(amount: int, ago: int = 10, asker: Asker = ASKER) -> Reserved:
    return Reserved(asker, amount, NOW - ago)


def unfinished(asker: Asker = ASKER) -> Reserved:
    return Reserved(asker, 1, NOW - 1, unfinished=True)


def decided(
    *reserved: Reserved,
    asker: Asker = ASKER,
    order: Order = ORDER,
    member: Personal | None = None,
    operator: Operator | None = None,
    now: int = NOW,
    **server: Any,
) -> Trace:
    book = Rulebook(replace(POLICY, **server), member or Personal(), operator or Operator())
    return decide(book, asker, order, ListBooks(reserved, now), now)


def refusing(trace: Trace) -> Line:
    assert trace.decided is not None
    return trace.decided


def test_a_server_that_has_set_nothing_allows() -> None:
    """Every rule has its line; only the two that always hold have numbers."""
    trace = decided()

    assert trace.allowed
    assert [line.rule for line in trace.lines] == list(Rule)
    assert {line.rule for line in trace.lines if line.outcome is Outcome.PASSES} == {
        Rule.UNFINISHED,
        Rule.MEMBER_LIMIT,
    }
    assert (trace.cost, trace.at, trace.left, trace.opens_at) == (1, NOW, 5, NOW)


# -- pauses and blocks ---------------------------------------------------------------------


@pytest.mark.parametrize("mode", PauseMode)
@pytest.mark.parametrize("until", [NOW + 1, None])
def test_a_pause_takes_no_new_jobs(mode: PauseMode, until: int | None) -> None:
    """Nor does a drain; the line says why and until when."""
    line = refusing(decided(pause=Pause(mode, "Server party", until)))

    assert line == Line(Rule.SERVER_PAUSE, Outcome.REFUSES, changes_at=until, reason="Server party")


def test_the_operators_pause_holds_everywhere() -> None:
    """And decides before the server's."""
    trace = decided(operator=Operator(pause=Pause(reason="Update")), pause=Pause())

    assert refusing(trace).rule is Rule.OPERATOR_PAUSE
    assert refusing(trace).reason == "Update"


def test_a_blocked_member_may_ask_for_nothing() -> None:
    """Until the block ends, to the millisecond."""
    member = Personal(block=Block("Spam", until=NOW + 1))

    assert refusing(decided(member=member)).rule is Rule.BLOCKED
    assert decided(member=member, now=NOW + 1).allowed


@pytest.mark.parametrize(
    "ended",
    [
        {"pause": Pause(until=NOW)},
        {"operator": Operator(pause=Pause(until=NOW))},
        {"member": Personal(block=Block(until=NOW))},
    ],
)
def test_what_has_ended_says_nothing(ended: dict[str, Any]) -> None:
    """Nobody has to sweep it away first."""
    trace = decided(**ended)

    assert trace.allowed
    assert all(line.outcome is not Outcome.REFUSES for line in trace.lines)


# -- who and where -------------------------------------------------------------------------


def test_one_barred_role_bars() -> None:
    """Also one who has a required role."""
    asker = replace(ASKER, role_ids=frozenset({BOOSTER, MUTED}))
    rules = {"barred_roles": frozenset({MUTED}), "required_roles": frozenset({BOOSTER})}

    assert refusing(decided(asker=asker, **rules)) == Line(
        Rule.BARRED_ROLE, Outcome.REFUSES, subject_id=MUTED
    )
    assert decided(**rules).allowed


def test_one_required_role_suffices() -> None:
    """Of several; none of them is a refusal."""
    rules = {"required_roles": frozenset({BOOSTER, 99})}

    assert decided(**rules).allowed
    line = refusing(decided(asker=replace(ASKER, role_ids=frozenset()), **rules))
    assert (line.rule, line.changes_at) == (Rule.REQUIRED_ROLE, None)


def test_everyone_is_a_role_of_everybody() -> None:
    """Discord names it by the server's id and leaves it out of a member's roles."""
    assert decided(required_roles=frozenset({GUILD})).allowed
    assert refusing(decided(barred_roles=frozenset({GUILD}))).rule is Rule.BARRED_ROLE
    assert decided(roles={GUILD: Limit(Rate(50, HOUR))}).left == 50


@pytest.mark.parametrize(
    ("joined_at", "opens"), [(NOW - HOUR + 1, NOW + 1), (NOW, NOW + HOUR), (None, None)]
)
def test_newcomers_wait(joined_at: int | None, opens: int | None) -> None:
    """From the moment they joined; if that is unknown, a moderator has to help."""
    asker = replace(ASKER, joined_at=joined_at)

    line = refusing(decided(asker=asker, newcomer_ms=HOUR))

    assert (line.rule, line.changes_at) == (Rule.NEWCOMER, opens)
    assert decided(asker=replace(ASKER, joined_at=NOW - HOUR), newcomer_ms=HOUR).allowed


def test_only_allowed_channels_and_their_threads() -> None:
    """A thread alone may be allowed too."""
    elsewhere = replace(ASKER, channel_id=99)
    thread = replace(ASKER, channel_id=THREAD, parent_id=CHANNEL)
    other_thread = replace(ASKER, channel_id=98, parent_id=99)

    for allowed in (frozenset({CHANNEL, 5}), frozenset({THREAD})):
        assert decided(asker=thread, allowed_channels=allowed).allowed
        for asker in (elsewhere, other_thread):
            line = refusing(decided(asker=asker, allowed_channels=allowed))
            assert (line.rule, line.subject_id) == (Rule.CHANNEL, asker.channel_id)
    assert not decided(allowed_channels=frozenset({THREAD})).allowed


@pytest.mark.parametrize(
    ("rule", "restricted", "allowed"),
    [
        (AgeRule.ANYWHERE, True, True),
        (AgeRule.ANYWHERE, False, True),
        (AgeRule.ONLY_THERE, True, True),
        (AgeRule.ONLY_THERE, False, False),
        (AgeRule.NOT_THERE, True, False),
        (AgeRule.NOT_THERE, False, True),
    ],
)
def test_the_age_restriction_of_the_channel(rule: AgeRule, restricted: bool, allowed: bool) -> None:
    """Only there, not there, or no matter."""
    trace = decided(asker=replace(ASKER, age_restricted=restricted), age=rule)

    assert trace.allowed is allowed
    assert trace.of(Rule.AGE).refuses is not allowed


def test_a_blocked_phrase_refuses_and_is_named() -> None:
    """The match was made elsewhere."""
    line = refusing(decided(order=replace(ORDER, blocked_phrase="b*d")))

    assert (line.rule, line.reason) == (Rule.WORDS, "b*d")


# -- unfinished jobs -----------------------------------------------------------------------


def test_unfinished_jobs_are_counted_for_the_member() -> None:
    """Those of others are theirs."""
    other = replace(ASKER, user_id=OTHER)

    assert decided(unfinished(), unfinished(other), unfinished(other)).allowed
    line = refusing(decided(unfinished(), unfinished()))
    assert line.rule is Rule.UNFINISHED
    assert line.measure is not None
    assert (line.measure.used, line.measure.limit, line.changes_at) == (2, 2, None)


@pytest.mark.parametrize(
    ("member", "roles", "source", "cap"),
    [
        (None, {}, Source.DEFAULT, 2),
        (None, {BOOSTER: 1, ARTIST: 4}, Source.ROLE, 4),
        (None, {MUTED: 9}, Source.DEFAULT, 2),
        (1, {BOOSTER: 9}, Source.MEMBER, 1),
    ],
)
def test_how_many_at_once_is_the_members_else_the_best_roles_else_the_default(
    member: int | None, roles: dict[int, int], source: Source, cap: int
) -> None:
    """A limit of credits alone leaves it as it is."""
    trace = decided(
        member=Personal(Limit(Rate(9, HOUR), member)),
        roles={role: Limit(concurrent=number) for role, number in roles.items()},
    )

    measure = trace.of(Rule.UNFINISHED).measure
    assert measure is not None
    assert (measure.source, measure.limit) == (source, cap)


# -- the member's own limit ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("member", "roles", "source", "left"),
    [
        (None, {}, Source.DEFAULT, 2),
        (None, {BOOSTER: 7, ARTIST: 20}, Source.ROLE, 17),
        (None, {BOOSTER: 4}, Source.ROLE, 1),  # a role may also have less than the default
        (None, {MUTED: 99}, Source.DEFAULT, 2),
        (9, {BOOSTER: 99}, Source.MEMBER, 6),
    ],
)
def test_the_limit_is_the_members_else_the_best_roles_else_the_default(
    member: int | None, roles: dict[int, int], source: Source, left: int
) -> None:
    """Three are used."""
    trace = decided(
        used(3),
        member=Personal(Limit(member and Rate(member, HOUR))),
        roles={role: Limit(Rate(number, HOUR)) for role, number in roles.items()},
    )

    measure = trace.of(Rule.MEMBER_LIMIT).measure
    assert measure is not None
    assert (measure.source, measure.left) == (source, left)


def test_the_best_of_two_windows_is_what_leaves_most_now() -> None:
    """Ten a week are better than five an hour until eight of them are used."""
    roles = {BOOSTER: Limit(Rate(5, HOUR)), ARTIST: Limit(Rate(10, 168 * HOUR))}

    assert decided(roles=roles).of(Rule.MEMBER_LIMIT).subject_id == ARTIST
    assert decided(used(8, ago=2 * HOUR), roles=roles).of(Rule.MEMBER_LIMIT).subject_id == BOOSTER


def test_when_no_role_helps_now_the_first_that_will_is_named() -> None:
    """In half an hour one more fits by the hour; by the week, only in days."""
    roles = {BOOSTER: Limit(Rate(2, HOUR)), ARTIST: Limit(Rate(2, 168 * HOUR))}

    line = refusing(decided(used(2, ago=HOUR // 2), roles=roles))

    assert (line.subject_id, line.changes_at) == (BOOSTER, NOW + HOUR // 2)


def test_grants_add_to_whatever_limit_holds_until_they_end() -> None:
    """Ended ones are not counted, though they may still be written down."""
    member = Personal(grants=(Grant(2, NOW + 1), Grant(1, NOW + 9), Grant(50, NOW)))

    measure = decided(used(5), member=member).of(Rule.MEMBER_LIMIT).measure

    assert measure is not None
    assert (measure.limit, measure.granted, measure.left) == (8, 3, 3)


def test_a_grant_that_ends_first_does_not_promise_too_much() -> None:
    """Eight of five and three are used, six of them leave in ten minutes: but the grant ends in
    five, so then the rest must leave too.
    """
    minute = 60_000
    history = (used(2, ago=HOUR - 10 * minute), used(6, ago=HOUR - 20 * minute))
    lasting = Personal(grants=(Grant(3, NOW + 11 * minute),))
    ending = Personal(grants=(Grant(3, NOW + 10 * minute),))

    assert refusing(decided(*history, member=lasting)).changes_at == NOW + 10 * minute
    assert refusing(decided(*history, member=ending)).changes_at == NOW + 20 * minute


@pytest.mark.parametrize("spent", [0, 3])
def test_no_waiting_helps_where_nothing_is_allowed(spent: int) -> None:
    """Nor where the order costs more than the whole limit."""
    assert refusing(decided(used(spent), default=Quota(0, HOUR, 2))).changes_at is None
    dear = {"weights": {Verb.CREATE: 6}}
    assert refusing(decided(used(spent), **dear)).changes_at is None


def test_a_dear_order_waits_for_all_its_credits() -> None:
    """Five of five used: for two, the two oldest must leave."""
    history = [used(1, ago=ago) for ago in (50, 40, 30, 20, 10)]

    line = refusing(decided(*history, weights={Verb.CREATE: 2}))

    assert line.changes_at == NOW - 40 + HOUR


# -- channel, server, operator -------------------------------------------------------------


def test_a_channels_limit_counts_its_threads_and_all_members() -> None:
    """A new thread is no way around it."""
    in_thread = replace(ASKER, user_id=OTHER, channel_id=THREAD, parent_id=CHANNEL)
    limits = {"channels": {CHANNEL: Limit(Rate(3, HOUR))}}

    trace = decided(used(2, asker=in_thread), used(1), asker=in_thread, **limits)

    assert refusing(trace).rule is Rule.CHANNEL_LIMIT
    assert decided(used(3), asker=replace(ASKER, channel_id=99), **limits).allowed


def test_a_channel_may_limit_jobs_at_once() -> None:
    """Besides credits: then it has two lines."""
    other = replace(ASKER, user_id=OTHER)
    limits = {"channels": {CHANNEL: Limit(Rate(9, HOUR), concurrent=1)}}

    trace = decided(unfinished(other), **limits)

    lines = [line for line in trace.lines if line.rule is Rule.CHANNEL_LIMIT]
    assert [line.refuses for line in lines] == [True, False]
    assert trace.of(Rule.CHANNEL_LIMIT) == trace.decided == lines[0]


@pytest.mark.parametrize("limit", [Limit(), Limit(concurrent=5)])
def test_a_channel_without_a_limit_of_credits_limits_none(limit: Limit) -> None:
    """Whatever else is set for it."""
    trace = decided(used(4), channels={CHANNEL: limit})

    assert trace.allowed
    assert trace.left == 1


def test_budget_and_ceiling_count_for_all() -> None:
    """The server's for its members, the operator's for all servers."""
    other = replace(ASKER, user_id=OTHER, channel_id=99)
    elsewhere = replace(ASKER, guild_id=2)
    budget, ceiling = Rate(3, HOUR), Rate(4, HOUR)

    trace = decided(used(3, asker=other), budget=budget)
    assert refusing(trace).rule is Rule.SERVER_BUDGET
    assert decided(used(3, asker=elsewhere), budget=budget).allowed

    trace = decided(used(4, asker=elsewhere), budget=budget, operator=Operator(ceiling=ceiling))
    assert refusing(trace).rule is Rule.OPERATOR_CEILING
    assert trace.left == 0


# -- the whole trace -----------------------------------------------------------------------


def test_a_rule_behind_the_deciding_one_keeps_its_promise_too() -> None:
    """The member's credit frees in ten minutes, the server's budget in twenty."""
    minute = 60_000
    other = replace(ASKER, user_id=OTHER)
    trace = decided(
        used(5, ago=HOUR - 10 * minute),
        used(5, ago=HOUR - 20 * minute, asker=other),
        used(5, ago=HOUR - 30 * minute, asker=other),
        budget=Rate(10, HOUR),
    )

    assert refusing(trace).changes_at == NOW + 10 * minute
    assert trace.opens_at == NOW + 20 * minute


def test_no_moment_is_named_when_one_rule_needs_somebody() -> None:
    """The pause ends in an hour, the channel never becomes allowed by itself."""
    trace = decided(pause=Pause(until=NOW + HOUR), allowed_channels=frozenset({99}))

    assert refusing(trace).changes_at == NOW + HOUR
    assert trace.opens_at is None


def test_what_is_left_is_the_least_that_any_limit_leaves() -> None:
    """Four by the member's own, two by the channel's."""
    trace = decided(used(1), channels={CHANNEL: Limit(Rate(3, HOUR))}, budget=Rate(50, HOUR))

    assert trace.left == 2
    assert trace.of(Rule.MEMBER_LIMIT).measure is not None
