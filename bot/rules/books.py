"""What the rules must know of the past: sums of credits over windows that roll, and counts."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple, Protocol

from bot.rules.policy import Asker


class Scope(StrEnum):
    """Whose jobs are counted together."""

    MEMBER = "member"
    CHANNEL = "channel"  # with all its threads
    SERVER = "server"
    EVERYTHING = "everything"


class Subject(NamedTuple):
    """One member, channel or server whose jobs are counted together, or the installation."""

    scope: Scope
    guild_id: int
    id: int


class Sum(NamedTuple):
    """The credits of one subject over a window of this length that ends now."""

    subject: Subject
    window_ms: int


class Needs(NamedTuple):
    """The numbers that a decision asks its books for."""

    sums: frozenset[Sum]
    counts: frozenset[Subject]


EVERYTHING = Subject(Scope.EVERYTHING, 0, 0)


def member_of(asker: Asker) -> Subject:
    """The member in this server; in another one the same person is somebody else."""
    return Subject(Scope.MEMBER, asker.guild_id, asker.user_id)


def channel_of(asker: Asker) -> Subject:
    """The channel, never a thread."""
    return Subject(Scope.CHANNEL, asker.guild_id, asker.top_channel_id)


def server_of(guild_id: int) -> Subject:
    """The whole server."""
    return Subject(Scope.SERVER, guild_id, guild_id)


def subjects_of(asker: Asker) -> tuple[Subject, Subject, Subject, Subject]:
    """All subjects that a job of this asker counts for."""
    return member_of(asker), channel_of(asker), server_of(asker.guild_id), EVERYTHING


class Books(Protocol):
    """Answers at one moment "now". Held and charged credits are used, released ones are not.

    A credit held at ``t`` is in a window of ``w`` until just before ``t + w``.
    """

    def used(self, sum_: Sum) -> int:
        """Credits that are in the window now."""
        ...

    def leave_at(self, sum_: Sum, amount: int) -> int | None:
        """When at least ``amount`` (> 0) of the credits in the window now will have left it.

        ``None`` when there are not so many. Asked for refusals only, so it may be slower.
        """
        ...

    def unfinished(self, subject: Subject) -> int:
        """Jobs that are not over."""
        ...
