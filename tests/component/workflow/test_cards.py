"""No card says "working" once its job is over; where it cannot, something else tells the truth."""

from __future__ import annotations

import asyncio
import threading

import pytest

from bot.errors import Denied, TryLater
from bot.model import DeliveryKind, DeliveryState, Job, JobState
from bot.store import deliveries
from bot.store.deliveries import SHOWN_STUCK
from bot.workflow.delivery.upkeep import EDIT_PAUSE_MS, STUCK_MS
from tests.conftest import OpenHouse
from tests.fakes import (
    CHANNEL,
    GUILD,
    MEMBER,
    THREAD,
    House,
    PostedSilent,
    a_while,
    requester,
    until,
)

S, K = JobState, DeliveryKind
ARCHIVED, NO_ACCESS = 50083, 50001


async def _shows(house: House, job: Job) -> str:
    (card,) = house.discord.of(job.id, K.CARD)
    return card.shows


async def _queued_in_thread(house: House) -> Job:
    return (await house.ask(requester(channel_id=THREAD, parent_id=CHANNEL))).job


async def _rounds(house: House, count: int = 4) -> None:
    for _ in range(count):
        await house.deliver()
        house.clock.move(EDIT_PAUSE_MS / 1000)


async def test_a_job_cancelled_from_elsewhere_is_told_in_its_archived_thread(house: House) -> None:
    """Nothing else would be posted, and a card there cannot be rewritten: a notice opens the
    thread, and then the card is made true.
    """
    job = await _queued_in_thread(house)
    house.discord.uneditable = {THREAD: ARCHIVED}
    await house.members.cancel(GUILD, MEMBER, job.id)
    await _rounds(house)

    (notice,) = house.discord.of(job.id, K.NOTICE)
    assert notice.channel_id == THREAD
    assert await _shows(house, job) == "final"
    assert await deliveries.untrue_cards(house.database, 0) == []


async def test_a_job_cancelled_in_a_closed_thread_is_told_in_the_channel_above(
    house: House,
) -> None:
    """Archived and locked: the card stays as it is, and the truth comes where it can."""
    job = await _queued_in_thread(house)
    house.discord.uneditable = {THREAD: ARCHIVED}
    house.discord.closed = {THREAD: 160005}
    await house.members.cancel(GUILD, MEMBER, job.id)
    await _rounds(house)

    (notice,) = house.discord.of(job.id, K.NOTICE)
    assert notice.channel_id == CHANNEL
    assert (await house.messages(job.id))[K.CARD].shown == SHOWN_STUCK


async def test_a_result_posted_elsewhere_needs_no_notice_beside_it(house: House) -> None:
    """The video says where it is and why; one message is enough."""
    job = await house.rendering(who=requester(channel_id=THREAD, parent_id=CHANNEL))
    house.discord.uneditable = {THREAD: ARCHIVED}
    house.discord.closed = {THREAD: 160005}
    house.finish(job)
    await house.poller.round()
    await _rounds(house, 8)

    assert house.discord.of(job.id, K.RESULT)[0].channel_id == CHANNEL
    assert house.discord.of(job.id, K.NOTICE) == []


async def test_what_can_be_posted_nowhere_is_told_where_a_word_can_be_said(house: House) -> None:
    """No file may be posted, the card cannot be rewritten, direct messages are closed: a notice
    says that the video is kept.
    """
    job = await house.delivering()
    house.discord.uneditable = {CHANNEL: ARCHIVED}
    house.discord.closed = {MEMBER * 1000: 50007}
    house.discord.outcomes.append(Denied(50013))
    await _rounds(house)

    assert (await house.job(job.id)).code == "undeliverable"
    (notice,) = house.discord.of(job.id, K.NOTICE)
    assert notice.channel_id == CHANNEL


@pytest.mark.parametrize("how", ["told", "restart"])
async def test_a_stuck_card_is_made_true_when_its_place_opens(
    open_house: OpenHouse, how: str
) -> None:
    """A moderator opens the thread again, now or while the bot is away."""
    house = await open_house()
    job = await _queued_in_thread(house)
    house.discord.uneditable = {THREAD: NO_ACCESS}
    house.discord.closed = {THREAD: NO_ACCESS}
    await house.members.cancel(GUILD, MEMBER, job.id)
    await _rounds(house)
    assert await _shows(house, job) != "final"

    house.discord.uneditable.clear()
    house.discord.closed.clear()
    if how == "told":
        house.closed.reopen(GUILD, THREAD)
    else:
        house = await open_house()
    await _rounds(house, 1)

    assert await _shows(house, job) == "final"
    assert await deliveries.untrue_cards(house.database, 0) == []
    assert len(house.discord.of(job.id, K.NOTICE)) == 1


async def test_a_card_of_a_running_job_is_made_true_when_its_place_opens(house: House) -> None:
    """It could not be rewritten when its job began; nobody waits for the next step."""
    job = await _queued_in_thread(house)
    house.discord.uneditable = {THREAD: NO_ACCESS}
    house.run()
    await house.rest()
    await _rounds(house)
    assert await _shows(house, job) == "queued 1"
    asked = house.discord.edits_asked

    house.discord.uneditable.clear()
    house.closed.reopen(GUILD, THREAD)
    await _rounds(house, 1)

    assert await _shows(house, job) == "rendering 0"
    assert house.discord.edits_asked == asked + 1


async def test_a_stuck_card_is_not_tried_for_ever(open_house: OpenHouse) -> None:
    """A week after the end of its job nobody looks for it any more."""
    house = await open_house()
    job = await _queued_in_thread(house)
    house.discord.uneditable = {THREAD: NO_ACCESS}
    await house.members.cancel(GUILD, MEMBER, job.id)
    await _rounds(house)
    assert await deliveries.untrue_cards(house.database, 0) == [job.id]

    house.clock.move(STUCK_MS / 1000)
    house = await open_house()
    await _rounds(house)

    assert await deliveries.untrue_cards(house.database, 0) == []


async def test_where_the_bot_may_not_the_commands_token_may(house: House) -> None:
    """The bot can no longer see the channel; for a quarter of an hour the answer to the command
    can be changed all the same.
    """
    job = await _queued_in_thread(house)
    house.discord.uneditable = {THREAD: NO_ACCESS}
    house.discord.answerable.add(job.id)
    await house.members.cancel(GUILD, MEMBER, job.id)
    await _rounds(house)

    assert await _shows(house, job) == "final"
    assert house.discord.of(job.id, K.NOTICE) == []


async def test_an_archived_thread_is_closed_to_the_token_too(house: House) -> None:
    """There it need not be asked."""
    job = await _queued_in_thread(house)
    house.discord.uneditable = {THREAD: ARCHIVED}
    house.discord.answerable.add(job.id)
    await house.members.cancel(GUILD, MEMBER, job.id)
    await house.deliver()

    assert await _shows(house, job) != "final"


async def test_a_withdrawn_job_is_told_nobody(house: House) -> None:
    """Its command was never answered: there is no card, and no notice."""
    taken = await house.ask(answer=False)
    await house.intake.withdraw(taken.job)
    house.clock.move(20)
    await _rounds(house)

    assert house.discord.messages == {}


async def test_a_notice_that_waits_does_not_let_its_card_be_hammered(house: House) -> None:
    """Discord is out of order and the thread archived: the card is tried again when the notice
    is there, not every few seconds.
    """
    job = await _queued_in_thread(house)
    house.discord.uneditable = {THREAD: ARCHIVED}
    house.discord.outcomes.extend([TryLater(5)] * 4)
    await house.settling.fail(job, "failed", "")
    await _rounds(house, 3)
    assert house.discord.edits_asked == 1
    await _rounds(house, 10)

    assert (await house.messages(job.id))[K.NOTICE].state is DeliveryState.SENT
    assert await _shows(house, job) == "final"


async def test_a_job_that_ends_while_its_card_is_looked_at_is_looked_at_again(
    house: House,
) -> None:
    """The job is read before it ends and the card after it: what was found true is so no more."""
    job = await house.delivering()
    answer, read = asyncio.Event(), threading.Event()
    await house.database._reader.create_function("pause", 0, lambda: read.wait(5))
    house.discord.outcomes.append(PostedSilent(answer))
    await house.courier.round()
    await until(lambda: (job.id, "delivering None") in house.discord.edits)
    await until(lambda: (CHANNEL, K.RESULT) in house.discord.tried)
    await a_while()  # both are written down

    house.clock.move(EDIT_PAUSE_MS / 1000)
    await house.courier.round()
    await asyncio.sleep(0)  # the job is being read
    pause = asyncio.create_task(house.database.fetch("SELECT pause()", {}))
    await asyncio.sleep(0)
    answer.set()
    await until(lambda: (job.id, S.DELIVERED) in house.told)
    read.set()
    await pause
    await _rounds(house)

    assert await _shows(house, job) == "final"


async def test_a_job_that_ends_while_its_card_is_refused_is_told_all_the_same(
    house: House,
) -> None:
    """A step on the way need not be shown in an archived thread; the end must be."""
    job = await _queued_in_thread(house)
    async with house.database.transaction() as tx:
        await deliveries.untrue(tx, job.id)
    house.discord.uneditable = {THREAD: ARCHIVED}
    house.discord.edit_hold = asyncio.Event()
    house.courier.touch(job.id)
    await house.courier.round()
    await a_while()  # an edit is on its way
    await house.members.cancel(GUILD, MEMBER, job.id)
    house.discord.edit_hold.set()
    await _rounds(house)

    assert len(house.discord.of(job.id, K.NOTICE)) == 1
    assert await _shows(house, job) == "final"


@pytest.mark.parametrize("restarted", [False, True])
async def test_a_card_that_nobody_heard_of_is_found_when_its_place_opens_again(
    house: House, open_house, restarted: bool
) -> None:
    """The command was answered and the bot did not learn of it; when the courier looked, the bot
    had lost the channel for some seconds. The card was given up as undeliverable and said "Next
    in the queue" for ever, though it stood there and could be rewritten.
    """
    taken = await house.ask(answer=False)
    house.discord.answer(taken.job, taken.outlook)
    house.intake.unanswered(taken.job)
    house.discord.closed = {CHANNEL: 50001}
    house.clock.move(11)
    await house.deliver()
    await house.settling.fail(await house.job(taken.job.id), "moderated", "")
    await house.deliver()

    house.discord.closed = {}
    if restarted:
        house = await open_house()
    house.closed.reopen(GUILD, CHANNEL)
    house.clock.move(11)
    await house.deliver()
    await house.deliver()

    (card,) = house.discord.of(taken.job.id, K.CARD)
    assert card.shows == "final"
