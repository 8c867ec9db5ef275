"""Jobs that were sent to Pika without a usable answer: found there, proven absent, or given up."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from bot.errors import StaleState
from bot.logs import about_job
from bot.model import Job, JobState, PikaReport, PikaStatus
from bot.pika.errors import AccountProblem, Gone, PikaError
from bot.store import jobs
from bot.workflow.rendering.errands import Errands
from bot.workflow.rendering.runner import Way
from bot.workflow.rendering.search import Search

log = logging.getLogger(__name__)

_UNKNOWN = frozenset({JobState.SUBMITTING, JobState.IN_DOUBT})

Settle = Callable[[Job, PikaReport], Awaitable[None]]


@dataclass(slots=True)
class _Watch:
    """When somebody first looked for a job, and until when it was certainly not there."""

    first: int
    absent_until: int


class Doubts:
    """Resolves doubts. ``settle`` acts on what Pika says of a job that was found."""

    def __init__(
        self,
        way: Way,
        search: Search,
        reads: asyncio.Semaphore,
        errands: Errands,
        settle: Settle,
        *,
        doubt_ms: int,
        stall_ms: int,
    ) -> None:
        self._way = way
        self._search = search
        self._reads = reads
        self._errands = errands
        self._settle = settle
        self._doubt_ms = doubt_ms
        self._stall_ms = stall_ms
        self._watches: dict[tuple[int, int], _Watch] = {}
        self._named: dict[int, str] = {}
        self._called: set[tuple[int, int]] = set()
        way.changes.listen(self._changed)

    def called(self, job: Job) -> None:
        """Somebody has called back about this attempt. Its reference is known to Pika alone, so
        it is not absent, whatever the list shows.
        """
        self._called.add((job.id, job.attempt))

    def _changed(self, job: Job) -> None:
        """What was noted of a job is forgotten when there is no doubt about it any more."""
        if job.state not in _UNKNOWN:
            attempt = job.id, job.attempt
            self._watches.pop(attempt, None)
            self._called.discard(attempt)
            self._named.pop(job.id, None)

    async def resolve(self, doubted: list[Job], executing: frozenset[str] | None) -> None:
        """Look for these jobs once; ``executing`` is Pika's list, ``None`` if it shows none."""
        left = await self._trace_again(doubted)
        blind_until: int | None = None
        if executing is not None and left:
            references = {job.reply_ref or "" for job in left}
            found = await self._search.look(references, executing)
            blind_until = found.blind_until
            left = [job for job in left if not await self._listed_one(job, found.names)]
        now = self._way.clock.now()
        for job in left:
            with about_job(job.id):
                try:
                    looked = blind_until is not None and _asked_at(job) > blind_until
                    await self._judge(job, now, looked=looked and job.id not in self._named)
                except StaleState:
                    log.info("was moved by somebody else")

    async def trace(self, job: Job, name: str) -> bool:
        """Somebody says that Pika calls this job so. Whether it is true: Pika's own answer must
        carry the reference of the job's attempt.
        """
        try:
            async with self._reads:
                report = await self._way.backend.report(name)
        except Gone:
            log.warning("a callback named a job that Pika does not know")
        except AccountProblem as error:
            self._way.gate.account_trouble(error.code)
            self._named[job.id] = name
            return False
        except PikaError as error:
            log.info("what a callback named cannot be read now: %s", error)
            self._named[job.id] = name
            return False
        else:
            if report.reply_ref == job.reply_ref:
                self._named.pop(job.id, None)
                await self._take(job, report)
                return True
            log.warning("a callback named a job that is not the one it was for")
        self._named.pop(job.id, None)
        return False

    async def _trace_again(self, doubted: list[Job]) -> list[Job]:
        """Read once more what callbacks named; the jobs that are in doubt after it."""
        begun = [
            errand
            for job in doubted
            if job.id in self._named
            for errand in self._errands.begin(("trace", job.id), self._trace_named, job)
        ]
        if not begun:
            return doubted
        await self._errands.wait(begun)
        left = {job.id for job in await jobs.in_state(self._way.database, JobState.IN_DOUBT)}
        return [job for job in doubted if job.id in left]

    async def _trace_named(self, job: Job) -> None:
        name = self._named.get(job.id)
        with about_job(job.id):
            if name is not None:
                await self.trace(job, name)

    async def _listed_one(self, job: Job, names: Mapping[str, str]) -> bool:
        name = names.get(job.reply_ref or "")
        if name is None:
            return False
        with about_job(job.id):
            await self._take(job, PikaReport(name, PikaStatus.WORKING, job.reply_ref))
        return True

    async def _take(self, job: Job, report: PikaReport) -> None:
        """Pika has it. Whatever was thought of it meanwhile: this is known."""
        log.warning("found at Pika as %s", report.pika_id)
        now: Job | None = job
        while now is not None and now.state in _UNKNOWN:
            thought, now = now.state, await self._way.settling.accepted(now, report)
            now = now or await jobs.get(self._way.database, job.id)
            if now is not None and now.state is thought:
                return  # the name is another job's
        working = report.status is PikaStatus.WORKING
        if now is not None and now.state is JobState.RENDERING and not working:
            await self._settle(now, report)

    async def _judge(self, job: Job, now: int, *, looked: bool) -> None:
        """Not found this time. Proven absent is what somebody looked for from the POST until the
        end of the grace time without a gap in which a video could have been made: it would
        have been listed. Whoever looks late, or missed a while, has proven nothing.
        """
        asked_at = _asked_at(job)
        waited = now - asked_at
        if not looked:
            if waited >= self._stall_ms:
                await self._give_up(job)
            return
        key = (job.id, job.attempt)
        watch = self._watches.setdefault(key, _Watch(first=now, absent_until=asked_at))
        if now - watch.absent_until <= self._doubt_ms // 2:
            watch.absent_until = now
        proven = watch.absent_until == now and waited >= self._doubt_ms and key not in self._called
        if proven and job.code != "untracked":
            log.warning("proven not to be at Pika: it may be sent again")
            await self._way.settling.absent(job)
        elif waited >= 2 * self._doubt_ms and now - watch.first >= self._doubt_ms:
            await self._give_up(job)

    async def _give_up(self, job: Job) -> None:
        await self._way.settling.fail(job, "unknown", job.code or "")


def _asked_at(job: Job) -> int:
    """When its POST was about to leave."""
    return job.submitted_at or job.created_at
