"""Rows of the database as values of ``model``; nothing else reads a column by name."""

from __future__ import annotations

from pathlib import Path

from bot.model import (
    Delivery,
    DeliveryKind,
    DeliveryState,
    Font,
    Hold,
    Job,
    JobState,
    Mark,
    Picture,
    Place,
    Recipe,
    Removal,
    Requester,
    Review,
    Verb,
    Verdict,
)
from bot.store.database import Row

JOB_COLUMNS = """
    j.*,
    a.filename AS a_filename, a.content_type AS a_type, a.size AS a_size,
    a.url AS a_url, a.path AS a_path,
    m.filename AS m_filename, m.content_type AS m_type, m.size AS m_size,
    m.url AS m_url, m.path AS m_path,
    r.state AS hold, r.credits AS credits,
    v.why AS v_why, v.asked_at AS v_asked_at, v.verdict AS v_verdict,
    v.decided_at AS v_decided_at, v.decided_by AS v_decided_by, v.reason AS v_reason,
    x.actor_id AS x_actor_id, x.at AS x_at, x.reason AS x_reason
"""

JOB_TABLES = """
    job j
    LEFT JOIN picture a ON a.job_id = j.id AND a.role = 'image'
    LEFT JOIN picture m ON m.job_id = j.id AND m.role = 'message'
    LEFT JOIN reservation r ON r.job_id = j.id
    LEFT JOIN review v ON v.job_id = j.id
    LEFT JOIN removal x ON x.job_id = j.id
"""


def job_of(row: Row) -> Job:
    """The job of a row that selects ``JOB_COLUMNS`` from ``JOB_TABLES``."""
    return Job(
        id=row["id"],
        requester=Requester(
            request_key=row["request_key"],
            user_id=row["user_id"],
            guild_id=row["guild_id"],
            channel_id=row["channel_id"],
            parent_id=row["parent_id"],
        ),
        recipe=Recipe(
            verb=Verb(row["verb"]),
            prompt=row["prompt"],
            message=row["message"],
            font=Font(row["font"]) if row["font"] else None,
            image=_picture_of(row, "a"),
            message_image=_picture_of(row, "m"),
        ),
        state=JobState(row["state"]),
        created_at=row["created_at"],
        attempt=row["attempt"],
        reply_ref=row["reply_ref"],
        pika_id=row["pika_id"],
        submitted_at=row["submitted_at"],
        progressed_at=row["progressed_at"],
        finished_at=row["finished_at"],
        cancel_asked_at=row["cancel_asked_at"],
        cancel_asked_by=row["cancel_asked_by"],
        percent=row["percent"],
        code=row["code"],
        detail=row["detail"],
        video_path=Path(row["video_path"]) if row["video_path"] else None,
        hold=Hold(row["hold"] or Hold.HELD),
        credits=row["credits"] or 1,
        mark=Mark(row["marked"]) if row["marked"] else None,
        review=_review_of(row) if row["v_why"] else None,
        removal=Removal(row["x_actor_id"], row["x_at"], row["x_reason"]) if row["x_at"] else None,
        blocked_until=row["blocked_until"],
        erased_at=row["erased_at"],
    )


def _review_of(row: Row) -> Review:
    return Review(
        why=Mark(row["v_why"]),
        asked_at=row["v_asked_at"],
        verdict=Verdict(row["v_verdict"]) if row["v_verdict"] else None,
        decided_at=row["v_decided_at"],
        decided_by=row["v_decided_by"],
        reason=row["v_reason"],
    )


def _picture_of(row: Row, prefix: str) -> Picture | None:
    filename = row[f"{prefix}_filename"]
    if filename is None:
        return None
    path = row[f"{prefix}_path"]
    return Picture(
        filename=filename,
        content_type=row[f"{prefix}_type"],
        size=row[f"{prefix}_size"],
        url=row[f"{prefix}_url"],
        path=Path(path) if path else None,
    )


def delivery_of(row: Row) -> Delivery:
    """The delivery of a row of table ``delivery``."""
    return Delivery(
        id=row["id"],
        job_id=row["job_id"],
        kind=DeliveryKind(row["kind"]),
        state=DeliveryState(row["state"]),
        channel_id=row["channel_id"],
        message_id=row["message_id"],
        shown=row["shown"],
        attempts=row["attempts"],
        due_at=row["due_at"],
        place=Place(row["place"]),
        sent_at=row["sent_at"],
        fit=row["fit"],
        first_try_at=row["first_try_at"],
        last_try_at=row["last_try_at"],
        round=row["round"],
        code=row["code"],
    )
