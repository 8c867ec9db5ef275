"""What happened in a server on one day, and which day its log channel was told of last."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bot.model import Quota
from bot.rules.books import Needs, Sum, server_of
from bot.store import policies, reports, usage
from bot.store.database import Database
from bot.store.reports import DAY_MS, MemberUse

TOP: Final = 5
"""Members of a digest: those who used most."""

REPORTS_MS: Final = 30 * DAY_MS
"""How long a report is counted that nobody has acted on."""


@dataclass(frozen=True, slots=True)
class Digest:
    """One ``day`` (since 1970, in UTC) of a server, and what waits for its moderators after it.

    ``moderated`` are prompts that Pika's moderation refused, ``reports`` videos that members
    reported, ``reviews`` videos that wait to be looked at. ``budget`` is used, limit and window in
    milliseconds.
    """

    day: int
    credits: int
    delivered: int
    failed: int
    cancelled: int
    moderated: int
    members: tuple[MemberUse, ...]
    reports: int
    reviews: int
    budget: tuple[int, int, int] | None

    @property
    def anything(self) -> bool:
        """Whether there is something to tell."""
        return any(
            (self.credits, self.delivered, self.failed, self.cancelled, self.reports, self.reviews)
        )


def digest_of(facts: Mapping[str, Any]) -> Digest:
    """The digest whose fields were written down."""
    members = tuple(MemberUse(**one) for one in facts["members"])
    budget = None if facts["budget"] is None else tuple(facts["budget"])
    return Digest(**{**facts, "members": members, "budget": budget})


MODERATED_OF_DAY: Final = """
    SELECT count(*) FROM job
    WHERE guild_id = :guild_id AND state = 'failed' AND code = 'moderated'
      AND finished_at >= :since AND finished_at < :until
"""

MEMBERS_OF_DAY: Final = """
    SELECT user_id, sum(credits) AS credits, count(*) AS videos
    FROM reservation INDEXED BY reservation_settled
    WHERE guild_id = :guild_id AND settled_at IS NOT NULL AND state = 'charged'
      AND settled_at >= :since AND settled_at < :until
    GROUP BY user_id ORDER BY credits DESC, user_id LIMIT :most
"""

REPORTS: Final = """
    SELECT count(DISTINCT r.job_id)
    FROM report r JOIN job j ON j.id = r.job_id
    LEFT JOIN removal x ON x.job_id = r.job_id LEFT JOIN dismissal d ON d.job_id = r.job_id
    WHERE r.at >= :reported_since AND j.guild_id = :guild_id
      AND x.job_id IS NULL AND r.at > coalesce(d.at, 0)
"""

REVIEWS: Final = "SELECT count(*) FROM review WHERE guild_id = :guild_id AND verdict IS NULL"


async def read(path: Path, guild_id: int, day: int, now: int, default: Quota) -> Digest:
    """The digest of this day, with what waits now. Raises ``StorageTrouble``."""
    return await reports.aside(path, lambda reader: of_day(reader, guild_id, day, now, default))


def of_day(reader: sqlite3.Connection, guild_id: int, day: int, now: int, default: Quota) -> Digest:
    """``read`` of what this connection sees."""
    params = {
        "guild_id": guild_id,
        "since": day * DAY_MS,
        "until": (day + 1) * DAY_MS,
        "reported_since": now - REPORTS_MS,
        "most": TOP,
    }
    used = reports.read_day(reader, guild_id, day)
    return Digest(
        day=day,
        credits=used.credits,
        delivered=used.delivered,
        failed=used.failed,
        cancelled=used.cancelled,
        moderated=reader.execute(MODERATED_OF_DAY, params).fetchone()[0],
        members=tuple(MemberUse(*row) for row in reader.execute(MEMBERS_OF_DAY, params)),
        reports=reader.execute(REPORTS, params).fetchone()[0],
        reviews=reader.execute(REVIEWS, params).fetchone()[0],
        budget=_budget(reader, guild_id, now, default),
    )


def _budget(
    reader: sqlite3.Connection, guild_id: int, now: int, default: Quota
) -> tuple[int, int, int] | None:
    budget = policies.read_server(reader, guild_id, default).budget
    if budget is None:
        return None
    sum_ = Sum(server_of(guild_id), budget.window_ms)
    used = usage.read(reader, Needs(frozenset({sum_}), frozenset()), now).used(sum_)
    return used, budget.credits, budget.window_ms


async def wanting(database: Database, day: int) -> list[tuple[int, int]]:
    """Servers that want digests and were not told of this day, each with the last day that it was
    told of; those that the bot has left are not among them.
    """
    rows = await database.fetch(
        """
        SELECT c.guild_id, coalesce(d.day, -1) AS day
        FROM server_choice c LEFT JOIN server_digest d ON d.guild_id = c.guild_id
        WHERE c.log_channel IS NOT NULL AND c.digest = 1 AND coalesce(d.day, -1) < :day
          AND NOT EXISTS (SELECT 1 FROM server_absence a WHERE a.guild_id = c.guild_id)
        """,
        {"day": day},
    )
    return [(row["guild_id"], row["day"]) for row in rows]


def told(tx: sqlite3.Connection, guild_id: int, day: int) -> bool:
    """The server is told of this day, or need not be. False when it was already, or of a later
    one: then it must not be told.
    """
    rows = tx.execute(
        """
        INSERT INTO server_digest VALUES (:guild_id, :day)
        ON CONFLICT DO UPDATE SET day = excluded.day WHERE day < excluded.day
        RETURNING guild_id
        """,
        {"guild_id": guild_id, "day": day},
    )
    return rows.fetchone() is not None
