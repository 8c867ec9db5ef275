"""What becomes of a job that Pika was asked for: one transaction per outcome."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import aiosqlite

from bot.clock import Clock
from bot.errors import StaleState, Unusable
from bot.media import VIDEO_LIMIT, check_video
from bot.model import (
    LATE,
    DeliveryKind,
    Hold,
    Job,
    JobState,
    PikaReport,
    PikaStatus,
    may_come_late,
)
from bot.rules.policy import Installation
from bot.store import deliveries, jobs, ledger
from bot.store.database import Database, within
from bot.workflow.changes import Changes
from bot.workflow.decisions import left_for_late
from bot.workflow.pictures import Fetches, Pictures
from bot.workflow.rendering.onward import hand_on
from bot.workflow.servers.strikes import strike

log = logging.getLogger(__name__)


class _Unwanted(Exception):
    """The member has asked to cancel the job whose video is here."""


@dataclass(frozen=True, slots=True)
class Settling:
    """Moves jobs on, with their credits and their messages.

    A job that somebody else moved meanwhile is left alone: the first one was right. A late video
    is charged by what the ``installation`` and its server have set.
    """

    database: Database
    clock: Clock
    fetcher: Fetches
    changes: Changes
    videos: Path
    installation: Installation
    _fetching: set[int] = field(default_factory=set, init=False)

    async def accepted(self, job: Job, report: PikaReport) -> Job | None:
        """Pika has the job. The job after it; ``None`` when it is not waiting for that."""
        now = self.clock.now()
        try:
            async with self.database.transaction() as tx:
                rendering = await jobs.move(
                    tx,
                    job.id,
                    job.state,
                    JobState.RENDERING,
                    at=now,
                    pika_id=report.pika_id,
                    progressed_at=now,
                    percent=report.percent,
                    code=None,
                )
        except StaleState:
            log.info("was moved by somebody else")
            return None
        except sqlite3.IntegrityError:
            log.exception("Pika gave us the name of another job, %s", report.pika_id)
            await self.doubt(job, "garbled")
            return None
        self.changes.tell(rendering)
        return rendering

    async def doubt(self, job: Job, code: str) -> None:
        """It was sent, and nobody knows the outcome."""
        if job.state is JobState.IN_DOUBT:
            return
        try:
            async with self.database.transaction() as tx:
                doubted = await jobs.move(
                    tx, job.id, job.state, JobState.IN_DOUBT, at=self.clock.now(), code=code
                )
        except StaleState:
            log.info("was moved by somebody else")
            return
        self.changes.tell(doubted)

    async def absent(self, job: Job) -> None:
        """A doubted job is proven not to be at Pika: it may be sent again."""
        async with self.database.transaction() as tx:
            queued = await jobs.move(
                tx,
                job.id,
                JobState.IN_DOUBT,
                JobState.QUEUED,
                at=self.clock.now(),
                submitted_at=None,
                code=None,
            )
        self.changes.tell(queued)
        if queued.cancel_asked_at is not None:
            await self.cancel_queued(queued)

    async def settle(self, job: Job, report: PikaReport) -> None:
        """Act on what Pika says of a rendering job. Raises ``MediaError`` but ``Unusable``
        when the video cannot be had now: the job stays as it is.
        """
        match report.status:
            case PikaStatus.WORKING:
                await self.progress(job, report)
            case PikaStatus.COMPLETED if job.cancel_asked_at is not None:
                await self._cancel(job, Hold.CHARGED, "finished_first")
            case PikaStatus.COMPLETED:
                await self._complete(job, report)
            case PikaStatus.CANCELLED if job.cancel_asked_at is not None:
                await self._cancel(job, Hold.RELEASED, "cancelled")
            case PikaStatus.CANCELLED:
                await self.fail(job, "cancelled_at_pika", report.error or "")
            case _:
                await self.fail(job, report.status, report.error or "")

    async def progress(self, job: Job, report: PikaReport) -> None:
        """Pika still works on it, and shows how far it is."""
        if report.percent is None or report.percent == job.percent:
            return
        async with self.database.transaction() as tx:
            now = self.clock.now()
            await jobs.show_progress(tx, job.id, at=now, percent=report.percent)
            seen = await jobs.get_in(tx, job.id)
        self.changes.tell(seen)

    async def alive(self, job: Job) -> None:
        """Pika works on it, as far as it lets us know: the stall clock starts anew."""
        async with self.database.transaction() as tx:
            await jobs.show_progress(tx, job.id, at=self.clock.now(), percent=None)

    async def fail(self, job: Job, code: str, detail: str) -> None:
        """No video: credits back, and a notice that says why."""
        try:
            async with self.database.transaction() as tx:
                now = self.clock.now()
                await ledger.settle(tx, job.id, Hold.RELEASED, now)
                failed = await jobs.move(
                    tx, job.id, job.state, JobState.FAILED, at=now, code=code, detail=detail[:300]
                )
                await deliveries.add(tx, failed, DeliveryKind.NOTICE, at=now)
                until = await within(tx, lambda sync: strike(sync, failed, now))
        except StaleState:
            log.info("was moved by somebody else")
            return
        log.info("failed: %s %s", code, detail)
        self._over(replace(failed, blocked_until=until))

    async def cancel_queued(self, job: Job, code: str = "cancelled") -> Job:
        """Out of the queue, credits back; ``code`` is why. Raises ``StaleState`` when it has left
        the queue.
        """
        return await self._move_to_cancelled(job, JobState.QUEUED, Hold.RELEASED, code)

    async def _cancel(self, job: Job, hold: Hold, code: str) -> None:
        try:
            await self._move_to_cancelled(job, JobState.RENDERING, hold, code)
        except StaleState:
            log.info("was moved by somebody else")

    async def _move_to_cancelled(self, job: Job, frm: JobState, hold: Hold, code: str) -> Job:
        async with self.database.transaction() as tx:
            now = self.clock.now()
            await ledger.settle(tx, job.id, hold, now)
            gone = await jobs.move(tx, job.id, frm, JobState.CANCELLED, at=now, code=code)
        log.info("cancelled, %s", hold)
        self._over(gone)
        return gone

    async def _complete(self, job: Job, report: PikaReport) -> None:
        """The video on our disk first, then the charge and the wish to deliver it."""
        if report.video_url is None:
            await self.fail(job, "no_video", "")
            return
        async with self._alone(job) as alone:
            # An answer may be read so late that another one has brought the video: a second fetch
            # would write over what is being posted, and be deleted as not wanted.
            if not alone or not await self._stands(job):
                return
            try:
                path = await self.fetch(job, report.video_url)
            except Unusable as error:
                await self.fail(job, "bad_video", str(error))
                return
            await self._keep(job, path)

    async def _keep(self, job: Job, path: Path) -> None:
        try:
            async with self.database.transaction() as tx:
                now = self.clock.now()
                await ledger.settle(tx, job.id, Hold.CHARGED, now)
                done = await hand_on(tx, job, path, at=now)
                if done.cancel_asked_at is not None:
                    raise _Unwanted
        except StaleState:
            log.info("was moved by somebody else")
            _delete(path)
            return
        except _Unwanted:  # asked while the video was fetched
            _delete(path)
            await self._cancel(job, Hold.CHARGED, "finished_first")
            return
        self._over(done)

    async def late(self, job: Job, url: str, pika_id: str) -> None:
        """Pika has finished a job that we had given up: it is delivered after all.

        Charged if the member has a credit left, free otherwise. The notice that there is no
        video is not sent any more, and the card is made true. Raises ``MediaError`` when the
        video cannot be had: now, or (``Unusable``) ever; the job stays as it is.
        """
        async with self._alone(job) as alone:
            # Before the fetch too: it must not take the place of a video that is kept.
            if not alone or not await self._welcome(job):
                return
            path = await self.fetch(job, url)
            try:
                async with self.database.transaction() as tx:
                    done = await self._bring_back(tx, job, path, pika_id)
            except (StaleState, sqlite3.IntegrityError) as error:
                log.warning("a late video is not delivered: %s", error)
                _delete(path)
                return
        log.warning("its video came late; its credit is %s", done.hold)
        self.changes.tell(done)

    async def _stands(self, job: Job) -> bool:
        now = await jobs.get(self.database, job.id)
        return now is not None and now.state is job.state

    async def _welcome(self, job: Job) -> bool:
        now = await jobs.get(self.database, job.id)
        return now is not None and may_come_late(now, self.clock.now())

    async def _bring_back(
        self, tx: aiosqlite.Connection, job: Job, path: Path, pika_id: str
    ) -> Job:
        now = self.clock.now()
        if not may_come_late(await jobs.get_in(tx, job.id), now):
            raise StaleState("it is no longer waited for")
        await hand_on(
            tx,
            job,
            path,
            at=now,
            pika_id=pika_id,
            code=LATE,
            detail=None,
            submitted_at=None,  # how long this took says nothing of how long others will take
        )
        left = await within(
            tx, lambda sync: left_for_late(sync, job.requester, self.installation, now)
        )
        await ledger.charge_late(tx, job.id, left, now)
        await deliveries.drop(tx, job.id, DeliveryKind.NOTICE)
        await deliveries.untrue(tx, job.id)
        return await jobs.get_in(tx, job.id)

    @asynccontextmanager
    async def _alone(self, job: Job) -> AsyncIterator[bool]:
        """Whether nobody else fetches this job's video: two would write the same file."""
        if job.id in self._fetching:
            yield False
            return
        self._fetching.add(job.id)
        try:
            yield True
        finally:
            self._fetching.discard(job.id)

    async def fetch(self, job: Job, url: str) -> Path:
        """The job's video on our disk, whatever its state. Raises ``MediaError``; nothing is left
        of an unusable one.
        """
        path = self.videos / f"{job.id}.mp4"
        try:
            got = await self.fetcher.fetch(url, path, limit=VIDEO_LIMIT)
            seen = await check_video(path)
        except Unusable:
            _delete(path)
            raise
        log.info("video of %d bytes, %.1f s", got.size, seen.seconds)
        return (
            path if seen.extension == path.suffix else path.rename(path.with_suffix(seen.extension))
        )

    def _over(self, job: Job) -> None:
        Pictures.forget(job.recipe)
        self.changes.tell(job)


def _delete(path: Path) -> None:
    path.unlink(missing_ok=True)
