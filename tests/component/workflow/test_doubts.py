"""Searching for doubted jobs: what one slow host costs, and what proves that a job is absent."""

from __future__ import annotations

import asyncio

import pytest

from bot.model import JobState, PikaStatus
from bot.pika.errors import AccountProblem, Busy, Gone, NoAnswer, PikaError, Refused, Unavailable
from bot.workflow.rendering.poller import ROUND_SECONDS
from bot.workflow.rendering.search import SEARCHES_AT_ONCE
from tests.conftest import OpenHouse
from tests.fakes import GUILD, MEMBER, Hang, House, Lost, World, a_while, requester, until

S = JobState
TIMEOUT = NoAnswer("timeout", code="timeout")


async def test_one_slow_host_holds_no_round_up(open_house: OpenHouse, world: World) -> None:
    """A stranger whose read hangs and a video that drips: the others go on, and so does the
    next round; what came too late for one round counts in the next.
    """
    house = await open_house(slots=9)
    slow, quick = await house.rendering(who=requester(1)), await house.rendering(who=requester(2))
    house.pika.outcomes.append(Lost())
    doubted = await house.sent(who=requester(3))
    slow_stranger = house.pika.take("slow one")
    answer = house.pika.read_holds[slow_stranger.pika_id] = asyncio.Event()
    house.finish(slow)
    video = world.files.hold(house.pika.video_url.format(slow.pika_id))

    polling = asyncio.create_task(house.poller.round())
    await until(lambda: ROUND_SECONDS in house.clock.sleeps)
    house.clock.move(ROUND_SECONDS)  # the search has waited
    await until(lambda: polling.done() or ROUND_SECONDS in house.clock.sleeps)
    house.clock.move(ROUND_SECONDS)  # the video too
    await polling
    assert await house.state(doubted.id) is S.RENDERING

    house.finish(quick)
    polling = asyncio.create_task(house.poller.round())
    await until(lambda: (quick.id, S.DELIVERING) in house.told)
    await polling
    assert await house.state(slow.id) is S.RENDERING
    answer.set()
    video.set()
    await until(lambda: (slow.id, S.DELIVERING) in house.told)
    assert world.files.fetched.count(house.pika.video_url.format(slow.pika_id)) == 1


async def test_few_strangers_are_read_at_once(house: House) -> None:
    """A long list does not become a flood."""
    for number in range(12):
        name = house.pika.take(f"stranger {number}").pika_id
        house.pika.read_holds[name] = asyncio.Event()
    house.pika.outcomes.append(TIMEOUT)
    await house.sent()
    house.pika.calls.clear()

    polling = asyncio.create_task(house.poller.round())
    await a_while(20)

    assert sum(call.startswith("read") for call in house.pika.calls) == SEARCHES_AT_ONCE
    for hold in house.pika.read_holds.values():
        hold.set()
    await polling
    assert sum(call.startswith("read") for call in house.pika.calls) == 12


async def test_a_job_that_left_the_list_before_it_could_be_read_is_still_found(
    house: House, world: World
) -> None:
    """It was seen, so it is asked for by its name until it has been compared; it is not bought
    again because it was quick.
    """
    house.pika.outcomes.append(Lost())
    job = await house.sent()
    house.pika.read_errors["pika:1"] = Unavailable("later")
    await house.poller.round()
    house.pika.end("pika:1")
    world.files.files[house.pika.video_url.format("pika:1")] = world.video
    for _ in range(9):
        house.clock.move(20)
        await house.poller.round()
    assert await house.state(job.id) is S.IN_DOUBT

    house.pika.read_errors.clear()
    await house.poller.round()
    await house.poller.round()

    assert await house.state(job.id) is S.DELIVERING
    assert house.pika.submits == 1


async def test_a_job_that_was_read_as_nobodys_and_finished_since_is_still_found(
    open_house: OpenHouse, world: World
) -> None:
    """Its POST hung; another doubt had it read meanwhile; it finished; then its POST broke."""
    house = await open_house(slots=9)
    house.pika.outcomes.append(TIMEOUT)
    await house.sent()
    go = asyncio.Event()
    house.pika.outcomes.append(Hang(go))
    taken = await house.ask(requester(7))
    await until(lambda: house.pika.taken)
    await house.poller.round()
    house.pika.end("pika:1")
    world.files.files[house.pika.video_url.format("pika:1")] = world.video
    house.clock.move(90)
    await house.runner.stop(0)
    await house.settling.doubt(await house.job(taken.job.id), "timeout")

    await house.poller.round()
    await house.poller.round()

    assert await house.state(taken.job.id) is S.DELIVERING


@pytest.mark.parametrize("gap", [60, 61])
async def test_a_gap_in_which_a_video_could_have_been_made_proves_nothing(
    house: House, gap: float
) -> None:
    """The list was out of order for more than half the grace time: the job may have come, been
    made, and gone. Up to half of it is no gap.
    """
    house.pika.outcomes.append(TIMEOUT)
    job = await house.sent()
    house.clock.move(20)
    await house.poller.round()
    house.pika.list_error = PikaError("later")
    for _ in range(2):
        house.clock.move(gap / 2)
        await house.poller.round()
    house.pika.list_error = None
    for _ in range(8):
        await house.poller.round()
        house.clock.move(20)
    await a_while(20)

    if gap > House.DOUBT_SECONDS / 2:
        assert house.pika.submits == 1
        assert await house.state(job.id) in {S.IN_DOUBT, S.FAILED}
    else:
        assert house.pika.submits == 2
        assert await house.state(job.id) is S.RENDERING


async def test_a_listed_job_that_pika_does_not_know_proves_nothing(house: House) -> None:
    """Seen on the list, then "no such job": nobody can tell whose it was."""
    house.pika.take("?")
    house.pika.read_errors["pika:1"] = Gone("?", status=404)
    house.pika.outcomes.append(TIMEOUT)
    job = await house.sent()
    await house.poller.round()
    house.pika.listed.clear()
    for _ in range(8):
        house.clock.move(20)
        await house.poller.round()

    assert await house.state(job.id) is S.IN_DOUBT
    assert house.pika.submits == 1


# -- what a callback names -----------------------------------------------------------------


async def _lost(house: House) -> str:
    """A job that Pika took without an answer and finished before anybody asked: its reference."""
    house.pika.outcomes.append(Lost())
    job = await house.sent()
    house.pika.end("pika:1")
    house.world.files.files[house.pika.video_url.format("pika:1")] = house.world.video
    return str(job.reply_ref)


async def test_a_callback_finds_a_job_that_finished_before_anyone_asked(house: House) -> None:
    """No list shows it; its name in the callback leads to it, and Pika's answer proves it."""
    reference = await _lost(house)

    await house.poller.hint(reference, "pika:1")

    assert await house.state(1) is S.DELIVERING
    assert await house.hold(1) == "charged"
    assert house.pika.submits == 1


@pytest.mark.parametrize("named", ["pika:2", "no-such-job", None])
async def test_a_callback_that_names_another_job_finds_nothing(
    house: House, named: str | None
) -> None:
    """A stranger's job, garbage, nothing: nothing is believed, fetched or charged."""
    reference = await _lost(house)
    house.pika.end(house.pika.take("a stranger's").pika_id)

    await house.poller.hint(reference, named)

    assert await house.state(1) is S.IN_DOUBT
    assert (await house.job(1)).pika_id is None
    assert house.world.files.fetched == []


@pytest.mark.parametrize(
    "error", [Unavailable("later"), AccountProblem("who", status=401, code="unauthorized")]
)
async def test_what_a_callback_named_is_read_again_and_keeps_the_job_from_being_bought_again(
    house: House, error: PikaError
) -> None:
    """As long as it cannot be read, nothing is proven."""
    reference = await _lost(house)
    house.pika.read_errors["pika:1"] = error
    await house.poller.hint(reference, "pika:1")
    for _ in range(9):
        await house.poller.round()
        house.clock.move(20)
    assert house.pika.submits == 1
    assert await house.state(1) is S.IN_DOUBT

    house.pika.read_errors.clear()
    await house.poller.round()

    assert await house.state(1) is S.DELIVERING


async def test_a_callback_before_the_answer_to_the_post_is_believed_once_pika_confirms_it(
    house: House, world: World
) -> None:
    """Finished, fetched and charged while the POST still hangs; its answer then changes nothing."""
    go = asyncio.Event()
    house.pika.outcomes.append(Hang(go))
    house.run()
    await house.ask()
    await until(lambda: house.pika.taken)
    house.pika.end("pika:1")
    world.files.files[house.pika.video_url.format("pika:1")] = world.video

    await house.poller.hint(str(house.pika.taken[0].reply_ref), "pika:1")
    assert await house.state(1) is S.DELIVERING
    go.set()
    await a_while(20)

    assert await house.history(1) == ["queued", "submitting", "rendering", "delivering"]
    assert await house.hold(1) == "charged"
    assert house.slots.free == house.slots.most


@pytest.mark.parametrize(
    "error",
    [
        NoAnswer("broken"),
        Refused("no"),
        Busy("later", retry_after=5),
        AccountProblem("?", status=596),
    ],
    ids=lambda error: error.code,
)
async def test_whatever_the_post_is_answered_a_confirmed_callback_came_first(
    house: House, error: PikaError, caplog: pytest.LogCaptureFixture
) -> None:
    """Pika's API has shown the job: a late "no" to its POST moves nothing, and breaks nothing."""
    go = asyncio.Event()
    house.pika.outcomes.append(Hang(go, error=error))
    house.run()
    await house.ask()
    await until(lambda: house.pika.taken)
    await house.poller.hint(str(house.pika.taken[0].reply_ref), "pika:1")
    assert await house.state(1) is S.RENDERING
    go.set()
    await a_while(20)

    assert await house.history(1) == ["queued", "submitting", "rendering"]
    assert house.slots.taken == {1}
    assert house.queue.place(1) is None
    assert [r for r in caplog.records if r.levelname == "ERROR" and r.exc_info] == []


@pytest.mark.parametrize("named", [True, False])
async def test_a_callback_before_the_answer_is_followed_right_after_it(
    house: House, world: World, named: bool
) -> None:
    """Pika could not be read when it came; the job is read after the answer, not with the next
    round.
    """
    go = asyncio.Event()
    house.pika.outcomes.append(Hang(go))
    house.run()
    await house.ask()
    await until(lambda: house.pika.taken)
    reference = str(house.pika.taken[0].reply_ref)
    house.pika.read_errors["pika:1"] = Unavailable("later")
    await house.poller.hint(reference, "pika:1" if named else None)
    assert await house.state(1) is S.SUBMITTING
    house.pika.read_errors.clear()
    house.pika.end("pika:1")
    world.files.files[house.pika.video_url.format("pika:1")] = world.video

    go.set()
    await until(lambda: (1, S.DELIVERING) in house.told)

    assert "list" not in house.pika.calls


async def test_a_callback_before_a_doubt_is_followed_right_after_it(
    house: House, world: World
) -> None:
    """The POST breaks after all, and no list shows the job any more."""
    go = asyncio.Event()
    house.pika.outcomes.append(Hang(go, takes=False))
    house.run()
    await house.ask()
    await until(lambda: house.pika.hanging)
    reference = str((await house.job(1)).reply_ref)
    report = house.pika.take(reference)
    house.pika.read_errors[report.pika_id] = Unavailable("later")
    await house.poller.hint(reference, report.pika_id)
    house.pika.read_errors.clear()
    house.pika.end(report.pika_id)
    world.files.files[house.pika.video_url.format(report.pika_id)] = world.video

    go.set()
    await until(lambda: (1, S.DELIVERING) in house.told)

    assert await house.hold(1) == "charged"


@pytest.mark.parametrize("ending", ["doubt", "answer"])
async def test_a_callback_that_is_read_while_the_post_ends_is_not_lost(
    house: House, world: World, ending: str
) -> None:
    """Pika's answer about the job is on its way when the POST breaks, or is answered."""
    go = asyncio.Event()
    house.pika.outcomes.append(Hang(go, error=TIMEOUT if ending == "doubt" else None))
    house.run()
    await house.ask()
    await until(lambda: house.pika.taken)
    house.pika.end("pika:1")
    world.files.files[house.pika.video_url.format("pika:1")] = world.video
    read = house.pika.read_holds["pika:1"] = asyncio.Event()
    reference = str(house.pika.taken[0].reply_ref)
    hint = asyncio.create_task(house.poller.hint(reference, "pika:1"))
    await until(lambda: "read pika:1" in house.pika.calls)
    go.set()
    await until(lambda: house.told[-1][1] in {S.IN_DOUBT, S.RENDERING})
    read.set()
    await hint

    await until(lambda: (1, S.DELIVERING) in house.told)
    assert await house.hold(1) == "charged"


async def test_news_that_comes_while_a_job_is_read_has_it_read_again(house: House) -> None:
    """The answer on its way may be older than the callback."""
    job = await house.rendering()
    assert job.pika_id is not None
    old = house.pika.read_holds["pika:1"] = asyncio.Event()
    house.pika.listed.clear()
    before = house.pika.jobs["pika:1"]
    polling = asyncio.create_task(house.poller.round())
    await until(lambda: "read pika:1" in house.pika.calls)
    await house.poller.hint(str(job.reply_ref), "pika:1")
    old.set()
    await polling

    assert before.status is PikaStatus.WORKING
    assert house.pika.calls.count("read pika:1") == 2


async def test_a_confirmed_callback_for_a_job_with_a_cancel_lets_it_be_stopped(
    house: House,
) -> None:
    """The wish holds for a job that is found."""
    house.pika.outcomes.append(Lost())
    job = await house.sent()
    await house.members.cancel(GUILD, MEMBER, job.id)

    await house.poller.hint(str(job.reply_ref), "pika:1")
    await house.poller.round()

    assert await house.state(job.id) is S.CANCELLED
    assert await house.hold(job.id) == "released"


@pytest.mark.parametrize("named", [True, False])
async def test_who_was_called_back_about_is_not_proven_absent(house: House, named: bool) -> None:
    """Nobody but Pika knows the reference: even while the read of the job hangs, or where the body
    could not be read, the list's silence proves nothing any more.
    """
    house.run()
    house.pika.outcomes.append(Lost(listed=False))
    job = await house.sent()
    name = house.pika.taken[0].pika_id
    for _ in range(int(House.DOUBT_SECONDS / House.POLL_SECONDS)):
        await house.poller.round()
        house.clock.move(House.POLL_SECONDS)

    read = house.pika.read_holds[name] = asyncio.Event()
    hint = asyncio.create_task(house.poller.hint(str(job.reply_ref), name if named else None))
    await a_while()
    await house.poller.round()
    house.clock.move(House.POLL_SECONDS)
    await house.poller.round()
    read.set()
    await hint
    await house.rest()

    assert len(house.pika.taken) == 1
    assert await house.state(job.id) is (S.RENDERING if named else S.IN_DOUBT)


async def test_the_video_of_a_job_that_a_callback_named_holds_no_round_up(
    open_house: OpenHouse, world: World
) -> None:
    """It is found by the next round, already finished; its host drips, and the others go on."""
    house = await open_house(slots=9)
    other = await house.rendering(who=requester(1))
    house.pika.outcomes.append(Lost(listed=False))
    job = await house.sent(who=requester(2))
    name = house.pika.taken[-1].pika_id
    house.pika.read_errors[name] = Unavailable("not now")
    await house.poller.hint(str(job.reply_ref), name)
    del house.pika.read_errors[name]
    house.pika.end(name)
    video = world.files.hold(house.pika.video_url.format(name))
    house.finish(await house.job(other.id))

    polling = asyncio.create_task(house.poller.round())
    await until(lambda: (job.id, S.RENDERING) in house.told)
    await until(lambda: ROUND_SECONDS in house.clock.sleeps)
    house.clock.move(ROUND_SECONDS)
    await until(lambda: (other.id, S.DELIVERING) in house.told)
    await polling
    assert await house.state(job.id) is S.RENDERING

    world.files.files[house.pika.video_url.format(name)] = world.video
    video.set()
    await until(lambda: (job.id, S.DELIVERING) in house.told)
