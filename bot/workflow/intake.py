"""Taking a request: all or nothing, on the disk before anybody is told."""

from __future__ import annotations

import json
import logging
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from bot.clock import Clock
from bot.errors import (
    JobNotFound,
    QuotaExceeded,
    StaleState,
    StorageTrouble,
    TooManyJobs,
    UserError,
)
from bot.model import UNANSWERED, DeliveryKind, Hold, Job, JobState, Quota, Recipe, Requester
from bot.rules.quota import Ruling, Verdict, decide
from bot.store import deliveries, jobs, ledger
from bot.store.batch import Batch
from bot.store.database import Database
from bot.workflow.changes import Changes
from bot.workflow.delivery.messenger import Outlook
from bot.workflow.outlook import Outlooks
from bot.workflow.pictures import Pictures, missing
from bot.workflow.queue import FairQueue

log = logging.getLogger(__name__)

CARD_GRACE_MS = 10_000
"""How long the command's own answer has to become the card before the courier posts one."""

CARD_LINGER_SECONDS = 0.25
"""Answered cards are written down a little later, many at once, so that they do not hold up
the commits that people wait for. After a crash in between, the courier finds the card."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A request that is a job now, and what its card says."""

    job: Job
    outlook: Outlook
    new: bool


@dataclass(frozen=True, slots=True)
class _Order:
    requester: Requester
    recipe: Recipe


class Intake:
    """Turns requests into jobs, many in one commit."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        queue: FairQueue,
        outlooks: Outlooks,
        changes: Changes,
        pictures: Pictures,
        default: Quota,
    ) -> None:
        self._database = database
        self._pictures = pictures
        self._clock = clock
        self._queue = queue
        self._outlooks = outlooks
        self._changes = changes
        self._default = default
        self._orders: Batch[_Order, tuple[Job | int, bool]] = Batch(database, self._write)
        self._cards: Batch[tuple[int, str, int, int], None] = Batch(
            database, _write_cards, linger=CARD_LINGER_SECONDS
        )

    async def take(self, requester: Requester, recipe: Recipe) -> Taken:
        """Make the request a job: reservation, card and history in the same commit.

        The job waits in the queue, but does not go before ``answered``. A request that is a
        job already is that job. Raises ``UserError`` with the rule that decided, and
        ``StorageTrouble`` or ``NotStored`` where nothing could be kept.
        """
        if any(missing(recipe)):
            known = await jobs.by_request(self._database, requester.request_key)
            if known is not None:
                return Taken(known, self._outlooks.of(known), new=False)
            await self._check_first(requester)
            recipe = await self._pictures.early(requester.request_key, recipe)
        try:
            written, new = await self._orders.put(_Order(requester, recipe))
        except (UserError, StorageTrouble):
            self._pictures.forget(recipe)
            raise
        if isinstance(written, int):
            return Taken(await self._known(written), Outlook(), new=False)
        job = written
        if new:
            self._queue.add(job.id, requester, reserved=True)
            self._changes.tell(job)
        return Taken(job, self._outlooks.of(job), new)

    async def _known(self, job_id: int) -> Job:
        job = await jobs.get(self._database, job_id)
        if job is None:
            raise JobNotFound(job_id)
        return job

    async def _check_first(self, requester: Requester) -> None:
        """Refuse before a picture is fetched for nothing; the commit decides again."""
        member = (requester.guild_id, requester.user_id)
        now = self._clock.now()
        standing = await ledger.standing(self._database, member, self._default, now)
        verdict = decide(standing.quota, standing.usage)
        if verdict.ruling is not Ruling.ALLOWED:
            frees = await ledger.frees_at_now(self._database, member, standing, now)
            raise refusal(verdict, frees)

    async def answered(self, job: Job, message_id: int, shown: str) -> None:
        """The command was answered by the card with this id: the job may go."""
        self._queue.release(job.id)
        card = message_id, shown, self._clock.now(), job.id
        await self._database.insist(partial(self._cards.put, card))

    def unanswered(self, job: Job) -> None:
        """Nobody knows whether the answer arrived: the job goes on, the courier looks."""
        self._queue.release(job.id)

    async def withdraw(self, job: Job) -> None:
        """The command came too late to be answered: nobody saw the job, so it never was."""
        await self._database.insist(partial(self._withdraw, job))

    async def _withdraw(self, job: Job) -> None:
        try:
            async with self._database.transaction() as tx:
                now = self._clock.now()
                gone = await jobs.move(
                    tx, job.id, JobState.QUEUED, JobState.CANCELLED, at=now, code=UNANSWERED
                )
                await ledger.settle(tx, job.id, Hold.RELEASED, now)
                await deliveries.drop(tx, job.id, DeliveryKind.CARD)
        except StaleState:
            return
        self._pictures.forget(gone.recipe)
        self._changes.tell(gone)

    async def flush(self) -> None:
        """Return when everything that was promised is on the disk."""
        await self._orders.flush()
        await self._cards.flush()

    def _write(
        self, tx: sqlite3.Connection, orders: Sequence[_Order]
    ) -> list[tuple[Job | int, bool] | Exception]:
        now = self._clock.now()
        keys = json.dumps([order.requester.request_key for order in orders])
        known = jobs.ids_of_requests(tx, keys)
        members = {(o.requester.guild_id, o.requester.user_id) for o in orders}
        standings = ledger.standings(tx, members, self._default, now)
        next_id = jobs.next_id(tx)

        results: list[tuple[Job | int, bool] | Exception] = []
        fresh: dict[int, Job] = {}
        for order in orders:
            key = order.requester.request_key
            member = (order.requester.guild_id, order.requester.user_id)
            if key in fresh:
                results.append((fresh[key], False))
                continue
            if key in known:
                results.append((known[key], False))
                continue
            standing = standings[member]
            verdict = decide(standing.quota, standing.usage)
            if verdict.ruling is not Ruling.ALLOWED:
                frees = ledger.frees_at(tx, member, standing, now)
                results.append(refusal(verdict, frees))
                continue
            job = Job(
                id=next_id + len(fresh),
                requester=order.requester,
                recipe=order.recipe,
                state=JobState.QUEUED,
                created_at=now,
            )
            fresh[key] = job
            standings[member] = standing.after_one_more()
            results.append((job, True))

        new = list(fresh.values())
        if new:
            jobs.insert(tx, new)
            ledger.hold(tx, new)
            deliveries.add_cards(tx, new, due_at=now + CARD_GRACE_MS)
        return results


def refusal(verdict: Verdict, frees_at: int | None) -> UserError:
    """The "no" of a verdict, with the numbers and the moment it changes."""
    quota, usage = verdict.quota, verdict.usage
    if verdict.ruling is Ruling.UNFINISHED:
        return TooManyJobs(
            f"You have {usage.unfinished} unfinished "
            f"{'video' if usage.unfinished == 1 else 'videos'}, and this server allows "
            f"{quota.concurrent} at once. Wait for one, or cancel one with `/jobs`."
        )
    when = f"Your next credit frees <t:{frees_at // 1000}:R>." if frees_at else "Ask a moderator."
    return QuotaExceeded(
        usage.used,
        quota.credits,
        frees_at,
        f"You have used {usage.used} of {quota.credits} credits of the last "
        f"{_hours(quota.window_ms)}. {when} You were not charged for this.",
    )


def _hours(window_ms: int) -> str:
    hours = window_ms / 3_600_000
    return "hour" if hours == 1 else f"{hours:g} hours"


def _write_cards(
    tx: sqlite3.Connection, cards: Sequence[tuple[int, str, int, int]]
) -> list[Exception | None]:
    deliveries.cards_sent(tx, cards)
    return [None] * len(cards)
