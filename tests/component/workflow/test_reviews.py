"""Videos that moderators look at first: decided once, and never seen by anybody else before."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable

import pytest

from bot.errors import BadOption, JobNotFound, NothingHere, TooLate
from bot.model import Job, Mark, Quota, Verdict
from bot.pika.errors import NoAnswer
from bot.rules.policy import ReviewRule
from bot.rules.words import Listed, Then
from bot.store import review_messages, words
from bot.store.audit import Act
from bot.ui.moderation.held import decision
from bot.workflow.moderation import Moderator, Reviews, ServerJobs
from bot.workflow.moderation.reviews import NOBODY_DECIDED
from tests.component.workflow.reviewing import (
    ELSEWHERE,
    HOUR_MS,
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
    videos,
)
from tests.conftest import OpenHouse
from tests.fakes import (
    CHANNEL,
    GUILD,
    MEMBER,
    REVIEWS,
    START,
    House,
    Lost,
    a_while,
    asker_of,
    recipe,
    requester,
    until,
)

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
