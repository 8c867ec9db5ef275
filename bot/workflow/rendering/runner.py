"""Sending jobs to Pika: one POST per attempt, and what each answer means."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial

from bot.clock import Clock
from bot.errors import (
    BadRecipe,
    MediaError,
    NotStored,
    StaleState,
    StorageTrouble,
    Unreachable,
)
from bot.logs import about_job
from bot.model import Job, JobState, PikaReport, PikaStatus, Recipe
from bot.pika.backend import Backend
from bot.pika.errors import AccountProblem, Busy, Gone, NoAnswer, NotSent, PikaError, Refused
from bot.store import jobs
from bot.store.database import Database
from bot.workflow.changes import Changes
from bot.workflow.outlook import Slots
from bot.workflow.pictures import Pictures, missing
from bot.workflow.queue import FairQueue
from bot.workflow.rendering.gate import Gate
from bot.workflow.rendering.settling import Settling

log = logging.getLogger(__name__)

MOST_WAIT_MS = 24 * 3_600_000
"""How long a job may meet a Pika that takes nothing before it fails for good. By age and not
by attempts, as back-pressure is not the job's fault."""


@dataclass(frozen=True, slots=True)
class Way:
    """What the runner needs; put together by ``bot.app``."""

    database: Database
    clock: Clock
    backend: Backend
    pictures: Pictures
    queue: FairQueue
    slots: Slots
    gate: Gate
    settling: Settling
    changes: Changes
    reply_url: Callable[[str], str | None]


class Runner:
    """Takes jobs from the queue while slots are free."""

    def __init__(self, way: Way) -> None:
        self._way = way
        self._wake = asyncio.Event()
        self._sending: set[asyncio.Task[None]] = set()
        self._stopping = False
        way.changes.listen(self._changed)
        way.queue.on_release(self.wake)

    def wake(self) -> None:
        """Something changed that may let a job go."""
        self._wake.set()

    async def run(self) -> None:
        """Submit jobs until cancelled."""
        while True:
            self._wake.clear()
            await self._way.database.works()
            wait = self._way.gate.wait_seconds()
            if wait == 0 and not await self._account_ready():
                continue
            while wait == 0 and self._may_start():
                job_id = self._way.queue.pop()
                if job_id is None:
                    break
                self._way.slots.taken.add(job_id)
                self._start(job_id)
                wait = self._way.gate.wait_seconds()
            await self._rest(wait)

    def _may_start(self) -> bool:
        """Whether one more may be sent. After account trouble one tries for all."""
        if self._stopping or (self._sending and self._way.gate.trouble is not None):
            return False
        return self._way.slots.free > 0

    async def stop(self, seconds: float) -> None:
        """Begin no more submits; give those on their way ``seconds`` to be answered."""
        self._stopping = True
        if self._sending:
            await asyncio.wait(self._sending, timeout=seconds)
        for task in self._sending:
            task.cancel()
        await asyncio.gather(*self._sending, return_exceptions=True)

    async def _rest(self, seconds: float) -> None:
        """Until something changes, or until the gate may open."""
        if seconds == 0:
            await self._wake.wait()
        else:
            await self._way.clock.sleep(seconds)

    async def _account_ready(self) -> bool:
        """With account trouble, ask for something free before a job is risked. The job list
        is refused to whom a video would be refused; the account can be read without paying.
        """
        gate = self._way.gate
        if gate.trouble is None:
            return True
        try:
            await self._way.backend.executing()
        except AccountProblem as error:
            gate.account_trouble(error.code)
            return False
        except Gone:
            return True  # no such list, but the account may ask for it
        except PikaError as error:
            log.info("the account cannot be read yet: %s", error)
            gate.busy(None)
            return False
        return True

    def _start(self, job_id: int) -> None:
        task = asyncio.create_task(self._guarded(job_id), name=f"submit {job_id}")
        self._sending.add(task)
        task.add_done_callback(self._sent)

    def _sent(self, task: asyncio.Task[None]) -> None:
        self._sending.discard(task)
        self.wake()

    async def _guarded(self, job_id: int) -> None:
        """One attempt; after an accident of ours the job is neither lost nor sent again."""
        with about_job(job_id):
            try:
                await self._submit(job_id)
                return
            except StorageTrouble:
                log.info("a submit must wait for the storage")  # the database has told why
            except Exception:
                log.exception("a submit went wrong on our side")
            await self._way.database.insist(partial(self._after_accident, job_id))

    async def _after_accident(self, job_id: int) -> None:
        job = await jobs.get(self._way.database, job_id)
        if job is None:
            return
        if job.state is JobState.SUBMITTING:
            await self._way.settling.doubt(job, "accident")
        else:
            self._way.gate.busy(None)
            self._changed(job)

    def _changed(self, job: Job) -> None:
        """Keep the queue and the slots what the database says they are."""
        if job.state not in _AT_PIKA:
            self._way.slots.taken.discard(job.id)
        if job.state is JobState.QUEUED:
            self._way.queue.restore(job.id, job.requester.guild_id)
        else:
            self._way.queue.remove(job.id)
        self._wake.set()

    async def _submit(self, job_id: int) -> None:
        job = await jobs.get(self._way.database, job_id)
        if job is None or job.state is not JobState.QUEUED:
            self._way.slots.taken.discard(job_id)
            self.wake()
            return
        if job.cancel_asked_at is not None:  # asked while it was thought to be at Pika
            with suppress(StaleState):  # whoever found that it is not there was first
                await self._way.settling.cancel_queued(job)
            self._way.slots.taken.discard(job_id)
            return
        ready = await self._with_pictures(job)
        if ready is None:
            return
        try:
            claimed = await self._claim(ready)
        except StaleState:  # cancelled while its picture was fetched
            self._way.pictures.forget(ready.recipe)
            self._way.slots.taken.discard(job_id)
            self.wake()
            return
        await self._send(claimed)

    async def _with_pictures(self, job: Job) -> Job | None:
        """The job with its pictures on disk; ``None`` when it has failed for want of one."""
        todo = list(missing(job.recipe))
        if not todo:
            return job
        try:
            recipe = await self._complete(job)
        except MediaError as error:
            await self._way.settling.fail(job, "bad_picture", str(error))
            return None
        async with self._way.database.transaction() as tx:
            for role, _ in todo:
                have = recipe.image if role == "image" else recipe.message_image
                if have is not None:
                    await jobs.keep_picture(tx, job.id, role, have)
        return replace(job, recipe=recipe)

    async def _complete(self, job: Job) -> Recipe:
        """The recipe with its pictures. Raises ``MediaError`` once trying again is no use."""
        pauses = iter(_PICTURE_PAUSES)
        while True:
            try:
                return await self._way.pictures.complete(job.requester.request_key, job.recipe)
            except NotStored:  # our fault, and the operator knows: it waits, within limits
                if self._way.clock.now() - job.created_at > MOST_WAIT_MS:
                    raise
                pause = _ROOM_PAUSE
            except Unreachable as error:
                log.warning("the picture cannot be fetched now: %s", error)
                pause = next(pauses, 0.0)
                if not pause:
                    raise
            await self._way.clock.sleep(pause)

    async def _claim(self, job: Job) -> Job:
        """Write down that a POST is about to leave, before it leaves."""
        now = self._way.clock.now()
        async with self._way.database.transaction() as tx:
            claimed = await jobs.move(
                tx,
                job.id,
                JobState.QUEUED,
                JobState.SUBMITTING,
                at=now,
                attempt=job.attempt + 1,
                reply_ref=secrets.token_urlsafe(24),
                submitted_at=now,
                progressed_at=now,
            )
        self._way.changes.tell(claimed)
        return claimed

    async def _send(self, job: Job) -> None:
        """The POST, and what came of it: known here alone until it is written down."""
        await self._way.database.insist(await self._post(job))

    async def _post(self, job: Job) -> Callable[[], Awaitable[None]]:
        """Send it once; what must be written down now."""
        reply_ref = job.reply_ref or ""
        settling, gate = self._way.settling, self._way.gate
        try:
            report = await self._way.backend.submit(
                job.recipe, reply_ref=reply_ref, reply_url=self._way.reply_url(reply_ref)
            )
        except BadRecipe as error:
            return partial(settling.fail, job, "refused", str(error))
        except NotSent as error:
            log.warning("did not reach Pika: %s", error)
            return partial(self._again, job, gate.busy(None))
        except Busy as error:
            seconds = gate.busy(error.retry_after)
            log.info("Pika is busy (%s), again in %.1f s", error.code, seconds)
            return partial(self._again, job, seconds)
        except AccountProblem as error:
            gate.account_trouble(error.code)
            if error.may_be_taken:
                return partial(settling.doubt, job, error.code)
            return partial(self._again, job, gate.wait_seconds())
        except Refused as error:
            gate.account_works()
            log.info("Pika refused: %s", error)
            return partial(settling.fail, job, error.code, error.detail)
        except NoAnswer as error:
            log.warning("nobody knows whether Pika took it: %s", error)
            return partial(settling.doubt, job, error.code)
        gate.account_works()
        return partial(self._accepted, job, report)

    async def _accepted(self, job: Job, report: PikaReport) -> None:
        rendering = await self._way.settling.accepted(job, report)
        if rendering is None:
            return
        log.info("taken by Pika as %s", report.pika_id)
        if report.status is not PikaStatus.WORKING:
            try:
                await self._way.settling.settle(rendering, report)
            except (StorageTrouble, MediaError) as error:
                log.info("left to the next look at Pika: %s", error)

    async def _again(self, job: Job, seconds: float) -> None:
        """Certainly not taken: back to its place."""
        now = self._way.clock.now()
        if now - job.created_at > MOST_WAIT_MS:
            await self._way.settling.fail(job, "gave_up", f"{job.attempt} attempts")
            return
        try:
            async with self._way.database.transaction() as tx:
                queued = await jobs.move(
                    tx, job.id, JobState.SUBMITTING, JobState.QUEUED, at=now, submitted_at=None
                )
        except StaleState:
            log.warning("Pika has it, whatever it answered: a callback has shown so")
            return
        log.info("waits %.1f s in its place", seconds)
        self._way.changes.tell(queued)
        if queued.cancel_asked_at is not None:
            with suppress(StorageTrouble):  # then it is cancelled when its turn comes
                await self._way.settling.cancel_queued(queued)


_AT_PIKA = frozenset({JobState.SUBMITTING, JobState.IN_DOUBT, JobState.RENDERING})
_PICTURE_PAUSES = (1.0, 3.0, 10.0)
"""Seconds between tries to fetch a picture whose host does not answer."""

_ROOM_PAUSE = 15.0
"""Seconds between tries to store a picture for which the disk has no room."""
