"""Bringing back a video that is no longer on our disk: from the message it was posted in, or from
Pika, while Pika has it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from logging import ERROR, INFO, WARNING
from pathlib import Path
from typing import Final

import aiosqlite

from bot.clock import Clock
from bot.errors import Denied, MediaError, TryLater, Unusable
from bot.model import (
    LATE_MS,
    LOST,
    VIDEO_HERE,
    Delivery,
    DeliveryKind,
    DeliveryState,
    Job,
    JobState,
    PikaReport,
    PikaStatus,
    Verdict,
)
from bot.pika.backend import Backend
from bot.pika.errors import Gone, PikaError
from bot.store import deliveries, jobs, ledger, review_messages, reviews
from bot.store.audit import THE_BOT, Act
from bot.store.database import Database, within
from bot.workflow.changes import Changes
from bot.workflow.delivery.messenger import Messenger

log = logging.getLogger(__name__)

PAUSE: Final = 60.0
PATIENCE_MS: Final = LATE_MS
"""How often, and for how long, Pika is asked for a video that it cannot give now: its links live
about as long."""

AT_ONCE: Final = 2
"""Videos that are fetched again at the same time. Not among the places of new ones: a disk that
has lost them all keeps nobody else's video waiting."""

BUSY_PAUSE: Final = 10.0
"""Seconds after which one asks again that found no place: whoever waited for one would wait in
the courier's places, which are everybody's."""

LOST_IN_REVIEW: Final = "the video was lost, and Pika no longer has it"
"""Why the bot itself rejects a video that waited for a moderator."""

Fetch = Callable[[Job, str], Awaitable[Path]]


class Restoring:
    """Fetches videos again, or says that they are lost. ``fetch`` gets a job's video from an
    address and raises ``MediaError``.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        backend: Backend,
        messenger: Messenger,
        fetch: Fetch,
        changes: Changes,
    ) -> None:
        self._database = database
        self._clock = clock
        self._backend = backend
        self._messenger = messenger
        self._fetch = fetch
        self._changes = changes
        self._places = asyncio.Semaphore(AT_ONCE)
        self._since: dict[int, int] = {}  # job -> when its video was first asked for again

    async def bring_back(self, job: Job, delivery: Delivery) -> None:
        """Make the message due with its video, or give it up without. Raises ``TryLater`` while
        somebody may still have the video, and cannot be asked, or others are being fetched.

        One that was posted is ours no longer, and hangs on its message. One that nobody wants any
        more does not stay.
        """
        if self._places.locked():
            raise TryLater(BUSY_PAUSE, "after its video, which is missing: others are fetched now")
        posted = job.state is JobState.DELIVERED
        unusual, bad = (INFO, INFO) if posted else (WARNING, ERROR)
        log.log(unusual, "its video is not on our disk: asking for it")
        try:
            async with self._places:
                path = await (self._from_message(job) if posted else self._from_pika(job))
        except (Gone, Unusable, Denied) as error:
            log.log(bad, "its video is lost: %s", error)
            await self._lose(job, delivery)
        except (PikaError, MediaError) as error:
            now = self._clock.now()
            if now - self._since.setdefault(job.id, now) < PATIENCE_MS:
                raise TryLater(PAUSE, f"after its video, which is missing: {error}") from error
            log.log(bad, "its video is lost, as nobody can be asked for it: %s", error)
            await self._lose(job, delivery)
        else:
            log.log(unusual, "its video is here again")
            async with self._database.transaction() as tx:
                needed = await jobs.needs_video(tx, job.id)
                await jobs.video_is_at(tx, job.id, path)
                await deliveries.postpone(tx, delivery, self._clock.now())
            if not needed:  # rejected, or taken away, while it was fetched
                path.unlink(missing_ok=True)
        self._since.pop(job.id, None)

    async def _from_message(self, job: Job) -> Path:
        """Raises ``Gone`` where the message has no video, or is none any more."""
        result = (await deliveries.of_job(self._database, job.id)).get(DeliveryKind.RESULT)
        if result is None or result.state is not DeliveryState.SENT:
            raise Gone("the message with it is gone")
        address = await self._messenger.video_of(job, result)
        if address is None:
            raise Gone("there is none on its message")
        return await self._fetch(job, address)

    async def _from_pika(self, job: Job) -> Path:
        report = await self._backend.report(job.pika_id or "")
        return await self._fetch(job, _address(report))

    async def _lose(self, job: Job, delivery: Delivery) -> None:
        """The message will never be. A job that ends with it is not charged: it has no video."""
        now, failed = self._clock.now(), None
        async with self._database.transaction() as tx:
            await deliveries.give_up(tx, delivery, 0)
            if job.state in VIDEO_HERE:
                failed = await jobs.move(tx, job.id, job.state, JobState.FAILED, at=now, code=LOST)
                await ledger.give_back(tx, job.id, now)
                if job.state is JobState.REVIEWING:
                    await _end_review(tx, job, now)
                await deliveries.add(tx, failed, DeliveryKind.NOTICE, at=now)
                failed = await jobs.get_in(tx, job.id)
        if failed is not None:
            self._changes.tell(failed)


async def _end_review(tx: aiosqlite.Connection, job: Job, now: int) -> None:
    """There is nothing left to decide about: nobody waits for it, and its message says so."""
    act = Act(job.requester.guild_id, THE_BOT, now)
    await within(
        tx, lambda sync: reviews.decide(sync, act, job.id, Verdict.REJECTED, LOST_IN_REVIEW)
    )
    await review_messages.drop(tx, job.id)


def _address(report: PikaReport) -> str:
    """Where Pika has the video. Raises ``Gone`` where it has none (any more)."""
    if report.status is not PikaStatus.COMPLETED or report.video_url is None:
        raise Gone(f"Pika calls the job {report.status}, without a video")
    return report.video_url
