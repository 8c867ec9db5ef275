"""Lists of words and phrases of servers: each change and its audit entry are one transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bot.rules.words.listed import Listed, Then, by_kind
from bot.rules.words.phrases import prepare, validate
from bot.store import audit
from bot.store.audit import Act, AuditEntry, State
from bot.store.database import execute_rows


@dataclass(frozen=True, slots=True)
class WordList:
    """A server's list. ``version`` is 0 where there never was one, and never comes twice."""

    version: int
    entries: tuple[Listed, ...] = ()

    @property
    def phrases(self) -> tuple[str, ...]:
        """The phrases alone."""
        return tuple(entry.phrase for entry in self.entries)

    def of(self, text: str) -> Listed | None:
        """The entry of this phrase, however it is written. Raises ``BadWords`` for a text that
        cannot be listed.
        """
        key = prepare(text).key
        return next((one for one in self.entries if prepare(one.phrase).key == key), None)


def read(tx: sqlite3.Connection, guild_id: int) -> WordList:
    """The list as this transaction sees it, in its order."""
    row = tx.execute("SELECT version FROM word_list WHERE guild_id = ?", (guild_id,)).fetchone()
    entries = tx.execute(
        "SELECT phrase, what_then FROM blocked_phrase WHERE guild_id = ? ORDER BY place",
        (guild_id,),
    )
    return WordList(
        int(row[0]) if row else 0, tuple(Listed(str(one[0]), Then(one[1])) for one in entries)
    )


def add(tx: sqlite3.Connection, act: Act, text: str, then: Then = Then.REFUSE) -> AuditEntry:
    """List one more phrase, or let something else become of one that is listed. Raises
    ``BadWords`` with what to change: it cannot be listed as it is written, it is listed so
    already, or the list is full.
    """
    before = read(tx, act.guild_id)
    known = before.of(text)
    if known is not None and known.then is not then:
        now = Listed(known.phrase, then)
        entry = _told(tx, act, "words_add", _state(known), _state(now))
        _write(tx, act.guild_id, [now if one == known else one for one in before.entries])
        return entry
    now = Listed(validate(text, before.phrases), then)
    entry = _told(tx, act, "words_add", None, _state(now))
    _write(tx, act.guild_id, (*before.entries, now))
    return entry


def remove(tx: sqlite3.Connection, act: Act, text: str) -> AuditEntry | None:
    """List a phrase no more, however it is written. ``None`` when it is not listed. Raises
    ``BadWords`` for a text that cannot be.
    """
    before = read(tx, act.guild_id)
    found = before.of(text)
    if found is None:
        return None
    entry = _told(tx, act, "words_remove", _state(found), None)
    _write(tx, act.guild_id, [one for one in before.entries if one != found])
    return entry


def replace_all(tx: sqlite3.Connection, act: Act, entries: Sequence[Listed]) -> AuditEntry | None:
    """Let the list be these entries, as ``rules.words.parse`` gives them. The entry of the log
    has what went and what came; ``None`` when the list is as it was.
    """
    before = read(tx, act.guild_id).entries
    if before == tuple(entries):
        return None
    old, new = frozenset(before), frozenset(entries)
    went = [one for one in before if one not in new]
    came = [one for one in entries if one not in old]
    entry = _told(tx, act, "words_import", _states(went), _states(came))
    _write(tx, act.guild_id, entries)
    return entry


def _state(listed: Listed) -> State:
    """An entry as the log has it: that it refuses goes without saying."""
    state = {"phrase": listed.phrase}
    return state if listed.then is Then.REFUSE else {**state, "then": str(listed.then)}


def _states(entries: Sequence[Listed]) -> State:
    phrases = by_kind(entries)
    states = {"phrases": phrases[Then.REFUSE]}
    return {**states, "review": phrases[Then.REVIEW]} if phrases[Then.REVIEW] else states


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


def _write(tx: sqlite3.Connection, guild_id: int, entries: Iterable[Listed]) -> None:
    tx.execute("DELETE FROM blocked_phrase WHERE guild_id = ?", (guild_id,))
    execute_rows(
        tx,
        "INSERT INTO blocked_phrase (guild_id, place, phrase, what_then) (VALUES)",
        [(guild_id, place, one.phrase, one.then) for place, one in enumerate(entries)],
    )
