"""The courier: every message exists once, wherever it can, and every card is true."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest

from bot.errors import Denied, TryLater
from bot.model import DeliveryKind, DeliveryState, Job, JobState, Place
from bot.store import deliveries
from bot.workflow.delivery.posting import MOST_PATIENCE, RETRY_MS
from bot.workflow.delivery.upkeep import EDIT_PAUSE_MS, OLD_EDIT_PAUSE_MS, OLD_MS
from tests.conftest import OpenHouse
from tests.fakes import (
    CHANNEL,
    GUILD,
    MEMBER,
    THREAD,
    House,
    PostedSilent,
    PostedUnheard,
    a_while,
    cancelled,
    place_of,
    requester,
    until,
)

S = JobState
K = DeliveryKind
LONG = 600.0  # longer than Discord remembers a nonce


async def _failed(house: House) -> Job:
    """A job that Pika refused: a notice is due."""
    job = (await house.ask()).job
    await house.settling.fail(job, "moderated", "")
    return await house.job(job.id)


async def _card(house: House, job_id: int = 1) -> str:
    """What the card in Discord shows."""
    (message,) = house.discord.of(job_id, K.CARD)
    return message.shows


# -- messages exist once -------------------------------------------------------------------


async def test_a_result_is_posted_once_as_a_reply_to_its_card(house: House) -> None:
    """However many rounds there are."""
    job = await house.delivering()
    for _ in range(3):
        await house.deliver()
        house.clock.move(LONG)

    (result,) = house.discord.of(job.id, K.RESULT)
    (card,) = house.discord.of(job.id, K.CARD)
    assert (result.channel_id, result.reply_to) == (CHANNEL, card.id)
    assert house.discord.of(job.id, K.NOTICE) == []


async def test_a_job_without_a_video_gets_one_notice(house: House) -> None:
    """And no result."""
    job = await _failed(house)
    for _ in range(3):
        await house.deliver()
        house.clock.move(LONG)

    assert len(house.discord.of(job.id, K.NOTICE)) == 1
    assert house.discord.of(job.id, K.RESULT) == []


async def test_two_rounds_at_once_post_once(house: House) -> None:
    """A wake-up during a round begins nothing twice."""
    job = await house.delivering()
    go = asyncio.Event()
    house.discord.outcomes.append(PostedSilent(go))
    await house.courier.round()
    await until(lambda: house.discord.of(job.id, K.RESULT))
    house.clock.move(LONG)

    await house.courier.round()
    await house.courier.round()
    go.set()
    await house.courier.settle_down()

    assert len(house.discord.tried) == 1


async def test_what_was_read_as_due_before_it_was_sent_is_not_sent_again(house: House) -> None:
    """The list of what is due can be a moment old when it is acted on."""
    job = await _failed(house)
    stale = await deliveries.due(house.database, house.clock.now(), 99)
    await house.deliver()
    house.clock.move(LONG)

    for delivery in stale:
        posting = house.courier._posting.deliver(delivery)
        house.courier._begin((delivery.job_id, delivery.kind), posting)
    await house.courier.settle_down()

    assert len(house.discord.of(job.id, K.NOTICE)) == 1


@pytest.mark.parametrize("kind", [K.RESULT, K.NOTICE])
async def test_a_crash_between_the_post_and_its_record_posts_once(
    open_house: OpenHouse, kind: DeliveryKind
) -> None:
    """The message exists, the database does not know: the next start looks before it posts."""
    house = await open_house()
    job = await (house.delivering() if kind is K.RESULT else _failed(house))
    house.discord.outcomes.append(PostedSilent(asyncio.Event()))
    await house.courier.round()
    await until(lambda: house.discord.of(job.id, kind))

    house = await open_house()
    house.clock.move(LONG)
    await house.deliver()

    (message,) = house.discord.of(job.id, kind)
    assert (await house.messages(job.id))[kind].message_id == message.id
    assert await house.state(job.id) is (S.DELIVERED if kind is K.RESULT else S.FAILED)


async def test_a_crash_before_the_post_loses_nothing(open_house: OpenHouse) -> None:
    """Begun and not done: it is done by the next start, at once."""
    house = await open_house()
    job = await house.delivering()
    house.discord.outcomes.append(TryLater(30))
    await house.deliver()

    house = await open_house()
    await house.deliver()

    assert len(house.discord.of(job.id, K.RESULT)) == 1


async def test_a_post_whose_answer_was_lost_is_looked_for_and_found(house: House) -> None:
    """Not posted twice, even when Discord has forgotten the nonce."""
    job = await house.delivering()
    house.discord.outcomes.append(PostedUnheard(TryLater(LONG)))
    await house.deliver()
    assert await house.state(job.id) is S.DELIVERING

    house.clock.move(LONG)
    await house.deliver()

    assert len(house.discord.of(job.id, K.RESULT)) == 1
    assert await house.state(job.id) is S.DELIVERED


async def test_a_first_post_looks_for_nothing(house: House) -> None:
    """Reading back costs a request; only a repeated try needs it."""
    await house.delivering()

    await house.deliver()

    assert house.discord.looks == []


async def test_try_later_waits_as_long_as_discord_says(house: House) -> None:
    """And then the same message again."""
    job = await house.delivering()
    house.discord.outcomes.append(TryLater(7))
    await house.deliver()

    house.clock.move(6.9)
    await house.deliver()
    assert house.discord.of(job.id, K.RESULT) == []
    house.clock.move(0.1)
    await house.deliver()

    assert len(house.discord.of(job.id, K.RESULT)) == 1


async def test_tries_come_slower_while_discord_is_out_of_order(house: House) -> None:
    """Each of them sends the whole video: an hour of outage is not hundreds of uploads."""
    job = await house.delivering()
    house.discord.outcomes.extend([TryLater(5)] * 1000)
    tried = []
    for _ in range(3600):
        before = len(house.discord.tried)
        await house.deliver()
        if len(house.discord.tried) > before:
            tried.append(house.clock.now())
        house.clock.move(1)
    pauses = [(after - before) / 1000 for before, after in pairwise(tried)]
    assert pauses == sorted(pauses)
    assert pauses[0] == 5
    assert pauses[-1] == MOST_PATIENCE

    house.discord.outcomes.clear()
    house.clock.move(MOST_PATIENCE)
    await house.deliver()
    assert await house.state(job.id) is S.DELIVERED


async def test_an_accident_of_ours_is_tried_again_later(house: House) -> None:
    """An unforeseen error neither ends the loop nor loses the message."""
    job = await house.delivering()
    house.discord.outcomes.append(RuntimeError("oops"))
    await house.deliver()
    assert await house.state(job.id) is S.DELIVERING

    house.clock.move(RETRY_MS / 1000)
    await house.deliver()

    assert await house.state(job.id) is S.DELIVERED


# -- where it can be posted ----------------------------------------------------------------


async def _in_thread(house: House) -> Job:
    job = await house.rendering(who=requester(channel_id=THREAD, parent_id=CHANNEL))
    house.finish(job)
    await house.poller.round()
    return await house.job(job.id)


@pytest.mark.parametrize(
    ("closed", "place"),
    [
        ({}, Place.HERE),
        ({THREAD: 10003}, Place.PARENT),
        ({THREAD: 50083, CHANNEL: 50001}, Place.DIRECT),
    ],
    ids=["open", "thread gone", "removed"],
)
async def test_a_result_goes_to_the_first_place_that_takes_it(
    house: House, closed: dict[int, int], place: Place
) -> None:
    """Thread, parent, direct message: each tried at once, and none twice."""
    job = await _in_thread(house)
    house.discord.closed = closed
    for _ in range(3):
        await house.deliver()

    (message,) = house.discord.of(job.id, K.RESULT)
    assert place_of(message, job) is place
    delivery = (await house.messages(job.id))[K.RESULT]
    assert (delivery.place, delivery.channel_id) == (place, message.channel_id)
    assert await house.state(job.id) is S.DELIVERED
    assert len(house.discord.tried) == len(closed) + 1


async def test_outside_threads_the_next_place_is_a_direct_message(house: House) -> None:
    """There is no parent to try."""
    job = await house.delivering()
    house.discord.closed = {CHANNEL: 50001}
    await house.deliver()
    await house.deliver()

    (message,) = house.discord.of(job.id, K.RESULT)
    assert message.channel_id == MEMBER * 1000
    assert message.reply_to is None


@pytest.mark.parametrize("how", ["cannot be written", "cannot be opened"])
async def test_a_result_that_nothing_takes_is_undeliverable(house: House, how: str) -> None:
    """Tried everywhere once; the card says so, and nobody is asked again and again."""
    job = await _in_thread(house)
    house.discord.closed = {THREAD: 10003, CHANNEL: 50001}
    if how == "cannot be written":
        house.discord.closed[MEMBER * 1000] = 50007
    else:
        house.discord.direct_errors.append(Denied(50007))
    for _ in range(4):
        await house.deliver()
        house.clock.move(LONG)

    assert (await house.job(job.id)).code == "undeliverable"
    assert (await house.messages(job.id))[K.RESULT].state is DeliveryState.UNDELIVERABLE
    results = [kind for _, kind in house.discord.tried if kind is K.RESULT]
    assert len(results) == (3 if how == "cannot be written" else 2)


async def test_a_notice_that_nothing_takes_leaves_the_job_as_it_is(house: House) -> None:
    """It has failed before; only the message is given up."""
    job = await _failed(house)
    house.discord.closed = {CHANNEL: 50001, MEMBER * 1000: 50007}
    for _ in range(3):
        await house.deliver()

    assert (await house.job(job.id)).code == "moderated"
    assert (await house.messages(job.id))[K.NOTICE].state is DeliveryState.UNDELIVERABLE


async def test_direct_messages_that_are_busy_are_tried_again_when_discord_says(
    house: House,
) -> None:
    """Opening the channel may be slowed down like any other request."""
    job = await house.delivering()
    house.discord.closed = {CHANNEL: 50001}
    house.discord.direct_errors.append(TryLater(3))
    await house.deliver()
    house.clock.move(3)
    await house.deliver()
    await house.deliver()

    (message,) = house.discord.of(job.id, K.RESULT)
    assert message.channel_id == MEMBER * 1000


async def test_a_rerouted_message_survives_a_restart(open_house: OpenHouse) -> None:
    """It is not tried again where it was refused."""
    house = await open_house()
    job = await _in_thread(house)
    house.discord.closed = {THREAD: 10003}
    await house.deliver()

    house = await open_house()
    house.discord.tried.clear()
    await house.deliver()

    assert house.discord.tried == [(CHANNEL, K.RESULT)]
    assert await house.state(job.id) is S.DELIVERED


# -- cards ---------------------------------------------------------------------------------


async def test_a_command_whose_answer_never_came_gets_a_card_from_the_courier(
    house: House,
) -> None:
    """After a while, and only if there is none."""
    taken = await house.ask(answer=False)
    await house.deliver()
    assert house.discord.messages == {}

    house.clock.move(10)
    await house.deliver()

    assert await _card(house) == "queued 1"
    assert house.discord.looks == [K.CARD]
    card = (await house.messages(taken.job.id))[K.CARD]
    assert card.state is DeliveryState.SENT


async def test_an_answer_that_did_arrive_is_found_and_is_the_card(house: House) -> None:
    """Nobody heard that it had arrived; it is there all the same."""
    taken = await house.ask(answer=False)
    message_id = house.discord.answer(taken.job, taken.outlook)
    house.intake.unanswered(taken.job)

    house.clock.move(10)
    await house.deliver()

    assert (await house.messages(taken.job.id))[K.CARD].message_id == message_id
    assert len(house.discord.of(taken.job.id, K.CARD)) == 1


@pytest.mark.parametrize("over", [False, True])
async def test_a_card_that_was_found_is_made_true(open_house: OpenHouse, over: bool) -> None:
    """A crash came between the command's answer and its record. What the card says is what was
    true then; it must not say "in the queue" for ever.
    """
    house = await open_house()
    taken = await house.ask(answer=False)
    house.discord.answer(taken.job, taken.outlook)

    house = await open_house()
    if over:
        await house.members.cancel(GUILD, MEMBER, taken.job.id)
    else:
        house.run()
        await until(lambda: (taken.job.id, S.RENDERING) in house.told)
    for _ in range(4):
        await house.deliver()
        house.clock.move(EDIT_PAUSE_MS / 1000)

    assert await _card(house) == ("final" if over else "rendering 0")
    assert len(house.discord.of(taken.job.id, K.CARD)) == 1


async def test_a_card_that_was_posted_unheard_is_made_true(house: House) -> None:
    """Found again after the job had moved on."""
    taken = await house.ask(answer=False)
    house.intake.unanswered(taken.job)
    house.clock.move(10)
    house.discord.outcomes.append(PostedUnheard(TryLater(1)))
    await house.deliver()
    await house.members.cancel(GUILD, MEMBER, taken.job.id)

    for _ in range(4):
        house.clock.move(EDIT_PAUSE_MS / 1000)
        await house.deliver()

    assert await _card(house) == "final"


async def test_what_waits_long_for_its_card_looks_seldom(house: House) -> None:
    """While Discord took no cards, everything that replies to one wrote four times in a second
    that it still waited, for each of the jobs that had come to an end.
    """
    taken = await house.ask(answer=False)
    house.intake.unanswered(taken.job)
    house.discord.outcomes.append(TryLater(300))
    house.clock.move(10)
    await house.deliver()
    await house.settling.fail(taken.job, "moderated", "")
    house.clock.move(100)
    looks = 0
    for _ in range(40):
        due = await deliveries.due(house.database, house.clock.now(), 9)
        looks += any(one.kind is K.NOTICE for one in due)
        await house.deliver()
        house.clock.move(0.25)
    assert 1 <= looks <= 3

    house.clock.move(300)
    for _ in range(3):
        await house.deliver()
        house.clock.move(15)
    (card,) = house.discord.of(taken.job.id, K.CARD)
    (notice,) = house.discord.of(taken.job.id, K.NOTICE)
    assert notice.reply_to == card.id


async def test_a_card_says_what_it_was_posted_with(house: House) -> None:
    """The place changed while Discord took its time: the card is rewritten, not believed."""
    first = await house.ask(requester(1))
    second = await house.ask(requester(2), answer=False)
    house.clock.move(10)
    go = asyncio.Event()
    house.discord.outcomes.append(PostedSilent(go))
    await house.courier.round()
    await until(lambda: house.discord.of(second.job.id, K.CARD))
    assert await _card(house, 2) == "queued 2"
    await house.members.cancel(GUILD, 1, first.job.id)
    go.set()
    await house.courier.settle_down()

    card = (await house.messages(second.job.id))[K.CARD]
    assert card.shown == "queued 2"
    house.courier.touch(second.job.id)
    house.clock.move(EDIT_PAUSE_MS / 1000)
    await house.deliver()
    assert await _card(house, 2) == "queued 1"


async def test_a_card_follows_its_job_to_the_end(house: House) -> None:
    """Each station is seen, and the last one always."""
    job = await house.rendering()
    await house.deliver()
    assert await _card(house) == "rendering 0"
    house.finish(job)
    await house.poller.round()
    for _ in range(3):
        await house.deliver()

    assert await _card(house) == "final"
    assert await deliveries.untrue_cards(house.database, 0) == []


async def test_a_card_is_not_rewritten_more_often_than_every_few_seconds(house: House) -> None:
    """Discord limits edits; progress can wait."""
    job = await house.rendering()
    assert job.pika_id is not None
    await house.deliver()
    before = len(house.discord.edits)
    house.pika.listed.clear()
    for second in range(1, 5):
        house.clock.move(1)
        house.pika.show(job.pika_id, percent=second * 20)
        await house.poller.round()
        await house.deliver()
    assert len(house.discord.edits) == before

    house.clock.move(1)
    await house.deliver()

    assert await _card(house) == "rendering 8"
    assert len(house.discord.edits) == before + 1


async def test_the_end_is_shown_at_once(house: House) -> None:
    """The pause between edits does not hold up the last one."""
    job = await house.rendering()
    await house.deliver()
    assert await _card(house) == "rendering 0"

    await house.settling.fail(job, "failed", "")
    await house.deliver()

    assert await _card(house) == "final"


async def test_the_end_that_comes_during_an_edit_is_shown(house: House) -> None:
    """The slow edit does not cover it up."""
    job = await house.rendering()
    house.discord.edit_hold = asyncio.Event()
    await house.courier.round()
    await a_while(10)
    await house.settling.fail(job, "failed", "")
    house.discord.edit_hold.set()
    await house.courier.settle_down()
    house.discord.edit_hold = None

    await house.deliver()

    assert await _card(house) == "final"


async def test_a_card_that_says_the_same_is_left_alone(house: House) -> None:
    """Not every change of a job is one of its card."""
    job = await house.rendering()
    await house.deliver()
    assert job.pika_id is not None
    edits = len(house.discord.edits)
    house.pika.listed.clear()
    house.pika.show(job.pika_id, percent=3)
    house.clock.move(60)
    await house.poller.round()
    await house.deliver()

    assert len(house.discord.edits) == edits


async def test_an_old_card_is_rewritten_rarely_and_at_the_end(house: House) -> None:
    """Discord limits edits of messages older than an hour: progress may wait there, the end
    does not.
    """
    job = await house.rendering()
    assert job.pika_id is not None
    await house.deliver()
    house.pika.listed.clear()
    house.clock.move(OLD_MS / 1000 + 1)
    for percent in range(20, 100, 10):
        house.pika.show(job.pika_id, percent=percent)
        await house.poller.round()
        await house.deliver()
        house.clock.move(60)
    assert await _card(house) == "rendering 2"

    house.clock.move(OLD_EDIT_PAUSE_MS / 1000)
    await house.deliver()
    assert await _card(house) == "rendering 9"

    await house.settling.fail(await house.job(job.id), "failed", "")
    await house.deliver()
    assert await _card(house) == "final"


async def test_a_card_that_was_deleted_is_left_alone(house: House) -> None:
    """Somebody removed it; it is asked for once, and the notice comes all the same."""
    job = await _failed(house)
    house.discord.edit_errors.extend([Denied(10008)] * 9)
    for _ in range(4):
        await house.deliver()
        house.clock.move(60)

    assert len(house.discord.edit_errors) == 8
    assert len(house.discord.of(job.id, K.NOTICE)) == 1


async def test_a_deleted_card_is_not_asked_for_at_every_step_of_its_job(house: House) -> None:
    """Nor after a restart of its job's progress, nor at its end."""
    job = await house.rendering()
    assert job.pika_id is not None
    house.discord.edit_errors.extend([Denied(10008)] * 9)
    house.pika.listed.clear()
    for percent in range(20, 100, 10):
        house.pika.show(job.pika_id, percent=percent)
        await house.poller.round()
        await house.deliver()
        house.clock.move(60)
    assert len(house.discord.edit_errors) == 8

    house.finish(job)
    await house.poller.round()
    for _ in range(3):
        await house.deliver()

    assert await house.state(job.id) is S.DELIVERED
    assert await deliveries.untrue_cards(house.database, 0) == []


async def test_a_rewrite_waits_as_long_as_discord_says(house: House) -> None:
    """And then it is the newest truth that is written."""
    job = (await house.ask()).job
    await house.members.cancel(GUILD, MEMBER, job.id)
    house.discord.edit_errors.append(TryLater(9))
    await house.deliver()
    house.clock.move(8.9)
    await house.deliver()
    assert await _card(house, job.id) == "queued 1"

    house.clock.move(0.2)
    await house.deliver()

    assert await _card(house, job.id) == "final"


async def test_places_on_waiting_cards_are_refreshed(house: House) -> None:
    """Nobody's own job changed, and yet everybody has moved up."""
    for user in range(1, 8):
        await house.ask(requester(user))
    await house.deliver()
    assert await _card(house, 7) == "queued 7"
    for user in range(1, 6):
        await house.members.cancel(GUILD, user, user)

    for _ in range(6):
        house.courier._upkeep.touch_waiting()
        await house.deliver()
        house.clock.move(EDIT_PAUSE_MS / 1000)

    assert [await _card(house, number) for number in (6, 7)] == ["queued 1", "queued 2"]


async def test_places_are_refreshed_also_while_much_happens(world_house: House) -> None:
    """A busy bot is woken more often than it ticks; waiting cards are not forgotten for it."""
    house = world_house
    for user in (1, 2):
        await house.ask(requester(user))
    await house.members.cancel(GUILD, 1, 1)
    house.start(house.courier.run())

    async def noise() -> None:
        while True:
            house.changes.tell(await house.job(1))
            house.clock.move(0.5)
            await asyncio.sleep(0.001)

    task = asyncio.create_task(noise())
    try:
        await until(lambda: house.discord.of(2, K.CARD)[0].shows == "queued 1", seconds=3)
    finally:
        await cancelled(task)


@pytest.fixture
async def world_house(house: House) -> House:
    """A house whose courier ticks only after a minute of real time."""
    house.courier._tick_seconds = 60.0
    return house


async def test_the_loop_delivers_when_something_changes(house: House) -> None:
    """Without waiting for its next tick."""
    house.courier._tick_seconds = 60.0
    house.start(house.courier.run())
    job = await house.rendering()
    house.finish(job)

    await house.poller.round()

    await until(lambda: house.discord.of(job.id, K.RESULT))
    await until(lambda: (job.id, S.DELIVERED) in house.told)


async def test_the_loop_reroutes_without_waiting(house: House) -> None:
    """Three places within one tick."""
    house.courier._tick_seconds = 60.0
    house.start(house.courier.run())
    house.discord.closed = {THREAD: 10003, CHANNEL: 50001}
    job = await house.rendering(who=requester(channel_id=THREAD, parent_id=CHANNEL))
    house.finish(job)

    await house.poller.round()

    await until(lambda: (job.id, S.DELIVERED) in house.told)


async def test_a_stop_gives_a_post_time_to_be_written_down(house: House) -> None:
    """A clean stop leaves nothing to be looked for."""
    job = await house.delivering()
    go = asyncio.Event()
    house.discord.outcomes.append(PostedSilent(go))
    await house.courier.round()
    await until(lambda: house.discord.of(job.id, K.RESULT))
    stopping = asyncio.create_task(house.courier.stop(5))
    await asyncio.sleep(0)
    go.set()
    await stopping

    assert await house.state(job.id) is S.DELIVERED


async def test_one_slow_channel_does_not_hold_up_the_others(house: House) -> None:
    """Several posts are under way at the same time."""
    slow, quick = await house.delivering(), await house.delivering()
    go = asyncio.Event()
    house.discord.outcomes.append(PostedSilent(go))
    await house.courier.round()

    await until(
        lambda: (quick.id, S.DELIVERED) in house.told or (slow.id, S.DELIVERED) in house.told
    )
    go.set()
    await house.courier.settle_down()

    assert await house.state(slow.id) is await house.state(quick.id) is S.DELIVERED


async def test_a_video_that_may_stand_in_a_lost_channel_is_looked_for_before_it_goes_elsewhere(
    house: House,
) -> None:
    """Killed while it posted, then the bot lost the channel for some seconds: nobody could look,
    and a second copy went out as a direct message. Now the channel has ten minutes to come back.
    """
    job = await house.delivering()
    house.discord.outcomes.append(PostedUnheard(TryLater(1.0, "killed")))
    await house.deliver()
    house.discord.closed = {CHANNEL: 50001}
    house.clock.move(61)
    await house.deliver()

    house.discord.closed = {}
    house.closed.reopen(GUILD, CHANNEL)
    house.clock.move(61)
    await house.deliver()

    assert await house.state(job.id) is S.DELIVERED
    assert len(house.discord.of(job.id, K.RESULT)) == 1


async def test_a_channel_that_stays_lost_keeps_no_video_for_ever(house: House) -> None:
    """Nobody knows whether it is there: after ten minutes it is sent where it can be seen."""
    job = await house.delivering()
    house.discord.outcomes.append(TryLater(1.0, "HTTP 500"))
    await house.deliver()
    house.discord.closed = {CHANNEL: 50001}
    for _ in range(12):
        house.clock.move(61)
        await house.deliver()

    assert await house.state(job.id) is S.DELIVERED
    (message,) = house.discord.of(job.id, K.RESULT)
    assert message.channel_id != CHANNEL
