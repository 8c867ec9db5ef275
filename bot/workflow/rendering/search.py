"""Finding our jobs among those that Pika works on: by the reference that each of them carries."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from itertools import islice

from bot.pika.backend import Backend
from bot.pika.errors import Gone, PikaError
from bot.store import jobs
from bot.store.database import Database
from bot.workflow.rendering.errands import Errands

log = logging.getLogger(__name__)

MOST_READS = 50
"""Strangers that are read in one look."""

MOST_KNOWN = 1000
"""References that are remembered."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a look has brought: reference → Pika's name of the job that carries it.

    ``complete``: every job that was ever seen on the list has been compared, so that whoever
    was not found was not there.
    """

    names: Mapping[str, str]
    complete: bool


class Search:
    """Reads each listed job that is not known to be ours, once.

    What it carries is remembered, also when that is nobody's: a job whose POST is on its way
    may be doubted later. One that could not be read is read again, even after it has left the
    list: it may be ours, and finished.
    """

    def __init__(
        self, database: Database, backend: Backend, reads: asyncio.Semaphore, errands: Errands
    ) -> None:
        self._database = database
        self._backend = backend
        self._reads = reads
        self._errands = errands
        self._references: dict[str, str] = {}
        self._unread: set[str] = set()
        self._gone: set[str] = set()

    async def look(
        self, references: Collection[str], executing: frozenset[str], *, strict: bool
    ) -> Found:
        """Find the jobs of these references. ``strict``: absence is to be proven, so that a
        job which Pika listed and no longer knows counts as one that was not compared.
        """
        if not strict:
            self._unread -= self._gone
            self._gone.clear()
        self._unread |= executing - self._references.keys()
        self._unread -= await jobs.know_pika_id(
            self._database, json.dumps(sorted(self._unread | executing))
        )
        reads = [
            errand
            for name in islice(sorted(self._unread), MOST_READS)
            for errand in self._errands.begin(("read", name), self._read, name)
        ]
        await self._errands.wait(reads)
        names = {ref: name for name, ref in self._references.items() if ref in references}
        return Found(names, complete=not self._unread)

    async def _read(self, name: str) -> None:
        try:
            async with self._reads:
                report = await self._backend.report(name)
        except Gone:
            self._gone.add(name)
            return
        except PikaError as error:
            log.info("%s cannot be read: %s", name, error)
            return
        self._unread.discard(name)
        if report.reply_ref is None:
            return  # nobody's: ours all carry one
        self._references[name] = report.reply_ref
        if len(self._references) > MOST_KNOWN:
            del self._references[next(iter(self._references))]
