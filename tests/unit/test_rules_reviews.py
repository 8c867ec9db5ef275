"""Whose videos are looked at: marked when they are asked for, decided when they are there."""

from __future__ import annotations

import pytest

from bot.model import Mark
from bot.rules.policy import Asker, ReviewRule
from bot.rules.reviews import mark, reason
from tests.fakes import START

HOUR = 3_600_000
NEW = ReviewRule(newcomer_ms=HOUR)
WORDS = ReviewRule(flagged=True)
BOTH = ReviewRule(newcomer_ms=HOUR, flagged=True)
NOTHING = ReviewRule()
ALL = ReviewRule(everything=True)


@pytest.mark.parametrize(
    ("rule", "joined", "flagged", "marked"),
    [
        (NOTHING, START, False, None),
        (NOTHING, START, True, Mark.FLAGGED),  # the rule may hold when the video is there
        (NEW, START - HOUR + 1, False, Mark.NEWCOMER),
        (NEW, START - HOUR, False, None),
        (NEW, None, False, Mark.NEWCOMER),
        (NEW, START, True, Mark.NEWCOMER),  # the mark whose rule holds
        (NEW, START - HOUR, True, Mark.FLAGGED),
        (WORDS, START, False, None),
        (WORDS, START, True, Mark.FLAGGED),
        (BOTH, START, True, Mark.FLAGGED),
        (BOTH, START, False, Mark.NEWCOMER),
        (ALL, START, False, None),
    ],
)
def test_a_request_is_marked_for_what_is_known_only_then(
    rule: ReviewRule, joined: int | None, flagged: bool, marked: Mark | None
) -> None:
    """Who asks, and with which words."""
    asker = Asker(1, 2, 3, joined_at=joined)

    assert mark(rule, asker, START, flagged=flagged) is marked


@pytest.mark.parametrize(
    ("rule", "marked", "why"),
    [
        (NOTHING, None, None),
        (NOTHING, Mark.FLAGGED, None),
        (NOTHING, Mark.NEWCOMER, None),
        (NEW, Mark.NEWCOMER, Mark.NEWCOMER),
        (NEW, Mark.FLAGGED, None),
        (WORDS, Mark.FLAGGED, Mark.FLAGGED),
        (WORDS, Mark.NEWCOMER, None),
        (ALL, None, Mark.ALL),
        (ALL, Mark.FLAGGED, Mark.ALL),
        (ReviewRule(flagged=True, everything=True), Mark.FLAGGED, Mark.FLAGGED),
    ],
)
def test_a_video_is_held_by_the_rule_that_holds_then(
    rule: ReviewRule, marked: Mark | None, why: Mark | None
) -> None:
    """A mark of a rule that was taken back is none."""
    assert reason(rule, marked) is why
