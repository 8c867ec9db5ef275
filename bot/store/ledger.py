"""Credits: set aside when a job is taken, charged or released once when it ends.

A released credit may be taken once more, when the job's video comes late. That is a new
reservation of today in all but its row, and by the same rules: only if it fits. A charged one is
given back where we have lost the video.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

import aiosqlite

from bot.errors import StaleState
from bot.model import Hold, Job
from bot.store.database import execute_rows, fetch


def hold(tx: sqlite3.Connection, jobs: Sequence[Job]) -> None:
    """Set aside what these new jobs cost."""
    execute_rows(
        tx,
        """
        INSERT INTO reservation (job_id, guild_id, user_id, channel_id, credits, held_at) (VALUES)
        """,
        [
            (
                job.id,
                job.requester.guild_id,
                job.requester.user_id,
                job.requester.parent_id or job.requester.channel_id,
                job.credits,
                job.created_at,
            )
            for job in jobs
        ],
    )


async def settle(tx: aiosqlite.Connection, job_id: int, to: Hold, at: int) -> None:
    """Charge or release what a job holds. Raises ``StaleState`` when it holds nothing."""
    rows = await fetch(
        tx,
        """
        UPDATE reservation SET state = :to, settled_at = :at
        WHERE job_id = :id AND state = 'held' RETURNING job_id
        """,
        {"id": job_id, "to": to, "at": at},
    )
    if not rows:
        raise StaleState(f"job {job_id} holds no credits")


async def give_back(tx: aiosqlite.Connection, job_id: int, at: int) -> None:
    """Release what was charged for a video that we have lost; what is released already stays so."""
    await fetch(
        tx,
        """
        UPDATE reservation SET state = :to, settled_at = :at
        WHERE job_id = :id AND state = 'charged'
        """,
        {"id": job_id, "to": Hold.RELEASED, "at": at},
    )


async def charge_late(tx: aiosqlite.Connection, job_id: int, left: int, now: int) -> Hold:
    """Charge what was released, now that there is a video after all, if it is no more than what
    is ``left``. What became of it: charged, or still released.

    From ``now`` on it counts in the windows, as a new job would: dated back it could make more
    than the limit of a window that is over.
    """
    rows = await fetch(
        tx,
        """
        UPDATE reservation SET state = :to, held_at = :now, settled_at = :now
        WHERE job_id = :id AND state = 'released' AND credits <= :left
        RETURNING state
        """,
        {"id": job_id, "to": Hold.CHARGED, "now": now, "left": left},
    )
    return Hold.CHARGED if rows else Hold.RELEASED
