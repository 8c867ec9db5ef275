"""Upload limits: learned from answers, believed for a while, never taken from one number."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.workflow.delivery.uploads import (
    HINT_MS,
    KNOWN_MS,
    LIMITS,
    MIB,
    ONLY_THE_LINK,
    UploadLimits,
)
from tests.fakes import MovableClock

HERE, ELSEWHERE = 100, 200


@pytest.fixture
def limits(clock: MovableClock) -> UploadLimits:
    """Nothing is known."""
    return UploadLimits(clock)


def steps(limits: UploadLimits, real: int, size: int, server: int = HERE) -> list[int]:
    """The sizes that are tried for a video where ``real`` bytes are the limit; 0 is the link.

    A copy fills nine tenths of what it may have.
    """
    tried = []
    goal = limits.begin(server, size)
    copy = size if goal is None else min(size, goal * 9 // 10)
    while True:
        tried.append(copy)
        if copy <= real:
            limits.took(server, copy)
            return tried
        limits.refused(server, copy)
        goal = limits.smaller(server, copy)
        if goal == ONLY_THE_LINK:
            return [*tried, 0]
        copy = min(size, goal * 9 // 10)


def test_an_unknown_server_is_tried_with_the_video_as_it_is(limits: UploadLimits) -> None:
    """Nobody says what it takes."""
    assert limits.begin(HERE, 90 * MIB) is None


def test_the_second_large_video_begins_at_the_right_size(limits: UploadLimits) -> None:
    """What the first one cost is not paid again; a server is not judged by another one."""
    assert len(steps(limits, real=10 * MIB, size=60 * MIB)) == 5
    assert len(steps(limits, real=10 * MIB, size=60 * MIB)) == 1
    assert len(steps(limits, real=10 * MIB, size=60 * MIB, server=ELSEWHERE)) == 5


def test_a_smaller_video_is_not_judged_by_a_larger_one(limits: UploadLimits) -> None:
    """What lies between what was taken and what was refused is tried as it is."""
    steps(limits, real=10 * MIB, size=60 * MIB)

    assert limits.begin(HERE, 9 * MIB) is None
    assert limits.begin(HERE, 12 * MIB) is None


def test_the_number_of_an_interaction_is_where_to_begin(limits: UploadLimits) -> None:
    """Discord says that no more is taken: it need not refuse it first."""
    limits.hint(HERE, 10 * MIB)

    assert steps(limits, real=10 * MIB, size=60 * MIB) == [9 * MIB]
    assert limits.begin(HERE, 10 * MIB) is None


def test_the_number_of_a_member_with_nitro_says_little(limits: UploadLimits) -> None:
    """It is the larger of the member's and the server's: the smallest number counts."""
    limits.hint(HERE, 500 * MIB)
    assert limits.begin(HERE, 60 * MIB) is None
    limits.hint(HERE, 10 * MIB)
    limits.hint(HERE, 500 * MIB)
    assert limits.begin(HERE, 60 * MIB) == 10 * MIB


def test_a_number_that_is_too_large_is_found_out(limits: UploadLimits) -> None:
    """It was the client's limit, and a bot's was still half of it (September 2026)."""
    limits.hint(HERE, 20 * MIB)

    assert steps(limits, real=10 * MIB, size=60 * MIB) == [18 * MIB, 9 * MIB]
    assert steps(limits, real=10 * MIB, size=60 * MIB) == [9 * MIB]


def test_a_number_that_is_too_small_is_found_out(limits: UploadLimits) -> None:
    """What was taken proves more than what was said."""
    limits.hint(HERE, 8 * MIB)
    limits.took(HERE, 15 * MIB)

    assert limits.begin(HERE, 15 * MIB) is None
    assert limits.begin(HERE, 40 * MIB) is None


def test_limits_that_rise_are_noticed(limits: UploadLimits, clock: MovableClock) -> None:
    """A refusal is believed for a day; then the next video is tried as it is."""
    steps(limits, real=10 * MIB, size=60 * MIB)
    clock.move(KNOWN_MS / 1000 + 1)

    assert steps(limits, real=100 * MIB, size=60 * MIB) == [60 * MIB]
    assert limits.begin(HERE, 60 * MIB) is None


def test_limits_that_fall_are_noticed(limits: UploadLimits) -> None:
    """What was taken once is refused now: the newer answer counts."""
    steps(limits, real=100 * MIB, size=60 * MIB)

    assert steps(limits, real=50 * MIB, size=60 * MIB) == [60 * MIB, 45 * MIB]
    assert steps(limits, real=50 * MIB, size=60 * MIB) == [45 * MIB]


def test_the_newer_of_two_answers_counts(limits: UploadLimits) -> None:
    """Two uploads at once, while the server is boosted: the larger one was taken in the end."""
    limits.refused(HERE, 10 * MIB)
    limits.took(HERE, 15 * MIB)

    assert limits.begin(HERE, 15 * MIB) is None
    assert limits.begin(HERE, 40 * MIB) is None


def test_a_hint_grows_old(limits: UploadLimits, clock: MovableClock) -> None:
    """Boosts come and go; commands bring newer numbers."""
    limits.hint(HERE, 10 * MIB)
    clock.move(HINT_MS / 1000 + 1)

    assert limits.begin(HERE, 60 * MIB) is None


def test_new_boosts_are_a_new_beginning(limits: UploadLimits) -> None:
    """The server has changed: nothing that was known of it counts."""
    steps(limits, real=10 * MIB, size=60 * MIB)
    limits.forget(HERE)

    assert limits.begin(HERE, 60 * MIB) is None


def test_where_nothing_fits_the_link_comes_without_more_tries(limits: UploadLimits) -> None:
    """Even there the video as it is gets its chance first."""
    assert steps(limits, real=MIB, size=9 * MIB) == [9 * MIB, int(7.2 * MIB), 0]
    assert steps(limits, real=MIB, size=9 * MIB) == [9 * MIB, 0]


@given(
    real=st.integers(MIB, 120 * MIB),
    sizes=st.lists(st.integers(1, 199 * MIB), max_size=8),
    hints=st.lists(st.integers(MIB, 500 * MIB), max_size=3),
)
def test_every_video_comes_to_an_end(real: int, sizes: list[int], hints: list[int]) -> None:
    """Whatever was learned before: each try is smaller than the one before it, and what fits
    as it is is never refused for good.
    """
    limits = UploadLimits(MovableClock())
    for hint in hints:
        limits.hint(HERE, hint)
    for size in sizes:
        tried = steps(limits, real, size)
        assert tried == sorted(set(tried), reverse=True)
        assert len(tried) <= len(LIMITS) + 3
        if size <= min([real, *hints]):
            assert tried == [size]
