"""The fair queue: whose turn it is, and what people are told of it."""

from __future__ import annotations

import time
from itertools import count
from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.workflow.queue import FairQueue
from tests.fakes import requester

Asked = tuple[int, int]  # server, member


def _queue(*asked: Asked) -> FairQueue:
    """A queue of jobs 1, 2, 3 … in the order in which they were asked for."""
    queue = FairQueue()
    for job_id, (guild_id, user_id) in enumerate(asked, start=1):
        queue.add(job_id, requester(user_id, guild_id))
    return queue


def _all(queue: FairQueue) -> list[int]:
    popped = []
    while (job_id := queue.pop()) is not None:
        popped.append(job_id)
    return popped


def test_an_empty_queue_has_nobody_next() -> None:
    """And does not fail for it."""
    queue = FairQueue()

    assert queue.pop() is None
    assert list(queue.order()) == []
    assert queue.place(1) is None
    assert len(queue) == 0


def test_who_asked_for_one_is_second_behind_who_asked_for_ten() -> None:
    """A with ten jobs, then B with one: B is second."""
    queue = _queue(*[(1, 1)] * 10, (1, 2))

    assert queue.place(11) == 2
    assert _all(queue)[:3] == [1, 11, 2]


def test_a_small_server_is_second_behind_a_busy_one() -> None:
    """However many members ask in the busy one."""
    queue = _queue(*[(1, user) for user in range(10)], (2, 99))

    assert queue.place(11) == 2


def test_servers_take_turns_and_members_within_them() -> None:
    """Two rounds, spelled out."""
    queue = _queue((1, 1), (1, 1), (1, 2), (2, 3), (2, 3))

    assert list(queue.order()) == [1, 4, 3, 5, 2]


def test_a_members_own_jobs_keep_their_order() -> None:
    """First asked, first made."""
    assert _all(_queue(*[(1, 1)] * 5)) == [1, 2, 3, 4, 5]


def test_turns_go_on_where_they_were() -> None:
    """Who was served goes behind, also for what is asked later."""
    queue = _queue((1, 1), (1, 1), (1, 2))
    assert queue.pop() == 1

    queue.add(4, requester(2, 1))
    queue.add(5, requester(3, 1))

    assert _all(queue) == [3, 2, 5, 4]


def test_a_job_is_in_the_queue_once() -> None:
    """Adding or restoring it again changes nothing."""
    queue = _queue((1, 1), (1, 2))

    queue.add(2, requester(2, 1))
    queue.restore(2, 1)

    assert _all(queue) == [1, 2]


def test_a_reserved_job_has_a_place_but_is_passed_over() -> None:
    """Its command is not answered yet; whoever is next goes instead."""
    queue = FairQueue()
    queue.add(1, requester(1, 1), reserved=True)
    queue.add(2, requester(2, 1))

    assert queue.place(1) == 1
    assert queue.pop() == 2
    assert queue.pop() is None
    assert 1 in queue
    queue.release(1)
    assert queue.pop() == 1


def test_a_released_job_tells_who_waits_for_it() -> None:
    """Otherwise it would wait until something else happens."""
    queue, rung = FairQueue(), []
    queue.on_release(lambda: rung.append("!"))
    queue.add(1, requester(), reserved=True)

    queue.release(1)

    assert rung == ["!"]


def test_releasing_what_is_not_reserved_is_nothing() -> None:
    """It may have been cancelled while its command was answered."""
    queue = FairQueue()
    queue.add(1, requester(), reserved=True)
    assert queue.remove(1)

    queue.release(1)
    queue.add(1, requester(), reserved=False)

    assert queue.pop() == 1


def test_a_removed_job_is_gone_and_its_number_is_free_again() -> None:
    """Also from the middle of a line, and with its reservation."""
    queue = _queue((1, 1), (1, 1), (1, 1))

    assert queue.remove(2)
    assert not queue.remove(2)
    assert not queue.remove(77)
    assert _all(queue) == [1, 3]


def test_a_restored_job_is_next() -> None:
    """Pika was busy: nobody overtakes the job that was first."""
    queue = _queue((1, 1), (2, 2), (1, 3))
    assert queue.pop() == 1

    queue.restore(1, 1)

    assert queue.place(1) == 1
    assert queue.place(2) == 2
    assert _all(queue) == [1, 2, 3]


@pytest.mark.parametrize("back", [(1, 2, 3), (3, 2, 1), (2, 3, 1)])
@pytest.mark.parametrize(
    "asked",
    [((1, 1), (1, 2), (1, 3)), ((1, 1), (2, 2), (3, 3)), ((1, 1), (1, 1), (1, 1))],
    ids=["members", "servers", "one member"],
)
def test_several_restored_jobs_keep_the_order_they_had(
    asked: tuple[Asked, ...], back: tuple[int, ...]
) -> None:
    """Pika was busy for all of them; in which order it said so does not matter."""
    queue = _queue(*asked, (4, 4))
    popped = [queue.pop() for _ in range(3)]

    for index in back:
        job_id = popped[index - 1]
        assert job_id is not None
        queue.restore(job_id, 1)

    assert [queue.place(job_id) for job_id in popped if job_id] == [1, 2, 3]
    assert [queue.pop() for _ in range(3)] == popped


def test_a_job_restored_from_an_earlier_run_is_first() -> None:
    """Never popped in this process, it has still waited longer than all that were."""
    queue = _queue((1, 1))

    queue.restore(99, 1)

    assert list(queue.order()) == [99, 1]


def test_jobs_of_a_paused_server_are_passed_over_and_keep_their_places() -> None:
    """Those in front too; the places of the others do not count them."""
    queue = _queue((1, 1), (2, 2), (1, 1), (3, 3))
    paused = {1}
    assert queue.pop() == 1
    queue.restore(1, 1)
    queue.pass_over(paused)

    assert [queue.place(job_id) for job_id in (2, 4)] == [1, 2]
    assert list(queue.order()) == [1, 2, 4, 3]
    assert queue.pop() == 2
    paused.clear()
    assert [queue.place(job_id) for job_id in (1, 4, 3)] == [1, 2, 3]
    assert _all(queue) == [1, 4, 3]


def test_of_a_paused_server_nothing_goes_though_nobody_else_waits() -> None:
    """And who takes jobs is told when it may go on."""
    queue, told = _queue((1, 1)), []
    queue.on_release(lambda: told.append(True))
    queue.pass_over({1})
    assert queue.pop() is None

    queue.pass_over(set())
    queue.wake()

    assert (queue.pop(), told) == (1, [True])


def test_a_restored_job_can_be_removed() -> None:
    """Its owner cancels while Pika is busy."""
    queue = _queue((1, 1), (1, 2))
    assert queue.pop() == 1
    queue.restore(1, 1)

    assert queue.remove(1)

    assert queue.place(2) == 1
    assert _all(queue) == [2]


operations = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.integers(1, 3), st.integers(1, 4)),
        st.tuples(st.just("reserve"), st.integers(1, 3), st.integers(1, 4)),
        st.tuples(st.just("pop"), st.just(0), st.just(0)),
        st.tuples(st.just("restore"), st.integers(0, 50), st.just(0)),
        st.tuples(st.just("remove"), st.integers(0, 50), st.just(0)),
        st.tuples(st.just("release"), st.integers(0, 50), st.just(0)),
    ),
    max_size=60,
)


@given(operations)
def test_places_are_true_after_anything(todo: list[tuple[str, int, int]]) -> None:
    """After any operations ``place`` is the index in ``order()``, which is how jobs are popped."""
    queue, numbers = FairQueue(), count(1)
    asked: dict[int, Asked] = {}
    inside: set[int] = set()
    reserved: set[int] = set()
    out: list[int] = []
    for what, a, b in todo:
        if what in {"add", "reserve"}:
            job_id = next(numbers)
            asked[job_id] = (a, b + 10 * a)
            queue.add(job_id, requester(asked[job_id][1], a), reserved=what == "reserve")
            inside.add(job_id)
            if what == "reserve":
                reserved.add(job_id)
        elif what == "pop":
            popped = queue.pop()
            if popped is None:
                assert not inside - reserved or any(
                    asked[job_id] == asked[first] and first < job_id
                    for job_id in inside - reserved
                    for first in reserved
                )
            else:
                assert popped in inside - reserved
                inside.discard(popped)
                out.append(popped)
        elif what == "restore" and out:
            job_id = out.pop(a % len(out))
            queue.restore(job_id, 1)
            inside.add(job_id)
        elif what == "remove" and inside:
            job_id = sorted(inside)[a % len(inside)]
            assert queue.remove(job_id)
            inside.discard(job_id)
            reserved.discard(job_id)
        elif what == "release" and reserved:
            job_id = sorted(reserved)[a % len(reserved)]
            queue.release(job_id)
            reserved.discard(job_id)

        order = list(queue.order())
        assert sorted(order) == sorted(inside)
        assert len(queue) == len(inside)
        assert [queue.place(job_id) for job_id in order] == list(range(1, len(order) + 1))

    for job_id in reserved:
        queue.release(job_id)
    order = list(queue.order())
    assert _all(queue) == order


@given(st.lists(st.tuples(st.integers(1, 3), st.integers(1, 3)), min_size=1, max_size=40))
def test_nobody_who_waits_is_served_twice_less_than_another(asked: list[Asked]) -> None:
    """While both wait, turns of two servers, and of two members of one, differ by one at most."""
    everybody = [(guild, user + 10 * guild) for guild, user in asked]
    order = _all(_queue(*everybody))
    whose = dict(enumerate(everybody, start=1))
    for level in (0, 1):
        left: dict[int, int] = {}
        for who in everybody:
            left[who[level]] = left.get(who[level], 0) + 1
        turns = dict.fromkeys(left, 0)
        for job_id in order:
            key = whose[job_id][level]
            rivals = [
                other
                for other in turns
                if left[other] > 0 and (level == 0 or other // 10 == key // 10)
            ]
            assert turns[key] <= min(turns[other] for other in rivals), (level, job_id)
            turns[key] += 1
            left[key] -= 1


@pytest.mark.parametrize("kind", ["members", "one member"])
def test_telling_five_thousand_places_takes_no_time_to_speak_of(kind: str) -> None:
    """Every command of a rush is told its place; the rush must not feed on itself."""
    queue = FairQueue()
    spent = []
    for job_id in range(1, 10_001):
        queue.add(job_id, requester(job_id if kind == "members" else 1, 1, key=job_id))
        began = time.perf_counter()
        assert queue.place(job_id) == job_id
        spent.append(time.perf_counter() - began)

    # A search among 5,000 takes some hundred microseconds; medians know no busy neighbours.
    assert median(spent[5000:]) < 10 * median(spent[:500]) + 20e-6


def test_five_thousand_servers_are_served_in_no_time() -> None:
    """Popping does not search."""
    queue = _queue(*[(number, 1) for number in range(5000)])
    began = time.perf_counter()

    assert len(_all(queue)) == 5000

    assert time.perf_counter() - began < 0.5
