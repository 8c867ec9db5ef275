"""A video is shown once more, read back from its message, whatever happens on the way."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from bot.errors import (
    Denied,
    Expired,
    JobNotFound,
    NotAllowed,
    TooLate,
    TryLater,
    Unreachable,
    Unusable,
)
from bot.model import DeliveryKind, DeliveryState, Job, JobState
from bot.store import removals
from bot.workflow.delivery.posting import RETRY_MS
from bot.workflow.delivery.restoring import PATIENCE_MS, PAUSE
from bot.workflow.moderation import Governing, Moderator
from tests.conftest import OpenHouse
from tests.fakes import ATTACHMENTS, CHANNEL, GUILD, MEMBER, House, PostedSilent, until

K, D, S = DeliveryKind, DeliveryState, JobState
SHOWCASE = 888
MONA = Moderator(GUILD, 77)


async def _choose(house: House, showcase: int | None = SHOWCASE) -> None:
    governing = Governing(house.database, house.clock, house.pauses, house.quota)
    await governing.choose(MONA, lambda chosen: replace(chosen, showcase=showcase))


async def _delivered(house: House, showcase: int | None = SHOWCASE) -> Job:
    """A job whose video is posted, in a server with a showcase."""
    await _choose(house, showcase)
    job = await house.delivering()
    for _ in range(2):
        await house.deliver()
    assert await house.state(job.id) is S.DELIVERED
    return job


async def _share(house: House, job: Job) -> int:
    return (await house.videos.share(GUILD, MEMBER, job.id)).channel_id


async def _settle(house: House, rounds: int = 3) -> None:
    for _ in range(rounds):
        await house.deliver()


async def _state(house: House, job: Job) -> DeliveryState:
    return (await house.messages(job.id))[K.SHARE].state


def _files(house: House) -> list[str]:
    return [path.name for path in (house.world.folder / "videos").iterdir()]


async def test_a_video_is_read_back_and_shown_once_more(house: House) -> None:
    """From its message, by an address that nobody kept; nothing is charged, nothing stays here."""
    job = await _delivered(house)
    assert _files(house) == []
    used = await house.used()

    assert await _share(house, job) == SHOWCASE
    for _ in range(4):
        await _settle(house)
        house.clock.move(600)

    (shared,) = house.discord.of(job.id, K.SHARE)
    assert (shared.channel_id, shared.reply_to, shared.had_video) == (SHOWCASE, None, True)
    assert len(house.discord.of(job.id, K.RESULT)) == 1
    assert [url for url in house.world.files.fetched if url.startswith(ATTACHMENTS)] == (
        house.discord.addresses
    )
    assert len(house.discord.addresses) == 1
    assert _files(house) == []
    assert await house.used() == used
    assert await house.state(job.id) is S.DELIVERED


async def test_a_video_is_shared_once(house: House) -> None:
    """However often and however fast somebody presses."""
    job = await _delivered(house)
    ends = await asyncio.gather(*(_share(house, job) for _ in range(4)), return_exceptions=True)
    await _settle(house)
    with pytest.raises(TooLate, match="shared this video already"):
        await _share(house, job)

    assert [end for end in ends if not isinstance(end, TooLate)] == [SHOWCASE]
    assert len(house.discord.of(job.id, K.SHARE)) == 1


async def test_without_a_showcase_it_is_said_who_could_change_that(house: House) -> None:
    """And once there is one, it works."""
    job = await _delivered(house, None)
    with pytest.raises(NotAllowed, match="moderators choose one"):
        await _share(house, job)
    assert K.SHARE not in await house.messages(job.id)

    await _choose(house)
    await _share(house, job)
    await _settle(house)
    assert len(house.discord.of(job.id, K.SHARE)) == 1


async def test_whoever_is_blocked_shows_nothing_to_the_server(house: House) -> None:
    """Moderators had blocked a member for their videos, who then shared all of them, each with
    one press. What they have posted they may still delete.
    """
    job = await _delivered(house)
    governing = Governing(house.database, house.clock, house.pauses, house.quota)
    await governing.block(MONA, MEMBER, "ugly `videos`", 1.0)
    for guild in (GUILD, None):
        with pytest.raises(NotAllowed, match=r"nor share any in this server until .*ˋvideosˋ"):
            await house.videos.share(guild, MEMBER, job.id)
    assert await house.videos.deletable(GUILD, MEMBER, job.id)

    house.clock.move(3600)
    await _share(house, job)
    await _settle(house)
    assert len(house.discord.of(job.id, K.SHARE)) == 1


async def test_what_is_not_theirs_is_not_there(house: House) -> None:
    """Somebody else's, another server's, or no job at all: the same words but for the number."""
    job = await _delivered(house)
    for guild, user, number in (
        (GUILD, MEMBER + 1, job.id),
        (GUILD + 1, MEMBER, job.id),
        (None, MEMBER + 1, job.id),
        (GUILD, MEMBER, 987_654),
    ):
        with pytest.raises(JobNotFound, match=f"I know no job {number} of yours"):
            await house.videos.share(guild, user, number)
    await house.videos.share(None, MEMBER, job.id)  # in their direct messages
    await _settle(house)
    assert len(house.discord.of(job.id, K.SHARE)) == 1


async def test_only_what_is_posted_can_be_shared(house: House) -> None:
    """Not what is still made, or being posted, or gone."""
    await _choose(house)
    job = await house.rendering()
    with pytest.raises(TooLate, match="no video yet"):
        await _share(house, job)
    house.finish(job)
    await house.poller.round()
    with pytest.raises(TooLate, match="not posted yet"):
        await _share(house, job)
    await _settle(house)
    await house.videos.delete(GUILD, MEMBER, job.id)
    with pytest.raises(TooLate, match="removed already"):
        await _share(house, job)


@pytest.mark.parametrize("moment", ["wished", "fetched", "posted"])
async def test_a_crash_at_any_moment_shares_once(open_house: OpenHouse, moment: str) -> None:
    """Ended after the wish, with the file here, or with the message there: it is shown once."""
    house = await open_house()
    job = await _delivered(house)
    await _share(house, job)
    if moment != "wished":
        await house.deliver()
        assert _files(house) == [f"{job.id}.mp4"]
    if moment == "posted":
        house.discord.outcomes.append(PostedSilent(asyncio.Event()))
        await house.courier.round()
        await until(lambda: house.discord.of(job.id, K.SHARE))

    house = await open_house()
    assert _files(house) == []
    house.clock.move(RETRY_MS / 1000)
    await _settle(house, 4)

    assert len(house.discord.of(job.id, K.SHARE)) == 1
    assert await _state(house, job) is D.SENT
    assert _files(house) == []


@pytest.mark.parametrize(
    "trouble", [TryLater(1, "503"), Expired("gone"), Unreachable("later")], ids=repr
)
async def test_trouble_on_the_way_to_the_file_is_waited_for(
    house: House, trouble: Exception
) -> None:
    """Each try asks for a fresh address."""
    job = await _delivered(house)
    if isinstance(trouble, TryLater):
        house.discord.read_errors.append(trouble)
    else:
        house.world.files.attachments = trouble
    await _share(house, job)
    await _settle(house)
    assert await _state(house, job) is D.PENDING
    asked = len(house.discord.addresses)

    house.world.files.attachments = house.world.video
    house.clock.move(PAUSE)
    await _settle(house)

    assert await _state(house, job) is D.SENT
    assert len(house.discord.addresses) == asked + 1
    assert len(set(house.discord.addresses)) == len(house.discord.addresses)


async def test_a_file_that_never_comes_is_given_up_after_a_day(house: House) -> None:
    """And may be wished for again."""
    job = await _delivered(house)
    house.world.files.attachments = Unreachable("never")
    await _share(house, job)
    await _settle(house)
    house.clock.move(PATIENCE_MS / 1000)
    await _settle(house)
    assert await _state(house, job) is D.UNDELIVERABLE

    house.world.files.attachments = house.world.video
    shared = await house.videos.share(GUILD, MEMBER, job.id)
    assert shared.again
    await _settle(house)
    assert await _state(house, job) is D.SENT


@pytest.mark.parametrize("how", ["deleted", "no file", "unreadable", "no video"])
async def test_a_message_without_its_video_cannot_be_shared(house: House, how: str) -> None:
    """Somebody has deleted it, or we may not read it: nothing is posted, and nothing is left."""
    job = await _delivered(house)
    (result,) = house.discord.of(job.id, K.RESULT)
    if how == "deleted":
        del house.discord.messages[result.id]
    elif how == "no file":
        house.discord.messages[result.id] = replace(result, had_video=False)
    elif how == "unreadable":
        house.discord.read_errors.append(Denied(50001))
    else:
        house.world.files.attachments = Unusable("what is this")
    await _share(house, job)
    await _settle(house)

    assert await _state(house, job) is D.UNDELIVERABLE
    assert house.discord.of(job.id, K.SHARE) == []
    assert _files(house) == []
    assert await house.state(job.id) is S.DELIVERED
    assert await house.hold(job.id) == "charged"


async def test_a_showcase_that_refuses_is_told_at_the_next_press(house: House) -> None:
    """It is tried anew then, wherever the showcase is by that time."""
    job = await _delivered(house)
    house.discord.closed = {SHOWCASE: 50013}
    await _share(house, job)
    await _settle(house)
    assert await _state(house, job) is D.UNDELIVERABLE
    assert _files(house) == []

    await _choose(house, SHOWCASE + 1)
    shared = await house.videos.share(GUILD, MEMBER, job.id)
    await _settle(house)

    assert (shared.channel_id, shared.again) == (SHOWCASE + 1, True)
    assert [m.channel_id for m in house.discord.of(job.id, K.SHARE)] == [SHOWCASE + 1]


async def test_a_video_that_was_only_a_link_is_shared_as_one(house: House) -> None:
    """While Pika has one; there is no file to read back."""
    house.discord.limit = 1
    job = await _delivered(house)
    for _ in range(8):
        await house.deliver()
    assert (await house.messages(job.id))[K.RESULT].fit == 0

    await _share(house, job)
    await _settle(house, 4)

    assert (await house.messages(job.id))[K.SHARE].fit == 0
    assert len(house.discord.of(job.id, K.SHARE)) == 1
    assert house.discord.addresses == []


@pytest.mark.parametrize("moment", ["wished", "fetched", "under way", "posted"])
@pytest.mark.parametrize("restart", [False, True])
async def test_a_removal_takes_what_is_shared_too(
    open_house: OpenHouse, moment: str, restart: bool
) -> None:
    """Whatever is under way with it."""
    house = await open_house()
    job = await _delivered(house)
    await _share(house, job)
    go = asyncio.Event()
    if moment != "wished":
        await house.deliver()
    if moment == "under way":
        house.discord.outcomes.append(PostedSilent(go))
        await house.courier.round()
        await until(lambda: house.discord.of(job.id, K.SHARE))
    elif moment == "posted":
        await _settle(house)
        assert await _state(house, job) is D.SENT

    await house.removals.remove(MONA, job.id, None)
    if restart:
        house = await open_house()
    go.set()
    await house.courier.settle_down()
    await _settle(house, 4)

    assert house.discord.of(job.id, K.SHARE) == house.discord.of(job.id, K.RESULT) == []
    assert await removals.due(house.database, 2**62, ()) == []
    assert _files(house) == []


async def test_a_file_that_comes_after_the_removal_does_not_stay(house: House) -> None:
    """It was on its way while somebody took the video away."""
    job = await _delivered(house)
    (result,) = house.discord.of(job.id, K.RESULT)
    arrives = house.world.files.hold(f"{ATTACHMENTS}{result.id}/0")
    await _share(house, job)
    await house.courier.round()
    await until(lambda: house.discord.addresses)

    await house.removals.remove(MONA, job.id, None)
    arrives.set()
    await house.courier.settle_down()
    await _settle(house)

    assert _files(house) == []
    assert house.discord.of(job.id, K.SHARE) == []


async def test_a_share_is_not_overdue_because_its_video_is_old(house: House) -> None:
    """The channel where it was posted first is closed now; the share needs only to read there."""
    job = await _delivered(house)
    house.clock.move(30 * 86_400)
    house.discord.uneditable = {CHANNEL: 50083}
    await _share(house, job)
    await _settle(house)
    assert await _state(house, job) is D.SENT


async def test_a_video_whose_words_were_erased_is_shared_too(house: House) -> None:
    """A month later. Where it lies was written down nowhere any more: the same video was fetched
    again and again, as fast as it came, and never shared.
    """
    job = await _delivered(house)
    house.clock.move(40 * 86_400)
    await house.keeping.round()
    assert (await house.job(job.id)).erased_at is not None
    await _share(house, job)
    await _settle(house, 6)

    assert len(house.discord.addresses) == 1
    assert await _state(house, job) is D.SENT
    (shared,) = house.discord.of(job.id, K.SHARE)
    assert shared.had_video
    assert _files(house) == []
