"""Asking Pika how its jobs are: one list per round, one read per job that left it."""

from __future__ import annotations

import asyncio
import json
import logging

from bot.errors import Expired, JobNotFound, StaleState, Unreachable
from bot.logs import about_job
from bot.model import Job, JobState, PikaReport, PikaStatus
from bot.pika.errors import AccountProblem, Gone, PikaError, Unavailable
from bot.store import jobs
from bot.workflow.runner import Way

log = logging.getLogger(__name__)

READS_AT_ONCE = 4


class Poller:
    """Keeps rendering jobs moving and finds doubted ones again."""

    def __init__(
        self, way: Way, *, poll_seconds: float, stall_seconds: float, doubt_seconds: float
    ) -> None:
        self._way = way
        self._poll_seconds = poll_seconds
        self._stall_ms = int(stall_seconds * 1000)
        self._doubt_ms = int(doubt_seconds * 1000)
        self._reads = asyncio.Semaphore(READS_AT_ONCE)
        self._refs: dict[str, str] = {}  # references of listed jobs that were read
        self._unfetched: dict[int, int] = {}  # since when a finished video is not to be had
        self._looked: dict[int, int] = {}
        self._busy: set[int] = set()
        self._seen: dict[int, str] = {}

    async def run(self) -> None:
        """One round every poll interval until cancelled."""
        while True:
            await self._way.clock.sleep(self._poll_seconds)
            await self.round()

    async def round(self) -> None:
        """Look once at everything that is at Pika."""
        way = self._way
        open_jobs = await jobs.in_state(way.database, JobState.RENDERING, JobState.IN_DOUBT)
        if not open_jobs:
            self._refs.clear()
            return
        executing = await self._executing()
        doubted = [job for job in open_jobs if job.state is JobState.IN_DOUBT]
        if doubted:
            await self._resolve(doubted, executing)
        reads = [
            self._look(job)
            for job in open_jobs
            if job.state is JobState.RENDERING and self._must_read(job, executing)
        ]
        await asyncio.gather(*reads)

    async def hint(self, reply_ref: str) -> None:
        """Somebody says that the job of this reference changed: read it now.

        Raises ``JobNotFound`` when no job of ours carries the reference.
        """
        job = await jobs.by_reply_ref(self._way.database, reply_ref)
        if job is None:
            raise JobNotFound(0)
        if job.state is JobState.RENDERING:
            await self._look(job)
        elif job.state is JobState.IN_DOUBT:
            await self._resolve([job], await self._executing())

    async def _executing(self) -> frozenset[str] | None:
        """Names of the jobs Pika works on; ``None`` when it does not say."""
        try:
            names = await self._way.backend.executing()
        except AccountProblem as error:
            self._way.gate.account_trouble(error.code)
            return None
        except PikaError as error:
            log.info("no job list: %s", error)
            return None
        return names

    def _must_read(self, job: Job, executing: frozenset[str] | None) -> bool:
        if executing is None or job.pika_id not in executing or job.cancel_asked_at is not None:
            return True
        return self._silent_ms(job) >= self._stall_ms

    def _silent_ms(self, job: Job) -> int:
        return self._way.clock.now() - (job.progressed_at or job.created_at)

    async def _look(self, job: Job) -> None:
        """Read one rendering job and act on it; two looks at once are one."""
        if job.id in self._busy:
            return
        self._busy.add(job.id)
        try:
            with about_job(job.id):
                async with self._reads:
                    await self._read(job)
        except Exception:
            log.exception("job %d could not be looked at; the next round tries again", job.id)
        finally:
            self._busy.discard(job.id)

    async def _read(self, job: Job) -> None:
        report = await self._report(job)
        if report is None:
            return
        if report.status is PikaStatus.WORKING and await self._stalled(job, report):
            await self._way.settling.fail(job, "stalled", report.error or "")
            return
        await self._settle(job, report)

    async def _settle(self, job: Job, report: PikaReport) -> None:
        try:
            await self._way.settling.settle(job, report)
        except (Expired, Unreachable) as error:
            log.warning("the video cannot be fetched now: %s", error)
            now = self._way.clock.now()
            if now - self._unfetched.setdefault(job.id, now) < self._stall_ms:
                return
            await self._way.settling.fail(job, "video_unreachable", str(error))
        self._unfetched.pop(job.id, None)

    async def _report(self, job: Job) -> PikaReport | None:
        backend = self._way.backend
        name = job.pika_id or ""
        try:
            if job.cancel_asked_at is not None and (stopped := await self._stop(name)):
                return stopped
            return await backend.report(name)
        except Gone as error:
            await self._way.settling.fail(job, "gone", error.detail)
        except AccountProblem as error:
            self._way.gate.account_trouble(error.code)
        except PikaError as error:
            log.info("cannot be read now: %s", error)
            if self._silent_ms(job) >= 2 * self._stall_ms:
                await self._way.settling.fail(job, "stalled", error.detail)
        return None

    async def _stop(self, pika_id: str) -> PikaReport | None:
        """Ask Pika to stop; its answer if it has. Otherwise the job's own report tells more."""
        try:
            asked = await self._way.backend.cancel(pika_id)
        except Unavailable as error:
            log.info("cannot be cancelled now: %s", error)
            return None
        return asked if asked.status is PikaStatus.CANCELLED else None

    async def _stalled(self, job: Job, report: PikaReport) -> bool:
        """Whether nothing moved at Pika for the whole timeout. A job that is only listed
        shows no progress, so the first silent read starts the clock, the second one decides.
        """
        if self._silent_ms(job) < self._stall_ms:
            return False
        seen = f"{report.percent}/{report.updated}"
        if self._seen.get(job.id) == seen:
            del self._seen[job.id]
            return True
        self._seen[job.id] = seen
        await self._way.settling.alive(job)
        return False

    async def _resolve(self, doubted: list[Job], executing: frozenset[str] | None) -> None:
        """Find doubted jobs at Pika by their reference, or prove that they are not there."""
        listed = False
        if executing is not None:
            doubted, listed = await self._match(doubted, executing)
        now = self._way.clock.now()
        for job in doubted:
            with about_job(job.id):
                try:
                    await self._judge(job, now, listed=listed)
                except StaleState:
                    log.info("was moved by somebody else")

    async def _match(self, doubted: list[Job], executing: frozenset[str]) -> tuple[list[Job], bool]:
        """The jobs that were not found, and whether every listed job could be compared.

        A reference is remembered and not that it was nobody's: a job whose POST is on its way
        may be doubted later.
        """
        way = self._way
        ours = await jobs.know_pika_id(way.database, json.dumps(sorted(executing)))
        self._refs = {name: ref for name, ref in self._refs.items() if name in executing}
        by_ref = {job.reply_ref: job for job in doubted}
        compared = True
        for name in sorted(executing - ours):
            if name in self._refs and self._refs[name] not in by_ref:
                continue
            try:
                report = await way.backend.report(name)
            except PikaError as error:
                log.info("%s cannot be read: %s", name, error)
                compared = False  # it may be one of ours: nothing is proven in this round
                continue
            if report.reply_ref is None:
                continue
            self._refs[name] = report.reply_ref
            job = by_ref.pop(report.reply_ref, None)
            if job is None:
                continue
            self._looked.pop(job.id, None)
            with about_job(job.id):
                log.warning("found at Pika as %s", name)
                rendering = await way.settling.accepted(job, report)
                if rendering is not None and report.status is not PikaStatus.WORKING:
                    await self._settle(rendering, report)
        return list(by_ref.values()), compared

    async def _judge(self, job: Job, now: int, *, listed: bool) -> None:
        """Not found this time. Only somebody who looked soon after the POST, and again after
        the grace time, has proven that it is not there: a video takes longer than that, so
        it would have been listed. Looking later proves nothing.
        """
        waited = now - (job.submitted_at or job.created_at)
        if not listed:
            if waited >= self._stall_ms:
                await self._give_up(job)
            return
        first = self._looked.setdefault(job.id, now)
        soon = first - now + waited <= self._doubt_ms // 2
        if soon and waited >= self._doubt_ms and job.code != "untracked":
            del self._looked[job.id]
            log.warning("proven not to be at Pika: it may be sent again")
            await self._way.settling.absent(job)
        elif waited >= 2 * self._doubt_ms and now - first >= self._doubt_ms:
            await self._give_up(job)

    async def _give_up(self, job: Job) -> None:
        self._looked.pop(job.id, None)
        await self._way.settling.fail(job, "unknown", job.code or "")
