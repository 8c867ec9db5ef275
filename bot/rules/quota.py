"""May this member have one more? One function decides, so that no two answers differ."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from bot.model import CREDITS_PER_JOB, Quota, Usage


class Ruling(StrEnum):
    """What the rules say, and which of them said it."""

    ALLOWED = "allowed"
    UNFINISHED = "unfinished"
    MEMBER_LIMIT = "member_limit"


@dataclass(frozen=True, slots=True)
class Verdict:
    """A ruling with the numbers it rests on."""

    ruling: Ruling
    quota: Quota
    usage: Usage

    @property
    def left(self) -> int:
        """Credits that remain in the window; never negative."""
        return max(0, self.quota.credits - self.usage.used)


def decide(quota: Quota, usage: Usage, cost: int = CREDITS_PER_JOB) -> Verdict:
    """Rule on one more job of ``cost`` credits: unfinished jobs first, then the limit."""
    if usage.unfinished >= quota.concurrent:
        return Verdict(Ruling.UNFINISHED, quota, usage)
    if usage.used + cost > quota.credits:
        return Verdict(Ruling.MEMBER_LIMIT, quota, usage)
    return Verdict(Ruling.ALLOWED, quota, usage)
