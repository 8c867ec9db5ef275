"""Keeping cards true: rewriting those whose job has moved on, as far as Discord lets us."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable
from itertools import islice

from bot.clock import Clock
from bot.errors import Denied, TryLater
from bot.model import UNANSWERED, Delivery, DeliveryKind, DeliveryState, Job
from bot.store import deliveries, jobs
from bot.store.database import Database
from bot.store.deliveries import SHOWN_FINAL, SHOWN_GONE, SHOWN_STUCK
from bot.workflow.delivery.companions import Companions
from bot.workflow.delivery.messenger import GONE, Messenger
from bot.workflow.outlook import Outlooks, shows
from bot.workflow.queue import FairQueue

log = logging.getLogger(__name__)

EDITS_AT_ONCE = 2
"""Cards that are rewritten at the same time. Not one of the places of posts: no card keeps a
video waiting."""

ANSWER_MS = 500
"""A card whose command is just being answered is looked at again after this long."""

EDIT_PAUSE_MS = 5_000
"""A card is not rewritten more often than this, unless its job is over."""

OLD_MS = 50 * 60_000
OLD_EDIT_PAUSE_MS = 10 * 60_000
"""Discord limits edits of messages older than an hour (30046): such cards are rewritten rarely,
and one at a time, so that no other card waits for them."""

STUCK_MS = 7 * 24 * 3_600_000
"""A card that cannot be rewritten is tried again when its place changes and after a start, until
its job has been over for so long."""

STUCK_MOST = 1_000
"""Cards that wait for their place to change, those that got stuck last."""

PLACES_A_TICK = 4
"""How many waiting cards are looked at for a new place each tick."""


class Upkeep:
    """Which cards may be untrue, and making them true. ``wake`` is called when messages are due."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        messenger: Messenger,
        queue: FairQueue,
        outlooks: Outlooks,
        wake: Callable[[], None],
    ) -> None:
        self._database = database
        self._clock = clock
        self._messenger = messenger
        self._queue = queue
        self._outlooks = outlooks
        self._wake = wake
        self._companions = Companions(
            database, clock, messenger, outlooks, self._place_of, self.wait_for_place, self._again
        )
        self._stale: dict[int, int] = {}  # job -> not before
        self._stuck: OrderedDict[tuple[int, int], int] = OrderedDict()  # job, channel -> server
        self._turn = 0
        self._edits = asyncio.Semaphore(EDITS_AT_ONCE)
        self._old_edits = asyncio.Semaphore(1)

    def changed(self, job: Job) -> None:
        """The job has moved on. Its end is shown at once."""
        if job.finished_at is not None:
            self.hurry(job.id)
        else:
            self.touch(job.id)

    def touch(self, job_id: int) -> None:
        """The job's card may be untrue: it is looked at when it may be rewritten again."""
        self._stale.setdefault(job_id, 0)

    def hurry(self, job_id: int) -> None:
        """The job's card is to be looked at now, whenever it was written last."""
        self._stale[job_id] = 0

    def _again(self, job_id: int) -> None:
        self.hurry(job_id)
        self._wake()

    def later(self, job_id: int, after: int) -> None:
        """The job's card is to be looked at after so many milliseconds, not before."""
        self._stale[job_id] = self._clock.now() + after

    def due(self) -> list[int]:
        """The jobs whose cards are to be looked at now."""
        now = self._clock.now()
        return [job_id for job_id, not_before in self._stale.items() if not_before <= now]

    def touch_waiting(self) -> None:
        """Places move with every job that goes: look at the first few, and at a few more in
        turn, so that every waiting card is looked at before long.
        """
        waiting = list(islice(self._queue.order(), PLACES_A_TICK))
        rest = list(islice(self._queue.order(), self._turn, self._turn + PLACES_A_TICK))
        self._turn = self._turn + PLACES_A_TICK if rest else 0
        for job_id in (*waiting, *rest):
            self.touch(job_id)

    def reopened(self, guild_id: int, channel_id: int | None) -> None:
        """What the bot may do has changed in this channel, or in all of this server."""
        for (job_id, channel), guild in list(self._stuck.items()):
            if channel == channel_id or (channel_id is None and guild == guild_id):
                del self._stuck[job_id, channel]
                self.hurry(job_id)

    def wait_for_place(self, job: Job, message: Delivery) -> None:
        """The message cannot be written, or not even be found, before its place has changed."""
        place = job.id, message.channel_id
        self._stuck[place] = job.requester.guild_id
        self._stuck.move_to_end(place)
        if len(self._stuck) > STUCK_MOST:
            self._stuck.popitem(last=False)

    async def rewrite(self, job_id: int) -> None:
        """Make the job's card true, if it is not, and what moderators see of it."""
        # Before anything is read: whoever asks from now on may know of something newer.
        self._stale.pop(job_id, None)
        job = await jobs.get(self._database, job_id)
        if job is None or job.code == UNANSWERED:
            return
        messages = await deliveries.of_job(self._database, job_id)
        if job.erased_at is None:
            await self._rewrite_card(job, messages)
        try:
            await self._companions.rewrite(job, messages)
        except TryLater as error:
            self.later(job_id, int(error.after * 1000))

    async def _rewrite_card(self, job: Job, messages: dict[DeliveryKind, Delivery]) -> None:
        job_id, card = job.id, messages.get(DeliveryKind.CARD)
        if card is None:
            return
        if card.state is DeliveryState.UNDELIVERABLE:
            await self._look_again(job, card)
            return
        now = self._clock.now()
        if card.state is DeliveryState.PENDING or card.sent_at is None:
            self.later(job_id, ANSWER_MS)
            return
        outlook = self._outlooks.of(job, messages.get(DeliveryKind.RESULT))
        wanted, over = shows(job, outlook), job.finished_at is not None
        if card.shown == wanted or (card.shown == SHOWN_GONE and not over):
            return
        old = self._is_old(card)
        again = self._stale.setdefault(job_id, now + (OLD_EDIT_PAUSE_MS if old else EDIT_PAUSE_MS))
        async with self._place_of(card):
            try:
                await self._messenger.edit_card(job, card, outlook)
            except Denied as error:
                log.info("the card cannot be rewritten: %s", error)
                if self._stale.get(job_id) == again:  # and the job has not ended meanwhile
                    del self._stale[job_id]
                await self._refused(job, card, messages, error.code)
                return
            except TryLater as error:
                self.later(job_id, int(error.after * 1000))
                return
        self._stuck.pop((job_id, card.channel_id), None)
        async with self._database.transaction() as tx:
            true = await deliveries.shown(tx, card, wanted)
        if over and true:
            self._stale.pop(job_id, None)

    def _is_old(self, message: Delivery) -> bool:
        return message.sent_at is None or self._clock.now() - message.sent_at > OLD_MS

    def _place_of(self, message: Delivery) -> asyncio.Semaphore:
        """What an edit of this message waits for: a place among old ones, or among new ones."""
        return self._old_edits if self._is_old(message) else self._edits

    async def _look_again(self, job: Job, card: Delivery) -> None:
        """A card was given up where nobody could look for it. The command's answer may have been
        one; then it stands there, and somebody reads it.
        """
        try:
            message_id = await self._messenger.find(job, card)
        except TryLater as error:
            self.later(job.id, int(error.after * 1000))
            return
        except Denied:
            message_id = None
        if message_id is None:
            self.wait_for_place(job, card)
            return
        async with self._database.transaction() as tx:
            await deliveries.found(tx, card, message_id, self._clock.now())
        self.hurry(job.id)

    async def _refused(
        self, job: Job, card: Delivery, messages: dict[DeliveryKind, Delivery], code: int
    ) -> None:
        """The card cannot be written now. When its job is over, something else must tell so."""
        if code in GONE:  # nobody reads it any more
            over = job.finished_at is not None
            async with self._database.transaction() as tx:
                await deliveries.shown(tx, card, SHOWN_FINAL if over else SHOWN_GONE)
            return
        self.wait_for_place(job, card)
        if job.finished_at is None:
            return  # it is tried again when the job moves on
        if any(one.state is DeliveryState.PENDING for one in messages.values()):
            return  # what is posted next may open an archived thread
        long_ago = self._clock.now() - job.finished_at > STUCK_MS
        async with self._database.transaction() as tx:
            await deliveries.shown(tx, card, SHOWN_FINAL if long_ago else SHOWN_STUCK)
            if not _told(messages):
                await deliveries.add(tx, job, DeliveryKind.NOTICE, at=self._clock.now())
        self._wake()


def _told(messages: dict[DeliveryKind, Delivery]) -> bool:
    """Whether anything but the card tells how the job has ended, or has been tried to."""
    result = messages.get(DeliveryKind.RESULT)
    return bool({DeliveryKind.NOTICE, DeliveryKind.REMOVAL} & messages.keys()) or (
        result is not None and result.message_id is not None
    )
