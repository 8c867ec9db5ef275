"""What must hold of strikes whatever is set and whatever has happened."""

from __future__ import annotations

from hypothesis import assume, given
from hypothesis import strategies as st

from bot.rules.policy import Block, Strikes
from bot.rules.strikes import block, count_after

NOW = 1_000_000
LONG = 10**6

rules = st.builds(Strikes, st.integers(1, 5), st.integers(1, LONG), st.integers(1, LONG))
moments = st.integers(NOW - 2 * LONG, NOW)
standing = st.none() | st.builds(
    Block, st.just("by hand"), st.none() | st.integers(NOW - LONG, NOW + 2 * LONG)
)
FOREVER = 10**12


def end(one: Block | None) -> int:
    """When a block is over; nothing at all is over long ago."""
    if one is None:
        return 0
    return FOREVER if one.until is None else one.until


@given(rule=rules, count=st.integers(0, 12), before=standing)
def test_more_strikes_are_never_more_lenient(
    rule: Strikes, count: int, before: Block | None
) -> None:
    """Who is blocked for some is blocked for more, as long at least."""
    assert end(block(rule, count + 1, before, NOW)) >= end(block(rule, count, before, NOW))


@given(rule=rules, count=st.integers(0, 12), before=standing)
def test_a_block_is_never_shortened(rule: Strikes, count: int, before: Block | None) -> None:
    """Not one without an end, and none that lasts longer; every new one lasts as it is set."""
    found = block(rule, count, before, NOW)

    if found is not None:
        assert found.until == NOW + rule.block_ms
        assert before is None or not before.active(NOW) or end(before) < end(found)
    elif count >= rule.count:
        assert end(before) >= NOW + rule.block_ms


@given(rule=rules, count=st.integers(0, 12), before=standing)
def test_fewer_than_are_set_do_nothing(rule: Strikes, count: int, before: Block | None) -> None:
    """Whatever else holds."""
    assume(count < rule.count)
    assert block(rule, count, before, NOW) is None


@given(
    rule=rules,
    strikes=st.lists(moments, max_size=12),
    fresh=st.none() | moments,
    later=st.integers(0, LONG),
)
def test_strikes_are_forgiven_and_never_come_back(
    rule: Strikes, strikes: list[int], fresh: int | None, later: int
) -> None:
    """Time and pardons only take away; a wider window only adds."""

    def counted(rule: Strikes, fresh: int | None, now: int) -> set[int]:
        after = count_after(rule, fresh, now)
        return {at for at in strikes if at > after}

    now_ = counted(rule, fresh, NOW)
    wider = Strikes(rule.count, rule.window_ms + later, rule.block_ms)
    assert counted(rule, fresh, NOW + later) <= now_
    assert counted(rule, max(fresh or 0, NOW - later), NOW) <= now_ <= counted(rule, None, NOW)
    assert now_ <= counted(wider, fresh, NOW)
    assert all(NOW - at < rule.window_ms for at in now_)
