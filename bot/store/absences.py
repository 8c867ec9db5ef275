"""Servers that the bot was removed from, and forgetting them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection
from pathlib import Path
from typing import Final

from bot.model import Job
from bot.store import governing, jobs
from bot.store.database import Database
from bot.store.erasing import Erased

# From server to server by the indexes. Whatever a server has set has an entry in its log.
KNOWN: Final = """
    WITH RECURSIVE
    over (id) AS (
        SELECT min(guild_id) FROM job WHERE finished_at IS NOT NULL
        UNION ALL
        SELECT (SELECT min(guild_id) FROM job WHERE finished_at IS NOT NULL AND guild_id > over.id)
        FROM over WHERE over.id IS NOT NULL),
    unfinished (id) AS (
        SELECT min(guild_id) FROM job WHERE finished_at IS NULL
        UNION ALL
        SELECT (SELECT min(guild_id) FROM job WHERE finished_at IS NULL
                AND guild_id > unfinished.id)
        FROM unfinished WHERE unfinished.id IS NOT NULL),
    governed (id) AS (
        SELECT min(guild_id) FROM audit_entry WHERE guild_id > 0
        UNION ALL
        SELECT (SELECT min(guild_id) FROM audit_entry WHERE guild_id > governed.id)
        FROM governed WHERE governed.id IS NOT NULL)
    SELECT id FROM over WHERE id IS NOT NULL
    UNION SELECT id FROM unfinished WHERE id IS NOT NULL
    UNION SELECT id FROM governed WHERE id IS NOT NULL
"""

# The indexes of jobs by server are of those that are over, or of those that are not.
ANY_JOB: Final = """
    SELECT 1 FROM job WHERE guild_id = :guild_id AND finished_at IS NULL
    UNION ALL
    SELECT 1 FROM job WHERE guild_id = :guild_id AND finished_at IS NOT NULL
    LIMIT 1
"""


async def known(database: Database) -> set[int]:
    """Every server of which there is anything."""
    rows = await database.fetch(KNOWN, {})
    return {row["id"] for row in rows}


async def absent(database: Database) -> dict[int, int]:
    """The servers that the bot was removed from, and since when."""
    rows = await database.fetch("SELECT guild_id, since FROM server_absence", {})
    return {row["guild_id"]: row["since"] for row in rows}


def note(tx: sqlite3.Connection, gone: Collection[int], back: Collection[int], at: int) -> None:
    """The bot was removed from some servers, and is in others again."""
    for guild_id in gone:
        tx.execute("INSERT OR IGNORE INTO server_absence VALUES (?, ?)", (guild_id, at))
    for guild_id in back:
        tx.execute("DELETE FROM server_absence WHERE guild_id = ?", (guild_id,))


async def waiting(database: Database, guild_ids: Collection[int]) -> list[Job]:
    """The jobs of these servers that wait in the queue."""
    rows = await database.fetch(
        """
        SELECT id FROM job
        WHERE guild_id IN (SELECT value FROM json_each(:guilds)) AND finished_at IS NULL
          AND state = 'queued'
        """,
        {"guilds": json.dumps(sorted(guild_ids))},
    )
    found = [await jobs.get(database, row["id"]) for row in rows]
    return [job for job in found if job is not None]


def forget_jobs(tx: sqlite3.Connection, guild_id: int, most: int) -> Erased:
    """Delete at most so many jobs of a server that are over, with all that belongs to them: also
    what they cost.
    """
    rows = tx.execute(
        "SELECT id FROM job WHERE guild_id = ? AND finished_at IS NOT NULL LIMIT ?",
        (guild_id, most),
    ).fetchall()
    these = json.dumps([row[0] for row in rows])
    pictures = tx.execute(
        """
        SELECT path FROM picture
        WHERE path IS NOT NULL AND job_id IN (SELECT value FROM json_each(?))
        """,
        (these,),
    ).fetchall()
    tx.execute("DELETE FROM job WHERE id IN (SELECT value FROM json_each(?))", (these,))
    return Erased(frozenset(row[0] for row in rows), tuple(Path(row[0]) for row in pictures))


def forget(tx: sqlite3.Connection, guild_id: int) -> bool:
    """Erase the rest of a server whose jobs are gone. False while there are some, unfinished."""
    if tx.execute(ANY_JOB, {"guild_id": guild_id}).fetchone():
        return False
    governing.forget_server(tx, guild_id)
    return True
