"""What moderators do to single jobs of their server: the wish and its audit entry together."""

from __future__ import annotations

import sqlite3

from bot.store import audit
from bot.store.audit import Act, AuditEntry


def ask_cancel(tx: sqlite3.Connection, act: Act, job_id: int) -> AuditEntry | None:
    """Write down that a moderator wants this job cancelled.

    ``None`` when nothing is written: it is not of this server, over, being posted, or somebody
    has asked for that already.
    """
    row = tx.execute(
        """
        UPDATE job SET cancel_asked_at = :at, cancel_asked_by = :actor_id
        WHERE id = :id AND guild_id = :guild_id AND finished_at IS NULL
          AND state NOT IN ('reviewing', 'delivering') AND cancel_asked_at IS NULL
        RETURNING state
        """,
        {"id": job_id, "guild_id": act.guild_id, "actor_id": act.actor_id, "at": act.at},
    ).fetchone()
    if row is None:
        return None
    before, after = {"state": str(row[0])}, {"state": "cancelled"}
    return audit.append(tx, act, "cancel", "job", job_id, before, after)
