"""What moderators choose and do in the servers of a house, and what their logs are told."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from bot.store import choices, governing
from bot.store.audit import Act
from bot.store.governing import Whose
from tests.fakes import GUILD, House

LOG, OTHER_LOG, ELSEWHERE, MODERATOR = 700, 701, 101, 900


async def change(
    house: House, what: Callable[[sqlite3.Connection, Act], Any], guild: int = GUILD
) -> None:
    """A moderator changes something now."""
    act = Act(guild, MODERATOR, house.clock.now())
    await house.database.write(lambda tx: what(tx, act))


async def choose(house: House, guild: int = GUILD, **values: Any) -> None:
    """A moderator chooses."""

    def write(tx: sqlite3.Connection, act: Act) -> None:
        choices.change(tx, act, replace(choices.read(tx, guild), **values))

    await change(house, write, guild)


async def block(house: House, *members: int, guild: int = GUILD) -> None:
    """A moderator blocks members, one after the other."""
    for member in members:
        await change(house, lambda tx, act, m=member: governing.block(tx, act, m), guild)


async def budget(house: House, amount: int, window_ms: int, guild: int = GUILD) -> None:
    """A moderator sets what the server may use."""
    limit = {"amount": amount, "window_ms": window_ms}
    await change(house, lambda tx, act: governing.set_limit(tx, act, Whose.SERVER, **limit), guild)


def said(house: House, channel: int = LOG) -> list[str]:
    """What a channel was told, line by line."""
    return [line for text in house.discord.said(channel) for line in text.split("\n")]


def blocked(house: House, channel: int = LOG) -> list[int]:
    """The members of whom the channel was told that they are blocked, in order."""
    return [int(line[2 : line.index(">")]) for line in said(house, channel) if "→ blocked" in line]
