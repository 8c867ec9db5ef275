"""Prompts that Pika has moderated, counted from the jobs themselves."""

from __future__ import annotations

import sqlite3

COUNT = """
    SELECT count(*) FROM job
    WHERE guild_id = :guild_id AND user_id = :user_id AND state = 'failed' AND code = 'moderated'
      AND finished_at > :after
"""

FRESH = """
    SELECT max(at) FROM audit_entry
    WHERE guild_id = :guild_id AND subject_id = :user_id AND action IN ('block', 'unblock')
      AND subject = 'member' AND (action = 'unblock' OR actor_id = 0)
"""


def count(tx: sqlite3.Connection, guild_id: int, user_id: int, after: int) -> int:
    """How many of this member's prompts Pika moderated after this moment."""
    params = {"guild_id": guild_id, "user_id": user_id, "after": after}
    return int(tx.execute(COUNT, params).fetchone()[0])


def fresh_at(tx: sqlite3.Connection, guild_id: int, user_id: int) -> int | None:
    """When this member last began anew: unblocked by anybody, or blocked by the bot itself."""
    params = {"guild_id": guild_id, "user_id": user_id}
    at: int | None = tx.execute(FRESH, params).fetchone()[0]
    return at


def blocked(tx: sqlite3.Connection, job_id: int, until: int) -> None:
    """This job's prompt was one too many: its member is blocked until then."""
    tx.execute("UPDATE job SET blocked_until = ? WHERE id = ?", (until, job_id))
