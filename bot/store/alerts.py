"""How full each server's budget was when it was last told of."""

from __future__ import annotations

import sqlite3

from bot.rules.alerts import Fill


def fill(tx: sqlite3.Connection, guild_id: int) -> Fill:
    """What it counts as."""
    row = tx.execute("SELECT fill FROM budget_alert WHERE guild_id = ?", (guild_id,)).fetchone()
    return Fill.CALM if row is None else Fill(row[0])


def remember(tx: sqlite3.Connection, guild_id: int, now: Fill) -> None:
    """It counts as this from now on."""
    if now is Fill.CALM:
        tx.execute("DELETE FROM budget_alert WHERE guild_id = ?", (guild_id,))
    else:
        tx.execute("INSERT OR REPLACE INTO budget_alert VALUES (?, ?)", (guild_id, now))
