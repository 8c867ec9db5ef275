"""What becomes of videos once they are posted: whoever asked for one may share it, and take it
away again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import aiosqlite

from bot.clock import Clock
from bot.errors import JobNotFound, NotAllowed, NothingHere, TooLate
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
    Requester,
)
from bot.rules.policy import Block
from bot.rules.quoting import code
from bot.rules.refusal import LONGEST_SHOWN
from bot.store import choices, deliveries, governing, jobs, removals
from bot.store.database import Database, within
from bot.workflow.changes import Changes


@dataclass(frozen=True, slots=True)
class Shared:
    """Where a video is being shared; ``again`` where that came to nothing before."""

    channel_id: int
    again: bool


class Videos:
    """What members do with their own videos."""

    def __init__(self, database: Database, clock: Clock, changes: Changes) -> None:
        self._database = database
        self._clock = clock
        self._changes = changes

    async def deletable(self, guild_id: int | None, user_id: int, job_id: int) -> bool:
        """Whether this is the member's own video, which they may delete. Raises ``TooLate`` where
        it is theirs, and gone.
        """
        job = await jobs.get(self._database, job_id)
        if job is None or not _owns(job, guild_id, user_id):
            return False
        refuse(job)
        return True

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

    async def share(
        self,
        guild_id: int | None,
        user_id: int,
        job_id: int,
        *,
        suits: Callable[[Requester, int], bool] = lambda _made, _showcase: True,
    ) -> Shared:
        """Post one's own video once more, in the server's showcase, if what was made where it was
        asked for ``suits`` that channel.

        Raises ``JobNotFound`` for a job that is not theirs here, ``TooLate`` when it is shared
        already or there is no posted video, and ``NotAllowed`` where the server has no showcase, or
        one that this does not suit, or has blocked them.
        """
        now = self._clock.now()
        async with self._database.transaction() as tx:
            job = await jobs.find_in(tx, job_id)
            if job is None or not _owns(job, guild_id, user_id):
                raise JobNotFound(job_id)
            refuse(job)
            if job.state is not JobState.DELIVERED:
                raise TooLate(f"The video of job {job_id} is not posted yet.")
            shared = (await deliveries.of_job_in(tx, job_id)).get(DeliveryKind.SHARE)
            if shared is not None and shared.state is not DeliveryState.UNDELIVERABLE:
                raise TooLate(f"You have shared this video already, in <#{shared.channel_id}>.")
            server = job.requester.guild_id
            block = await within(
                tx, lambda sync: governing.standing_block(sync, server, user_id, now)
            )
            if block is not None and block.active(now):
                raise NotAllowed("blocked", _blocked(block))
            showcase = (await within(tx, lambda sync: choices.read(sync, server))).showcase
            if showcase is None:
                raise NotAllowed(
                    "showcase",
                    "This server has no showcase: its moderators choose one with "
                    "`/moderate settings`.",
                )
            if not suits(job.requester, showcase):
                raise NotAllowed(
                    "age",
                    f"You have made this in an age-restricted channel, and <#{showcase}>, where "
                    "videos of this server are shared, is none.",
                )
            await within(
                tx, lambda sync: deliveries.want(sync, job_id, DeliveryKind.SHARE, showcase, now)
            )
        self._changes.tell(job)
        return Shared(showcase, again=shared is not None)


def _owns(job: Job, guild_id: int | None, user_id: int) -> bool:
    """Whether it is the member's, of this server; where there is none, in their direct messages,
    of any.
    """
    return job.requester.user_id == user_id and guild_id in {None, job.requester.guild_id}


def _blocked(block: Block) -> str:
    """Why nothing of theirs is shown: whoever may not ask for videos may not share any."""
    until = "" if block.until is None else f" until <t:{-(-block.until // 1000)}:f>"
    why = "" if block.reason is None else f" Reason: {code(block.reason, LONGEST_SHOWN)}."
    return f"You may neither ask for videos nor share any in this server{until}.{why}"


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
