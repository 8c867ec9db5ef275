"""How many files are examined at once: as many as a small machine has cores."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Final, TypeVar
from weakref import WeakKeyDictionary

AT_ONCE: Final = 2

T = TypeVar("T")


class Places:
    """An async context manager that ``AT_ONCE`` may be inside of, the others wait in a row.

    A module may hold one: there is a semaphore for each event loop.
    """

    def __init__(self) -> None:
        self._taken: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = (
            WeakKeyDictionary()
        )

    async def in_thread(self, work: Callable[[], T]) -> T:
        """What ``work`` returns, which runs in a thread. No thread can be broken off, so a
        cancellation does not wait for it, and it keeps its place until it has ended: whoever
        gives up and asks again does not get a second one.
        """
        place = self._here()
        await place.acquire()
        task = asyncio.ensure_future(asyncio.to_thread(work))

        def ended(task: asyncio.Task[T]) -> None:
            place.release()
            if not task.cancelled():
                task.exception()  # looked at: asyncio need not complain of it

        task.add_done_callback(ended)
        return await asyncio.shield(task)

    def _here(self) -> asyncio.Semaphore:
        loop = asyncio.get_running_loop()
        return self._taken.setdefault(loop, asyncio.Semaphore(AT_ONCE))

    async def __aenter__(self) -> None:
        await self._here().acquire()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._here().release()
