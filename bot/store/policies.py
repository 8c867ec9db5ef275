"""What servers, their moderators and the operator have set: read as values of ``rules.policy``."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from bot.model import Quota, Verb
from bot.rules.policy import (
    AgeRule,
    Block,
    Grant,
    Installation,
    Limit,
    Operator,
    Pause,
    PauseMode,
    Personal,
    Policy,
    Rate,
    ReviewRule,
    Rulebook,
)

Member = tuple[int, int]
"""A server and one of its members: (guild id, user id)."""

OPERATOR: Final = 0
"""The guild id under which stands what holds in every server."""

# One row for all, as JSON: each further row would wait for the interpreter again, as in
# ``database.execute_rows``. A server's part is text inside it, so that what has not changed
# need not be parsed again; members' parts are few rows each and found by their keys.
_READ: Final = """
    SELECT json_array(
        (SELECT json_group_array(json_array(g.id, '' || json_array(
            (SELECT json_group_array(json_array(
                    subject, subject_id, credits, window_ms, concurrent))
             FROM usage_limit WHERE guild_id = g.id
              AND subject IN ('everyone', 'role', 'channel', 'server')),
            (SELECT json_array(mode, reason, until_at) FROM server_pause WHERE guild_id = g.id),
            (SELECT json_group_array(json_array(kind, subject_id))
             FROM server_access WHERE guild_id = g.id),
            (SELECT json_array(newcomer_ms, age) FROM server_gate WHERE guild_id = g.id),
            (SELECT json_group_array(json_array(verb, weight))
             FROM verb_weight WHERE guild_id = g.id),
            (SELECT version FROM word_list WHERE guild_id = g.id),
            (SELECT json_array(review_newcomer_ms, review_flagged, review_all)
             FROM server_choice WHERE guild_id = g.id))))
         FROM (SELECT value AS id FROM json_each(:servers)) AS g),
        (SELECT json_group_array(json_array(m.guild_id, m.user_id,
            (SELECT json_array(credits, window_ms, concurrent) FROM usage_limit
             WHERE guild_id = m.guild_id AND subject = 'member' AND subject_id = m.user_id),
            (SELECT json_group_array(json_array(credits, until_at)) FROM member_grant
             WHERE guild_id = m.guild_id AND user_id = m.user_id AND until_at > :now),
            (SELECT json_array(reason, until_at) FROM member_block
             WHERE guild_id = m.guild_id AND user_id = m.user_id)))
         FROM (SELECT json_extract(value, '$[0]') AS guild_id,
                      json_extract(value, '$[1]') AS user_id
               FROM json_each(:members)) AS m))
"""


def read(
    tx: sqlite3.Connection, members: Iterable[Member], installation: Installation, now: int
) -> dict[Member, Rulebook]:
    """The rulebook of each of these members, in one query."""
    asked = set(members)
    params = {
        "servers": json.dumps([OPERATOR, *{guild_id for guild_id, _ in asked}]),
        "members": json.dumps(list(asked)),
        "now": now,
    }
    servers, personal = json.loads(tx.execute(_READ, params).fetchone()[0])
    policies = {guild_id: _policy(guild_id, text, installation.quota) for guild_id, text in servers}
    above = Operator(policies[OPERATOR].pause, installation.ceiling)
    return {
        (guild_id, user_id): Rulebook(
            policies[guild_id], _personal(limit, grants, block, policies[guild_id].default), above
        )
        for guild_id, user_id, limit, grants, block in personal
    }


def pauses(tx: sqlite3.Connection, now: int) -> dict[int, Pause]:
    """Every pause that holds now, by server; the operator's is ``OPERATOR``'s."""
    rows = tx.execute(
        """
        SELECT guild_id, mode, reason, until_at FROM server_pause
        WHERE coalesce(until_at > :now, TRUE)
        """,
        {"now": now},
    )
    return {guild_id: Pause(PauseMode(mode), *rest) for guild_id, mode, *rest in rows}


def read_server(tx: sqlite3.Connection, guild_id: int, default: Quota) -> Policy:
    """What one server has set, apart from what is set for single members."""
    params = {"servers": json.dumps([guild_id]), "members": "[]", "now": 0}
    servers, _ = json.loads(tx.execute(_READ, params).fetchone()[0])
    return _policy(guild_id, servers[0][1], default)


def read_all(
    tx: sqlite3.Connection, guild_id: int, default: Quota, now: int
) -> tuple[Policy, dict[int, Personal]]:
    """All that one server has set, with the members for whom something is set."""
    rows = tx.execute(
        """
        SELECT subject_id FROM usage_limit WHERE guild_id = :guild_id AND subject = 'member'
        UNION SELECT user_id FROM member_grant WHERE guild_id = :guild_id AND until_at > :now
        UNION SELECT user_id FROM member_block WHERE guild_id = :guild_id
        """,
        {"guild_id": guild_id, "now": now},
    )
    members = [(guild_id, int(row[0])) for row in rows.fetchall()]
    books = read(tx, members, Installation(default), now)
    people = {user_id: book.member for (_, user_id), book in books.items()}
    return read_server(tx, guild_id, default), people


@dataclass(frozen=True, slots=True)
class Numbers:
    """How much is set for single members, and how many phrases are blocked."""

    members_limited: int
    members_blocked: int
    phrases: int


def numbers(tx: sqlite3.Connection, guild_id: int, now: int) -> Numbers:
    """Counts of what a server has set, of blocks only those that hold now."""
    row = tx.execute(
        """
        SELECT (SELECT count(*) FROM usage_limit
                WHERE guild_id = :guild_id AND subject = 'member'),
               (SELECT count(*) FROM member_block
                WHERE guild_id = :guild_id AND coalesce(until_at > :now, TRUE)),
               (SELECT count(*) FROM blocked_phrase WHERE guild_id = :guild_id)
        """,
        {"guild_id": guild_id, "now": now},
    )
    return Numbers(*row.fetchone())


@lru_cache(maxsize=1024)
def _policy(guild_id: int, text: str, default: Quota) -> Policy:
    """A server's policy from its text. Policies change rarely, and the text has all of it, so
    one that is remembered is never stale. Nobody may change the value.
    """
    limits, pause, access, gate, weights, words, review = json.loads(text)
    by_subject: dict[str, dict[int, list[Any]]] = {}
    for subject, subject_id, *numbers in limits:
        by_subject.setdefault(subject, {})[subject_id] = numbers
    everyone = _quota(by_subject.get("everyone", {}).get(0), default)
    budget = by_subject.get("server", {}).get(0)
    of_kind: dict[str, set[int]] = {}
    for kind, subject_id in access:
        of_kind.setdefault(kind, set()).add(subject_id)
    newcomer_ms, age = gate or (0, AgeRule.ANYWHERE)
    return Policy(
        guild_id=guild_id,
        default=everyone,
        roles={id_: _limit(row, everyone) for id_, row in by_subject.get("role", {}).items()},
        channels={id_: _limit(row, everyone) for id_, row in by_subject.get("channel", {}).items()},
        budget=Rate(budget[0], budget[1]) if budget else None,
        pause=Pause(PauseMode(pause[0]), pause[1], pause[2]) if pause else None,
        allowed_channels=frozenset(of_kind.get("allowed_channel", ())),
        required_roles=frozenset(of_kind.get("required_role", ())),
        barred_roles=frozenset(of_kind.get("barred_role", ())),
        newcomer_ms=newcomer_ms,
        age=AgeRule(age),
        weights={Verb(verb): weight for verb, weight in weights},
        words=words or 0,
        look_at=ReviewRule(review[0], bool(review[1]), bool(review[2])) if review else ReviewRule(),
    )


def _quota(row: list[Any] | None, default: Quota) -> Quota:
    amount, window_ms, concurrent = row or (None, None, None)
    return Quota(
        credits=default.credits if amount is None else amount,
        window_ms=default.window_ms if window_ms is None else window_ms,
        concurrent=default.concurrent if concurrent is None else concurrent,
    )


def _limit(row: list[Any], everyone: Quota) -> Limit:
    """Credits without a window are for everyone's window."""
    amount, window_ms, concurrent = row
    if amount is None:
        return Limit(concurrent=concurrent)
    return Limit(Rate(amount, window_ms or everyone.window_ms), concurrent)


def _personal(
    limit: list[Any] | None, grants: list[Any], block: list[Any] | None, everyone: Quota
) -> Personal:
    if limit is None and not grants and block is None:
        return _NOTHING_PERSONAL
    return Personal(
        limit=_limit(limit, everyone) if limit else Limit(),
        grants=tuple(Grant(amount, until) for amount, until in grants),
        block=Block(block[0], block[1]) if block else None,
    )


_NOTHING_PERSONAL: Final = Personal()
