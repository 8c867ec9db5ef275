"""Credits: set aside when a job is taken, charged or released once when it ends.

A released credit may be taken once more, when the job's video comes late. That is a new
reservation of today in all but its row, and by the same rule: only if it fits.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import aiosqlite

from bot.errors import StaleState
from bot.model import CREDITS_PER_JOB, Hold, Job, Quota, Usage
from bot.store.database import Database, Row, execute_rows, fetch

Member = tuple[int, int]
"""A server and one of its members: (guild id, user id)."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A member's quota and what is used of it, as one transaction sees them."""

    quota: Quota
    usage: Usage

    def after_one_more(self) -> Standing:
        """The standing once one more job is taken."""
        used, unfinished = self.usage.used, self.usage.unfinished
        return Standing(self.quota, Usage(used + CREDITS_PER_JOB, unfinished + 1))


# One row for all, as JSON: each further row would wait for the interpreter again, as in
# ``execute_rows``.
_STANDING = """
    SELECT json_group_array(json_array(
           asker.guild_id, asker.user_id,
           coalesce(p.credits, :credits),
           coalesce(p.window_ms, :window_ms),
           coalesce(p.concurrent, :concurrent),
           (SELECT coalesce(sum(r.credits), 0) FROM reservation r
             WHERE r.guild_id = asker.guild_id AND r.user_id = asker.user_id
               AND r.state <> 'released'
               AND r.held_at > :now - coalesce(p.window_ms, :window_ms)),
           (SELECT count(*) FROM job j
             WHERE j.guild_id = asker.guild_id AND j.user_id = asker.user_id
               AND j.finished_at IS NULL)))
    FROM (SELECT DISTINCT json_extract(value, '$[0]') AS guild_id,
                          json_extract(value, '$[1]') AS user_id
          FROM json_each(:members)) AS asker
    LEFT JOIN guild_policy p ON p.guild_id = asker.guild_id
"""


def _params(members: Iterable[Member], default: Quota, now: int) -> dict[str, int | str]:
    return {
        "members": json.dumps([list(member) for member in members]),
        "credits": default.credits,
        "window_ms": default.window_ms,
        "concurrent": default.concurrent,
        "now": now,
    }


def _standings(rows: Sequence[Row]) -> dict[Member, Standing]:
    return {
        (guild_id, user_id): Standing(Quota(*quota), Usage(used, unfinished))
        for guild_id, user_id, *quota, used, unfinished in json.loads(rows[0][0])
    }


def standings(
    tx: sqlite3.Connection, members: Iterable[Member], default: Quota, now: int
) -> dict[Member, Standing]:
    """The standing of each member, inside the transaction that may use it up."""
    return _standings(tx.execute(_STANDING, _params(members, default, now)).fetchall())


async def standing(database: Database, member: Member, default: Quota, now: int) -> Standing:
    """One member's standing as it is committed."""
    return _standings(await database.fetch(_STANDING, _params([member], default, now)))[member]


async def _standing_in(
    tx: aiosqlite.Connection, member: Member, default: Quota, now: int
) -> Standing:
    return _standings(await fetch(tx, _STANDING, _params([member], default, now)))[member]


_FREES = """
    SELECT held_at FROM reservation
    WHERE guild_id = :guild_id AND user_id = :user_id
      AND state <> 'released' AND held_at > :now - :window_ms
    ORDER BY held_at LIMIT 1 OFFSET :spare
"""


def frees_at(tx: sqlite3.Connection, member: Member, standing: Standing, now: int) -> int | None:
    """When this member may ask for one more; ``None`` when no waiting will help."""
    return _freed(tx.execute(_FREES, _spare(member, standing, now)).fetchall(), standing, now)


async def frees_at_now(
    database: Database, member: Member, standing: Standing, now: int
) -> int | None:
    """``frees_at`` of what is committed."""
    return _freed(await database.fetch(_FREES, _spare(member, standing, now)), standing, now)


def _spare(member: Member, standing: Standing, now: int) -> dict[str, int]:
    quota, usage = standing.quota, standing.usage
    return {
        "guild_id": member[0],
        "user_id": member[1],
        "now": now,
        "window_ms": quota.window_ms,
        "spare": max(0, usage.used - quota.credits),
    }


def _freed(rows: Sequence[Row], standing: Standing, now: int) -> int | None:
    if standing.quota.credits < CREDITS_PER_JOB or not standing.usage.used:
        return None
    # Not written yet is only what this very transaction takes.
    held_at = int(rows[0]["held_at"]) if rows else now
    return held_at + standing.quota.window_ms


def hold(tx: sqlite3.Connection, jobs: Sequence[Job]) -> None:
    """Set aside what these new jobs cost."""
    execute_rows(
        tx,
        "INSERT INTO reservation (job_id, guild_id, user_id, credits, held_at) (VALUES)",
        [
            (
                job.id,
                job.requester.guild_id,
                job.requester.user_id,
                CREDITS_PER_JOB,
                job.created_at,
            )
            for job in jobs
        ],
    )


async def settle(tx: aiosqlite.Connection, job_id: int, to: Hold, at: int) -> None:
    """Charge or release what a job holds. Raises ``StaleState`` when it holds nothing."""
    rows = await fetch(
        tx,
        """
        UPDATE reservation SET state = :to, settled_at = :at
        WHERE job_id = :id AND state = 'held' RETURNING job_id
        """,
        {"id": job_id, "to": to, "at": at},
    )
    if not rows:
        raise StaleState(f"job {job_id} holds no credits")


async def charge_late(tx: aiosqlite.Connection, job: Job, default: Quota, now: int) -> Hold:
    """Charge what was released, now that there is a video after all: if the member has that
    much left. What became of it: charged, or still released.

    From ``now`` on it counts in the window, as a new job would: dated back it could make more
    than the limit of a window that is over.
    """
    member = (job.requester.guild_id, job.requester.user_id)
    standing = await _standing_in(tx, member, default, now)
    rows = await fetch(
        tx,
        """
        UPDATE reservation SET state = :to, held_at = :now, settled_at = :now
        WHERE job_id = :id AND state = 'released' AND :used + credits <= :limit
        RETURNING state
        """,
        {
            "id": job.id,
            "to": Hold.CHARGED,
            "now": now,
            "used": standing.usage.used,
            "limit": standing.quota.credits,
        },
    )
    return Hold.CHARGED if rows else Hold.RELEASED
