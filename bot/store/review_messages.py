# ruff: noqa: S608 - what is put into SQL here is a constant of this package, never a value
"""The messages that show moderators what waits for them: where they are, and where they were.

A review has one message at a time, one in each round of its delivery. If it goes on in another
one, the one before is remembered until it says so.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, replace

import aiosqlite

from bot.model import Delivery, DeliveryKind
from bot.store import deliveries
from bot.store.database import Database, fetch
from bot.store.deliveries import ANOTHER, APART_MS, SHOWN_EARLIER
from bot.store.rows import delivery_of

_WAITING = "job_id IN (SELECT job_id FROM review WHERE verdict IS NULL)"


@dataclass(frozen=True, slots=True)
class Former:
    """A message of a review that went on elsewhere, or was decided before anybody had heard of the
    message: the one of this ``round``. Nobody knows of one without ``message_id`` whether it was
    posted.
    """

    id: int
    round: int
    channel_id: int
    message_id: int | None
    attempts: int
    first_try_at: int | None
    last_try_at: int | None

    def delivery(self, review: Delivery) -> Delivery:
        """The review's delivery as it was in that round."""
        return replace(
            review,
            round=self.round,
            channel_id=self.channel_id,
            message_id=self.message_id,
            sent_at=None,
            attempts=self.attempts,
            first_try_at=self.first_try_at,
            last_try_at=self.last_try_at,
        )


_TRIED = "job_id, channel_id, message_id, round, attempts, first_try_at, last_try_at"


def move(tx: sqlite3.Connection, guild_id: int, channel_id: int, at: int) -> None:
    """All reviews that wait in this server go on in this channel."""
    params = {"guild_id": guild_id, "channel_id": channel_id, "at": at}
    tx.execute(
        f"""
        INSERT INTO former_review ({_TRIED})
        SELECT {_TRIED} FROM delivery
        WHERE kind = 'review' AND (message_id IS NOT NULL OR attempts > 0) AND job_id IN (
            SELECT job_id FROM review WHERE guild_id = :guild_id AND verdict IS NULL)
        """,
        params,
    )
    tx.execute(
        f"""
        UPDATE delivery SET {ANOTHER}, channel_id = :channel_id, place = 'chosen'
        WHERE kind = 'review' AND job_id IN (
            SELECT job_id FROM review WHERE guild_id = :guild_id AND verdict IS NULL)
        """,
        params,
    )
    tx.execute(_ONE_BY_ONE, params)


_ONE_BY_ONE = f"""
    WITH waits AS (
        SELECT id, row_number() OVER (PARTITION BY channel_id ORDER BY id) - 1 AS behind
        FROM delivery WHERE state = 'pending' AND due_at = :at AND kind = 'review')
    UPDATE delivery SET due_at = :at + behind * {APART_MS} FROM waits
    WHERE delivery.id = waits.id AND behind > 0
"""


async def drop(tx: aiosqlite.Connection, job_id: int) -> None:
    """It is decided: a message that is not known to be posted need not be any more. One that is
    there all the same must say so.
    """
    await fetch(
        tx,
        f"""
        INSERT INTO former_review ({_TRIED})
        SELECT {_TRIED} FROM delivery
        WHERE job_id = :job_id AND kind = 'review' AND message_id IS NULL AND attempts > 0
        """,
        {"job_id": job_id},
    )
    await deliveries.drop(tx, job_id, DeliveryKind.REVIEW)


async def again(tx: aiosqlite.Connection, at: int, guild_id: int | None = None) -> None:
    """Those that no place took are tried again: of one server, or all."""
    await fetch(
        tx,
        """
        UPDATE delivery SET state = 'pending', fit = NULL, due_at = :at, wanted_at = :at
        WHERE kind = 'review' AND state = 'undeliverable' AND job_id IN (
            SELECT job_id FROM review
            WHERE verdict IS NULL AND (:guild_id IS NULL OR guild_id = :guild_id))
        """,
        {"at": at, "guild_id": guild_id},
    )
    await fetch(tx, _ONE_BY_ONE, {"at": at})


async def doubt(tx: aiosqlite.Connection, guild_id: int | None = None) -> None:
    """Nobody knows whether the messages of what waits are still there, in one server or all: they
    are looked at.
    """
    await fetch(
        tx,
        """
        UPDATE delivery SET shown = :shown
        WHERE kind = 'review' AND state = 'sent' AND shown <> 'final' AND job_id IN (
            SELECT job_id FROM review
            WHERE verdict IS NULL AND (:guild_id IS NULL OR guild_id = :guild_id))
        """,
        {"shown": SHOWN_EARLIER, "guild_id": guild_id},
    )


async def lost(tx: aiosqlite.Connection, channel_id: int, message_id: int | None, at: int) -> None:
    """This message, or all in this channel, are gone: what waits there is posted anew, where
    reviews are posted now.
    """
    await fetch(
        tx,
        f"""
        UPDATE delivery SET {ANOTHER}, place = 'chosen', channel_id = coalesce(
            (SELECT c.review_channel FROM server_choice c JOIN job j ON j.guild_id = c.guild_id
             WHERE j.id = job_id), channel_id)
        WHERE kind = 'review' AND state = 'sent' AND shown <> 'final' AND {_WAITING}
          AND channel_id = :channel_id AND (:message_id IS NULL OR message_id = :message_id)
        """,
        {"channel_id": channel_id, "message_id": message_id, "at": at},
    )
    await fetch(tx, _ONE_BY_ONE, {"at": at})


async def of_waiting(database: Database, guild_id: int) -> dict[int, Delivery]:
    """The messages of all that waits in one server, by job."""
    rows = await database.fetch(
        """
        SELECT d.* FROM review r JOIN delivery d ON d.job_id = r.job_id AND d.kind = 'review'
        WHERE r.guild_id = :guild_id AND r.verdict IS NULL
        """,
        {"guild_id": guild_id},
    )
    return {row["job_id"]: delivery_of(row) for row in rows}


async def untrue(database: Database, since: int) -> list[int]:
    """Jobs not over before ``since``, of whose review a message does not say what it should."""
    rows = await database.fetch(
        """
        SELECT j.id FROM delivery d JOIN job j ON j.id = d.job_id
        WHERE d.kind = 'review' AND d.state = 'sent' AND d.shown <> 'final'
          AND coalesce(j.finished_at, :since) >= :since
        UNION
        SELECT j.id FROM former_review f JOIN job j ON j.id = f.job_id
        WHERE coalesce(j.finished_at, :since) >= :since
        """,
        {"since": since},
    )
    return [row["id"] for row in rows]


async def former(database: Database, job_id: int) -> list[Former]:
    """The messages before this one that do not say so yet."""
    rows = await database.fetch(
        f"SELECT id, {_TRIED} FROM former_review WHERE job_id = :job_id ORDER BY id",
        {"job_id": job_id},
    )
    return [
        Former(
            row["id"],
            row["round"],
            row["channel_id"],
            row["message_id"],
            row["attempts"],
            row["first_try_at"],
            row["last_try_at"],
        )
        for row in rows
    ]


async def note(tx: aiosqlite.Connection, delivery: Delivery, message_id: int) -> None:
    """A message was posted that is not wanted any more."""
    await fetch(
        tx,
        f"""
        INSERT INTO former_review ({_TRIED})
        VALUES (:job_id, :channel_id, :message_id, :round, 1, NULL, NULL)
        """,
        {
            "job_id": delivery.job_id,
            "channel_id": delivery.channel_id,
            "message_id": message_id,
            "round": delivery.round,
        },
    )


async def adopt(tx: aiosqlite.Connection, delivery: Delivery, message_id: int, at: int) -> bool:
    """The message that was dropped exists: it is the review's, and if the video was taken away, it
    must go. False when the review has another one now, or this already.
    """
    rows = await fetch(
        tx,
        """
        UPDATE delivery
        SET state = iif(EXISTS (SELECT 1 FROM removal x WHERE x.job_id = delivery.job_id),
                        'removing', 'sent'),
            message_id = :message_id, sent_at = :at, shown = :shown, attempts = 0, due_at = :at
        WHERE id = :id AND round = :round AND state = 'undeliverable' RETURNING id
        """,
        {
            "id": delivery.id,
            "round": delivery.round,
            "message_id": message_id,
            "at": at,
            "shown": SHOWN_EARLIER,
        },
    )
    return bool(rows)


async def forget(
    tx: aiosqlite.Connection, one: Former, *, unless_moved: Delivery | None = None
) -> None:
    """It says so, or nobody can read it. ``unless_moved``: only while it is this one's last."""
    await fetch(
        tx,
        """
        DELETE FROM former_review
        WHERE id = :id AND (:delivery_id IS NULL OR EXISTS (
            SELECT 1 FROM delivery WHERE id = :delivery_id AND round = :round))
        """,
        {
            "id": one.id,
            "delivery_id": unless_moved.id if unless_moved else None,
            "round": one.round,
        },
    )
