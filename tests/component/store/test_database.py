"""transaction(): everything or nothing, whoever is cancelled, and nothing acknowledged is lost."""

from __future__ import annotations

import asyncio
import random
import sqlite3
import threading
from contextlib import suppress
from pathlib import Path

import pytest

from bot.errors import StorageTrouble
from bot.store import facts
from bot.store.database import Database, execute_rows, fetch
from tests.fakes import cancelled, until


async def _put(tx: object, name: str, value: str = "x") -> None:
    await fetch(tx, "INSERT INTO fact VALUES (:n, :v)", {"n": name, "v": value})  # type: ignore[arg-type]


async def _names(database: Database) -> set[str]:
    return {row["name"] for row in await database.fetch("SELECT name FROM fact", {})}


async def test_what_a_transaction_wrote_is_there_after_it(database: Database) -> None:
    """Also for the reading connection, and for the next process."""
    async with database.transaction() as tx:
        await _put(tx, "a")

    assert await _names(database) == {"a"}


async def test_readers_see_nothing_of_an_open_transaction(database: Database) -> None:
    """Nobody is told of what may still be undone."""
    async with database.transaction() as tx:
        await _put(tx, "a")
        assert await _names(database) == set()


async def test_the_reading_connection_cannot_write(database: Database) -> None:
    """A write outside ``transaction()`` is a mistake that must not work."""
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        await database.fetch("INSERT INTO fact VALUES ('a', 'b')", {})


@pytest.mark.parametrize("error", [ValueError, asyncio.CancelledError, KeyboardInterrupt])
async def test_any_way_out_but_the_end_undoes_everything(
    database: Database, error: type[BaseException]
) -> None:
    """Errors, cancels and signals alike; the next transaction begins afresh."""

    async def torn() -> None:
        async with database.transaction() as tx:
            await _put(tx, "a")
            raise error

    with pytest.raises(error):
        await torn()

    async with database.transaction() as tx:
        await _put(tx, "b")
    assert await _names(database) == {"b"}


async def test_a_refused_statement_undoes_what_was_before_it(database: Database) -> None:
    """SQLite itself keeps the earlier statements; we do not."""

    async def twice() -> None:
        async with database.transaction() as tx:
            await _put(tx, "a")
            await _put(tx, "a")

    with pytest.raises(sqlite3.IntegrityError):
        await twice()

    assert await _names(database) == set()


async def test_transactions_take_turns(database: Database) -> None:
    """Two that read and then write do not both believe what they read."""

    async def count_up() -> None:
        async with database.transaction() as tx:
            rows = await fetch(tx, "SELECT count(*) AS n FROM fact", {})
            await asyncio.sleep(0)
            await _put(tx, str(rows[0]["n"]))

    await asyncio.gather(*(count_up() for _ in range(20)))

    assert await _names(database) == {str(number) for number in range(20)}


async def test_a_cancel_right_after_begin_leaves_no_transaction_open(database: Database) -> None:
    """The statement is with its thread already when the cancel comes."""

    async def one(name: str) -> None:
        async with database.transaction() as tx:
            await _put(tx, name)

    for number in range(20):
        task = asyncio.create_task(one(f"cancelled {number}"))
        for _ in range(number % 5):
            await asyncio.sleep(0)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        async with database.transaction() as tx:  # would fail inside another one
            await _put(tx, f"kept {number}")

    kept = {f"kept {number}" for number in range(20)}
    assert kept <= await _names(database)


async def test_a_cancelled_commit_is_either_whole_or_nothing(database: Database) -> None:
    """Cancelled is not undone: after the cancel the truth is read from the disk."""
    results = set()
    for number in range(30):
        name = str(number)
        inside = asyncio.Event()

        async def one(name: str = name, inside: asyncio.Event = inside) -> None:
            async with database.transaction() as tx:
                await _put(tx, f"{name} a")
                await _put(tx, f"{name} b")
                inside.set()

        task = asyncio.create_task(one())
        await inside.wait()  # the next thing it does is the commit
        for _ in range(number % 3):
            await asyncio.sleep(0)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        there = {n for n in await _names(database) if n.startswith(f"{name} ")}
        assert there in (set(), {f"{name} a", f"{name} b"})
        results.add(len(there))

    assert 2 in results  # else this test has not met a commit under way


@pytest.mark.parametrize("seed", range(8))
async def test_no_transaction_is_torn_and_nothing_acknowledged_is_lost(
    database: Database, seed: int
) -> None:
    """Under random cancels and errors: all of a transaction's rows or none, and who was told
    "done" finds them.
    """
    rng = random.Random(seed)
    done: set[int] = set()
    torn_if_one = 4

    async def one(number: int) -> None:
        async with database.transaction() as tx:
            for part in range(torn_if_one):
                await _put(tx, f"{number} {part}")
                if rng.random() < 0.05:
                    raise ValueError
        done.add(number)

    tasks = []
    for number in range(60):
        tasks.append(asyncio.create_task(one(number)))
        for _ in range(rng.randrange(3)):
            await asyncio.sleep(0)
        if rng.random() < 0.5:
            rng.choice(tasks).cancel()
            await asyncio.sleep(rng.random() / 2000)
    await asyncio.gather(*tasks, return_exceptions=True)

    written: dict[int, int] = {}
    for name in await _names(database):
        number = int(name.split()[0])
        written[number] = written.get(number, 0) + 1
    assert set(written.values()) <= {torn_if_one}
    assert done <= set(written)
    assert done


async def test_a_cancel_while_waiting_for_the_turn_changes_nothing(database: Database) -> None:
    """And the turn goes on to the next."""
    held = asyncio.Event()

    async def hold() -> None:
        async with database.transaction() as tx:
            await _put(tx, "held")
            await held.wait()

    async def one(name: str) -> None:
        async with database.transaction() as tx:
            await _put(tx, name)

    first = asyncio.create_task(hold())
    await asyncio.sleep(0.01)
    second, third = asyncio.create_task(one("second")), asyncio.create_task(one("third"))
    await asyncio.sleep(0)
    second.cancel()
    held.set()
    await asyncio.gather(first, second, third, return_exceptions=True)

    assert await _names(database) == {"held", "third"}


async def test_close_waits_for_the_transaction_that_runs(database_path: Path) -> None:
    """What was begun is committed, not torn off."""
    database = await Database.open(database_path)
    inside = asyncio.Event()

    async def one() -> None:
        async with database.transaction() as tx:
            inside.set()
            await asyncio.sleep(0.005)
            await _put(tx, "a")

    task = asyncio.create_task(one())
    await inside.wait()
    await database.close()
    await task

    again = await Database.open(database_path)
    assert await _names(again) == {"a"}
    await again.close()


async def test_a_commit_is_on_the_disk_when_it_returns(database: Database) -> None:
    """``synchronous=FULL``: a power cut after the card takes nothing back."""
    async with database.transaction() as tx:
        assert [row[0] for row in await fetch(tx, "PRAGMA synchronous", {})] == [2]
        assert [row[0] for row in await fetch(tx, "PRAGMA foreign_keys", {})] == [1]


async def test_a_file_that_is_no_database_leaves_no_thread_behind(tmp_path: Path) -> None:
    """A failed start ends; it does not hang on a connection nobody closes."""
    path = tmp_path / "pika.db"
    path.write_bytes(b"this is a text about foxes" * 100)
    before = threading.active_count()

    with pytest.raises(StorageTrouble, match="damaged"):
        await Database.open(path)

    await until(lambda: threading.active_count() <= before, seconds=1)


async def test_facts_are_remembered_and_replaced(database: Database) -> None:
    """The newest word counts."""
    assert await facts.recall(database, "commands") is None

    await facts.remember(database, "commands", "abc")
    await facts.remember(database, "commands", "def")

    assert await facts.recall(database, "commands") == "def"


async def test_work_on_the_databases_thread_is_one_transaction(database: Database) -> None:
    """Whole, with its answer."""

    def work(tx: sqlite3.Connection) -> str:
        tx.execute("INSERT INTO fact VALUES ('a', 'x')")
        tx.execute("INSERT INTO fact VALUES ('b', 'x')")
        return "done"

    assert await database.write(work) == "done"
    assert await _names(database) == {"a", "b"}


async def test_work_that_fails_is_undone(database: Database) -> None:
    """And the next transaction begins afresh."""

    def work(tx: sqlite3.Connection) -> None:
        tx.execute("INSERT INTO fact VALUES ('a', 'x')")
        raise OverflowError

    with pytest.raises(OverflowError):
        await database.write(work)

    async with database.transaction() as tx:
        await _put(tx, "b")
    assert await _names(database) == {"b"}


async def test_work_whose_caller_is_cancelled_is_done_whole_and_alone(database: Database) -> None:
    """The next transaction waits for it on the thread, and sees all of it."""
    go = threading.Event()

    def work(tx: sqlite3.Connection) -> None:
        tx.execute("INSERT INTO fact VALUES ('a', 'x')")
        go.wait(5)
        tx.execute("INSERT INTO fact VALUES ('b', 'x')")

    task = asyncio.create_task(database.write(work))
    await asyncio.sleep(0.01)
    await cancelled(task)
    after = asyncio.create_task(facts.remember(database, "c", "x"))
    await asyncio.sleep(0.01)
    assert await _names(database) == set()
    go.set()
    await after

    assert await _names(database) == {"a", "b", "c"}


@pytest.mark.parametrize("count", [0, 1, 2, 3, 255, 256, 257, 700])
async def test_many_rows_are_written_all_and_in_order(database: Database, count: int) -> None:
    """However many there are, and in however many statements."""
    rows = [(str(number), "x") for number in range(count)]

    await database.write(lambda tx: execute_rows(tx, "INSERT INTO fact (VALUES)", rows))

    assert await _names(database) == {name for name, _ in rows}
