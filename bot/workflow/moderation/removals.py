"""Taking videos away, as the moderators of a server do."""

from __future__ import annotations

from bot.clock import Clock
from bot.errors import NothingHere
from bot.model import Job, Removal
from bot.store import audit, jobs
from bot.store.audit import Act, AuditEntry
from bot.store.database import Database, within
from bot.workflow.changes import Changes
from bot.workflow.moderation import options
from bot.workflow.moderation.governing import Moderator
from bot.workflow.videos import refuse, take_away


class Removals:
    """Takes videos of a server away, each once."""

    def __init__(self, database: Database, clock: Clock, changes: Changes) -> None:
        self._database = database
        self._clock = clock
        self._changes = changes

    async def removable(self, by: Moderator, job_id: int) -> Job:
        """A job of the moderator's server whose video can be taken away. Raises as ``remove``."""
        job = await jobs.get(self._database, job_id)
        if job is None or job.requester.guild_id != by.guild_id:
            raise NothingHere
        refuse(job)
        return job

    async def remove(self, by: Moderator, job_id: int, reason: str | None) -> AuditEntry:
        """Let nothing be left of the video of a job, and tell whoever asked for it, with the
        reason.

        Raises ``NothingHere`` for a job that is not in this server, ``TooLate`` where there is no
        video to take away (any more), and ``BadOption``.
        """
        removal = Removal(by.user_id, self._clock.now(), options.words(reason))
        act = Act(by.guild_id, by.user_id, removal.at)
        async with self._database.transaction() as tx:
            job = await jobs.find_in(tx, job_id)
            if job is None or job.requester.guild_id != by.guild_id:
                raise NothingHere
            gone = await take_away(tx, job, removal)
            before = {"state": job.state}
            after = {"state": "removed"} | ({"reason": removal.reason} if removal.reason else {})
            entry = await within(
                tx, lambda sync: audit.append(sync, act, "remove", "job", job_id, before, after)
            )
        self._changes.tell(gone)
        return entry
