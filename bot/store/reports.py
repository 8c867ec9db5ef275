"""Reports over all that a server has used, read from indexes alone.

A report may read a million rows. It has a connection and a thread of its own, so that nobody
who waits for an answer waits behind it.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from bot.store import trouble

Result = TypeVar("Result")

DAY_MS: Final = 86_400_000

MOST_MEMBERS: Final = 10_000
"""Members in one report: those who used most."""


@dataclass(frozen=True, slots=True)
class Day:
    """One day in UTC. ``began_at`` is its midnight; credits count on the day that they were
    charged, jobs on the day that they ended.
    """

    began_at: int
    credits: int = 0
    delivered: int = 0
    failed: int = 0
    cancelled: int = 0


@dataclass(frozen=True, slots=True)
class MemberUse:
    """What one member was charged, and for how many videos."""

    user_id: int
    credits: int
    videos: int


@dataclass(frozen=True, slots=True)
class UsageReport:
    """What a server has used: every day from the first, the last of which is not over yet, and
    its members, those who used most first.
    """

    days: tuple[Day, ...]
    members: tuple[MemberUse, ...]

    @property
    def credits(self) -> int:
        """All credits."""
        return sum(day.credits for day in self.days)

    @property
    def delivered(self) -> int:
        """Videos that were posted."""
        return sum(day.delivered for day in self.days)

    @property
    def failed(self) -> int:
        """Jobs that came to nothing."""
        return sum(day.failed for day in self.days)

    @property
    def cancelled(self) -> int:
        """Jobs that were cancelled."""
        return sum(day.cancelled for day in self.days)


# Nothing is grouped that does not lie together already: sorting a million rows takes longer than
# reading them.

CREDITS_OF_DAY: Final = """
    SELECT coalesce(sum(credits), 0) FROM reservation
    WHERE guild_id = :guild_id AND settled_at IS NOT NULL AND state = 'charged'
      AND settled_at >= :since AND settled_at < :until
"""

OUTCOMES_OF_DAY: Final = """
    SELECT count(*) FILTER (WHERE state = 'delivered'),
           count(*) FILTER (WHERE state = 'failed'),
           count(*) FILTER (WHERE state = 'cancelled')
    FROM job
    WHERE guild_id = :guild_id AND finished_at IS NOT NULL
      AND finished_at >= :since AND finished_at < :until
"""

CREDITS_BY_MEMBER: Final = """
    SELECT user_id, sum(credits) AS credits, count(*) AS videos
    FROM reservation INDEXED BY reservation_settled_of_member
    WHERE guild_id = :guild_id AND settled_at IS NOT NULL AND state = 'charged'
      AND settled_at >= :since
    GROUP BY user_id ORDER BY credits DESC, user_id LIMIT :most
"""


async def usage(path: Path, guild_id: int, now: int, days: int) -> UsageReport:
    """What a server has used today and in the ``days - 1`` days before, in UTC.

    Raises ``StorageTrouble``.
    """
    return await aside(path, lambda reader: read_usage(reader, guild_id, now, days))


async def aside(path: Path, work: Callable[[sqlite3.Connection], Result]) -> Result:
    """``work`` on what is committed at one moment, on a connection and a thread of its own. Raises
    ``StorageTrouble``.
    """
    return await asyncio.to_thread(_aside, path, work)


def _aside(path: Path, work: Callable[[sqlite3.Connection], Result]) -> Result:
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as reader:
            reader.execute("BEGIN")  # one moment for all
            return work(reader)
    except sqlite3.Error as error:
        raise trouble.of_sqlite(error, path) or error from error


def read_usage(reader: sqlite3.Connection, guild_id: int, now: int, days: int) -> UsageReport:
    """``usage`` of what this connection sees."""
    today = now // DAY_MS
    first = today - days + 1
    whole = {"guild_id": guild_id, "since": first * DAY_MS, "most": MOST_MEMBERS}
    return UsageReport(
        days=tuple(read_day(reader, guild_id, day) for day in range(first, today + 1)),
        members=tuple(MemberUse(*row) for row in reader.execute(CREDITS_BY_MEMBER, whole)),
    )


def read_day(reader: sqlite3.Connection, guild_id: int, day: int) -> Day:
    """What a server has used on one day, counted from 1970."""
    began_at = day * DAY_MS
    params = {"guild_id": guild_id, "since": began_at, "until": began_at + DAY_MS}
    (charged,) = reader.execute(CREDITS_OF_DAY, params).fetchone()
    return Day(began_at, charged, *reader.execute(OUTCOMES_OF_DAY, params).fetchone())
