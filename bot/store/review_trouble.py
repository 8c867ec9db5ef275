"""Channels that take no reviews: written down once, for moderators, until they do again."""

from __future__ import annotations

import sqlite3

from bot.store import audit
from bot.store.audit import Act

ACTION = "reviews_shown"


def refused(tx: sqlite3.Connection, guild_id: int, channel_id: int, code: int, at: int) -> None:
    """This channel took no review, with Discord's ``code``. The same again is nothing new."""
    trouble = {"guild_id": guild_id, "channel_id": channel_id, "code": code}
    new = tx.execute(
        """
        INSERT INTO review_trouble (guild_id, channel_id, code)
        VALUES (:guild_id, :channel_id, :code)
        ON CONFLICT DO UPDATE SET channel_id = excluded.channel_id, code = excluded.code
        WHERE (channel_id, code) <> (excluded.channel_id, excluded.code)
        RETURNING 1
        """,
        trouble,
    ).fetchall()
    if new:
        by_itself = Act(guild_id, 0, at)
        audit.append(tx, by_itself, ACTION, "channel", channel_id, None, {"refused": code})


def shown(tx: sqlite3.Connection, guild_id: int, channel_id: int, at: int) -> None:
    """This channel took a review."""
    ended = tx.execute(
        "DELETE FROM review_trouble WHERE guild_id = ? RETURNING code", (guild_id,)
    ).fetchall()
    for (code,) in ended:
        by_itself = Act(guild_id, 0, at)
        audit.append(tx, by_itself, ACTION, "channel", channel_id, {"refused": code}, None)
