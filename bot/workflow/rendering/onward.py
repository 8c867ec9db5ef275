"""Where a finished video goes next: to a moderator first, or to the member at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import aiosqlite

from bot.model import DeliveryKind, Job, JobState
from bot.rules import reviews as rule
from bot.rules.policy import Choices
from bot.store import choices, deliveries, jobs, reviews
from bot.store.database import within


async def hand_on(
    tx: aiosqlite.Connection, job: Job, path: Path, *, at: int, **changes: Any
) -> Job:
    """Move a job whose video is at ``path`` on, with the message that must be posted next.

    ``changes`` are columns written with the move. Raises ``StaleState``. Returns the job after it.
    """
    chosen = await _chosen(tx, job)
    why = rule.reason(chosen.look_at, job.mark)
    to = JobState.DELIVERING if why is None else JobState.REVIEWING
    moved = await jobs.move(
        tx, job.id, job.state, to, at=at, video_path=path, percent=100, **changes
    )
    if why is None:
        await deliveries.add(tx, moved, DeliveryKind.RESULT, at=at, chosen=chosen.result)
        return moved
    await reviews.begin(tx, moved, why, at)
    await deliveries.add(tx, moved, DeliveryKind.REVIEW, at=at, chosen=chosen.review)
    return await jobs.get_in(tx, job.id)


async def let_through(tx: aiosqlite.Connection, job_id: int, *, at: int) -> Job:
    """A moderator has looked at the video of this job, and it may be posted. Raises
    ``StaleState``. Returns the job after it.
    """
    moved = await jobs.move(tx, job_id, JobState.REVIEWING, JobState.DELIVERING, at=at)
    chosen = await _chosen(tx, moved)
    await deliveries.add(tx, moved, DeliveryKind.RESULT, at=at, chosen=chosen.result)
    return moved


async def _chosen(tx: aiosqlite.Connection, job: Job) -> Choices:
    return await within(tx, lambda sync: choices.read(sync, job.requester.guild_id))
