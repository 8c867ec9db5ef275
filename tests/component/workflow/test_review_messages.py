"""What moderators see of what waits: once, where it was chosen last, and true."""

from __future__ import annotations

import asyncio

import pytest

from bot.errors import Denied
from bot.model import DeliveryState, Quota
from bot.store import deliveries
from bot.workflow.delivery.companions import ARRIVES_SECONDS
from bot.workflow.delivery.review_places import AGAIN_MS
from bot.workflow.delivery.upkeep import STUCK_MS
from bot.workflow.moderation import ServerJobs
from bot.workflow.moderation.jobs import LOOK_MS
from tests.component.workflow.reviewing import (
    ELSEWHERE,
    MONA,
    NEW_CHANNEL,
    OTTO,
    WEEK,
    K,
    S,
    held,
    log,
    message,
    rounds,
    unheard,
    videos,
)
from tests.conftest import OpenHouse
from tests.fakes import (
    GUILD,
    MOVED,
    REVIEWS,
    House,
    PostedLater,
    PostedSilent,
    PostedUnheard,
    a_while,
    requester,
    until,
)

# -- the review channel ---------------------------------------------------------------------------


@pytest.mark.parametrize("code", [10003, 50001, 50013])
@pytest.mark.parametrize("how", ["another channel", "opened", "opened unheard", "restart"])
async def test_a_review_that_could_not_be_posted_is_posted_when_it_can_be(
    open_house: OpenHouse, code: int, how: str
) -> None:
    """Until then the video is kept, the member does not get it, and the code says why."""
    house = await open_house()
    await house.look_at()
    house.discord.closed = {REVIEWS: code}
    job = await house.reviewing()
    await rounds(house)
    review = (await house.messages(job.id))[K.REVIEW]
    assert (review.state, review.code) == (DeliveryState.UNDELIVERABLE, code)
    assert await house.state(job.id) is S.REVIEWING
    assert videos(house) == [f"{job.id}.mp4"]

    if how == "another channel":
        await house.look_at(channel=NEW_CHANNEL)
    else:
        house.discord.closed = {}
        if how == "opened":
            house.closed.reopen(GUILD, REVIEWS)
        elif how == "opened unheard":
            house.clock.move(AGAIN_MS / 1000)
        else:
            house = await open_house()
    await rounds(house)
    if how == "restart" and code == 50001:  # an earlier try might have stood where it cannot look
        house.clock.move(60)
        await rounds(house)

    posted = message(house, job)
    assert posted.channel_id == (NEW_CHANNEL if how == "another channel" else REVIEWS)
    assert (posted.shows, posted.had_video) == ("waits", True)
    await house.reviews.approve(MONA, job.id)
    await rounds(house)
    assert await house.state(job.id) is S.DELIVERED


@pytest.mark.parametrize("code", [10003, 50001, 50013])
async def test_moderators_are_told_once_of_a_channel_that_takes_no_reviews(
    house: House, code: int
) -> None:
    """However many videos wait for it and however often it is tried; and once that it is over."""
    await house.look_at()
    house.discord.closed = {REVIEWS: code}
    for user in (1, 2):
        await house.reviewing(who=requester(user))
        await rounds(house)
        house.clock.move(AGAIN_MS / 1000)
    await rounds(house)
    (entry,) = await log(house)
    assert (entry.act.actor_id, entry.subject, entry.subject_id) == (0, "channel", REVIEWS)
    assert (entry.action, entry.before, entry.after) == ("reviews_shown", None, {"refused": code})

    house.discord.closed = {REVIEWS: 50008}
    house.clock.move(AGAIN_MS / 1000)
    await rounds(house)
    assert [entry.after for entry in await log(house)] == [{"refused": 50008}, {"refused": code}]

    house.discord.closed = {}
    await house.look_at(channel=NEW_CHANNEL)
    await rounds(house)
    over, *_ = entries = await log(house)
    assert len(entries) == 3
    assert (over.subject_id, over.before, over.after) == (NEW_CHANNEL, {"refused": 50008}, None)


async def test_a_video_that_cannot_be_shown_says_nothing_of_its_channel(house: House) -> None:
    """It is too large and Pika's link is gone: the queue tells it, and others are shown there."""
    await house.look_at()
    house.discord.outcomes.append(Denied(40005))
    job = await house.reviewing()
    await rounds(house)
    assert (await house.messages(job.id))[K.REVIEW].code == 40005
    assert await log(house) == []


async def test_a_message_that_somebody_deleted_is_posted_again_when_the_queue_is_asked(
    house: House,
) -> None:
    """Nobody tells the bot of deleted messages; one that is there stays, and old ones are not
    looked at each time.
    """
    job, other = await held(house), await house.reviewing(who=requester(2))
    await rounds(house)
    server_jobs = ServerJobs(
        house.database, house.clock, house.outlooks, house.settling, house.changes
    )
    deleted = message(house, job)
    del house.discord.messages[deleted.id]
    await server_jobs.look_at_reviews(ELSEWHERE.guild_id)
    await rounds(house)
    assert house.discord.of(job.id, K.REVIEW) == []

    before = message(house, other)
    await server_jobs.look_at_reviews(GUILD)
    await rounds(house)
    assert message(house, job).shows == "waits"
    assert message(house, other) == before

    edits = house.discord.edits_asked
    await server_jobs.look_at_reviews(GUILD)
    await rounds(house)
    assert house.discord.edits_asked == edits
    house.clock.move(LOOK_MS / 1000)
    await server_jobs.look_at_reviews(GUILD)
    await rounds(house)
    assert house.discord.edits_asked == edits + 2


async def test_nothing_is_tried_again_in_a_server_in_which_nothing_is_stuck(house: House) -> None:
    """Channels change all day."""
    job = await held(house)
    tried = len(house.discord.tried)
    for _ in range(5):
        house.closed.reopen(GUILD, REVIEWS)
        await rounds(house, 1)

    assert len(house.discord.tried) == tried
    assert message(house, job).shows == "waits"


async def test_with_another_channel_all_that_waits_goes_on_there(house: House) -> None:
    """The message of before says so, loses its buttons, and is never the place of a second
    decision; of what is decided already nothing is posted.
    """
    decided = await held(house)
    await house.reviews.approve(MONA, decided.id)
    job = await house.reviewing(who=requester(2))
    await rounds(house)
    await house.look_at(channel=NEW_CHANNEL)
    await rounds(house)

    old, new = house.discord.of(job.id, K.REVIEW)
    assert (old.channel_id, old.shows) == (REVIEWS, MOVED)
    assert (new.channel_id, new.shows) == (NEW_CHANNEL, "waits")
    assert old.nonce != new.nonce
    assert len(house.discord.of(decided.id, K.REVIEW)) == 1

    await house.reviews.reject(OTTO, job.id, None)
    await rounds(house)
    shown = [one.shows for one in house.discord.of(job.id, K.REVIEW)]
    assert shown == [MOVED, "final"]


async def test_a_review_that_moves_while_its_message_is_looked_at_is_told_there(
    house: House,
) -> None:
    """What was read before it moved took the message of before for the present one, had nothing
    to say in it, and forgot it: it kept its buttons.
    """
    job = await held(house)
    old = message(house, job)
    read_before = await house.messages(job.id)
    await house.look_at(channel=NEW_CHANNEL)
    await house.courier._upkeep._companions.rewrite(job, read_before)
    await rounds(house)

    shown = {one.id: one.shows for one in house.discord.of(job.id, K.REVIEW)}
    assert shown.pop(old.id) == MOVED
    assert list(shown.values()) == ["waits"]


async def test_back_and_forth_it_is_where_it_was_chosen_last(house: House) -> None:
    """Each time another message; Discord must not take it for the one of a minute ago."""
    job = await held(house)
    for channel in (NEW_CHANNEL, REVIEWS):
        await house.look_at(channel=channel)
        await rounds(house)

    shown = house.discord.of(job.id, K.REVIEW)
    assert [(one.channel_id, one.shows, one.had_video) for one in shown] == [
        (REVIEWS, MOVED, False),
        (NEW_CHANNEL, MOVED, False),
        (REVIEWS, "waits", True),
    ]


async def test_the_old_message_serves_until_the_new_one_is_there(house: House) -> None:
    """The new channel takes nothing: what was decided under the old message is shown there."""
    job = await held(house)
    house.discord.closed = {NEW_CHANNEL: 50013}
    await house.look_at(channel=NEW_CHANNEL)
    await rounds(house)
    assert message(house, job).shows == "waits"

    await house.reviews.approve(MONA, job.id)
    await rounds(house)
    assert message(house, job).shows == "final"
    assert await house.state(job.id) is S.DELIVERED


@pytest.mark.parametrize("what", ["moved", "expired"])
@pytest.mark.parametrize("under_way", [PostedSilent, PostedLater])
async def test_a_post_that_was_under_way_is_not_left_with_buttons(
    house: House, what: str, under_way: type[PostedSilent | PostedLater]
) -> None:
    """Discord has it, or gets it, and we know only after another channel was chosen, or it was
    decided.
    """
    await house.look_at()
    job = await house.reviewing()
    go = asyncio.Event()
    house.discord.outcomes.append(under_way(go))
    await house.courier.round()
    await until(lambda: (REVIEWS, K.REVIEW) in house.discord.tried)
    if what == "moved":
        await house.look_at(channel=NEW_CHANNEL)
    else:
        house.clock.move(WEEK)
        await house.reviews.expire()
    await house.courier.round()  # meanwhile all else goes on
    await a_while()
    go.set()
    await house.courier.settle_down()
    await rounds(house)

    shown = {one.channel_id: one.shows for one in house.discord.of(job.id, K.REVIEW)}
    expected = {REVIEWS: MOVED, NEW_CHANNEL: "waits"} if what == "moved" else {REVIEWS: "final"}
    assert shown == expected


@pytest.mark.parametrize("what", ["moved", "expired"])
async def test_a_post_of_which_nobody_heard_is_found_and_told(
    open_house: OpenHouse, what: str
) -> None:
    """The process was killed before it knew of it, and the next one has no reason to post."""
    house = await open_house()
    job = await unheard(house)
    if what == "moved":
        await house.look_at(channel=NEW_CHANNEL)
    else:
        house.clock.move(WEEK)
        await house.reviews.expire()
    house = await open_house()
    await rounds(house)

    shown = {one.channel_id: one.shows for one in house.discord.of(job.id, K.REVIEW)}
    expected = {REVIEWS: MOVED, NEW_CHANNEL: "waits"} if what == "moved" else {REVIEWS: "final"}
    assert shown == expected


async def test_an_unheard_post_is_told_apart_from_the_one_after_it(open_house: OpenHouse) -> None:
    """Its channel was chosen again meanwhile: the message that waits keeps video and buttons."""
    house = await open_house()
    job = await unheard(house)
    house.clock.move(2)
    for channel in (NEW_CHANNEL, REVIEWS):
        await house.look_at(channel=channel)
    house = await open_house()
    await rounds(house)

    shown = house.discord.of(job.id, K.REVIEW)
    assert [(one.channel_id, one.shows, one.had_video) for one in shown] == [
        (REVIEWS, MOVED, False),
        (REVIEWS, "waits", True),
    ]
    assert (await house.messages(job.id))[K.REVIEW].message_id == shown[1].id


async def test_an_unheard_post_that_arrives_after_the_start_is_found_too(
    open_house: OpenHouse,
) -> None:
    """The process was killed, and Discord took its time: it is looked for once more."""
    house = await open_house()
    await house.look_at()
    job = await house.reviewing()
    house.discord.outcomes.append(PostedLater(asyncio.Event()))
    await house.courier.round()
    await until(lambda: (REVIEWS, K.REVIEW) in house.discord.tried)
    tried = (await house.messages(job.id))[K.REVIEW]
    await house.look_at(channel=NEW_CHANNEL)
    house = await open_house()
    await rounds(house, 1)
    await house.deliver()
    late = house.discord.arrive(job, tried)
    house.clock.move(ARRIVES_SECONDS)
    await rounds(house)

    shown = {one.id: (one.shows, one.had_video) for one in house.discord.of(job.id, K.REVIEW)}
    assert shown.pop(late.id) == (MOVED, False)
    assert list(shown.values()) == [("waits", True)]


@pytest.mark.parametrize("removed", ["before", "after"])
async def test_a_message_of_which_nobody_heard_goes_with_its_video(
    open_house: OpenHouse, removed: str
) -> None:
    """It was approved before anybody knew of the message, and taken away before or after that
    was known: no copy is left in front of moderators.
    """
    house = await open_house()
    job = await unheard(house)
    await house.reviews.approve(MONA, job.id)
    house = await open_house()
    if removed == "before":
        await house.removals.remove(MONA, job.id, None)
        await rounds(house, 4)
    else:
        await rounds(house)
        review = message(house, job)
        assert (review.shows, review.had_video) == ("final", True)
        await house.removals.remove(MONA, job.id, None)
        await rounds(house)

    assert house.discord.of(job.id, K.REVIEW) == []
    assert house.discord.of(job.id, K.RESULT) == []
    assert await house.database.fetch("SELECT 1 FROM former_review", {}) == []


async def test_what_arrives_after_the_removal_goes_too(house: House) -> None:
    """The post was under way when its review moved, was approved elsewhere, and taken away."""
    await house.look_at()
    job = await house.reviewing()
    go = asyncio.Event()
    house.discord.outcomes.append(PostedLater(go))
    await house.courier.round()
    await until(lambda: (REVIEWS, K.REVIEW) in house.discord.tried)
    await house.look_at(channel=NEW_CHANNEL)
    await house.reviews.approve(MONA, job.id)
    await house.removals.remove(MONA, job.id, None)
    go.set()
    await house.courier.settle_down()
    await rounds(house)

    assert [one.had_video for one in house.discord.of(job.id, K.REVIEW)] == [False]
    assert (await house.messages(job.id))[K.REVIEW].message_id is None


async def test_an_unheard_post_is_found_and_not_posted_again(house: House) -> None:
    """As any message."""
    await house.look_at()
    job = await house.reviewing()
    house.discord.outcomes.append(PostedUnheard())
    await rounds(house, 4)

    assert message(house, job).shows == "waits"


async def test_a_deleted_message_is_posted_again_by_the_next_start(open_house: OpenHouse) -> None:
    """Nobody could decide without it."""
    house = await open_house()
    job = await held(house)
    del house.discord.messages[message(house, job).id]
    house = await open_house()
    await rounds(house)

    assert message(house, job).shows == "waits"
    assert (await house.messages(job.id))[K.REVIEW].message_id == message(house, job).id


async def test_old_messages_are_looked_at_one_after_the_other(open_house: OpenHouse) -> None:
    """Discord limits edits of messages older than an hour; a start has many of them."""
    house = await open_house()
    await house.look_at()
    held_ = [await house.reviewing(who=requester(user)) for user in (1, 2, 3)]
    await rounds(house)
    house.clock.move(3600)
    house = await open_house()
    house.discord.edit_hold = asyncio.Event()
    await house.courier.round()
    await a_while()
    assert house.discord.editing == 1

    house.discord.edit_hold.set()
    await rounds(house)
    for job in held_:
        assert (await house.messages(job.id))[K.REVIEW].shown == "waits"


async def test_what_stood_in_a_deleted_channel_waits_for_another_one(house: House) -> None:
    """The queue can say that it is gone; once another channel is chosen it is posted there."""
    job = await held(house)
    house.discord.messages.clear()
    house.discord.closed = {REVIEWS: 10003}
    house.closed.gone(GUILD, REVIEWS)
    await rounds(house)
    review = (await house.messages(job.id))[K.REVIEW]
    assert (review.state, review.code) == (DeliveryState.UNDELIVERABLE, 10003)

    await house.look_at(channel=NEW_CHANNEL)
    await rounds(house)
    assert message(house, job).channel_id == NEW_CHANNEL


async def test_a_channel_that_takes_no_file_of_its_size_gets_a_smaller_one(house: House) -> None:
    """The same steps as for a result, down to the link; the result still begins with the whole."""
    await house.look_at()
    house.discord.limit = 10
    house.pika.video_url = "https://cdn.test/{}.mp4"
    job = await house.reviewing()
    await rounds(house, 9)

    review = (await house.messages(job.id))[K.REVIEW]
    assert (review.state, review.fit) == (DeliveryState.SENT, 0)
    house.discord.limit = None
    await house.reviews.approve(MONA, job.id)
    await rounds(house)
    assert await house.state(job.id) is S.DELIVERED


# -- what moderators see becomes true -------------------------------------------------------------


async def test_a_crash_after_the_decision_leaves_a_message_that_becomes_true(
    open_house: OpenHouse,
) -> None:
    """Committed, and nobody was answered: the next start shows it, in every message."""
    house = await open_house()
    job = await held(house)
    await house.reviews.reject(MONA, job.id, None)
    house = await open_house()
    await rounds(house)

    assert message(house, job).shows == "final"
    assert len(house.discord.of(job.id, K.NOTICE)) == 1
    assert videos(house) == []


async def test_a_crash_when_all_but_the_review_was_true_is_made_good(open_house: OpenHouse) -> None:
    """The card says that it is done; the moderators' message could not be written yet."""
    house = await open_house()
    job = await held(house)
    await house.reviews.approve(MONA, job.id)
    house.discord.busy = {REVIEWS}
    await rounds(house, 4)
    assert (await house.messages(job.id))[K.CARD].shown == "final"
    assert message(house, job).shows == "waits"
    house.discord.busy.clear()
    house = await open_house()
    await rounds(house)

    assert message(house, job).shows == "final"


@pytest.mark.parametrize("how", ["opened", "restart"])
async def test_a_message_that_cannot_be_written_is_made_true_when_its_place_opens(
    open_house: OpenHouse, how: str
) -> None:
    """The channel was closed to the bot when somebody decided there."""
    house = await open_house()
    job = await held(house)
    house.discord.uneditable = {REVIEWS: 50001}
    await house.reviews.approve(MONA, job.id)
    await rounds(house)
    assert message(house, job).shows == "waits"
    assert await house.state(job.id) is S.DELIVERED

    house.discord.uneditable = {}
    if how == "opened":
        house.closed.reopen(GUILD, REVIEWS)
    else:
        house = await open_house()
    await rounds(house)
    assert message(house, job).shows == "final"


async def test_a_message_that_stays_closed_is_not_tried_for_ever(open_house: OpenHouse) -> None:
    """A week after the end of its job no start looks for it any more."""
    house = await open_house()
    job = await held(house)
    house.discord.uneditable = {REVIEWS: 50001}
    await house.reviews.approve(MONA, job.id)
    await rounds(house)
    house.clock.move(STUCK_MS / 1000 + 60)
    house = await open_house()
    asked = house.discord.edits_asked
    await rounds(house)

    assert house.discord.edits_asked == asked


async def test_reviews_that_go_on_elsewhere_are_not_overdue(house: House) -> None:
    """They are wanted since just now. `/readyz` said that nobody delivers, as their first messages
    were wanted long ago.
    """
    await held(house)
    house.clock.move(1200)
    await house.look_at(channel=NEW_CHANNEL)
    now = house.clock.now()
    assert await deliveries.late(house.database, now - 300_000, now - 900_000) == 0
    house.clock.move(901)
    now = house.clock.now()
    assert await deliveries.late(house.database, now - 10**9, now - 900_000) == 1


async def test_many_reviews_that_go_on_elsewhere_hold_nobody_up(open_house: OpenHouse) -> None:
    """One server's moderators moved all that waits, each with its video, to a channel that takes
    one message a second: everybody's videos stood behind.
    """
    house = await open_house(quota=Quota(99, 24 * 3_600_000, 99), slots=9)
    await house.look_at()
    jobs = [await house.reviewing() for _ in range(4)]
    await rounds(house)
    await house.look_at(channel=NEW_CHANNEL)
    for shown in (1, 2, 3, 4):
        await house.deliver()
        there = [house.discord.of(job.id, K.REVIEW)[-1].channel_id for job in jobs]
        assert there.count(NEW_CHANNEL) == shown
        house.clock.move(1)
