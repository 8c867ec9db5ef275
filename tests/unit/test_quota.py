"""May this member have one more?"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.model import Quota, Usage
from bot.rules.quota import Ruling, decide

numbers = st.integers(0, 1000)


@pytest.mark.parametrize(
    ("used", "unfinished", "ruling"),
    [
        (0, 0, Ruling.ALLOWED),
        (4, 1, Ruling.ALLOWED),
        (5, 0, Ruling.MEMBER_LIMIT),
        (6, 0, Ruling.MEMBER_LIMIT),
        (0, 2, Ruling.UNFINISHED),
        (0, 3, Ruling.UNFINISHED),
        (5, 2, Ruling.UNFINISHED),
    ],
)
def test_the_first_rule_that_hits_decides(used: int, unfinished: int, ruling: Ruling) -> None:
    """Unfinished jobs before the member's limit, as product and explanation order them."""
    assert decide(Quota(5, 1, 2), Usage(used, unfinished)).ruling is ruling


def test_nothing_is_allowed_with_a_quota_of_zero() -> None:
    """A server can switch the bot off for everybody."""
    assert decide(Quota(0, 1, 2), Usage(0, 0)).ruling is Ruling.MEMBER_LIMIT


@pytest.mark.parametrize(("used", "left"), [(0, 5), (5, 0), (7, 0)])
def test_what_is_left_is_never_negative(used: int, left: int) -> None:
    """A limit that was lowered leaves nothing, not less than nothing."""
    assert decide(Quota(5, 1, 2), Usage(used, 0)).left == left


def test_a_dearer_job_needs_all_its_credits() -> None:
    """Three of five used: two more fit, three do not."""
    quota, usage = Quota(5, 1, 9), Usage(3, 0)

    assert decide(quota, usage, cost=2).ruling is Ruling.ALLOWED
    assert decide(quota, usage, cost=3).ruling is Ruling.MEMBER_LIMIT


@given(numbers, numbers, numbers, numbers)
def test_a_verdict_rests_on_its_numbers(
    credits_: int, concurrent: int, used: int, unfinished: int
) -> None:
    """Allowed exactly if both rules are kept afterwards."""
    quota, usage = Quota(credits_, 1, concurrent), Usage(used, unfinished)

    verdict = decide(quota, usage)

    assert (verdict.quota, verdict.usage) == (quota, usage)
    assert (verdict.ruling is Ruling.ALLOWED) == (used < credits_ and unfinished < concurrent)
