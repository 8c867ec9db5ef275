"""Videos that moderators look at before they are posted: each is decided once."""

from __future__ import annotations

import sqlite3

import aiosqlite

from bot.model import Job, Mark, Verdict
from bot.store import audit
from bot.store.audit import Act, AuditEntry
from bot.store.database import Database, fetch


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


def decide(
    tx: sqlite3.Connection, act: Act, job_id: int, verdict: Verdict, reason: str | None = None
) -> AuditEntry | None:
    """Write down what is decided about a video of the act's server, with the entry.

    ``None`` when nothing is written: no video of this job waits there, or not any more.
    """
    row = tx.execute(
        """
        UPDATE review SET verdict = :verdict, decided_at = :at, decided_by = :actor_id,
                          reason = :reason
        WHERE job_id = :job_id AND guild_id = :guild_id AND verdict IS NULL
        RETURNING job_id
        """,
        {
            "job_id": job_id,
            "guild_id": act.guild_id,
            "verdict": verdict,
            "at": act.at,
            "actor_id": act.actor_id,
            "reason": reason,
        },
    ).fetchone()
    if row is None:
        return None
    after = {"verdict": str(verdict)} | ({"reason": reason} if reason else {})
    return audit.append(tx, act, "review", "job", job_id, None, after)


def waiting(tx: sqlite3.Connection, guild_id: int) -> int:
    """How many videos of this server wait for a decision."""
    (count,) = tx.execute(
        "SELECT count(*) FROM review WHERE guild_id = ? AND verdict IS NULL", (guild_id,)
    ).fetchone()
    return int(count)


async def overdue(database: Database, since: int) -> list[tuple[int, int]]:
    """The videos that wait since ``since`` or longer: (server, job)."""
    rows = await database.fetch(
        """
        SELECT r.guild_id, r.job_id FROM review r CROSS JOIN job j ON j.id = r.job_id
        WHERE r.verdict IS NULL AND r.asked_at <= :since AND j.state = 'reviewing'
        """,
        {"since": since},
    )
    return [(row["guild_id"], row["job_id"]) for row in rows]
