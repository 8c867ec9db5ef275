"""A server hears that its budget is nearly used up, and used up: once, with the job that did it."""

from __future__ import annotations

import asyncio
import sqlite3
from typing import Any

import pytest

from bot.errors import NotAllowed, QuotaExceeded
from bot.model import Quota, Verb
from bot.store import governing
from tests.conftest import OpenHouse
from tests.fakes import GUILD, MEMBER, House, recipe, requester
from tests.servers import ELSEWHERE, LOG, OTHER_LOG, block, budget, change, choose, said

HOUR = 3_600_000


@pytest.fixture
async def open_(open_house: OpenHouse) -> House:
    """A server with a budget of ten credits an hour, and a log that has said so."""
    house = await open_house(quota=Quota(999, HOUR, 999))
    await choose(house, log=LOG)
    await budget(house, 10, HOUR)
    await house.tell()
    return house


async def ask(house: House, times: int = 1, guild: int = GUILD, **what: Any) -> None:
    """Members ask, a minute after one another."""
    for _ in range(times):
        await house.ask(requester(guild_id=guild), **what)
        house.clock.move(60)


async def told(house: House, channel: int = LOG) -> list[str]:
    """What the log has said of the budget, in order."""
    for _ in range(3):
        await house.tell()
    return [
        line.split(": ")[0]
        for line in said(house, channel)
        if "% of this" in line or "used up" in line
    ]


NEAR = "⚠️ **80 % of this server's budget is used**"
FULL = "⛔ **This server's budget is used up**"


async def test_each_mark_is_told_once_on_the_way_up(open_: House) -> None:
    """With the job that crosses it, and its numbers."""
    await ask(open_, 7)
    assert await told(open_) == []
    await ask(open_)
    assert await told(open_) == [NEAR]
    assert "8 of 10 credits of the last hour." in open_.discord.said(LOG)[-1]
    await ask(open_)
    assert await told(open_) == [NEAR]
    await ask(open_)
    assert await told(open_) == [NEAR, FULL]
    assert "10 of 10 credits of the last hour. Members are refused" in open_.discord.said(LOG)[-1]
    for _ in range(3):
        with pytest.raises(QuotaExceeded):
            await open_.ask()
    assert await told(open_) == [NEAR, FULL]


async def test_what_frees_one_by_one_is_not_told_again_and_again(open_: House) -> None:
    """A rolling window hovers at its limit; only after it was calm it is told anew."""
    await ask(open_, 10)
    open_.clock.move(3_600 - 10 * 60)
    for _ in range(8):
        await ask(open_)
    assert await told(open_) == [NEAR, FULL]

    open_.clock.move(3_600)
    await ask(open_, 10)
    assert await told(open_) == [NEAR, FULL, NEAR, FULL]


async def test_a_refusal_finds_it_used_up(open_house: OpenHouse) -> None:
    """What is left is too little for anybody who asks; while much is left, that is no alarm."""
    house = await open_house(quota=Quota(999, HOUR, 999))
    await choose(house, log=LOG)
    await budget(house, 10, HOUR)
    await change(house, lambda tx, act: governing.set_weights(tx, act, {Verb.CREATE: 3}))
    await ask(house, 3)
    assert await told(house) == ["⚠️ **90 % of this server's budget is used**"]
    with pytest.raises(QuotaExceeded):
        await house.ask()
    assert (await told(house))[1:] == [FULL]

    await budget(house, 14, HOUR)
    house.clock.move(3_600)
    await change(house, lambda tx, act: governing.set_weights(tx, act, {Verb.CREATE: 8}))
    await ask(house)
    before = await told(house)
    with pytest.raises(QuotaExceeded):
        await house.ask()
    assert await told(house) == before


async def test_what_calmed_down_in_between_is_told_anew(open_: House) -> None:
    """Though nobody asked while it was calm, and one order takes it up again."""
    await ask(open_, 8)
    assert await told(open_) == [NEAR]
    open_.clock.move(3_600)
    await change(open_, lambda tx, act: governing.set_weights(tx, act, {Verb.CREATE: 8}))
    await ask(open_)
    assert await told(open_) == [NEAR, NEAR]


async def test_a_refusal_by_another_rule_says_nothing_of_the_budget(open_: House) -> None:
    """Somebody who is blocked has not found it used up."""
    await ask(open_, 9)
    await change(open_, lambda tx, act: governing.block(tx, act, MEMBER))
    with pytest.raises(NotAllowed):
        await open_.ask()
    assert await told(open_) == [NEAR]


async def test_one_commit_tells_what_its_jobs_did_together(open_: House) -> None:
    """Many commands share a commit: still each mark once, in order."""
    results = await asyncio.gather(
        *(open_.ask(what=recipe(f"wish {n}")) for n in range(14)), return_exceptions=True
    )
    assert sum(isinstance(one, QuotaExceeded) for one in results) == 4
    assert await told(open_) == [NEAR, FULL]


async def test_servers_are_told_of_their_own(open_: House) -> None:
    """And one without a log channel keeps nothing; what was crossed before is not told later."""
    await budget(open_, 10, HOUR, ELSEWHERE)
    await ask(open_, 9, ELSEWHERE)
    assert await told(open_) == []
    await choose(open_, guild=ELSEWHERE, log=OTHER_LOG)
    await ask(open_, 2)
    assert await told(open_, OTHER_LOG) == []
    await ask(open_, 1, ELSEWHERE)
    assert (await told(open_, OTHER_LOG), await told(open_)) == ([FULL], [])


async def test_a_server_without_a_budget_is_told_nothing(open_house: OpenHouse) -> None:
    """Nor is anything read or kept for it."""
    house = await open_house(quota=Quota(999, HOUR, 999))
    await choose(house, log=LOG)
    await ask(house, 12)
    await block(house, 7)
    assert await told(house) == []
    assert await house.database.fetch("SELECT * FROM budget_alert", {}) == []


async def test_an_order_that_cannot_be_written_is_not_told_of(open_: House) -> None:
    """The alert is part of the transaction that takes the job."""
    await ask(open_, 7)
    await open_.database.write(
        lambda tx: tx.execute(
            "CREATE TRIGGER no BEFORE INSERT ON delivery BEGIN SELECT raise(ABORT, 'no'); END"
        )
    )
    with pytest.raises(sqlite3.IntegrityError, match="no"):
        await open_.ask()
    assert await told(open_) == []
    await open_.database.write(lambda tx: tx.execute("DROP TRIGGER no"))
    await ask(open_)
    assert await told(open_) == [NEAR]
