"""Members who find that a video should go: what they say, and how often they may."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from bot.errors import NotAllowed
from bot.model import Job

MOST: Final = 5
WINDOW_MS: Final = 3_600_000
"""At most so many reports of one member in one server, in any hour."""


@dataclass(frozen=True, slots=True)
class Report:
    """One member's report of a video; each member has at most one of each video."""

    user_id: int
    at: int
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Reported:
    """All that was reported of one video: how often, and the ``newest`` of it, newest first.

    ``dismissed_at`` is when a moderator, ``dismissed_by``, last thought nothing of it.
    """

    count: int = 0
    newest: tuple[Report, ...] = ()
    dismissed_at: int | None = None
    dismissed_by: int | None = None

    @property
    def open(self) -> bool:
        """Whether there is any report that no moderator has dismissed."""
        return bool(self.newest) and self.newest[0].at > (self.dismissed_at or 0)

    def waits(self, job: Job) -> bool:
        """Whether a moderator still has to do something about it: the video is there, too."""
        return self.open and job.removal is None


def check(earlier: Sequence[int], now: int) -> None:
    """Raise ``NotAllowed`` for a member who has reported as often as they may, ``earlier``: with
    when they may again.
    """
    recent = sorted(at for at in earlier if at > now - WINDOW_MS)
    if len(recent) < MOST:
        return
    frees_at = recent[-MOST] + WINDOW_MS
    raise NotAllowed(
        "reports",
        f"You have reported {len(recent)} videos within an hour, and may report {MOST}. "
        f"You can report another one <t:{-(-frees_at // 1000)}:R>.",
    )
