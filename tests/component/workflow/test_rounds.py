"""What is done again and again goes on whatever goes wrong with it, and ends when it is told to."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from bot.errors import StorageTrouble
from bot.workflow.servers.care import Care
from bot.workflow.servers.rounds import Rounds
from tests.fakes import House, a_while, cancelled, until
from tests.storage_faults import locked


class Work:
    """Counts its rounds, of which some go wrong."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.rounds = 0

    async def __call__(self) -> None:
        self.rounds += 1
        if self.errors:
            raise self.errors.pop(0)


async def test_it_goes_on_after_accidents_and_troubles(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    """At its pace; of an accident of ours there is a traceback, of the storage somebody else has
    told.
    """
    work = Work(KeyError("of our own"), StorageTrouble("disk full", "free some space there"))
    task = asyncio.create_task(Rounds(house.database, house.clock, "counting", 60, work).run())
    for number in range(1, 5):
        await until(lambda n=number: work.rounds == n)  # type: ignore[misc]
        house.clock.move(59)
        await a_while(5)
        assert work.rounds == number
        house.clock.move(1)
    await cancelled(task)

    assert [record.message for record in caplog.records if record.exc_info] == [
        "counting went wrong; the next round tries again"
    ]
    assert "free some space" not in caplog.text


async def test_it_waits_until_the_storage_works(house: House, database_path: Path) -> None:
    """A round that could not write anything is not begun."""
    async with house.database.transaction() as tx:
        await tx.execute_fetchall("PRAGMA busy_timeout = 20")
    house.database._pause = 0.02
    work = Work()
    with locked(database_path):
        with pytest.raises(StorageTrouble):
            await house.database.write(lambda tx: None)
        task = asyncio.create_task(Rounds(house.database, house.clock, "counting", 60, work).run())
        await a_while()
        assert work.rounds == 0
    await until(lambda: work.rounds == 1)
    await cancelled(task)


async def test_all_of_it_is_one_loop(house: House) -> None:
    """Each part at its own pace; it ends with all of its parts, and stops the log gently."""
    often, rarely = Work(), Work()
    rounds = [
        Rounds(house.database, house.clock, name, seconds, work)
        for name, seconds, work in (("often", 1, often), ("rarely", 100, rarely))
    ]
    care = Care(house.log, rounds)
    task = asyncio.create_task(care.run())
    for number in range(1, 4):
        await until(lambda n=number: often.rounds == n)  # type: ignore[misc]
        house.clock.move(1)
    assert rarely.rounds == 1
    await care.stop(0)
    await cancelled(task)
    assert [one for one in asyncio.all_tasks() if one.get_name() in {"often", "rarely"}] == []
