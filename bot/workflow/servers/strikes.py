"""Prompts that Pika moderates count, and too many of them block: in the transaction that hears of
the last one.
"""

from __future__ import annotations

import sqlite3

from bot.model import MODERATED, Job
from bot.rules import strikes as rule
from bot.rules.policy import Block, Strikes
from bot.rules.strikes import StrikeCount
from bot.store import choices, governing, strikes
from bot.store.audit import THE_BOT, Act


def standing(tx: sqlite3.Connection, guild_id: int, user_id: int, now: int) -> StrikeCount | None:
    """How many strikes of this member count now; ``None`` where the server counts none."""
    chosen = choices.read(tx, guild_id).strikes
    if chosen is None:
        return None
    return StrikeCount(_count(tx, chosen, guild_id, user_id, now), chosen)


def strike(tx: sqlite3.Connection, job: Job, now: int) -> int | None:
    """A job has just failed. If that was one moderated prompt too many, its member is blocked:
    until when.
    """
    if job.code != MODERATED:
        return None
    who = job.requester
    chosen = choices.read(tx, who.guild_id).strikes
    if chosen is None:
        return None
    before = governing.standing_block(tx, who.guild_id, who.user_id, now)
    count = _count(tx, chosen, who.guild_id, who.user_id, now)
    block = rule.block(chosen, count, before, now)
    if block is None or block.until is None:
        return None
    _write(tx, job, block, now)
    strikes.blocked(tx, job.id, block.until)
    return block.until


def _count(tx: sqlite3.Connection, chosen: Strikes, guild_id: int, user_id: int, now: int) -> int:
    fresh_at = strikes.fresh_at(tx, guild_id, user_id)
    return strikes.count(tx, guild_id, user_id, rule.count_after(chosen, fresh_at, now))


def _write(tx: sqlite3.Connection, job: Job, block: Block, now: int) -> None:
    who = job.requester
    act = Act(who.guild_id, THE_BOT, now)
    governing.block(tx, act, who.user_id, reason=block.reason, until=block.until)
