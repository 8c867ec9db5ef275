"""The database's two connections: one that writes, one that reads."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Self, TypeVar

import aiosqlite

Row = aiosqlite.Row
Params = Mapping[str, Any]
Result = TypeVar("Result")

_PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",  # a lost commit here is a lost payment
    "PRAGMA foreign_keys = ON",
    "PRAGMA busy_timeout = 5000",
)

_MOST_ROWS = 256
"""Rows of one statement; SQLite takes 32,766 values."""


class Database:
    """An open database. Writes go through ``transaction()``, one at a time."""

    def __init__(self, writer: _Writer, reader: aiosqlite.Connection) -> None:
        self._writer = writer
        self._reader = reader
        self._turn = asyncio.Lock()

    @classmethod
    async def open(cls, path: Path) -> Self:
        """Open ``path``, whose schema ``migrate`` has brought up to date."""
        writer = await _Writer.open(path)
        try:
            reader = await _connect(path)
            await reader.execute_fetchall("PRAGMA query_only = ON")
        except BaseException:
            await writer.close()
            raise
        return cls(writer, reader)

    async def close(self) -> None:
        """Wait for the transaction that runs, then close both connections."""
        async with self._turn:
            await self._reader.close()
            await self._writer.close()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[aiosqlite.Connection]:
        """One writing transaction: committed at the end, undone on any way out but that.

        A cancel during the commit may leave it committed: cancelled is not undone, so read
        again afterwards. Nothing may wait for the network inside.
        """
        async with self._turn:
            try:
                await self._writer.execute_fetchall("BEGIN IMMEDIATE")
                yield self._writer
                await self._writer.execute_fetchall("COMMIT")
            except BaseException:
                # The statement we were interrupted in still runs on its thread; this queues
                # behind it and does nothing where no transaction is open.
                await _to_the_end(self._writer.rollback())
                raise

    async def write(self, work: Callable[[sqlite3.Connection], Result]) -> Result:
        """``work`` as one transaction, whole, on the database's own thread.

        For many statements at once: every statement of ``transaction()`` waits for a turn of
        the event loop, and a burst makes those turns long. A cancel does not stop the work.
        """
        async with self._turn:
            return await self._writer.whole(work)

    async def fetch(self, sql: str, params: Params) -> list[Row]:
        """All rows of a query, from what is committed."""
        return list(await self._reader.execute_fetchall(sql, params))


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


async def fetch(tx: aiosqlite.Connection, sql: str, params: Params) -> list[Row]:
    """All rows of a statement inside an open transaction."""
    return list(await tx.execute_fetchall(sql, params))


class _Writer(aiosqlite.Connection):
    """The writing connection, which can also run a function on its thread."""

    @classmethod
    async def open(cls, path: Path) -> Self:
        """Connect and prepare."""
        return await _prepare(cls(lambda: sqlite3.connect(path, isolation_level=None), 64))

    async def whole(self, work: Callable[[sqlite3.Connection], Result]) -> Result:
        """``work`` between BEGIN and COMMIT, or not at all."""

        def run() -> Result:
            connection = self._conn
            connection.execute("BEGIN IMMEDIATE")
            try:
                result = work(connection)
                connection.execute("COMMIT")
            except BaseException:
                connection.rollback()
                raise
            return result

        done: Result = await self._execute(run)  # type: ignore[no-untyped-call]
        return done


Connection = TypeVar("Connection", bound=aiosqlite.Connection)


async def _prepare(unopened: Connection) -> Connection:
    connection = await unopened
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
