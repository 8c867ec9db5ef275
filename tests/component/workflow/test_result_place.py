"""Videos that go where the server's moderators want them, and what if that place refuses."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.model import DeliveryKind, Job, JobState, Place
from bot.workflow.moderation import Governing, Moderator
from tests.fakes import CHANNEL, GUILD, MEMBER, THREAD, House, requester

GALLERY = 777
K = DeliveryKind


async def _delivering(house: House, gallery: int | None = GALLERY) -> Job:
    """A job asked for in the thread, whose server shows all videos in a channel."""
    governing = Governing(house.database, house.clock, house.pauses, house.quota)
    await governing.choose(Moderator(GUILD, 77), lambda chosen: replace(chosen, result=gallery))
    job = await house.rendering(who=requester(channel_id=THREAD, parent_id=CHANNEL))
    house.finish(job)
    await house.poller.round()
    return job


async def _result_place(house: House, job: Job) -> tuple[Place, int, int | None]:
    result = (await house.messages(job.id))[K.RESULT]
    return result.place, result.channel_id, result.code


async def test_a_video_goes_into_the_channel_that_was_chosen(house: House) -> None:
    """It is no reply there, as the card is elsewhere."""
    job = await _delivering(house)
    await house.deliver()

    (result,) = house.discord.of(job.id, K.RESULT)
    assert (result.channel_id, result.reply_to) == (GALLERY, None)
    assert await _result_place(house, job) == (Place.CHOSEN, GALLERY, None)
    assert await house.state(job.id) is JobState.DELIVERED


async def test_where_the_chosen_channel_is_the_own_one_it_is_a_reply_as_ever(house: House) -> None:
    """Nothing is said of another place."""
    job = await _delivering(house, THREAD)
    for _ in range(2):
        await house.deliver()

    (result,) = house.discord.of(job.id, K.RESULT)
    (card,) = house.discord.of(job.id, K.CARD)
    assert (result.channel_id, result.reply_to) == (THREAD, card.id)
    assert (await _result_place(house, job))[0] is Place.HERE


@pytest.mark.parametrize(
    ("closed", "place", "channel"),
    [
        ({GALLERY: 50013}, Place.HERE, THREAD),
        ({GALLERY: 10003}, Place.HERE, THREAD),
        ({GALLERY: 50001, THREAD: 160005}, Place.PARENT, CHANNEL),
        ({GALLERY: 50013, THREAD: 160005, CHANNEL: 50013}, Place.DIRECT, MEMBER * 1000),
    ],
)
async def test_a_chosen_channel_that_refuses_loses_no_video(
    house: House, closed: dict[int, int], place: Place, channel: int
) -> None:
    """It goes where it was asked for, and on from there as ever; why is written down."""
    house.discord.closed = closed
    job = await _delivering(house)
    for _ in range(5):
        await house.deliver()

    (result,) = house.discord.of(job.id, K.RESULT)
    assert result.channel_id == channel
    where = await _result_place(house, job)
    assert where[:2] == (place, channel)
    assert where[2] is not None


async def test_what_is_no_video_is_told_where_it_was_asked(house: House) -> None:
    """The chosen channel is for videos."""
    job = await _delivering(house)
    other = await house.rendering(who=requester(channel_id=THREAD, parent_id=CHANNEL))
    await house.settling.fail(other, "failed", "")
    for _ in range(3):
        await house.deliver()

    (notice,) = house.discord.of(other.id, K.NOTICE)
    assert notice.channel_id == THREAD
    assert house.discord.of(job.id, K.RESULT)[0].channel_id == GALLERY


async def test_a_removal_is_told_in_the_chosen_channel_too(house: House) -> None:
    """Whoever looks for the video there reads what became of it."""
    job = await _delivering(house)
    await house.deliver()
    await house.removals.remove(Moderator(GUILD, 77), job.id, None)
    for _ in range(2):
        await house.deliver()

    assert house.discord.of(job.id, K.RESULT) == []
    (told,) = house.discord.of(job.id, K.REMOVAL)
    assert told.channel_id == GALLERY
