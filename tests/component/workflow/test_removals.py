"""A video that was taken away is nowhere, whatever happens on the way."""

from __future__ import annotations

import asyncio

import pytest

from bot.errors import NothingHere, TooLate, TryLater
from bot.model import DeliveryKind, DeliveryState, Job, JobState, PikaStatus, Place, Quota
from bot.store import audit, deliveries, removals
from bot.workflow.delivery.closed import CLOSED_MS
from bot.workflow.delivery.messenger import Outlook
from bot.workflow.delivery.posting import RETRY_MS
from bot.workflow.delivery.removing import (
    LOOK_AGAIN_MS,
    MOST_BEGUN,
    REFUSED_MOST_MS,
    UNHEARD_MS,
)
from bot.workflow.moderation import Moderator
from tests.conftest import OpenHouse
from tests.fakes import (
    CHANNEL,
    GUILD,
    MEMBER,
    THREAD,
    House,
    PostedSilent,
    PostedUnheard,
    requester,
    until,
)

S, K, D = JobState, DeliveryKind, DeliveryState
MONA = Moderator(GUILD, 77)


async def _delivered(house: House) -> Job:
    """A job whose video is posted, and whose card says so."""
    job = await house.delivering()
    await house.deliver()
    await house.deliver()
    assert await house.state(job.id) is S.DELIVERED
    return job


async def _remove(house: House, job: Job, reason: str | None = None) -> None:
    await house.removals.remove(MONA, job.id, reason)


async def _nothing_left(house: House, job: Job) -> None:
    """Nowhere in Discord and nowhere on the disk, and nothing is still to be done."""
    for kind in (K.RESULT, K.REVIEW, K.SHARE):
        assert house.discord.of(job.id, kind) == []
    assert not list((house.world.folder / "videos").iterdir())
    assert await removals.due(house.database, 2**62, ()) == []
    assert await deliveries.due(house.database, 2**62, 9) == []


async def test_a_removed_video_is_nowhere_and_its_member_is_told_once(house: House) -> None:
    """The message goes, the card says why, the member is told in its place, and the audit log
    keeps who it was.
    """
    job = await _delivered(house)
    edits = len(house.discord.edits)

    await _remove(house, job, "  too \n loud ")
    for _ in range(3):
        await house.deliver()
        house.clock.move(600)

    await _nothing_left(house, job)
    (told,) = house.discord.of(job.id, K.REMOVAL)
    (card,) = house.discord.of(job.id, K.CARD)
    assert (told.channel_id, told.reply_to) == (CHANNEL, card.id)
    assert house.discord.edits[edits:] == [(job.id, "final")]
    after = await house.job(job.id)
    assert after.state is S.DELIVERED
    assert after.removal is not None
    assert (after.removal.actor_id, after.removal.reason) == (MONA.user_id, "too loud")
    assert await house.hold(job.id) == "charged"
    (entry,) = await audit.page(house.database, GUILD, most=9)
    assert (entry.action, entry.act.actor_id, entry.subject_id) == ("remove", 77, job.id)
    assert (entry.before, entry.after) == (
        {"state": "delivered"},
        {"state": "removed", "reason": "too loud"},
    )


async def test_ones_own_video_goes_without_a_word(house: House) -> None:
    """Whoever did it themselves need not be told, and moderates nobody."""
    job = await _delivered(house)

    await house.videos.delete(GUILD, MEMBER, job.id)
    await house.deliver()

    await _nothing_left(house, job)
    assert house.discord.of(job.id, K.REMOVAL) == []
    assert await audit.page(house.database, GUILD, most=9) == []
    after = await house.job(job.id)
    assert after.removal is not None
    assert after.removal.actor_id == MEMBER


async def test_what_nobody_has_tried_to_post_is_never_posted(house: House) -> None:
    """The job ends with the removal: charged, as the video was made, and failed."""
    job = await house.delivering()

    await _remove(house, job)
    for _ in range(3):
        await house.deliver()
        house.clock.move(600)

    assert K.RESULT not in {kind for _, kind in house.discord.tried}
    await _nothing_left(house, job)
    after = await house.job(job.id)
    assert (after.state, after.code) == (S.FAILED, "removed")
    assert await house.hold(job.id) == "charged"
    assert len(house.discord.of(job.id, K.REMOVAL)) == 1
    assert house.discord.of(job.id, K.NOTICE) == []


async def test_a_post_that_is_under_way_is_deleted_once_it_has_arrived(house: House) -> None:
    """The removal comes while Discord is about to answer."""
    job = await house.delivering()
    go = asyncio.Event()
    house.discord.outcomes.append(PostedSilent(go))
    await house.courier.round()
    await until(lambda: house.discord.of(job.id, K.RESULT))

    await _remove(house, job)
    go.set()
    await house.courier.settle_down()
    await house.deliver()

    await _nothing_left(house, job)
    assert len(house.discord.deleted) == 1
    assert await house.history(job.id) == [
        "queued", "submitting", "rendering", "delivering", "failed"
    ]  # fmt: skip


@pytest.mark.parametrize("tried", [False, True])
async def test_a_post_that_is_being_prepared_does_not_go_out(house: House, tried: bool) -> None:
    """The removal comes between the look at what is due and the post."""
    job = await house.delivering()
    if tried:
        house.discord.outcomes.append(TryLater(1, "503"))
        await house.deliver()
        house.clock.move(5)
    stale = await deliveries.due(house.database, house.clock.now(), 9)
    old = await house.job(job.id)
    await _remove(house, job)

    (result,) = [one for one in stale if one.kind is K.RESULT]
    house.courier._begin((job.id, "again"), house.courier._posting._try(old, result, Outlook()))
    await house.courier.settle_down()
    for _ in range(2):
        await house.deliver()
        house.clock.move(RETRY_MS / 1000)

    assert [kind for _, kind in house.discord.tried].count(K.RESULT) == tried
    await _nothing_left(house, job)


@pytest.mark.parametrize("posted", [True, False])
async def test_after_a_crash_a_post_of_which_nobody_heard_is_looked_for(
    open_house: OpenHouse, posted: bool
) -> None:
    """The process ended with a post on its way, then the video was taken away: what arrived is
    found and deleted; that nothing did is believed at the second look.
    """
    house = await open_house()
    job = await house.delivering()
    if posted:
        house.discord.outcomes.append(PostedSilent(asyncio.Event()))
        await house.courier.round()
        await until(lambda: house.discord.of(job.id, K.RESULT))
    else:
        house.discord.outcomes.append(TryLater(1, "lost"))
        await house.deliver()
    house = await open_house()
    await _remove(house, job)

    house = await open_house()
    await house.deliver()
    if not posted:
        assert (await house.messages(job.id))[K.RESULT].state is D.PENDING
        house.clock.move(LOOK_AGAIN_MS / 1000)
    for _ in range(3):
        await house.deliver()

    await _nothing_left(house, job)
    assert len(house.discord.deleted) == posted
    result = (await house.messages(job.id))[K.RESULT]
    assert result.state is (D.REMOVED if posted else D.UNDELIVERABLE)
    assert [kind for _, kind in house.discord.tried].count(K.RESULT) == 1


async def test_a_post_that_arrives_unheard_after_the_removal_goes_too(house: House) -> None:
    """The answer is lost: the next look finds the message."""
    job = await house.delivering()
    house.discord.outcomes.append(PostedUnheard())
    await house.deliver()

    await _remove(house, job)
    for _ in range(3):
        await house.deliver()

    await _nothing_left(house, job)
    assert len(house.discord.deleted) == 1


@pytest.mark.parametrize("how", ["event", "time", "start"])
async def test_a_place_that_refuses_is_tried_again_when_it_may_have_opened(
    open_house: OpenHouse, how: str
) -> None:
    """Discord tells of it, or some time has passed, or the bot was started again. In between
    nobody knocks.
    """
    house = await open_house()
    job = await _delivered(house)
    house.discord.undeletable = {CHANNEL: 50013}
    await _remove(house, job)
    for _ in range(5):
        await house.deliver()
        house.clock.move(30)
    asked = house.discord.deletes_asked
    house.discord.undeletable = {}
    assert len(house.discord.of(job.id, K.RESULT)) == 1

    if how == "event":
        house.closed.reopen(GUILD, CHANNEL)
    elif how == "time":
        house.clock.move(CLOSED_MS / 1000)
    else:
        house = await open_house()
    await house.deliver()

    assert asked == 1
    await _nothing_left(house, job)


async def test_a_place_that_never_opens_is_asked_more_and_more_rarely(house: House) -> None:
    """But for good: a removal is never given up."""
    job = await _delivered(house)
    house.discord.undeletable = {CHANNEL: 50013}
    await _remove(house, job)
    week = 7 * 24 * 60
    for _ in range(week):
        house.clock.move(60)
        if await removals.due(house.database, house.clock.now(), ()):
            await house.deliver()

    most = week * 60_000 / REFUSED_MOST_MS
    assert most <= house.discord.deletes_asked <= most + 12
    house.discord.undeletable = {}
    house.clock.move(REFUSED_MOST_MS / 1000)
    await house.deliver()
    await _nothing_left(house, job)


@pytest.mark.parametrize("trouble", [TryLater(7, "503"), RuntimeError("of our own")])
async def test_a_delete_of_which_nothing_was_heard_is_made_again(
    house: House, trouble: Exception
) -> None:
    """A message that went the first time is none to delete the second time."""
    job = await _delivered(house)
    house.discord.delete_errors.append(trouble)
    await _remove(house, job)
    await house.deliver()
    await house.deliver()
    assert house.discord.deletes_asked == 1

    house.clock.move(UNHEARD_MS / 1000)
    await house.deliver()

    await _nothing_left(house, job)


async def test_a_message_that_somebody_deleted_is_none_to_delete(house: House) -> None:
    """The rest of the removal happens all the same."""
    job = await _delivered(house)
    house.discord.messages = {
        one.id: one for one in house.discord.messages.values() if one.kind is not K.RESULT
    }

    await _remove(house, job)
    await house.deliver()

    await _nothing_left(house, job)
    assert len(house.discord.of(job.id, K.REMOVAL)) == 1


async def test_a_restart_goes_on_with_a_removal(open_house: OpenHouse) -> None:
    """Ended right after the wish was written down: message and file go with the next start."""
    house = await open_house()
    job = await house.delivering()
    house.discord.outcomes.append(PostedUnheard())
    await house.deliver()
    await house.removals.remove(MONA, job.id, None)
    (house.world.folder / "videos" / f"{job.id}.mp4").write_bytes(house.world.video)

    house = await open_house()
    for _ in range(3):
        await house.deliver()

    await _nothing_left(house, job)
    assert len(house.discord.of(job.id, K.REMOVAL)) == 1


async def test_a_video_that_is_kept_goes_too(open_house: OpenHouse) -> None:
    """No place has taken it: its file is all there is of it, also after a crash before it went."""
    house = await open_house()
    house.discord.closed = {CHANNEL: 50013, MEMBER * 1000: 50007}
    job = await house.delivering()
    for _ in range(4):
        await house.deliver()
    assert (await house.job(job.id)).code == "undeliverable"
    kept = house.world.folder / "videos" / f"{job.id}.mp4"
    house = await open_house()
    assert kept.exists()

    await _remove(house, job)
    assert not kept.exists()
    kept.write_bytes(house.world.video)  # as if the process had ended before
    house = await open_house()

    assert not kept.exists()
    assert (await house.job(job.id)).code == "undeliverable"


@pytest.mark.parametrize("place", [Place.PARENT, Place.DIRECT])
async def test_the_member_is_told_where_the_video_was(house: House, place: Place) -> None:
    """In the channel above a locked thread, or in their direct messages."""
    closed = {THREAD: 160005} | ({CHANNEL: 50013} if place is Place.DIRECT else {})
    house.discord.closed = dict(closed)
    job = await house.rendering(who=requester(channel_id=THREAD, parent_id=CHANNEL))
    house.finish(job)
    await house.poller.round()
    for _ in range(3):
        await house.deliver()
    (result,) = house.discord.of(job.id, K.RESULT)

    await _remove(house, job)
    for _ in range(2):
        await house.deliver()

    (told,) = house.discord.of(job.id, K.REMOVAL)
    assert told.channel_id == result.channel_id
    assert (await house.messages(job.id))[K.REMOVAL].place is place
    await _nothing_left(house, job)


async def test_a_card_that_cannot_say_so_is_not_replaced_by_a_wrong_notice(house: House) -> None:
    """The member knows of the removal; that there is no video would be another story."""
    job = await _delivered(house)
    house.discord.uneditable = {CHANNEL: 50013}

    await house.videos.delete(GUILD, MEMBER, job.id)
    for _ in range(3):
        await house.deliver()
        house.clock.move(600)

    assert house.discord.of(job.id, K.NOTICE) == []


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (S.QUEUED, "/moderate cancel"),
        (S.RENDERING, "/moderate cancel"),
        (S.FAILED, "has no video"),
        (S.CANCELLED, "has no video"),
    ],
)
async def test_a_job_without_a_video_is_pointed_elsewhere(
    house: House, state: JobState, words: str
) -> None:
    """Nothing is written down."""
    if state is S.QUEUED:
        job = (await house.ask()).job
    else:
        job = await house.rendering()
    if state is S.FAILED:
        house.pika.end(str(job.pika_id), PikaStatus.MODERATED)
        await house.poller.round()
    elif state is S.CANCELLED:
        await house.members.cancel(GUILD, MEMBER, job.id)
        await house.poller.round()
    assert await house.state(job.id) is state

    with pytest.raises(TooLate, match=words):
        await house.removals.remove(MONA, job.id, None)

    assert (await house.job(job.id)).removal is None
    assert await audit.page(house.database, GUILD, most=9) == []


async def test_another_servers_video_is_not_there(house: House) -> None:
    """Nor one that never was, nor somebody else's: the same words."""
    job = await _delivered(house)
    for attempt in (
        house.removals.remove(Moderator(GUILD + 1, 77), job.id, None),
        house.removals.remove(MONA, 987_654, None),
        house.removals.removable(Moderator(GUILD + 1, 77), job.id),
        house.videos.delete(GUILD + 1, MEMBER, job.id),
        house.videos.delete(GUILD, MEMBER + 1, job.id),
        house.videos.delete(None, MEMBER + 1, job.id),
        house.videos.delete(GUILD, MEMBER, 987_654),
    ):
        with pytest.raises(NothingHere):
            await attempt
    assert (await house.job(job.id)).removal is None


async def test_two_moderators_at_once_are_one_removal(house: House) -> None:
    """The second one is told that it is done."""
    job = await _delivered(house)
    ends = await asyncio.gather(
        *(house.removals.remove(Moderator(GUILD, who), job.id, None) for who in (77, 78)),
        house.videos.delete(GUILD, MEMBER, job.id),
        return_exceptions=True,
    )
    await house.deliver()

    assert [isinstance(end, TooLate) for end in ends].count(True) == 2
    assert "removed already" in str(next(end for end in ends if isinstance(end, TooLate)))
    assert len(await audit.page(house.database, GUILD, most=9)) <= 1
    assert len(house.discord.of(job.id, K.REMOVAL)) <= 1
    await _nothing_left(house, job)


async def test_a_removal_of_an_old_video_makes_no_readiness_alarm(house: House) -> None:
    """What became wanted just now is not late, however long its job has been over."""
    job = await _delivered(house)
    house.clock.move(7 * 86_400)
    await _remove(house, job)
    now = house.clock.now()

    assert await deliveries.late(house.database, now - RETRY_MS, now - 900_000) == 0
    house.clock.move(901)
    now = house.clock.now()
    assert await deliveries.late(house.database, now - 10**9, now - 900_000) == 1


async def test_what_must_not_be_posted_is_not_overdue(house: House) -> None:
    """A post of which nobody heard may stand in a channel that the bot may not see any more: it
    is looked for until it may. `/readyz` said all that time, for weeks, that nobody delivers.
    """
    job = await house.delivering()
    house.discord.outcomes.append(PostedUnheard())
    await house.deliver()
    house.discord.closed = {CHANNEL: 50001}
    await _remove(house, job)
    for _ in range(30):
        await house.deliver()
        house.clock.move(60)

    messages = await house.messages(job.id)
    assert messages[K.RESULT].state is D.PENDING
    now = house.clock.now()
    assert await deliveries.late(house.database, now - 300_000, now - 900_000) == 0
    house.discord.closed = {}
    house.clock.move(CLOSED_MS / 1000)
    for _ in range(3):
        await house.deliver()
    await _nothing_left(house, job)


async def test_many_removals_are_begun_a_few_at_a_time(open_house: OpenHouse) -> None:
    """After a place had been closed for long, all of its removals were loaded with every message
    that was posted; none of them is forgotten for that, nor the news that it has opened.
    """
    house = await open_house(quota=Quota(99, 24 * 3_600_000, 99), slots=9)
    jobs = [await _delivered(house) for _ in range(MOST_BEGUN + 3)]
    house.discord.undeletable = {CHANNEL: 50013}
    for job in jobs:
        await _remove(house, job)
    for _ in range(3):
        assert len(await house.courier._removing.due()) <= MOST_BEGUN
        await house.deliver()
    assert await removals.due(house.database, house.clock.now(), ()) == []

    house.discord.undeletable = {}
    house.closed.reopen(GUILD, CHANNEL)
    for _ in range(3):
        await house.deliver()
    for job in jobs:
        await _nothing_left(house, job)


async def test_a_place_that_opens_while_a_try_is_under_way_is_not_missed(house: House) -> None:
    """The try was refused a moment ago and is being written down: the next one is made right
    after it, and not when the refusal is believed no longer.
    """
    job = await _delivered(house)
    house.discord.undeletable = {CHANNEL: 50083}
    await _remove(house, job)
    await house.deliver()
    assert house.discord.of(job.id, K.RESULT) != []
    house.discord.undeletable = {}
    under_way = asyncio.Event()
    house.courier._begin((job.id, K.RESULT), _wait(under_way))
    house.closed.reopen(GUILD, CHANNEL)
    await house.courier.round()
    under_way.set()
    await house.courier.settle_down()
    await house.deliver()

    assert house.discord.of(job.id, K.RESULT) == []


async def _wait(event: asyncio.Event) -> None:
    await event.wait()
