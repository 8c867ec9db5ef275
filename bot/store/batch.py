"""Many small writes, one commit.

A commit with ``synchronous=FULL`` waits for the disk; a burst of commands cannot each
wait its turn. Whatever asks while one commit is under way shares the next one, so each
caller still returns only after its own write is on the disk.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from bot.errors import StorageTrouble
from bot.store.database import Database

Item = TypeVar("Item")
Result = TypeVar("Result")


class Batch(Generic[Item, Result]):
    """Writes items in the order in which they came, as many per transaction as wait.

    ``write(tx, items)`` returns one result per item; an exception among the results is
    raised to that item's caller, one that ``write`` raises to all of its callers.
    ``linger`` is how many seconds the first item waits for company: for writes that nobody
    waits for.
    """

    MOST = 256
    LEAST = 16
    PARTS = 4
    """A crowd goes in parts: while one is on its way to the disk, the callers of the one before
    go on. In parts that are too small, the commits cost more than they carry."""

    def __init__(
        self,
        database: Database,
        write: Callable[[sqlite3.Connection, Sequence[Item]], Sequence[Result | Exception]],
        *,
        linger: float = 0.0,
    ) -> None:
        self._database = database
        self._write = write
        self._linger = linger
        self._waiting: list[tuple[Item, asyncio.Future[Result]]] = []
        self._task: asyncio.Task[None] | None = None
        self._hurry = False

    async def put(self, item: Item) -> Result:
        """Write ``item``; return when it is committed.

        Cancelling the caller does not take the item back.
        """
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        if self._task is None:
            self._task = asyncio.create_task(self._drain(), name="batch of writes")
        return await future

    async def flush(self) -> None:
        """Write everything that waits now, and return when that is done."""
        self._hurry = True
        try:
            if self._task is not None:
                await asyncio.shield(self._task)
        finally:
            self._hurry = False

    async def _drain(self) -> None:
        try:
            await asyncio.sleep(0)  # everything that is ready now joins the first commit
            while self._waiting:
                if self._linger and not self._hurry and len(self._waiting) < self.MOST:
                    await asyncio.sleep(self._linger)
                size = self._size()
                batch, self._waiting = self._waiting[:size], self._waiting[size:]
                await self._commit(batch)
        finally:
            self._task = None

    def _size(self) -> int:
        part = self.MOST if self._linger else len(self._waiting) // self.PARTS
        return min(self.MOST, max(self.LEAST, part))

    async def _commit(self, batch: list[tuple[Item, asyncio.Future[Result]]]) -> None:
        try:
            items = [item for item, _ in batch]
            results = await self._database.write(lambda tx: self._write(tx, items))
        except StorageTrouble as error:  # the fault of none of them
            for _, future in batch:
                _settle(future, StorageTrouble(error.what, error.remedy))
        except Exception as error:  # noqa: BLE001 - it is handed to whoever asked
            if len(batch) > 1:  # one that cannot be written must not take the others along
                for pair in batch:
                    await self._commit([pair])
                return
            _settle(batch[0][1], error)
        except BaseException:
            for _, future in batch:
                future.cancel()
            raise
        else:
            for (_, future), result in zip(batch, results, strict=True):
                _settle(future, result)


def _settle(future: asyncio.Future[Result], result: Result | Exception) -> None:
    if future.done():
        return
    if isinstance(result, Exception):
        future.set_exception(result)
        future.exception()  # its caller may be gone: not "never retrieved"
    else:
        future.set_result(result)
