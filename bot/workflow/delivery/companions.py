"""Keeping true what moderators see of a job: its review, and what members reported."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from bot.clock import Clock
from bot.errors import Denied, TryLater
from bot.model import LIVING, Delivery, DeliveryKind, DeliveryState, Job, JobState
from bot.store import deliveries, review_messages
from bot.store.database import Database
from bot.store.deliveries import SHOWN_FINAL, SHOWN_STUCK
from bot.store.review_messages import Former
from bot.workflow.delivery.messenger import GONE, Messenger, Outlook
from bot.workflow.delivery.reporting import show_anew, with_reports
from bot.workflow.outlook import Outlooks, shows

log = logging.getLogger(__name__)

COMPANIONS: Final = LIVING - {DeliveryKind.CARD}

ARRIVES_SECONDS: Final = 10.0
"""What was under way when its process ended is there after this long, if ever."""

Messages = dict[DeliveryKind, Delivery]


class Companions:
    """Rewrites messages beside the card, when what they say is no longer so.

    ``turn`` is what each edit waits for; ``stuck`` is called with a message that cannot be written
    before its place has changed, and ``again`` with a job of which there is more to do at once.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        messenger: Messenger,
        outlooks: Outlooks,
        turn: Callable[[Delivery], asyncio.Semaphore],
        stuck: Callable[[Job, Delivery], None],
        again: Callable[[int], None],
    ) -> None:
        self._database = database
        self._clock = clock
        self._messenger = messenger
        self._outlooks = outlooks
        self._turn = turn
        self._stuck = stuck
        self._again = again

    async def rewrite(self, job: Job, messages: Messages) -> None:
        """Make all of them true. Raises ``TryLater``; one that can be written no more is left."""
        outlook = self._outlooks.of(job, messages.get(DeliveryKind.RESULT))
        outlook = replace(outlook, card=messages.get(DeliveryKind.CARD))
        if DeliveryKind.REPORT in messages:
            outlook = await with_reports(self._database, job, outlook)
        for kind in COMPANIONS & messages.keys():
            message = messages[kind]
            wanted = shows(job, outlook, kind)
            if message.state is DeliveryState.SENT and message.shown != wanted:
                await self._rewrite(job, message, outlook, wanted)
        if DeliveryKind.REVIEW in messages:
            await self._say_where(job, messages[DeliveryKind.REVIEW], outlook)

    async def _rewrite(self, job: Job, message: Delivery, outlook: Outlook, wanted: str) -> None:
        lost = False
        try:
            async with self._turn(message):
                await self._messenger.edit_card(job, message, outlook)
        except Denied as error:
            log.info("the %s cannot be rewritten: %s", message.kind, error)
            gone = error.code in GONE
            lost = gone and job.state is JobState.REVIEWING and message.kind is DeliveryKind.REVIEW
            if gone and message.kind is DeliveryKind.REPORT and wanted != SHOWN_FINAL:
                await show_anew(self._database, job, message, self._clock.now())
                return
            wanted = SHOWN_FINAL if gone else SHOWN_STUCK
            if not gone:
                self._stuck(job, message)
        async with self._database.transaction() as tx:
            if lost:  # and nobody could decide without it
                now = self._clock.now()
                await review_messages.lost(tx, message.channel_id, message.message_id, now)
            else:
                await deliveries.shown(tx, message, wanted)

    async def _say_where(self, job: Job, review: Delivery, outlook: Outlook) -> None:
        """Let earlier messages of the review say where it goes on, or how it ended, without the
        video, which is elsewhere now. As long as it goes on nowhere they stay as they are:
        somebody may decide there.
        """
        waits = job.state is JobState.REVIEWING
        if waits and review.state is not DeliveryState.SENT:
            return
        said = replace(outlook, moved_to=review.channel_id if waits else None, former=True)
        for one in await review_messages.former(self._database, job.id):
            there = one.delivery(review)
            try:
                if there.message_id is None:
                    there = replace(there, message_id=await self._find(job, there))
                # Its own one, or ``review`` was read before it has just gone on elsewhere.
                if one.round >= review.round:
                    await self._keep(job, one, there)
                    continue
                if there.message_id is not None:
                    async with self._turn(there):
                        await self._messenger.edit_card(job, there, said)
            except Denied as error:
                if error.code not in GONE:
                    self._stuck(job, there)
                    continue
            async with self._database.transaction() as tx:
                await review_messages.forget(tx, one)

    async def _find(self, job: Job, there: Delivery) -> int | None:
        """What a try has left of which nothing was heard. Raises ``Denied`` or ``TryLater``."""
        found = await self._messenger.find(job, there)
        since = self._clock.now() - (there.last_try_at or 0)
        if found is None and since < ARRIVES_SECONDS * 1000:
            raise TryLater(ARRIVES_SECONDS, "an earlier try may still arrive")
        return found

    async def _keep(self, job: Job, one: Former, there: Delivery) -> None:
        """It was decided before anybody knew of the message: it is the review's all the same."""
        async with self._database.transaction() as tx:
            kept = there.message_id is not None and await review_messages.adopt(
                tx, there, there.message_id, self._clock.now()
            )
            await review_messages.forget(tx, one, unless_moved=there)
        if kept:
            self._again(job.id)
