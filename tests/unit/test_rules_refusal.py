"""Each refusal in words: which rule, and what to do or when to come back."""

from __future__ import annotations

from typing import Any

import pytest

from bot.errors import NotAllowed, QuotaExceeded, TooManyJobs
from bot.rules.refusal import refusal
from bot.rules.trace import Line, Measure, Outcome, Rule, Source, Trace

DAY = 86_400_000
WHEN = 1_700_000_000_500
SOON = "<t:1700000001:R>"
"""Not before it is true: a second that has begun counts as the next one."""


def trace(rule: Rule, **line: Any) -> Trace:
    return Trace((Line(rule, Outcome.REFUSES, **line),), cost=1, at=0)


def credits_of(source: Source = Source.DEFAULT, cost: int = 1) -> Measure:
    return Measure(used=5, limit=5, cost=cost, source=source, window_ms=DAY)


@pytest.mark.parametrize("rule", list(Rule)[: list(Rule).index(Rule.UNFINISHED)])
def test_a_rule_that_does_not_count_is_named(rule: Rule) -> None:
    """And has words of its own."""
    error = refusal(trace(rule, subject_id=7, reason="because", changes_at=WHEN))

    assert isinstance(error, NotAllowed)
    assert error.rule == rule
    assert str(error).endswith(f" You can ask again {SOON}.")
    assert "None" not in str(error)


def test_all_rules_are_told_apart() -> None:
    """No two say the same."""
    said = {
        str(refusal(trace(rule, subject_id=7, reason="x", measure=credits_of())))
        if rule.value.endswith(("limit", "budget", "ceiling"))
        else str(refusal(trace(rule, subject_id=7, reason="x", measure=None)))
        for rule in Rule
        if rule is not Rule.UNFINISHED
    }

    assert len(said) == len(Rule) - 1


def test_a_moderators_reason_is_passed_on() -> None:
    """As they wrote it, and nothing of it works as markup; nothing is said where there is none."""
    error = refusal(trace(Rule.SERVER_PAUSE, reason="**Party** <@1>\n`![x](https://a.b)"))

    assert str(error).endswith(" Reason: `**Party** <@1> ˋ![x](https://a.b)`.")
    assert "Reason" not in str(refusal(trace(Rule.BLOCKED)))


def test_the_words_that_are_blocked_are_quoted() -> None:
    """A phrase of a list may hold what would be markup."""
    error = refusal(trace(Rule.WORDS, reason="*wet* dragon*"))

    assert str(error) == "This server does not allow `*wet* dragon*` in what you ask for."


def test_used_credits() -> None:
    """With the numbers, and when the next one is back."""
    error = refusal(trace(Rule.MEMBER_LIMIT, measure=credits_of(), changes_at=WHEN))

    assert isinstance(error, QuotaExceeded)
    assert (error.used, error.limit, error.frees_at) == (5, 5, WHEN)
    assert str(error) == (
        f"You have used 5 of 5 credits of the last 24 hours. Your next credit frees {SOON}. "
        "You were not charged for this."
    )


def test_a_dear_video_says_what_it_costs() -> None:
    """Not the next credit but enough of them is what to wait for."""
    error = refusal(trace(Rule.MEMBER_LIMIT, measure=credits_of(cost=3), changes_at=WHEN))

    assert "This video costs 3. You can ask again" in str(error)


def test_where_no_waiting_helps_a_moderator_may() -> None:
    """A limit of nothing at all."""
    error = refusal(trace(Rule.MEMBER_LIMIT, measure=credits_of()))

    assert "Ask a moderator." in str(error)


def test_a_later_rule_moves_the_moment() -> None:
    """What the member is told is when they can really ask again."""
    early = Line(Rule.MEMBER_LIMIT, Outcome.REFUSES, credits_of(), changes_at=1000)
    late = Line(Rule.SERVER_BUDGET, Outcome.REFUSES, credits_of(), changes_at=WHEN)

    error = refusal(Trace((early, late), cost=1, at=0))

    assert isinstance(error, QuotaExceeded)
    assert error.frees_at == WHEN
    assert f"You can ask again {SOON}" in str(error)


@pytest.mark.parametrize(
    ("rule", "source", "count", "words"),
    [
        (Rule.UNFINISHED, Source.DEFAULT, 2, "You have 2 unfinished videos, and this server"),
        (Rule.UNFINISHED, Source.MEMBER, 1, "You have 1 unfinished video, and may have 1 at"),
        (Rule.CHANNEL_LIMIT, Source.CHANNEL, 2, "In this channel 2 videos are unfinished"),
        (Rule.CHANNEL_LIMIT, Source.CHANNEL, 1, "In this channel 1 video is unfinished"),
    ],
)
def test_too_many_at_once(rule: Rule, source: Source, count: int, words: str) -> None:
    """What to wait for."""
    error = refusal(trace(rule, measure=Measure(count, count, 1, source)))

    assert isinstance(error, TooManyJobs)
    assert words in str(error)
    assert f"{count} at once" in str(error)


def test_what_is_allowed_has_no_refusal() -> None:
    """Asking for one is a mistake."""
    with pytest.raises(ValueError, match="nothing refuses"):
        refusal(Trace((), cost=1, at=0))
