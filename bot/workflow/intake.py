"""Taking a request: all or nothing, on the disk before anybody is told."""

from __future__ import annotations

import json
import logging
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from bot.clock import Clock
from bot.errors import JobNotFound, StaleState, StorageTrouble, UserError
from bot.model import UNANSWERED, DeliveryKind, Hold, Job, JobState, Recipe, Requester
from bot.rules import reviews
from bot.rules.costs import Order
from bot.rules.policy import Asker, Installation
from bot.rules.refusal import refusal
from bot.store import deliveries, jobs, ledger
from bot.store.batch import Batch
from bot.store.database import Database
from bot.workflow.changes import Changes
from bot.workflow.decisions import Decisions, decide_now
from bot.workflow.delivery.messenger import Outlook
from bot.workflow.outlook import Outlooks
from bot.workflow.pictures import Pictures, missing
from bot.workflow.queue import FairQueue
from bot.workflow.servers.budgets import BudgetWatch
from bot.workflow.wordlists import Checked, WordLists

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
class _Asked:
    requester: Requester
    asker: Asker
    recipe: Recipe
    checked: Checked

    @property
    def order(self) -> Order:
        return Order(self.recipe.verb, blocked_phrase=self.checked.hit)


class _OtherList(Exception):
    """The server's block list has changed since the request was held against it."""

    def __init__(self, version: int) -> None:
        super().__init__(version)
        self.version = version


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
        wordlists: WordLists,
        installation: Installation,
    ) -> None:
        self._database = database
        self._wordlists = wordlists
        self._pictures = pictures
        self._clock = clock
        self._queue = queue
        self._outlooks = outlooks
        self._changes = changes
        self._installation = installation
        self._orders: Batch[_Asked, tuple[Job | int, bool]] = Batch(database, self._write)
        self._cards: Batch[tuple[int, str, int, int], None] = Batch(
            database, _write_cards, linger=CARD_LINGER_SECONDS
        )

    async def take(self, request_key: int, asker: Asker, recipe: Recipe) -> Taken:
        """Make the request a job: reservation, card and history in the same commit.

        The job waits in the queue, but does not go before ``answered``. A request that is a
        job already is that job. Raises ``UserError`` with the rule that decided, and
        ``StorageTrouble`` or ``NotStored`` where nothing could be kept.
        """
        requester = _requester_of(request_key, asker)
        checked = await self._wordlists.check(asker.guild_id, recipe)
        asked = _Asked(requester, asker, recipe, checked)
        if any(missing(recipe)):
            known = await jobs.by_request(self._database, request_key)
            if known is not None:
                return Taken(known, self._outlooks.of(known), new=False)
            await self._check_first(asked)
            recipe = await self._pictures.early(request_key, recipe)
            asked = replace(asked, recipe=recipe)
        try:
            written, new = await self._commit(asked)
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

    async def _check_first(self, asked: _Asked) -> None:
        """Refuse before a picture is fetched for nothing; the commit decides again."""
        now = self._clock.now()
        trace = await decide_now(self._database, asked.asker, asked.order, self._installation, now)
        if not trace.allowed:
            raise refusal(trace)

    async def _commit(self, asked: _Asked) -> tuple[Job | int, bool]:
        """Written down, or refused by the block list that is committed with it, however often
        that changes meanwhile.
        """
        while True:
            try:
                return await self._orders.put(asked)
            except _OtherList as other:
                checked = await self._wordlists.check_again(
                    asked.asker.guild_id, asked.recipe, other.version
                )
                asked = replace(asked, checked=checked)

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
        self, tx: sqlite3.Connection, orders: Sequence[_Asked]
    ) -> list[tuple[Job | int, bool] | Exception]:
        now = self._clock.now()
        keys = json.dumps([order.requester.request_key for order in orders])
        known = jobs.ids_of_requests(tx, keys)
        askers = [order.asker for order in orders]
        decisions = Decisions(tx, askers, self._installation, now, writing=True)
        budgets = BudgetWatch(tx, now)
        next_id = jobs.next_id(tx)

        results: list[tuple[Job | int, bool] | Exception] = []
        fresh: dict[int, Job] = {}
        for order in orders:
            key = order.requester.request_key
            if key in fresh:
                results.append((fresh[key], False))
                continue
            if key in known:
                results.append((known[key], False))
                continue
            server = decisions.rulebook(order.asker).server
            if order.checked.version != server.words:
                results.append(_OtherList(server.words))
                continue
            trace = decisions.on(order.asker, order.order)
            budgets.see(server, trace)
            if not trace.allowed:
                results.append(refusal(trace))
                continue
            job = Job(
                id=next_id + len(fresh),
                requester=order.requester,
                recipe=order.recipe,
                state=JobState.QUEUED,
                created_at=now,
                credits=trace.cost,
                mark=reviews.mark(server.look_at, order.asker, now, flagged=order.checked.flagged),
            )
            fresh[key] = job
            decisions.take(order.asker, trace)
            results.append((job, True))

        new = list(fresh.values())
        if new:
            jobs.insert(tx, new)
            ledger.hold(tx, new)
            deliveries.add_cards(tx, new, due_at=now + CARD_GRACE_MS)
        budgets.write()
        return results


def _requester_of(request_key: int, asker: Asker) -> Requester:
    """Who asks as far as it is kept: roles are not."""
    return Requester(request_key, asker.user_id, asker.guild_id, asker.channel_id, asker.parent_id)


def _write_cards(
    tx: sqlite3.Connection, cards: Sequence[tuple[int, str, int, int]]
) -> list[Exception | None]:
    deliveries.cards_sent(tx, cards)
    return [None] * len(cards)
