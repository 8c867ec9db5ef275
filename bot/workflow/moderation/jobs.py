"""The unfinished jobs of a server, as its moderators see them."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import Final

from bot.clock import Clock
from bot.errors import NothingHere, StaleState, TooLate
from bot.model import FAILED_WITH_VIDEO, VIDEO_HERE, Job, JobState
from bot.store import interventions, jobs, review_messages
from bot.store.audit import Act
from bot.store.database import Database
from bot.workflow.changes import Changes
from bot.workflow.delivery.messenger import Outlook
from bot.workflow.members import NOT_POSTED, Cancelled
from bot.workflow.moderation.governing import Moderator
from bot.workflow.outlook import Outlooks
from bot.workflow.rendering.settling import Settling

LOOK_MS: Final = 5 * 60_000
"""How often the messages of a server's reviews are looked at, at most."""


class ServerJobs:
    """Looks at all unfinished jobs of one server and cancels them."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        outlooks: Outlooks,
        settling: Settling,
        changes: Changes,
    ) -> None:
        self._database = database
        self._clock = clock
        self._outlooks = outlooks
        self._settling = settling
        self._changes = changes
        self._looked: dict[int, int] = {}  # server -> when its reviews were looked at

    async def unfinished(self, guild_id: int) -> list[tuple[Job, Outlook]]:
        """The server's unfinished jobs: those being made first, then those that wait, in turn."""
        found = await jobs.unfinished(self._database, guild_id=guild_id)
        reviews = await review_messages.of_waiting(self._database, guild_id)
        return sorted(
            ((job, replace(self._outlooks.of(job), review=reviews.get(job.id))) for job in found),
            key=_turn,
        )

    async def look_at_reviews(self, guild_id: int) -> None:
        """Somebody may have deleted messages of what waits in this server, of which nobody tells
        us: have them looked at, and posted anew where they are gone; now and then only, as
        Discord lets few old messages be looked at.
        """
        now = self._clock.now()
        if now - self._looked.get(guild_id, -LOOK_MS) < LOOK_MS:
            return
        self._looked = {**self._recently(now), guild_id: now}
        async with self._database.transaction() as tx:
            await review_messages.doubt(tx, guild_id)
        for job in await jobs.unfinished(self._database, guild_id=guild_id):
            if job.state is JobState.REVIEWING:
                self._changes.tell(job)

    def _recently(self, now: int) -> dict[int, int]:
        return {guild: at for guild, at in self._looked.items() if now - at < LOOK_MS}

    async def cancel(self, by: Moderator, job_id: int) -> tuple[Job, Cancelled]:
        """Cancel a job of the moderator's server.

        Raises ``NothingHere`` for a job that is not in this server, and ``TooLate`` when its
        video exists, it is over, or being cancelled already.
        """
        act = Act(by.guild_id, by.user_id, self._clock.now())
        entry = await self._database.write(lambda tx: interventions.ask_cancel(tx, act, job_id))
        job = await jobs.get(self._database, job_id)
        if job is None or job.requester.guild_id != by.guild_id:
            raise NothingHere
        if entry is None:
            raise TooLate(_too_late(job))
        if job.state is JobState.QUEUED:
            with suppress(StaleState):  # it left the queue just now, and its wish goes with it
                return await self._settling.cancel_queued(job), Cancelled.RELEASED
            job = await jobs.get(self._database, job_id) or job
        self._changes.tell(job)
        return job, Cancelled.ASKED


def _turn(one: tuple[Job, Outlook]) -> tuple[bool, int, int]:
    job, outlook = one
    return (job.state is JobState.QUEUED, outlook.place or 0, job.id)


def _too_late(job: Job) -> str:
    what = {
        JobState.CANCELLED: "is cancelled already",
        JobState.FAILED: "has failed already; nothing was charged",
        **dict.fromkeys((*VIDEO_HERE, JobState.DELIVERED), "has its video already"),
        JobState.REVIEWING: "has its video already; reject it under its review instead",
    }.get(job.state, "is being cancelled already")
    return f"Job {job.id} {NOT_POSTED if job.code in FAILED_WITH_VIDEO else what}."
