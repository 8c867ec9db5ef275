"""Finding our jobs among those that Pika works on: by the reference that each of them carries."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from bot.clock import Clock
from bot.pika.backend import Backend
from bot.pika.errors import Gone, PikaError
from bot.store import jobs
from bot.store.database import Database
from bot.workflow.rendering.errands import Errand, Errands

log = logging.getLogger(__name__)

SEARCHES_AT_ONCE = 3
"""Strangers that are read at the same time: not among the reads of jobs that are ours."""

MOST_READS = 50
"""Strangers whose reads are begun and not over."""

MOST_UNREAD = 1000
"""Names that wait to be read, those seen last."""

MOST_KNOWN = 1000
"""Names of which it is remembered what they carry, those read last."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a look has brought: reference → Pika's name of the job that carries it.

    ``blind_until`` is when a name was first seen that could not be compared (yet), in
    milliseconds since 1970; the newest such name counts. A job whose POST left later is none of
    those: it was not seen at all, unless it was found.
    """

    names: Mapping[str, str]
    blind_until: int


@dataclass(frozen=True, slots=True)
class _Read:
    """What a name carries, and when it was first seen."""

    reference: str | None
    seen_at: int


class Search:
    """Reads each listed job that is not known to be ours, once.

    What it carries is remembered, also when that is nobody's: a job whose POST is on its way
    may be doubted later. One that could not be read is read again, even after it has left the
    list: it may be ours, and finished. Whatever is forgotten for want of room, or cannot be read
    any more, is remembered by the time at which it was first seen: it may be a job whose POST
    had left by then, and so none of those is proven absent.
    """

    def __init__(
        self, database: Database, clock: Clock, backend: Backend, errands: Errands
    ) -> None:
        self._database = database
        self._clock = clock
        self._backend = backend
        self._places = asyncio.Semaphore(SEARCHES_AT_ONCE)
        self._errands = errands
        self._listed: dict[str, int] = {}  # what Pika lists now -> since when
        self._unread: dict[str, int] = {}  # not compared -> first seen; in the order of reading
        self._reading: dict[str, Errand] = {}
        self._gone: set[str] = set()  # of the unread: what Pika does not know when it is asked
        self._known: dict[str, _Read] = {}
        self._let_go_at = -1  # when the newest was first seen of those that were let go

    async def look(self, references: Collection[str], executing: frozenset[str]) -> Found:
        """Find the jobs of these references."""
        now = self._clock.now()
        self._listed = {name: self._listed.get(name, now) for name in executing}
        for name in sorted(executing - self._known.keys()):
            self._unread.setdefault(name, self._listed[name])
        for name in await jobs.know_pika_id(self._database, json.dumps([*self._unread])):
            self._unread.pop(name, None)
        for name in sorted(self._gone - executing):
            self._gone.discard(name)
            self._let_go(self._unread.pop(name, -1))
        for name in sorted(self._unread, key=self._unread.__getitem__)[:-MOST_UNREAD]:
            self._gone.discard(name)
            self._let_go(self._unread.pop(name))
        self._begin()
        await self._errands.wait(self._reading.values())  # also those that somebody else began
        names = {
            read.reference: name
            for name, read in self._known.items()
            if read.reference is not None and read.reference in references
        }
        return Found(names, max(self._let_go_at, *self._unread.values(), -1))

    def _begin(self) -> None:
        """Begin to read what waits, as much as may be under way."""
        for name in self._unread:
            if len(self._reading) >= MOST_READS:
                break
            for errand in self._errands.begin(("read", name), self._read, name):
                self._reading[name] = errand

    async def _read(self, name: str) -> None:
        try:
            async with self._places:
                report = await self._backend.report(name)
        except PikaError as error:
            log.info("%s cannot be read: %s", name, error)
            if name in self._unread:  # the others first
                self._unread[name] = self._unread.pop(name)
                if isinstance(error, Gone):  # but as long as it is listed, it may be there
                    self._gone.add(name)
        else:
            self._gone.discard(name)
            self._know(name, _Read(report.reply_ref, self._unread.pop(name, self._clock.now())))
        finally:
            self._reading.pop(name, None)

    def _know(self, name: str, read: _Read) -> None:
        self._known[name] = read
        if len(self._known) > MOST_KNOWN:
            self._let_go(self._known.pop(next(iter(self._known))).seen_at)

    def _let_go(self, seen_at: int) -> None:
        self._let_go_at = max(self._let_go_at, seen_at)
