"""What a server's log channel is told, in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from bot.model import Quota
from bot.rules.alerts import BudgetAlert, Fill
from bot.rules.refusal import hours
from bot.ui.moderation.changes import told
from bot.ui.moderation.texts import MESSAGE_LIMIT, so_many
from bot.ui.moderation.values import credits_
from bot.workflow.servers.log import Digest, LogLine, Page

_ROOM: Final = MESSAGE_LIMIT - 30
"""Characters of a message before its signature."""


@dataclass(frozen=True, slots=True)
class LogWording:
    """Puts lines into words. ``default`` is what holds where a server sets nothing."""

    default: Quota

    def __call__(self, lines: Sequence[LogLine], lost: int) -> Page:
        """As many of the lines as one message holds, at least the first."""
        parts = [_lost(lost)] if lost else []
        room = _ROOM - sum(len(part) + 1 for part in parts)
        count = 0
        for line in lines:
            text = self._said(line)
            room -= len(text) + 1
            if room < 0 and count:
                break
            parts.append(text)
            count += 1
        return Page("\n".join(parts), count)

    def _said(self, line: LogLine) -> str:
        match line.what:
            case BudgetAlert():
                return f"{_budget(line.what)}\n-# <t:{line.at // 1000}:f>"
            case Digest():
                return _digest(line.what)
            case entry:
                return told(entry, self.default)


def _budget(alert: BudgetAlert) -> str:
    numbers = f"{alert.used:,} of {alert.limit:,} credits of the last {hours(alert.window_ms)}"
    if alert.fill is Fill.FULL:
        return (
            f"⛔ **This server's budget is used up**: {numbers}. Members are refused until some of "
            "them free; `/moderate budget` changes it."
        )
    percent = alert.used * 100 // alert.limit
    return f"⚠️ **{percent} % of this server's budget is used**: {numbers}."


def _digest(digest: Digest) -> str:
    day = datetime.fromtimestamp(digest.day * 86_400, UTC)
    parts = [
        f"📊 **{day.day} {day:%B %Y}** (UTC): **{credits_(digest.credits)}**; "
        f"{so_many(digest.delivered, 'video')} posted, {digest.failed:,} failed, "
        f"{digest.cancelled:,} cancelled."
    ]
    if digest.moderated:
        parts.append(f"Pika's moderation refused {so_many(digest.moderated, 'prompt')}.")
    if digest.members:
        most = ", ".join(f"<@{one.user_id}> {credits_(one.credits)}" for one in digest.members)
        parts.append(f"Most active: {most}.")
    if digest.budget is not None:
        used, limit, window_ms = digest.budget
        parts.append(f"Budget: {used:,} of {limit:,} credits of the last {hours(window_ms)} used.")
    waiting = [
        text
        for number, text in (
            (digest.reviews, f"{so_many(digest.reviews, 'video')} to review"),
            (digest.reports, so_many(digest.reports, "reported video")),
        )
        if number
    ]
    if waiting:
        parts.append(f"Waiting for a moderator: {', '.join(waiting)}.")
    return "\n".join(parts)


def _lost(number: int) -> str:
    lines = so_many(number, "line")
    return f"-# Before this, {lines} could not be posted here. `/moderate audit` has every change."
