"""What moderators take away as CSV, in a form that spreadsheets read and never run."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from bot.model import Quota
from bot.ui.moderation.changes import sides, written_moment
from bot.workflow.moderation import AuditEntry, UsageReport

Cell = str | int


def audit_csv(entries: Iterable[AuditEntry], default: Quota) -> bytes:
    """The audit log, a line for each change: as it is kept, and in words."""
    return _csv(
        ("when", "who", "action", "subject", "subject_id", "before", "after", "kept_before",
         "kept_after"),
        (
            (
                written_moment(entry.act.at),
                entry.act.actor_id,
                entry.action,
                entry.subject,
                entry.subject_id,
                *sides(entry, default, written_moment),
                _json(entry.before),
                _json(entry.after),
            )
            for entry in entries
        ),
    )  # fmt: skip


def days_csv(report: UsageReport) -> bytes:
    """A line for each day."""
    return _csv(
        ("day_utc", "credits", "delivered", "failed", "cancelled"),
        (
            (
                f"{datetime.fromtimestamp(day.began_at / 1000, UTC):%Y-%m-%d}",
                day.credits,
                day.delivered,
                day.failed,
                day.cancelled,
            )
            for day in report.days
        ),
    )


def members_csv(report: UsageReport) -> bytes:
    """A line for each member, those who used most first."""
    return _csv(
        ("member", "credits", "videos"),
        ((one.user_id, one.credits, one.videos) for one in report.members),
    )


def _csv(header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(header)
    writer.writerows([_safe(cell) for cell in row] for row in rows)
    return out.getvalue().encode("utf-8-sig")  # with its mark, or Excel takes it for something else


def _safe(cell: Cell) -> Cell:
    """Text that a spreadsheet would run as a formula is marked as text."""
    return (
        f"'{cell}"
        if isinstance(cell, str) and cell.startswith(("=", "+", "-", "@", "\t", "\r"))
        else cell
    )


def _json(state: object) -> str:
    return "" if state is None else json.dumps(state, ensure_ascii=False)
