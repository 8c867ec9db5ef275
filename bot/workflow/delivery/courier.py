"""Seeing to it that every message exists, once, and that every card is true."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from bot.clock import Clock
from bot.errors import StaleState, StorageTrouble
from bot.logs import about_job
from bot.model import Delivery, Job, JobState
from bot.store import deliveries
from bot.store.database import Database
from bot.workflow.changes import Changes
from bot.workflow.delivery.fitting import Fitting
from bot.workflow.delivery.messenger import Messenger
from bot.workflow.delivery.posting import RETRY_MS, Posting
from bot.workflow.delivery.removing import Removing
from bot.workflow.delivery.restoring import Restoring
from bot.workflow.delivery.review_places import ReviewPlaces
from bot.workflow.delivery.upkeep import Upkeep
from bot.workflow.estimate import Durations
from bot.workflow.outlook import Outlooks
from bot.workflow.queue import FairQueue

log = logging.getLogger(__name__)


MOST_POSTS: Final = 64
"""Messages that are begun and not over: a few are on their way, the others next in line. What
else is due stays in the database, so that thousands are not loaded at every step."""

MOST_ENCODED: Final = 8
"""The same for messages whose video is made smaller, which takes minutes. They have places of
their own: however many wait for the encoder, they hold up no other message."""

Key = tuple[int, str]
"""A job, and which of its messages, or the rewriting of all."""


@dataclass(slots=True)
class _Line:
    """Messages that are begun and not over, by key."""

    most: int
    encoded: bool
    begun: dict[Key, int] = field(default_factory=dict)


class Courier:
    """Begins what is due: posts (``Posting``), the rewriting of cards (``Upkeep``), and the
    deleting of what was taken away (``Removing``).
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        messenger: Messenger,
        queue: FairQueue,
        outlooks: Outlooks,
        durations: Durations,
        fitting: Fitting,
        restoring: Restoring,
        changes: Changes,
        *,
        tick_seconds: float = 2.0,
    ) -> None:
        self._database = database
        self._clock = clock
        self._tick_seconds = tick_seconds
        self._wake = asyncio.Event()
        self._under_way: dict[Key, asyncio.Task[None]] = {}
        self._lines = (_Line(MOST_POSTS, encoded=False), _Line(MOST_ENCODED, encoded=True))
        self._stopping = False
        changes.listen(self._changed)
        self._upkeep = Upkeep(database, clock, messenger, queue, outlooks, self._wake.set)
        self._fitting = fitting
        self._removing = Removing(database, clock, messenger, fitting, self._wake.set)
        self._review_places = ReviewPlaces(database, clock)
        self._posting = Posting(
            database, clock, messenger, outlooks, durations, fitting, restoring, changes,
            self._upkeep, self._removing, self._review_places, self._wake.set,
        )  # fmt: skip

    def touch(self, job_id: int) -> None:
        """The job's card may be untrue."""
        self._upkeep.touch(job_id)

    def reopened(self, guild_id: int, channel_id: int | None) -> None:
        """What the bot may do has changed in this channel, or in all of this server."""
        self._upkeep.reopened(guild_id, channel_id)
        self._removing.reopened(guild_id, channel_id)
        self._review_places.reopened(guild_id)
        self._wake.set()

    def gone(self, channel_id: int) -> None:
        """This channel was deleted."""
        self._review_places.gone(channel_id)
        self._wake.set()

    async def run(self) -> None:
        """Deliver until cancelled."""
        touched = 0
        while True:
            self._wake.clear()
            # By the clock: a busy bot is woken so often that it never sleeps for a whole tick.
            if self._clock.now() - touched >= self._tick_seconds * 1000:
                touched = self._clock.now()
                self._upkeep.touch_waiting()
            await self._database.works()
            with suppress(StorageTrouble):
                await self.round()
            with suppress(TimeoutError):
                async with asyncio.timeout(self._tick_seconds):
                    await self._wake.wait()

    async def round(self) -> None:
        """Begin what is due, the longest due first, what must be deleted, and the rewriting of
        stale cards.
        """
        await self._review_places.round()
        for line in self._lines:
            await self._advance(line)
        for delivery in await self._removing.due():
            key = delivery.job_id, delivery.kind
            if self._begin(key, self._removing.delete(delivery)) is None:
                self._removing.put_back(delivery)
        for job_id in self._upkeep.due():
            self._begin((job_id, "edit"), self._upkeep.rewrite(job_id))

    async def _advance(self, line: _Line) -> None:
        free = line.most - len(line.begun)
        if free <= 0:
            return
        for delivery in await deliveries.due(
            self._database,
            self._clock.now(),
            free,
            besides=line.begun.values(),
            encoded=line.encoded,
        ):
            key = delivery.job_id, delivery.kind
            task = self._begin(key, self._post(delivery))
            if task is not None:
                line.begun[key] = delivery.id
                task.add_done_callback(partial(self._over, line, key))

    async def _post(self, delivery: Delivery) -> None:
        try:
            await self._posting.deliver(delivery)
        except StorageTrouble:
            raise
        except Exception:
            # Whatever went wrong, before it is tried again it must let others go first.
            await self._posting.postpone(delivery, RETRY_MS)
            raise

    def _over(self, line: _Line, key: Key, _task: asyncio.Task[None]) -> None:
        del line.begun[key]
        self._wake.set()  # somebody has waited for the place, or this one is due once more

    async def settle_down(self) -> None:
        """Return when nothing is under way."""
        while self._under_way:
            await asyncio.wait(self._under_way.values())

    async def stop(self, seconds: float) -> None:
        """Begin nothing more, and give what is under way ``seconds`` to arrive; the rest is tried
        by the next start.
        """
        self._stopping = True
        running = list(self._under_way.values())
        if running:
            await asyncio.wait(running, timeout=seconds)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    def _changed(self, job: Job) -> None:
        if job.state is JobState.QUEUED and job.attempt == 0:
            return  # new: the command's answer is its card
        if job.removal is not None:
            self._fitting.forget(job)
        self._upkeep.changed(job)
        self._wake.set()

    def _begin(self, key: Key, work: Coroutine[Any, Any, None]) -> asyncio.Task[None] | None:
        """The work's task; ``None`` where the same is under way, or nothing is begun any more."""
        if key in self._under_way or self._stopping:
            work.close()
            return None
        task = asyncio.create_task(self._guarded(key[0], work), name=f"courier {key}")
        self._under_way[key] = task
        task.add_done_callback(lambda _: self._under_way.pop(key, None))
        return task

    async def _guarded(self, job_id: int, work: Coroutine[Any, Any, None]) -> None:
        with about_job(job_id):
            try:
                await work
            except StaleState as error:
                log.info("%s", error)
            except StorageTrouble:
                log.debug("must wait for the storage")  # the database has told why
                self._upkeep.later(job_id, 0)
            except Exception:
                log.exception("a message was not written; it is tried again later")
                self._upkeep.later(job_id, RETRY_MS)
