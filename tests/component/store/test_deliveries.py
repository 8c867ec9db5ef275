"""Deliveries: what must be said, when it is due, and that it is said once."""

from __future__ import annotations

import sqlite3
from functools import partial

import pytest

from bot.model import Delivery, DeliveryKind, DeliveryState, JobState, Place
from bot.store import deliveries, jobs
from bot.store.database import Database
from tests.fakes import CHANNEL, START, a_job

K = DeliveryKind


async def _pending(database: Database, kind: DeliveryKind = K.CARD, at: int = START) -> Delivery:
    job = a_job()
    await database.write(lambda tx: jobs.insert(tx, [job]))
    async with database.transaction() as tx:
        await deliveries.add(tx, job, kind, at=at)
    return (await deliveries.of_job(database, 1))[kind]


async def _card(database: Database) -> Delivery:
    return (await deliveries.of_job(database, 1))[K.CARD]


async def test_new_jobs_need_a_card_that_is_due_later(database: Database) -> None:
    """The command's own answer comes first."""
    made = [a_job(number) for number in (1, 2)]

    def work(tx: sqlite3.Connection) -> None:
        jobs.insert(tx, made)
        deliveries.add_cards(tx, made, due_at=START + 10)

    await database.write(work)

    assert await deliveries.due(database, START + 9, 99) == []
    due = await deliveries.due(database, START + 10, 99)
    assert [(d.job_id, d.kind, d.channel_id) for d in due] == [
        (1, K.CARD, CHANNEL),
        (2, K.CARD, CHANNEL),
    ]


async def test_the_longest_due_comes_first(database: Database) -> None:
    """Nobody waits for ever behind newer messages."""
    for number, at in ((1, 30), (2, 10), (3, 20)):
        job = a_job(number)
        await database.write(partial(jobs.insert, jobs=[job]))
        async with database.transaction() as tx:
            await deliveries.add(tx, job, K.NOTICE, at=at)

    assert [d.job_id for d in await deliveries.due(database, 99, 99)] == [2, 3, 1]


async def test_a_second_wish_for_the_same_message_changes_nothing(database: Database) -> None:
    """Not even its state."""
    card = await _pending(database)
    async with database.transaction() as tx:
        await deliveries.give_up(tx, card, 1)
        await deliveries.add(tx, a_job(), K.CARD, at=START + 5)

    assert (await _card(database)).state is DeliveryState.UNDELIVERABLE


async def test_a_post_that_was_begun_is_due_again_later(database: Database) -> None:
    """And counted, so that the next try looks first."""
    card = await _pending(database)
    async with database.transaction() as tx:
        assert await deliveries.begin(tx, card, START, START + 60)

    begun = await _card(database)
    assert (begun.attempts, begun.due_at, begun.state) == (1, START + 60, DeliveryState.PENDING)
    assert await deliveries.due(database, START + 59, 99) == []


async def test_the_first_try_and_the_last_one_are_noted(database: Database) -> None:
    """Between them somebody must look for what they may have left."""
    card = await _pending(database)
    for at in (START + 1, START + 70, START + 200):
        async with database.transaction() as tx:
            assert await deliveries.begin(tx, card, at, at + 60)

    begun = await _card(database)
    assert (begun.first_try_at, begun.last_try_at) == (START + 1, START + 200)


@pytest.mark.parametrize("how", ["sent", "given up"])
async def test_a_post_does_not_begin_for_a_message_that_is_settled(
    database: Database, how: str
) -> None:
    """Whoever read it as due a moment ago must not post it again."""
    card = await _pending(database)
    async with database.transaction() as tx:
        if how == "sent":
            await deliveries.sent(tx, card, channel_id=1, message_id=5, shown="x", at=START)
        else:
            await deliveries.give_up(tx, card, 1)
    before = await _card(database)

    async with database.transaction() as tx:
        assert not await deliveries.begin(tx, card, START, START + 60)
        await deliveries.postpone(tx, card, START + 70)
        await deliveries.reroute(tx, card, Place.DIRECT, 9, 50001, at=START)
        await deliveries.sent(tx, card, channel_id=9, message_id=6, shown="y", at=START)

    assert await _card(database) == before


async def test_a_rerouted_message_is_due_at_once_in_its_new_place(database: Database) -> None:
    """As if it had never been tried: nobody looks for it where it cannot be."""
    card = await _pending(database)
    async with database.transaction() as tx:
        await deliveries.begin(tx, card, START, START + 60)
        await deliveries.reroute(tx, card, Place.PARENT, 9, 50001, at=START + 1)

    (now,) = await deliveries.due(database, START + 1, 99)
    assert (now.place, now.channel_id, now.attempts) == (Place.PARENT, 9, 0)
    assert (now.first_try_at, now.last_try_at) == (None, None)


async def test_an_answered_command_is_its_card(database: Database) -> None:
    """Written once, whoever else wrote one."""
    await _pending(database)
    await database.write(lambda tx: deliveries.cards_sent(tx, [(55, "queued 1", START + 2, 1)]))
    await database.write(lambda tx: deliveries.cards_sent(tx, [(66, "queued 9", START + 3, 1)]))

    card = await _card(database)
    assert (card.state, card.message_id, card.shown) == (DeliveryState.SENT, 55, "queued 1")


async def test_after_a_start_everything_pending_is_due(database: Database) -> None:
    """Nobody else is posting."""
    await _pending(database, at=START + 10_000)
    async with database.transaction() as tx:
        await deliveries.due_now(tx, START)

    assert len(await deliveries.due(database, START, 99)) == 1


@pytest.mark.parametrize(
    ("shown", "over", "untrue"),
    [
        ("queued 1", True, True),
        ("final", True, False),
        ("queued 1", False, False),
        ("?", True, True),
    ],
)
async def test_a_finished_job_whose_card_does_not_say_so_is_found(
    database: Database, shown: str, over: bool, untrue: bool
) -> None:
    """No orphan card says "working" after a crash."""
    card = await _pending(database)
    async with database.transaction() as tx:
        await deliveries.sent(tx, card, channel_id=1, message_id=5, shown=shown, at=START)
        if over:
            await jobs.move(tx, 1, JobState.QUEUED, JobState.CANCELLED, at=START)

    assert await deliveries.untrue_cards(database, 0) == ([1] if untrue else [])
    async with database.transaction() as tx:
        assert await deliveries.shown(tx, await _card(database), "final")
    assert await deliveries.untrue_cards(database, 0) == []


async def test_a_card_that_became_untrue_while_it_was_written_is_written_again(
    database: Database,
) -> None:
    """Its edit says what was true when it began; a job may come back from its end meanwhile."""
    card = await _pending(database)
    async with database.transaction() as tx:
        await deliveries.sent(tx, card, channel_id=1, message_id=5, shown="?", at=START)
        await jobs.move(tx, 1, JobState.QUEUED, JobState.CANCELLED, at=START)
    before = await _card(database)
    async with database.transaction() as tx:
        await deliveries.untrue(tx, 1)
        assert not await deliveries.shown(tx, before, "final")

    assert await deliveries.untrue_cards(database, 0) == [1]


async def test_a_message_that_is_wanted_anew_is_another_one(database: Database) -> None:
    """Whatever became of the one before: nothing of it is left but the number of its row, and
    what is still under way for it changes nothing.
    """
    before = await _pending(database, K.NOTICE)
    async with database.transaction() as tx:
        await deliveries.begin(tx, before, START, START + 60)
        await deliveries.reroute(tx, before, Place.DIRECT, 9, 50001, at=START)
        await deliveries.sent(tx, before, channel_id=9, message_id=5, shown="x", at=START)
        await deliveries.anew(tx, a_job(), K.NOTICE, at=START + 5)
    wanted = (await deliveries.of_job(database, 1))[K.NOTICE]
    assert wanted == Delivery(
        before.id,
        1,
        K.NOTICE,
        DeliveryState.PENDING,
        CHANNEL,
        due_at=START + 5,
        round=1,
        code=50001,
    )
    assert wanted.nonce != before.nonce

    async with database.transaction() as tx:
        assert not await deliveries.begin(tx, before, START, START + 99)
        await deliveries.postpone(tx, before, START + 99)
        await deliveries.shrink(tx, before, 10, START + 99)
        await deliveries.reroute(tx, before, Place.PARENT, 8, 1, at=START + 99)
        assert not await deliveries.give_up(tx, before, 1)
        assert not await deliveries.sent(
            tx, before, channel_id=9, message_id=5, shown="x", at=START
        )
    assert (await deliveries.of_job(database, 1))[K.NOTICE] == wanted


async def test_a_message_that_never_was_is_wanted_anew_as_any(database: Database) -> None:
    """The first time it is the first one."""
    await database.write(lambda tx: jobs.insert(tx, [a_job()]))
    async with database.transaction() as tx:
        await deliveries.anew(tx, a_job(), K.NOTICE, at=START)

    assert (await deliveries.of_job(database, 1))[K.NOTICE].round == 0
