"""Videos that are taken away, and the messages that must go with them."""

from __future__ import annotations

import json
from collections.abc import Collection

import aiosqlite

from bot.model import Delivery, Removal
from bot.store.database import Database, fetch
from bot.store.rows import delivery_of


async def begin(tx: aiosqlite.Connection, job_id: int, removal: Removal) -> None:
    """The job's video is taken away from now on.

    What was posted with it must be deleted; what nobody has tried to post will never be; and
    what may have been posted, without that anybody heard of it, is to be looked for.
    """
    await fetch(
        tx,
        """
        INSERT INTO removal (job_id, actor_id, reason, at) VALUES (:id, :actor_id, :reason, :at)
        """,
        {
            "id": job_id,
            "actor_id": removal.actor_id,
            "reason": removal.reason,
            "at": removal.at,
        },
    )
    await fetch(
        tx,
        """
        UPDATE delivery
        SET state = CASE WHEN state = 'sent' THEN 'removing'
                         WHEN attempts = 0 THEN 'undeliverable' ELSE 'pending' END,
            attempts = iif(state = 'sent', 0, attempts), due_at = :at
        WHERE job_id = :id AND kind IN ('result', 'review', 'share')
          AND state IN ('sent', 'pending')
        """,
        {"id": job_id, "at": removal.at},
    )


async def wanted(tx: aiosqlite.Connection, job_id: int) -> bool:
    """Whether the job's video was taken away, as this transaction sees it."""
    return bool(await fetch(tx, "SELECT 1 FROM removal WHERE job_id = :id", {"id": job_id}))


async def must_go(
    tx: aiosqlite.Connection, delivery: Delivery, message_id: int, *, at: int
) -> bool:
    """The message exists, and its video was taken away meanwhile. False when it is not the one
    that was wanted last.
    """
    rows = await fetch(
        tx,
        """
        UPDATE delivery
        SET state = 'removing', message_id = :message_id, channel_id = :channel_id, sent_at = :at,
            shown = NULL, attempts = 0, due_at = :at
        WHERE id = :id AND round = :round AND state = 'pending' RETURNING id
        """,
        {
            "id": delivery.id,
            "round": delivery.round,
            "message_id": message_id,
            "channel_id": delivery.channel_id,
            "at": at,
        },
    )
    return bool(rows)


async def due(
    database: Database, now: int, hurried: Collection[int], most: int = 1_000
) -> list[Delivery]:
    """Messages that must go, and whose next try is due or ``hurried``, the longest due first: at
    most so many.
    """
    rows = await database.fetch(
        """
        SELECT * FROM delivery
        WHERE state = 'removing'
          AND (due_at <= :now OR id IN (SELECT value FROM json_each(:hurried)))
        ORDER BY due_at, id LIMIT :most
        """,
        {"now": now, "hurried": json.dumps(sorted(hurried)), "most": most},
    )
    return [delivery_of(row) for row in rows]


async def begin_try(tx: aiosqlite.Connection, delivery: Delivery, due_at: int) -> bool:
    """The message is about to be deleted; should nothing be heard of it, that is due again then.

    False when it need not be any more.
    """
    rows = await fetch(
        tx,
        """
        UPDATE delivery SET attempts = attempts + 1, due_at = :due_at
        WHERE id = :id AND state = 'removing' RETURNING id
        """,
        {"id": delivery.id, "due_at": due_at},
    )
    return bool(rows)


async def postpone(tx: aiosqlite.Connection, delivery: Delivery, due_at: int) -> None:
    """Try to delete this message again at ``due_at``."""
    await fetch(
        tx,
        "UPDATE delivery SET due_at = :due_at WHERE id = :id AND state = 'removing'",
        {"id": delivery.id, "due_at": due_at},
    )


async def done(tx: aiosqlite.Connection, delivery: Delivery) -> None:
    """The message exists no more."""
    await fetch(
        tx,
        "UPDATE delivery SET state = 'removed' WHERE id = :id AND state = 'removing'",
        {"id": delivery.id},
    )
