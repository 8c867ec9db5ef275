"""Books for tests of the rules: every reservation in a list, added up anew each time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot.rules.books import Subject, Sum, subjects_of
from bot.rules.policy import Asker


@dataclass(frozen=True)
class Reserved:
    """Credits that a job of this asker holds or has cost."""

    asker: Asker
    credits: int
    held_at: int
    unfinished: bool = False


@dataclass(frozen=True)
class ListBooks:
    """``rules.books.Books`` in their plainest form."""

    reserved: Sequence[Reserved]
    now: int

    def _in(self, sum_: Sum) -> list[Reserved]:
        return [
            one
            for one in self.reserved
            if sum_.subject in subjects_of(one.asker) and one.held_at > self.now - sum_.window_ms
        ]

    def used(self, sum_: Sum) -> int:
        return sum(one.credits for one in self._in(sum_))

    def leave_at(self, sum_: Sum, amount: int) -> int | None:
        left = 0
        for one in sorted(self._in(sum_), key=lambda one: one.held_at):
            left += one.credits
            if left >= amount:
                return one.held_at + sum_.window_ms
        return None

    def unfinished(self, subject: Subject) -> int:
        return sum(one.unfinished and subject in subjects_of(one.asker) for one in self.reserved)

    def at(self, now: int) -> ListBooks:
        """The same books later, if nothing else happens."""
        return replace(self, now=now)
