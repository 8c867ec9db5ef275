"""The log of what moderators and the operator changed: written with each change, never after."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from bot.store.database import Database, Row

State = Mapping[str, Any]
"""What a thing was or is, as it is written down: names to plain values."""

THE_BOT: Final = 0
"""The actor of what is done by a rule."""


@dataclass(frozen=True, slots=True)
class Act:
    """Somebody changes something in one server: who, where and when.

    ``guild_id`` 0 is the operator's; ``actor_id`` is ``THE_BOT`` where nobody did.
    """

    guild_id: int
    actor_id: int
    at: int


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One change. ``subject`` and ``subject_id`` say what was changed, as ``member`` and the id.

    ``before`` is ``None`` where there was nothing, ``after`` where nothing is left.
    """

    id: int
    act: Act
    action: str
    subject: str
    subject_id: int
    before: State | None
    after: State | None


def append(
    tx: sqlite3.Connection,
    act: Act,
    action: str,
    subject: str,
    subject_id: int,
    before: State | None,
    after: State | None,
) -> AuditEntry:
    """Write down one change, in the transaction that makes it."""
    (entry_id,) = tx.execute(
        """
        INSERT INTO audit_entry (guild_id, actor_id, action, subject, subject_id,
                                 before_state, after_state, at)
        VALUES (:guild_id, :actor_id, :action, :subject, :subject_id, :before, :after, :at)
        RETURNING id
        """,
        {
            "guild_id": act.guild_id,
            "actor_id": act.actor_id,
            "action": action,
            "subject": subject,
            "subject_id": subject_id,
            "before": None if before is None else json.dumps(before),
            "after": None if after is None else json.dumps(after),
            "at": act.at,
        },
    ).fetchone()
    return AuditEntry(entry_id, act, action, subject, subject_id, before, after)


_LATEST: Final = 9_223_372_036_854_775_807


async def page(
    database: Database, guild_id: int, *, before_id: int | None = None, most: int
) -> list[AuditEntry]:
    """Entries of one server, newest first: those before ``before_id``, or the newest."""
    rows = await database.fetch(
        """
        SELECT * FROM audit_entry WHERE guild_id = :guild_id AND id < :before_id
        ORDER BY id DESC LIMIT :most
        """,
        {"guild_id": guild_id, "before_id": before_id or _LATEST, "most": most},
    )
    return [entry_of(row) for row in rows]


def entry_of(row: Row, prefix: str = "") -> AuditEntry:
    """The entry of a row of its table; where the names of others stand beside it, its id and time
    have a prefix.
    """
    return AuditEntry(
        id=row[f"{prefix}id"],
        act=Act(row["guild_id"], row["actor_id"], row[f"{prefix}at"]),
        action=row["action"],
        subject=row["subject"],
        subject_id=row["subject_id"],
        before=None if row["before_state"] is None else json.loads(row["before_state"]),
        after=None if row["after_state"] is None else json.loads(row["after_state"]),
    )
