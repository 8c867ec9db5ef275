"""Batch: many callers, one commit, and nobody suffers for another."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.errors import StorageTrouble
from bot.store.batch import Batch
from bot.store.database import Database, fetch
from tests.fakes import cancelled, until


class Writer:
    """Writes facts, and records in which company; ``bad`` items are refused, ``poison`` ones
    break the transaction. It writes on the database's thread, and can be held there.
    """

    def __init__(self, bad: frozenset[int] = frozenset(), poison: frozenset[int] = frozenset()):
        self.batches: list[list[int]] = []
        self.bad, self.poison = bad, poison
        self.hold: threading.Event | None = None

    def __call__(self, tx: sqlite3.Connection, items: Sequence[int]) -> list[int | Exception]:
        self.batches.append(list(items))
        if self.hold is not None:
            self.hold.wait(5)
        results: list[int | Exception] = []
        for item in items:
            tx.execute("INSERT INTO fact VALUES (?, 'x')", (str(item),))
            if item in self.poison:
                raise OverflowError(item)
            results.append(ValueError(item) if item in self.bad else item * 10)
        return results


async def _written(database: Database) -> set[int]:
    return {int(row["name"]) for row in await database.fetch("SELECT name FROM fact", {})}


async def test_a_few_who_ask_together_share_one_commit(database: Database) -> None:
    """Commands in one turn of the loop cost one wait for the disk."""
    writer = Writer()
    batch = Batch(database, writer)

    results = await asyncio.gather(*(batch.put(number) for number in range(Batch.LEAST)))

    assert results == [number * 10 for number in range(Batch.LEAST)]
    assert writer.batches == [list(range(Batch.LEAST))]


async def test_a_crowd_goes_in_a_few_parts_and_in_order(database: Database) -> None:
    """The first need not wait for the last, and hundreds cost some waits for the disk, not
    hundreds.
    """
    writer = Writer()
    batch = Batch(database, writer)

    results = await asyncio.gather(*(batch.put(number) for number in range(1000)))

    assert results == [number * 10 for number in range(1000)]
    assert [number for part in writer.batches for number in part] == list(range(1000))
    assert 1 < len(writer.batches) <= 25
    assert max(map(len, writer.batches)) <= Batch.MOST


async def test_who_comes_during_a_commit_shares_the_next(database: Database) -> None:
    """Two commits, in the order in which the callers came."""
    writer = Writer()
    writer.hold = threading.Event()
    batch = Batch(database, writer)
    first = asyncio.create_task(batch.put(1))
    await until(lambda: writer.batches)

    later = [asyncio.create_task(batch.put(number)) for number in range(2, 16)]
    await asyncio.sleep(0)
    writer.hold.set()
    await asyncio.gather(first, *later)

    assert writer.batches == [[1], list(range(2, 16))]


async def test_a_caller_returns_only_once_its_write_is_on_the_disk(database: Database) -> None:
    """Each finds its own row committed."""
    batch = Batch(database, Writer())

    async def one(number: int) -> bool:
        await batch.put(number)
        return number in await _written(database)

    assert all(await asyncio.gather(*(one(number) for number in range(20))))


async def test_a_no_among_the_results_is_raised_to_its_caller_alone(database: Database) -> None:
    """One who has no credits left does not cost the others theirs."""
    batch = Batch(database, Writer(bad=frozenset({3})))

    results = await asyncio.gather(
        *(batch.put(number) for number in range(5)), return_exceptions=True
    )

    assert [type(result) for result in results] == [int, int, int, ValueError, int]


async def test_one_that_cannot_be_written_does_not_take_the_others_along(
    database: Database,
) -> None:
    """The transaction fails for all; each is then tried alone."""
    batch = Batch(database, Writer(poison=frozenset({2})))

    results = await asyncio.gather(
        *(batch.put(number) for number in range(5)), return_exceptions=True
    )

    assert [type(result) for result in results] == [int, int, OverflowError, int, int]
    assert await _written(database) == {0, 1, 3, 4}


async def test_in_trouble_a_crowd_is_refused_at_once(database: Database) -> None:
    """The storage fails for all: nobody is tried alone, each hears of it, nothing is written."""
    writer = Writer()
    async with database.transaction() as tx:
        await fetch(tx, "PRAGMA query_only = 1", {})
    batch = Batch(database, writer)

    ends = await asyncio.gather(*(batch.put(n) for n in range(100)), return_exceptions=True)

    assert {type(end) for end in ends} == {StorageTrouble}
    assert len({id(end) for end in ends}) == len(ends)
    assert writer.batches == []
    assert await _written(database) == set()


async def test_after_a_failure_the_batch_goes_on(database: Database) -> None:
    """The next caller is not the victim of the last."""
    batch = Batch(database, Writer(poison=frozenset({1})))
    with pytest.raises(OverflowError):
        await batch.put(1)

    assert await batch.put(2) == 20


async def test_a_cancelled_caller_does_not_take_its_item_back(database: Database) -> None:
    """Nor the others': it was handed over."""
    writer = Writer()
    writer.hold = threading.Event()
    batch = Batch(database, writer)
    tasks = [asyncio.create_task(batch.put(number)) for number in (1, 2)]
    await until(lambda: writer.batches)

    await cancelled(tasks[0])
    writer.hold.set()

    assert await tasks[1] == 20
    assert await _written(database) == {1, 2}


async def test_a_failure_whose_caller_is_gone_is_no_unhandled_error(database: Database) -> None:
    """Warnings are errors here, so silence is the proof."""
    writer = Writer(poison=frozenset({1}))
    writer.hold = threading.Event()
    batch = Batch(database, writer)
    task = asyncio.create_task(batch.put(1))
    await until(lambda: writer.batches)

    await cancelled(task)
    writer.hold.set()
    await batch.flush()

    assert await _written(database) == set()


async def test_flush_returns_when_everything_that_waited_is_written(database: Database) -> None:
    """At a stop nothing that was promised stays in memory."""
    batch = Batch(database, Writer())
    tasks = [asyncio.create_task(batch.put(number)) for number in range(10)]
    await asyncio.sleep(0)

    await batch.flush()

    assert await _written(database) == set(range(10))
    await asyncio.gather(*tasks)
    await batch.flush()  # with nothing to do


async def test_writes_that_nobody_waits_for_wait_for_company(database: Database) -> None:
    """A lingering batch collects; a flush makes it hurry."""
    writer = Writer()
    batch = Batch(database, writer, linger=30.0)
    tasks = [asyncio.create_task(batch.put(1))]
    await asyncio.sleep(0)
    tasks.append(asyncio.create_task(batch.put(2)))
    await asyncio.sleep(0)

    async with asyncio.timeout(5):
        await batch.flush()
        await asyncio.gather(*tasks)

    assert writer.batches == [[1, 2]]


@settings(max_examples=25)
@given(
    st.lists(st.tuples(st.booleans(), st.booleans(), st.booleans(), st.integers(0, 3)), max_size=25)
)
async def test_every_caller_gets_its_own_answer_whatever_happens(
    database: Database, plans: list[tuple[bool, bool, bool, int]]
) -> None:
    """Any mix of good, refused, poisonous and cancelled items, at any moments: each answer is
    the item's own, and what was acknowledged is written.
    """
    async with database.transaction() as tx:
        await fetch(tx, "DELETE FROM fact", {})
    numbers = range(len(plans))
    bad = frozenset(n for n in numbers if plans[n][0])
    poison = frozenset(n for n in numbers if plans[n][1])
    batch = Batch(database, Writer(bad, poison))
    tasks = []
    for number in numbers:
        tasks.append(asyncio.create_task(batch.put(number)))
        for _ in range(plans[number][3]):
            await asyncio.sleep(0)
        if plans[number][2]:
            tasks[number // 2].cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    await batch.flush()

    written = await _written(database)
    assert written == set(numbers) - poison - {
        n for n in numbers if isinstance(results[n], asyncio.CancelledError) and n not in written
    }
    for number, result in zip(numbers, results, strict=True):
        if isinstance(result, asyncio.CancelledError):
            continue
        expected = OverflowError if number in poison else ValueError if number in bad else int
        assert type(result) is expected, number
        assert result == number * 10 or str(result) == str(number)
