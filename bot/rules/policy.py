"""What is set: by a server, for one of its members, and by the operator. Values only.

A value that has an end is still there afterwards and counts no more: ``active`` asks the time.
Times are milliseconds since 1970, windows milliseconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from bot.model import Quota, Verb


@dataclass(frozen=True, slots=True)
class Rate:
    """At most so many credits in any ``window_ms``; 0 credits is "nothing at all"."""

    credits: int
    window_ms: int


@dataclass(frozen=True, slots=True)
class Limit:
    """What is set for one member, role or channel; ``None`` leaves that to the next rule.

    ``concurrent`` is how many jobs may be unfinished at once: of the member, or in the channel.
    """

    rate: Rate | None = None
    concurrent: int | None = None


class PauseMode(StrEnum):
    """What becomes of the jobs that were taken before; new ones are refused in any case."""

    PAUSE = "pause"  # they wait, and go on afterwards
    DRAIN = "drain"  # they are finished


@dataclass(frozen=True, slots=True)
class Pause:
    """No new jobs, until ``until`` or until somebody ends it."""

    mode: PauseMode = PauseMode.PAUSE
    reason: str | None = None
    until: int | None = None

    def active(self, now: int) -> bool:
        """Whether it still holds."""
        return self.until is None or now < self.until


@dataclass(frozen=True, slots=True)
class Block:
    """This member may ask for nothing, until ``until`` or until somebody ends it."""

    reason: str | None = None
    until: int | None = None

    def active(self, now: int) -> bool:
        """Whether it still holds."""
        return self.until is None or now < self.until


@dataclass(frozen=True, slots=True)
class Grant:
    """So many credits on top of the member's own limit, whatever that is, until ``until``."""

    credits: int
    until: int

    def active(self, now: int) -> bool:
        """Whether it still counts."""
        return now < self.until


class AgeRule(StrEnum):
    """Whether videos may be asked for in age-restricted channels."""

    ANYWHERE = "anywhere"
    ONLY_THERE = "only_there"
    NOT_THERE = "not_there"


@dataclass(frozen=True, slots=True)
class ReviewRule:
    """Whose videos a moderator looks at before they are posted. ``newcomer_ms`` is for how long a
    member is new; 0 is nobody.
    """

    newcomer_ms: int = 0
    flagged: bool = False
    everything: bool = False


@dataclass(frozen=True, slots=True)
class Strikes:
    """After ``count`` prompts that Pika moderated in ``window_ms``, a member is blocked for
    ``block_ms``.
    """

    count: int
    window_ms: int
    block_ms: int


@dataclass(frozen=True, slots=True)
class Choices:
    """What a server has chosen beside its limits.

    Channels are ids; ``None`` for ``result`` is where the video was asked for, for the others
    that there is none. ``retention_ms`` is how long words and pictures of jobs that are over are
    kept, ``None`` for as long as this installation keeps them. ``digest`` is a daily report in
    the log channel.
    """

    result: int | None = None
    showcase: int | None = None
    log: int | None = None
    review: int | None = None
    look_at: ReviewRule = ReviewRule()
    strikes: Strikes | None = None
    retention_ms: int | None = None
    digest: bool = True


@dataclass(frozen=True, slots=True)
class Policy:
    """What one server has set, apart from what is set for single members.

    ``default`` is every member's limit where nothing else is set for them; it is complete.
    ``allowed_channels`` and ``required_roles`` say nothing when they are empty; one of the
    required roles suffices, and one of the barred ones bars. ``newcomer_ms`` is how long a
    member must have been here. ``weights`` multiplies what a verb costs. ``words`` is the version
    of the server's block list, 0 where there never was one. ``look_at`` says whose videos a
    moderator looks at before they are posted.
    """

    guild_id: int
    default: Quota
    roles: Mapping[int, Limit] = field(default_factory=dict)
    channels: Mapping[int, Limit] = field(default_factory=dict)
    budget: Rate | None = None
    pause: Pause | None = None
    allowed_channels: frozenset[int] = frozenset()
    required_roles: frozenset[int] = frozenset()
    barred_roles: frozenset[int] = frozenset()
    newcomer_ms: int = 0
    age: AgeRule = AgeRule.ANYWHERE
    weights: Mapping[Verb, int] = field(default_factory=dict)
    words: int = 0
    look_at: ReviewRule = ReviewRule()


@dataclass(frozen=True, slots=True)
class Personal:
    """What a server has set for one of its members."""

    limit: Limit = Limit()
    grants: tuple[Grant, ...] = ()
    block: Block | None = None


@dataclass(frozen=True, slots=True)
class Installation:
    """What the operator's settings say of all servers: ``quota`` is a member's limit where their
    server sets none, ``ceiling`` what all servers together may use.
    """

    quota: Quota
    ceiling: Rate | None = None


@dataclass(frozen=True, slots=True)
class Operator:
    """What holds in every server of this installation; ``ceiling`` is for all of them together."""

    pause: Pause | None = None
    ceiling: Rate | None = None


@dataclass(frozen=True, slots=True)
class Rulebook:
    """All that is set and may concern one member in one server."""

    server: Policy
    member: Personal = Personal()
    operator: Operator = Operator()


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks and where, as Discord says it now.

    ``role_ids`` may leave out @everyone, which everybody has. ``parent_id`` is the channel that
    a thread hangs under; ``age_restricted`` is the channel's, which threads inherit.
    ``joined_at`` is ``None`` when Discord does not say.
    """

    guild_id: int
    user_id: int
    channel_id: int
    role_ids: frozenset[int] = frozenset()
    parent_id: int | None = None
    joined_at: int | None = None
    age_restricted: bool = False

    @property
    def roles(self) -> frozenset[int]:
        """All roles, @everyone among them: its id is the server's."""
        return self.role_ids | {self.guild_id}

    @property
    def top_channel_id(self) -> int:
        """The channel, or the one that the thread hangs under. Limits of channels are counted
        by it, so that a new thread is no way around one.
        """
        return self.channel_id if self.parent_id is None else self.parent_id
