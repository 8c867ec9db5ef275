"""Reports of videos by members, and what moderators think of them."""

from __future__ import annotations

import sqlite3

from bot.model import DeliveryKind
from bot.rules.reporting import Report, Reported
from bot.store import audit, deliveries
from bot.store.audit import Act, AuditEntry


def of_job(tx: sqlite3.Connection, job_id: int, most: int = 5) -> Reported:
    """What was reported of this job's video, with the newest reports."""
    (count,) = tx.execute("SELECT count(*) FROM report WHERE job_id = ?", (job_id,)).fetchone()
    rows = tx.execute(
        """
        SELECT user_id, at, reason FROM report WHERE job_id = ?
        ORDER BY at DESC, user_id DESC LIMIT ?
        """,
        (job_id, most),
    )
    newest = tuple(Report(user_id, at, reason) for user_id, at, reason in rows)
    dismissed = tx.execute(
        "SELECT at, actor_id FROM dismissal WHERE job_id = ?", (job_id,)
    ).fetchone()
    return Reported(count, newest, *(dismissed or (None, None)))


def times(tx: sqlite3.Connection, guild_id: int, user_id: int, since: int) -> list[int]:
    """When this member has reported videos of this server after ``since``."""
    rows = tx.execute(
        """
        SELECT r.at FROM report r JOIN job j ON j.id = r.job_id
        WHERE r.user_id = :user_id AND r.at > :since AND j.guild_id = :guild_id
        """,
        {"guild_id": guild_id, "user_id": user_id, "since": since},
    )
    return [at for (at,) in rows]


def has_reported(tx: sqlite3.Connection, job_id: int, user_id: int) -> bool:
    """Whether this member has reported this video before."""
    found = tx.execute(
        "SELECT 1 FROM report WHERE job_id = ? AND user_id = ?", (job_id, user_id)
    ).fetchone()
    return found is not None


def add(tx: sqlite3.Connection, job_id: int, report: Report) -> None:
    """One more report. It is dated after the last dismissal, also within its millisecond; what
    moderators read of it is no longer true.
    """
    tx.execute(
        """
        INSERT INTO report (job_id, user_id, reason, at)
        VALUES (:job_id, :user_id, :reason,
                max(:at, coalesce((SELECT at + 1 FROM dismissal WHERE job_id = :job_id), 0)))
        """,
        {"job_id": job_id, "user_id": report.user_id, "reason": report.reason, "at": report.at},
    )
    _untrue(tx, job_id)


def _untrue(tx: sqlite3.Connection, job_id: int) -> None:
    tx.execute(
        "UPDATE delivery SET shown = ? WHERE job_id = ? AND kind = 'report' AND state = 'sent'",
        (deliveries.SHOWN_UNTRUE, job_id),
    )


def show(tx: sqlite3.Connection, job_id: int, log_channel: int | None, at: int) -> None:
    """Moderators read of this video in ``log_channel``, if there is one. A message elsewhere stays
    as it is: they may have left that channel to others.
    """
    tx.execute(
        """
        UPDATE delivery
        SET state = 'undeliverable', message_id = NULL, sent_at = NULL, shown = NULL
        WHERE job_id = :job_id AND kind = 'report' AND state IN ('sent', 'pending')
          AND channel_id IS NOT :log_channel
        """,
        {"job_id": job_id, "log_channel": log_channel},
    )
    if log_channel is not None:
        deliveries.want(tx, job_id, DeliveryKind.REPORT, log_channel, at)


def log_moved(tx: sqlite3.Connection, guild_id: int, log_channel: int | None, at: int) -> None:
    """The server's moderators have chosen where they read reports, or no place: those that they
    have never seen must be shown there, one after the other, and nowhere else.
    """
    tx.execute(
        """
        UPDATE delivery SET state = 'undeliverable'
        WHERE kind = 'report' AND state = 'pending'
          AND (SELECT guild_id FROM job WHERE id = job_id) = :guild_id
        """,
        {"guild_id": guild_id},
    )
    if log_channel is None:
        return
    rows = tx.execute(
        """
        SELECT DISTINCT r.job_id FROM report r
        JOIN job j ON j.id = r.job_id
        LEFT JOIN removal x ON x.job_id = r.job_id
        LEFT JOIN dismissal d ON d.job_id = r.job_id
        WHERE j.guild_id = :guild_id AND x.job_id IS NULL AND r.at > coalesce(d.at, 0)
          AND NOT EXISTS (SELECT 1 FROM delivery
                          WHERE job_id = r.job_id AND kind = 'report' AND state = 'sent')
        ORDER BY r.job_id
        """,
        {"guild_id": guild_id},
    ).fetchall()
    for number, (job_id,) in enumerate(rows):
        due_at = at + number * deliveries.APART_MS
        deliveries.want(tx, job_id, DeliveryKind.REPORT, log_channel, due_at)


def dismiss(tx: sqlite3.Connection, act: Act, job_id: int) -> AuditEntry | None:
    """A moderator thinks nothing of what was reported of this video so far. ``None`` when nothing
    is open.
    """
    reported = of_job(tx, job_id)
    if not reported.open:
        return None
    tx.execute(
        """
        INSERT OR REPLACE INTO dismissal (job_id, actor_id, at) VALUES (:job_id, :actor_id, :at)
        """,
        {
            "job_id": job_id,
            "actor_id": act.actor_id,
            "at": max(act.at, reported.newest[0].at),
        },
    )
    _untrue(tx, job_id)
    return audit.append(tx, act, "dismiss", "job", job_id, {"reports": reported.count}, None)
