"""The poller: what it costs, what it finds, and what it must not conclude."""

from __future__ import annotations

import asyncio

import pytest

from bot.errors import Expired, JobNotFound, NotStored, Unreachable
from bot.model import DeliveryKind, JobState, PikaStatus
from bot.pika.errors import AccountProblem, Gone, NoAnswer, Unavailable
from tests.conftest import OpenHouse
from tests.fakes import GUILD, MEMBER, Hang, House, Lost, World, a_while, requester, until

S = JobState
TIMEOUT = NoAnswer("timeout", code="timeout")


def _url(house: House, pika_id: str | None) -> str:
    return house.pika.video_url.format(pika_id)


async def _three(house: House) -> None:
    for user in (1, 2, 3):
        await house.rendering(who=requester(user))
    house.pika.calls.clear()


async def test_a_round_with_nothing_at_pika_costs_nothing(house: House) -> None:
    """An idle bot is a quiet bot."""
    await house.ask()

    await house.poller.round()

    assert house.pika.calls == []


async def test_a_round_costs_one_list_and_one_read_for_each_job_that_left_it(
    open_house: OpenHouse,
) -> None:
    """Not one read per running job."""
    house = await open_house(slots=9)
    await _three(house)

    await house.poller.round()
    assert house.pika.calls == ["list"]

    house.finish(await house.job(2))
    await house.poller.round()
    assert house.pika.calls == ["list", "list", "read pika:2"]

    await house.poller.round()
    assert house.pika.calls == ["list", "list", "read pika:2", "list"]


@pytest.mark.parametrize("error", [Gone("no such list", status=404), Unavailable("later")])
async def test_without_a_list_each_job_is_read(open_house: OpenHouse, error: Exception) -> None:
    """An API that has no list, or none now, still brings every video."""
    house = await open_house(slots=9)
    await _three(house)
    house.pika.list_error = error  # type: ignore[assignment]
    house.finish(await house.job(2))

    await house.poller.round()

    assert sorted(house.pika.calls) == ["list", "read pika:1", "read pika:2", "read pika:3"]
    assert [await house.state(n) for n in (1, 2, 3)] == [S.RENDERING, S.DELIVERING, S.RENDERING]


async def test_account_trouble_at_a_read_closes_the_gate_and_fails_nothing(house: House) -> None:
    """Jobs are kept until the operator has acted."""
    job = await house.rendering()
    house.pika.listed.clear()
    trouble = AccountProblem("who", status=401, code="unauthorized")
    house.pika.read_errors["pika:1"] = house.pika.list_error = trouble

    for _ in range(10):
        house.clock.move(30)
        await house.poller.round()

    assert house.gate.trouble == "unauthorized"
    assert await house.state(job.id) is S.RENDERING


async def test_one_job_that_may_not_be_read_closes_the_gate_to_nobody(
    open_house: OpenHouse,
) -> None:
    """Pika showed its list and forbade one job: that is no trouble of the account. The queue stood
    still for ever, and so did the job. Now it stalls, and the others go on.
    """
    house = await open_house(slots=9)
    bad = await house.rendering()
    house.pika.listed.clear()
    trouble = AccountProblem("not this one", status=403, code="forbidden")
    house.pika.read_errors["pika:1"] = trouble

    await house.poller.round()

    assert house.gate.trouble is None
    house.clock.move(2 * House.STALL_SECONDS + 1)
    await house.poller.round()
    assert (await house.job(bad.id)).code == "stalled"


async def test_a_round_that_goes_wrong_is_not_the_last_one(house: House) -> None:
    """Whatever kind of error nobody has thought of: the loop goes on and finds the video."""
    job = await house.rendering()
    house.finish(job)
    house.pika.calls.clear()
    house.pika.list_error = ArithmeticError("nobody thought of it")  # type: ignore[assignment]
    house.start(house.poller.run())
    for number in range(3):
        await until(lambda: house.clock.sleeps)
        house.clock.move(House.POLL_SECONDS)
        await until(lambda n=number: house.pika.calls.count("list") == n + 1)  # type: ignore[misc]

    house.pika.list_error = None
    await until(lambda: house.clock.sleeps)
    house.clock.move(House.POLL_SECONDS)
    await until(lambda: house.pika.calls.count("read pika:1"))
    for _ in range(50):  # the look at the video is a process
        await a_while()
        if await house.state(job.id) is S.DELIVERING:
            break
    assert await house.state(job.id) is S.DELIVERING


async def test_progress_resets_the_stall_clock(house: House) -> None:
    """A slow job that moves is not a stalled one."""
    job = await house.rendering()
    assert job.pika_id is not None
    for percent in range(0, 100, 10):
        house.clock.move(House.STALL_SECONDS - 1)
        house.pika.show(job.pika_id, percent=percent, updated=str(percent))
        house.pika.listed.clear()  # so that it is read
        await house.poller.round()
        assert await house.state(job.id) is S.RENDERING, percent

    house.finish(job)
    await house.poller.round()
    assert await house.state(job.id) is S.DELIVERING


async def test_a_job_that_is_only_listed_is_read_before_it_is_called_stalled(
    house: House,
) -> None:
    """The list shows no progress: the first silent read starts the clock, the second decides."""
    job = await house.rendering()
    assert job.pika_id is not None
    house.pika.show(job.pika_id, percent=10, updated="a")
    for number in range(6):
        house.clock.move(House.STALL_SECONDS)
        house.pika.show(job.pika_id, updated=f"moved {number}")
        await house.poller.round()
        assert await house.state(job.id) is S.RENDERING

    house.clock.move(House.STALL_SECONDS)
    await house.poller.round()

    assert (await house.job(job.id)).code == "stalled"


async def test_a_job_pika_no_longer_knows_is_failed_and_released(house: House) -> None:
    """404 for a job that it had taken."""
    job = await house.rendering()
    house.pika.listed.clear()
    del house.pika.jobs["pika:1"]

    await house.poller.round()

    assert (await house.job(job.id)).code == "gone"
    assert await house.hold(job.id) == "released"


async def test_a_read_that_fails_now_fails_no_job(house: House) -> None:
    """Later it is there."""
    job = await house.rendering()
    house.finish(job)
    house.pika.read_errors["pika:1"] = Unavailable("later")
    await house.poller.round()
    assert await house.state(job.id) is S.RENDERING

    del house.pika.read_errors["pika:1"]
    await house.poller.round()

    assert await house.state(job.id) is S.DELIVERING


async def test_a_job_that_cannot_be_read_for_too_long_is_failed(house: House) -> None:
    """The member is not kept waiting for ever."""
    job = await house.rendering()
    house.pika.listed.clear()
    house.pika.read_errors["pika:1"] = Unavailable("later")
    house.clock.move(2 * House.STALL_SECONDS)

    await house.poller.round()

    assert (await house.job(job.id)).code == "stalled"


# -- videos --------------------------------------------------------------------------------


@pytest.mark.parametrize("error", [Expired("old"), Unreachable("later")])
async def test_a_video_that_cannot_be_had_is_asked_for_again_with_a_fresh_address(
    house: House, world: World, error: Exception
) -> None:
    """Pika's links expire; its report has the new one."""
    job = await house.rendering()
    house.finish(job)
    world.files.files[_url(house, job.pika_id)] = error
    await house.poller.round()
    assert await house.state(job.id) is S.RENDERING
    assert await house.hold(job.id) == "held"

    house.pika.show("pika:1", video_url="https://cdn.test/fresh.mp4")
    world.files.files["https://cdn.test/fresh.mp4"] = world.video
    await house.poller.round()

    assert await house.state(job.id) is S.DELIVERING


async def test_a_video_that_can_never_be_had_is_failed_and_released(
    house: House, world: World
) -> None:
    """After the whole timeout of trying, not before."""
    job = await house.rendering()
    house.finish(job)
    world.files.files[_url(house, job.pika_id)] = Unreachable("later")
    await house.poller.round()
    house.clock.move(House.STALL_SECONDS - 1)
    await house.poller.round()
    assert await house.state(job.id) is S.RENDERING

    house.clock.move(1)
    await house.poller.round()

    assert (await house.job(job.id)).code == "video_unreachable"
    assert await house.hold(job.id) == "released"


async def test_a_slow_jobs_video_gets_its_own_time_to_be_fetched(
    house: House, world: World
) -> None:
    """Pika worked on it for longer than the timeout, and is done; one bad moment of the host
    that has the video must not cost what was made.
    """
    job = await house.rendering()
    house.clock.move(House.STALL_SECONDS + 1)
    house.finish(job)
    world.files.files[_url(house, job.pika_id)] = Unreachable("later")
    await house.poller.round()
    world.files.files[_url(house, job.pika_id)] = world.video
    await house.poller.round()

    assert await house.state(job.id) is S.DELIVERING


async def test_a_host_is_given_its_own_time_after_our_disk_was_full(
    house: House, world: World
) -> None:
    """For hours there was no room for the video: the first "not now" of its host ends nothing."""
    job = await house.rendering()
    house.finish(job)
    world.files.files[_url(house, job.pika_id)] = NotStored("The disk is full.")
    for _ in range(3):
        await house.poller.round()
        house.clock.move(House.STALL_SECONDS)

    world.files.files[_url(house, job.pika_id)] = Unreachable("not now")
    await house.poller.round()
    assert await house.state(job.id) is S.RENDERING

    house.clock.move(House.STALL_SECONDS)
    await house.poller.round()
    assert (await house.job(job.id)).code == "video_unreachable"


async def test_a_file_that_is_no_video_fails_uncharged_and_leaves_nothing(
    house: House, world: World
) -> None:
    """The member has no video, so there is no charge."""
    job = await house.rendering()
    house.finish(job)
    world.files.files[_url(house, job.pika_id)] = b"<html>sorry</html>"

    await house.poller.round()

    assert (await house.job(job.id)).code == "bad_video"
    assert await house.hold(job.id) == "released"
    assert list((world.folder / "videos").iterdir()) == []


async def test_finished_without_a_video_fails_uncharged(house: House) -> None:
    """Completed is not enough."""
    job = await house.rendering()
    assert job.pika_id is not None
    house.pika.end(job.pika_id, video_url=None)

    await house.poller.round()

    assert (await house.job(job.id)).code == "no_video"
    assert await house.hold(job.id) == "released"


async def test_two_looks_at_once_are_one(house: House, world: World) -> None:
    """A callback during a round does not fetch, charge or fail twice."""
    job = await house.rendering()
    house.finish(job)
    go = world.files.hold(_url(house, job.pika_id))
    polling = asyncio.create_task(house.poller.round())
    await until(lambda: world.files.fetched)
    await house.poller.hint(str(job.reply_ref))
    go.set()
    await polling

    assert len(world.files.fetched) == 1
    assert await house.state(job.id) is S.DELIVERING


async def test_a_video_in_the_answer_to_the_post_and_in_a_round_is_fetched_once(
    house: House, world: World
) -> None:
    """Runner and poller both see it finished; a bad second copy must not delete the good one."""
    url = house.pika.video_url.format("pika:1")
    world.files.files[url] = world.video
    go = world.files.hold(url)
    house.pika.outcomes.append(PikaStatus.COMPLETED)
    house.run()
    taken = await house.ask()
    await until(lambda: world.files.fetched)
    polling = asyncio.create_task(house.poller.round())
    await a_while(20)
    go.set()
    await polling
    await until(lambda: (taken.job.id, S.DELIVERING) in house.told)

    assert len(world.files.fetched) == 1
    job = await house.job(taken.job.id)
    assert job.video_path is not None
    assert job.video_path.exists()
    assert await house.history(job.id) == ["queued", "submitting", "rendering", "delivering"]


@pytest.mark.parametrize("looked_at", [False, True])
async def test_a_late_answer_does_not_delete_the_video_that_an_earlier_one_brought(
    house: House, world: World, looked_at: bool
) -> None:
    """Two answers say that it is finished, and one of them took a second longer: the video was
    here, waited for a moderator, and was fetched again and deleted. A week later it was lost.
    """
    if looked_at:
        await house.look_at()
    before = await house.rendering()
    house.finish(before)
    report = await house.pika.report(before.pika_id or "")
    await house.poller.round()
    await house.settling.settle(before, report)

    job = await house.job(before.id)
    assert job.state is (S.REVIEWING if looked_at else S.DELIVERING)
    assert job.video_path is not None
    assert job.video_path.exists()
    assert len(world.files.fetched) == 1


# -- callbacks -----------------------------------------------------------------------------


async def test_a_hint_reads_the_job_now(house: House) -> None:
    """A callback is a hint, never a fact: Pika's own report counts."""
    job = await house.rendering()
    house.finish(job)

    await house.poller.hint(str(job.reply_ref))

    assert await house.state(job.id) is S.DELIVERING


async def test_a_hint_with_a_strange_reference_is_told_so(house: House) -> None:
    """And asks Pika nothing."""
    await house.rendering()
    house.pika.calls.clear()

    with pytest.raises(JobNotFound):
        await house.poller.hint("nobody's")

    assert house.pika.calls == []


async def test_a_hint_before_the_answer_to_the_post_changes_nothing(house: House) -> None:
    """It can come first; the answer to the POST decides."""
    go = asyncio.Event()
    house.pika.outcomes.append(Hang(go))
    house.run()
    taken = await house.ask()
    await until(lambda: house.pika.taken)

    await house.poller.hint(str(house.pika.taken[0].reply_ref))

    assert await house.state(taken.job.id) is S.SUBMITTING
    go.set()
    await until(lambda: (taken.job.id, S.RENDERING) in house.told)


async def test_a_hint_about_a_doubted_job_finds_it(house: House) -> None:
    """The callback proves that Pika has it; the list says under which name."""
    house.pika.outcomes.append(Lost())
    job = await house.sent()

    await house.poller.hint(str(job.reply_ref))

    assert await house.state(job.id) is S.RENDERING


@pytest.mark.parametrize("state", [S.DELIVERING, S.DELIVERED])
async def test_a_late_hint_changes_nothing(house: House, state: JobState) -> None:
    """Pika may call back as often as it likes."""
    job = await house.delivering()
    if state is S.DELIVERED:
        await house.deliver()
    before = await house.job(job.id)

    await house.poller.hint(str(job.reply_ref))

    assert await house.job(job.id) == before


# -- doubt ---------------------------------------------------------------------------------


async def _grace(house: House) -> None:
    for _ in range(8):
        await house.poller.round()
        house.clock.move(20)
    await a_while(20)


async def test_two_doubted_jobs_are_each_found(open_house: OpenHouse) -> None:
    """By their own references, in one round."""
    house = await open_house(slots=9)
    house.pika.outcomes += [Lost(), Lost()]
    first, second = await house.sent(), await house.sent()

    await house.poller.round()

    assert (await house.job(first.id)).pika_id == "pika:1"
    assert (await house.job(second.id)).pika_id == "pika:2"
    assert house.pika.submits == 2


async def test_a_hint_about_one_doubted_job_does_not_hide_another(
    open_house: OpenHouse,
) -> None:
    """What is not the one looked for may be another of ours: it must be found later, or it
    would be bought twice.
    """
    house = await open_house(slots=9)
    house.pika.outcomes += [Lost(), Lost()]
    first, second = await house.sent(), await house.sent()

    await house.poller.hint(str(first.reply_ref))
    await _grace(house)

    assert await house.state(second.id) is S.RENDERING
    assert house.pika.submits == len(house.pika.taken) == 2


async def test_a_job_seen_at_pika_before_its_post_was_lost_is_still_found(
    open_house: OpenHouse,
) -> None:
    """Pika lists it while the POST is on its way; a look for another job reads it then. When
    the answer is lost afterwards, it must be found, not bought again.
    """
    house = await open_house(slots=9)
    house.pika.outcomes.append(TIMEOUT)
    doubted = await house.sent()
    go = asyncio.Event()

    class LostLater(Hang):
        pass

    house.pika.outcomes.append(LostLater(go))
    taken = await house.ask(requester(7))
    await until(lambda: house.pika.taken)
    await house.poller.round()  # reads pika:1, which is nobody's yet
    assert await house.state(doubted.id) is S.IN_DOUBT

    await house.runner.stop(0)  # the POST is torn off, as by a broken connection
    house.runner._stopping = False
    job = await house.job(taken.job.id)
    await house.settling.doubt(job, "no_answer")
    await _grace(house)

    found = await house.job(taken.job.id)
    assert (found.state, found.pika_id) == (S.RENDERING, "pika:1")
    assert [report.reply_ref for report in house.pika.taken].count(job.reply_ref) == 1


async def test_strangers_are_read_once(house: House) -> None:
    """People use the same account by hand; their jobs are not read again in every round."""
    for _ in range(3):
        house.pika.take("somebody else's")
    house.pika.outcomes.append(TIMEOUT)
    await house.sent()
    house.pika.calls.clear()

    for _ in range(4):
        await house.poller.round()

    assert sorted(house.pika.calls) == [*["list"] * 4, "read pika:1", "read pika:2", "read pika:3"]


async def test_a_stranger_that_cannot_be_read_proves_nothing(house: House) -> None:
    """It may be the job that is looked for: it is not sent again while that is open."""
    house.pika.take("unreadable")
    house.pika.read_errors["pika:1"] = Unavailable("later")
    house.pika.outcomes.append(TIMEOUT)
    job = await house.sent()

    await _grace(house)

    assert await house.state(job.id) is S.IN_DOUBT
    assert house.pika.submits == 1


async def test_a_stranger_that_can_never_be_read_does_not_keep_a_job_in_doubt_for_ever(
    house: House,
) -> None:
    """At the deadline the member gets the credit back, and the slot is free."""
    house.pika.take("unreadable")
    house.pika.read_errors["pika:1"] = Gone("?", status=404)
    house.pika.outcomes.append(TIMEOUT)
    job = await house.sent()

    for _ in range(60):
        await house.poller.round()
        house.clock.move(30)

    assert (await house.job(job.id)).code == "unknown"
    assert await house.hold(job.id) == "released"
    assert house.slots.free == house.slots.most
    assert house.pika.submits == 1


async def test_behind_a_stranger_that_cannot_be_read_a_doubted_job_is_found(
    house: House,
) -> None:
    """One unreadable job does not end the search."""
    house.pika.take("unreadable")
    house.pika.read_errors["pika:1"] = Unavailable("later")
    house.pika.outcomes.append(Lost())
    job = await house.sent()

    await house.poller.round()

    assert (await house.job(job.id)).pika_id == "pika:2"


@pytest.mark.parametrize("error", [Unreachable("later"), Expired("old")])
async def test_a_doubted_job_found_finished_whose_video_is_not_to_be_had_ends_no_loop(
    house: House, world: World, error: Exception
) -> None:
    """It is rendering then, and the next round fetches it; other jobs do not notice."""
    house.pika.outcomes.append(Lost())
    job = await house.sent()
    house.pika.end("pika:1")
    house.pika.listed.add("pika:1")  # still on the list for a moment
    world.files.files[_url(house, "pika:1")] = error

    await house.poller.round()
    assert await house.state(job.id) is S.RENDERING
    house.pika.listed.clear()
    world.files.files[_url(house, "pika:1")] = world.video
    await house.poller.round()

    assert await house.state(job.id) is S.DELIVERING


async def test_a_doubted_job_with_a_cancel_is_cancelled_once_proven_absent(house: House) -> None:
    """Not sent again only to be stopped."""
    house.pika.outcomes.append(TIMEOUT)
    job = await house.sent()
    await house.members.cancel(GUILD, MEMBER, job.id)

    await _grace(house)

    assert await house.state(job.id) is S.CANCELLED
    assert await house.hold(job.id) == "released"
    assert house.pika.submits == 1


async def test_a_doubted_job_with_a_cancel_that_is_found_is_stopped(house: House) -> None:
    """First found, then asked to stop."""
    house.pika.outcomes.append(Lost())
    job = await house.sent()
    await house.members.cancel(GUILD, MEMBER, job.id)

    await house.poller.round()
    await house.poller.round()

    assert await house.state(job.id) is S.CANCELLED
    assert "cancel pika:1" in house.pika.calls


async def test_a_second_doubt_needs_a_proof_of_its_own(house: House) -> None:
    """What was seen of the first attempt proves nothing about the second."""
    house.pika.outcomes += [TIMEOUT, TIMEOUT]
    job = await house.sent()
    await _grace(house)
    await until(lambda: house.pika.submits == 2)
    await until(lambda: house.told[-1] == (job.id, S.IN_DOUBT))

    house.clock.move(House.DOUBT_SECONDS + 1)  # nobody looked soon after this POST
    await house.poller.round()
    await a_while(20)

    assert house.pika.submits == 2
    assert await house.state(job.id) is S.IN_DOUBT


async def test_doubted_jobs_of_an_earlier_run_are_not_proven_absent_by_looking_late(
    open_house: OpenHouse,
) -> None:
    """The bot was down while Pika could have finished the job: nobody can tell, so it is not
    bought again.
    """
    house = await open_house()
    house.pika.outcomes.append(TIMEOUT)
    job = await house.sent()
    await house.poller.round()
    house.clock.move(House.DOUBT_SECONDS)

    house = await open_house()
    house.run()
    for _ in range(20):
        await house.poller.round()
        house.clock.move(20)
    await a_while(20)

    assert (await house.job(job.id)).code == "unknown"
    assert house.pika.submits == 1


async def test_a_refused_cancel_leaves_the_job_to_its_end(house: House) -> None:
    """Pika does not stop; it is asked in every round, and the end decides."""
    house.pika.obeys_cancel = False
    job = await house.rendering()
    await house.members.cancel(GUILD, MEMBER, job.id)
    await house.poller.round()
    await house.poller.round()
    assert await house.state(job.id) is S.RENDERING
    assert house.pika.calls.count("cancel pika:1") == 2

    house.finish(job)
    await house.poller.round()

    assert (await house.job(job.id)).code == "finished_first"
    assert await house.hold(job.id) == "charged"
    assert DeliveryKind.NOTICE not in await house.messages(job.id)


async def test_a_cancel_of_what_pika_has_finished_says_nothing_of_the_job(house: House) -> None:
    """The API may answer 404 to a cancel of a job that is over: the job's own report decides, and
    a video that exists was paid for.
    """
    job = await house.rendering()
    house.finish(job)
    house.pika.cancel_error = Gone("no such job", status=404)
    await house.members.cancel(GUILD, MEMBER, job.id)

    await house.poller.round()

    assert (await house.job(job.id)).code == "finished_first"
    assert await house.hold(job.id) == "charged"


async def test_the_loop_makes_its_rounds_by_the_clock(house: House) -> None:
    """One list per interval."""
    await house.rendering()
    house.pika.calls.clear()
    house.start(house.poller.run())
    for number in range(3):
        await until(lambda: house.clock.sleeps)
        assert house.pika.calls.count("list") == number
        house.clock.move(House.POLL_SECONDS)
        await until(lambda n=number: house.pika.calls.count("list") == n + 1)  # type: ignore[misc]
