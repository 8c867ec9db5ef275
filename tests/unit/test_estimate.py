"""When will it be ready?"""

from __future__ import annotations

import pytest

from bot.workflow.estimate import Durations


def _known(*took: int) -> Durations:
    durations = Durations()
    for one in took:
        durations.add(one)
    return durations


def test_nothing_is_promised_before_anything_was_measured() -> None:
    """No guess."""
    durations = Durations()

    assert durations.typical is None
    assert durations.ready_in(1, free=1, slots=1) is None


def test_the_typical_time_is_the_median() -> None:
    """One job that took a day does not frighten everybody."""
    assert _known(60, 61, 62, 59, 86_400).typical == 61


def test_each_measurement_counts_at_once() -> None:
    """The median is not remembered beyond its day."""
    durations = _known(100)
    assert durations.typical == 100

    durations.add(200)

    assert durations.typical == 150


def test_only_the_newest_are_remembered() -> None:
    """What Pika took last month says nothing of today."""
    durations = _known(*[1000] * Durations.MOST, *[10] * Durations.MOST)

    assert durations.typical == 10


def test_measurements_of_an_earlier_run_age_first() -> None:
    """They are given newest first; what is measured now pushes out the oldest of them."""
    durations = Durations()
    durations.fill([*[10] * 26, *[1000] * 24])  # the newest 26 were quick

    for _ in range(24):
        durations.add(1)
    assert durations.typical == 10  # 26 of 10 and 24 of 1
    durations.add(1)

    assert durations.typical == 5  # 25 of each: between 1 and 10


@pytest.mark.parametrize(
    ("place", "free", "slots", "rounds"),
    [
        (1, 1, 2, 1),
        (2, 2, 2, 1),
        (1, 0, 2, 2),
        (2, 0, 2, 2),
        (3, 0, 2, 3),
        (3, 1, 2, 2),
        (4, 1, 2, 3),
        (100, 0, 10, 11),
    ],
)
def test_a_job_waits_for_whole_rounds(place: int, free: int, slots: int, rounds: int) -> None:
    """Its own time, and one for each time that all slots must become free before it."""
    assert _known(60).ready_in(place, free=free, slots=slots) == rounds * 60


def test_who_is_further_back_is_never_promised_more() -> None:
    """The promise does not jump."""
    durations = _known(60)
    waits = [durations.ready_in(place, free=1, slots=3) or 0 for place in range(1, 50)]

    assert waits == sorted(waits)
