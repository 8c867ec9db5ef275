"""What a server's log channel is told, in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from bot.model import Quota
from bot.rules.alerts import BudgetAlert, Fill
from bot.rules.refusal import hours
from bot.ui.moderation.changes import told
from bot.ui.moderation.texts import MESSAGE_LIMIT
from bot.workflow.servers import LogLine, Page

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


def _lost(number: int) -> str:
    what = "1 line" if number == 1 else f"{number:,} lines"
    return f"-# Before this, {what} could not be posted here. `/moderate audit` has every change."
