"""Videos that members of a server find should go: one report of each, until a moderator acts."""

from __future__ import annotations

import sqlite3

import aiosqlite

from bot.clock import Clock
from bot.errors import NotAllowed, NothingHere, NoVideoThere, TooLate
from bot.model import Job
from bot.rules import reporting
from bot.rules.reporting import Report
from bot.store import choices, deliveries, jobs, reported
from bot.store.audit import Act, AuditEntry
from bot.store.database import Database, within
from bot.workflow.changes import Changes
from bot.workflow.moderation import options
from bot.workflow.moderation.governing import Moderator


class ReportedVideos:
    """Takes reports of members, and what moderators think of them."""

    def __init__(self, database: Database, clock: Clock, changes: Changes) -> None:
        self._database = database
        self._clock = clock
        self._changes = changes

    async def check(self, guild_id: int, user_id: int, message_id: int) -> None:
        """Raise what ``report`` would, but for the reason: before somebody types one in vain."""
        async with self._database.transaction() as tx:
            await self._reportable(tx, guild_id, user_id, message_id)

    async def report(
        self, guild_id: int, user_id: int, message_id: int, reason: str | None
    ) -> bool:
        """A member of this server finds that the video on this message should go. Whether its
        moderators have a channel in which they read that.

        Raises ``NoVideoThere``, ``NotAllowed`` (it is their own; they have reported too often),
        ``TooLate`` (it is gone; they have reported it already) and ``BadOption``.
        """
        report = Report(user_id, self._clock.now(), options.words(reason))
        async with self._database.transaction() as tx:
            job = await self._reportable(tx, guild_id, user_id, message_id)
            shown = await within(tx, lambda sync: _write(sync, job, report))
        self._changes.tell(job)
        return shown

    async def dismiss(self, by: Moderator, job_id: int) -> AuditEntry:
        """Nothing is wrong with a video of the moderator's server. Raises ``NothingHere``, and
        ``TooLate`` when no report of it waits (any more).
        """
        act = Act(by.guild_id, by.user_id, self._clock.now())
        async with self._database.transaction() as tx:
            job = await self._of_server(tx, by, job_id)
            entry = await within(tx, lambda sync: reported.dismiss(sync, act, job_id))
            if entry is None or job.removal is not None:
                raise TooLate(f"No report of job {job_id} waits for anybody any more.")
        self._changes.tell(job)
        return entry

    async def requester(self, by: Moderator, job_id: int) -> int:
        """Who asked for a video of the moderator's server. Raises ``NothingHere``."""
        async with self._database.transaction() as tx:
            return (await self._of_server(tx, by, job_id)).requester.user_id

    async def _of_server(self, tx: aiosqlite.Connection, by: Moderator, job_id: int) -> Job:
        job = await jobs.find_in(tx, job_id)
        if job is None or job.requester.guild_id != by.guild_id:
            raise NothingHere
        return job

    async def _reportable(
        self, tx: aiosqlite.Connection, guild_id: int, user_id: int, message_id: int
    ) -> Job:
        job_id = await deliveries.job_of_video(tx, message_id)
        job = None if job_id is None else await jobs.find_in(tx, job_id)
        if job is None or job.requester.guild_id != guild_id:
            raise NoVideoThere
        if job.removal is not None:
            raise TooLate(f"The video of job {job.id} is removed already.")
        if job.requester.user_id == user_id:
            raise NotAllowed("own", "That is your own video: *Delete* below it takes it away.")
        now = self._clock.now()
        since = now - reporting.WINDOW_MS
        if await within(tx, lambda sync: reported.has_reported(sync, job.id, user_id)):
            raise TooLate("You have reported this video already.")
        times = await within(tx, lambda sync: reported.times(sync, guild_id, user_id, since))
        reporting.check(times, now)
        return job


def _write(tx: sqlite3.Connection, job: Job, report: Report) -> bool:
    reported.add(tx, job.id, report)
    log_channel = choices.read(tx, job.requester.guild_id).log
    reported.show(tx, job.id, log_channel, report.at)
    return log_channel is not None
