"""Changing what is set in a server: each change is one transaction with its audit entry.

Every method that changes something returns that entry, which says what was before and is now,
or ``None`` when all was so already. What cannot be done raises ``BadOption``.
"""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from functools import partial
from typing import Final, TypeVar

from bot.clock import Clock
from bot.errors import BadOption
from bot.model import Quota, Verb
from bot.rules.policy import AgeRule, Choices, Limit, Pause, PauseMode, Policy, Rate
from bot.store import (
    audit,
    choices,
    governing,
    logbook,
    policies,
    reported,
    review_messages,
    reviews,
)
from bot.store.audit import Act, AuditEntry
from bot.store.database import Database
from bot.store.governing import Access, Whose
from bot.store.logbook import LogState
from bot.store.policies import Numbers
from bot.workflow.moderation import options
from bot.workflow.pauses import Pauses

Written = TypeVar("Written")

_PAGE: Final = 500
"""Entries that are read at once for a file."""

_WRONG: Final = {
    "a_limit_limits_something": ("credits", "Say `credits`, `hours` or `concurrent`, or `clear`."),
    "a_window_belongs_to_credits": (
        "hours",
        "`hours` say in what time credits may be used, and here are no credits: "
        "give `credits` too.",
    ),
    "a_budget_is_credits_in_a_window": (
        "credits",
        "A budget is `credits` in so many `hours`: give both, or `clear` to take it away.",
    ),
    "a_review_has_a_place": (
        "review",
        "Choose a review channel first: that is where videos wait to be looked at.",
    ),
}
"""Constraints of the tables, in words."""


class Keep(Enum):
    """Leaves something as it is, where ``None`` takes it away."""

    KEEP = auto()


@dataclass(frozen=True, slots=True)
class Moderator:
    """Who acts, and in which server."""

    guild_id: int
    user_id: int


@dataclass(frozen=True, slots=True)
class Standing:
    """All that is set in a server now. ``pause`` is the server's, as long as it holds,
    ``all_paused`` the operator's of all servers; ``log`` is how its log channel is doing,
    ``waiting`` how many videos wait for a moderator.
    """

    policy: Policy
    choices: Choices
    numbers: Numbers
    pause: Pause | None
    log: LogState
    waiting: int = 0
    all_paused: Pause | None = None


class Governing:
    """Limits, grants, blocks and pauses of servers. ``default`` is what holds where a server
    sets nothing for everyone.
    """

    def __init__(self, database: Database, clock: Clock, pauses: Pauses, default: Quota) -> None:
        self._database = database
        self._clock = clock
        self._pauses = pauses
        self.default = default

    async def limit(
        self,
        by: Moderator,
        whose: Whose,
        subject_id: int = 0,
        *,
        credits_: int | None,
        hours: float | None,
        concurrent: int | None,
    ) -> AuditEntry | None:
        """Limit everyone, a member, a role or a channel; or the whole server, as its budget.
        What is not given stays as it is.
        """
        change = partial(
            governing.set_limit,
            whose=whose,
            subject_id=subject_id,
            amount=options.amount(credits_, least=0),
            window_ms=options.hours_ms(hours),
            concurrent=options.at_once(concurrent),
        )
        try:
            return await self._write(by, change)
        except sqlite3.IntegrityError as error:
            raise _explained(error) from error

    async def clear_limit(
        self, by: Moderator, whose: Whose, subject_id: int = 0
    ) -> AuditEntry | None:
        """Take such a limit away."""
        return await self._write(
            by, partial(governing.clear_limit, whose=whose, subject_id=subject_id)
        )

    async def grant(
        self, by: Moderator, user_id: int, credits_: int, hours: float
    ) -> AuditEntry | None:
        """Give a member more credits for so many hours."""
        amount = options.amount(credits_, least=1) or 1
        until = options.end(hours, self._clock.now()) or 0
        return await self._write(
            by, partial(governing.grant, user_id=user_id, amount=amount, until=until)
        )

    async def block(
        self, by: Moderator, user_id: int, reason: str | None, hours: float | None
    ) -> AuditEntry | None:
        """Take nothing more from a member, for so many hours or until somebody ends it."""
        until = options.end(hours, self._clock.now())
        return await self._write(
            by,
            partial(governing.block, user_id=user_id, reason=options.words(reason), until=until),
        )

    async def unblock(self, by: Moderator, user_id: int) -> AuditEntry | None:
        """End a block."""
        return await self._write(by, partial(governing.unblock, user_id=user_id))

    async def pause(
        self, by: Moderator, mode: PauseMode, reason: str | None, hours: float | None
    ) -> AuditEntry | None:
        """Take nothing from anybody, for so many hours or until somebody ends it."""
        until = options.end(hours, self._clock.now())
        change = partial(governing.pause, mode=mode, reason=options.words(reason), until=until)
        entry = await self._write(by, change)
        await self._pauses.read()
        return entry

    async def resume(self, by: Moderator) -> AuditEntry | None:
        """End a pause."""
        entry = await self._write(by, governing.resume)
        await self._pauses.read()
        return entry

    async def choices(self, guild_id: int) -> Choices:
        """What the server has chosen beside its limits."""
        return await self._database.read(lambda tx: choices.read(tx, guild_id))

    async def choose(
        self, by: Moderator, change: Callable[[Choices], Choices]
    ) -> AuditEntry | None:
        """Let what is chosen now become what ``change`` makes of it. With another review channel
        all that waits goes on there; a log channel shows what was reported while there was none.
        """

        def write(tx: sqlite3.Connection, act: Act) -> AuditEntry | None:
            before = choices.read(tx, act.guild_id)
            after = change(before)
            entry = choices.change(tx, act, after)
            if after.review is not None and after.review != before.review:
                review_messages.move(tx, act.guild_id, after.review, act.at)
            if after.log != before.log:
                reported.log_moved(tx, act.guild_id, after.log, act.at)
            return entry

        try:
            return await self._write(by, write)
        except sqlite3.IntegrityError as error:
            raise _explained(error) from error

    async def access(
        self, by: Moderator, kind: Access, change: Callable[[frozenset[int]], Collection[int]]
    ) -> AuditEntry | None:
        """Let the list of channels or roles become what ``change`` makes of it; an empty one says
        nothing.
        """

        def write(tx: sqlite3.Connection, act: Act) -> AuditEntry | None:
            ids = options.listed(change(governing.access(tx, act.guild_id, kind)))
            return governing.set_access(tx, act, kind, ids)

        return await self._write(by, write)

    async def gate(
        self, by: Moderator, *, newcomer_ms: int | None = None, age: AgeRule | None = None
    ) -> AuditEntry | None:
        """How long members must have been here, and the rule about age-restricted channels. What
        is not given stays as it is.
        """
        change = partial(governing.set_gate, newcomer_ms=newcomer_ms, age=age)
        return await self._write(by, change)

    async def weights(self, by: Moderator, weights: Mapping[Verb, int]) -> AuditEntry | None:
        """What each verb's price is multiplied by; one that is not named stays as it is."""

        def write(tx: sqlite3.Connection, act: Act) -> AuditEntry | None:
            now = governing.weights(tx, act.guild_id)
            return governing.set_weights(tx, act, {**now, **weights})

        return await self._write(by, write)

    async def allow(
        self, by: Moderator, everyone: Quota | None, budget: Rate | None
    ) -> list[AuditEntry]:
        """Set the limit of every member and the server's budget in one step; ``None`` takes one
        away.
        """

        def write(tx: sqlite3.Connection, act: Act) -> list[AuditEntry]:
            entries = (
                governing.clear_limit(tx, act, Whose.EVERYONE)
                if everyone is None
                else governing.set_limit(
                    tx,
                    act,
                    Whose.EVERYONE,
                    amount=everyone.credits,
                    window_ms=everyone.window_ms,
                    concurrent=everyone.concurrent,
                ),
                _budget(tx, act, budget),
            )
            return [entry for entry in entries if entry is not None]

        return await self._write(by, write)

    async def change_limits(
        self, by: Moderator, everyone: Limit, budget: Rate | Keep | None
    ) -> list[AuditEntry]:
        """The same, but what is not given of the limit of every member stays, or remains the
        bot's; and so does the budget, unless another is given, or ``None``.
        """

        def write(tx: sqlite3.Connection, act: Act) -> list[AuditEntry]:
            entries = []
            if everyone != Limit():
                rate = everyone.rate
                entries.append(
                    governing.set_limit(
                        tx,
                        act,
                        Whose.EVERYONE,
                        amount=None if rate is None else rate.credits,
                        window_ms=None if rate is None else rate.window_ms,
                        concurrent=everyone.concurrent,
                    )
                )
            if not isinstance(budget, Keep):
                entries.append(_budget(tx, act, budget))
            return [entry for entry in entries if entry is not None]

        return await self._write(by, write)

    async def standing(self, guild_id: int) -> Standing:
        """All that is set in the server, as of one moment."""
        now = self._clock.now()

        def read(tx: sqlite3.Connection) -> Standing:
            policy = policies.read_server(tx, guild_id, self.default)
            above = policies.read_server(tx, policies.OPERATOR, self.default)
            pause, all_paused = (
                one.pause if one.pause and one.pause.active(now) else None
                for one in (policy, above)
            )
            return Standing(
                policy,
                choices.read(tx, guild_id),
                policies.numbers(tx, guild_id, now),
                pause,
                logbook.state(tx, guild_id),
                reviews.waiting(tx, guild_id),
                all_paused,
            )

        return await self._database.read(read)

    async def log(
        self, guild_id: int, *, before_id: int | None = None, most: int
    ) -> list[AuditEntry]:
        """Entries of the server's audit log, newest first: those before ``before_id``."""
        return await audit.page(self._database, guild_id, before_id=before_id, most=most)

    async def whole_log(self, guild_id: int) -> AsyncIterator[list[AuditEntry]]:
        """All of the server's audit log, newest first, piece by piece."""
        before_id = None
        while page := await self.log(guild_id, before_id=before_id, most=_PAGE):
            yield page
            before_id = page[-1].id

    async def _write(
        self, by: Moderator, change: Callable[[sqlite3.Connection, Act], Written]
    ) -> Written:
        act = Act(by.guild_id, by.user_id, self._clock.now())
        return await self._database.write(lambda tx: change(tx, act))


def _budget(tx: sqlite3.Connection, act: Act, budget: Rate | None) -> AuditEntry | None:
    """Set the server's budget, or take it away."""
    if budget is None:
        return governing.clear_limit(tx, act, Whose.SERVER)
    return governing.set_limit(
        tx, act, Whose.SERVER, amount=budget.credits, window_ms=budget.window_ms
    )


def _explained(error: sqlite3.IntegrityError) -> Exception:
    """The broken constraint in words, or the error itself where nobody has broken one."""
    for constraint, (field, words) in _WRONG.items():
        if constraint in str(error):
            return BadOption(field, words)
    return error
