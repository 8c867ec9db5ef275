"""A stop: nothing is begun any more, and everything that runs comes to its end."""

from __future__ import annotations

import asyncio

import pytest

from bot.app import _answer_commands, _cancel
from bot.model import DeliveryKind, JobState
from tests.fakes import House


async def test_a_stopping_courier_begins_no_post_that_it_could_not_finish(house: House) -> None:
    """A video that arrives while the bot stops is left, whole, to the next start."""
    job = await house.delivering()
    await house.courier.stop(1)
    await house.deliver()

    assert house.discord.of(job.id, DeliveryKind.RESULT) == []
    assert await house.state(job.id) is JobState.DELIVERING


async def test_a_cancel_that_was_lost_is_sent_again() -> None:
    """A login under way, which lost its cancel to ``asyncio.wait_for``, kept the bot from
    stopping until it was killed.
    """
    lost = asyncio.Event()

    async def login() -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            lost.set()
        await asyncio.sleep(60)

    task = asyncio.create_task(login())
    await asyncio.sleep(0)
    async with asyncio.timeout(5):
        await _cancel(task)
    assert lost.is_set()
    assert task.cancelled()


@pytest.mark.parametrize("name", ["CommandTree-invoker", "discord-ui-dynamic-item-CancelButton-7"])
async def test_a_command_under_way_is_finished_before_the_database_closes(name: str) -> None:
    """Tasks by the names that discord.py gives to commands and buttons are waited for."""
    answered = asyncio.Event()
    task = asyncio.create_task(answered.wait(), name=name)
    waits = asyncio.create_task(_answer_commands(5))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert not waits.done()
    answered.set()
    await waits
    assert task.done()


async def test_a_command_that_does_not_end_does_not_hold_up_the_stop() -> None:
    """It has its seconds, no more."""
    task = asyncio.create_task(asyncio.sleep(60), name="CommandTree-invoker")
    async with asyncio.timeout(5):
        await _answer_commands(0.01)
    await _cancel(task)
