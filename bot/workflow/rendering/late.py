"""Jobs that were given up, and that Pika may finish after all."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from dataclasses import dataclass
from typing import Final

from bot.errors import MediaError, Unusable
from bot.logs import about_job
from bot.model import LATE_MS, Job, PikaStatus
from bot.pika.errors import AccountProblem, Gone, PikaError
from bot.store import jobs
from bot.workflow.rendering.errands import Errand, Errands
from bot.workflow.rendering.runner import Way
from bot.workflow.rendering.search import Search

log = logging.getLogger(__name__)


LATE_AT_ONCE: Final = 1
"""Jobs that were given up are read, and their videos fetched, one by one and in places of their
own: nobody waits for them, and they keep nobody's punctual video waiting."""


@dataclass(frozen=True, slots=True)
class _Named:
    """A job, and what somebody says that Pika calls it."""

    job: Job
    name: str


class Late:
    """Waits for videos that nobody waits for any more, for as long as ``may_come_late`` says.

    A job without a name of Pika's is searched for like a doubted one; a named one is read once it
    has left the list. The job stays failed until its video is on our disk.
    """

    def __init__(self, way: Way, search: Search, errands: Errands) -> None:
        self._way = way
        self._search = search
        self._reads = asyncio.Semaphore(LATE_AT_ONCE)
        self._fetches = asyncio.Semaphore(LATE_AT_ONCE)
        self._errands = errands
        self._hopeless: set[int] = set()
        self._named: dict[int, str] = {}  # by callbacks, and not read yet

    async def waiting(self) -> list[Job]:
        """The jobs whose video would still be welcome."""
        found = await jobs.given_up(self._way.database, self._way.clock.now() - LATE_MS)
        ids = {job.id for job in found}
        self._hopeless &= ids
        self._named = {job_id: name for job_id, name in self._named.items() if job_id in ids}
        return [job for job in found if job.id not in self._hopeless]

    async def look(self, waiting: list[Job], executing: frozenset[str] | None) -> list[Errand]:
        """Look for these jobs once; the reads that were begun."""
        at_work = executing or frozenset()
        named = [
            _Named(job, name)
            for job in waiting
            if (name := job.pika_id) is not None and name not in at_work
        ]
        nameless = [job for job in waiting if job.pika_id is None]
        named += [_Named(job, name) for job in nameless if (name := self._named.get(job.id))]
        by_reference = {
            job.reply_ref: job for job in nameless if job.reply_ref and job.id not in self._named
        }
        if executing is not None and by_reference:
            found = await self._search.look(by_reference.keys(), executing)
            for reference, name in found.names.items():
                job = by_reference[reference]
                await self._learn(job, name)
                if name not in at_work:
                    named.append(_Named(job, name))
        return [errand for one in named for errand in self._begin(one)]

    async def hint(self, job: Job, name: str | None, executing: frozenset[str] | None) -> None:
        """A callback came for this job, whose body named ``name``."""
        self._hopeless.discard(job.id)
        if job.pika_id is None and name is not None:
            self._named[job.id] = name
        await self._errands.wait(await self.look([job], executing))

    def _begin(self, one: _Named) -> list[Errand]:
        return self._errands.begin(("late", one.job.id), self._read, one)

    async def _read(self, one: _Named) -> None:
        job, name = one.job, one.name
        with about_job(job.id):
            try:
                async with self._reads:
                    report = await self._way.backend.report(name)
            except Gone:
                self._strike(one)
                return
            except AccountProblem as error:
                self._way.gate.account_trouble(error.code)
                return
            except PikaError as error:
                log.info("a job that was given up cannot be read now: %s", error)
                return
            if report.reply_ref != job.reply_ref and job.pika_id is None:
                log.warning("a callback named a job that is not the one it was for")
                self._named.pop(job.id, None)
                return
            if report.status is PikaStatus.WORKING:
                await self._learn(job, name)
            elif report.status is PikaStatus.COMPLETED and report.video_url is not None:
                await self._deliver(job, name, report.video_url)
            else:
                self._hopeless.add(job.id)

    def _strike(self, one: _Named) -> None:
        """Pika knows no such job: what a callback said is worth nothing, what it told us itself
        has no future.
        """
        if self._named.pop(one.job.id, None) is None:
            self._hopeless.add(one.job.id)

    async def _deliver(self, job: Job, name: str, url: str) -> None:
        try:
            async with self._fetches:
                await self._way.settling.late(job, url, name)
        except Unusable as error:
            log.warning("a late video cannot be used: %s", error)
            self._hopeless.add(job.id)
        except MediaError as error:
            log.info("a late video cannot be fetched now: %s", error)

    async def _learn(self, job: Job, name: str) -> None:
        """Pika has it under this name: from now on it is read by it."""
        if job.pika_id is not None:
            return
        log.warning("was given up, and is at Pika as %s", name)
        try:
            async with self._way.database.transaction() as tx:
                await jobs.learn_pika_id(tx, job.id, name)
        except sqlite3.IntegrityError:
            log.warning("%s is the name of another job", name)
            self._hopeless.add(job.id)
