"""Blocked words and phrases of servers: each change and its audit entry are one transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bot.rules.words.phrases import prepare, validate
from bot.store import audit
from bot.store.audit import Act, AuditEntry, State
from bot.store.database import execute_rows


@dataclass(frozen=True, slots=True)
class WordList:
    """A server's block list. ``version`` is 0 where there never was one, and never comes twice."""

    version: int
    phrases: tuple[str, ...]


def read(tx: sqlite3.Connection, guild_id: int) -> WordList:
    """The list as this transaction sees it, in its order."""
    row = tx.execute("SELECT version FROM word_list WHERE guild_id = ?", (guild_id,)).fetchone()
    phrases = tx.execute(
        "SELECT phrase FROM blocked_phrase WHERE guild_id = ? ORDER BY place", (guild_id,)
    )
    return WordList(int(row[0]) if row else 0, tuple(str(one[0]) for one in phrases))


def add(tx: sqlite3.Connection, act: Act, text: str) -> AuditEntry:
    """Block one more phrase. Raises ``BadWords`` with what to change: it cannot be blocked as it
    is written, it is listed already, or the list is full.
    """
    before = read(tx, act.guild_id).phrases
    phrase = validate(text, before)
    entry = _told(tx, act, "words_add", None, {"phrase": phrase})
    _write(tx, act.guild_id, (*before, phrase))
    return entry


def remove(tx: sqlite3.Connection, act: Act, text: str) -> AuditEntry | None:
    """Block a phrase no more, however it is written. ``None`` when it is not listed, also when
    it could not be.
    """
    key = prepare(text).key
    before = read(tx, act.guild_id).phrases
    found = next((phrase for phrase in before if prepare(phrase).key == key), None)
    if found is None:
        return None
    entry = _told(tx, act, "words_remove", {"phrase": found}, None)
    _write(tx, act.guild_id, [phrase for phrase in before if phrase != found])
    return entry


def replace_all(tx: sqlite3.Connection, act: Act, phrases: Sequence[str]) -> AuditEntry | None:
    """Let the list be these phrases, as ``rules.words.parse`` gives them. The entry has what
    went and what came; ``None`` when the list is as it was.
    """
    before = read(tx, act.guild_id).phrases
    if before == tuple(phrases):
        return None
    old, new = frozenset(before), frozenset(phrases)
    went = [phrase for phrase in before if phrase not in new]
    came = [phrase for phrase in phrases if phrase not in old]
    entry = _told(tx, act, "words_import", {"phrases": went}, {"phrases": came})
    _write(tx, act.guild_id, phrases)
    return entry


def _told(
    tx: sqlite3.Connection, act: Act, action: str, before: State | None, after: State | None
) -> AuditEntry:
    """Write the change down, and give the list the number of its entry as its version."""
    entry = audit.append(tx, act, action, "words", 0, before, after)
    tx.execute(
        """
        INSERT INTO word_list VALUES (:guild_id, :version)
        ON CONFLICT DO UPDATE SET version = excluded.version
        """,
        {"guild_id": act.guild_id, "version": entry.id},
    )
    return entry


def _write(tx: sqlite3.Connection, guild_id: int, phrases: Iterable[str]) -> None:
    tx.execute("DELETE FROM blocked_phrase WHERE guild_id = ?", (guild_id,))
    execute_rows(
        tx,
        "INSERT INTO blocked_phrase (VALUES)",
        [(guild_id, place, phrase) for place, phrase in enumerate(phrases)],
    )
