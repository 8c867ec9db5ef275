"""Deleting messages whose video was taken away, however long Discord does not let us."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from bot.clock import Clock
from bot.errors import Denied, TryLater
from bot.model import Delivery, Job
from bot.store import deliveries, jobs, removals
from bot.store.database import Database
from bot.workflow.delivery.closed import CLOSED_MS
from bot.workflow.delivery.fitting import Fitting
from bot.workflow.delivery.messenger import GONE, Messenger

log = logging.getLogger(__name__)

DELETES_AT_ONCE: Final = 2
"""None of the places of posts: what goes keeps nobody's video waiting."""

MOST_BEGUN: Final = 16
"""Messages that are looked at in one round; what else is due stays in the database."""

UNHEARD_MS: Final = 60_000
"""A try of which nothing was heard is made again after this long."""

REFUSED_MOST_MS: Final = 6 * 3_600_000
"""A message in a place that refuses is tried again when that changes, after a start, and now and
then: after as long as a refusal is believed, then after twice as long each time, up to this."""

BUSY_MOST: Final = 300.0
"""Seconds between two tries while Discord is out of order, at most."""

LOOK_AGAIN_MS: Final = 5_000
"""A post that was under way when its process ended may arrive a little later."""


class Removing:
    """Sees to it that nothing is left in Discord of a video that was taken away. ``wake`` is called
    when more is due.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        messenger: Messenger,
        fitting: Fitting,
        wake: Callable[[], None],
    ) -> None:
        self._database = database
        self._clock = clock
        self._messenger = messenger
        self._fitting = fitting
        self._wake = wake
        self._deletes = asyncio.Semaphore(DELETES_AT_ONCE)
        self._refused: dict[int, tuple[int, int]] = {}  # delivery -> server, channel
        self._hurried: set[int] = set()
        self._looked: set[int] = set()

    async def due(self) -> list[Delivery]:
        """The messages that are to be deleted now."""
        hurried = frozenset(self._hurried)
        found = await removals.due(self._database, self._clock.now(), hurried, MOST_BEGUN)
        if len(found) < MOST_BEGUN:
            self._hurried -= hurried
        else:  # others of them come next
            self._hurried -= {delivery.id for delivery in found}
        return found

    def put_back(self, delivery: Delivery) -> None:
        """It could not be begun, as a try is under way, which may be refused by what has changed
        since: it is looked at again after that.
        """
        self._hurried.add(delivery.id)

    def reopened(self, guild_id: int, channel_id: int | None) -> None:
        """What the bot may do has changed in this channel, or in all of this server."""
        for delivery_id, (guild, channel) in list(self._refused.items()):
            if channel == channel_id or (channel_id is None and guild == guild_id):
                del self._refused[delivery_id]
                self._hurried.add(delivery_id)

    async def delete(self, delivery: Delivery) -> None:
        """Try once to delete this message; write down what came of it."""
        job = await jobs.get(self._database, delivery.job_id)
        now = self._clock.now()
        async with self._database.transaction() as tx:
            if job is None or not await removals.begin_try(tx, delivery, now + UNHEARD_MS):
                return
        try:
            async with self._deletes:
                await self._messenger.delete(job, delivery)
        except Denied as error:
            log.warning("the %s cannot be deleted now: %s", delivery.kind, error)
            self._refused[delivery.id] = (job.requester.guild_id, delivery.channel_id)
            pause = min(REFUSED_MOST_MS, CLOSED_MS << min(delivery.attempts, 16))
            await self._postpone(delivery, pause)
        except TryLater as error:
            log.info("the %s cannot be deleted now: %s", delivery.kind, error)
            after = max(error.after, min(BUSY_MOST, 2.0 ** min(delivery.attempts, 16)))
            await self._postpone(delivery, int(after * 1000))
        else:
            async with self._database.transaction() as tx:
                await removals.done(tx, delivery)
            self._refused.pop(delivery.id, None)
            log.info("%s deleted (message %d)", delivery.kind, delivery.message_id or 0)

    async def look(self, job: Job, delivery: Delivery) -> None:
        """This message must not come into being, and an earlier try of it may have been heard: look
        for it, twice, as the process that tried may have ended just before.
        """
        self._fitting.forget(job)
        now = self._clock.now()
        found, gone = None, delivery.attempts == 0
        if not gone:
            try:
                found = await self._messenger.find(job, delivery)
            except Denied as error:
                gone = error.code in GONE
                if not gone:
                    log.warning("an earlier try may stand where we cannot look: %s", error)
                    await self._wait(delivery, now + CLOSED_MS)
                    return
            except TryLater as error:
                await self._wait(delivery, now + int(error.after * 1000))
                return
        if found is None and not gone and delivery.id not in self._looked:
            self._looked.add(delivery.id)
            await self._wait(delivery, now + LOOK_AGAIN_MS)
            return
        self._looked.discard(delivery.id)
        async with self._database.transaction() as tx:
            if found is None:
                await deliveries.drop(tx, job.id, delivery.kind)
            else:
                await removals.must_go(tx, delivery, found, at=now)
        self._wake()

    async def _wait(self, delivery: Delivery, due_at: int) -> None:
        async with self._database.transaction() as tx:
            await deliveries.postpone(tx, delivery, due_at)

    async def _postpone(self, delivery: Delivery, after_ms: int) -> None:
        async with self._database.transaction() as tx:
            await removals.postpone(tx, delivery, self._clock.now() + after_ms)
