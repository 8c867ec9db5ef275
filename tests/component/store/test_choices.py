"""What a server has chosen is kept as it was said, each change with its entry."""

from __future__ import annotations

import sqlite3
from dataclasses import fields, replace
from typing import Any

import pytest

from bot.model import Quota
from bot.rules.policy import Choices, ReviewRule, Strikes
from bot.store import choices, policies
from bot.store.audit import Act
from bot.store.database import Database

GUILD, OTHER = 1, 2
ACT = Act(GUILD, 7, 1_000)
FULL = Choices(
    result=10,
    showcase=11,
    log=12,
    review=13,
    look_at=ReviewRule(newcomer_ms=60_000, flagged=True, everything=True),
    strikes=Strikes(3, 3_600_000, 7_200_000),
    retention_ms=86_400_000,
    digest=False,
)


async def _change(database: Database, after: Choices, act: Act = ACT) -> Any:
    return await database.write(lambda tx: choices.change(tx, act, after))


async def _read(database: Database, guild_id: int = GUILD) -> Choices:
    return await database.read(lambda tx: choices.read(tx, guild_id))


async def test_what_is_chosen_is_read_again_in_its_server_only(database: Database) -> None:
    """Every field, and nothing of it elsewhere."""
    assert all(getattr(FULL, one.name) != getattr(Choices(), one.name) for one in fields(Choices))
    await _change(database, FULL)

    assert await _read(database) == FULL
    assert await _read(database, OTHER) == Choices()
    policy = await database.read(lambda tx: policies.read_server(tx, GUILD, Quota(5, 1_000, 2)))
    assert policy.look_at == FULL.look_at


async def test_the_entry_says_what_differs_and_no_more(database: Database) -> None:
    """Before and after, and nothing is written where nothing differs."""
    await _change(database, FULL)
    entry = await _change(database, replace(FULL, log=99, strikes=None))

    assert entry is not None
    assert entry.before == {
        "log_channel": 12,
        "strikes": 3,
        "strike_window_ms": 3_600_000,
        "strike_block_ms": 7_200_000,
    }
    assert entry.after == {
        "log_channel": 99,
        "strikes": None,
        "strike_window_ms": None,
        "strike_block_ms": None,
    }
    assert await _change(database, replace(FULL, log=99, strikes=None)) is None


async def test_a_review_needs_a_place(database: Database) -> None:
    """Videos must not be held where nobody can look at them; nothing is half-written."""
    await _change(database, FULL)

    with pytest.raises(sqlite3.IntegrityError, match="a_review_has_a_place"):
        await _change(database, replace(FULL, review=None, log=1))
    assert await _read(database) == FULL
