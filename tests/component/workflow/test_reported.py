"""What members report reaches moderators once for each video, and what those think of it holds."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from bot.errors import NotAllowed, NothingHere, NoVideoThere, TooLate, TryLater
from bot.model import DeliveryKind, DeliveryState, Job, JobState, Quota
from bot.rules.reporting import MOST, WINDOW_MS, Reported
from bot.store import audit, deliveries, reported
from bot.workflow.moderation import Governing, Moderator
from tests.conftest import OpenHouse
from tests.fakes import GUILD, MEMBER, House, PostedSilent, requester, until

K, D, S = DeliveryKind, DeliveryState, JobState
LOG = 999
MONA = Moderator(GUILD, 77)
BOB, CAROL, DAVE = 501, 502, 503


async def _choose(house: House, log: int | None = LOG) -> None:
    governing = Governing(house.database, house.clock, house.pauses, house.quota)
    await governing.choose(MONA, lambda chosen: replace(chosen, log=log))


async def _delivered(house: House) -> tuple[Job, int]:
    """A job whose video is posted, and that message."""
    job = await house.delivering()
    for _ in range(2):
        await house.deliver()
    (result,) = house.discord.of(job.id, K.RESULT)
    return await house.job(job.id), result.id


async def _report(house: House, user: int, message: int, reason: str | None = None) -> bool:
    return await house.reported.report(GUILD, user, message, reason)


async def _settle(house: House) -> None:
    for _ in range(3):
        await house.deliver()


async def _of(house: House, job: Job) -> Reported:
    return await house.database.read(lambda tx: reported.of_job(tx, job.id))


async def test_reports_of_one_video_are_one_message(house: House) -> None:
    """In the log channel; it is rewritten as more come."""
    await _choose(house)
    job, message = await _delivered(house)
    for user in (BOB, CAROL, DAVE):
        assert await _report(house, user, message, " too \n loud ")
        await _settle(house)

    (shown,) = house.discord.of(job.id, K.REPORT)
    assert (shown.channel_id, shown.reply_to, shown.shows) == (LOG, None, "reported 3")
    found = await _of(house, job)
    assert (found.count, [one.user_id for one in found.newest]) == (3, [DAVE, CAROL, BOB])
    assert {one.reason for one in found.newest} == {"too loud"}


async def test_each_member_reports_a_video_once(house: House) -> None:
    """However fast they press."""
    await _choose(house)
    job, message = await _delivered(house)
    ends = await asyncio.gather(
        *(_report(house, BOB, message) for _ in range(4)), return_exceptions=True
    )
    await _settle(house)

    assert sorted(map(str, ends))[0] == "True"
    assert sum(isinstance(end, TooLate) for end in ends) == 3
    assert (await _of(house, job)).count == 1
    with pytest.raises(TooLate, match="reported this video already"):
        await house.reported.check(GUILD, BOB, message)


async def test_a_member_reports_a_few_videos_an_hour(open_house: OpenHouse) -> None:
    """In one server; elsewhere they may, and an hour later again."""
    house = await open_house(quota=Quota(99, 24 * 3_600_000, 99))
    await _choose(house)
    posted = [await _delivered(house) for _ in range(MOST + 1)]
    for _, message in posted[:MOST]:
        await _report(house, BOB, message)
    with pytest.raises(NotAllowed, match="You have reported 5 videos within an hour"):
        await _report(house, BOB, posted[-1][1])
    assert K.REPORT not in await house.messages(posted[-1][0].id)
    await _report(house, CAROL, posted[-1][1])

    there = await house.rendering(who=requester(MEMBER, GUILD + 1))
    house.finish(there)
    await house.poller.round()
    await _settle(house)
    (elsewhere,) = house.discord.of(there.id, K.RESULT)
    await house.reported.report(GUILD + 1, BOB, elsewhere.id, None)

    house.clock.move(WINDOW_MS / 1000)
    await _report(house, BOB, posted[-1][1])


async def test_what_cannot_be_reported_says_why(house: House) -> None:
    """A card, another server's video, none at all, one's own, one that is gone."""
    await _choose(house)
    job, message = await _delivered(house)
    (card,) = house.discord.of(job.id, K.CARD)
    for guild, wrong in ((GUILD, card.id), (GUILD, 1), (GUILD + 1, message)):
        for attempt in (
            house.reported.check(guild, BOB, wrong),
            house.reported.report(guild, BOB, wrong, None),
        ):
            with pytest.raises(NoVideoThere):
                await attempt
    with pytest.raises(NotAllowed, match="your own video"):
        await _report(house, MEMBER, message)
    await house.removals.remove(MONA, job.id, None)
    with pytest.raises(TooLate, match="removed already"):
        await _report(house, BOB, message)
    assert (await _of(house, job)).count == 0


@pytest.mark.parametrize("end", ["remove", "delete", "dismiss"])
async def test_what_came_of_it_stands_in_the_message(house: House, end: str) -> None:
    """Also where it was done elsewhere; the last word is said once."""
    await _choose(house)
    job, message = await _delivered(house)
    await _report(house, BOB, message)
    await _settle(house)
    if end == "remove":
        await house.removals.remove(MONA, job.id, None)
    elif end == "delete":
        await house.videos.delete(GUILD, MEMBER, job.id)
    else:
        await house.reported.dismiss(MONA, job.id)
    await _settle(house)

    (shown,) = house.discord.of(job.id, K.REPORT)
    assert shown.shows == "final"
    assert (len(house.discord.of(job.id, K.RESULT)) == 1) is (end == "dismiss")


async def test_a_dismissed_video_is_reported_anew_by_others_only(house: House) -> None:
    """In the same millisecond, too; and can be dismissed anew."""
    await _choose(house)
    job, message = await _delivered(house)
    await _report(house, BOB, message)
    entry = await house.reported.dismiss(MONA, job.id)
    assert (entry.action, entry.before, entry.after) == ("dismiss", {"reports": 1}, None)
    with pytest.raises(TooLate):
        await _report(house, BOB, message)
    assert not (await _of(house, job)).open

    await _report(house, CAROL, message)
    await _settle(house)
    found = await _of(house, job)
    assert found.open
    assert found.dismissed_by == MONA.user_id
    assert [one.shows for one in house.discord.of(job.id, K.REPORT)] == ["reported 2"]

    await house.reported.dismiss(Moderator(GUILD, 78), job.id)
    await _settle(house)
    assert (await _of(house, job)).dismissed_by == 78
    assert [one.shows for one in house.discord.of(job.id, K.REPORT)] == ["final"]
    log = await audit.page(house.database, GUILD, most=9)
    assert [one.action for one in log] == ["dismiss", "dismiss", "choices"]


async def test_two_moderators_at_once_dismiss_once(house: House) -> None:
    """And nobody dismisses what is another server's, or not there, or gone."""
    await _choose(house)
    job, message = await _delivered(house)
    await _report(house, BOB, message)
    for by, number in ((Moderator(GUILD + 1, 77), job.id), (MONA, 987_654)):
        with pytest.raises(NothingHere):
            await house.reported.dismiss(by, number)
        with pytest.raises(NothingHere):
            await house.reported.requester(by, number)
    assert await house.reported.requester(MONA, job.id) == MEMBER
    ends = await asyncio.gather(
        *(house.reported.dismiss(Moderator(GUILD, who), job.id) for who in (77, 78)),
        return_exceptions=True,
    )
    assert sum(isinstance(end, TooLate) for end in ends) == 1
    await _report(house, CAROL, message)
    await house.removals.remove(MONA, job.id, None)
    with pytest.raises(TooLate, match="waits for anybody"):
        await house.reported.dismiss(MONA, job.id)
    log = await audit.page(house.database, GUILD, most=9)
    assert [one.action for one in log] == ["remove", "dismiss", "choices"]


async def test_without_a_log_channel_reports_wait_for_one(house: House) -> None:
    """Those that are still of interest are shown once it is chosen, and no others."""
    jobs = [await _delivered(house) for _ in range(3)]
    for _, message in jobs:
        assert not await _report(house, BOB, message)
    await house.reported.dismiss(MONA, jobs[1][0].id)
    await house.removals.remove(MONA, jobs[2][0].id, None)
    await _settle(house)
    assert [house.discord.of(job.id, K.REPORT) for job, _ in jobs] == [[], [], []]

    await _choose(house)
    await _settle(house)

    shown = [[one.channel_id for one in house.discord.of(job.id, K.REPORT)] for job, _ in jobs]
    assert shown == [[LOG], [], []]


async def test_a_log_channel_that_refused_is_left_for_another_one(house: House) -> None:
    """What no moderator could read is shown where they can; what they can read stays."""
    await _choose(house)
    first, first_message = await _delivered(house)
    await _report(house, BOB, first_message)
    await _settle(house)
    house.discord.closed = {LOG: 50013}
    second, second_message = await _delivered(house)
    await _report(house, BOB, second_message)
    await _settle(house)
    assert (await house.messages(second.id))[K.REPORT].state is D.UNDELIVERABLE

    await _choose(house, LOG + 1)
    await _settle(house)

    assert [one.channel_id for one in house.discord.of(first.id, K.REPORT)] == [LOG]
    assert [one.channel_id for one in house.discord.of(second.id, K.REPORT)] == [LOG + 1]


async def test_a_message_that_somebody_deleted_comes_again_with_news_only(house: House) -> None:
    """Where such things are read now."""
    await _choose(house)
    job, message = await _delivered(house)
    await _report(house, BOB, message)
    await _settle(house)
    (shown,) = house.discord.of(job.id, K.REPORT)
    del house.discord.messages[shown.id]
    house.clock.move(3600)
    await _choose(house, LOG + 1)
    await _settle(house)
    assert house.discord.of(job.id, K.REPORT) == []

    await _report(house, CAROL, message)
    await _settle(house)

    (anew,) = house.discord.of(job.id, K.REPORT)
    assert (anew.channel_id, anew.shows) == (LOG + 1, "reported 2")
    del house.discord.messages[anew.id]
    await house.reported.dismiss(MONA, job.id)
    await _settle(house)
    assert house.discord.of(job.id, K.REPORT) == []


@pytest.mark.parametrize("moment", ["wished", "posted", "second", "anew"])
async def test_a_crash_at_any_moment_shows_it_once_and_as_it_is(
    open_house: OpenHouse, moment: str
) -> None:
    """After the report was written down, after its message was posted, after another came, also
    where the first was dismissed.
    """
    house = await open_house()
    await _choose(house)
    job, message = await _delivered(house)
    await _report(house, BOB, message)
    if moment == "posted":
        house.discord.outcomes.append(PostedSilent(asyncio.Event()))
        await house.courier.round()
        await until(lambda: house.discord.of(job.id, K.REPORT))
    elif moment != "wished":
        await _settle(house)
        if moment == "anew":  # its last word was said
            await house.reported.dismiss(MONA, job.id)
            await _settle(house)
        await _report(house, CAROL, message)
    house = await open_house()
    await _settle(house)

    (shown,) = house.discord.of(job.id, K.REPORT)
    assert shown.shows == ("reported 2" if moment in {"second", "anew"} else "reported 1")


async def test_the_video_of_a_message_is_found_by_an_index(house: House) -> None:
    """However many messages there ever were."""
    rows = await house.database.fetch(
        """
        EXPLAIN QUERY PLAN SELECT job_id FROM delivery
        WHERE kind IN ('result', 'share') AND message_id = :id
        """,
        {"id": 1},
    )
    assert "video_of_message" in rows[0]["detail"]
    due = await deliveries.due(house.database, house.clock.now(), 9)
    assert due == []


async def test_a_new_report_is_read_where_the_log_is_now(house: House) -> None:
    """Moderators had moved their log, perhaps as too many read the old one: who reported a video
    that was reported before was told there alone, and nobody noticed in the new one.
    """
    await _choose(house)
    job, message = await _delivered(house)
    await _report(house, BOB, message)
    await _settle(house)
    await _choose(house, LOG + 1)
    assert await _report(house, CAROL, message, "not for everybody")
    await _settle(house)

    shown = [(one.channel_id, one.shows) for one in house.discord.of(job.id, K.REPORT)]
    assert shown == [(LOG, "reported 1"), (LOG + 1, "reported 2")]


async def test_without_a_log_nobody_reads_of_new_reports_in_the_old_one(house: House) -> None:
    """They are kept, as whoever reported is told, until there is a channel for them."""
    await _choose(house)
    job, message = await _delivered(house)
    await _report(house, BOB, message)
    await _settle(house)
    await _choose(house, None)
    assert not await _report(house, CAROL, message)
    await _settle(house)
    assert [one.shows for one in house.discord.of(job.id, K.REPORT)] == ["reported 1"]

    await _choose(house, LOG + 1)
    await _settle(house)
    shown = [(one.channel_id, one.shows) for one in house.discord.of(job.id, K.REPORT)]
    assert shown == [(LOG, "reported 1"), (LOG + 1, "reported 2")]


@pytest.mark.parametrize("to", [LOG + 1, None])
async def test_what_waits_for_a_channel_is_not_posted_once_the_log_is_another(
    house: House, to: int | None
) -> None:
    """While Discord was out of order, say."""
    await _choose(house)
    job, message = await _delivered(house)
    house.discord.outcomes.append(TryLater(60, "503"))
    await _report(house, BOB, message)
    await _settle(house)
    await _choose(house, to)
    for _ in range(3):
        house.clock.move(60)
        await _settle(house)

    shown = [one.channel_id for one in house.discord.of(job.id, K.REPORT)]
    assert shown == ([] if to is None else [to])


async def test_reports_of_a_long_time_come_one_after_the_other(open_house: OpenHouse) -> None:
    """Whoever chose a log channel after a year without one held up everybody's videos: hundreds
    of messages were due before them, in one channel that takes one a second.
    """
    house = await open_house(quota=Quota(99, 24 * 3_600_000, 99))
    posted = [await _delivered(house) for _ in range(MOST)]
    for _, message in posted:
        await _report(house, BOB, message)
    await _choose(house)
    await _settle(house)
    shown = 1
    while shown < MOST:
        assert sum(len(house.discord.of(job.id, K.REPORT)) for job, _ in posted) == shown
        house.clock.move(1)
        await _settle(house)
        shown += 1
    assert all(len(house.discord.of(job.id, K.REPORT)) == 1 for job, _ in posted)
