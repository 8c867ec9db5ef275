"""Erasing the words and pictures of jobs that have been over for long enough.

What is counted stays: whose job it was, what became of it and when, what it cost.
"""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bot.model import GIVEN_UP, LATE_MS
from bot.store.database import Database

# From server to server by the index, however many jobs each of them has.
DUE: Final = """
    WITH RECURSIVE server (id) AS (
        SELECT min(guild_id) FROM job WHERE finished_at IS NOT NULL AND erased_at IS NULL
        UNION ALL
        SELECT (SELECT min(guild_id) FROM job
                WHERE finished_at IS NOT NULL AND erased_at IS NULL AND guild_id > server.id)
        FROM server WHERE server.id IS NOT NULL)
    SELECT s.id AS guild_id, :now - coalesce(c.retention_ms, :retention_ms) AS before
    FROM server s LEFT JOIN server_choice c ON c.guild_id = s.id
    WHERE s.id IS NOT NULL
      AND EXISTS (SELECT 1 FROM job
                  WHERE guild_id = s.id AND finished_at IS NOT NULL AND erased_at IS NULL
                    AND finished_at <= :now - coalesce(c.retention_ms, :retention_ms))
"""

# A job that was given up may still come back with its video (``model.may_come_late``).
SOME: Final = """
    SELECT id FROM job
    WHERE guild_id = :guild_id AND finished_at IS NOT NULL AND erased_at IS NULL
      AND finished_at <= :before
      AND NOT (state = 'failed' AND finished_at > :late
               AND code IN (SELECT value FROM json_each(:given_up))
               AND cancel_asked_at IS NULL)
    ORDER BY finished_at LIMIT :most
"""


@dataclass(frozen=True, slots=True)
class Erased:
    """Jobs that have no words any more, and the files of their pictures, which are to go too."""

    jobs: frozenset[int]
    pictures: tuple[Path, ...]


async def due(database: Database, now: int, retention_ms: int) -> list[tuple[int, int]]:
    """Servers with something to erase, each with the moment up to which what was over then is to
    be erased: so long ago as the server has chosen, else ``retention_ms``.
    """
    rows = await database.fetch(DUE, {"now": now, "retention_ms": retention_ms})
    return [(row["guild_id"], row["before"]) for row in rows]


def erase(tx: sqlite3.Connection, guild_id: int, before: int, now: int, most: int) -> Erased:
    """Erase at most so many jobs of a server that were over at ``before``, the oldest first.

    Their cards are left as they are, and what was to be said of their end is not said any more.
    """
    some = {
        "guild_id": guild_id,
        "before": before,
        "late": now - LATE_MS,
        "given_up": json.dumps(sorted(GIVEN_UP)),
        "most": most,
    }
    ids = [row[0] for row in tx.execute(SOME, some)]
    if not ids:
        return Erased(frozenset(), ())
    these = {"ids": json.dumps(ids), "now": now}
    pictures = tx.execute(
        f"SELECT path FROM picture WHERE path IS NOT NULL AND job_id IN {_THESE}",  # noqa: S608
        these,
    ).fetchall()
    for statement in _ERASE:
        tx.execute(statement, these)
    return Erased(frozenset(ids), tuple(Path(row[0]) for row in pictures))


REASONS: Final = tuple(
    f"""
    UPDATE {table} SET reason = NULL WHERE ({key}) IN (
        SELECT {", ".join(f"r.{column}" for column in key.split(", "))}
        FROM {table} r CROSS JOIN job j ON j.id = r.job_id
        LEFT JOIN server_choice c ON c.guild_id = j.guild_id
        WHERE r.reason IS NOT NULL AND r.at <= :now AND j.erased_at IS NOT NULL
          AND r.at <= :now - coalesce(c.retention_ms, :retention_ms)
        LIMIT :most)
    """  # noqa: S608 - these names, and no other
    for table, key in (("removal", "job_id"), ("report", "job_id, user_id"))
)


def erase_reasons(tx: sqlite3.Connection, now: int, retention_ms: int, most: int) -> int:
    """Erase reasons that were given for jobs whose words were erased already, once they have been
    kept for as long themselves: at most so many of removals, and of reports. How many these are.
    """
    params = {"now": now, "retention_ms": retention_ms, "most": most}
    return sum(tx.execute(statement, params).rowcount for statement in REASONS)


_THESE: Final = "(SELECT value FROM json_each(:ids))"

_ERASE: Final = tuple(
    statement.format(these=_THESE)
    for statement in (
        """
        UPDATE job SET prompt = '', message = NULL, detail = NULL, video_path = NULL,
                       erased_at = :now
        WHERE id IN {these} AND finished_at IS NOT NULL
        """,
        "DELETE FROM picture WHERE job_id IN {these}",
        "UPDATE review SET reason = NULL WHERE job_id IN {these} AND reason IS NOT NULL",
        "UPDATE removal SET reason = NULL WHERE job_id IN {these} AND reason IS NOT NULL",
        "UPDATE report SET reason = NULL WHERE job_id IN {these} AND reason IS NOT NULL",
        """
        UPDATE delivery SET state = 'undeliverable'
        WHERE job_id IN {these} AND kind IN ('card', 'notice') AND state = 'pending'
        """,
        """
        UPDATE delivery SET shown = 'final'
        WHERE job_id IN {these} AND kind = 'card' AND state = 'sent' AND shown <> 'final'
        """,
    )
)
