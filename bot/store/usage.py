# ruff: noqa: S608 - what is put into SQL here are constants of this module, never values
"""Credits used in windows that roll, at a cost that does not grow with history.

The reservations are the truth. A window with much in it has a sum beside them (table
``rolling_sum``), which triggers keep in the transaction of each reservation; what has left the
window since is taken off row by row, and written down when it is more than a few. So every
reservation is read once when it leaves, and no decision adds up what was there all the time.
Only the first decision after a window was changed, or after a long silence, has much to read.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping
from typing import Any, Final

from bot.rules.books import Needs, Scope, Subject, Sum, subjects_of
from bot.rules.policy import Asker, Rate
from bot.store.database import Database, execute_rows

FEW: Final = 32
"""Credits that are added up row by row each time before a sum is written down."""

_WHOSE: Final = {
    Scope.MEMBER: "guild_id = {who}guild_id AND user_id = {who}id",
    Scope.CHANNEL: "guild_id = {who}guild_id AND channel_id = {who}id",
    Scope.SERVER: "guild_id = {who}guild_id",
    Scope.EVERYTHING: "TRUE",
}
"""Which reservations count for a subject; ``who`` says where its columns are."""

_EDGES: Final = " ".join(
    f"""
    WHEN '{scope}' THEN (
        SELECT coalesce(sum(r.credits), 0) FROM reservation r
        WHERE {whose.format(who="of.")} AND r.state <> 'released'
          AND r.held_at > min(of.since, of.start) AND r.held_at <= max(of.since, of.start))
    """
    for scope, whose in _WHOSE.items()
)

# One row for all, as JSON: each further row would wait for the interpreter again, as in
# ``execute_rows``. What was asked for is named by its place in the list. A sum that is missing
# has its ``since`` at the end of time: all is edge.
_READ: Final = f"""
    SELECT json_array(
        (SELECT json_group_array(json_array(place, credits, since, CASE scope {_EDGES} END))
         FROM (SELECT a.*, :now - a.window_ms AS start, coalesce(s.credits, 0) AS credits,
                      coalesce(s.since, 9223372036854775807) AS since
               FROM (SELECT key AS place,
                            json_extract(value, '$[0]') AS scope,
                            json_extract(value, '$[1]') AS guild_id,
                            json_extract(value, '$[2]') AS id,
                            json_extract(value, '$[3]') AS window_ms
                     FROM json_each(:sums)) AS a
               LEFT JOIN rolling_sum s
                 ON s.scope = a.scope AND s.guild_id = a.guild_id
                AND s.subject_id = a.id AND s.window_ms = a.window_ms) AS of),
        (SELECT json_group_array(json_array(place, CASE scope
                WHEN 'member' THEN (
                    SELECT count(*) FROM job j
                    WHERE j.guild_id = of.guild_id AND j.user_id = of.id
                      AND j.finished_at IS NULL)
                WHEN 'channel' THEN (
                    SELECT count(*) FROM job j
                    WHERE j.guild_id = of.guild_id
                      AND coalesce(j.parent_id, j.channel_id) = of.id
                      AND j.finished_at IS NULL)
                END))
         FROM (SELECT key AS place,
                      json_extract(value, '$[0]') AS scope,
                      json_extract(value, '$[1]') AS guild_id,
                      json_extract(value, '$[2]') AS id
               FROM json_each(:counts)) AS of))
"""

_WRITE_DOWN: Final = """
    INSERT INTO rolling_sum (scope, guild_id, subject_id, window_ms, since, credits) (VALUES)
    ON CONFLICT DO UPDATE SET since = excluded.since, credits = excluded.credits
"""

_FORWARD: Final = {
    scope: f"""
    SELECT held_at FROM (
        SELECT held_at, sum(credits) OVER (ORDER BY held_at ROWS UNBOUNDED PRECEDING) AS sum
        FROM reservation
        WHERE {whose.format(who=":")} AND state <> 'released' AND held_at > :start
        ORDER BY held_at LIMIT :credits)
    WHERE sum >= :credits LIMIT 1
    """
    for scope, whose in _WHOSE.items()
}
"""The oldest first, until as many credits have been passed; each row holds at least one."""

_BACKWARD: Final = {
    scope: f"""
    SELECT held_at FROM (
        SELECT held_at, sum(credits) OVER (ORDER BY held_at DESC ROWS UNBOUNDED PRECEDING) AS sum
        FROM reservation
        WHERE {whose.format(who=":")} AND state <> 'released' AND held_at > :start
        ORDER BY held_at DESC LIMIT :credits + 1)
    WHERE sum > :credits LIMIT 1
    """
    for scope, whose in _WHOSE.items()
}
"""The newest first, until one no longer fits into what may stay."""


class Snapshot:
    """Books (``rules.books.Books``) as one transaction sees them; good as long as it is open.

    ``take`` counts what this transaction is about to write, so that many orders can be decided
    before they are written together.
    """

    def __init__(
        self,
        tx: sqlite3.Connection,
        now: int,
        sums: Mapping[Sum, int],
        counts: Mapping[Subject, int],
    ) -> None:
        self._tx = tx
        self._now = now
        self._stored = sums
        self._used = dict(sums)
        self._unfinished = dict(counts)
        self._sums_of: dict[Subject, list[Sum]] = {}
        for sum_ in sums:
            self._sums_of.setdefault(sum_.subject, []).append(sum_)
        self._moments: dict[tuple[Sum, int], int | None] = {}

    def used(self, sum_: Sum) -> int:
        """Credits that are in the window now."""
        return self._used[sum_]

    def unfinished(self, subject: Subject) -> int:
        """Jobs that are not over."""
        return self._unfinished[subject]

    def leave_at(self, sum_: Sum, amount: int) -> int | None:
        """When at least ``amount`` of the credits in the window now will have left it, if ever."""
        if amount > self._used[sum_]:
            return None
        stored = self._stored[sum_]
        if amount > stored:  # some of it is being written in this transaction
            return self._now + sum_.window_ms
        key = sum_, amount
        if key not in self._moments:
            self._moments[key] = self._left_at(sum_, amount, stored - amount)
        return self._moments[key]

    def _left_at(self, sum_: Sum, leave: int, stay: int) -> int | None:
        scope, guild_id, id_ = sum_.subject
        queries, amount = (_FORWARD, leave) if leave <= stay else (_BACKWARD, stay)
        row = self._tx.execute(
            queries[scope],
            {
                "guild_id": guild_id,
                "id": id_,
                "start": self._now - sum_.window_ms,
                "credits": amount,
            },
        ).fetchone()
        return None if row is None else int(row[0]) + sum_.window_ms

    def take(self, asker: Asker, price: int) -> None:
        """Count one more job of this asker, as taken now."""
        for subject in subjects_of(asker):
            for sum_ in self._sums_of.get(subject, ()):
                self._used[sum_] += price
            if subject in self._unfinished:
                self._unfinished[subject] += 1


def together(needs: Iterable[Needs]) -> Needs:
    """The numbers that all of these decisions need."""
    sums: set[Sum] = set()
    counts: set[Subject] = set()
    for one in needs:
        sums |= one.sums
        counts |= one.counts
    return Needs(frozenset(sums), frozenset(counts))


def read(tx: sqlite3.Connection, needs: Needs, now: int) -> Snapshot:
    """The numbers that a decision needs."""
    return _read(tx, needs, now, write_down=False)


def read_to_write(tx: sqlite3.Connection, needs: Needs, now: int) -> Snapshot:
    """The same inside a writing transaction, before it takes anything.

    What has left a window since the last time is written down, so that it is not read again.
    """
    return _read(tx, needs, now, write_down=True)


def _read(tx: sqlite3.Connection, needs: Needs, now: int, *, write_down: bool) -> Snapshot:
    sums, subjects = list(needs.sums), list(needs.counts)
    params: dict[str, Any] = {
        "sums": json.dumps([[*sum_.subject, sum_.window_ms] for sum_ in sums]),
        "counts": json.dumps(subjects),
        "now": now,
    }
    found, counts = json.loads(tx.execute(_READ, params).fetchone()[0])
    used: dict[Sum, int] = {}
    long: list[tuple[str | int, ...]] = []
    for place, kept, since, edge in found:
        sum_ = sums[place]
        start = now - sum_.window_ms
        missing = since > now
        total = kept - edge if since <= start else kept + edge
        used[sum_] = total
        if edge > FEW and (missing or since < start):
            long.append((*sum_.subject, sum_.window_ms, start, total))
    if write_down and long:
        execute_rows(tx, _WRITE_DOWN, long)
    return Snapshot(tx, now, used, {subjects[place]: count for place, count in counts})


def drop_sums(tx: sqlite3.Connection, guild_id: int) -> None:
    """Let the sums of a server be added up anew when they are next needed: its windows may
    have changed, and sums that nobody asks for would be kept for ever.
    """
    tx.execute("DELETE FROM rolling_sum WHERE guild_id = :guild_id", {"guild_id": guild_id})


async def keep_ceiling(database: Database, ceiling: Rate | None) -> None:
    """Drop the sums of all servers together that this ceiling does not ask for: an earlier one
    had another window.
    """
    others = "FROM rolling_sum WHERE scope = :scope AND window_ms <> :window_ms"
    params = {"scope": Scope.EVERYTHING, "window_ms": ceiling.window_ms if ceiling else 0}
    if await database.fetch(f"SELECT 1 {others}", params):
        await database.write(lambda tx: tx.execute(f"DELETE {others}", params))
