"""Videos that moderators look at before they are posted: each is decided once."""

from __future__ import annotations

import aiosqlite

from bot.model import Job, Mark
from bot.store.database import fetch


async def begin(tx: aiosqlite.Connection, job: Job, why: Mark, at: int) -> None:
    """The job's video waits for a moderator from now on."""
    await fetch(
        tx,
        """
        INSERT INTO review (job_id, guild_id, why, asked_at)
        VALUES (:job_id, :guild_id, :why, :at)
        """,
        {"job_id": job.id, "guild_id": job.requester.guild_id, "why": why, "at": at},
    )
