"""Stand-ins that keep promises, and a house of the real workflow to put them into.

A fake records what was asked of it and answers as ordered; it repeats no rule of ours. What
must survive a crash (Pika's jobs, Discord's messages, time) lives in the fakes, everything
else in a ``House`` that can be thrown away and opened again over the same folder.
"""

from __future__ import annotations

import asyncio
import hashlib
import heapq
import time
from collections import Counter, deque
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from typing import Any, Self

from bot.errors import Denied, Missing, TooLarge, TryLater
from bot.media import AllowedHosts, Downloaded
from bot.model import (
    WITH_VIDEO,
    Delivery,
    DeliveryKind,
    Job,
    JobState,
    Picture,
    PikaReport,
    PikaStatus,
    Place,
    Quota,
    Recipe,
    Requester,
    Verb,
)
from bot.pika.backend import AccountChannel, Accounts
from bot.pika.errors import Gone, NoAnswer, PikaError
from bot.rules.policy import Asker, Installation, ReviewRule
from bot.rules.trace import Rule
from bot.store import deliveries, jobs
from bot.store.database import Database
from bot.ui.moderation.logged import LogWording
from bot.workflow.changes import Changes
from bot.workflow.delivery.brake import Brake
from bot.workflow.delivery.careful import CarefulMessenger
from bot.workflow.delivery.closed import ClosedPlaces
from bot.workflow.delivery.courier import Courier
from bot.workflow.delivery.fitting import Fitting
from bot.workflow.delivery.messenger import Outlook, ServerMessage
from bot.workflow.delivery.restoring import Restoring
from bot.workflow.delivery.uploads import UploadLimits
from bot.workflow.estimate import Durations
from bot.workflow.intake import Intake, Taken
from bot.workflow.members import Members
from bot.workflow.moderation import Governing, Moderator, Removals, ReportedVideos, Reviews
from bot.workflow.outlook import Outlooks, Slots, shows
from bot.workflow.pauses import Pauses
from bot.workflow.pictures import Pictures
from bot.workflow.queue import FairQueue
from bot.workflow.recovery import recover, sweep
from bot.workflow.rendering.gate import Gate
from bot.workflow.rendering.poller import Poller
from bot.workflow.rendering.runner import Runner, Way
from bot.workflow.rendering.settling import Settling
from bot.workflow.servers.chores import Chore
from bot.workflow.servers.digests import Digests
from bot.workflow.servers.keeping import Keeping
from bot.workflow.servers.leaving import Leaving
from bot.workflow.servers.log import ServerLog
from bot.workflow.servers.presence import Presence
from bot.workflow.videos import Videos
from bot.workflow.wordlists import WordLists

START = 1_700_000_000_000
EVERYTHING = ReviewRule(everything=True)
GUILD, CHANNEL, THREAD, MEMBER, REVIEWS = 100, 200, 300, 400, 500


class MovableClock:
    """Time that stands still until it is moved; who sleeps wakes when its moment has come."""

    def __init__(self, now: int = START) -> None:
        self._now = now
        self._sleepers: list[tuple[int, int, asyncio.Future[None]]] = []  # a heap
        self._slept = count()

    def now(self) -> int:
        """Milliseconds since 1970."""
        return self._now

    async def sleep(self, seconds: float) -> None:
        """Return once the clock was moved that far."""
        until = self._now + int(seconds * 1000)
        if until <= self._now:
            await asyncio.sleep(0)
            return
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (until, next(self._slept), waiter))
        await waiter

    def move(self, seconds: float) -> None:
        """Let time pass."""
        self._now += int(seconds * 1000)
        while self._sleepers and self._sleepers[0][0] <= self._now:
            *_, waiter = heapq.heappop(self._sleepers)
            if not waiter.done():
                waiter.set_result(None)

    @property
    def sleeps(self) -> list[float]:
        """How many seconds each sleeper still has to wait."""
        waiting = (at for at, _, waiter in self._sleepers if not waiter.done())
        return [(at - self._now) / 1000 for at in sorted(waiting)]


async def until(check: Callable[[], Any], *, seconds: float = 5.0) -> None:
    """Let everything else run until ``check`` holds; fail after ``seconds``."""
    deadline = time.monotonic() + seconds
    while not check():
        if time.monotonic() > deadline:
            raise AssertionError(f"did not come about within {seconds} s")
        await asyncio.sleep(0.0005)


async def a_while(turns: int = 60) -> None:
    """Let everything run that can run now; for promises that something does not happen."""
    for _ in range(turns):
        await asyncio.sleep(0.0005)


# -- what is asked -------------------------------------------------------------------------

_keys = count(10_000)


def requester(
    user_id: int = MEMBER,
    guild_id: int = GUILD,
    *,
    key: int | None = None,
    channel_id: int = CHANNEL,
    parent_id: int | None = None,
) -> Requester:
    """Somebody who asks; each call is a new request unless it has a key."""
    return Requester(
        request_key=next(_keys) if key is None else key,
        user_id=user_id,
        guild_id=guild_id,
        channel_id=channel_id,
        parent_id=parent_id,
    )


def asker_of(who: Requester, **about: Any) -> Asker:
    """The same member as the rules see them; ``about`` are roles and the like."""
    return Asker(who.guild_id, who.user_id, who.channel_id, parent_id=who.parent_id, **about)


def recipe(prompt: str = "a red fox", image: Picture | None = None) -> Recipe:
    """Something to make."""
    return Recipe(Verb.CREATE if image is None else Verb.ANIMATE, prompt, image=image)


def picture(url: str = "https://cdn.test/fox.png", filename: str = "fox.png") -> Picture:
    """A picture as Discord describes it."""
    return Picture(filename, "image/png", 70, url=url)


def a_job(job_id: int = 1, state: JobState = JobState.QUEUED, **values: Any) -> Job:
    """A job as a value, for what needs no database."""
    known: dict[str, Any] = {
        "requester": requester(key=job_id),
        "recipe": recipe(),
        "created_at": START,
    }
    return Job(id=job_id, state=state, **(known | values))


# -- files ---------------------------------------------------------------------------------


ATTACHMENTS = "https://cdn.test/attachments/"
"""How the addresses of what hangs on messages begin."""


class FakeFetcher:
    """Hands out given bytes, or raises what stands at that address; ``attachments`` stands at that
    of each message.
    """

    def __init__(self) -> None:
        self.files: dict[str, bytes | Exception] = {}
        self.attachments: bytes | Exception = b""
        self.fetched: list[str] = []
        self.held: dict[str, asyncio.Event] = {}

    def hold(self, url: str) -> asyncio.Event:
        """Let fetches of ``url`` wait for the returned event."""
        return self.held.setdefault(url, asyncio.Event())

    async def fetch(self, url: str, to: Path, *, limit: int) -> Downloaded:
        """Write the bytes of ``url`` to ``to``."""
        self.fetched.append(url)
        if url in self.held:
            await self.held[url].wait()
        got = self.attachments if url.startswith(ATTACHMENTS) else self.files[url]
        if isinstance(got, Exception):
            raise got
        assert len(got) <= limit
        await asyncio.to_thread(to.write_bytes, got)
        return Downloaded(to, len(got), hashlib.sha256(got).hexdigest(), "")


# -- Pika ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Lost:
    """Pika takes the job, and the answer does not arrive. One that is not ``listed`` can be
    found by nobody who does not know its name, so it is not counted as bought.
    """

    error: NoAnswer = field(default_factory=lambda: NoAnswer("connection broke"))
    listed: bool = True


@dataclass(frozen=True)
class Hang:
    """Pika takes the job (or not), and answers when ``go`` is set: with ``error`` if there is
    one, whatever it took.
    """

    go: asyncio.Event
    takes: bool = True
    error: PikaError | None = None


Outcome = Exception | PikaStatus | PikaReport | Lost | Hang
"""Raised; taken and in that state; answered as it is; or what the two classes say."""


class FakePika:
    """A Backend. ``outcomes`` are used up one per submit; after them jobs are simply taken.

    ``taken`` are the POSTs that made a job, in order, and ``bought`` their prompts: what Pika
    would bill.
    """

    def __init__(self) -> None:
        self.outcomes: deque[Outcome] = deque()
        self.taken: list[PikaReport] = []
        self.bought: list[str] = []
        self.recipes: list[Recipe] = []
        self.reply_urls: list[str | None] = []
        self.jobs: dict[str, PikaReport] = {}
        self.listed: set[str] = set()
        self.calls: list[str] = []
        self.list_error: PikaError | None = None
        self.account_error: PikaError | None = None
        self.cancel_error: PikaError | None = None
        self.read_errors: dict[str, PikaError] = {}
        self.read_holds: dict[str, asyncio.Event] = {}
        self.hanging = 0
        self.obeys_cancel = True
        self.video_url = "https://cdn.test/{}.mp4"
        self._numbers = count(1)

    @property
    def submits(self) -> int:
        """POSTs that arrived, taken or not."""
        return self.calls.count("submit")

    async def submit(self, recipe: Recipe, *, reply_ref: str, reply_url: str | None) -> PikaReport:
        """Take the job, or do as ordered."""
        self.calls.append("submit")
        self.recipes.append(recipe)
        self.reply_urls.append(reply_url)
        outcome = self.outcomes.popleft() if self.outcomes else PikaStatus.WORKING
        await asyncio.sleep(0)
        if isinstance(outcome, Lost):
            self.take(reply_ref, recipe if outcome.listed else None, listed=outcome.listed)
            raise outcome.error
        if isinstance(outcome, Hang):
            report = self.take(reply_ref, recipe) if outcome.takes else None
            self.hanging += 1
            try:
                await outcome.go.wait()
            finally:
                self.hanging -= 1
            if outcome.error is not None:
                raise outcome.error
            if report is None:
                raise NoAnswer("timeout", code="timeout")
            return report
        if isinstance(outcome, Exception):
            raise outcome
        if isinstance(outcome, PikaReport):
            return outcome
        report = self.take(reply_ref, recipe)
        if outcome is not PikaStatus.WORKING:
            self.end(report.pika_id, outcome)
        return self.jobs[report.pika_id]

    def take(
        self, reply_ref: str | None, recipe: Recipe | None = None, *, listed: bool = True
    ) -> PikaReport:
        """A job comes into being at Pika."""
        if recipe is not None:
            self.bought.append(recipe.prompt)
        report = PikaReport(f"pika:{next(self._numbers)}", PikaStatus.WORKING, reply_ref)
        self.taken.append(report)
        self.jobs[report.pika_id] = report
        if listed:
            self.listed.add(report.pika_id)
        return report

    def end(self, pika_id: str, status: PikaStatus = PikaStatus.COMPLETED, **values: Any) -> None:
        """The job is over at Pika and leaves the list."""
        if status is PikaStatus.COMPLETED:
            values.setdefault("video_url", self.video_url.format(pika_id))
        self.jobs[pika_id] = replace(self.jobs[pika_id], status=status, **values)
        self.listed.discard(pika_id)

    def show(self, pika_id: str, **values: Any) -> None:
        """The job moves on at Pika."""
        self.jobs[pika_id] = replace(self.jobs[pika_id], **values)

    async def again(
        self, pika_id: str, button: str, *, reply_ref: str, reply_url: str | None
    ) -> PikaReport:
        """Nothing here asks for that."""
        raise NotImplementedError

    async def executing(self) -> frozenset[str]:
        """The list."""
        self.calls.append("list")
        await asyncio.sleep(0)
        if self.list_error is not None:
            raise self.list_error
        return frozenset(self.listed)

    async def report(self, pika_id: str) -> PikaReport:
        """Read one job."""
        self.calls.append(f"read {pika_id}")
        await asyncio.sleep(0)
        if pika_id in self.read_holds:
            await self.read_holds[pika_id].wait()
        return self._read(pika_id)

    async def cancel(self, pika_id: str) -> PikaReport:
        """Drop one job."""
        self.calls.append(f"cancel {pika_id}")
        await asyncio.sleep(0)
        if self.cancel_error is not None:
            raise self.cancel_error
        report = self._read(pika_id)
        if self.obeys_cancel and report.status is PikaStatus.WORKING:
            self.end(pika_id, PikaStatus.CANCELLED)
        return self.jobs[pika_id]

    def _read(self, pika_id: str) -> PikaReport:
        if pika_id in self.read_errors:
            raise self.read_errors[pika_id]
        if pika_id not in self.jobs:
            raise Gone("no such job", status=404)
        return self.jobs[pika_id]

    async def account(self) -> Accounts:
        """What is configured."""
        self.calls.append("account")
        await asyncio.sleep(0)
        if self.account_error is not None:
            raise self.account_error
        return Accounts((AccountChannel("1", 10),))

    async def aclose(self) -> None:
        """Nothing to close."""


# -- Discord -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Posted:
    """A message that exists; ``shows`` is what a card says."""

    id: int
    channel_id: int
    job_id: int
    kind: DeliveryKind
    shows: str
    reply_to: int | None = None
    nonce: str = ""
    at: int = 0
    had_video: bool = False


@dataclass(frozen=True)
class Announced:
    """A message of a server that exists."""

    id: int
    guild_id: int
    channel_id: int
    number: int
    text: str
    nonce: str
    at: int


@dataclass(frozen=True)
class PostedUnheard:
    """The message comes into being, and the answer does not arrive."""

    error: TryLater = field(default_factory=lambda: TryLater(2.0, "connection lost"))


@dataclass(frozen=True)
class PostedSilent:
    """The message comes into being, and the answer takes until ``go``."""

    go: asyncio.Event


MOVED = "goes on elsewhere"

LOOK_MS = 30 * 60_000
"""How far from its tries a message is looked for."""


def _said(job: Job, outlook: Outlook, kind: DeliveryKind) -> str:
    """What a message says, in a word."""
    return shows(job, outlook, kind) if outlook.moved_to is None else MOVED


@dataclass(frozen=True)
class PostedLater:
    """The message comes into being when ``go`` is set: the upload takes its time."""

    go: asyncio.Event


@dataclass(frozen=True)
class Held:
    """Nothing is written, and Discord says so once this goes on."""

    go: asyncio.Event
    error: Exception


class FakeDiscord:
    """A Messenger. ``messages`` are those that exist, by id."""

    NONCE_MS = 5 * 60_000

    def __init__(self, clock: MovableClock) -> None:
        self._clock = clock
        self._numbers = count(9_000)
        self.messages: dict[int, Posted] = {}
        self.announced: dict[int, Announced] = {}
        self.announcements: deque[Exception | PostedUnheard | PostedSilent | Held | None] = deque()
        self.announce_tried: list[int] = []
        self.edits: list[tuple[int, str]] = []
        self.looks: list[DeliveryKind] = []
        self.tried: list[tuple[int, DeliveryKind]] = []
        self.closed: dict[int, int] = {}
        self.outcomes: deque[Exception | PostedUnheard | PostedSilent | PostedLater] = deque()
        self.edit_errors: deque[Exception] = deque()
        self.limit: int | None = None
        self.uploads: list[int] = []
        self.answerable: set[int] = set()
        self.uneditable: dict[int, int] = {}
        self.busy: set[int] = set()
        self.edits_asked = 0
        self.direct_errors: deque[Exception] = deque()
        self.edit_hold: asyncio.Event | None = None
        self.deleted: list[Posted] = []
        self.read_errors: deque[Exception] = deque()
        self.addresses: list[str] = []
        self.deletes_asked = 0
        self.delete_errors: deque[Exception] = deque()
        self.undeletable: dict[int, int] = {}
        self.editing = 0

    def of(self, job_id: int, kind: DeliveryKind) -> list[Posted]:
        """The messages of one kind about one job that exist."""
        return [m for m in self.messages.values() if (m.job_id, m.kind) == (job_id, kind)]

    def answer(self, job: Job, outlook: Outlook) -> int:
        """The command's own answer, which no nonce and no courier knows of."""
        return self._create(job, DeliveryKind.CARD, job.requester.channel_id, outlook).id

    def _create(
        self,
        job: Job,
        kind: DeliveryKind,
        channel_id: int,
        outlook: Outlook,
        reply_to: int | None = None,
        nonce: str = "",
    ) -> Posted:
        for message in (*self.messages.values(), *self.deleted):
            fresh = self._clock.now() - message.at <= self.NONCE_MS
            if nonce and message.nonce == nonce and message.channel_id == channel_id and fresh:
                if message in self.deleted:
                    raise Denied(10008)
                return message
        message = Posted(
            next(self._numbers), channel_id, job.id, kind, _said(job, outlook, kind), reply_to,
            nonce, self._clock.now(), job.video_path is not None and job.video_path.exists(),
        )  # fmt: skip
        self.messages[message.id] = message
        return message

    async def post(
        self, job: Job, delivery: Delivery, outlook: Outlook, *, reply_to: int | None
    ) -> int:
        """Write a message, or do as ordered."""
        self.tried.append((delivery.channel_id, delivery.kind))
        await asyncio.sleep(0)
        if delivery.channel_id in self.closed:
            raise Denied(self.closed[delivery.channel_id])
        outcome = self.outcomes.popleft() if self.outcomes else None
        if isinstance(outcome, Exception):
            raise outcome
        if delivery.kind in WITH_VIDEO and delivery.fit != 0:
            self._weigh(job)
        if isinstance(outcome, PostedLater):
            await outcome.go.wait()
        message = self._create(
            job, delivery.kind, delivery.channel_id, outlook, reply_to, delivery.nonce
        )
        if self.uneditable.get(delivery.channel_id) == 50083:  # a post opens an archived thread
            del self.uneditable[delivery.channel_id]
        if isinstance(outcome, PostedUnheard):
            raise outcome.error
        if isinstance(outcome, PostedSilent):
            await outcome.go.wait()
        return message.id

    def arrive(self, job: Job, tried: Delivery) -> Posted:
        """What a process tried before it was killed comes into being now."""
        return self._create(
            job, tried.kind, tried.channel_id, Outlook(), reply_to=None, nonce=tried.nonce
        )

    def _weigh(self, job: Job) -> None:
        """Take a file only if it is not too large: ``uploads`` are the sizes that came."""
        if job.video_path is None or not job.video_path.exists():
            raise Missing
        size = job.video_path.stat().st_size
        self.uploads.append(size)
        if self.limit is not None and size > self.limit:
            raise TooLarge("HTTP 413, 40005")

    async def edit_card(self, job: Job, card: Delivery, outlook: Outlook) -> None:
        """Rewrite a message, or do as ordered."""
        await asyncio.sleep(0)
        if self.edit_hold is not None:
            self.editing += 1
            await self.edit_hold.wait()
            self.editing -= 1
        self.edits_asked += 1
        if self.edit_errors:
            raise self.edit_errors.popleft()
        if card.channel_id in self.busy:
            raise TryLater(600)
        if card.channel_id in self.uneditable:
            raise Denied(self.uneditable[card.channel_id])
        self._rewrite(job, card, outlook)

    async def edit_answer(self, job: Job, card: Delivery, outlook: Outlook) -> None:
        """Rewrite a message by its command's token, while that is good."""
        await asyncio.sleep(0)
        if job.id not in self.answerable:
            raise Denied(0)
        self._rewrite(job, card, outlook)

    def _rewrite(self, job: Job, card: Delivery, outlook: Outlook) -> None:
        assert card.message_id is not None
        if card.message_id not in self.messages:
            raise Denied(10008)
        said = _said(job, outlook, card.kind)
        self.edits.append((job.id, said))
        before = self.messages[card.message_id]
        has_video = before.had_video and not outlook.former
        self.messages[card.message_id] = replace(before, shows=said, had_video=has_video)

    async def video_of(self, job: Job, delivery: Delivery) -> str | None:
        """The address of the video on a message, other than any before."""
        await asyncio.sleep(0)
        if delivery.channel_id in self.closed:
            raise Denied(self.closed[delivery.channel_id])
        if self.read_errors:
            raise self.read_errors.popleft()
        assert delivery.message_id is not None
        message = self.messages.get(delivery.message_id)
        if message is None:
            raise Denied(10008)
        if not message.had_video:
            return None
        self.addresses.append(f"{ATTACHMENTS}{message.id}/{len(self.addresses)}")
        return self.addresses[-1]

    async def delete(self, job: Job, delivery: Delivery) -> None:
        """Delete a message, or do as ordered; one that is gone already is none to delete."""
        await asyncio.sleep(0)
        self.deletes_asked += 1
        refused = self.closed | self.undeletable
        if refused.get(delivery.channel_id) in {50001, 50013, 50083}:
            raise Denied(refused[delivery.channel_id])
        if self.delete_errors:
            raise self.delete_errors.popleft()
        assert delivery.message_id is not None
        gone = self.messages.pop(delivery.message_id, None)
        if gone is not None:
            assert (gone.job_id, gone.kind) == (job.id, delivery.kind)
            self.deleted.append(gone)

    async def find(self, job: Job, delivery: Delivery) -> int | None:
        """Look back for a message."""
        self.looks.append(delivery.kind)
        await asyncio.sleep(0)
        if self.closed.get(delivery.channel_id) == 50001:
            raise Denied(50001)
        for message in self.of(job.id, delivery.kind):
            here = message.channel_id == delivery.channel_id and message.shows != MOVED
            if here and self._may_be(message, delivery):
                return message.id
        return None

    @staticmethod
    def _may_be(message: Posted, delivery: Delivery) -> bool:
        """Whether it was made when this delivery was tried, and is no other one's of its kind."""
        if delivery.kind is DeliveryKind.CARD:
            return True
        first, last = delivery.first_try_at, delivery.last_try_at
        tried = delivery.attempts > 0 and first is not None and last is not None
        if not tried or not first - LOOK_MS <= message.at <= last + LOOK_MS:
            return False
        return delivery.kind is not DeliveryKind.REVIEW or message.nonce == delivery.nonce

    async def announce(self, message: ServerMessage) -> int:
        """Write a message of a server, or do as ordered."""
        self.announce_tried.append(message.channel_id)
        await asyncio.sleep(0)
        if message.channel_id in self.closed:
            raise Denied(self.closed[message.channel_id])
        outcome = self.announcements.popleft() if self.announcements else None
        if isinstance(outcome, Held):
            await outcome.go.wait()
            outcome = outcome.error
        if isinstance(outcome, Exception):
            raise outcome
        for one in self.announced.values():
            if one.nonce == message.nonce and self._clock.now() - one.at <= self.NONCE_MS:
                return one.id
        number, now = next(self._numbers), self._clock.now()
        self.announced[number] = Announced(
            number, message.guild_id, message.channel_id, message.number, message.text,
            message.nonce, now,
        )  # fmt: skip
        if isinstance(outcome, PostedUnheard):
            raise outcome.error
        if isinstance(outcome, PostedSilent):
            await outcome.go.wait()
        return number

    async def find_announced(self, message: ServerMessage) -> int | None:
        """Look back for a message of a server."""
        await asyncio.sleep(0)
        if self.closed.get(message.channel_id) == 50001:
            raise Denied(50001)
        for one in self.announced.values():
            same = (one.channel_id, one.number) == (message.channel_id, message.number)
            if same and one.at >= message.begun_at:
                return one.id
        return None

    def said(self, channel_id: int) -> list[str]:
        """What servers were told in this channel, in order."""
        return [one.text for one in self.announced.values() if one.channel_id == channel_id]

    async def direct_channel(self, user_id: int) -> int:
        """A member's direct messages."""
        await asyncio.sleep(0)
        if self.direct_errors:
            raise self.direct_errors.popleft()
        return user_id * 1000


# -- the house -----------------------------------------------------------------------------


@dataclass
class World:
    """What a crash does not touch."""

    folder: Path
    clock: MovableClock
    pika: FakePika
    discord: FakeDiscord
    files: FakeFetcher
    video: bytes

    @classmethod
    def new(cls, folder: Path, video: bytes, *, clock: MovableClock | None = None) -> Self:
        """A world in which nothing has happened yet; ``folder`` holds a migrated database."""
        clock = clock or MovableClock()
        for name in ("pictures", "videos"):
            (folder / name).mkdir(exist_ok=True)
        files = FakeFetcher()
        files.attachments = video
        return cls(folder, clock, FakePika(), FakeDiscord(clock), files, video)


class House:
    """The real workflow over a world, put together as ``bot.app`` does it."""

    POLL_SECONDS = 5.0
    STALL_SECONDS = 1200.0
    DOUBT_SECONDS = 120.0
    BUSY_SECONDS = 20.0
    RETENTION_MS = 30 * 24 * 3_600_000

    def __init__(self, world: World, database: Database, quota: Quota, slots: int) -> None:
        self.world = world
        self.quota = quota
        self.clock, self.pika, self.discord = world.clock, world.pika, world.discord
        self.database, installation = database, Installation(quota)
        self.queue, self.changes, self.durations = FairQueue(), Changes(), Durations()
        self.slots = Slots(slots)
        self.gate = Gate(self.clock, self.BUSY_SECONDS)
        self.told: list[tuple[int, JobState]] = []
        self.chores: Counter[Chore] = Counter()
        self.pauses = Pauses(database, self.clock, self.queue)
        self.outlooks = Outlooks(self.clock, self.queue, self.slots, self.durations, self.pauses)
        self.pictures = Pictures(world.files, world.folder / "pictures")
        self.settling = Settling(
            database, self.clock, world.files, self.changes, world.folder / "videos", installation
        )
        way = Way(
            database=database,
            clock=self.clock,
            backend=self.pika,
            pictures=self.pictures,
            queue=self.queue,
            slots=self.slots,
            gate=self.gate,
            settling=self.settling,
            changes=self.changes,
            reply_url=lambda ref: f"https://bot.test/callbacks/{ref}",
        )
        self.runner = Runner(way)
        self.poller = Poller(
            way,
            poll_seconds=self.POLL_SECONDS,
            stall_seconds=self.STALL_SECONDS,
            doubt_seconds=self.DOUBT_SECONDS,
        )
        self.wordlists = WordLists(database)
        self.intake = Intake(
            database, self.clock, self.queue, self.outlooks, self.changes, self.pictures,
            self.wordlists, installation,
        )  # fmt: skip
        self.members = Members(
            database, self.clock, self.outlooks, self.settling, self.changes, installation
        )
        self.videos = Videos(database, self.clock, self.changes)
        self.removals = Removals(database, self.clock, self.changes)
        self.reported = ReportedVideos(database, self.clock, self.changes)
        self.brake, self.closed = Brake(self.clock), ClosedPlaces(self.clock)
        self.uploads = UploadLimits(self.clock)
        fitting = Fitting(
            self.pika, world.folder / "videos", self.uploads,
            AllowedHosts.of(api_urls=["https://cdn.test"]),
        )  # fmt: skip
        self.governing = Governing(database, self.clock, self.pauses, quota)
        self.reviews = Reviews(database, self.clock, self.changes, fitting.forget)
        messenger = CarefulMessenger(self.discord, self.closed, self.brake)
        self.log = ServerLog(database, self.clock, messenger, LogWording(quota), self._count)
        self.digests = Digests(database, world.folder / "pika.db", self.clock, quota, self._count)
        self.keeping = Keeping(
            database, self.clock, world.folder / "videos", self.RETENTION_MS, self._count
        )
        self.presence = Presence()
        self.leaving = Leaving(
            database, self.clock, self.presence, self.settling, self.pauses, self._count
        )
        self.courier = Courier(
            database, self.clock, messenger,
            self.queue, self.outlooks, self.durations, fitting,
            Restoring(
                database, self.clock, self.pika, self.discord, self.settling.fetch, self.changes
            ),
            self.changes,
        )  # fmt: skip
        self.closed.on_reopen(self.courier.reopened)
        self.closed.on_gone(self.courier.gone)
        self.closed.on_reopen(self.log.reopened)
        self.changes.listen(lambda job: self.told.append((job.id, job.state)))
        self._tasks: list[asyncio.Task[None]] = []
        self._runs = False

    @classmethod
    async def open(
        cls,
        world: World,
        *,
        quota: Quota | None = None,
        slots: int = 2,
    ) -> Self:
        """Start as the bot does: open the database, recover, run nothing yet."""
        database = await Database.open(world.folder / "pika.db")
        house = cls(world, database, quota or Quota(5, 24 * 3_600_000, 5), slots)
        await house.pauses.read()
        await recover(
            database, world.clock, house.queue, house.slots, house.durations, house.courier
        )
        await sweep(database, world.folder / "pictures", world.folder / "videos")
        return house

    def start(self, loop: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run one of the loops until the house is closed."""
        task = asyncio.create_task(loop)
        self._tasks.append(task)
        return task

    def run(self) -> None:
        """Run the runner: everything else is moved by hand."""
        if not self._runs:
            self._runs = True
            self.start(self.runner.run())

    async def crash(self) -> None:
        """End at once: nothing is finished that was not committed."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()
        await self.runner.stop(0)
        await self.poller.stop()
        await self.courier.stop(0)
        await self.log.stop(0)
        await self.pauses.stop()
        await self.database.close()

    # What people do.

    async def ask(
        self,
        who: Requester | None = None,
        what: Recipe | None = None,
        *,
        answer: bool = True,
        **about: Any,
    ) -> Taken:
        """Give a command, and see its card; ``about`` is what Discord says of the member."""
        who = who or requester()
        asked = asker_of(who, **about)
        taken = await self.intake.take(who.request_key, asked, what or recipe())
        if answer and taken.new:
            await self.answer(taken)
        return taken

    async def answer(self, taken: Taken) -> int:
        """The command's answer arrives."""
        message_id = self.discord.answer(taken.job, taken.outlook)
        await asyncio.gather(
            self.intake.answered(taken.job, message_id, shows(taken.job, taken.outlook)),
            self.intake.flush(),
        )
        return message_id

    async def rest(self) -> None:
        """Return when everything that can go on has gone on: submits that hang at Pika and
        whoever sleeps on the clock are all that is left.
        """
        runner, quiet = self.runner, 0
        while quiet < 3:
            await asyncio.sleep(0)
            busy = (
                len(runner._sending) > self.pika.hanging
                or (runner._wake.is_set() and self.gate.wait_seconds() == 0)
                or self.database._turn.locked()
                or len(self.poller.errands) > 0
            )
            if busy:
                quiet = 0
                await asyncio.sleep(0.0002)
            else:
                quiet += 1

    async def sent(
        self, what: Recipe | None = None, who: Requester | None = None, **about: Any
    ) -> Job:
        """A job that Pika was asked for: whatever came of it."""
        self.run()
        taken = await self.ask(who, what, **about)

        def answered() -> bool:
            states = [state for job_id, state in self.told if job_id == taken.job.id]
            return JobState.SUBMITTING in states and states[-1] is not JobState.SUBMITTING

        await until(answered)
        return await self.job(taken.job.id)

    async def rendering(
        self, what: Recipe | None = None, who: Requester | None = None, **about: Any
    ) -> Job:
        """A job that Pika is working on; its video will be a good one."""
        job = await self.sent(what, who, **about)
        assert job.state is JobState.RENDERING, job.state
        return job

    async def delivering(self) -> Job:
        """A job whose video is on the disk."""
        job = await self.rendering()
        self.finish(job)
        await self.poller.round()
        job = await self.job(job.id)
        assert job.state is JobState.DELIVERING, job.state
        return job

    async def look_at(
        self,
        rule: ReviewRule = EVERYTHING,
        *,
        channel: int | None = REVIEWS,
        guild_id: int = GUILD,
    ) -> None:
        """From now on videos are held for review, in this channel."""
        await self.governing.choose(
            Moderator(guild_id, 1), lambda now: replace(now, review=channel, look_at=rule)
        )

    async def reviewing(
        self, what: Recipe | None = None, who: Requester | None = None, **about: Any
    ) -> Job:
        """A job whose video waits for a moderator, though its message is not posted yet."""
        job = await self.rendering(what, who, **about)
        self.finish(job)
        await self.poller.round()
        job = await self.job(job.id)
        assert job.state is JobState.REVIEWING, job.state
        return job

    # What happens elsewhere.

    def finish(self, job: Job, **values: Any) -> None:
        """Pika completes the job with a good video."""
        assert job.pika_id is not None
        self.pika.end(job.pika_id, **values)
        url = self.pika.jobs[job.pika_id].video_url
        if url is not None:
            self.world.files.files.setdefault(url, self.world.video)

    async def deliver(self) -> None:
        """One round of the courier, to its end."""
        await self.courier.round()
        await self.courier.settle_down()

    async def tell(self) -> None:
        """One round of the servers' logs, to its end."""
        await self.log.round()
        await self.log.settle_down()

    def _count(self, what: Chore, count_: int) -> None:
        self.chores[what] += count_

    # What can be seen.

    async def job(self, job_id: int) -> Job:
        """The job as it is committed."""
        job = await jobs.get(self.database, job_id)
        assert job is not None
        return job

    async def state(self, job_id: int) -> JobState:
        """The state that is committed."""
        return (await self.job(job_id)).state

    async def hold(self, job_id: int) -> str:
        """What became of the job's credits."""
        rows = await self.database.fetch(
            "SELECT state FROM reservation WHERE job_id = :id", {"id": job_id}
        )
        return ",".join(row["state"] for row in rows)

    async def messages(self, job_id: int) -> dict[DeliveryKind, Delivery]:
        """The messages that must exist for a job."""
        return await deliveries.of_job(self.database, job_id)

    async def history(self, job_id: int) -> list[str]:
        """The states a job went through."""
        return [str(state) for state in await jobs.history(self.database, job_id)]

    async def used(self, guild_id: int = GUILD, user_id: int = MEMBER) -> int:
        """What the member has used."""
        account = await self.members.account(asker_of(requester(user_id, guild_id)))
        measure = account.trace.of(Rule.MEMBER_LIMIT).measure
        assert measure is not None
        return measure.used


async def cancelled(task: asyncio.Task[Any]) -> None:
    """Cancel a task and see it end."""
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


def place_of(message: Posted, job: Job) -> Place:
    """In which of the places a message stands."""
    if message.channel_id == job.requester.channel_id:
        return Place.HERE
    return Place.PARENT if message.channel_id == job.requester.parent_id else Place.DIRECT
