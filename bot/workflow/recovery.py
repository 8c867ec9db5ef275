"""Going on where the last process stopped, however it stopped."""

from __future__ import annotations

import asyncio
import json
import logging
import shutil
from collections.abc import Iterable
from pathlib import Path

from bot.clock import Clock
from bot.logs import about_job
from bot.model import Job, JobState
from bot.store import deliveries, jobs, logbook, review_messages
from bot.store.database import Database
from bot.workflow.delivery.courier import Courier
from bot.workflow.delivery.upkeep import STUCK_MS
from bot.workflow.estimate import Durations
from bot.workflow.outlook import Slots
from bot.workflow.queue import FairQueue

log = logging.getLogger(__name__)


async def recover(
    database: Database,
    clock: Clock,
    queue: FairQueue,
    slots: Slots,
    durations: Durations,
    courier: Courier,
) -> None:
    """Before any loop runs: fill the queue and the slots, and doubt what was being sent.

    A job found in ``submitting`` may or may not have reached Pika: it is asked about, never
    sent again on suspicion.
    """
    durations.fill(await jobs.durations(database, Durations.MOST))
    open_jobs = await jobs.unfinished(database)
    for job in open_jobs:
        with about_job(job.id):
            await _resume(database, clock, queue, slots, job)
        courier.touch(job.id)
    for job_id in await deliveries.untrue_cards(database, clock.now() - STUCK_MS):
        courier.touch(job_id)
    async with database.transaction() as tx:
        await review_messages.again(tx, clock.now())
        await review_messages.doubt(tx)
        await deliveries.due_now(tx, clock.now())
    await logbook.due_now(database, clock.now())
    for job_id in await review_messages.untrue(database, clock.now() - STUCK_MS):
        courier.touch(job_id)
    if open_jobs:
        log.info("goes on with %d unfinished jobs", len(open_jobs))


async def sweep(database: Database, pictures: Path, videos: Path) -> None:
    """Delete the files that no job needs; before any loop runs.

    A process that was killed leaves behind what it was fetching, encoding or about to delete.
    A half-made copy goes even where its job goes on: an encoder that has outlived its bot may
    still be writing to it.
    """
    found = await asyncio.to_thread(lambda: [*pictures.iterdir(), *videos.iterdir()])
    needed = await jobs.pictures_needed(database)
    owners = {path: job_of_file(path) for path in found if path.parent == videos}
    kept = await jobs.keep_videos(database, json.dumps(sorted(filter(None, owners.values()))))
    left = [path for path in found if str(path) not in needed and owners.get(path) not in kept]
    if left:
        await asyncio.to_thread(_delete, left)
        log.info("deleted %d files that an earlier run has left", len(left))


def job_of_file(path: Path) -> int | None:
    """The job of a video, ``7.mp4``, or of a smaller copy, ``7-25.mp4``; of no other file."""
    number, _, _ = path.stem.partition("-")
    return int(number) if number.isdecimal() and path.suffix != ".part" else None


def _delete(paths: Iterable[Path]) -> None:
    for path in paths:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


async def _resume(
    database: Database, clock: Clock, queue: FairQueue, slots: Slots, job: Job
) -> None:
    match job.state:
        case JobState.QUEUED:
            queue.add(job.id, job.requester)
        case JobState.SUBMITTING:
            async with database.transaction() as tx:
                await jobs.move(
                    tx,
                    job.id,
                    JobState.SUBMITTING,
                    JobState.IN_DOUBT,
                    at=clock.now(),
                    code="restarted",
                )
            slots.taken.add(job.id)
            log.warning("was being sent when the last process stopped: asking Pika")
        case JobState.IN_DOUBT | JobState.RENDERING:
            slots.taken.add(job.id)
        case _:
            pass
