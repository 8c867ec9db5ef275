"""Seeing to it that every message exists, once, and that every card is true."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import replace
from itertools import islice
from typing import Any

from bot.clock import Clock
from bot.errors import Denied, StaleState, TooLarge, TryLater
from bot.logs import about_job
from bot.model import Delivery, DeliveryKind, DeliveryState, Job, JobState, Place
from bot.store import deliveries, jobs
from bot.store.database import Database
from bot.store.deliveries import SHOWN_EARLIER, SHOWN_FINAL
from bot.workflow.changes import Changes
from bot.workflow.estimate import Durations
from bot.workflow.fitting import ONLY_THE_LINK, Fitting, next_fit
from bot.workflow.messenger import Messenger, Outlook
from bot.workflow.outlook import Outlooks, shows
from bot.workflow.queue import FairQueue

log = logging.getLogger(__name__)

POSTS_AT_ONCE = 4
EDITS_AT_ONCE = 2
"""Messages under way at the same time; more would only wait in Discord's rate limits. Edits
have room of their own, so that no card keeps a video waiting."""

RETRY_MS = 60_000
"""A post of which nothing was heard again is due again after this long."""

EDIT_PAUSE_MS = 5_000
"""A card is not rewritten more often than this, unless its job is over."""

EDITABLE_MS = 50 * 60_000
"""Discord limits edits of messages older than an hour: an older card is rewritten once more,
when its job is over."""

PLACES_A_TICK = 4
"""How many waiting cards are looked at for a new place each tick."""

_NEXT_PLACE = {Place.HERE: Place.PARENT, Place.PARENT: Place.DIRECT}


class Courier:
    """Delivers what is due and rewrites cards whose job has moved on."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        messenger: Messenger,
        queue: FairQueue,
        outlooks: Outlooks,
        durations: Durations,
        fitting: Fitting,
        changes: Changes,
        *,
        tick_seconds: float = 2.0,
    ) -> None:
        self._database = database
        self._clock = clock
        self._messenger = messenger
        self._queue = queue
        self._outlooks = outlooks
        self._durations = durations
        self._fitting = fitting
        self._changes = changes
        self._tick_seconds = tick_seconds
        self._wake = asyncio.Event()
        self._stale: dict[int, int] = {}  # job -> not before, for cards that may be untrue
        self._turn = 0
        self._under_way: dict[tuple[int, str], asyncio.Task[None]] = {}
        self._posts = asyncio.Semaphore(POSTS_AT_ONCE)
        self._edits = asyncio.Semaphore(EDITS_AT_ONCE)
        self._stopping = False
        changes.listen(self._changed)

    def touch(self, job_id: int) -> None:
        """The job's card may be untrue."""
        self._stale.setdefault(job_id, 0)

    async def run(self) -> None:
        """Deliver until cancelled."""
        touched = 0
        while True:
            self._wake.clear()
            # By the clock: a busy bot is woken so often that it never sleeps for a whole tick.
            if self._clock.now() - touched >= self._tick_seconds * 1000:
                touched = self._clock.now()
                self._touch_waiting()
            await self.round()
            with suppress(TimeoutError):
                async with asyncio.timeout(self._tick_seconds):
                    await self._wake.wait()

    async def round(self) -> None:
        """Begin every delivery that is due, and the rewriting of stale cards."""
        now = self._clock.now()
        for delivery in await deliveries.due(self._database, now):
            self._begin((delivery.job_id, delivery.kind), self._deliver(delivery))
        for job_id, not_before in list(self._stale.items()):
            if not_before <= now:
                self._begin((job_id, "edit"), self._rewrite(job_id))

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
        if job.finished_at is not None:
            self._stale[job.id] = 0
        else:
            self.touch(job.id)
        self._wake.set()

    def _touch_waiting(self) -> None:
        """Places move with every job that goes: look at the first few, and at a few more in
        turn, so that every waiting card is looked at before long.
        """
        waiting = list(islice(self._queue.order(), PLACES_A_TICK))
        rest = list(islice(self._queue.order(), self._turn, self._turn + PLACES_A_TICK))
        self._turn = self._turn + PLACES_A_TICK if rest else 0
        for job_id in (*waiting, *rest):
            self.touch(job_id)

    def _begin(self, key: tuple[int, str], work: Coroutine[Any, Any, None]) -> None:
        if key in self._under_way or self._stopping:
            work.close()
            return
        task = asyncio.create_task(self._guarded(key[0], work), name=f"courier {key}")
        self._under_way[key] = task
        task.add_done_callback(lambda _: self._under_way.pop(key, None))

    async def _guarded(self, job_id: int, work: Coroutine[Any, Any, None]) -> None:
        with about_job(job_id):
            try:
                await work
            except StaleState as error:
                log.info("%s", error)
            except Exception:
                log.exception("a message was not written; it is tried again later")
                self._stale[job_id] = self._clock.now() + RETRY_MS

    # -- messages that must exist ---------------------------------------------------------

    async def _deliver(self, delivery: Delivery) -> None:
        job = await jobs.get(self._database, delivery.job_id)
        if job is None or await self._card_is_coming(delivery):
            return
        outlook = self._outlooks.of(job)
        if delivery.fit is not None:
            if delivery.fit == ONLY_THE_LINK:
                outlook = replace(outlook, link=await self._fitting.link(job))
            elif (smaller := await self._fitting.copy(job, delivery.fit)) is None:
                await self._shrink(job, delivery, ONLY_THE_LINK)
                return
            else:
                job = replace(job, video_path=smaller)
        try:
            async with self._posts:
                message_id, shown = await self._post(job, delivery, outlook)
        except Denied as error:
            await self._elsewhere(job, delivery, error.code)
        except TooLarge:
            size = job.video_path.stat().st_size if job.video_path else 0
            await self._shrink(job, delivery, next_fit(size))
        except TryLater as error:
            await self._postpone(delivery, error)
        else:
            await self._sent(job, delivery, message_id, shown)

    async def _post(self, job: Job, delivery: Delivery, outlook: Outlook) -> tuple[int, str]:
        """Post it, unless an earlier try has brought it into being after all; its id and what
        it shows. An earlier one shows what was true then.
        """
        found = await self._existing(job, delivery)
        if found is not None:
            return found, SHOWN_EARLIER
        async with self._database.transaction() as tx:
            if not await deliveries.begin(tx, delivery, self._clock.now() + RETRY_MS):
                raise StaleState("was posted meanwhile")
        reply_to = await self._card_beside(delivery)
        message_id = await self._messenger.post(job, delivery, outlook, reply_to=reply_to)
        # By its nonce a repeated post may be the earlier message, which nobody could find.
        return message_id, SHOWN_EARLIER if delivery.attempts else shows(job, outlook)

    async def _postpone(self, delivery: Delivery, error: TryLater) -> None:
        log.info("%s", error)
        async with self._database.transaction() as tx:
            due_at = self._clock.now() + int(error.after * 1000)
            await deliveries.postpone(tx, delivery, due_at)

    async def _shrink(self, job: Job, delivery: Delivery, fit: int) -> None:
        log.warning("too large for this server; next: %s", f"{fit} bytes" if fit else "its link")
        async with self._database.transaction() as tx:
            await deliveries.shrink(tx, delivery, fit, self._clock.now())
        self.touch(job.id)
        self._wake.set()

    async def _existing(self, job: Job, delivery: Delivery) -> int | None:
        """The message that an earlier try has left, if any.

        A card is first of all the command's own answer, of which no nonce is known.
        """
        if delivery.attempts == 0 and delivery.kind is not DeliveryKind.CARD:
            return None
        return await self._messenger.find(job, delivery)

    async def _card_is_coming(self, delivery: Delivery) -> bool:
        """Whether the card that this message replies to is about to be known: the command's
        answer is written down a moment later. The message stays due.
        """
        if delivery.kind is DeliveryKind.CARD or delivery.place is not Place.HERE:
            return False
        card = (await deliveries.of_job(self._database, delivery.job_id)).get(DeliveryKind.CARD)
        return card is not None and card.state is DeliveryState.PENDING and card.attempts < 2

    async def _card_beside(self, delivery: Delivery) -> int | None:
        """The job's card, where this message goes to the same channel."""
        messages = await deliveries.of_job(self._database, delivery.job_id)
        card = messages.get(DeliveryKind.CARD)
        here = card is not None and card.channel_id == delivery.channel_id
        return card.message_id if card is not None and here else None

    async def _sent(self, job: Job, delivery: Delivery, message_id: int, shown: str) -> None:
        now = self._clock.now()
        moved = None
        async with self._database.transaction() as tx:
            await deliveries.sent(
                tx,
                delivery,
                channel_id=delivery.channel_id,
                message_id=message_id,
                shown=shown,
                at=now,
            )
            if delivery.kind is DeliveryKind.RESULT:
                moved = await jobs.move(tx, job.id, JobState.DELIVERING, JobState.DELIVERED, at=now)
        log.info("%s posted as message %d (%s)", delivery.kind, message_id, delivery.place)
        if delivery.kind is not DeliveryKind.RESULT:
            # It may have moved on meanwhile, the card is an earlier one, or can be written now.
            self._stale[job.id] = 0
        if moved is not None:
            if moved.submitted_at is not None:
                self._durations.add(now - moved.submitted_at)
            self._fitting.forget(moved)
            self._changes.tell(moved)

    async def _elsewhere(self, job: Job, delivery: Delivery, code: int) -> None:
        """This place will not take it: the next one, or nowhere."""
        place = _NEXT_PLACE.get(delivery.place)
        parent = job.requester.parent_id
        if place is Place.PARENT and parent is None:
            place = Place.DIRECT
        channel_id = parent
        if delivery.kind is DeliveryKind.CARD:
            place = None  # a card elsewhere helps nobody; the result or notice will find its way
        if place is Place.DIRECT:
            try:
                channel_id = await self._messenger.direct_channel(job.requester.user_id)
            except Denied as error:
                place, code = None, error.code
            except TryLater as error:
                await self._postpone(delivery, error)
                return
        if place is None or channel_id is None:
            await self._nowhere(job, delivery, code)
            return
        log.warning("%s not possible there (%d), next: %s", delivery.kind, code, place)
        async with self._database.transaction() as tx:
            await deliveries.reroute(tx, delivery, place, channel_id, code, at=self._clock.now())
        self._wake.set()

    async def _nowhere(self, job: Job, delivery: Delivery, code: int) -> None:
        log.warning("%s cannot be posted anywhere (%d)", delivery.kind, code)
        moved = None
        async with self._database.transaction() as tx:
            await deliveries.give_up(tx, delivery, code)
            if delivery.kind is DeliveryKind.RESULT:
                moved = await jobs.move(
                    tx,
                    job.id,
                    JobState.DELIVERING,
                    JobState.FAILED,
                    at=self._clock.now(),
                    code="undeliverable",
                    detail=str(code),
                )
        if moved is not None:
            self._changes.tell(moved)

    # -- cards that must be true ----------------------------------------------------------

    async def _rewrite(self, job_id: int) -> None:
        job = await jobs.get(self._database, job_id)
        messages = await deliveries.of_job(self._database, job_id)
        card = messages.get(DeliveryKind.CARD)
        if job is None or card is None or card.state is DeliveryState.UNDELIVERABLE:
            self._stale.pop(job_id, None)
            return
        now = self._clock.now()
        if card.state is DeliveryState.PENDING or card.sent_at is None:
            self._stale[job_id] = now + 500  # its answer is on the way
            return
        outlook = self._outlooks.of(job, messages.get(DeliveryKind.RESULT))
        wanted = shows(job, outlook)
        over = job.finished_at is not None
        if card.shown == wanted or (now - card.sent_at > EDITABLE_MS and not over):
            self._stale.pop(job_id, None)
            return
        self._stale[job_id] = now + EDIT_PAUSE_MS
        async with self._edits:
            try:
                await self._messenger.edit_card(job, card, outlook)
            except Denied as error:
                log.info("the card cannot be rewritten: %s", error)
                if any(one.state is DeliveryState.PENDING for one in messages.values()):
                    return  # what is still to be posted may open an archived thread
                wanted = SHOWN_FINAL if over else wanted
            except TryLater as error:
                self._stale[job_id] = self._clock.now() + int(error.after * 1000)
                return
        async with self._database.transaction() as tx:
            await deliveries.shown(tx, job_id, wanted)
        if over:
            self._stale.pop(job_id, None)
