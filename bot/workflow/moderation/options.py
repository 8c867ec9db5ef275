"""What moderators typed, checked again: Discord's client is not the only one that can send."""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import Final

from bot.errors import BadOption
from bot.rules.policy import Strikes

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

DAY_MS: Final = 24 * HOUR_MS

MOST_DAYS_NEW: Final = 365
"""For how long a member may be new in a server."""

MOST_DAYS_KEPT: Final = 3_650
"""Ten years."""

MOST_WEIGHT: Final = 100

MOST_STRIKES: Final = 100

MOST_LISTED: Final = 25
"""Channels or roles of one list: as many as Discord lets anybody choose at once."""


def hours_ms(hours: float | None, name: str = "hours") -> int | None:
    """So many hours in milliseconds. Raises ``BadOption``."""
    return None if hours is None else _span_ms(name, hours)


def _span_ms(name: str, hours: float) -> int:
    if not math.isfinite(hours) or not FEWEST_HOURS <= hours <= MOST_HOURS:
        raise BadOption(
            name, f"`{name}` must be between 0.02 (a minute) and {MOST_HOURS:,.0f} (a year)."
        )
    return round(hours * HOUR_MS)


def new_for_ms(days: float, name: str = "days") -> int:
    """For how long a member is new, 0 for nobody is. Raises ``BadOption``."""
    if not math.isfinite(days) or not 0 <= days <= MOST_DAYS_NEW:
        raise BadOption(name, f"`{name}` must be between 0 and {MOST_DAYS_NEW}.")
    return round(days * DAY_MS)


def kept_for_ms(days: float, name: str = "days") -> int:
    """For how long something is kept, at least a day. Raises ``BadOption``."""
    if not math.isfinite(days) or not 1 <= days <= MOST_DAYS_KEPT:
        raise BadOption(name, f"`{name}` must be between 1 and {MOST_DAYS_KEPT:,}.")
    return round(days * DAY_MS)


def weight(times: int, name: str) -> int:
    """By what a price is multiplied. Raises ``BadOption``."""
    return _within(name, times, 1, MOST_WEIGHT)


def strikes(
    count: int,
    hours: float,
    block_hours: float,
    names: tuple[str, str, str] = ("count", "hours", "block_hours"),
) -> Strikes:
    """So many strikes within some hours, and a block for some hours. Raises ``BadOption``."""
    return Strikes(
        _within(names[0], count, 1, MOST_STRIKES),
        _span_ms(names[1], hours),
        _span_ms(names[2], block_hours),
    )


def listed(ids: Collection[int]) -> Collection[int]:
    """The channels or roles of a list. Raises ``BadOption`` for too many."""
    if len(ids) > MOST_LISTED:
        raise BadOption(
            "list",
            f"That would be {len(ids)}, and at most {MOST_LISTED} fit on the list: "
            "take some off first.",
        )
    return ids


def end(hours: float | None, now: int) -> int | None:
    """When so many hours from now are over; ``None`` for no end. Raises ``BadOption``."""
    length = hours_ms(hours)
    return None if length is None else now + length


def amount(credits_: int | None, *, least: int, name: str = "credits") -> int | None:
    """A number of credits. Raises ``BadOption``."""
    return None if credits_ is None else _within(name, credits_, least, MOST_CREDITS)


def at_once(concurrent: int | None, name: str = "concurrent") -> int | None:
    """A number of unfinished jobs. Raises ``BadOption``."""
    return None if concurrent is None else _within(name, concurrent, 1, MOST_CONCURRENT)


def days(number: int) -> int:
    """A number of days to report on. Raises ``BadOption``."""
    return _within("days", number, 1, MOST_DAYS)


def words(reason: str | None) -> str | None:
    """A reason on one line; ``None`` for one without words. Raises ``BadOption``."""
    line = " ".join((reason or "").split())
    if len(line) > LONGEST_REASON:
        raise BadOption("reason", f"`reason` may have at most {LONGEST_REASON} characters.")
    return line or None


def _within(name: str, number: int, least: int, most: int) -> int:
    if not least <= number <= most:
        raise BadOption(name, f"`{name}` must be between {least:,} and {most:,}.")
    return number
