"""An entry of a list as it is kept: the phrase, and what becomes of a request that has it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Then(StrEnum):
    """What becomes of a request that has a phrase."""

    REFUSE = "refuse"
    REVIEW = "review"  # it is taken, and its video is looked at before it is posted


@dataclass(frozen=True, slots=True)
class Listed:
    """A phrase of a server's list."""

    phrase: str
    then: Then = Then.REFUSE


def by_kind(entries: Iterable[Listed]) -> dict[Then, list[str]]:
    """The phrases by what becomes of them, each kind in its order."""
    phrases: dict[Then, list[str]] = {then: [] for then in Then}
    for one in entries:
        phrases[one.then].append(one.phrase)
    return phrases
