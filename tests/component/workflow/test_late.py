"""Videos of jobs that were given up: delivered once, charged once or free, told honestly."""

from __future__ import annotations

import asyncio

import pytest

from bot.errors import Unreachable
from bot.model import LATE_MS, DeliveryKind, Job, JobState, PikaStatus, Quota
from bot.pika.errors import NoAnswer, Unavailable
from bot.workflow.rendering.poller import FETCHES_AT_ONCE, READS_AT_ONCE
from tests.conftest import OpenHouse
from tests.fakes import (
    CHANNEL,
    GUILD,
    MEMBER,
    House,
    Lost,
    World,
    a_while,
    recipe,
    requester,
    until,
)

S = JobState
K = DeliveryKind
UNTRACKED = Lost(NoAnswer("?", status=504, code="untracked"), listed=False)


async def _unknown(house: House) -> Job:
    """A job that Pika took and nobody can see; given up, and the member was told so."""
    house.pika.outcomes.append(UNTRACKED)
    job = await house.sent()
    for _ in range(20):
        await house.poller.round()
        house.clock.move(20)
    await house.deliver()
    job = await house.job(job.id)
    assert (job.state, job.code) == (S.FAILED, "unknown")
    assert len(house.discord.of(job.id, K.NOTICE)) == 1
    return job


def _made(house: House, reference: str | None) -> str:
    """Pika has finished it, whatever anybody could see; what Pika calls it."""
    report = house.pika.take(reference)
    house.pika.end(report.pika_id)
    house.world.files.files[house.pika.video_url.format(report.pika_id)] = house.world.video
    return report.pika_id


async def _hint(house: House, job: Job, name: str | None) -> None:
    await house.poller.hint(str(job.reply_ref), name)


async def test_a_late_callback_delivers_and_charges_once(house: House) -> None:
    """The member was told "no video": now there is one, its credit is spent, the card is true."""
    job = await _unknown(house)
    name = _made(house, job.reply_ref)

    for _ in range(3):
        await _hint(house, job, name)
    await house.deliver()
    await _hint(house, job, name)
    await house.deliver()

    job = await house.job(job.id)
    assert (job.state, job.code, job.pika_id) == (S.DELIVERED, "late", name)
    assert await house.hold(job.id) == "charged"
    assert len(house.discord.of(job.id, K.RESULT)) == 1
    assert [message.shows for message in house.discord.of(job.id, K.CARD)] == ["final"]
    assert house.discord.edits[-1] == (job.id, "final")
    assert await house.history(job.id) == [
        *("queued", "submitting", "in_doubt", "failed", "delivering", "delivered")
    ]
    assert house.durations.typical is None, "how long it took says nothing of others"
    assert house.slots.free == house.slots.most


async def test_the_notice_that_was_not_sent_yet_is_not_sent_any_more(house: House) -> None:
    """What it would say is not so."""
    house.pika.outcomes.append(UNTRACKED)
    job = await house.sent()
    await house.settling.fail(job, "unknown", "")
    name = _made(house, job.reply_ref)

    await _hint(house, job, name)
    await house.deliver()
    await house.deliver()

    assert await house.state(job.id) is S.DELIVERED
    assert house.discord.of(job.id, K.NOTICE) == []


async def test_a_late_video_is_a_gift_where_its_credit_was_used_meanwhile(
    open_house: OpenHouse,
) -> None:
    """Used never exceeds the limit, and a video that exists is not kept back."""
    house = await open_house(quota=Quota(1, 24 * 3_600_000, 5))
    job = await _unknown(house)
    name = _made(house, job.reply_ref)
    await house.ask()
    assert await house.used() == 1

    await _hint(house, job, name)
    await house.deliver()

    assert await house.state(job.id) is S.DELIVERED
    assert await house.hold(job.id) == "released"
    assert await house.used() == 1
    assert len(house.discord.of(job.id, K.RESULT)) == 1


@pytest.mark.parametrize("whose", ["a stranger's", None])
async def test_somebody_elses_job_is_not_ours_whatever_a_callback_says(
    house: House, whose: str | None
) -> None:
    """Our reference with a strange name: Pika's own answer must carry the reference."""
    job = await _unknown(house)
    name = _made(house, whose)

    await _hint(house, job, name)

    assert await house.job(job.id) == job
    assert house.world.files.fetched == []


async def test_another_job_of_ours_is_not_this_one(house: House) -> None:
    """Nor one of the same member."""
    job = await _unknown(house)
    other = await house.delivering()

    await _hint(house, job, other.pika_id)

    assert await house.job(job.id) == job


async def test_a_name_that_pika_does_not_know_changes_nothing(house: House) -> None:
    """Garbage in a callback."""
    job = await _unknown(house)

    await _hint(house, job, "no-such-job")
    await _hint(house, job, None)

    assert await house.job(job.id) == job


async def test_a_day_later_nobody_waits_any_more(house: House) -> None:
    """Neither callback nor list brings it back."""
    job = await _unknown(house)
    assert job.finished_at is not None
    house.clock.move((job.finished_at + LATE_MS - house.clock.now()) / 1000)
    name = _made(house, job.reply_ref)
    house.pika.listed.add(name)
    house.pika.calls.clear()

    await _hint(house, job, name)
    await house.poller.round()

    assert await house.state(job.id) is S.FAILED
    assert house.pika.calls == []


async def test_who_asked_to_cancel_gets_no_late_video(house: House) -> None:
    """It was given up with the wish on it, and its credit was given back."""
    house.pika.outcomes.append(UNTRACKED)
    job = await house.sent()
    await house.members.cancel(GUILD, MEMBER, job.id)
    await house.settling.fail(job, "unknown", "")
    name = _made(house, job.reply_ref)

    await _hint(house, job, name)

    assert await house.state(job.id) is S.FAILED
    assert await house.hold(job.id) == "released"


async def test_the_list_finds_it_too(house: House) -> None:
    """No callback at all: Pika lists a job that carries the reference, works, and finishes."""
    job = await _unknown(house)
    report = house.pika.take(job.reply_ref)

    await house.poller.round()
    assert (await house.job(job.id)).pika_id == report.pika_id
    assert await house.state(job.id) is S.FAILED
    await house.poller.round()
    house.finish(await house.job(job.id))
    await house.poller.round()
    await house.deliver()

    assert await house.state(job.id) is S.DELIVERED
    assert await house.hold(job.id) == "charged"
    assert house.pika.calls.count(f"read {report.pika_id}") == 2


async def test_what_was_found_is_not_forgotten_by_a_restart(
    open_house: OpenHouse,
) -> None:
    """Its name is on the disk."""
    house = await open_house()
    job = await _unknown(house)
    house.pika.take(job.reply_ref)
    await house.poller.round()

    house = await open_house()
    house.finish(await house.job(job.id))
    await house.poller.round()
    await house.deliver()

    assert await house.state(job.id) is S.DELIVERED


async def _stalled(house: House) -> Job:
    job = await house.rendering()
    for _ in range(4):
        house.clock.move(House.STALL_SECONDS)
        await house.poller.round()
    job = await house.job(job.id)
    assert (job.state, job.code) == (S.FAILED, "stalled")
    return job


async def test_a_job_that_had_stalled_is_delivered_when_pika_finishes_it(house: House) -> None:
    """We had only stopped waiting; Pika never said no."""
    job = await _stalled(house)
    house.pika.calls.clear()
    await house.poller.round()
    assert house.pika.calls == ["list"]

    house.finish(job)
    await house.poller.round()
    await house.deliver()

    assert await house.state(job.id) is S.DELIVERED
    assert await house.hold(job.id) == "charged"


async def test_a_video_whose_host_comes_back_is_delivered(house: House, world: World) -> None:
    """It could not be fetched for the whole timeout, and an hour later it can."""
    job = await house.rendering()
    house.finish(job)
    url = house.pika.video_url.format(job.pika_id)
    world.files.files[url] = Unreachable("later")
    await house.poller.round()
    house.clock.move(House.STALL_SECONDS)
    await house.poller.round()
    assert (await house.job(job.id)).code == "video_unreachable"
    await house.poller.round()
    assert await house.state(job.id) is S.FAILED

    world.files.files[url] = world.video
    await house.poller.round()
    await house.deliver()

    assert await house.state(job.id) is S.DELIVERED


@pytest.mark.parametrize("status", [PikaStatus.FAILED, PikaStatus.MODERATED, PikaStatus.CANCELLED])
async def test_pikas_own_no_ends_the_waiting(house: House, status: PikaStatus) -> None:
    """It is read once, and then nothing is asked any more."""
    job = await _stalled(house)
    house.pika.end(str(job.pika_id), status)
    for _ in range(3):
        await house.poller.round()
    house.pika.calls.clear()
    await house.poller.round()

    assert await house.job(job.id) == job
    assert house.pika.calls == []


async def test_a_late_file_that_is_no_video_changes_nothing(house: House, world: World) -> None:
    """Nothing is charged or posted, and it is not fetched again."""
    job = await _unknown(house)
    name = _made(house, job.reply_ref)
    world.files.files[house.pika.video_url.format(name)] = b"<html>sorry</html>"

    await _hint(house, job, name)
    await house.poller.round()

    assert await house.job(job.id) == job
    assert await house.hold(job.id) == "released"
    assert len(world.files.fetched) == 1
    assert list((world.folder / "videos").iterdir()) == []


async def test_callbacks_during_the_fetch_are_one_delivery(house: House, world: World) -> None:
    """Two workers and a round at once."""
    job = await _unknown(house)
    name = _made(house, job.reply_ref)
    go = world.files.hold(house.pika.video_url.format(name))
    first = asyncio.create_task(_hint(house, job, name))
    await until(lambda: world.files.fetched)
    await _hint(house, job, name)
    await house.poller.round()
    go.set()
    await first

    assert len(world.files.fetched) == 1
    assert await house.state(job.id) is S.DELIVERING
    assert await house.hold(job.id) == "charged"


async def test_a_late_video_that_cannot_be_posted_is_kept_and_does_not_come_back(
    house: House,
) -> None:
    """An end for good."""
    job = await _unknown(house)
    name = _made(house, job.reply_ref)
    house.discord.closed = {CHANNEL: 50001, MEMBER * 1000: 50007}
    await _hint(house, job, name)
    for _ in range(3):
        await house.deliver()
    failed = await house.job(job.id)
    assert (failed.state, failed.code) == (S.FAILED, "undeliverable")

    await _hint(house, job, name)

    assert await house.job(job.id) == failed


@pytest.mark.parametrize("meanwhile", ["undeliverable", "delivered", "a day"])
async def test_a_late_video_that_is_no_longer_waited_for_takes_nobodys_place(
    house: House, world: World, meanwhile: str
) -> None:
    """Whoever still believes so fetches nothing, and above all no kept video is overwritten."""
    job = await _unknown(house)
    name = _made(house, job.reply_ref)
    if meanwhile == "a day":
        house.clock.move(LATE_MS / 1000)
    else:
        if meanwhile == "undeliverable":
            house.discord.closed = {CHANNEL: 50001, MEMBER * 1000: 50007}
        await _hint(house, job, name)
        for _ in range(3):
            await house.deliver()
    before, hold = await house.job(job.id), await house.hold(job.id)
    kept = list((world.folder / "videos").iterdir())

    await house.settling.late(job, house.pika.video_url.format(name), name)

    assert await house.job(job.id) == before
    assert await house.hold(job.id) == hold
    assert list((world.folder / "videos").iterdir()) == kept
    assert len(kept) == (meanwhile == "undeliverable")


async def test_a_late_video_that_took_more_than_a_day_to_fetch_is_not_delivered(
    house: House, world: World
) -> None:
    """What was true when the fetch began is looked at again when it is written down."""
    job = await _unknown(house)
    name = _made(house, job.reply_ref)
    go = world.files.hold(house.pika.video_url.format(name))
    hint = asyncio.create_task(_hint(house, job, name))
    await until(lambda: world.files.fetched)
    house.clock.move(LATE_MS / 1000)
    go.set()
    await hint
    await until(lambda: not len(house.poller.errands))

    assert await house.job(job.id) == job
    assert list((world.folder / "videos").iterdir()) == []


async def test_a_crash_between_the_late_video_and_its_post_loses_nothing(
    open_house: OpenHouse,
) -> None:
    """Charged and posted once, by the next start."""
    house = await open_house()
    job = await _unknown(house)
    await _hint(house, job, _made(house, job.reply_ref))

    house = await open_house()
    for _ in range(3):
        await house.deliver()
        house.clock.move(6)

    assert await house.state(job.id) is S.DELIVERED
    assert await house.hold(job.id) == "charged"
    assert [message.shows for message in house.discord.of(job.id, K.CARD)] == ["final"]


async def test_while_the_late_video_is_posted_the_member_may_not_cancel_it(house: House) -> None:
    """It exists, and is charged."""
    job = await _unknown(house)
    await _hint(house, job, _made(house, job.reply_ref))

    with pytest.raises(Exception, match="has its video already"):
        await house.members.cancel(GUILD, MEMBER, job.id)


async def test_an_edit_that_began_before_the_late_video_does_not_make_the_card_untrue(
    house: House,
) -> None:
    """ "No video" is still being written on the card when the video comes."""
    house.pika.outcomes.append(UNTRACKED)
    job = await house.sent()
    house.discord.edit_hold = asyncio.Event()
    await house.settling.fail(job, "unknown", "")
    await house.courier.round()
    await a_while(10)
    await _hint(house, job, _made(house, job.reply_ref))
    await house.courier.round()
    await until(lambda: (job.id, S.DELIVERED) in house.told)
    house.discord.edit_hold.set()
    for _ in range(6):
        await house.deliver()
        house.clock.move(6)

    (card,) = house.discord.of(job.id, K.CARD)
    assert card.shows == "final"
    assert house.discord.edits[-1] == (job.id, "final")
    assert len(house.discord.edits) >= 2


async def test_a_late_job_that_cannot_be_read_now_is_read_later(house: House) -> None:
    """The name that a callback brought is not lost by one bad answer."""
    job = await _unknown(house)
    name = _made(house, job.reply_ref)
    house.pika.read_errors[name] = Unavailable("later")
    await _hint(house, job, name)
    await house.poller.round()
    assert await house.state(job.id) is S.FAILED

    house.pika.read_errors.clear()
    await house.poller.round()

    assert await house.state(job.id) is S.DELIVERING


async def test_only_what_was_given_up_keeps_the_poller_busy(house: House) -> None:
    """One list every fourth interval for a day, then silence."""
    await _unknown(house)
    house.pika.calls.clear()
    house.start(house.poller.run())
    for _ in range(8):
        await until(lambda: house.clock.sleeps)
        house.clock.move(House.POLL_SECONDS)
        await a_while(6)

    assert house.pika.calls == ["list", "list"]


async def test_two_members_late_videos_do_not_mix(open_house: OpenHouse) -> None:
    """Each its own reference, its own channel message, its own credit."""
    house = await open_house(slots=9)
    house.pika.outcomes += [UNTRACKED, UNTRACKED]
    first = await house.sent(recipe("one"), requester(1))
    second = await house.sent(recipe("two"), requester(2))
    for job in (first, second):
        await house.settling.fail(job, "unknown", "")
    names = {job.id: _made(house, job.reply_ref) for job in (first, second)}

    await _hint(house, first, names[second.id])
    assert await house.state(first.id) is S.FAILED
    await _hint(house, second, names[second.id])
    await _hint(house, first, names[first.id])

    for job in (first, second):
        assert (await house.job(job.id)).pika_id == names[job.id]
        assert await house.hold(job.id) == "charged"


async def _given_up(house: House, count: int) -> list[Job]:
    """Jobs that Pika still works on, and that nobody waits for any more."""
    given_up = []
    for number in range(count):
        job = await house.rendering(who=requester(1_000 + number))
        await house.settling.fail(job, "stalled", "")
        given_up.append(await house.job(job.id))
    return given_up


@pytest.mark.parametrize("slow", ["video", "read"])
async def test_late_videos_keep_no_punctual_one_waiting(
    open_house: OpenHouse, world: World, slow: str
) -> None:
    """Pika finishes, all at once, what was given up, and is slow about it. What members wait for
    was read and fetched in the same few places, and had to wait for all of that.
    """
    house = await open_house(slots=20)
    go = asyncio.Event()
    for job in await _given_up(house, READS_AT_ONCE + FETCHES_AT_ONCE):
        house.finish(job)
        url = house.pika.video_url.format(job.pika_id)
        held = world.files.held if slow == "video" else house.pika.read_holds
        held[url if slow == "video" else str(job.pika_id)] = go
    house.start(house.poller.run())
    looks = house.pika.calls.count("list")
    while house.pika.calls.count("list") == looks:  # alone they are looked at every fourth time
        house.clock.move(House.POLL_SECONDS)
        await a_while(6)

    punctual = await house.rendering(who=requester(1))
    house.finish(punctual)
    house.clock.move(House.POLL_SECONDS)  # no round is longer for those that nobody waits for
    await until(lambda: (punctual.id, S.DELIVERING) in house.told)

    go.set()
    await until(lambda: [state for _, state in house.told].count(S.DELIVERING) == 9)
