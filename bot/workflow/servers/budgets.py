"""Telling a server that its budget is nearly used up, in the transaction that uses it."""

from __future__ import annotations

import sqlite3

from bot.rules.alerts import NEAR_PERCENT, BudgetAlert, Fill, fill_after, rises
from bot.rules.policy import Policy
from bot.rules.trace import Rule, Trace
from bot.store import alerts, logbook


class BudgetWatch:
    """Looks at the decisions of one transaction, in their order. What they rest on is in them
    already: a server with a budget costs one row to be read, another server nothing.
    """

    def __init__(self, tx: sqlite3.Connection, now: int) -> None:
        self._tx = tx
        self._now = now
        self._fills: dict[int, tuple[Fill, Fill]] = {}  # before this transaction, and now
        self._alerts: list[tuple[int, BudgetAlert]] = []

    def see(self, server: Policy, trace: Trace) -> None:
        """An order was decided, and taken if it is allowed. One that the budget refuses when it
        is nearly used up has found it used up.
        """
        if server.budget is None:
            return
        line = trace.of(Rule.SERVER_BUDGET)
        measure = line.measure
        if measure is None or measure.window_ms is None:
            return
        self._move(server.guild_id, measure.used, measure.limit, measure.window_ms)
        if trace.allowed:
            used = measure.used + measure.cost
            self._move(server.guild_id, used, measure.limit, measure.window_ms)
        elif trace.decided is line and measure.used * 100 >= measure.limit * NEAR_PERCENT:
            self._set(server.guild_id, Fill.FULL, measure.used, measure.limit, measure.window_ms)

    def write(self) -> None:
        """Write down what has changed, and what the log channels have to be told of it."""
        for guild_id, (before, now) in self._fills.items():
            if now is not before:
                alerts.remember(self._tx, guild_id, now)
        for guild_id, alert in self._alerts:
            logbook.tell(self._tx, guild_id, alert, self._now)

    def _move(self, guild_id: int, used: int, limit: int, window_ms: int) -> None:
        fill = fill_after(self._fill(guild_id), used, limit)
        self._set(guild_id, fill, used, limit, window_ms)

    def _set(self, guild_id: int, fill: Fill, used: int, limit: int, window_ms: int) -> None:
        before = self._fill(guild_id)
        if rises(before, fill):
            self._alerts.append((guild_id, BudgetAlert(fill, used, limit, window_ms)))
        self._fills[guild_id] = self._fills[guild_id][0], fill

    def _fill(self, guild_id: int) -> Fill:
        if guild_id not in self._fills:
            known = alerts.fill(self._tx, guild_id)
            self._fills[guild_id] = known, known
        return self._fills[guild_id][1]
