"""The runner: as many as may go, in their order, and a Pika that is busy or does not know us."""

from __future__ import annotations

import asyncio

import pytest

from bot.errors import Unreachable
from bot.model import JobState
from bot.pika.errors import AccountProblem, Busy, NoAnswer, NotSent
from tests.conftest import OpenHouse
from tests.fakes import (
    GUILD,
    MEMBER,
    Hang,
    House,
    a_while,
    picture,
    recipe,
    requester,
    until,
)

S = JobState


async def _asked(house: House, count: int) -> list[int]:
    """Jobs of different members, in their order."""
    return [(await house.ask(requester(user))).job.id for user in range(1, count + 1)]


async def test_no_more_are_at_pika_than_may_be(open_house: OpenHouse) -> None:
    """Slots are taken from the submit until the video, and one that frees lets one go."""
    house = await open_house(slots=2)
    await _asked(house, 5)
    house.run()

    await until(lambda: len(house.pika.taken) == 2)
    await a_while()
    assert house.pika.submits == 2
    assert house.slots.free == 0

    house.finish(await house.job(1))
    await house.poller.round()
    await until(lambda: house.pika.submits == 3)
    await a_while()
    assert house.pika.submits == 3


async def test_slots_are_kept_over_a_restart(open_house: OpenHouse) -> None:
    """Rendering jobs still take theirs."""
    house = await open_house(slots=2)
    await _asked(house, 4)
    house.run()
    await until(lambda: [state for _, state in house.told].count(S.RENDERING) == 2)

    house = await open_house(slots=2)
    house.run()
    await a_while()

    assert house.pika.submits == 2
    assert house.slots.taken == {1, 2}


async def test_busy_closes_the_gate_for_everybody_and_keeps_the_place(house: House) -> None:
    """A 429 is not one job's fault: the next would get the same answer."""
    house.pika.outcomes += [Busy("later", retry_after=25), Busy("later", retry_after=12)]
    jobs = await _asked(house, 4)
    house.run()
    await until(lambda: house.pika.submits == 2)
    await until(lambda: len(house.queue) == 4)
    await a_while()

    assert house.pika.submits == 2
    assert list(house.queue.order()) == jobs
    assert house.gate.wait_seconds() == 25
    assert [house.queue.place(job) for job in jobs] == [1, 2, 3, 4]

    await until(lambda: house.clock.sleeps)
    house.clock.move(24.9)
    await a_while(20)
    assert house.pika.submits == 2
    house.clock.move(0.1)
    await until(lambda: house.pika.submits == 4)
    await until(lambda: {job for job, state in house.told if state is S.RENDERING} == {1, 2})


async def test_busy_without_a_time_waits_ten_to_thirty_seconds(house: House) -> None:
    """With jitter, so that several bots of one account do not march in step."""
    waits = set()
    for _ in range(50):
        house.clock.move(1000)
        house.gate.busy(None)
        waits.add(house.gate.wait_seconds())

    assert min(waits) >= House.BUSY_SECONDS
    assert max(waits) <= 1.5 * House.BUSY_SECONDS
    assert len(waits) > 10


async def test_a_shorter_wait_does_not_open_a_closed_gate(house: House) -> None:
    """The longest word counts."""
    house.gate.busy(60)
    house.gate.busy(5)

    assert house.gate.wait_seconds() == 60


async def test_an_hour_of_busy_loses_no_job(house: House) -> None:
    """Back-pressure is not the job's fault, however often it meets it."""
    house.pika.outcomes.extend(Busy("later", retry_after=30) for _ in range(120))
    house.run()
    taken = await house.ask()
    for number in range(1, 121):
        await until(lambda n=number: house.pika.submits == n)  # type: ignore[misc]
        await until(lambda: house.clock.sleeps)
        house.clock.move(30)

    await until(lambda: house.told[-1] == (taken.job.id, S.RENDERING))
    assert len(house.pika.taken) == 1


async def test_a_pika_that_takes_nothing_for_a_day_fails_the_job(house: House) -> None:
    """Attempts used up: released, and the member is told."""
    house.pika.outcomes.extend([Busy("later", retry_after=30), NotSent("no way")])
    house.run()
    taken = await house.ask()
    await until(lambda: house.pika.submits == 1)
    await until(lambda: house.clock.sleeps)
    house.clock.move(25 * 3600)
    await until(lambda: house.told[-1] == (taken.job.id, S.FAILED))

    assert (await house.job(taken.job.id)).code == "gave_up"
    assert await house.hold(taken.job.id) == "released"
    assert house.slots.free == house.slots.most


async def test_account_trouble_pauses_the_queue_and_goes_on_by_itself(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    """The operator is called once; no job is risked while the account does not work, none lost."""
    house.pika.outcomes.append(AccountProblem("pay", status=402, code="no_subscription"))
    house.pika.list_error = AccountProblem("pay", status=402, code="no_subscription")
    house.pika.account_error = house.pika.list_error
    house.run()
    await house.ask()
    await until(lambda: house.pika.submits == 1)
    for _ in range(6):
        await until(lambda: house.clock.sleeps)
        house.clock.move(30)
        await a_while(10)
    assert house.pika.submits == 1
    assert house.gate.trouble == "no_subscription"
    assert [r.levelname for r in caplog.records].count("ERROR") == 1

    house.pika.list_error = house.pika.account_error = None
    await until(lambda: house.clock.sleeps)
    house.clock.move(30)
    await until(lambda: house.told[-1] == (1, S.RENDERING))

    assert house.gate.trouble is None
    assert len(house.pika.taken) == 1


async def test_after_account_trouble_one_job_tries_for_all(open_house: OpenHouse) -> None:
    """Ten jobs do not run into the same wall together."""
    house = await open_house(slots=5)
    trouble = AccountProblem("who", status=401, code="unauthorized")
    house.pika.outcomes.extend([trouble] * 20)
    await _asked(house, 6)
    house.run()
    await until(lambda: house.pika.submits == 5)
    await until(lambda: len(house.queue) == 6)
    await until(lambda: house.clock.sleeps)

    house.clock.move(40)
    await until(lambda: house.pika.submits > 5)
    await a_while()

    assert house.pika.submits == 6
    assert list(house.queue.order()) == [1, 2, 3, 4, 5, 6]


async def test_a_job_cancelled_while_pika_is_busy_is_not_sent_again(house: House) -> None:
    """It stands in the queue, and leaves it at once."""
    house.pika.outcomes.append(Busy("later", retry_after=25))
    job = await house.sent()

    cancelled, _ = await house.members.cancel(GUILD, MEMBER, job.id)
    await until(lambda: house.clock.sleeps)
    house.clock.move(60)
    await a_while()

    assert cancelled.state is S.CANCELLED
    assert house.pika.submits == 1
    assert await house.hold(job.id) == "released"


async def test_a_cancel_asked_during_a_post_that_was_not_taken_cancels_the_job(
    house: House,
) -> None:
    """Back in the queue it would only go again."""
    go = asyncio.Event()
    house.pika.outcomes.append(Hang(go, takes=False))
    house.run()
    taken = await house.ask()
    await until(lambda: house.pika.submits)
    await house.members.cancel(GUILD, MEMBER, taken.job.id)
    go.set()
    await until(lambda: house.told[-1][1] is S.IN_DOUBT)

    for _ in range(8):
        await house.poller.round()
        house.clock.move(20)

    assert await house.state(taken.job.id) is S.CANCELLED
    assert await house.hold(taken.job.id) == "released"
    assert house.pika.submits == 1


async def test_a_cancel_asked_before_a_crash_is_kept(open_house: OpenHouse) -> None:
    """Back in the queue with the wish on the disk, and the process died before it was granted:
    the next one grants it, and sends nothing.
    """
    house = await open_house()
    house.pika.outcomes.append(Busy("later", retry_after=25))
    job = await house.sent()
    await house.database.write(
        lambda tx: tx.execute("UPDATE job SET cancel_asked_at = 1 WHERE id = ?", (job.id,))
    )

    house = await open_house()
    house.run()
    await until(lambda: (job.id, S.CANCELLED) in house.told)

    assert house.pika.submits == 1
    assert await house.hold(job.id) == "released"
    assert house.slots.free == house.slots.most


async def test_a_stop_lets_a_submit_finish(house: House) -> None:
    """What can be known within the time is known; nothing new begins."""
    go = asyncio.Event()
    house.pika.outcomes.append(Hang(go))
    house.run()
    await _asked(house, 1)
    await until(lambda: house.pika.taken)
    stopping = asyncio.create_task(house.runner.stop(5))
    await asyncio.sleep(0)
    await _asked(house, 2)
    go.set()
    await stopping

    assert await house.state(1) is S.RENDERING
    assert house.pika.submits == 1


async def test_a_stop_does_not_wait_for_ever(house: House) -> None:
    """The rest is asked about by the next start."""
    house.pika.outcomes.append(Hang(asyncio.Event()))
    house.run()
    await _asked(house, 1)
    await until(lambda: house.pika.taken)

    await house.runner.stop(0.01)

    assert await house.state(1) is S.SUBMITTING


@pytest.mark.parametrize("error", [RuntimeError("oops"), OSError("disk full")])
async def test_an_accident_of_ours_during_a_post_is_a_doubt(house: House, error: Exception) -> None:
    """Nobody knows how far the request got, so nobody sends it again; the slot is not lost."""
    house.pika.outcomes.append(error)
    house.run()
    taken = await house.ask()
    await until(lambda: (taken.job.id, S.IN_DOUBT) in house.told)

    assert await house.hold(taken.job.id) == "held"
    assert house.pika.submits == 1


async def test_an_accident_of_ours_before_the_post_loses_no_job(house: House) -> None:
    """Back to its place, a little later."""
    url = "https://cdn.test/fox.png"
    house.world.files.files[url] = OSError("disk full")
    with pytest.raises(OSError, match="disk full"):
        await house.ask(what=recipe(image=picture(url)))
    house.world.files.files[url] = Unreachable("later")
    taken = await house.ask(what=recipe(image=picture(url)))
    house.world.files.files[url] = OSError("disk full")
    house.run()
    await until(lambda: house.clock.sleeps)

    assert await house.state(taken.job.id) is S.QUEUED
    assert taken.job.id in house.queue
    assert house.slots.free == house.slots.most
    assert house.gate.wait_seconds() > 0


async def test_pika_naming_a_job_twice_is_a_doubt(house: House) -> None:
    """The second job is not the first; nothing is charged or sent twice."""
    first = await house.rendering()
    house.pika.outcomes.append(house.pika.taken[0])

    second = await house.sent()

    assert (second.state, second.code, second.pika_id) == (S.IN_DOUBT, "garbled", None)
    assert await house.state(first.id) is S.RENDERING
    assert await house.hold(second.id) == "held"


async def test_a_doubt_keeps_its_slot_until_it_is_settled(open_house: OpenHouse) -> None:
    """Pika may be working on it, so nobody else goes in its place."""
    house = await open_house(slots=1)
    house.pika.outcomes.append(NoAnswer("timeout", code="timeout"))
    await _asked(house, 2)
    house.run()
    await until(lambda: house.told[-1][1] is S.IN_DOUBT)
    await a_while()

    assert house.pika.submits == 1


async def test_a_job_cancelled_by_two_at_once_stops_nobody(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    """A doubted job that was to be cancelled was proven absent, and cancelled by who proved it
    while its turn came: the second to cancel put a traceback into the log and the whole queue
    to sleep.
    """
    house.pika.outcomes.append(NoAnswer("?", code="timeout"))
    doubted = await house.sent()
    await house.members.cancel(GUILD, MEMBER, doubted.id)
    for _ in range(13):
        house.clock.move(House.DOUBT_SECONDS / 12)
        await house.poller.round()
        await house.rest()

    assert await house.state(doubted.id) is S.CANCELLED
    assert "ERROR" not in [record.levelname for record in caplog.records]
    assert house.gate.wait_seconds() == 0
    assert house.slots.taken == set()
