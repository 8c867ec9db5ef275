"""What was heard once is not acted on again."""

from __future__ import annotations

from bot.ui.repeats import LIFE_MS, MOST, Repeats
from tests.fakes import MovableClock


def test_a_copy_is_known_as_long_as_it_could_be_answered() -> None:
    """A first event is none, its copies are, and no other interaction is taken for one."""
    clock = MovableClock()
    repeats = Repeats(clock)

    assert not repeats.is_one(1)
    assert not repeats.is_one(2)
    assert repeats.is_one(1)
    clock.move(LIFE_MS / 1000 - 1)
    assert repeats.is_one(1)
    assert repeats.is_one(2)


def test_what_is_remembered_is_bounded_by_time_and_by_number() -> None:
    """The oldest are forgotten: those whose tokens are dead, and in a flood the first."""
    clock = MovableClock()
    repeats = Repeats(clock)

    assert not repeats.is_one(1)
    clock.move(LIFE_MS / 1000)
    assert not repeats.is_one(2)
    assert len(repeats) == 1

    for number in range(10, 10 + MOST):
        assert not repeats.is_one(number)
    assert len(repeats) == MOST
    assert repeats.is_one(10)
    assert not repeats.is_one(2)
