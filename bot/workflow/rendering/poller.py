"""Asking Pika how its jobs are: one list per round, one read per job that left it."""

from __future__ import annotations

import asyncio
import logging
from contextlib import nullcontext
from functools import partial

from bot.errors import Expired, JobNotFound, NotStored, StorageTrouble, Unreachable
from bot.logs import about_job
from bot.model import Job, JobState, PikaReport, PikaStatus, may_come_late
from bot.pika.errors import AccountProblem, Gone, PikaError, Unavailable
from bot.store import jobs
from bot.workflow.rendering.doubts import Doubts
from bot.workflow.rendering.errands import Errand, Errands
from bot.workflow.rendering.late import Late
from bot.workflow.rendering.pace import Pace
from bot.workflow.rendering.runner import MOST_WAIT_MS, Way
from bot.workflow.rendering.search import Search

log = logging.getLogger(__name__)

READS_AT_ONCE = 4
FETCHES_AT_ONCE = 4

ROUND_SECONDS = 10.0
"""How long a round, or the reading after a callback, waits for what it has begun."""


class Poller:
    """Keeps rendering jobs moving, finds doubted ones again, and those that were given up."""

    def __init__(
        self, way: Way, *, poll_seconds: float, stall_seconds: float, doubt_seconds: float
    ) -> None:
        self._way = way
        self._poll_seconds = poll_seconds
        self._stall_ms = int(stall_seconds * 1000)
        self._reads = asyncio.Semaphore(READS_AT_ONCE)
        self._fetches = asyncio.Semaphore(FETCHES_AT_ONCE)
        self.errands = Errands(way.clock, ROUND_SECONDS)
        search = Search(way.database, way.clock, way.backend, self.errands)
        self._doubts = Doubts(
            way,
            search,
            self._reads,
            self.errands,
            self._settle,
            doubt_ms=int(doubt_seconds * 1000),
            stall_ms=self._stall_ms,
        )
        self._late = Late(way, search, self.errands)
        self.pace = Pace()
        # Whether it is our fault that a finished video is not to be had, and since when.
        self._unfetched: dict[int, tuple[bool, int]] = {}
        self._seen: dict[int, str] = {}
        self._account_works = (
            False  # Pika showed its list: who is refused one job, is so by that job
        )
        self._news: dict[int, str | None] = {}  # what callbacks called the jobs they were for
        self._early: dict[str, str | None] = {}  # callbacks before the answer to the POST
        way.changes.listen(self._changed)

    async def run(self) -> None:
        """One round every poll interval until cancelled; fewer while callbacks do its work."""
        while True:
            await self._way.clock.sleep(self._poll_seconds)
            await self._way.database.works()
            try:
                open_jobs, given_up = await self._open_jobs(), await self._late.waiting()
                if not self.pace.skip(open_jobs, self._unfetched.keys()):
                    await self._look_at(open_jobs, given_up)
            except StorageTrouble:
                log.debug("must wait for the storage")  # the database has told why
            except Exception:
                log.exception("a round went wrong; the next one looks at everything again")

    async def round(self) -> None:
        """Look once at everything that is at Pika, or may be; what nobody waits for included."""
        late = await self._look_at(await self._open_jobs(), await self._late.waiting())
        await self.errands.wait(late)

    async def stop(self) -> None:
        """Break off what is under way."""
        await self.errands.close()

    async def hint(self, reply_ref: str, pika_id: str | None = None) -> None:
        """Somebody says that the job of this reference changed, and perhaps what Pika calls it:
        read it now.

        Raises ``JobNotFound`` when no job of ours carries the reference.
        """
        # Noted before the job is looked up: the answer to its POST may come meanwhile.
        self._early[reply_ref] = pika_id
        job = None
        try:
            job = await jobs.by_reply_ref(self._way.database, reply_ref)
        finally:
            if job is None or job.state is not JobState.SUBMITTING:
                self._early.pop(reply_ref, None)
        if job is None:
            raise JobNotFound(0)
        await self.errands.wait(self._follow(job, pika_id))

    def _changed(self, job: Job) -> None:
        """A callback that came before the answer to the POST is followed right after it."""
        if job.reply_ref in self._early and job.state is not JobState.SUBMITTING:
            self._follow(job, self._early.pop(job.reply_ref))

    def _follow(self, job: Job, pika_id: str | None) -> list[Errand]:
        """Begin what a callback about this job is a reason for, or have it done once more."""
        self.pace.heard(job.id)
        self._news[job.id] = pika_id
        return self._attend_to(job)

    def _attend_to(self, job: Job) -> list[Errand]:
        return self.errands.begin(("job", job.id), self._attend, job)

    async def _attend(self, job: Job) -> None:
        """Read one job and act on it; once more as long as there was news meanwhile, as the
        answer on its way may be older.
        """
        current: Job | None = job
        while current is not None:
            pika_id = self._news.pop(job.id, None)
            with about_job(job.id):
                await self._act(current, pika_id)
            if job.id not in self._news:
                return
            current = await jobs.get(self._way.database, job.id)

    async def _act(self, job: Job, pika_id: str | None) -> None:
        match job.state:
            case JobState.RENDERING:
                await self._read(job)
            case JobState.SUBMITTING | JobState.IN_DOUBT:
                self._doubts.called(job)
                if pika_id is not None and await self._doubts.trace(job, pika_id):
                    return
                if job.state is JobState.IN_DOUBT:
                    await self._doubts.resolve([job], await self._executing())
            case JobState.FAILED if may_come_late(job, self._way.clock.now()):
                await self._late.hint(job, pika_id, await self._executing())
            case _:
                pass

    async def _open_jobs(self) -> list[Job]:
        return await jobs.in_state(self._way.database, JobState.RENDERING, JobState.IN_DOUBT)

    async def _look_at(self, open_jobs: list[Job], given_up: list[Job]) -> list[Errand]:
        """Look at all of them; what was begun for the sake of ``given_up``, and goes on beside."""
        if not open_jobs and not given_up:
            return []
        doubted = [job for job in open_jobs if job.state is JobState.IN_DOUBT]
        executing = await self._executing()
        begun = [
            errand
            for job in open_jobs
            if job.state is JobState.RENDERING and self._must_read(job, executing)
            for errand in self._attend_to(job)
        ]
        if doubted:
            await self._doubts.resolve(doubted, executing)
        await self.errands.wait(begun)
        look = partial(self._look_late, executing=executing)
        return self.errands.begin(("late", "look"), look, given_up) if given_up else []

    async def _look_late(self, given_up: list[Job], *, executing: frozenset[str] | None) -> None:
        await self.errands.wait(await self._late.look(given_up, executing))

    async def _executing(self) -> frozenset[str] | None:
        """Names of the jobs Pika works on; ``None`` when it does not say."""
        try:
            names = await self._way.backend.executing()
        except AccountProblem as error:
            self._account_works = False
            self._way.gate.account_trouble(error.code)
            return None
        except PikaError as error:
            self._account_works = False
            log.info("no job list: %s", error)
            return None
        self._account_works = True
        return names

    def _must_read(self, job: Job, executing: frozenset[str] | None) -> bool:
        if executing is None or job.pika_id not in executing or job.cancel_asked_at is not None:
            return True
        return self._silent_ms(job) >= self._stall_ms

    def _silent_ms(self, job: Job) -> int:
        return self._way.clock.now() - (job.progressed_at or job.created_at)

    async def _read(self, job: Job) -> None:
        async with self._reads:
            report = await self._report(job)
        if report is None:
            return
        if report.status is PikaStatus.WORKING and await self._stalled(job, report):
            await self._way.settling.fail(job, "stalled", report.error or "")
            return
        await self._settle(job, report)

    async def _settle(self, job: Job, report: PikaReport) -> None:
        if report.status in {PikaStatus.COMPLETED, PikaStatus.FAILED}:
            self.pace.ended(job.id)
        try:
            async with self._fetches if report.video_url else nullcontext():
                await self._way.settling.settle(job, report)
        except (Expired, Unreachable, NotStored) as error:
            ours = isinstance(error, NotStored)  # of which the operator was told
            log.log(logging.INFO if ours else logging.WARNING, "cannot be fetched now: %s", error)
            now = self._way.clock.now()
            whose, since = self._unfetched.get(job.id, (ours, now))
            if whose is not ours:  # each has its own patience
                since = now
            self._unfetched[job.id] = ours, since
            if now - since < (MOST_WAIT_MS if ours else self._stall_ms):
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
        except PikaError as error:
            if isinstance(error, AccountProblem) and not self._account_works:
                self._way.gate.account_trouble(error.code)
                return None
            log.info("cannot be read now: %s", error)
            if self._silent_ms(job) >= 2 * self._stall_ms:
                await self._way.settling.fail(job, "stalled", error.detail)
        return None

    async def _stop(self, pika_id: str) -> PikaReport | None:
        """Ask Pika to stop; its answer if it has. Otherwise the job's own report tells more."""
        try:
            asked = await self._way.backend.cancel(pika_id)
        except (Gone, Unavailable) as error:  # of what is over, Pika may say that there is none
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
