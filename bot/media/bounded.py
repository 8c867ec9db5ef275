"""How many files are examined at once: as many as a small machine has cores."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Final
from weakref import WeakKeyDictionary

AT_ONCE: Final = 2


class Places:
    """An async context manager that ``AT_ONCE`` may be inside of, the others wait in a row.

    A module may hold one: there is a semaphore for each event loop.
    """

    def __init__(self) -> None:
        self._taken: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = (
            WeakKeyDictionary()
        )

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
