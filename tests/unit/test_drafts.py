"""What was typed wrong is there for the next try; servers take turns with test posts."""

from __future__ import annotations

from bot.ui.drafts import LIFE_MS, MOST, Drafts
from bot.ui.turns import Turns
from tests.fakes import MovableClock


def test_a_draft_is_its_moderators_alone_and_for_a_while() -> None:
    """Of one server, one moderator and one form."""
    clock = MovableClock()
    drafts = Drafts(clock)
    drafts.keep((1, 7, "costs"), {"create": "x"})
    assert drafts.of((1, 7, "costs")) == {"create": "x"}
    for other in ((2, 7, "costs"), (1, 8, "costs"), (1, 7, "strikes")):
        assert drafts.of(other) == {}
    clock.move(LIFE_MS / 1000)
    assert drafts.of((1, 7, "costs")) == {}


def test_a_draft_goes_when_it_was_right_and_when_there_are_too_many() -> None:
    """The newest stay."""
    drafts = Drafts(MovableClock())
    for number in range(MOST + 1):
        drafts.keep((1, number, "costs"), {"create": "x"})
    assert drafts.of((1, 0, "costs")) == {}
    assert drafts.of((1, 1, "costs")) == {"create": "x"}
    drafts.drop((1, 1, "costs"))
    assert drafts.of((1, 1, "costs")) == {}


def test_a_server_has_one_turn_at_a_time() -> None:
    """Others are not kept waiting by it."""
    clock = MovableClock()
    turns = Turns(clock, 30_000)
    assert turns.take(1)
    assert not turns.take(1)
    assert turns.take(2)
    clock.move(29.9)
    assert not turns.take(1)
    clock.move(0.1)
    assert turns.take(1)
    assert not turns.take(1)
    turns.give_back(1)
    assert turns.take(1)
