"""What tests of reviews do and look at."""

from __future__ import annotations

import asyncio

from bot.model import DeliveryKind, Job, JobState
from bot.store import audit
from bot.store.audit import AuditEntry
from bot.workflow.moderation import Moderator
from tests.fakes import GUILD, House, Posted, PostedSilent, until

S, K = JobState, DeliveryKind
MONA, OTTO = Moderator(GUILD, 77), Moderator(GUILD, 78)
ELSEWHERE = Moderator(GUILD + 1, 77)
WEEK = 7 * 24 * 3600.0
NEW_CHANNEL = 501
HOUR_MS = 3_600_000


async def held(house: House) -> Job:
    """A video that waits, its message posted and its card rewritten."""
    await house.look_at()
    job = await house.reviewing()
    await rounds(house)
    return job


async def unheard(house: House) -> Job:
    """A video whose message is posted, while nobody hears of it before the process ends."""
    await house.look_at()
    job = await house.reviewing()
    house.discord.outcomes.append(PostedSilent(asyncio.Event()))
    await house.courier.round()
    await until(lambda: house.discord.of(job.id, K.REVIEW))
    return job


async def rounds(house: House, count: int = 3) -> None:
    """The courier's, some seconds apart."""
    for _ in range(count):
        await house.deliver()
        house.clock.move(6)


def message(house: House, job: Job) -> Posted:
    """The only message for moderators that stands."""
    (found,) = house.discord.of(job.id, K.REVIEW)
    return found


async def log(house: House, guild_id: int = GUILD) -> list[AuditEntry]:
    """What was done to jobs and members, newest first."""
    page = await audit.page(house.database, guild_id, most=100)
    return [entry for entry in page if entry.action != "choices"]


def videos(house: House) -> list[str]:
    """The files there are."""
    return sorted(path.name for path in (house.world.folder / "videos").iterdir())
