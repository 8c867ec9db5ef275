# ruff: noqa: S608 - what is put into SQL here are constants of this package, never values
"""Jobs: taking them in, moving them along the arrows of ``model.NEXT``, finding them again."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import aiosqlite

from bot.errors import StaleState
from bot.model import FINAL, NEXT, Job, JobState, Picture
from bot.store.database import Database, execute_rows, fetch
from bot.store.rows import JOB_COLUMNS, JOB_TABLES, job_of

_MAY_SET = frozenset(
    {
        "attempt",
        "reply_ref",
        "pika_id",
        "submitted_at",
        "progressed_at",
        "percent",
        "code",
        "detail",
        "video_path",
    }
)

_OLDEST_FIRST = "ORDER BY +j.id"
"""The plus keeps SQLite from reading every job there ever was in the order of their ids, where
an index holds the few unfinished ones (SQLite docs, query planner, unary "+")."""


def next_id(tx: sqlite3.Connection) -> int:
    """The number the next job will have; numbers are never used twice."""
    row = tx.execute("SELECT seq FROM sqlite_sequence WHERE name = 'job'").fetchone()
    return int(row["seq"]) + 1 if row else 1


def ids_of_requests(tx: sqlite3.Connection, keys: str) -> dict[int, int]:
    """Which of these requests are jobs already: request key → job id.

    ``keys`` is a JSON list of request keys.
    """
    rows = tx.execute(
        """
        SELECT request_key, id FROM job
        WHERE request_key IN (SELECT value FROM json_each(:keys))
        """,
        {"keys": keys},
    )
    return {row["request_key"]: row["id"] for row in rows}


def insert(tx: sqlite3.Connection, jobs: Sequence[Job]) -> None:
    """Write new jobs with their pictures. Their history begins by trigger."""
    execute_rows(
        tx,
        """
        INSERT INTO job (id, request_key, guild_id, channel_id, parent_id, user_id, verb,
                         prompt, message, font, state, created_at, changed_at, marked) (VALUES)
        """,
        [
            (
                job.id,
                job.requester.request_key,
                job.requester.guild_id,
                job.requester.channel_id,
                job.requester.parent_id,
                job.requester.user_id,
                job.recipe.verb,
                job.recipe.prompt,
                job.recipe.message,
                job.recipe.font,
                job.state,
                job.created_at,
                job.created_at,
                job.mark,
            )
            for job in jobs
        ],
    )
    pictures = [
        (job.id, role, p.filename, p.content_type, p.size, p.url, str(p.path) if p.path else None)
        for job in jobs
        for role, p in (("image", job.recipe.image), ("message", job.recipe.message_image))
        if p is not None
    ]
    execute_rows(tx, "INSERT INTO picture (VALUES)", pictures)


async def move(
    tx: aiosqlite.Connection,
    job_id: int,
    frm: JobState,
    to: JobState,
    *,
    at: int,
    **changes: Any,
) -> Job:
    """Take one arrow; the only way a job's state changes. Returns the job after it.

    ``changes`` are columns written with it. Raises ``StaleState`` when the job is not in
    ``frm``; nothing is written then. Raises ``ValueError`` for an arrow that does not exist.
    """
    if to not in NEXT[frm]:
        raise ValueError(f"no arrow from {frm} to {to}")
    if unknown := changes.keys() - _MAY_SET:
        raise ValueError(f"not a column that a move may write: {sorted(unknown)}")
    values = {name: str(v) if isinstance(v, Path) else v for name, v in changes.items()}
    # Column names come from _MAY_SET, never from outside.
    columns = "".join(f", {name} = :{name}" for name in values)
    rows = await fetch(
        tx,
        f"""
        UPDATE job SET state = :to, changed_at = :at, finished_at = :finished_at{columns}
        WHERE id = :id AND state = :frm
        RETURNING id
        """,
        {
            "id": job_id,
            "frm": frm,
            "to": to,
            "at": at,
            "finished_at": at if to in FINAL else None,
            **values,
        },
    )
    if not rows:
        raise StaleState(f"job {job_id} is no longer {frm}")
    return await get_in(tx, job_id)


async def get_in(tx: aiosqlite.Connection, job_id: int) -> Job:
    """The job as this transaction sees it. Raises ``KeyError`` when there is none."""
    job = await find_in(tx, job_id)
    if job is None:
        raise KeyError(job_id)
    return job


async def find_in(tx: aiosqlite.Connection, job_id: int) -> Job | None:
    """The job as this transaction sees it, if there is one."""
    rows = await fetch(
        tx,
        f"SELECT {JOB_COLUMNS} FROM {JOB_TABLES} WHERE j.id = :id",
        {"id": job_id},
    )
    return job_of(rows[0]) if rows else None


async def get(database: Database, job_id: int) -> Job | None:
    """The job as it is committed."""
    rows = await database.fetch(
        f"SELECT {JOB_COLUMNS} FROM {JOB_TABLES} WHERE j.id = :id",
        {"id": job_id},
    )
    return job_of(rows[0]) if rows else None


async def unfinished(
    database: Database, *, guild_id: int | None = None, user_id: int | None = None
) -> list[Job]:
    """Unfinished jobs, oldest first: all of them, or one member's in one server."""
    rows = await database.fetch(
        f"""
        SELECT {JOB_COLUMNS} FROM {JOB_TABLES}
        WHERE j.finished_at IS NULL
          AND (:guild_id IS NULL OR j.guild_id = :guild_id)
          AND (:user_id IS NULL OR j.user_id = :user_id)
        {_OLDEST_FIRST}
        """,
        {"guild_id": guild_id, "user_id": user_id},
    )
    return [job_of(row) for row in rows]


async def in_state(database: Database, *states: JobState) -> list[Job]:
    """All jobs in these unfinished states, oldest first."""
    # Chosen by SQLite: thousands that wait must not become jobs here at every look.
    rows = await database.fetch(
        f"""
        SELECT {JOB_COLUMNS} FROM {JOB_TABLES}
        WHERE j.finished_at IS NULL AND j.state IN (SELECT value FROM json_each(:states))
        {_OLDEST_FIRST}
        """,
        {"states": json.dumps(states)},
    )
    return [job_of(row) for row in rows]


async def by_request(database: Database, request_key: int) -> Job | None:
    """The job that this request is already."""
    rows = await database.fetch(
        f"SELECT {JOB_COLUMNS} FROM {JOB_TABLES} WHERE j.request_key = :key",
        {"key": request_key},
    )
    return job_of(rows[0]) if rows else None


async def by_reply_ref(database: Database, reply_ref: str) -> Job | None:
    """The job whose last attempt carried this reference."""
    rows = await database.fetch(
        f"SELECT {JOB_COLUMNS} FROM {JOB_TABLES} WHERE j.reply_ref = :ref",
        {"ref": reply_ref},
    )
    return job_of(rows[0]) if rows else None


async def know_pika_id(database: Database, pika_ids: str) -> set[str]:
    """Which of these ids (a JSON list) belong to jobs of ours."""
    rows = await database.fetch(
        "SELECT pika_id FROM job WHERE pika_id IN (SELECT value FROM json_each(:ids))",
        {"ids": pika_ids},
    )
    return {row["pika_id"] for row in rows}


async def given_up(database: Database, since: int) -> list[Job]:
    """Jobs that were given up after ``since`` and that nobody wanted cancelled, oldest first:
    those that ``model.may_come_late`` is about.
    """
    rows = await database.fetch(
        f"""
        SELECT {JOB_COLUMNS} FROM {JOB_TABLES}
        WHERE j.state = 'failed'
          AND j.code IN ('unknown', 'stalled', 'gone', 'video_unreachable')
          AND j.cancel_asked_at IS NULL AND j.finished_at > :since
        ORDER BY j.finished_at
        """,
        {"since": since},
    )
    return [job_of(row) for row in rows]


async def learn_pika_id(tx: aiosqlite.Connection, job_id: int, pika_id: str) -> None:
    """A job that was given up is at Pika after all, under this name."""
    await fetch(
        tx,
        """
        UPDATE job SET pika_id = :pika_id
        WHERE id = :id AND state = 'failed' AND pika_id IS NULL
        """,
        {"id": job_id, "pika_id": pika_id},
    )


async def ask_cancel(tx: aiosqlite.Connection, job_id: int, at: int) -> None:
    """Write down the wish to cancel; the first one counts."""
    await fetch(
        tx,
        """
        UPDATE job SET cancel_asked_at = coalesce(cancel_asked_at, :at)
        WHERE id = :id AND finished_at IS NULL
        """,
        {"id": job_id, "at": at},
    )


async def show_progress(
    tx: aiosqlite.Connection, job_id: int, *, at: int, percent: int | None
) -> None:
    """Pika showed life: the stall clock starts anew."""
    await fetch(
        tx,
        """
        UPDATE job SET progressed_at = :at, percent = coalesce(:percent, percent)
        WHERE id = :id AND state = 'rendering'
        """,
        {"id": job_id, "at": at, "percent": percent},
    )


async def keep_picture(tx: aiosqlite.Connection, job_id: int, role: str, picture: Picture) -> None:
    """The picture is on disk now; its address is forgotten."""
    await fetch(
        tx,
        """
        UPDATE picture SET path = :path, url = NULL, content_type = :type, size = :size
        WHERE job_id = :id AND role = :role
        """,
        {
            "id": job_id,
            "role": role,
            "path": str(picture.path),
            "type": picture.content_type,
            "size": picture.size,
        },
    )


async def pictures_needed(database: Database) -> set[str]:
    """Paths of the pictures that may still have to be sent to Pika."""
    rows = await database.fetch(
        """
        SELECT path FROM picture p JOIN job j ON j.id = p.job_id
        WHERE p.path IS NOT NULL AND j.finished_at IS NULL
          AND j.state NOT IN ('reviewing', 'delivering')
        """,
        {},
    )
    return {row["path"] for row in rows}


async def video_is_at(tx: aiosqlite.Connection, job_id: int, path: Path) -> None:
    """The job's finished video lies here, wherever it was; also where nobody knows any more."""
    await fetch(
        tx,
        "UPDATE job SET video_path = :path WHERE id = :id",
        {"id": job_id, "path": str(path)},
    )


async def keep_videos(database: Database, job_ids: str) -> set[int]:
    """Which of these jobs (a JSON list) keep their video: it must be posted, or could not be, and
    nobody has taken it away, and it was not erased since.
    """
    rows = await database.fetch(
        f"SELECT id FROM job WHERE id IN (SELECT value FROM json_each(:ids)) AND {_KEPT}",
        {"ids": job_ids},
    )
    return {row["id"] for row in rows}


async def needs_video(tx: aiosqlite.Connection, job_id: int) -> bool:
    """Whether this job keeps its video, or needs it for a while to post it once more."""
    rows = await fetch(
        tx,
        f"""
        SELECT 1 FROM job WHERE id = :id AND {_KEPT}
        UNION ALL
        SELECT 1 FROM delivery WHERE job_id = :id AND kind = 'share' AND state = 'pending'
           AND NOT EXISTS (SELECT 1 FROM removal WHERE job_id = :id)
        """,
        {"id": job_id},
    )
    return bool(rows)


_KEPT = """
    (state IN ('reviewing', 'delivering')
     OR (state = 'failed' AND code = 'undeliverable' AND erased_at IS NULL))
    AND NOT EXISTS (SELECT 1 FROM removal WHERE job_id = job.id)
"""


async def durations(database: Database, most: int) -> list[int]:
    """Milliseconds from submit to delivery of the last ``most`` delivered jobs, newest first;
    not of those that waited for a moderator.
    """
    rows = await database.fetch(
        """
        SELECT finished_at - submitted_at AS took FROM job
        WHERE state = 'delivered' AND submitted_at IS NOT NULL
          AND NOT EXISTS (SELECT 1 FROM review WHERE job_id = job.id)
        ORDER BY finished_at DESC LIMIT :most
        """,
        {"most": most},
    )
    return [row["took"] for row in rows]


async def history(database: Database, job_id: int) -> list[JobState]:
    """The states a job went through, in order."""
    rows = await database.fetch(
        "SELECT state FROM job_event WHERE job_id = :id ORDER BY id", {"id": job_id}
    )
    return [JobState(row["state"]) for row in rows]
