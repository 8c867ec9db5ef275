"""What a server has chosen beside its limits: channels, reviews, strikes, how long things stay."""

from __future__ import annotations

import sqlite3
from typing import Any, Final

from bot.rules.policy import Choices, ReviewRule, Strikes
from bot.store import audit, logbook
from bot.store.audit import Act, AuditEntry

_COLUMNS: Final = (
    "result_channel",
    "showcase_channel",
    "log_channel",
    "review_channel",
    "review_newcomer_ms",
    "review_flagged",
    "review_all",
    "strikes",
    "strike_window_ms",
    "strike_block_ms",
    "retention_ms",
    "digest",
)

_READ: Final = f"SELECT {', '.join(_COLUMNS)} FROM server_choice WHERE guild_id = ?"  # noqa: S608
_WRITE: Final = (
    f"INSERT OR REPLACE INTO server_choice (guild_id, {', '.join(_COLUMNS)})"  # noqa: S608
    f" VALUES (?{', ?' * len(_COLUMNS)})"
)


def read(tx: sqlite3.Connection, guild_id: int) -> Choices:
    """What the server has chosen, as this transaction sees it."""
    row = tx.execute(_READ, (guild_id,)).fetchone()
    if row is None:
        return Choices()
    result, showcase, log, review, newcomer_ms, flagged, everything, *rest = row
    strikes, window_ms, block_ms, retention_ms, digest = rest
    return Choices(
        result=result,
        showcase=showcase,
        log=log,
        review=review,
        look_at=ReviewRule(newcomer_ms, bool(flagged), bool(everything)),
        strikes=None if strikes is None else Strikes(strikes, window_ms, block_ms),
        retention_ms=retention_ms,
        digest=bool(digest),
    )


def change(tx: sqlite3.Connection, act: Act, after: Choices) -> AuditEntry | None:
    """Let it be ``after``; the entry has what differs, ``None`` when nothing does.

    Raises ``sqlite3.IntegrityError``, named by the constraint, for what cannot be: reviews
    without a channel for them.
    """
    before, now = _columns(read(tx, act.guild_id)), _columns(after)
    differs = [name for name in _COLUMNS if before[name] != now[name]]
    if not differs:
        return None
    tx.execute(_WRITE, (act.guild_id, *now.values()))
    old, new = ({name: side[name] for name in differs} for side in (before, now))
    entry = audit.append(tx, act, "choices", "server", 0, old, new)
    if "log_channel" in differs:
        logbook.moved(tx, entry, before["log_channel"], after.log)
    return entry


def _columns(choices: Choices) -> dict[str, Any]:
    look_at, strikes = choices.look_at, choices.strikes
    values = (
        choices.result,
        choices.showcase,
        choices.log,
        choices.review,
        look_at.newcomer_ms,
        int(look_at.flagged),
        int(look_at.everything),
        strikes and strikes.count,
        strikes and strikes.window_ms,
        strikes and strikes.block_ms,
        choices.retention_ms,
        int(choices.digest),
    )
    return dict(zip(_COLUMNS, values, strict=True))
