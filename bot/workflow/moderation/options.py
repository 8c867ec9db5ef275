"""What moderators typed, checked again: Discord's client is not the only one that can send."""

from __future__ import annotations

import math
from typing import Final

from bot.errors import BadOption

HOUR_MS: Final = 3_600_000

MOST_HOURS: Final = 8_760.0
"""A year."""

FEWEST_HOURS: Final = 1 / 60
"""A minute."""

MOST_CREDITS: Final = 1_000_000

MOST_CONCURRENT: Final = 1_000

LONGEST_REASON: Final = 200
"""In characters."""

MOST_DAYS: Final = 90


def hours_ms(hours: float | None) -> int | None:
    """So many hours in milliseconds. Raises ``BadOption``."""
    if hours is None:
        return None
    if not math.isfinite(hours) or not FEWEST_HOURS <= hours <= MOST_HOURS:
        raise BadOption(
            "hours", f"`hours` must be between 0.02 (a minute) and {MOST_HOURS:,.0f} (a year)."
        )
    return round(hours * HOUR_MS)


def end(hours: float | None, now: int) -> int | None:
    """When so many hours from now are over; ``None`` for no end. Raises ``BadOption``."""
    length = hours_ms(hours)
    return None if length is None else now + length


def amount(credits_: int | None, *, least: int) -> int | None:
    """A number of credits. Raises ``BadOption``."""
    return _whole("credits", credits_, least, MOST_CREDITS)


def at_once(concurrent: int | None) -> int | None:
    """A number of unfinished jobs. Raises ``BadOption``."""
    return _whole("concurrent", concurrent, 1, MOST_CONCURRENT)


def days(number: int) -> int:
    """A number of days to report on. Raises ``BadOption``."""
    return _whole("days", number, 1, MOST_DAYS) or 1


def words(reason: str | None) -> str | None:
    """A reason on one line; ``None`` for one without words. Raises ``BadOption``."""
    line = " ".join((reason or "").split())
    if len(line) > LONGEST_REASON:
        raise BadOption("reason", f"`reason` may have at most {LONGEST_REASON} characters.")
    return line or None


def _whole(name: str, number: int | None, least: int, most: int) -> int | None:
    if number is not None and not least <= number <= most:
        raise BadOption(name, f"`{name}` must be between {least:,} and {most:,}.")
    return number
