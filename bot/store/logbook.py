"""What the log channels of servers have to be told: each line once, in order.

Lines come into being by trigger, in the transaction that writes an entry of the audit log, and go
in the transaction that knows of their message. In between stands what is under way: a process
that is killed leaves word of what it may have posted.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection
from dataclasses import asdict, dataclass
from typing import Final

from bot.rules.alerts import BudgetAlert, Fill
from bot.store import digests
from bot.store.audit import AuditEntry, entry_of
from bot.store.database import Database
from bot.store.digests import Digest, digest_of
from bot.store.reports import DAY_MS

KEPT_MS: Final = 7 * 24 * 3_600_000
KEPT_MOST: Final = 500
"""How long, and how many of, the lines of one server wait for a log channel that refuses."""


@dataclass(frozen=True, slots=True)
class LogLine:
    """One thing that a server's log channel has to be told."""

    id: int
    at: int
    what: AuditEntry | BudgetAlert | Digest


@dataclass(frozen=True, slots=True)
class Begun:
    """A message that may stand in Discord already: the lines up to ``line_id``, begun at ``at``."""

    channel_id: int
    line_id: int
    at: int


@dataclass(frozen=True, slots=True)
class Sheet:
    """What a server's log has to post next: ``lines`` for one channel, oldest first.

    ``chosen`` is whether that channel is the log now; lines for one that was go there or nowhere.
    ``lost`` is how many lines before them were given up, ``attempts`` how many tries were in vain
    since the last that was not.
    """

    channel_id: int
    chosen: bool
    lines: tuple[LogLine, ...]
    lost: int
    attempts: int
    begun: Begun | None


@dataclass(frozen=True, slots=True)
class LogState:
    """How a server's log is doing: ``waiting`` lines, of which the oldest was written at
    ``since``, and Discord's code where its channel refuses them.
    """

    waiting: int = 0
    since: int | None = None
    refused: int | None = None


async def due(database: Database, now: int) -> list[int]:
    """The servers whose logs have something to post now; not those that the bot has left."""
    rows = await database.fetch(
        """
        SELECT guild_id FROM server_log
        WHERE due_at <= :now
          AND NOT EXISTS (SELECT 1 FROM server_absence a WHERE a.guild_id = server_log.guild_id)
        ORDER BY due_at
        """,
        {"now": now},
    )
    return [row["guild_id"] for row in rows]


async def due_now(database: Database, now: int) -> None:
    """After a start nobody else is posting: what was begun is due."""
    begun = "due_at > :now AND begun_line IS NOT NULL"
    params = {"now": now}
    if await database.fetch(f"SELECT 1 FROM server_log WHERE {begun} LIMIT 1", params):  # noqa: S608
        sql = f"UPDATE server_log SET due_at = :now WHERE {begun}"  # noqa: S608
        await database.write(lambda tx: tx.execute(sql, params))


def sheet(tx: sqlite3.Connection, guild_id: int, most: int) -> Sheet | None:
    """The next lines, at most so many; ``None`` when there are none, or no channel for them."""
    log = tx.execute("SELECT * FROM server_log WHERE guild_id = ?", (guild_id,)).fetchone()
    rows = tx.execute(
        """
        SELECT l.id, l.at, l.kind, l.facts, l.channel_id AS target,
               coalesce(l.channel_id, c.log_channel) AS goes_to,
               e.id AS e_id, e.guild_id, e.actor_id, e.action, e.subject, e.subject_id,
               e.before_state, e.after_state, e.at AS e_at
        FROM log_line l
        LEFT JOIN server_choice c ON c.guild_id = l.guild_id
        LEFT JOIN audit_entry e ON e.id = l.entry_id
        WHERE l.guild_id = ? ORDER BY l.id LIMIT ?
        """,
        (guild_id, most),
    ).fetchall()
    if log is None or not rows or rows[0]["goes_to"] is None:
        return None
    first = rows[0]
    together = []
    for row in rows:
        if (row["target"], row["goes_to"]) != (first["target"], first["goes_to"]):
            break
        together.append(LogLine(row["id"], row["at"], _what(row)))
    return Sheet(
        channel_id=first["goes_to"],
        chosen=first["target"] is None,
        lines=tuple(together),
        lost=log["lost"],
        attempts=log["attempts"],
        begun=None
        if log["begun_line"] is None
        else Begun(log["begun_channel"], log["begun_line"], log["begun_at"]),
    )


def _what(row: sqlite3.Row) -> AuditEntry | BudgetAlert | Digest:
    if row["kind"] == "entry":
        return entry_of(row, prefix="e_")
    facts = json.loads(row["facts"])
    if row["kind"] == "digest":
        return digest_of(facts)
    return BudgetAlert(**facts | {"fill": Fill(facts["fill"])})


def tell(tx: sqlite3.Connection, guild_id: int, what: BudgetAlert | Digest, at: int) -> None:
    """The server's log channel has to be told of this too, if there is one."""
    tx.execute(
        """
        INSERT INTO log_line (guild_id, kind, facts, at)
        SELECT guild_id, :kind, :facts, :at FROM server_choice
        WHERE guild_id = :guild_id AND log_channel IS NOT NULL
        """,
        {
            "guild_id": guild_id,
            "kind": "digest" if isinstance(what, Digest) else "budget",
            "facts": json.dumps(asdict(what)),
            "at": at,
        },
    )


def begin(tx: sqlite3.Connection, guild_id: int, begun: Begun, due_at: int) -> None:
    """A message is about to be posted; should nothing be heard of it, it is due again then."""
    tx.execute(
        """
        UPDATE server_log SET begun_channel = ?, begun_line = ?, begun_at = ?, due_at = ?
        WHERE guild_id = ?
        """,
        (begun.channel_id, begun.line_id, begun.at, due_at, guild_id),
    )


def posted(tx: sqlite3.Connection, guild_id: int, line_id: int, now: int) -> None:
    """The lines up to this one stand in Discord, and so does what was lost before them."""
    tx.execute("DELETE FROM log_line WHERE guild_id = ? AND id <= ?", (guild_id, line_id))
    tx.execute(
        """
        UPDATE server_log SET attempts = 0, refused = NULL, lost = 0,
                              begun_channel = NULL, begun_line = NULL, begun_at = NULL
        WHERE guild_id = ?
        """,
        (guild_id,),
    )
    _due_if_more(tx, guild_id, now)


def later(tx: sqlite3.Connection, guild_id: int, due_at: int) -> None:
    """Try again then. What was begun may have come into being."""
    tx.execute(
        "UPDATE server_log SET attempts = attempts + 1, due_at = ? WHERE guild_id = ?",
        (due_at, guild_id),
    )


def refused(tx: sqlite3.Connection, guild_id: int, code: int, due_at: int, now: int) -> int:
    """The log channel takes nothing: its lines wait until then, those that are not too many and
    not too old. How many were given up.
    """
    cursor = tx.execute(
        """
        DELETE FROM log_line WHERE guild_id = :guild_id AND channel_id IS NULL
          AND (at < :oldest
               OR id <= (SELECT id FROM log_line WHERE guild_id = :guild_id
                         ORDER BY id DESC LIMIT 1 OFFSET :most))
        """,
        {"guild_id": guild_id, "oldest": now - KEPT_MS, "most": KEPT_MOST},
    )
    tx.execute(
        """
        UPDATE server_log SET attempts = attempts + 1, refused = ?, due_at = ?, lost = lost + ?,
                              begun_channel = NULL, begun_line = NULL, begun_at = NULL
        WHERE guild_id = ?
        """,
        (code, due_at, cursor.rowcount, guild_id),
    )
    if not _any(tx, guild_id):
        _due_if_more(tx, guild_id, now)
    return cursor.rowcount


def give_up(tx: sqlite3.Connection, guild_id: int, now: int, *, tell: bool) -> int:
    """The lines of the message that was begun are posted nowhere. With ``tell``, the next message
    says how many they were. How many that is.
    """
    cursor = tx.execute(
        """
        DELETE FROM log_line WHERE guild_id = :guild_id
          AND id <= (SELECT begun_line FROM server_log WHERE guild_id = :guild_id)
        """,
        {"guild_id": guild_id},
    )
    tx.execute(
        """
        UPDATE server_log SET attempts = 0, lost = lost + ?,
                              begun_channel = NULL, begun_line = NULL, begun_at = NULL
        WHERE guild_id = ?
        """,
        (cursor.rowcount if tell else 0, guild_id),
    )
    _due_if_more(tx, guild_id, now)
    return cursor.rowcount


def moved_meanwhile(tx: sqlite3.Connection, guild_id: int, channel_id: int, now: int) -> bool:
    """Whether the log is not in this channel any more, which has just refused a message of it: then
    its lines are due where they belong now.
    """
    if tx.execute(
        "SELECT 1 FROM server_choice WHERE guild_id = ? AND log_channel = ?", (guild_id, channel_id)
    ).fetchone():
        return False
    _withdraw(tx, guild_id, now)
    return True


def withdraw_many(tx: sqlite3.Connection, guild_id: int, now: int) -> int | None:
    """Discord will not have what the message says that was begun. If it has several lines, it is
    not the message any more, and the last of them is returned.
    """
    last, lines = tx.execute(
        """
        SELECT s.begun_line, count(l.id) FROM server_log s
        LEFT JOIN log_line l ON l.guild_id = s.guild_id AND l.id <= s.begun_line
        WHERE s.guild_id = ?
        """,
        (guild_id,),
    ).fetchone()
    if lines <= 1:
        return None
    _withdraw(tx, guild_id, now)
    return int(last)


def _withdraw(tx: sqlite3.Connection, guild_id: int, now: int) -> None:
    """Nothing came of the message that was begun: its lines are due again."""
    tx.execute(
        """
        UPDATE server_log SET begun_channel = NULL, begun_line = NULL, begun_at = NULL
        WHERE guild_id = ?
        """,
        (guild_id,),
    )
    _due_if_more(tx, guild_id, now)


def rest(tx: sqlite3.Connection, guild_id: int) -> None:
    """There is no channel for what waits: nobody has chosen one."""
    tx.execute("DELETE FROM log_line WHERE guild_id = ? AND channel_id IS NULL", (guild_id,))
    _due_if_more(tx, guild_id, 0)


def moved(tx: sqlite3.Connection, entry: AuditEntry, old: int | None, new: int | None) -> None:
    """The server has another log channel, or none any more, as ``entry`` says.

    What waits goes to the new one. The old one is told of the change as its last line, so that
    nobody silences a log unseen; where there is no new one, also of what was still waiting.
    """
    guild_id = entry.act.guild_id
    if old is not None:
        if new is None:
            tx.execute(
                "UPDATE log_line SET channel_id = ? WHERE guild_id = ? AND channel_id IS NULL",
                (old, guild_id),
            )
        tx.execute(
            """
            INSERT INTO log_line (guild_id, kind, entry_id, channel_id, at)
            VALUES (?, 'entry', ?, ?, ?)
            """,
            (guild_id, entry.id, old, entry.act.at),
        )
    else:  # the first digest is of the day that has begun
        digests.told(tx, guild_id, entry.act.at // DAY_MS - 1)
    tx.execute("UPDATE server_log SET attempts = 0, refused = NULL WHERE guild_id = ?", (guild_id,))
    _due_if_more(tx, guild_id, entry.act.at)


async def refusing(database: Database, guild_ids: Collection[int]) -> list[int]:
    """Which of these servers have a log whose channel has refused it."""
    rows = await database.fetch(
        """
        SELECT guild_id FROM server_log
        WHERE refused IS NOT NULL AND guild_id IN (SELECT value FROM json_each(:guilds))
        """,
        {"guilds": json.dumps(sorted(guild_ids))},
    )
    return [row["guild_id"] for row in rows]


def try_again(tx: sqlite3.Connection, guild_ids: Collection[int], now: int) -> None:
    """The channels of these servers may take something again."""
    for guild_id in guild_ids:
        tx.execute("UPDATE server_log SET attempts = 0 WHERE guild_id = ?", (guild_id,))
        _due_if_more(tx, guild_id, now)


def state(tx: sqlite3.Connection, guild_id: int) -> LogState:
    """How the log of a server is doing."""
    waiting, since, refused_ = tx.execute(
        """
        SELECT count(l.id), min(l.at), max(s.refused)
        FROM server_log s LEFT JOIN log_line l ON l.guild_id = s.guild_id
        WHERE s.guild_id = ?
        """,
        (guild_id,),
    ).fetchone()
    return LogState(waiting, since, refused_)


def _any(tx: sqlite3.Connection, guild_id: int) -> bool:
    rows = tx.execute("SELECT 1 FROM log_line WHERE guild_id = ? LIMIT 1", (guild_id,))
    return rows.fetchone() is not None


def _due_if_more(tx: sqlite3.Connection, guild_id: int, at: int) -> None:
    tx.execute(
        "UPDATE server_log SET due_at = ? WHERE guild_id = ?",
        (at if _any(tx, guild_id) else None, guild_id),
    )
