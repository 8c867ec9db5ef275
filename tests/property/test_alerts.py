"""What must hold of budget alerts whatever is used, freed and set."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from bot.rules.alerts import CALM_PERCENT, NEAR_PERCENT, Fill, fill_after, rises

LIMIT = 50
uses = st.lists(st.integers(0, LIMIT + 10), max_size=60)


def told(uses: list[int], limit: int = LIMIT) -> list[tuple[Fill, int]]:
    """What a server is told, and after how many uses."""
    fill, alerts = Fill.CALM, []
    for number, used in enumerate(uses):
        before, fill = fill, fill_after(fill, used, limit)
        if rises(before, fill):
            alerts.append((fill, number))
    return alerts


@given(uses)
def test_between_two_alerts_of_a_kind_it_has_fallen(uses: list[int]) -> None:
    """The same is not told again before the budget was well below it."""
    for kind, mark in ((Fill.NEAR, CALM_PERCENT), (Fill.FULL, NEAR_PERCENT)):
        numbers = [number for fill, number in told(uses) if fill is kind]
        for first, second in pairwise(numbers):
            assert min(uses[first:second]) * 100 < LIMIT * mark


@given(uses)
def test_whoever_is_told_nothing_has_room(uses: list[int]) -> None:
    """A budget that is nearly used up, or used up, was told of since it was calm."""
    alerts = told(uses)
    for number, used in enumerate(uses):
        calm = max((n for n in range(number) if uses[n] * 100 < LIMIT * CALM_PERCENT), default=-1)
        since = {fill for fill, at in alerts if calm < at <= number}
        if used * 100 >= LIMIT * NEAR_PERCENT:
            assert since
        if used >= LIMIT:
            assert Fill.FULL in since


@given(st.lists(st.integers(0, 5), max_size=80))
def test_on_the_way_up_there_are_at_most_two(steps: list[int]) -> None:
    """One for each mark, the lower one first."""
    uses = [sum(steps[: n + 1]) for n in range(len(steps))]
    fills = [fill for fill, _ in told(uses)]
    assert fills in ([], [Fill.NEAR], [Fill.FULL], [Fill.NEAR, Fill.FULL])


@given(before=st.sampled_from(Fill), used=st.integers(0, 5), limit=st.integers(0, 3))
def test_a_budget_of_nothing_is_used_up(before: Fill, used: int, limit: int) -> None:
    """And so is every one that is over its limit."""
    if used >= limit:
        assert fill_after(before, used, limit) is Fill.FULL
