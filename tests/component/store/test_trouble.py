"""Storage in trouble: refused in time, nothing half-written, and well again by itself."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import closing, nullcontext
from pathlib import Path

import pytest

from bot.errors import StorageTrouble
from bot.store import facts, trouble
from bot.store.database import Database, fetch
from tests.fakes import until
from tests.storage_faults import Fault, damage, locked, moved, refusing, replaced

TRIES_SECONDS = 0.02
BUSY_MS = 50


@pytest.fixture
async def database(database_path: Path) -> AsyncIterator[Database]:
    """An open database that waits only shortly for others, and tries often."""
    opened = await Database.open(database_path, tries_seconds=TRIES_SECONDS)
    async with opened.transaction() as tx:
        await fetch(tx, f"PRAGMA busy_timeout = {BUSY_MS}", {})
    yield opened
    await opened.close()


FAULTS: dict[str, Fault] = {
    trouble.LOCKED: locked,
    trouble.MOVED: moved,
    "moved or deleted (replaced)": replaced,
    trouble.BROKEN: refusing,
}


async def full(database: Database, pages: int | None) -> None:
    """No room for more than these pages, as SQLite sees it; ``None``: enough."""
    async with database.transaction() as tx:
        await fetch(tx, f"PRAGMA max_page_count = {pages or 1 << 30}", {})


async def read_only(database: Database, on: bool) -> None:
    """The writing connection may not write."""
    async with database.transaction() as tx:
        await fetch(tx, f"PRAGMA query_only = {on:d}", {})


async def remember_much(database: Database) -> None:
    """Two facts in one transaction, of which the second one needs room."""
    async with database.transaction() as tx:
        for name, size in (("small", 1), ("large", 100_000)):
            await fetch(tx, "INSERT INTO fact VALUES (:n, :v)", {"n": name, "v": "x" * size})


async def names(database: Database) -> set[str]:
    """The facts that are committed, but that of the tries."""
    rows = await database.fetch("SELECT name FROM fact WHERE name <> 'room'", {})
    return {row["name"] for row in rows}


async def what(write: Callable[[], Awaitable[object]]) -> str:
    """The trouble that a write meets."""
    with pytest.raises(StorageTrouble) as met:
        await write()
    return met.value.what


async def again(database: Database) -> None:
    """Wait until it works, and see that it does."""
    async with asyncio.timeout(5):
        await database.works()
    await facts.remember(database, "after", "x")
    assert "after" in await names(database)


@pytest.mark.parametrize("fault", list(FAULTS))
@pytest.mark.parametrize("way", ["transaction", "write"])
async def test_a_write_in_trouble_is_refused_and_later_writes_work(
    database: Database, database_path: Path, fault: str, way: str
) -> None:
    """Named in words, nothing of it written; once the trouble is gone, all goes on."""

    def work(tx: sqlite3.Connection) -> None:
        tx.execute("INSERT INTO fact VALUES ('torn', 'x')")

    async def write() -> None:
        if way == "write":
            await database.write(work)
        else:
            await facts.remember(database, "torn", "x")

    with FAULTS[fault](database_path):
        assert fault.startswith(await what(write))
    await again(database)
    assert await names(database) == {"after"}


async def test_a_full_disk_undoes_the_whole_transaction(database: Database) -> None:
    """Also what had room; reads go on, and room is found by itself."""
    await full(database, 1)
    assert await what(lambda: remember_much(database)) == "disk full"
    assert await names(database) == set()
    assert await facts.recall(database, "small") is None
    with closing(sqlite3.connect(database._path)) as db:
        assert db.execute("PRAGMA quick_check").fetchone() == ("ok",)
    await database._writer.execute_fetchall(f"PRAGMA max_page_count = {1 << 30}")
    await again(database)


async def test_room_for_one_page_is_no_room(database: Database) -> None:
    """A disk that takes a single fact but no job does not make the bot well and ill in turns."""
    await full(database, 1)
    assert await what(lambda: remember_much(database)) == "disk full"
    await asyncio.sleep(TRIES_SECONDS * 5)
    assert await what(lambda: facts.remember(database, "small", "x")) == "disk full"
    await database._writer.execute_fetchall(f"PRAGMA max_page_count = {1 << 30}")
    await again(database)


async def test_a_database_that_may_not_be_written_is_read_only(database: Database) -> None:
    """Said as such."""
    await read_only(database, on=True)
    assert await what(lambda: facts.remember(database, "a", "x")) == "read-only"
    await database._writer.execute_fetchall("PRAGMA query_only = 0")
    await again(database)


async def test_in_trouble_nobody_waits_for_what_will_fail(
    database: Database, database_path: Path
) -> None:
    """One waits for the lock as long as one may, the others and all later ones hear of it: a
    hundred commands are refused in the time of one.
    """
    async with database.transaction() as tx:
        await fetch(tx, "PRAGMA busy_timeout = 300", {})
    with locked(database_path):
        began = time.monotonic()
        writes = (facts.remember(database, str(number), "x") for number in range(100))
        ends = await asyncio.gather(*writes, return_exceptions=True)
        took = time.monotonic() - began
        assert {type(end) for end in ends} == {StorageTrouble}
        assert 0.25 < took < 1.5
        began = time.monotonic()
        assert await what(lambda: facts.remember(database, "later", "x")) == trouble.LOCKED
        assert time.monotonic() - began < 0.2
    await again(database)


async def test_the_busy_timeout_leaves_time_for_an_answer(database_path: Path) -> None:
    """A command is answered within three seconds; one of them may be spent on a lock."""
    opened = await Database.open(database_path)
    rows = list(await opened._writer.execute_fetchall("PRAGMA busy_timeout"))
    await opened.close()
    assert rows[0][0] <= 1000


async def test_the_operator_is_told_when_it_began_and_when_it_ended(
    database: Database, database_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Two lines, however many were refused; the first says where, what and what to do."""
    with caplog.at_level(logging.INFO, "bot.store.database"):
        with locked(database_path):
            for _ in range(10):
                await what(lambda: facts.remember(database, "a", "x"))
            await asyncio.sleep(0.2)  # some tries fail
        await again(database)
    first, last = caplog.records
    assert first.levelname == "ERROR"
    assert f"{database_path} now: locked by another program: end" in first.getMessage()
    assert last.levelname == "WARNING"


async def test_another_trouble_is_told_too(
    database: Database, database_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """What is wrong now counts, not what was wrong first."""
    with caplog.at_level(logging.ERROR, "bot.store.database"):
        with locked(database_path):
            await what(lambda: facts.remember(database, "a", "x"))
        with moved(database_path):
            await until(lambda: len(caplog.records) == 2)
            assert await what(lambda: facts.remember(database, "a", "x")) == trouble.MOVED
    await again(database)


async def test_reads_go_on_in_trouble(database: Database, database_path: Path) -> None:
    """Members may still ask what they have left."""
    await facts.remember(database, "a", "x")
    with locked(database_path):
        await what(lambda: facts.remember(database, "a", "y"))
        assert await facts.recall(database, "a") == "x"
    await again(database)


async def test_what_has_happened_is_written_down_in_the_end(
    database: Database, database_path: Path
) -> None:
    """Pika's answer is known to one task alone: it waits for the storage, and writes it once."""
    tries = 0

    async def write() -> str:
        nonlocal tries
        tries += 1
        await facts.remember(database, "answer", "taken")
        return "written"

    with locked(database_path):
        task = asyncio.create_task(database.insist(write))
        await asyncio.sleep(0.3)
        assert not task.done()
        assert tries == 1  # it waits for the storage and does not hammer it
    assert await asyncio.wait_for(task, 5) == "written"
    assert await names(database) == {"answer"}


async def test_a_mistake_of_ours_is_no_trouble_of_the_storage(database: Database) -> None:
    """A constraint or a wrong statement stays what it is, and stops nobody else."""
    await facts.remember(database, "a", "x")
    for sql, error in (
        ("INSERT INTO fact VALUES ('a', 'x')", sqlite3.IntegrityError),
        ("INSERT INTO nowhere VALUES (1)", sqlite3.OperationalError),
    ):
        with pytest.raises(error):
            async with database.transaction() as tx:
                await fetch(tx, sql, {})
        await facts.remember(database, "b", "x")


async def test_a_close_in_trouble_does_not_wait_for_its_end(
    database: Database, database_path: Path
) -> None:
    """A stop while another program holds the database ends in time."""
    with locked(database_path):
        await what(lambda: facts.remember(database, "a", "x"))
        async with asyncio.timeout(2):
            await database.close()
    # Closed twice by the fixture: which does nothing.


# -- damage ---------------------------------------------------------------------------------


async def test_damage_is_not_well_because_something_else_works(database_path: Path) -> None:
    """Facts can still be written, jobs can not be read: as long as a look at the whole file
    finds damage, nobody's credit is taken.
    """
    damage(database_path, "job")
    database = await Database.open(database_path, tries_seconds=TRIES_SECONDS)
    await facts.remember(database, "before", "x")
    assert await what(lambda: database.fetch("SELECT * FROM job", {})) == "damaged"
    await asyncio.sleep(TRIES_SECONDS * 5)
    assert await what(lambda: facts.remember(database, "after", "x")) == "damaged"
    assert await names(database) == {"before"}
    await database.close()


async def test_a_database_that_cannot_be_opened_says_why(tmp_path: Path) -> None:
    """A text, and a directory, where the database should be."""
    text, folder = tmp_path / "text.db", tmp_path / "folder.db"
    text.write_bytes(b"this is a text about foxes" * 100)
    folder.mkdir()
    for path, why in ((text, "damaged"), (folder, "cannot be opened")):
        assert await what(lambda path=path: Database.open(path)) == why


async def test_trouble_and_cancels_at_random_leave_whole_transactions(
    database: Database, database_path: Path
) -> None:
    """Whoever was told "done" finds its rows, nobody finds half of them."""
    done: set[int] = set()

    async def one(number: int) -> None:
        async with database.transaction() as tx:
            for part in range(3):
                sql = "INSERT INTO fact VALUES (:n, 'x')"
                await fetch(tx, sql, {"n": f"{number} {part}"})
        done.add(number)

    tasks: list[asyncio.Task[None]] = []
    for turn in range(6):
        with locked(database_path) if turn % 2 else nullcontext():
            for number in range(turn * 10, turn * 10 + 10):
                tasks.append(asyncio.create_task(one(number)))
                await asyncio.sleep(0.001)
                tasks[-1 - number % 3].cancel()
            await asyncio.sleep(0.1)
    await asyncio.gather(*tasks, return_exceptions=True)
    await again(database)
    written: dict[str, int] = {}
    for name in await names(database) - {"after"}:
        written[name.split()[0]] = written.get(name.split()[0], 0) + 1
    assert set(written.values()) <= {3}
    assert {str(number) for number in done} <= set(written)
    assert done
