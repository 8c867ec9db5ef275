"""The database's two connections: one that writes, one that reads.

When the storage has trouble (a full disk, a lock of somebody else, damage), every write is
refused at once, so that nobody waits for what will fail, until one more try has succeeded;
whoever need not answer anybody waits for that with ``works``. Reads are always tried.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import sqlite3
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Final, Self, TypeVar

import aiosqlite

from bot.errors import StorageTrouble
from bot.store import trouble

log = logging.getLogger(__name__)

Row = aiosqlite.Row
Params = Mapping[str, Any]
Result = TypeVar("Result")

_PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",  # a lost commit here is a lost payment
    "PRAGMA foreign_keys = ON",
    "PRAGMA secure_delete = ON",  # what is erased is overwritten (and is by default in Debian's)
    "PRAGMA busy_timeout = 1000",  # a command must be answered within three seconds
    # KiB. By default it is 2 MB, too little for the indexes that one command writes to: with a few
    # thousand jobs each of its rows costs twice the processor time, as pages come and go.
    "PRAGMA cache_size = -16384",
)

_MOST_ROWS = 256
"""Rows of one statement; SQLite takes 32,766 values."""

TRIES_SECONDS: Final = 2.0
"""Pause between tries while there is trouble; after a try that took long, a longer one."""

_LONGER: Final = 20
"""A try takes at most this part of the time: one that reads a large file may be slow."""


class Database:
    """An open database. Writes go through ``transaction()``, one at a time."""

    def __init__(
        self, path: Path, writer: _Writer, reader: aiosqlite.Connection, tries_seconds: float
    ) -> None:
        self._path = path
        self._writer = writer
        self._reader = reader
        self._pause = tries_seconds
        self._turn = asyncio.Lock()
        self._trouble: StorageTrouble | None = None
        self._trying: asyncio.Task[None] | None = None
        self._works = asyncio.Event()
        self._works.set()

    @classmethod
    async def open(cls, path: Path, *, tries_seconds: float = TRIES_SECONDS) -> Self:
        """Open ``path``, whose schema ``migrate`` has brought up to date.

        Raises ``StorageTrouble`` where it cannot be used now.
        """
        try:
            writer = await _Writer.open(path)
            try:
                reader = await _connect(path)
                await reader.execute_fetchall("PRAGMA query_only = ON")
            except BaseException:
                await writer.close()
                raise
        except sqlite3.Error as error:
            raise trouble.of_sqlite(error, path) or error from error
        return cls(path, writer, reader, tries_seconds)

    async def close(self) -> None:
        """Wait for the transaction that runs, then close both connections."""
        if self._trying is not None and not self._trying.done():
            self._trying.cancel()
            await self._writer.interrupt()  # it may be reading all of a large file
            await asyncio.gather(self._trying, return_exceptions=True)
        async with self._turn:
            await self._reader.close()
            await self._writer.close()

    async def works(self) -> None:
        """Return when writing works, as far as anybody knows."""
        await self._works.wait()

    async def insist(self, write: Callable[[], Awaitable[Result]]) -> Result:
        """``write``, again after every trouble of the storage: for what has already happened
        elsewhere and must not be forgotten.
        """
        while True:
            try:
                return await write()
            except StorageTrouble:
                await self.works()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[aiosqlite.Connection]:
        """One writing transaction: committed at the end, undone on any way out but that.

        A cancel during the commit may leave it committed: cancelled is not undone, so read
        again afterwards. Nothing may wait for the network inside. Raises ``StorageTrouble``.
        """
        self._refuse_in_trouble()
        async with self._turn:
            self._refuse_in_trouble()  # who was before us may have met it
            try:
                await self._writer.begin()
                yield self._writer
                await self._writer.execute_fetchall("COMMIT")
            except BaseException as error:
                # The statement we were interrupted in still runs on its thread; this queues
                # behind it and does nothing where no transaction is open.
                await _to_the_end(self._writer.undo())
                self._raise_trouble(error)
                raise

    async def write(self, work: Callable[[sqlite3.Connection], Result]) -> Result:
        """``work`` as one transaction, whole, on the database's own thread.

        For many statements at once: every statement of ``transaction()`` waits for a turn of
        the event loop, and a burst makes those turns long. A cancel does not stop the work.
        Raises ``StorageTrouble``.
        """
        self._refuse_in_trouble()
        async with self._turn:
            self._refuse_in_trouble()
            try:
                return await self._writer.whole(work)
            except Exception as error:
                self._raise_trouble(error)
                raise

    async def fetch(self, sql: str, params: Params) -> list[Row]:
        """All rows of a query, from what is committed. Raises ``StorageTrouble``."""
        try:
            return list(await self._reader.execute_fetchall(sql, params))
        except sqlite3.Error as error:
            self._raise_trouble_of_reading(error)
            raise

    async def read(self, work: Callable[[sqlite3.Connection], Result]) -> Result:
        """``work`` on what is committed at one moment, on the reader's own thread: for several
        queries that must agree. Raises ``StorageTrouble``.
        """
        try:
            done: Result = await self._reader._execute(  # type: ignore[no-untyped-call]
                _at_one_moment, self._reader._conn, work
            )
        except sqlite3.Error as error:
            self._raise_trouble_of_reading(error)
            raise
        return done

    def _raise_trouble_of_reading(self, error: sqlite3.Error) -> None:
        # This very code is the answer to a query that would write: a mistake of ours.
        if getattr(error, "sqlite_errorcode", 0) != sqlite3.SQLITE_READONLY:
            self._raise_trouble(error)

    # -- trouble ------------------------------------------------------------------------------

    def _refuse_in_trouble(self) -> None:
        if self._trouble is not None:
            raise trouble.called(self._trouble.what)

    def _raise_trouble(self, error: BaseException) -> None:
        """Raise what this error says of the storage, if it says anything; from then on writes
        are refused and the storage is tried.
        """
        found = self._trouble_in(error)
        if found is None:
            return
        if self._trouble is None:
            self._tell(found)
            self._works.clear()
            self._trying = asyncio.create_task(self._try_until_it_works(), name="storage")
        if found is not error:
            raise found from error

    def _trouble_in(self, error: BaseException) -> StorageTrouble | None:
        if isinstance(error, sqlite3.Error):
            return trouble.of_sqlite(error, self._path)
        return error if isinstance(error, StorageTrouble) else None

    def _tell(self, found: StorageTrouble) -> None:
        """Tell the operator, once."""
        if self._trouble is None or self._trouble.what != found.what:
            log.error("nothing can be written to %s now: %s", self._path, found)
        self._trouble = found

    async def _try_until_it_works(self) -> None:
        pause = self._pause
        while self._trouble is not None:
            await asyncio.sleep(pause)
            began = time.monotonic()
            try:
                async with self._turn:
                    await self._try(thorough=self._trouble.what == trouble.DAMAGED)
            except Exception as error:  # noqa: BLE001 - as long as one comes, it does not work
                self._tell(self._trouble_in(error) or self._trouble)
                pause = max(self._pause, _LONGER * (time.monotonic() - began))
            else:
                self._trouble = None
        log.warning("%s can be written to again: everything goes on", self._path)
        self._works.set()

    async def _try(self, *, thorough: bool) -> None:
        """Read, and write more than one job needs: with room for a single page, the next
        command would be refused again. What is damaged is read as a whole.
        """
        name, much = "room", secrets.token_hex(32_768)
        await self._writer.whole(lambda tx: _remember(tx, name, much))
        await self._writer.whole(lambda tx: _remember(tx, name, ""))
        await self._reader.execute_fetchall("SELECT value FROM fact WHERE name = ?", [name])
        if thorough:
            rows = list(await self._writer.execute_fetchall("PRAGMA quick_check(1)"))
            if rows[0][0] != "ok":
                raise trouble.called(trouble.DAMAGED)


def _remember(tx: sqlite3.Connection, name: str, value: str) -> None:
    tx.execute("INSERT OR REPLACE INTO fact VALUES (?, ?)", (name, value))


def execute_rows(tx: sqlite3.Connection, sql: str, rows: Sequence[tuple[Any, ...]]) -> None:
    """Run ``sql``, in which ``(VALUES)`` stands for the rows, once for many rows.

    ``executemany`` lets go of the interpreter at each row, and while commands pour in gets
    it back late each time. The rows go in powers of two, so that few statements are prepared.
    """
    done = 0
    while done < len(rows):
        count = min(_MOST_ROWS, 1 << ((len(rows) - done).bit_length() - 1))
        part = rows[done : done + count]
        done += count
        marks = f"({','.join('?' * len(part[0]))})"
        values = f"VALUES {','.join([marks] * count)}"
        tx.execute(sql.replace("(VALUES)", values), [value for row in part for value in row])


def _at_one_moment(
    connection: sqlite3.Connection, work: Callable[[sqlite3.Connection], Result]
) -> Result:
    connection.execute("BEGIN")
    try:
        return work(connection)
    finally:
        connection.rollback()


async def within(tx: aiosqlite.Connection, work: Callable[[sqlite3.Connection], Result]) -> Result:
    """``work`` inside an open transaction, on the database's own thread."""
    done: Result = await tx._execute(work, tx._conn)  # type: ignore[no-untyped-call]
    return done


async def fetch(tx: aiosqlite.Connection, sql: str, params: Params) -> list[Row]:
    """All rows of a statement inside an open transaction."""
    return list(await tx.execute_fetchall(sql, params))


class _Writer(aiosqlite.Connection):
    """The writing connection, which can also run a function on its thread."""

    def __init__(self, path: Path) -> None:
        super().__init__(lambda: sqlite3.connect(path, isolation_level=None), 64)
        self._path = path
        self._file: tuple[int, int] | None = None

    @classmethod
    async def open(cls, path: Path) -> Self:
        """Connect and prepare."""
        writer = await _prepare(cls(path))
        writer._check_file()
        return writer

    async def begin(self) -> None:
        """BEGIN, in the file that lies under our name."""
        await self._execute(self._begin)  # type: ignore[no-untyped-call]

    async def undo(self) -> None:
        """Roll back where a transaction is open. What fails here fails again at ``begin``."""
        await self._execute(self._undo)  # type: ignore[no-untyped-call]

    async def whole(self, work: Callable[[sqlite3.Connection], Result]) -> Result:
        """``work`` between BEGIN and COMMIT, or not at all."""

        def run() -> Result:
            self._begin()
            try:
                result = work(self._conn)
                self._conn.execute("COMMIT")
            except BaseException:
                self._undo()
                raise
            return result

        done: Result = await self._execute(run)  # type: ignore[no-untyped-call]
        return done

    def _begin(self) -> None:
        self._check_file()
        self._conn.rollback()  # what an earlier failure may have left
        self._conn.execute("BEGIN IMMEDIATE")

    def _undo(self) -> None:
        with suppress(sqlite3.Error):
            self._conn.rollback()

    def _check_file(self) -> None:
        """SQLite goes on in a file that was moved or deleted, and nobody would find it again."""
        try:
            seen = self._path.stat()
        except FileNotFoundError:
            raise trouble.called(trouble.MOVED) from None
        except OSError as error:
            raise trouble.of_system(error, self._path) from error
        file = seen.st_dev, seen.st_ino
        self._file = self._file or file
        if file != self._file:
            raise trouble.called(trouble.MOVED)


Connection = TypeVar("Connection", bound=aiosqlite.Connection)


async def _prepare(unopened: Connection) -> Connection:
    try:
        connection = await unopened
    except BaseException:
        # Its thread says that it ends, and must not say so to a loop that is closed by then.
        await asyncio.to_thread(unopened._thread.join)
        raise
    try:
        connection.row_factory = aiosqlite.Row
        for pragma in _PRAGMAS:
            await connection.execute_fetchall(pragma)
    except BaseException:
        await connection.close()  # its thread would keep the process alive
        raise
    return unopened


async def _connect(path: Path) -> aiosqlite.Connection:
    return await _prepare(aiosqlite.connect(path, isolation_level=None))


async def _to_the_end(work: Awaitable[object]) -> None:
    """Await ``work`` however often the caller is cancelled; then let the cancel through."""
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError as error:
            cancelled = error
        except Exception:  # noqa: BLE001 - the result is read below
            break
    if cancelled is not None:
        raise cancelled
    task.result()
