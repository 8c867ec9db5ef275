"""Choosing for a server what the panel of settings chooses, beside the bot at its database."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from bot.clock import SystemClock
from bot.model import Quota
from bot.rules.policy import Choices
from bot.store.database import Database
from bot.workflow.moderation import Governing, Moderator
from bot.workflow.pauses import Pauses
from bot.workflow.queue import FairQueue


async def choose(data: Path, guild_id: int, change: Callable[[Choices], Choices]) -> None:
    """As a moderator does; the bot reads it when it needs it next."""
    database = await Database.open(data / "pika.db")
    try:
        clock = SystemClock()
        pauses = Pauses(database, clock, FairQueue())
        governing = Governing(database, clock, pauses, Quota(5, 86_400_000, 100))
        await governing.choose(Moderator(guild_id, 1), change)
    finally:
        await database.close()
