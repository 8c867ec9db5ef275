"""The state table of the design, row by row: what happened, where to, and what goes with it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from bot.errors import BadRecipe
from bot.model import DeliveryKind, JobState, PikaStatus
from bot.pika.errors import (
    AccountProblem,
    BadFlag,
    Busy,
    Garbled,
    Moderated,
    NoAnswer,
    NotSent,
    PikaError,
    Refused,
)
from tests.conftest import OpenHouse
from tests.fakes import GUILD, MEMBER, Hang, House, Lost, World, until

S = JobState
K = DeliveryKind


async def test_queued_and_its_turn_is_submitting_with_attempt_and_reference_before_the_post(
    house: House,
) -> None:
    """A crash during the POST finds both on the disk."""
    go = asyncio.Event()
    house.pika.outcomes.append(Hang(go))
    house.run()
    taken = await house.ask()
    await until(lambda: house.pika.taken)

    job = await house.job(taken.job.id)
    assert (job.state, job.attempt) == (S.SUBMITTING, 1)
    assert job.reply_ref == house.pika.taken[0].reply_ref
    assert job.reply_ref is not None
    assert len(job.reply_ref) >= 32
    assert house.pika.reply_urls == [f"https://bot.test/callbacks/{job.reply_ref}"]
    go.set()
    await until(lambda: house.told[-1][1] is S.RENDERING)


async def test_submitting_and_accepted_is_rendering_with_pikas_name(house: House) -> None:
    """Credits stay held until there is a video."""
    job = await house.rendering()

    assert job.pika_id == house.pika.taken[0].pika_id
    assert await house.hold(job.id) == "held"
    assert await house.history(job.id) == ["queued", "submitting", "rendering"]
    assert house.slots.taken == {job.id}


@pytest.mark.parametrize(
    "error",
    [
        NotSent("no connection"),
        Busy("later", retry_after=25),
        Busy("full", code="queue_full"),
        AccountProblem("who are you", status=401, code="unauthorized"),
        AccountProblem("pay", status=402, code="no_subscription"),
    ],
    ids=lambda error: error.code,
)
async def test_submitting_and_certainly_not_taken_is_queued_in_its_place(
    house: House, error: PikaError
) -> None:
    """Held, nothing said, and nobody goes before it."""
    house.pika.outcomes.append(error)
    job = await house.sent()
    other = await house.ask()

    assert (job.state, job.submitted_at) == (S.QUEUED, None)
    assert await house.hold(job.id) == "held"
    assert list(house.queue.order()) == [job.id, other.job.id]
    assert house.slots.free == house.slots.most
    assert house.gate.wait_seconds() > 0
    assert K.NOTICE not in await house.messages(job.id)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (Refused("no", status=400), "refused"),
        (Refused("no", status=404, code="not_found"), "not_found"),
        (Moderated("bad words", status=422), "moderated"),
        (BadFlag("unknown -foo", status=422), "bad_flag"),
        (BadRecipe("image", "too large"), "refused"),
    ],
    ids=["400", "404", "moderated", "bad flag", "ours"],
)
async def test_submitting_and_refused_for_good_is_failed_and_released(
    house: House, error: Exception, code: str
) -> None:
    """The member is told why; the slot is free."""
    house.pika.outcomes.append(error)
    job = await house.sent()

    assert (job.state, job.code) == (S.FAILED, code)
    assert job.detail == str(getattr(error, "detail", error))
    assert await house.hold(job.id) == "released"
    assert K.NOTICE in await house.messages(job.id)
    assert house.slots.free == house.slots.most


@pytest.mark.parametrize(
    "outcome",
    [
        Lost(),
        Lost(NoAnswer("timeout", code="timeout")),
        Lost(Garbled("?")),
        Lost(NoAnswer("oops", status=500, code="server_error")),
        Lost(NoAnswer("lost it", status=504, code="untracked")),
        AccountProblem("discord account", status=596),
    ],
    ids=["no answer", "timeout", "garbled", "500", "504", "596"],
)
async def test_submitting_without_a_usable_answer_is_in_doubt_and_held(
    house: House, outcome: Any
) -> None:
    """Never sent again on suspicion; it still takes its place at Pika."""
    house.pika.outcomes.append(outcome)
    job = await house.sent()

    assert job.state is S.IN_DOUBT
    assert job.code == (outcome.error.code if isinstance(outcome, Lost) else outcome.code)
    assert await house.hold(job.id) == "held"
    assert house.slots.taken == {job.id}
    house.clock.move(3600)
    await asyncio.sleep(0.01)
    assert house.pika.submits == 1


async def test_submitting_when_the_process_died_is_in_doubt(open_house: OpenHouse) -> None:
    """The next start asks, and does not send."""
    house = await open_house()
    house.pika.outcomes.append(Hang(asyncio.Event()))
    house.run()
    taken = await house.ask()
    await until(lambda: house.pika.taken)

    house = await open_house()
    house.run()

    job = await house.job(taken.job.id)
    assert (job.state, job.code) == (S.IN_DOUBT, "restarted")
    assert house.slots.taken == {job.id}
    await house.poller.round()
    assert await house.state(job.id) is S.RENDERING
    assert house.pika.submits == 1


async def test_in_doubt_and_found_by_our_reference_is_rendering(house: House) -> None:
    """Under the name that Pika gave it."""
    house.pika.outcomes.append(Lost())
    job = await house.sent()

    await house.poller.round()

    found = await house.job(job.id)
    assert (found.state, found.pika_id, found.code) == (
        S.RENDERING,
        house.pika.taken[0].pika_id,
        None,
    )
    assert await house.hold(job.id) == "held"


async def _rounds(house: House, *, every: float, seconds: float) -> None:
    """Rounds of the poller from now on until that much time has passed."""
    passed = 0.0
    while passed <= seconds:
        await house.poller.round()
        house.clock.move(every)
        passed += every


async def test_in_doubt_and_proven_absent_after_the_grace_time_is_sent_again_once(
    house: House,
) -> None:
    """Looked for soon and again after the grace; a second POST, with a reference of its own."""
    house.pika.outcomes.append(NoAnswer("timeout", code="timeout"))
    job = await house.sent()

    await _rounds(house, every=20, seconds=House.DOUBT_SECONDS - 20)
    assert await house.state(job.id) is S.IN_DOUBT
    assert house.pika.submits == 1
    await _rounds(house, every=20, seconds=20)

    await until(lambda: house.pika.submits == 2)
    await until(lambda: house.told[-1][1] is S.RENDERING)
    again = await house.job(job.id)
    assert again.attempt == 2
    assert again.reply_ref not in {job.reply_ref, None}
    assert await house.hold(job.id) == "held"
    assert len(house.pika.taken) == 1


async def test_in_doubt_and_unknown_at_the_deadline_is_failed_and_released(house: House) -> None:
    """Nobody looked soon after the POST, so absence proves nothing; the member is not charged."""
    house.pika.outcomes.append(NoAnswer("timeout", code="timeout"))
    job = await house.sent()
    house.clock.move(House.DOUBT_SECONDS)

    await _rounds(house, every=20, seconds=3 * House.DOUBT_SECONDS)

    job = await house.job(job.id)
    assert (job.state, job.code) == (S.FAILED, "unknown")
    assert await house.hold(job.id) == "released"
    assert K.NOTICE in await house.messages(job.id)
    assert house.pika.submits == 1


async def test_in_doubt_untracked_is_never_sent_again(house: House) -> None:
    """504: Pika took the job, the API cannot follow it. Absence from its list proves nothing."""
    house.pika.outcomes.append(NoAnswer("lost it", status=504, code="untracked"))
    job = await house.sent()

    await _rounds(house, every=20, seconds=3 * House.DOUBT_SECONDS)

    assert (await house.job(job.id)).code == "unknown"
    assert await house.state(job.id) is S.FAILED
    assert house.pika.submits == 1


async def test_in_doubt_without_any_list_is_failed_when_it_takes_too_long(house: House) -> None:
    """An API that shows no list never gets a second POST out of us, nor our slot for ever."""
    house.pika.outcomes.append(NoAnswer("timeout", code="timeout"))
    house.pika.list_error = PikaError("no list")
    job = await house.sent()

    await _rounds(house, every=60, seconds=House.STALL_SECONDS - 120)
    assert await house.state(job.id) is S.IN_DOUBT
    await _rounds(house, every=60, seconds=240)

    assert (await house.job(job.id)).code == "unknown"
    assert house.slots.free == house.slots.most
    assert house.pika.submits == 1


async def test_rendering_and_still_working_is_rendering_and_shows_progress(house: House) -> None:
    """No event in the history; progress resets the stall clock."""
    job = await house.rendering()
    assert job.pika_id is not None
    house.pika.show(job.pika_id, percent=40)
    house.pika.listed.clear()
    house.clock.move(60)

    await house.poller.round()

    seen = await house.job(job.id)
    assert (seen.state, seen.percent, seen.progressed_at) == (
        S.RENDERING,
        40,
        house.clock.now(),
    )
    assert await house.history(job.id) == ["queued", "submitting", "rendering"]


async def test_rendering_and_finished_is_delivering_with_the_video_on_disk_and_charged(
    house: House, world: World
) -> None:
    """The wish to post it stands in the same transaction."""
    job = await house.delivering()

    assert job.video_path is not None
    assert job.video_path.read_bytes() == world.video
    assert await house.hold(job.id) == "charged"
    assert K.RESULT in await house.messages(job.id)
    assert house.slots.free == house.slots.most


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (PikaStatus.MODERATED, "moderated"),
        (PikaStatus.BAD_FLAG, "bad_flag"),
        (PikaStatus.FAILED, "failed"),
        (PikaStatus.CANCELLED, "cancelled_at_pika"),
    ],
)
async def test_rendering_and_no_video_at_pika_is_failed_and_released(
    house: House, status: PikaStatus, code: str
) -> None:
    """With Pika's own sentence, if it has one."""
    job = await house.rendering()
    assert job.pika_id is not None
    house.pika.end(job.pika_id, status, error="because")

    await house.poller.round()

    job = await house.job(job.id)
    assert (job.state, job.code, job.detail) == (S.FAILED, code, "because")
    assert await house.hold(job.id) == "released"
    assert K.NOTICE in await house.messages(job.id)


async def test_rendering_and_stalled_is_failed_and_released(house: House) -> None:
    """Nothing moved at Pika for the whole timeout, seen twice."""
    job = await house.rendering()

    await _rounds(house, every=300, seconds=3 * House.STALL_SECONDS)

    job = await house.job(job.id)
    assert (job.state, job.code) == (S.FAILED, "stalled")
    assert await house.hold(job.id) == "released"


@pytest.mark.parametrize("status", [s for s in PikaStatus if s is not PikaStatus.WORKING])
async def test_submitting_may_be_answered_by_the_end_at_once(
    house: House, world: World, status: PikaStatus
) -> None:
    """Pika moderates some prompts before it names the job as working."""
    world.files.files["https://cdn.test/pika:1.mp4"] = world.video
    house.pika.outcomes.append(status)
    house.run()
    taken = await house.ask()
    ends = {S.FAILED, S.DELIVERING}
    await until(lambda: house.told[-1][1] in ends)

    expected = S.DELIVERING if status is PikaStatus.COMPLETED else S.FAILED
    assert await house.state(taken.job.id) is expected
    assert await house.hold(taken.job.id) == ("charged" if expected is S.DELIVERING else "released")
    assert house.slots.free == house.slots.most


async def test_queued_and_cancelled_by_its_owner_is_cancelled_and_released(house: House) -> None:
    """Pika never hears of it."""
    taken = await house.ask()

    job, _ = await house.members.cancel(GUILD, MEMBER, taken.job.id)

    assert job.state is S.CANCELLED
    assert await house.hold(job.id) == "released"
    assert len(house.queue) == 0
    house.run()
    await asyncio.sleep(0.02)
    assert house.pika.submits == 0


async def test_submitting_in_doubt_and_rendering_keep_their_state_when_a_cancel_is_asked(
    house: House,
) -> None:
    """A wish, not a state."""
    go = asyncio.Event()
    house.pika.outcomes.append(Hang(go))
    house.run()
    taken = await house.ask()
    await until(lambda: house.pika.taken)

    await house.members.cancel(GUILD, MEMBER, taken.job.id)

    job = await house.job(taken.job.id)
    assert (job.state, job.cancel_asked_at) == (S.SUBMITTING, house.clock.now())
    assert await house.hold(job.id) == "held"
    go.set()
    await until(lambda: house.told[-1][1] is S.RENDERING)

    house.pika.outcomes.append(Lost())
    doubted = await house.sent()
    await house.members.cancel(GUILD, MEMBER, doubted.id)
    doubted = await house.job(doubted.id)
    assert (doubted.state, doubted.cancel_asked_at) == (S.IN_DOUBT, house.clock.now())


async def test_rendering_and_cancelled_in_time_is_cancelled_and_released(house: House) -> None:
    """Pika stopped: no video, no charge."""
    job = await house.rendering()
    await house.members.cancel(GUILD, MEMBER, job.id)

    await house.poller.round()

    assert await house.state(job.id) is S.CANCELLED
    assert await house.hold(job.id) == "released"
    assert (await house.job(job.id)).code == "cancelled"


async def test_rendering_and_finished_although_a_cancel_was_asked_is_cancelled_and_charged(
    house: House, world: World
) -> None:
    """As the member was told: the video is thrown away and the credit spent."""
    job = await house.rendering()
    await house.members.cancel(GUILD, MEMBER, job.id)
    house.finish(job)

    await house.poller.round()

    job = await house.job(job.id)
    assert (job.state, job.code) == (S.CANCELLED, "finished_first")
    assert await house.hold(job.id) == "charged"
    assert K.RESULT not in await house.messages(job.id)
    assert list((world.folder / "videos").iterdir()) == []


async def test_a_cancel_while_the_video_is_fetched_is_still_a_cancel(
    house: House, world: World
) -> None:
    """The member was told "thrown away"; it must not be posted a moment later."""
    job = await house.rendering()
    house.finish(job)
    url = house.world.pika.video_url.format(job.pika_id)
    go = world.files.hold(url)
    polling = asyncio.create_task(house.poller.round())
    await until(lambda: url in world.files.fetched)

    await house.members.cancel(GUILD, MEMBER, job.id)
    go.set()
    await polling

    job = await house.job(job.id)
    assert (job.state, job.code) == (S.CANCELLED, "finished_first")
    assert await house.hold(job.id) == "charged"
    assert list((world.folder / "videos").iterdir()) == []


async def test_delivering_and_the_message_exists_is_delivered(house: House, world: World) -> None:
    """With the message's number; the file has served."""
    job = await house.delivering()

    await house.deliver()

    (message,) = house.discord.of(job.id, K.RESULT)
    assert message.had_video
    assert await house.state(job.id) is S.DELIVERED
    assert (await house.messages(job.id))[K.RESULT].message_id == message.id
    assert list((world.folder / "videos").iterdir()) == []
    assert house.durations.typical is not None


async def test_delivering_and_nowhere_to_post_is_failed_and_the_video_kept(house: House) -> None:
    """Charged, as Pika made it; kept for ``/history``."""
    job = await house.delivering()
    house.discord.closed = {job.requester.channel_id: 50001, MEMBER * 1000: 50007}

    await house.deliver()
    await house.deliver()

    job = await house.job(job.id)
    assert (job.state, job.code) == (S.FAILED, "undeliverable")
    assert await house.hold(job.id) == "charged"
    assert job.video_path is not None
    assert job.video_path.exists()
