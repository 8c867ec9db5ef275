"""Deciding about videos that wait: each once, by whoever was first, in one transaction.

Every decision is an act in the moderator's own server. It raises ``NothingHere`` for a video that
does not wait there and never did, and ``TooLate`` for one that is decided, which says by whom.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Final

import aiosqlite

from bot.clock import Clock
from bot.errors import NothingHere, TooLate
from bot.logs import about_job
from bot.model import REJECTED, DeliveryKind, Job, JobState, Verdict
from bot.store import deliveries, governing, jobs, review_messages, reviews
from bot.store.audit import THE_BOT, Act, AuditEntry
from bot.store.database import Database, within
from bot.workflow.changes import Changes
from bot.workflow.moderation import options
from bot.workflow.moderation.governing import Moderator
from bot.workflow.rendering.onward import let_through
from bot.workflow.servers.rounds import Rounds

log = logging.getLogger(__name__)

WAIT_DAYS: Final = 7
"""How long a video waits for a decision."""

NOBODY_DECIDED: Final = f"no moderator decided within {WAIT_DAYS} days"

LOOK_SECONDS: Final = 60.0
"""How often it is looked for videos that have waited for too long."""

_WAIT_MS: Final = WAIT_DAYS * 24 * 3_600_000


@dataclass(frozen=True, slots=True)
class Blocked:
    """A video is rejected and its member blocked; ``block`` is ``None`` where that was so."""

    review: AuditEntry
    block: AuditEntry | None


class Reviews:
    """Lets videos through, or not. ``forget`` deletes the files of a job, and never raises."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        changes: Changes,
        forget: Callable[[Job], None],
    ) -> None:
        self._database = database
        self._clock = clock
        self._changes = changes
        self._forget = forget

    async def check(self, by: Moderator, job_id: int) -> None:
        """Raise what a decision would raise now."""
        job = await jobs.get(self._database, job_id)
        if job is None or job.review is None or job.requester.guild_id != by.guild_id:
            raise NothingHere
        if job.review.verdict is not None:
            raise TooLate(_decided(job))

    async def approve(self, by: Moderator, job_id: int) -> AuditEntry:
        """Post the video where it was asked for."""
        act = self._act(by)
        async with self._database.transaction() as tx:
            entry = await self._decide(tx, act, job_id, Verdict.APPROVED)
            job = await let_through(tx, job_id, at=act.at)
        self._over(job)
        return entry

    async def reject(self, by: Moderator, job_id: int, reason: str | None) -> AuditEntry:
        """Do not post it, and tell the member so; the credit stays spent, as Pika made it."""
        act, why = self._act(by), options.words(reason)
        async with self._database.transaction() as tx:
            entry = await self._decide(tx, act, job_id, Verdict.REJECTED, why)
            job = await self._refuse(tx, act, job_id, why)
        self._over(job)
        return entry

    async def block(
        self, by: Moderator, job_id: int, reason: str | None, hours: float | None
    ) -> Blocked:
        """Reject the video and block whoever asked for it, with the same reason, or neither."""
        act, why = self._act(by), options.words(reason)
        until = options.end(hours, act.at)
        async with self._database.transaction() as tx:
            entry = await self._decide(tx, act, job_id, Verdict.REJECTED, why)
            job = await self._refuse(tx, act, job_id, why)
            user_id = job.requester.user_id
            change = partial(governing.block, act=act, user_id=user_id, reason=why, until=until)
            block = await within(tx, change)
        self._over(job)
        return Blocked(entry, block)

    async def expire(self) -> None:
        """Reject what nobody has decided about for too long."""
        now = self._clock.now()
        for guild_id, job_id in await reviews.overdue(self._database, now - _WAIT_MS):
            with suppress(NothingHere, TooLate), about_job(job_id):  # decided just now
                await self.reject(Moderator(guild_id, THE_BOT), job_id, NOBODY_DECIDED)
                log.warning("rejected: %s", NOBODY_DECIDED)

    async def run(self) -> None:
        """Expire what is due, now and then, until cancelled; whatever goes wrong with it once."""
        await Rounds(self._database, self._clock, "reviews", LOOK_SECONDS, self.expire).run()

    def _act(self, by: Moderator) -> Act:
        return Act(by.guild_id, by.user_id, self._clock.now())

    async def _decide(
        self,
        tx: aiosqlite.Connection,
        act: Act,
        job_id: int,
        verdict: Verdict,
        reason: str | None = None,
    ) -> AuditEntry:
        """Write the decision down, first of all."""
        entry = await within(tx, lambda sync: reviews.decide(sync, act, job_id, verdict, reason))
        if entry is None:
            await self.check(Moderator(act.guild_id, act.actor_id), job_id)
            raise NothingHere
        await review_messages.drop(tx, job_id)
        return entry

    async def _refuse(
        self, tx: aiosqlite.Connection, act: Act, job_id: int, reason: str | None
    ) -> Job:
        job = await jobs.move(
            tx, job_id, JobState.REVIEWING, JobState.FAILED, at=act.at, code=REJECTED, detail=reason
        )
        await deliveries.anew(tx, job, DeliveryKind.NOTICE, at=act.at)
        return job

    def _over(self, job: Job) -> None:
        if job.state is JobState.FAILED:
            self._forget(job)
        self._changes.tell(job)


def _decided(job: Job) -> str:
    """That a video is decided about already, and by whom."""
    review = job.review
    assert review is not None
    what = "approved" if review.verdict is Verdict.APPROVED else "rejected"
    why = f": {review.reason}" if review.reason else ""
    who = f"by <@{review.decided_by}>" if review.decided_by else f"by itself{why}"
    return f"Job {job.id} was {what} <t:{(review.decided_at or 0) // 1000}:R> {who}."
