"""Bringing one message into being: once, in the first place that takes it, in a size that fits."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from bot.clock import Clock
from bot.errors import Denied, Missing, NotStored, StaleState, TooLarge, TryLater
from bot.model import (
    UNDELIVERABLE,
    WITH_VIDEO,
    Delivery,
    DeliveryKind,
    DeliveryState,
    Job,
    JobState,
    Place,
)
from bot.store import deliveries, jobs, removals, review_messages
from bot.store.database import Database
from bot.store.deliveries import SHOWN_EARLIER
from bot.workflow.changes import Changes
from bot.workflow.delivery.fitting import Fitting
from bot.workflow.delivery.messenger import Messenger, Outlook
from bot.workflow.delivery.removing import Removing
from bot.workflow.delivery.reporting import with_reports
from bot.workflow.delivery.restoring import Restoring
from bot.workflow.delivery.review_places import ReviewPlaces
from bot.workflow.delivery.upkeep import Upkeep
from bot.workflow.delivery.uploads import ONLY_THE_LINK
from bot.workflow.estimate import Durations
from bot.workflow.outlook import Outlooks, shows

log = logging.getLogger(__name__)

POSTS_AT_ONCE = 4
"""Messages under way at the same time; more would only wait in Discord's rate limits."""

RETRY_MS = 60_000
"""A post of which nothing was heard again is due again after this long."""

CARD_MS = 250
MOST_CARD_MS = 15_000
"""How long a message waits for the card that it replies to, before it looks again. At first the
card is a moment away; the older the job is, the longer it may take."""

MOST_PATIENCE = 300.0
"""Seconds that may pass between two tries of one message while Discord is out of order. They
grow from try to try, as each sends the whole video again."""

ROOM_PAUSE = 60.0
ROOM_PATIENCE_MS = 6 * 3_600_000
"""How often and how long a smaller copy is tried for which our disk has no room: the link to the
video, which is what remains then, is itself good for about a day."""

REMOVED = 10008
"""A post is answered with "unknown message" when an earlier try of it was posted, and deleted
by somebody (Discord docs, resources/message, on ``enforce_nonce``)."""

NO_ACCESS = 50001
UNSEEN_PAUSE = 15.0
UNSEEN_MS = 10 * 60_000
"""How often and how long a place that we may not see any more is looked at for what an earlier
try may have posted there, before the message goes elsewhere: it would be there twice."""

_NEXT_PLACE = {
    Place.CHOSEN: Place.HERE,
    Place.HERE: Place.PARENT,
    Place.PARENT: Place.DIRECT,
}

_FINDS_ITS_WAY = frozenset({DeliveryKind.RESULT, DeliveryKind.NOTICE, DeliveryKind.REMOVAL})
"""What is meant for the member, wherever that may be; the others are for one channel."""


class Posting:
    """Posts messages that must exist. ``wake`` is called when more of them are due."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        messenger: Messenger,
        outlooks: Outlooks,
        durations: Durations,
        fitting: Fitting,
        restoring: Restoring,
        changes: Changes,
        upkeep: Upkeep,
        removing: Removing,
        review_places: ReviewPlaces,
        wake: Callable[[], None],
    ) -> None:
        self._database = database
        self._clock = clock
        self._messenger = messenger
        self._outlooks = outlooks
        self._durations = durations
        self._fitting = fitting
        self._restoring = restoring
        self._changes = changes
        self._upkeep = upkeep
        self._removing = removing
        self._review_places = review_places
        self._wake = wake
        self._posts = asyncio.Semaphore(POSTS_AT_ONCE)
        self._unseen: dict[int, int] = {}  # delivery -> since when its earlier try is out of sight

    async def deliver(self, delivery: Delivery) -> None:
        """Try this message once; write down what came of it."""
        job = await jobs.get(self._database, delivery.job_id)
        if job is None:
            return
        if job.removal is not None and delivery.kind in WITH_VIDEO:
            await self._removing.look(job, delivery)
            return
        if await self._card_is_coming(job, delivery):
            age = self._clock.now() - job.created_at
            await self.postpone(delivery, min(max(CARD_MS, age // 20), MOST_CARD_MS))
            return
        try:
            if delivery.kind is DeliveryKind.SHARE:
                await self._share(job, delivery)
            else:
                await self._try(job, delivery, await self._outlook(job, delivery))
        except Missing:
            await self._bring_back(job, delivery)

    async def _share(self, job: Job, delivery: Delivery) -> None:
        """Try to post a video once more; as a link, if that is all that could be posted before.
        Raises ``Missing``: what was posted is on our disk no longer.
        """
        result = (await deliveries.of_job(self._database, job.id)).get(DeliveryKind.RESULT)
        if delivery.fit is None and result is not None and result.fit == ONLY_THE_LINK:
            await self._shrink(job, delivery, ONLY_THE_LINK)
            return
        if delivery.fit != ONLY_THE_LINK and not self._fitting.has(job):
            raise Missing
        await self._try(job, delivery, self._outlooks.of(job, result))

    async def _try(self, job: Job, delivery: Delivery, outlook: Outlook) -> None:
        if delivery.kind in WITH_VIDEO and delivery.fit is None:
            first = self._fitting.first(job, delivery.place)
            if first is not None:
                await self._shrink(job, delivery, first)
                return
        if delivery.fit is not None:
            if delivery.fit == ONLY_THE_LINK:
                outlook = replace(outlook, link=await self._fitting.link(job))
            elif (smaller := await self._smaller(job, delivery, delivery.fit)) is None:
                return
            else:
                job = smaller
        try:
            async with self._posts:
                message_id, shown = await self._post(job, delivery, outlook)
        except Denied as error:
            self._unseen[delivery.id] = 0  # nothing of it is there
            await self._elsewhere(job, delivery, error.code)
        except TooLarge:
            await self._shrink(job, delivery, self._fitting.refused(job, delivery.place))
        except TryLater as error:
            await self._postpone(delivery, error)
        else:
            if delivery.kind in WITH_VIDEO and delivery.fit != ONLY_THE_LINK:
                self._fitting.took(job, delivery.place)
            await self._sent(job, delivery, message_id, shown)

    async def _bring_back(self, job: Job, delivery: Delivery) -> None:
        try:
            # Before anything is called lost: an earlier try may have posted it.
            found = await self._existing(job, delivery)
            if found is None:
                await self._restoring.bring_back(job, delivery)
            else:
                await self._sent(job, delivery, found, SHOWN_EARLIER)
        except TryLater as error:
            await self._postpone(delivery, error)
        self._wake()

    async def _outlook(self, job: Job, delivery: Delivery) -> Outlook:
        outlook = self._outlooks.of(job)
        if delivery.kind is DeliveryKind.REVIEW:  # it leads to the place where it was asked for
            return replace(outlook, card=await self._card(job))
        if delivery.kind is DeliveryKind.REPORT:  # it leads to the video
            messages = await deliveries.of_job(self._database, job.id)
            outlook = replace(outlook, result=messages.get(DeliveryKind.RESULT))
            return await with_reports(self._database, job, outlook)
        return outlook

    async def _smaller(self, job: Job, delivery: Delivery, limit: int) -> Job | None:
        """The job with a copy of its video of this size; ``None`` when there is none, and the
        message waits for room on our disk, or goes on as the link.
        """
        try:
            smaller = await self._fitting.copy(job, limit, partial(self._encoded, job))
        except NotStored as error:
            if self._clock.now() - job.created_at < ROOM_PATIENCE_MS:
                await self._postpone(delivery, TryLater(ROOM_PAUSE, str(error)))
                return None
            smaller = None
        finally:
            self._outlooks.encoded.pop(job.id, None)
        if smaller is None:
            await self._shrink(job, delivery, ONLY_THE_LINK)
            return None
        return replace(job, video_path=smaller)

    def _encoded(self, job: Job, percent: int) -> None:
        """So much of a smaller copy is made: the card shows it, at its own pace."""
        self._outlooks.encoded[job.id] = percent
        self._upkeep.touch(job.id)

    async def _post(self, job: Job, delivery: Delivery, outlook: Outlook) -> tuple[int, str]:
        """Post it, unless an earlier try has brought it into being after all; its id and what
        it shows. An earlier one shows what was true then.
        """
        found = await self._existing(job, delivery)
        if found is not None:
            return found, SHOWN_EARLIER
        async with self._database.transaction() as tx:
            now = self._clock.now()
            begun = await deliveries.begin(tx, delivery, now, now + RETRY_MS)
            # A copy may have been made after all others were deleted.
            unwanted = (
                not begun and delivery.kind in WITH_VIDEO and not await jobs.needs_video(tx, job.id)
            )
        if unwanted:
            self._fitting.forget(job)
        if not begun:
            raise StaleState("was posted meanwhile, or is not wanted any more")
        reply_to = await self._card_beside(job, delivery)
        message_id = await self._messenger.post(job, delivery, outlook, reply_to=reply_to)
        # By its nonce a repeated post may be the earlier message, which nobody could find.
        return message_id, SHOWN_EARLIER if delivery.attempts else shows(
            job, outlook, delivery.kind
        )

    async def postpone(self, delivery: Delivery, after: int) -> None:
        """The message is due again after so many milliseconds, behind what is due before."""
        async with self._database.transaction() as tx:
            await deliveries.postpone(tx, delivery, self._clock.now() + after)

    async def _postpone(self, delivery: Delivery, error: TryLater) -> None:
        log.info("%s", error)
        after = max(error.after, min(MOST_PATIENCE, 2.0 ** min(delivery.attempts, 16)))
        await self.postpone(delivery, int(after * 1000))

    async def _shrink(self, job: Job, delivery: Delivery, fit: int) -> None:
        log.warning("too large for this server; next: %s", f"{fit} bytes" if fit else "its link")
        async with self._database.transaction() as tx:
            await deliveries.shrink(tx, delivery, fit, self._clock.now())
        self._upkeep.touch(job.id)
        self._wake()

    async def _existing(self, job: Job, delivery: Delivery) -> int | None:
        """The message that an earlier try has left, if any.

        A card is first of all the command's own answer, of which no nonce is known.
        """
        if delivery.attempts == 0 and delivery.kind is not DeliveryKind.CARD:
            return None
        try:
            return await self._messenger.find(job, delivery)
        except Denied as error:
            if error.code != NO_ACCESS or delivery.kind is DeliveryKind.CARD:
                return None  # the nonce must do
            now = self._clock.now()
            if now - self._unseen.setdefault(delivery.id, now) >= UNSEEN_MS:
                return None
            raise TryLater(UNSEEN_PAUSE, "an earlier try may stand where we cannot look") from error

    async def _card(self, job: Job) -> Delivery | None:
        return (await deliveries.of_job(self._database, job.id)).get(DeliveryKind.CARD)

    async def _card_is_coming(self, job: Job, delivery: Delivery) -> bool:
        """Whether the card that this message replies or leads to is about to be known: the
        command's answer is written down a moment later.
        """
        beside = delivery.place is Place.HERE or delivery.kind is DeliveryKind.REVIEW
        if delivery.kind is DeliveryKind.CARD or not beside:
            return False
        card = await self._card(job)
        return card is not None and card.state is DeliveryState.PENDING and card.attempts < 2

    async def _card_beside(self, job: Job, delivery: Delivery) -> int | None:
        """The job's card, where this message goes to the same channel."""
        card = await self._card(job)
        here = card is not None and card.channel_id == delivery.channel_id
        return card.message_id if card is not None and here else None

    async def _sent(self, job: Job, delivery: Delivery, message_id: int, shown: str) -> None:
        now = self._clock.now()
        moved = None
        async with self._database.transaction() as tx:
            unwanted = delivery.kind in WITH_VIDEO and await removals.wanted(tx, job.id)
            if unwanted:
                known = await removals.must_go(tx, delivery, message_id, at=now)
            else:
                known = await deliveries.sent(
                    tx,
                    delivery,
                    channel_id=delivery.channel_id,
                    message_id=message_id,
                    shown=shown,
                    at=now,
                )
            if delivery.kind is DeliveryKind.RESULT and not unwanted:
                moved = await jobs.move(tx, job.id, JobState.DELIVERING, JobState.DELIVERED, at=now)
            elif delivery.kind is DeliveryKind.REVIEW and known:
                await self._review_places.taken(tx, job, delivery)
            elif delivery.kind is DeliveryKind.REVIEW:
                await review_messages.note(tx, delivery, message_id)
                self._upkeep.hurry(job.id)
        self._unseen.pop(delivery.id, None)
        if unwanted:
            log.info("%s posted, and taken away meanwhile", delivery.kind)
            self._fitting.forget(job)
            self._wake()
            return
        log.info("%s posted as message %d (%s)", delivery.kind, message_id, delivery.place)
        if delivery.kind is DeliveryKind.SHARE:
            self._fitting.forget(job)
        if delivery.kind is not DeliveryKind.RESULT:
            # It may have moved on meanwhile, the card is an earlier one, or can be written now.
            self._upkeep.hurry(job.id)
        if moved is not None:
            if moved.submitted_at is not None and moved.review is None:
                self._durations.add(now - moved.submitted_at)
            self._fitting.forget(moved)
            self._changes.tell(moved)

    async def _elsewhere(self, job: Job, delivery: Delivery, code: int) -> None:
        """This place will not take it: the next one, or nowhere."""
        place = _NEXT_PLACE.get(delivery.place)
        parent = job.requester.parent_id
        if place is Place.PARENT and parent is None:
            place = Place.DIRECT
        channel_id = job.requester.channel_id if place is Place.HERE else parent
        if delivery.kind not in _FINDS_ITS_WAY or code == REMOVED:
            # A card elsewhere helps nobody; the result or notice will find its way. And what
            # somebody has removed is not brought back through another door.
            place = None
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
        self._unseen.pop(delivery.id, None)
        self._wake()

    async def _nowhere(self, job: Job, delivery: Delivery, code: int) -> None:
        log.warning("%s cannot be posted anywhere (%d)", delivery.kind, code)
        self._unseen.pop(delivery.id, None)
        moved = None
        async with self._database.transaction() as tx:
            if not await deliveries.give_up(tx, delivery, code):
                return  # it goes elsewhere meanwhile, or nobody wants it any more
            if delivery.kind is DeliveryKind.RESULT:
                moved = await jobs.move(
                    tx,
                    job.id,
                    JobState.DELIVERING,
                    JobState.FAILED,
                    at=self._clock.now(),
                    code=UNDELIVERABLE,
                    detail=str(code),
                )
            elif delivery.kind is DeliveryKind.REVIEW:
                await self._review_places.refused(tx, job, delivery, code)
        if delivery.kind is DeliveryKind.SHARE:
            self._fitting.forget(job)
        if moved is not None:
            self._changes.tell(moved)
        elif delivery.kind is DeliveryKind.CARD:
            self._upkeep.wait_for_place(job, delivery)
        else:
            self._upkeep.hurry(job.id)  # the card alone can tell now
