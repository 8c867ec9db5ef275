"""What becomes of videos once they are made: whoever asked for one may take it away again."""

from __future__ import annotations

import aiosqlite

from bot.clock import Clock
from bot.errors import NothingHere, TooLate
from bot.model import (
    FINAL,
    REJECTED,
    REMOVED,
    UNDELIVERABLE,
    DeliveryKind,
    DeliveryState,
    Job,
    JobState,
    Removal,
)
from bot.store import deliveries, jobs, removals
from bot.store.database import Database
from bot.workflow.changes import Changes


class Videos:
    """What members do with their own videos."""

    def __init__(self, database: Database, clock: Clock, changes: Changes) -> None:
        self._database = database
        self._clock = clock
        self._changes = changes

    async def own(self, guild_id: int | None, user_id: int, job_id: int) -> Job | None:
        """The member's own job in this server, or any of theirs where there is no server: in their
        direct messages. ``None`` for any other.
        """
        job = await jobs.get(self._database, job_id)
        return job if job is not None and _owns(job, guild_id, user_id) else None

    async def delete(self, guild_id: int | None, user_id: int, job_id: int) -> Job:
        """Take one's own video away. Raises ``NothingHere`` for a job that is not theirs here, and
        ``TooLate``.
        """
        removal = Removal(user_id, self._clock.now())
        async with self._database.transaction() as tx:
            job = await jobs.find_in(tx, job_id)
            if job is None or not _owns(job, guild_id, user_id):
                raise NothingHere
            gone = await take_away(tx, job, removal)
        self._changes.tell(gone)
        return gone


def _owns(job: Job, guild_id: int | None, user_id: int) -> bool:
    return job.requester.user_id == user_id and guild_id in {None, job.requester.guild_id}


async def take_away(tx: aiosqlite.Connection, job: Job, removal: Removal) -> Job:
    """The wish that nothing is left of a job's video; the courier fulfils it. The job after it.

    A job whose video is still being posted ends with it. Who has not done it themselves is told,
    where the video was. Raises ``TooLate`` where there is no video to take away.
    """
    refuse(job)
    result = (await deliveries.of_job_in(tx, job.id)).get(DeliveryKind.RESULT)
    await removals.begin(tx, job.id, removal)
    if job.state is JobState.DELIVERING:
        await jobs.move(
            tx, job.id, JobState.DELIVERING, JobState.FAILED, at=removal.at, code=REMOVED
        )
    await deliveries.untrue(tx, job.id)
    if removal.actor_id != job.requester.user_id:
        was_there = result is not None and result.state is not DeliveryState.UNDELIVERABLE
        await deliveries.add(
            tx, job, DeliveryKind.REMOVAL, at=removal.at, beside=result if was_there else None
        )
    return await jobs.get_in(tx, job.id)


def refuse(job: Job) -> None:
    """Raise ``TooLate`` where a job has no video that could be taken away."""
    if job.removal is not None:
        raise TooLate(f"The video of job {job.id} is removed already.")
    if job.state is JobState.REVIEWING:
        raise TooLate(
            f"The video of job {job.id} is not posted yet: it waits in the review channel for a "
            "moderator. Reject it there."
        )
    if job.state not in FINAL | {JobState.DELIVERING}:
        raise TooLate(f"Job {job.id} has no video yet. `/moderate cancel` stops it.")
    if job.code == REJECTED:
        raise TooLate(f"The video of job {job.id} was rejected, and never posted.")
    if job.state in FINAL - {JobState.DELIVERED} and job.code != UNDELIVERABLE:
        raise TooLate(f"Job {job.id} has no video.")
