"""When a server is told how much of its budget is used: once on the way up, at two marks."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

NEAR_PERCENT: Final = 80
"""From here on a budget is nearly used up."""

CALM_PERCENT: Final = 60
"""Below this it is not any more. Windows roll: credits free one by one, and without a distance
between the two marks each job might tell the same again."""


class Fill(StrEnum):
    """How full a budget counts as; it depends on how full it was."""

    CALM = "calm"
    NEAR = "near"
    FULL = "full"


_ORDER: Final = tuple(Fill)


@dataclass(frozen=True, slots=True)
class BudgetAlert:
    """A server's budget has become so full: ``used`` of ``limit`` credits in ``window_ms``."""

    fill: Fill
    used: int
    limit: int
    window_ms: int


def fill_after(before: Fill, used: int, limit: int) -> Fill:
    """How full a budget counts as that counted as ``before``. Used up is used up until it is less
    than nearly so; nearly so is it until it is calm.
    """
    if used >= limit:
        return Fill.FULL
    if used * 100 >= limit * NEAR_PERCENT:
        return Fill.FULL if before is Fill.FULL else Fill.NEAR
    if used * 100 >= limit * CALM_PERCENT and before is not Fill.CALM:
        return Fill.NEAR
    return Fill.CALM


def rises(before: Fill, after: Fill) -> bool:
    """Whether this is worth telling."""
    return _ORDER.index(after) > _ORDER.index(before)
