"""A decision with everything it rests on: one line for each rule, in their order.

These are tuples with names, as five of them are made for every command: a frozen dataclass
takes four times as long to make.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import NamedTuple


class Rule(StrEnum):
    """Every rule, in the order in which they decide: the first that refuses is the reason."""

    OPERATOR_PAUSE = "operator_pause"
    SERVER_PAUSE = "server_pause"
    BLOCKED = "blocked"
    BARRED_ROLE = "barred_role"
    REQUIRED_ROLE = "required_role"
    NEWCOMER = "newcomer"
    CHANNEL = "channel"
    AGE = "age"
    WORDS = "words"
    UNFINISHED = "unfinished"
    MEMBER_LIMIT = "member_limit"
    CHANNEL_LIMIT = "channel_limit"
    SERVER_BUDGET = "server_budget"
    OPERATOR_CEILING = "operator_ceiling"


class Outcome(StrEnum):
    """What one rule says."""

    PASSES = "passes"
    REFUSES = "refuses"
    DOES_NOT_APPLY = "does_not_apply"  # nothing is set that this rule could hold against anybody


class Source(StrEnum):
    """Where a limit was set."""

    MEMBER = "member"
    ROLE = "role"
    DEFAULT = "default"
    CHANNEL = "channel"
    SERVER = "server"
    OPERATOR = "operator"


class Measure(NamedTuple):
    """The numbers of a limit. ``window_ms`` is ``None`` where unfinished jobs are counted.

    ``limit`` has the grants in it; ``granted`` says how much of it they are.
    """

    used: int
    limit: int
    cost: int
    source: Source
    window_ms: int | None = None
    granted: int = 0

    @property
    def left(self) -> int:
        """What remains now, before this order; never negative."""
        return max(0, self.limit - self.used)

    @property
    def fits(self) -> bool:
        """Whether the order is within the limit."""
        return self.used + self.cost <= self.limit


class Line(NamedTuple):
    """What one rule says of one order.

    ``changes_at`` is, for a rule that refuses, the first moment at which it would let this
    order pass if nothing else happened. ``None`` then means that no waiting helps by itself:
    somebody has to change something, or for unfinished jobs, one of them has to end.

    ``subject_id`` is the role or channel that the rule is about, ``reason`` the words of
    whoever set it (for ``WORDS``, the member's own words that are blocked).
    """

    rule: Rule
    outcome: Outcome
    measure: Measure | None = None
    subject_id: int | None = None
    changes_at: int | None = None
    reason: str | None = None

    @property
    def refuses(self) -> bool:
        """Whether this rule alone would refuse the order."""
        return self.outcome is Outcome.REFUSES


class Trace(NamedTuple):
    """The decision on one order: every rule tested, and which one decided.

    A rule may have more than one line (a channel can limit credits and jobs at once).
    ``at`` is when it was decided, ``cost`` what the order costs.
    """

    lines: tuple[Line, ...]
    cost: int
    at: int

    @property
    def decided(self) -> Line | None:
        """The first line that refuses; ``None`` when the order is allowed."""
        return next(self.refusals, None)

    @property
    def refusals(self) -> Iterator[Line]:
        """All lines that refuse, the deciding one first."""
        return (line for line in self.lines if line.refuses)

    @property
    def allowed(self) -> bool:
        """Whether no rule refuses."""
        return Outcome.REFUSES not in [line.outcome for line in self.lines]

    @property
    def opens_at(self) -> int | None:
        """Not before this moment will every rule that refuses now let the order pass.

        ``None`` when waiting alone does not help. Later than the deciding line's own moment
        where a rule behind it opens later: "in an hour" must not be a false promise.
        """
        moments = [line.changes_at for line in self.refusals]
        known = [moment for moment in moments if moment is not None]
        return max(known, default=self.at) if len(known) == len(moments) else None

    @property
    def left(self) -> int:
        """Credits that could be spent now as far as limits go: the least that any leaves."""
        measures = (line.measure for line in self.lines if line.measure is not None)
        return min(one.left for one in measures if one.window_ms is not None)

    def of(self, rule: Rule) -> Line:
        """The line of ``rule``; of several the first that refuses, else what leaves least."""
        lines = [line for line in self.lines if line.rule is rule]
        refusing = next((line for line in lines if line.refuses), None)
        return refusing or min(lines, key=lambda line: line.measure.left if line.measure else 0)
