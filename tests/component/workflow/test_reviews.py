"""Videos that moderators look at first: decided once, and never seen by anybody else before."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable

import pytest

from bot.errors import BadOption, Denied, JobNotFound, NothingHere, TooLate
from bot.model import DeliveryKind, DeliveryState, Job, JobState, Mark, Quota, Verdict
from bot.pika.errors import NoAnswer
from bot.rules.policy import ReviewRule
from bot.rules.words import Listed, Then
from bot.store import audit, deliveries, review_messages, words
from bot.store.audit import Act, AuditEntry
from bot.ui.moderation.held import decision
from bot.workflow.delivery.companions import ARRIVES_SECONDS
from bot.workflow.delivery.review_places import AGAIN_MS
from bot.workflow.delivery.upkeep import STUCK_MS
from bot.workflow.moderation import Moderator, Reviews, ServerJobs
from bot.workflow.moderation.jobs import LOOK_MS
from bot.workflow.moderation.reviews import NOBODY_DECIDED
from tests.conftest import OpenHouse
from tests.fakes import (
    CHANNEL,
    GUILD,
    MEMBER,
    MOVED,
    REVIEWS,
    START,
    House,
    Lost,
    Posted,
    PostedLater,
    PostedSilent,
    PostedUnheard,
    a_while,
    asker_of,
    recipe,
    requester,
    until,
)

S, K = JobState, DeliveryKind
MONA, OTTO = Moderator(GUILD, 77), Moderator(GUILD, 78)
ELSEWHERE = Moderator(GUILD + 1, 77)
WEEK = 7 * 24 * 3600.0
NEW_CHANNEL = 501
HOUR_MS = 3_600_000


async def held(house: House) -> Job:
    """A video that waits, its message posted and its card rewritten."""
    await house.look_at()
    job = await house.reviewing()
    await rounds(house)
    return job


async def rounds(house: House, count: int = 3) -> None:
    """The courier's, some seconds apart."""
    for _ in range(count):
        await house.deliver()
        house.clock.move(6)


def message(house: House, job: Job) -> Posted:
    """The only message for moderators that stands."""
    (found,) = house.discord.of(job.id, K.REVIEW)
    return found


async def log(house: House, guild_id: int = GUILD) -> list[AuditEntry]:
    """What was done to jobs and members, newest first."""
    page = await audit.page(house.database, guild_id, most=100)
    return [entry for entry in page if entry.action != "choices"]


def videos(house: House) -> list[str]:
    """The files there are."""
    return sorted(path.name for path in (house.world.folder / "videos").iterdir())


# -- held -----------------------------------------------------------------------------------------


async def test_a_held_video_goes_to_moderators_and_to_nobody_else(house: House) -> None:
    """With the file, in their channel; it is charged, as Pika made it; the card says what it
    waits for.
    """
    job = await held(house)

    assert (job.state, job.hold) == (S.REVIEWING, "charged")
    assert job.review is not None
    assert (job.review.why, job.review.verdict) == (Mark.ALL, None)
    posted = message(house, job)
    assert (posted.channel_id, posted.shows, posted.had_video) == (REVIEWS, "waits", True)
    assert house.discord.of(job.id, K.RESULT) == house.discord.of(job.id, K.NOTICE) == []
    (card,) = house.discord.of(job.id, K.CARD)
    assert card.shows == "in review"


@pytest.mark.parametrize(
    ("rule", "joined", "prompt", "why"),
    [
        (ReviewRule(newcomer_ms=HOUR_MS), START - 1000, "a fox", Mark.NEWCOMER),
        (ReviewRule(newcomer_ms=HOUR_MS), START - 2 * HOUR_MS, "a fox", None),
        (ReviewRule(flagged=True), START - 1000, "a dragon", Mark.FLAGGED),
        (ReviewRule(flagged=True), START - 1000, "a fox", None),
    ],
)
async def test_each_rule_holds_whom_it_is_about(
    house: House, rule: ReviewRule, joined: int, prompt: str, why: Mark | None
) -> None:
    """New members, flagged requests; what nobody wants to see is posted at once."""
    act = Act(GUILD, 1, START)
    entries = [Listed("dragon", Then.REVIEW)]
    await house.database.write(lambda tx: words.replace_all(tx, act, entries))
    await house.look_at(rule)

    job = await house.rendering(recipe(prompt), joined_at=joined)
    house.finish(job)
    await house.poller.round()
    job = await house.job(job.id)

    assert (job.review and job.review.why) is why
    assert job.state is (S.DELIVERING if why is None else S.REVIEWING)


async def test_the_rule_that_holds_when_the_video_is_there_decides(house: House) -> None:
    """Switched on after the request: held. Switched off: posted."""
    first = await house.rendering()
    await house.look_at()
    house.finish(first)
    await house.poller.round()
    second = await house.rendering(who=requester(2))
    await house.look_at(ReviewRule())
    house.finish(second)
    await house.poller.round()

    assert await house.state(first.id) is S.REVIEWING
    assert await house.state(second.id) is S.DELIVERING


async def test_what_waits_goes_on_waiting_when_reviews_are_switched_off(house: House) -> None:
    """Somebody had a reason to hold it; also when the channel is given up with them."""
    job = await held(house)
    await house.look_at(ReviewRule(), channel=None)
    await rounds(house)

    assert await house.state(job.id) is S.REVIEWING
    assert message(house, job).shows == "waits"
    assert (await house.governing.standing(GUILD)).waiting == 1
    assert (await house.governing.standing(ELSEWHERE.guild_id)).waiting == 0
    await house.reviews.approve(MONA, job.id)
    await rounds(house)
    assert await house.state(job.id) is S.DELIVERED
    assert (await house.governing.standing(GUILD)).waiting == 0


# -- decided --------------------------------------------------------------------------------------


async def test_an_approved_video_is_posted_where_it_was_asked_for(house: House) -> None:
    """Once, and the moderators' message says what was decided; the entry says by whom."""
    job = await held(house)
    entry = await house.reviews.approve(MONA, job.id)
    await rounds(house)

    done = await house.job(job.id)
    assert (done.state, done.hold) == (S.DELIVERED, "charged")
    (result,) = house.discord.of(job.id, K.RESULT)
    assert (result.channel_id, result.had_video) == (CHANNEL, True)
    assert message(house, job).shows == "final"
    assert done.review is not None
    assert (done.review.verdict, done.review.decided_by) == (Verdict.APPROVED, 77)
    assert [entry] == await log(house)
    assert (entry.action, entry.subject_id, entry.after) == (
        "review",
        job.id,
        {"verdict": "approved"},
    )
    assert videos(house) == []


async def test_a_rejected_video_is_posted_nowhere_and_its_member_is_told(house: House) -> None:
    """By a notice, as by the card; the credit stays spent, and the file goes."""
    job = await held(house)
    entry = await house.reviews.reject(MONA, job.id, " too \n scary ")
    await rounds(house)

    gone = await house.job(job.id)
    assert (gone.state, gone.code, gone.detail, gone.hold) == (
        S.FAILED,
        "rejected",
        "too scary",
        "charged",
    )
    assert house.discord.of(job.id, K.RESULT) == []
    (notice,) = house.discord.of(job.id, K.NOTICE)
    assert notice.channel_id == CHANNEL
    assert [m.shows for m in house.discord.of(job.id, K.CARD)] == ["final"]
    assert message(house, job).shows == "final"
    assert entry.after == {"verdict": "rejected", "reason": "too scary"}
    assert videos(house) == []


async def test_blocking_rejects_too_in_one_transaction(house: House) -> None:
    """Two entries; whoever is blocked cannot ask again."""
    job = await held(house)
    done = await house.reviews.block(MONA, job.id, "spam", 2)

    assert [entry.action for entry in await log(house)] == ["block", "review"]
    assert done.block is not None
    assert done.block.subject_id == MEMBER
    assert done.block.after == {"reason": "spam", "until": house.clock.now() + 2 * HOUR_MS}
    assert (await house.job(job.id)).code == "rejected"
    account = await house.members.account(asker_of(requester()))
    assert not account.trace.allowed


async def test_a_block_that_cannot_be_written_down_rejects_nothing(house: House) -> None:
    """And one with hours that are none; the video waits on."""
    job = await held(house)
    async with house.database.transaction() as tx:
        await tx.execute(
            "CREATE TRIGGER no_block BEFORE INSERT ON member_block "
            "BEGIN SELECT raise(ABORT, 'full'); END"
        )
    with pytest.raises(sqlite3.IntegrityError):
        await house.reviews.block(MONA, job.id, None, None)
    with pytest.raises(BadOption):
        await house.reviews.block(MONA, job.id, None, -1)
    with pytest.raises(BadOption):
        await house.reviews.reject(MONA, job.id, "x" * 201)

    assert await house.state(job.id) is S.REVIEWING
    assert await log(house) == []
    assert house.discord.of(job.id, K.NOTICE) == []
    assert videos(house) == [f"{job.id}.mp4"]


Deed = Callable[[Reviews, Moderator, int], Awaitable[object]]
DEEDS: dict[str, Deed] = {
    "approve": lambda reviews, by, job: reviews.approve(by, job),
    "reject": lambda reviews, by, job: reviews.reject(by, job, None),
    "block": lambda reviews, by, job: reviews.block(by, job, None, None),
    "check": lambda reviews, by, job: reviews.check(by, job),
}


@pytest.mark.parametrize("first", ["approve", "reject", "block"])
@pytest.mark.parametrize("second", ["approve", "reject", "block"])
async def test_two_moderators_at_once_are_one_decision(
    house: House, first: str, second: str
) -> None:
    """Whoever is second is told who decided what, and nothing of theirs happens."""
    job = await held(house)
    results = await asyncio.gather(
        DEEDS[first](house.reviews, MONA, job.id),
        DEEDS[second](house.reviews, OTTO, job.id),
        return_exceptions=True,
    )
    await rounds(house)

    (late,) = [result for result in results if isinstance(result, Exception)]
    assert isinstance(late, TooLate)
    what = "approved" if first == "approve" else "rejected"
    assert str(late).startswith(f"Job {job.id} was {what} <t:")
    assert "<@77>" in str(late)
    actors = {entry.act.actor_id for entry in await log(house)}
    assert actors == {77}
    results_ = house.discord.of(job.id, K.RESULT)
    notices = house.discord.of(job.id, K.NOTICE)
    assert (len(results_), len(notices)) == ((1, 0) if first == "approve" else (0, 1))


@pytest.mark.parametrize("deed", sorted(DEEDS))
async def test_what_is_of_another_server_or_waits_nowhere_is_not_there(
    house: House, deed: str
) -> None:
    """The same error for all, and nothing is written in either log."""
    job = await held(house)
    other = await house.rendering(who=requester(2))
    for by, job_id in ((ELSEWHERE, job.id), (MONA, 4711), (MONA, other.id)):
        with pytest.raises(NothingHere):
            await DEEDS[deed](house.reviews, by, job_id)

    assert await house.state(job.id) is S.REVIEWING
    assert await log(house) == await log(house, ELSEWHERE.guild_id) == []


async def test_a_video_that_waits_is_not_cancelled(house: House) -> None:
    """It is charged; the words say what it waits for, to its member and to a moderator."""
    job = await held(house)
    with pytest.raises(TooLate, match="waits for a moderator"):
        await house.members.cancel(GUILD, MEMBER, job.id)
    with pytest.raises(JobNotFound):
        await house.members.cancel(GUILD, MEMBER + 1, job.id)
    jobs = ServerJobs(house.database, house.clock, house.outlooks, house.settling, house.changes)
    with pytest.raises(TooLate, match="under its review"):
        await jobs.cancel(MONA, job.id)
    await house.reviews.reject(MONA, job.id, None)
    for cancel in (
        house.members.cancel(GUILD, MEMBER, job.id),
        jobs.cancel(MONA, job.id),
    ):
        with pytest.raises(TooLate, match="was not posted"):
            await cancel


# -- nobody decides -------------------------------------------------------------------------------


async def test_after_a_week_the_bot_itself_rejects(house: House) -> None:
    """Not a moment before; with that reason, in the log as nobody's act; the member is told."""
    job = await held(house)
    house.clock.move(WEEK - 60)
    await house.reviews.expire()
    assert await house.state(job.id) is S.REVIEWING
    house.clock.move(60)
    await house.reviews.expire()
    await rounds(house)

    gone = await house.job(job.id)
    assert (gone.code, gone.detail) == ("rejected", NOBODY_DECIDED)
    (entry,) = await log(house)
    assert (entry.act.actor_id, entry.after) == (
        0,
        {"verdict": "rejected", "reason": NOBODY_DECIDED},
    )
    assert len(house.discord.of(job.id, K.NOTICE)) == 1
    assert message(house, job).shows == "final"
    with pytest.raises(TooLate, match="by itself"):
        await house.reviews.approve(MONA, job.id)


async def test_the_loop_expires_by_itself(house: House) -> None:
    """It looks every minute."""
    job = await held(house)
    house.start(house.reviews.run())
    house.clock.move(WEEK)
    await until(lambda: house.told[-1] == (job.id, S.FAILED))


async def test_what_could_be_shown_to_nobody_expires_too(house: House) -> None:
    """Nothing is posted afterwards that asks for a decision."""
    await house.look_at()
    house.discord.closed = {REVIEWS: 50013}
    job = await house.reviewing()
    await rounds(house)
    house.clock.move(WEEK)
    await house.reviews.expire()
    house.discord.closed = {}
    house.closed.reopen(GUILD)
    await rounds(house)

    assert (await house.job(job.id)).code == "rejected"
    assert house.discord.of(job.id, K.REVIEW) == []


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
    await house.look_at()
    job = await house.reviewing()
    house.discord.outcomes.append(PostedSilent(asyncio.Event()))
    await house.courier.round()
    await until(lambda: house.discord.of(job.id, K.REVIEW))
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
    await house.look_at()
    job = await house.reviewing()
    house.discord.outcomes.append(PostedSilent(asyncio.Event()))
    await house.courier.round()
    await until(lambda: house.discord.of(job.id, K.REVIEW))
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
    await house.look_at()
    job = await house.reviewing()
    house.discord.outcomes.append(PostedSilent(asyncio.Event()))
    await house.courier.round()
    await until(lambda: house.discord.of(job.id, K.REVIEW))
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


# -- late videos ----------------------------------------------------------------------------------


async def _late(house: House) -> Job:
    """A video of a job that had failed, and whose member was told so."""
    house.pika.outcomes.append(Lost(NoAnswer("?", status=504, code="untracked"), listed=False))
    job = await house.sent()
    for _ in range(15):
        await house.poller.round()
        house.clock.move(20)
        await house.rest()
        await house.deliver()
    assert (await house.job(job.id)).code == "unknown"
    assert len(house.discord.of(job.id, K.NOTICE)) == 1
    await house.look_at()
    (name,) = [report.pika_id for report in house.pika.taken]
    house.pika.end(name)
    house.world.files.files[house.pika.video_url.format(name)] = house.world.video
    await house.poller.hint(str(job.reply_ref), name)
    await house.rest()
    return await house.job(job.id)


@pytest.mark.parametrize("credits_", [5, 1])
async def test_a_late_video_is_held_as_any_other(open_house: OpenHouse, credits_: int) -> None:
    """Charged if there is a credit left; approved, it is delivered as a late one."""
    house = await open_house(quota=Quota(credits_, 24 * HOUR_MS, 5))
    job = await _late(house)
    assert (job.state, job.code, job.hold) == (S.REVIEWING, "late", "charged")
    await rounds(house)
    assert message(house, job).shows == "waits"
    assert [m.shows for m in house.discord.of(job.id, K.CARD)] == ["in review"]

    await house.reviews.approve(MONA, job.id)
    await rounds(house)
    done = await house.job(job.id)
    assert (done.state, done.code) == (S.DELIVERED, "late")
    assert len(house.discord.of(job.id, K.RESULT)) == 1


async def test_whoever_was_told_that_there_is_no_video_is_told_that_it_is_rejected(
    house: House,
) -> None:
    """A second notice, though the first was minutes ago: neither Discord nor we may take it for
    that one.
    """
    job = await _late(house)
    await rounds(house)
    (first,) = house.discord.of(job.id, K.NOTICE)
    await house.reviews.reject(MONA, job.id, "no")
    await rounds(house)

    (again, second) = house.discord.of(job.id, K.NOTICE)
    assert again == first
    assert second.nonce != first.nonce
    assert (await house.messages(job.id))[K.NOTICE].message_id == second.id
    assert [m.shows for m in house.discord.of(job.id, K.CARD)] == ["final"]


async def test_a_late_video_that_nobody_decides_about_stays_charged_once(house: House) -> None:
    """The books hold."""
    job = await _late(house)
    house.clock.move(WEEK)
    await house.reviews.expire()
    gone = await house.job(job.id)
    assert (gone.code, gone.hold) == ("rejected", "charged")
    await a_while()
    await house.poller.round()
    assert await house.state(job.id) is S.FAILED


async def test_a_wish_to_cancel_that_came_before_the_video_holds(house: House) -> None:
    """Nobody looks at what its member does not want any more."""
    await house.look_at()
    job = await house.rendering()
    house.pika.obeys_cancel = False
    await house.members.cancel(GUILD, MEMBER, job.id)
    house.finish(job)
    await house.poller.round()
    await rounds(house)

    assert await house.state(job.id) is S.CANCELLED
    assert house.discord.of(job.id, K.REVIEW) == []
    assert videos(house) == []


async def test_a_video_that_no_place_takes_after_all_is_kept(house: House) -> None:
    """Approved, and the member's channel and direct messages are closed."""
    job = await held(house)
    house.discord.closed = {CHANNEL: 50013, MEMBER * 1000: 50007}
    await house.reviews.approve(MONA, job.id)
    await rounds(house)

    assert (await house.job(job.id)).code == "undeliverable"
    assert videos(house) == [f"{job.id}.mp4"]


async def test_a_restart_keeps_a_video_that_waits(open_house: OpenHouse) -> None:
    """With its copies' source, its message, and its time."""
    house = await open_house()
    job = await held(house)
    house = await open_house()
    await rounds(house)

    again = await house.job(job.id)
    assert again.review == job.review
    assert videos(house) == [f"{job.id}.mp4"]
    assert message(house, job).shows == "waits"


# -- a video that is lost while it waits -----------------------------------------------------------


async def lost(house: House) -> Job:
    """A job whose video is gone before its message for moderators could be posted anew."""
    job = await held(house)
    assert job.video_path is not None
    job.video_path.unlink()
    del house.pika.jobs[job.pika_id or ""]
    await house.look_at(channel=NEW_CHANNEL)  # posted there anew, which needs the file
    await rounds(house)
    return await house.job(job.id)


async def test_a_video_that_is_lost_while_it_waits_stops_nobody(house: House) -> None:
    """A week later it was to be rejected as well: that failed, and ended the bot, at every start
    again.
    """
    job = await lost(house)
    assert (job.state, job.code, job.hold) == (S.FAILED, "lost", "released")
    other = await house.reviewing()
    house.clock.move(WEEK)
    await house.reviews.expire()

    assert (await house.job(job.id)).code == "lost"
    assert (await house.job(other.id)).code == "rejected"


async def test_the_review_of_a_lost_video_is_over(house: House) -> None:
    """It was counted as one that waits for ever, whoever pressed heard of something wrong on my
    side, and its message called it rejected in 1970.
    """
    job = await lost(house)
    with pytest.raises(TooLate, match="lost"):
        await house.reviews.approve(MONA, job.id)
    with pytest.raises(TooLate, match="lost"):
        await house.reviews.check(MONA, job.id)

    assert job.review is not None
    assert (job.review.verdict, job.review.decided_by) == (Verdict.REJECTED, 0)
    (entry,) = await log(house)
    assert (entry.act.actor_id, entry.action, entry.subject_id) == (0, "review", job.id)
    assert await review_messages.of_waiting(house.database, GUILD) == {}
    assert "lost" in decision(job.review)
    assert len(house.discord.of(job.id, K.NOTICE)) == 1


async def test_a_file_that_comes_after_the_rejection_does_not_stay(house: House) -> None:
    """It was being fetched again: a rejected video lay on the disk until the next start."""
    job = await held(house)
    assert job.video_path is not None
    job.video_path.unlink()
    url = house.pika.jobs[job.pika_id or ""].video_url or ""
    fetched = len(house.world.files.fetched)
    arrives = house.world.files.hold(url)
    await house.look_at(channel=NEW_CHANNEL)
    await house.courier.round()
    await until(lambda: len(house.world.files.fetched) > fetched)
    await house.reviews.reject(MONA, job.id, None)
    arrives.set()
    await house.courier.settle_down()
    await rounds(house)

    assert videos(house) == []
    assert (await house.job(job.id)).code == "rejected"


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
