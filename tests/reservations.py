"""Rows of jobs and reservations for tests and benchmarks that need many of them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import NamedTuple


class Held(NamedTuple):
    """A reservation and its job; ``parent_id`` is the channel above a thread."""

    job_id: int
    guild_id: int
    user_id: int
    channel_id: int
    credits: int
    held_at: int
    parent_id: int | None = None
    state: str = "held"
    finished: bool = False


def write(tx: sqlite3.Connection, rows: Iterable[Held]) -> None:
    """Insert them, as intake would."""
    kept = list(rows)
    tx.executemany(
        """
        INSERT INTO job (id, request_key, guild_id, channel_id, parent_id, user_id, verb, prompt,
                         state, created_at, changed_at, finished_at)
        VALUES (?1, ?1, ?2, ?4, ?7, ?3, 'create', 'x', iif(?9, 'cancelled', 'queued'), ?6, ?6,
                iif(?9, ?6, NULL))
        """,
        kept,
    )
    tx.executemany(
        """
        INSERT INTO reservation (job_id, guild_id, user_id, channel_id, credits, held_at, state,
                                 settled_at)
        VALUES (?1, ?2, ?3, coalesce(?7, ?4), ?5, ?6, ?8, iif(?8 = 'held', NULL, ?6))
        """,
        [row[:-1] for row in kept],
    )
