"""What forms ask moderators for: why, and for how long."""

from __future__ import annotations

from typing import Final

from bot.errors import BadOption
from bot.ui.forms import Field
from bot.workflow.moderation.options import LONGEST_REASON

REASON: Final = Field(
    "reason", "Why?", "The member reads it. You may leave it empty.", LONGEST_REASON, lines=True
)
HOURS: Final = Field(
    "hours", "For how many hours?", "Empty: until somebody ends it with /moderate unblock.", 10
)


def hours(typed: str) -> float | None:
    """A number as people write it; ``None`` for nothing. Raises ``BadOption``."""
    text = typed.strip().replace(",", ".")
    if not text:
        return None
    try:
        return float(text)
    except ValueError:
        raise BadOption("hours", "`hours` must be a number, as `24` or `0.5`.") from None
