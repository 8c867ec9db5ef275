"""Facts about this installation that must survive a restart."""

from __future__ import annotations

from bot.store.database import Database, fetch


async def recall(database: Database, name: str) -> str | None:
    """What was remembered under ``name``."""
    rows = await database.fetch("SELECT value FROM fact WHERE name = :name", {"name": name})
    return str(rows[0]["value"]) if rows else None


async def remember(database: Database, name: str, value: str) -> None:
    """Remember ``value`` under ``name`` from now on."""
    async with database.transaction() as tx:
        await fetch(
            tx,
            """
            INSERT INTO fact VALUES (:name, :value)
            ON CONFLICT (name) DO UPDATE SET value = excluded.value
            """,
            {"name": name, "value": value},
        )
