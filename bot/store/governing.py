"""Changing what is set: each change and its audit entry are one transaction.

Every function reads what was before, writes what shall be, and returns the entry, or ``None``
when that changes nothing. The server is the act's: nothing here reaches into another one. A
pause by the operator (``guild_id`` 0) holds everywhere.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import Any, Final

from bot.model import Verb
from bot.rules.policy import AgeRule, Block, PauseMode
from bot.store import audit, usage
from bot.store.audit import Act, AuditEntry, State
from bot.store.database import execute_rows


class Whose(StrEnum):
    """What a limit is set for. ``SERVER`` is the budget."""

    EVERYONE = "everyone"
    MEMBER = "member"
    ROLE = "role"
    CHANNEL = "channel"  # a channel, never a thread
    SERVER = "server"


class Access(StrEnum):
    """Lists of channels and roles that say who may ask where."""

    ALLOWED_CHANNEL = "allowed_channel"
    REQUIRED_ROLE = "required_role"
    BARRED_ROLE = "barred_role"


_OWN: Final = "server"
"""The subject of an entry about the server as a whole; its id is 0."""


def set_limit(
    tx: sqlite3.Connection,
    act: Act,
    whose: Whose,
    subject_id: int = 0,
    *,
    amount: int | None = None,
    window_ms: int | None = None,
    concurrent: int | None = None,
) -> AuditEntry | None:
    """Set what is given and keep the rest of that limit.

    ``subject_id`` is the member, role or channel. ``amount`` is in credits; without a window it
    is for everyone's window. Raises ``sqlite3.IntegrityError``, named by the constraint, for
    what makes no limit: a window without credits, a budget without a window, and the like.
    """
    before = _limit(tx, act.guild_id, whose, subject_id)
    given = {"credits": amount, "window_ms": window_ms, "concurrent": concurrent}
    after = dict(before or {}) | {name: n for name, n in given.items() if n is not None}
    if before == after:
        return None
    row = (act.guild_id, whose, subject_id, *(after.get(name) for name in given))
    tx.execute("INSERT OR REPLACE INTO usage_limit VALUES (?, ?, ?, ?, ?, ?)", row)
    usage.drop_sums(tx, act.guild_id)
    return audit.append(tx, act, "limit", whose, subject_id, before, after)


def clear_limit(
    tx: sqlite3.Connection, act: Act, whose: Whose, subject_id: int = 0
) -> AuditEntry | None:
    """Take a limit away: what the rules say without it holds again."""
    before = _limit(tx, act.guild_id, whose, subject_id)
    if before is None:
        return None
    tx.execute(
        "DELETE FROM usage_limit WHERE guild_id = ? AND subject = ? AND subject_id = ?",
        (act.guild_id, whose, subject_id),
    )
    usage.drop_sums(tx, act.guild_id)
    return audit.append(tx, act, "limit", whose, subject_id, before, None)


def _limit(tx: sqlite3.Connection, guild_id: int, whose: Whose, subject_id: int) -> State | None:
    return _row(
        tx,
        """
        SELECT credits, window_ms, concurrent FROM usage_limit
        WHERE guild_id = :guild_id AND subject = :subject AND subject_id = :subject_id
        """,
        {"guild_id": guild_id, "subject": whose, "subject_id": subject_id},
    )


def grant(tx: sqlite3.Connection, act: Act, user_id: int, amount: int, until: int) -> AuditEntry:
    """Give a member more for a while; grants add up."""
    before = _granted(tx, act, user_id)
    tx.execute(
        "INSERT INTO member_grant (guild_id, user_id, credits, until_at) VALUES (?, ?, ?, ?)",
        (act.guild_id, user_id, amount, until),
    )
    return audit.append(tx, act, "grant", "member", user_id, before, _granted(tx, act, user_id))


def revoke_grants(tx: sqlite3.Connection, act: Act, user_id: int) -> AuditEntry | None:
    """Take back all grants of a member that have not ended."""
    before = _granted(tx, act, user_id)
    if before is None:
        return None
    tx.execute(
        "DELETE FROM member_grant WHERE guild_id = ? AND user_id = ?", (act.guild_id, user_id)
    )
    return audit.append(tx, act, "grant", "member", user_id, before, None)


def _granted(tx: sqlite3.Connection, act: Act, user_id: int) -> State | None:
    """What the member is granted now; grants that have ended are swept out here."""
    where = {"guild_id": act.guild_id, "user_id": user_id, "now": act.at}
    tx.execute(
        """
        DELETE FROM member_grant
        WHERE guild_id = :guild_id AND user_id = :user_id AND until_at <= :now
        """,
        where,
    )
    return _row(
        tx,
        """
        SELECT sum(credits) AS credits, max(until_at) AS until FROM member_grant
        WHERE guild_id = :guild_id AND user_id = :user_id HAVING count(*) > 0
        """,
        where,
    )


def block(
    tx: sqlite3.Connection,
    act: Act,
    user_id: int,
    *,
    reason: str | None = None,
    until: int | None = None,
) -> AuditEntry | None:
    """Let a member ask for nothing, for a while or until somebody ends it."""
    before = _block(tx, act, user_id)
    after = _said(reason=reason, until=until)
    if before == after:
        return None
    tx.execute(
        "INSERT OR REPLACE INTO member_block VALUES (?, ?, ?, ?)",
        (act.guild_id, user_id, reason, until),
    )
    return audit.append(tx, act, "block", "member", user_id, before, after)


def unblock(tx: sqlite3.Connection, act: Act, user_id: int) -> AuditEntry | None:
    """End a block."""
    before = _block(tx, act, user_id)
    tx.execute(
        "DELETE FROM member_block WHERE guild_id = ? AND user_id = ?", (act.guild_id, user_id)
    )
    if before is None:
        return None
    return audit.append(tx, act, "unblock", "member", user_id, before, None)


def _block(tx: sqlite3.Connection, act: Act, user_id: int) -> State | None:
    """The block that holds now: one that has ended is none."""
    return _row(
        tx,
        """
        SELECT reason, until_at AS until FROM member_block
        WHERE guild_id = :guild_id AND user_id = :user_id
          AND coalesce(until_at > :now, TRUE)
        """,
        {"guild_id": act.guild_id, "user_id": user_id, "now": act.at},
    )


def standing_block(tx: sqlite3.Connection, guild_id: int, user_id: int, now: int) -> Block | None:
    """The block that holds for this member now."""
    found = _block(tx, Act(guild_id, 0, now), user_id)
    return None if found is None else Block(found.get("reason"), found.get("until"))


def pause(
    tx: sqlite3.Connection,
    act: Act,
    mode: PauseMode,
    *,
    reason: str | None = None,
    until: int | None = None,
) -> AuditEntry | None:
    """Take no new jobs, for a while or until somebody ends it."""
    before = _pause(tx, act)
    after = _said(mode=str(mode), reason=reason, until=until)
    if before == after:
        return None
    tx.execute(
        "INSERT OR REPLACE INTO server_pause VALUES (?, ?, ?, ?)",
        (act.guild_id, mode, reason, until),
    )
    return audit.append(tx, act, "pause", _OWN, 0, before, after)


def resume(tx: sqlite3.Connection, act: Act) -> AuditEntry | None:
    """End a pause."""
    before = _pause(tx, act)
    tx.execute("DELETE FROM server_pause WHERE guild_id = ?", (act.guild_id,))
    if before is None:
        return None
    return audit.append(tx, act, "resume", _OWN, 0, before, None)


def _pause(tx: sqlite3.Connection, act: Act) -> State | None:
    return _row(
        tx,
        """
        SELECT mode, reason, until_at AS until FROM server_pause
        WHERE guild_id = :guild_id AND coalesce(until_at > :now, TRUE)
        """,
        {"guild_id": act.guild_id, "now": act.at},
    )


def access(tx: sqlite3.Connection, guild_id: int, kind: Access) -> frozenset[int]:
    """The channels or roles that are on the list."""
    rows = tx.execute(
        "SELECT subject_id FROM server_access WHERE guild_id = ? AND kind = ?", (guild_id, kind)
    )
    return frozenset(int(row[0]) for row in rows)


def set_access(
    tx: sqlite3.Connection, act: Act, kind: Access, ids: Collection[int]
) -> AuditEntry | None:
    """Let the list be these channels or roles; an empty one says nothing."""
    before, after = sorted(access(tx, act.guild_id, kind)), sorted(set(ids))
    if before == after:
        return None
    tx.execute("DELETE FROM server_access WHERE guild_id = ? AND kind = ?", (act.guild_id, kind))
    execute_rows(
        tx, "INSERT INTO server_access (VALUES)", [(act.guild_id, kind, id_) for id_ in after]
    )
    return audit.append(tx, act, kind, _OWN, 0, {"ids": before}, {"ids": after})


def set_gate(
    tx: sqlite3.Connection,
    act: Act,
    *,
    newcomer_ms: int | None = None,
    age: AgeRule | None = None,
) -> AuditEntry | None:
    """How long members must have been here, and the rule about age-restricted channels; what
    is not given stays.
    """
    before = _row(
        tx,
        "SELECT newcomer_ms, age FROM server_gate WHERE guild_id = :guild_id",
        {"guild_id": act.guild_id},
    ) or {"newcomer_ms": 0, "age": str(AgeRule.ANYWHERE)}
    after = dict(before) | _said(newcomer_ms=newcomer_ms, age=None if age is None else str(age))
    if before == after:
        return None
    tx.execute(
        "INSERT OR REPLACE INTO server_gate VALUES (?, ?, ?)",
        (act.guild_id, after["newcomer_ms"], after["age"]),
    )
    return audit.append(tx, act, "gate", _OWN, 0, before, after)


def weights(tx: sqlite3.Connection, guild_id: int) -> dict[Verb, int]:
    """What verbs' prices are multiplied by, apart from those that count once."""
    rows = tx.execute(
        "SELECT verb, weight FROM verb_weight WHERE guild_id = ? ORDER BY verb", (guild_id,)
    )
    return {Verb(verb): int(weight) for verb, weight in rows}


def set_weights(tx: sqlite3.Connection, act: Act, wanted: Mapping[Verb, int]) -> AuditEntry | None:
    """What each verb's price is multiplied by; one that is not named counts once."""
    before = {str(verb): weight for verb, weight in weights(tx, act.guild_id).items()}
    after = {str(verb): weight for verb, weight in sorted(wanted.items()) if weight != 1}
    if before == after:
        return None
    tx.execute("DELETE FROM verb_weight WHERE guild_id = ?", (act.guild_id,))
    execute_rows(
        tx,
        "INSERT INTO verb_weight (VALUES)",
        [(act.guild_id, verb, weight) for verb, weight in after.items()],
    )
    return audit.append(tx, act, "weights", _OWN, 0, before, after)


_OF_A_SERVER: Final = (
    "usage_limit",
    "member_grant",
    "member_block",
    "server_pause",
    "server_access",
    "server_gate",
    "verb_weight",
    "server_choice",
    "blocked_phrase",
    "word_list",
    "rolling_sum",
    "log_line",
    "server_log",
    "budget_alert",
    "review_trouble",
    "server_digest",
    "server_absence",
    "audit_entry",
)


def forget_server(tx: sqlite3.Connection, guild_id: int) -> None:
    """Erase all that a server has set and was told, and the log of it. Its jobs are not touched."""
    tx.execute("INSERT INTO server_to_forget VALUES (?)", (guild_id,))
    for table in _OF_A_SERVER:
        tx.execute(f"DELETE FROM {table} WHERE guild_id = ?", (guild_id,))  # noqa: S608
    tx.execute("DELETE FROM server_to_forget WHERE guild_id = ?", (guild_id,))


def _row(tx: sqlite3.Connection, sql: str, params: Mapping[str, Any]) -> State | None:
    """The one row, as a state: what is NULL is not in it."""
    cursor = tx.execute(sql, params)
    row = cursor.fetchone()
    if row is None:
        return None
    return _said(**dict(zip((column[0] for column in cursor.description), row, strict=True)))


def _said(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
