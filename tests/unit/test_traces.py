"""A decision in words: every rule, its numbers, what decides, when that changes."""

from __future__ import annotations

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
    Personal,
    Policy,
    Rate,
    Rulebook,
    Strikes,
)
from bot.rules.strikes import StrikeCount
from bot.rules.trace import Rule, Trace
from bot.ui.texts import account_text, help_text
from bot.ui.traces import trace_text
from bot.workflow.decisions import Account
from tests.books import ListBooks, Reserved

NOW = 1_700_000_000_000
HOUR = 3_600_000
GUILD, CHANNEL, MEMBER, ROLE = 1, 20, 300, 40
ASKER = Asker(GUILD, MEMBER, CHANNEL, frozenset({ROLE}))
POLICY = Policy(GUILD, Quota(5, 24 * HOUR, 2))


def traced(book: Rulebook, *held: int, asker: Asker = ASKER) -> Trace:
    """The decision on one more, when credits were held so many hours ago."""
    reserved = [Reserved(asker, 1, NOW - hours * HOUR) for hours in held]
    return decide(book, asker, Order(Verb.CREATE), ListBooks(reserved, NOW), NOW)


def test_what_is_allowed_says_so_with_its_numbers() -> None:
    """And names what nobody has set, so that nobody looks for it."""
    text = trace_text(traced(Rulebook(POLICY), 1, 2))

    assert text.startswith("You can ask for a video now.\n")
    assert "✅ **Unfinished videos**: 0 of 2 at once (every member's)" in text
    assert "✅ **Own limit**: 2 of 5 credits used in the last 24 hours (every member's)" in text
    assert "Nothing set: Pause by the bot's operator, Pause of this server, Block," in text
    assert "⛔" not in text
    assert "Blocked words" not in text


def test_the_rule_that_decides_is_named_first_and_marked() -> None:
    """With the moment from which it will not: not a second too early."""
    text = trace_text(traced(Rulebook(POLICY), *[1] * 5), who="<@300>")
    soon = f"<t:{(NOW + 23 * HOUR) // 1000}:R>"

    assert text.startswith(
        "<@300> cannot ask for a video now: **own limit (that of every member)** decides. "
        f"That ends {soon}.\n"
    )
    assert f"(every member's) · until {soon} ← decides" in text


def test_every_rule_that_refuses_is_shown_and_one_decides() -> None:
    """A member who is blocked may also be over a limit."""
    member = Personal(Limit(Rate(1, HOUR)), block=Block("spam `x`", NOW + 10_500))
    text = trace_text(traced(Rulebook(POLICY, member), 0))

    assert "**block** decides" in text
    assert text.count("⛔") == 2
    assert text.count("← decides") == 1
    assert "⛔ **Block** · `spam ˋxˋ` · until <t:1700000011:R> ← decides" in text
    assert "⛔ **Own limit**: 1 of 1 credits used in the last hour (set for this member)" in text


def test_a_role_and_what_was_granted_are_named() -> None:
    """Where the limit comes from, and how much of it is for a while."""
    policy = Policy(GUILD, POLICY.default, roles={ROLE: Limit(Rate(3, HOUR))})
    book = Rulebook(policy, Personal(grants=(Grant(4, NOW + HOUR),)))

    text = trace_text(traced(book, 0))

    assert "1 of 7 credits used in the last hour, 4 of them granted (role <@&40>)" in text


def test_where_waiting_does_not_help_nothing_is_promised() -> None:
    """Somebody has to change something, or a video has to be done."""
    barred = Policy(GUILD, POLICY.default, barred_roles=frozenset({ROLE}))
    assert "Waiting alone does not change that." in trace_text(traced(Rulebook(barred)))

    busy = Policy(GUILD, Quota(5, HOUR, 1))
    reserved = [Reserved(ASKER, 1, NOW, unfinished=True)]
    trace = decide(Rulebook(busy), ASKER, Order(Verb.CREATE), ListBooks(reserved, NOW), NOW)
    assert "That ends when one of them is done or cancelled." in trace_text(trace)


def test_a_decision_fits_into_one_message() -> None:
    """With every rule set and refusing, and long reasons."""
    high = 10**18
    asker = Asker(high, high + 1, high + 2, frozenset({high + 3}), joined_at=NOW)
    policy = Policy(
        high,
        Quota(0, 24 * HOUR, 1),
        channels={high + 2: Limit(Rate(0, HOUR), 1)},
        budget=Rate(0, HOUR),
        pause=Pause(reason="x" * 500, until=NOW + HOUR),
        allowed_channels=frozenset({1}),
        required_roles=frozenset({high + 4}),
        barred_roles=frozenset({high + 3}),
        newcomer_ms=HOUR,
        age=AgeRule.ONLY_THERE,
    )
    above = Operator(Pause(reason="y" * 500, until=NOW + HOUR), Rate(0, HOUR))
    book = Rulebook(policy, Personal(block=Block("z" * 500, NOW + HOUR)), above)
    order = Order(Verb.CREATE, blocked_phrase="w" * 60)
    reserved = [Reserved(asker, 1, NOW, unfinished=True)]

    trace = decide(book, asker, order, ListBooks(reserved, NOW), NOW)
    strikes = StrikeCount(10**6, Strikes(10**6, 8_760 * HOUR + 1, 8_760 * HOUR + 1))
    text = account_text(Account(trace, NOW, strikes))

    assert {line.rule for line in trace.refusals} == set(Rule)
    assert len(text) < 2000, len(text)
    assert text.count("⛔") == len(trace.lines)


@pytest.mark.parametrize(
    ("budget", "left", "next_at", "said"),
    [
        (None, "3 of 5", NOW + HOUR, "Your next credit frees <t:1700003600:R>."),
        (2, "0 of 2", None, "**budget of this server** decides"),
    ],
)
def test_what_is_left_is_what_the_tightest_limit_leaves(
    budget: int | None, left: str, next_at: int | None, said: str
) -> None:
    """Members of a server whose budget is used up have nothing left."""
    policy = Policy(GUILD, POLICY.default, budget=None if budget is None else Rate(budget, HOUR))
    trace = traced(Rulebook(policy), 0, 0)

    text = account_text(Account(trace, next_at))

    assert f"You have **{left}** credits left" in text
    assert said in text
    assert f"now {left}." in help_text(lambda name: f"</{name}:1>", Account(trace, None))
