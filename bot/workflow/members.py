"""What members may ask about their own jobs."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from bot.clock import Clock
from bot.errors import JobNotFound, StaleState, TooLate
from bot.model import FAILED_WITH_VIDEO, FINAL, VIDEO_HERE, Job, JobState
from bot.rules.policy import Asker, Installation
from bot.store import jobs
from bot.store.database import Database
from bot.workflow.changes import Changes
from bot.workflow.decisions import Account, account_now
from bot.workflow.delivery.messenger import Outlook
from bot.workflow.outlook import Outlooks
from bot.workflow.rendering.settling import Settling

NOT_POSTED: Final = "has its video already; it was not posted"
"""Said of a failed job whose video exists, and is charged."""


class Cancelled(StrEnum):
    """What a cancel has come to."""

    RELEASED = "released"  # out of the queue, not charged
    ASKED = "asked"  # Pika has it, or may have it: it is asked to stop


class Members:
    """Answers about a member's own jobs in the server they ask from."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        outlooks: Outlooks,
        settling: Settling,
        changes: Changes,
        installation: Installation,
    ) -> None:
        self._database = database
        self._clock = clock
        self._outlooks = outlooks
        self._settling = settling
        self._changes = changes
        self._installation = installation

    async def unfinished(self, guild_id: int, user_id: int) -> list[tuple[Job, Outlook]]:
        """The member's unfinished jobs, oldest first, each with its outlook."""
        mine = await jobs.unfinished(self._database, guild_id=guild_id, user_id=user_id)
        return [(job, self._outlooks.of(job)) for job in mine]

    async def account(self, asker: Asker) -> Account:
        """What this member may still do here, by the same rules that intake uses. Block lists are
        left out: they are about what is asked for.
        """
        return await account_now(self._database, asker, self._installation, self._clock.now())

    async def cancel(self, guild_id: int, user_id: int, job_id: int) -> tuple[Job, Cancelled]:
        """Cancel one's own job.

        Raises ``JobNotFound`` for a job that is not this member's in this server, and
        ``TooLate`` when its video exists already or it is over.
        """
        job = await jobs.get(self._database, job_id)
        if job is None or (job.requester.guild_id, job.requester.user_id) != (guild_id, user_id):
            raise JobNotFound(job_id)
        if job.state is JobState.QUEUED:
            try:
                return await self._settling.cancel_queued(job), Cancelled.RELEASED
            except StaleState:
                job = await jobs.get(self._database, job_id) or job
        async with self._database.transaction() as tx:
            await jobs.ask_cancel(tx, job_id, self._clock.now())
            job = await jobs.get_in(tx, job_id)
            if job.state in FINAL | VIDEO_HERE:
                raise TooLate(_too_late(job))
        if job.state is JobState.QUEUED:  # Pika did not take it, just now
            return await self._settling.cancel_queued(job), Cancelled.RELEASED
        self._changes.tell(job)
        return job, Cancelled.ASKED


def _too_late(job: Job) -> str:
    what = {
        JobState.CANCELLED: "is cancelled already",
        JobState.FAILED: "has failed already; you were not charged",
        JobState.REVIEWING: "has its video already; it waits for a moderator to look at it",
    }.get(job.state, "has its video already")
    return f"Job {job.id} {NOT_POSTED if job.code in FAILED_WITH_VIDEO else what}."
