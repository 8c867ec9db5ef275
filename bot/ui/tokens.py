"""Tokens of commands, with which their answers can be changed for a quarter of an hour.

Whoever has one can speak as the bot: they are in memory only, never in the database or a log.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from bot.clock import Clock

LIFE_MS: Final = 14 * 60_000 + 30_000
"""A token lives for fifteen minutes (Discord docs, interactions/receiving-and-responding); one
that is about to die is not used."""

MOST: Final = 10_000
"""Tokens that are kept, the newest: some megabytes."""


class AnswerTokens:
    """The token of each job's command, while it is good."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._tokens: OrderedDict[int, tuple[str, int]] = OrderedDict()  # job -> token, until

    def keep(self, job_id: int, token: str) -> None:
        """The command that became this job has just been answered."""
        now = self._clock.now()
        self._tokens[job_id] = (token, now + LIFE_MS)
        while self._tokens and (
            len(self._tokens) > MOST or next(iter(self._tokens.values()))[1] <= now
        ):
            self._tokens.popitem(last=False)

    def of(self, job_id: int) -> str | None:
        """The token that changes the answer of this job's command."""
        token, until = self._tokens.get(job_id, ("", 0))
        return token if self._clock.now() < until else None

    def __repr__(self) -> str:
        return f"<{len(self._tokens)} tokens>"
