"""Deliveries: messages that must exist in Discord, and the cards that must stay true."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from typing import Final

import aiosqlite

from bot.model import Delivery, DeliveryKind, Job, Place
from bot.store.database import Database, execute_rows, fetch
from bot.store.rows import delivery_of

SHOWN_FINAL = "final"
"""What a card shows once nothing on it will change any more."""

SHOWN_EARLIER = "what was true earlier"
"""What a card shows that was found in Discord, not written by this process."""

SHOWN_UNTRUE = "what is no longer so"
"""What a card shows whose job has come back from its end."""

SHOWN_GONE = "nothing: it was deleted"
"""What a card shows that nobody can see any more."""

SHOWN_STUCK = "what was true before its place was closed"
"""What a card shows that cannot be rewritten now, though its job is over."""


ANOTHER = """
    state = 'pending', message_id = NULL, sent_at = NULL, shown = NULL, attempts = 0, fit = NULL,
    first_try_at = NULL, last_try_at = NULL, due_at = :at, wanted_at = :at, round = round + 1
"""
"""What is written where another message shall be posted instead of one that was, or may have been.
What is still under way for the one before finds its round gone, and changes nothing."""

APART_MS: Final = 1_000
"""Messages that become wanted together are due one after the other: as fast as one channel takes
them, and no video of others waits behind hundreds of them."""


def add_cards(tx: sqlite3.Connection, jobs: Sequence[Job], due_at: int) -> None:
    """Each of these new jobs needs a card. The command's answer is the card; should that
    never happen, the courier posts one from ``due_at`` on.
    """
    execute_rows(
        tx,
        "INSERT INTO delivery (job_id, kind, channel_id, due_at) (VALUES)",
        [(job.id, DeliveryKind.CARD, job.requester.channel_id, due_at) for job in jobs],
    )


async def add(
    tx: aiosqlite.Connection,
    job: Job,
    kind: DeliveryKind,
    *,
    at: int,
    chosen: int | None = None,
    beside: Delivery | None = None,
) -> None:
    """The job needs this message too; a second wish for the same one changes nothing.

    It goes where the job was asked for, or into the ``chosen`` channel, or to where the message
    ``beside`` is.
    """
    channel_id, place = job.requester.channel_id, Place.HERE
    if beside is not None:
        channel_id, place = beside.channel_id, beside.place
    elif chosen is not None and chosen != channel_id:
        channel_id, place = chosen, Place.CHOSEN
    await fetch(
        tx,
        """
        INSERT INTO delivery (job_id, kind, channel_id, place, due_at, wanted_at)
        VALUES (:job_id, :kind, :channel_id, :place, :at, :at)
        ON CONFLICT (job_id, kind) DO NOTHING
        """,
        {"job_id": job.id, "kind": kind, "channel_id": channel_id, "place": place, "at": at},
    )


async def anew(tx: aiosqlite.Connection, job: Job, kind: DeliveryKind, *, at: int) -> None:
    """The job needs this message where it was asked for, and if it has had one of this kind
    before, then another one.
    """
    await fetch(
        tx,
        f"""
        INSERT INTO delivery (job_id, kind, channel_id, due_at)
        VALUES (:job_id, :kind, :channel_id, :at)
        ON CONFLICT (job_id, kind)
        DO UPDATE SET {ANOTHER}, channel_id = excluded.channel_id, place = excluded.place
        """,  # noqa: S608 - a constant
        {"job_id": job.id, "kind": kind, "channel_id": job.requester.channel_id, "at": at},
    )


def want(tx: sqlite3.Connection, job_id: int, kind: DeliveryKind, channel_id: int, at: int) -> None:
    """The job needs this message in a channel of the moderators' choice. One that no place has
    taken before is tried anew; one that is there, or on its way, stays.
    """
    tx.execute(
        f"""
        INSERT INTO delivery (job_id, kind, channel_id, place, due_at, wanted_at)
        VALUES (:job_id, :kind, :channel_id, 'chosen', :at, :at)
        ON CONFLICT (job_id, kind) DO UPDATE
        SET {ANOTHER}, channel_id = excluded.channel_id, place = 'chosen', code = NULL
        WHERE state = 'undeliverable'
        """,  # noqa: S608 - a constant
        {"job_id": job_id, "kind": kind, "channel_id": channel_id, "at": at},
    )


async def begin(tx: aiosqlite.Connection, delivery: Delivery, now: int, due_at: int) -> bool:
    """A post is about to be tried ``now``; should it come to nothing, it is due again then.

    False when the message is settled already, or would bring a video that was taken away: then
    nothing may be posted.
    """
    rows = await fetch(
        tx,
        """
        UPDATE delivery SET attempts = attempts + 1, due_at = :due_at,
                            first_try_at = coalesce(first_try_at, :now), last_try_at = :now
        WHERE id = :id AND round = :round AND state = 'pending'
          AND (kind NOT IN ('result', 'review', 'share')
               OR NOT EXISTS (SELECT 1 FROM removal WHERE job_id = delivery.job_id))
        RETURNING id
        """,
        {"id": delivery.id, "round": delivery.round, "now": now, "due_at": due_at},
    )
    return bool(rows)


async def postpone(tx: aiosqlite.Connection, delivery: Delivery, due_at: int) -> None:
    """Try this message again at ``due_at``."""
    await fetch(
        tx,
        """
        UPDATE delivery SET due_at = :due_at
        WHERE id = :id AND round = :round AND state = 'pending'
        """,
        {"id": delivery.id, "round": delivery.round, "due_at": due_at},
    )


async def reroute(
    tx: aiosqlite.Connection,
    delivery: Delivery,
    place: Place,
    channel_id: int,
    code: int,
    *,
    at: int,
) -> None:
    """The message goes to another place, at once; ``code`` is why Discord would not take it
    here.
    """
    await fetch(
        tx,
        """
        UPDATE delivery SET place = :place, channel_id = :channel_id, code = :code,
                            attempts = 0, first_try_at = NULL, last_try_at = NULL, due_at = :at
        WHERE id = :id AND round = :round AND state = 'pending'
        """,
        {
            "id": delivery.id,
            "round": delivery.round,
            "place": place,
            "channel_id": channel_id,
            "code": code,
            "at": at,
        },
    )


async def shrink(tx: aiosqlite.Connection, delivery: Delivery, fit: int, due_at: int) -> None:
    """The video must become this small (bytes; 0: its link only), then it is due again."""
    await fetch(
        tx,
        """
        UPDATE delivery SET fit = :fit, due_at = :due_at
        WHERE id = :id AND round = :round AND state = 'pending'
        """,
        {"id": delivery.id, "round": delivery.round, "fit": fit, "due_at": due_at},
    )


async def give_up(tx: aiosqlite.Connection, delivery: Delivery, code: int) -> bool:
    """No place takes the message; ``code`` is Discord's last reason. False when nobody waits for
    it any more.
    """
    rows = await fetch(
        tx,
        """
        UPDATE delivery SET state = 'undeliverable', code = :code
        WHERE id = :id AND round = :round AND state = 'pending' RETURNING id
        """,
        {"id": delivery.id, "round": delivery.round, "code": code},
    )
    return bool(rows)


async def sent(
    tx: aiosqlite.Connection,
    delivery: Delivery,
    *,
    channel_id: int,
    message_id: int,
    shown: str | None,
    at: int,
) -> bool:
    """The message exists. False when it is not the one that is wanted, or no longer."""
    rows = await fetch(
        tx,
        """
        UPDATE delivery SET state = 'sent', channel_id = :channel_id, message_id = :message_id,
                            shown = :shown, sent_at = :at
        WHERE id = :id AND round = :round AND state = 'pending' RETURNING id
        """,
        {
            "id": delivery.id,
            "round": delivery.round,
            "channel_id": channel_id,
            "message_id": message_id,
            "shown": shown,
            "at": at,
        },
    )
    return bool(rows)


def cards_sent(tx: sqlite3.Connection, cards: Sequence[tuple[int, str, int, int]]) -> None:
    """Commands were answered by their cards: (message id, what it shows, when, job id)."""
    execute_rows(
        tx,
        """
        WITH card (message_id, shown, sent_at, job_id) AS ((VALUES))
        UPDATE delivery
        SET state = 'sent', message_id = card.message_id, shown = card.shown,
            sent_at = card.sent_at
        FROM card
        WHERE delivery.job_id = card.job_id AND kind = 'card' AND state = 'pending'
        """,
        cards,
    )


async def found(tx: aiosqlite.Connection, card: Delivery, message_id: int, at: int) -> None:
    """A card that was given up exists after all."""
    await fetch(
        tx,
        """
        UPDATE delivery SET state = 'sent', message_id = :message_id, shown = :shown, sent_at = :at
        WHERE id = :id AND kind = 'card' AND state = 'undeliverable'
        """,
        {"id": card.id, "message_id": message_id, "shown": SHOWN_EARLIER, "at": at},
    )


async def lose(tx: aiosqlite.Connection, delivery: Delivery) -> None:
    """The message was deleted by somebody: it is as if no place had ever taken it."""
    await fetch(
        tx,
        """
        UPDATE delivery
        SET state = 'undeliverable', message_id = NULL, sent_at = NULL, shown = NULL
        WHERE id = :id AND message_id = :message_id AND state = 'sent'
        """,
        {"id": delivery.id, "message_id": delivery.message_id},
    )


async def drop(tx: aiosqlite.Connection, job_id: int, kind: DeliveryKind) -> None:
    """If the message does not exist yet, it need not: what it would say is not so."""
    await fetch(
        tx,
        """
        UPDATE delivery SET state = 'undeliverable'
        WHERE job_id = :id AND kind = :kind AND state = 'pending'
        """,
        {"id": job_id, "kind": kind},
    )


async def shown(tx: aiosqlite.Connection, card: Delivery, what: str) -> bool:
    """The card says ``what`` now. False when it was called untrue while it was written: then
    nobody knows which came first, and it must be written again.
    """
    rows = await fetch(
        tx,
        "UPDATE delivery SET shown = :shown WHERE id = :id AND shown IS :before RETURNING id",
        {"id": card.id, "shown": what, "before": card.shown},
    )
    return bool(rows)


async def untrue(tx: aiosqlite.Connection, job_id: int) -> None:
    """Whatever the job's card says is no longer so, nor what moderators see of it."""
    await fetch(
        tx,
        """
        UPDATE delivery SET shown = :shown
        WHERE job_id = :id AND kind IN ('card', 'review', 'report') AND state = 'sent'
        """,
        {"id": job_id, "shown": SHOWN_UNTRUE},
    )


async def due(
    database: Database,
    now: int,
    most: int,
    *,
    besides: Iterable[int] = (),
    encoded: bool | None = None,
) -> list[Delivery]:
    """Messages that do not exist yet and should, the longest due first: at most so many,
    ``besides`` these; ``encoded`` chooses those whose video is made smaller first, or the others.
    """
    rows = await database.fetch(
        """
        SELECT * FROM delivery
        WHERE state = 'pending' AND due_at <= :now
          AND (:encoded IS NULL OR (coalesce(fit, 0) > 0) = :encoded)
          AND id NOT IN (SELECT value FROM json_each(:besides))
        ORDER BY due_at, id LIMIT :most
        """,
        {"now": now, "most": most, "besides": json.dumps([*besides]), "encoded": encoded},
    )
    return [delivery_of(row) for row in rows]


async def late(database: Database, due: int, wanted: int) -> int:
    """How many messages do not exist that were due at ``due``, or wanted at ``wanted``: one that
    is tried in vain becomes due again and again. (Before schema 9 it was not written down when
    one became wanted.) Not those with a video that was taken away: they are only looked for.
    """
    rows = await database.fetch(
        """
        SELECT count(*) AS late FROM delivery d CROSS JOIN job j ON j.id = d.job_id
        WHERE d.state = 'pending'
          AND (d.due_at <= :due
               OR coalesce(d.wanted_at, iif(d.kind = 'card', j.created_at, j.changed_at))
                  <= :wanted)
          AND NOT (d.kind IN ('result', 'review', 'share')
                   AND EXISTS (SELECT 1 FROM removal WHERE job_id = d.job_id))
        """,
        {"due": due, "wanted": wanted},
    )
    return int(rows[0]["late"])


async def due_now(tx: aiosqlite.Connection, now: int) -> None:
    """After a start nobody else is posting or deleting: everything that waits is due."""
    for statement in (
        "UPDATE delivery SET due_at = :now WHERE state = 'pending' AND due_at > :now",
        "UPDATE delivery SET due_at = :now WHERE state = 'removing' AND due_at > :now",
    ):
        await fetch(tx, statement, {"now": now})


async def job_of_video(tx: aiosqlite.Connection, message_id: int) -> int | None:
    """The job whose video this message carries, or has carried."""
    rows = await fetch(
        tx,
        """
        SELECT job_id FROM delivery
        WHERE kind IN ('result', 'share') AND message_id = :message_id
        """,
        {"message_id": message_id},
    )
    return rows[0]["job_id"] if rows else None


async def of_job(database: Database, job_id: int) -> dict[DeliveryKind, Delivery]:
    """The messages of one job."""
    rows = await database.fetch(_OF_JOB, {"id": job_id})
    return {delivery.kind: delivery for delivery in map(delivery_of, rows)}


async def of_job_in(tx: aiosqlite.Connection, job_id: int) -> dict[DeliveryKind, Delivery]:
    """The messages of one job, as this transaction sees them."""
    rows = await fetch(tx, _OF_JOB, {"id": job_id})
    return {delivery.kind: delivery for delivery in map(delivery_of, rows)}


_OF_JOB = "SELECT * FROM delivery WHERE job_id = :id"


async def untrue_cards(database: Database, since: int) -> list[int]:
    """Jobs that are over, but whose card does not say so; jobs not over before ``since`` whose
    card was given up: it may stand where nobody could look for it; and jobs whose reports may
    change.
    """
    rows = await database.fetch(
        """
        SELECT j.id FROM delivery d JOIN job j ON j.id = d.job_id
        WHERE d.kind = 'card' AND d.state = 'sent' AND d.shown <> 'final'
          AND j.finished_at IS NOT NULL
        UNION ALL
        SELECT j.id FROM delivery d JOIN job j ON j.id = d.job_id
        WHERE d.kind = 'card' AND d.state = 'undeliverable'
          AND coalesce(j.finished_at, :since) >= :since AND j.code IS NOT 'unanswered'
        UNION ALL
        SELECT d.job_id FROM delivery d
        WHERE d.kind = 'report' AND d.state = 'sent' AND d.shown <> 'final'
        """,
        {"since": since},
    )
    return [row["id"] for row in rows]
