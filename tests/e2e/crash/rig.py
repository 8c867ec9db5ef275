"""Bots that end at a chosen point, lives of jobs for them to end in, and what must hold then."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bot.demo.process import ROOT, BotProcess, environment
from bot.model import FINAL, REJECTED, JobState
from bot.rules.policy import Choices, ReviewRule
from bot.sandbox.discord import ClientRefused, Invocation, Member, Message, Permission
from bot.sandbox.pika import EmbeddedPika, PikaJob
from bot.store import choices
from bot.store.audit import Act
from tests.e2e.crash.entry import STRUCK
from tests.e2e.crash.forks import Forks
from tests.e2e.town import START_SECONDS, Town, number, png
from tests.judge import Posted, books, one_job, open_work, removed_jobs, says_working

ENTRY = Path(__file__).with_name("entry.py")

PATIENCE = 30.0
"""How long a world may take to come to rest; three at once on two slow cores need a tenth."""

SETTINGS = {"PIKA_DOUBT_SECONDS": "0.8", "DEFAULT_CONCURRENT": "10", "LOG_LEVEL": "INFO"}

REMOVED_AT = (
    "commit new removal + delivery.state (card) + delivery.shown (card) = what is no longer so + "
    "new delivery (removal) + new audit_entry"
)
"""Where a moderator's removal is written down, and nothing of it is done."""

REJECTED_AT = (
    "commit review.verdict + new audit_entry + new former_review + delivery.state (card)"
    " + job.state = failed + new delivery (notice)"
)
"""The commit of a rejection."""

OF_THE_MOMENT = re.compile(
    r"PATCH|delivery\.shown|percent|progressed|GET /v1/pika/jobs$|^commit delivery\.due_at"
)
"""How often a card is rewritten, how often Pika is asked, and whether a video is there before its
card is known."""

Row = dict[str, Any]


@dataclass(frozen=True, order=True)
class Point:
    """The n-th time that a process is at the point of this label."""

    label: str
    n: int = 1

    def __str__(self) -> str:
        return f"{self.label} #{self.n}"

    @property
    def is_of_the_moment(self) -> bool:
        """Whether a life passes it or not depends on how fast things happen to go."""
        return self.n > 1 or OF_THE_MOMENT.search(self.label) is not None


class ForkedProcess(BotProcess):
    """``pika-bot run``, forked from a process that has imported it."""

    command: tuple[str, ...] = (str(ROOT / "bot" / "__main__.py"), "run")
    """A file of Python and its arguments."""

    def __init__(self, forks: Forks, settings: dict[str, str], folder: Path) -> None:
        super().__init__(settings, folder)
        self._forks = forks

    async def start(self) -> None:
        """As ``BotProcess.start``."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._process = await self._forks.fork(
            *self.command,
            folder=self.folder,
            log=self.log_path,
            environment=environment(self.settings),
        )


class RiggedProcess(ForkedProcess):
    """The bot inside ``entry.py``; all else is the same."""

    command = (str(ENTRY),)

    def __init__(
        self,
        forks: Forks,
        settings: dict[str, str],
        folder: Path,
        *,
        at: Point | None = None,
        record: Path | None = None,
        sent: signal.Signals = signal.SIGKILL,
    ) -> None:
        self.at = at
        rig = {"CRASH_SIGNAL": str(int(sent))}
        if at is not None:
            rig["CRASH_AT"] = json.dumps([at.label, at.n])
        if record is not None:
            rig["CRASH_RECORD"] = str(record)
        super().__init__(forks, {**settings, **rig}, folder)


class Run:
    """A town whose bot ends at the given points, one process after the other.

    The last process is the ordinary bot. ``video`` is what Pika makes of everything. ``record``
    notes the points of the process after those of ``ends``, or of the only one.
    """

    def __init__(
        self,
        folder: Path,
        openapi: Path | None,
        forks: Forks,
        *,
        ends: Sequence[Point] = (),
        sent: signal.Signals = signal.SIGKILL,
        record: Path | None = None,
        video: bytes | None = None,
        **settings: str,
    ) -> None:
        self.town = Town(folder, openapi, render_seconds=0.5, video_bytes=video)
        self.forks = forks
        self.ends = list(ends)
        self.sent = sent
        self.record = record
        self.settings = {**SETTINGS, **settings}
        self.codes: list[int] = []
        self.asked: list[Invocation] = []
        self.prompts: dict[int, str] = {}
        self._ends_left = list(ends)
        self._supervisor: asyncio.Task[None] | None = None
        self._changing = asyncio.Lock()
        guild = self.guild = self.town.discord.world.create_guild("Film club")
        self.alice = guild.join(self.town.discord.world.create_user("alice"))
        self.bob = guild.join(self.town.discord.world.create_user("bob"))
        self.channel = guild.create_text_channel("videos")
        self.thread = self.channel.create_thread("winter clips", owner=self.alice)
        self.room = guild.create_text_channel("reviews")
        self.mona = guild.join(self.town.discord.world.create_user("mona"))
        self.mona.add_role(guild.create_role("moderators", Permission.MANAGE_GUILD))

    # -- processes ----------------------------------------------------------------------------

    async def __aenter__(self) -> Run:
        await self.town.open()
        await self._start()
        self._supervisor = asyncio.create_task(self._supervise())
        return self

    async def start_another(self) -> BotProcess:
        """One more ordinary process on the same data directory. Whoever asks ends it."""
        settings = self.town.settings(**self.settings)
        other = ForkedProcess(self.forks, settings, self.town.folder / "another")
        await other.start()
        return other

    async def start_two_at_once(self) -> BotProcess:
        """In place of entering: two processes start together. The one that has given up."""
        await self.town.open()
        await self._start()
        assert self.town.bot is not None
        two = [self.town.bot, await self.start_another()]
        ends = [asyncio.ensure_future(bot.process.wait()) for bot in two]
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED, timeout=START_SECONDS)
        loser, self.town.bot = two if ends[0].done() else reversed(two)
        self._supervisor = asyncio.create_task(self._supervise())
        return loser

    async def close(self) -> None:
        """Nothing of it is left; the same as leaving."""
        await self.__aexit__()

    async def __aexit__(self, *_: object) -> None:
        async with self._changing:
            if self._supervisor is not None:
                self._supervisor.cancel()
                await asyncio.gather(self._supervisor, return_exceptions=True)
        await self.town.close()

    @property
    def pika(self) -> EmbeddedPika:
        """The embedded Pika."""
        return self.town.pika

    async def _start(self) -> None:
        town, record, at = self.town, None, None
        if self._ends_left:
            at = self._ends_left.pop(0)
        elif self.record is not None:
            record, self.record = self.record, None
        self._identified_before = town.discord.gateway.identifies
        settings = town.settings(**self.settings)
        bot = (
            RiggedProcess(self.forks, settings, town.folder, at=at, record=record, sent=self.sent)
            if at or record
            else ForkedProcess(self.forks, settings, town.folder)
        )
        await bot.start()
        town.bot = bot

    async def _supervise(self) -> None:
        """As an operator's service manager: what ended is started again."""
        while True:
            assert self.town.bot is not None
            await self.town.bot.process.wait()
            async with self._changing:
                self.codes.append(await self.town.bot.stop())
                await self._start()

    @property
    def died(self) -> bool:
        """Whether every process that should end has come to its point."""
        return self.town.log.count(STRUCK) == len(self.ends)

    # -- people -------------------------------------------------------------------------------

    async def until(self, condition: Callable[[], Any], seconds: float = PATIENCE) -> Any:
        """The first true value of ``condition``."""
        try:
            return await self.town.discord.wait_for(condition, timeout=seconds)
        except TimeoutError as error:
            told = {
                "jobs": self.town.rows("SELECT * FROM job"),
                "deliveries": self.town.rows("SELECT * FROM delivery"),
            }
            raise AssertionError(f"{error}\n{told}\n{self.town.log[-5000:]}") from None

    async def present(self) -> None:
        """The bot that runs now is in the server and has its commands."""
        gateway, commands = self.town.discord.gateway, self.town.discord.commands
        await self.until(
            lambda: (
                gateway.identifies > self._identified_before
                and gateway.is_connected
                and commands.registrations > 0
            ),
            START_SECONDS,
        )

    async def ask(self, who: Member, verb: str, **options: Any) -> Invocation:
        """Use a command in the thread, once; whether it was answered is another question."""
        await self.present()
        asked = await self.town.discord.invoke(who, self.thread, verb, **options)
        self.asked.append(asked)
        self.prompts[asked.id] = options["prompt"]
        return asked

    async def heard(self, asked: Invocation) -> Row | None:
        """Wait for the answer, or until nobody can give it any more; the job there is then."""
        await self._acknowledged(asked)
        # A commit that came just before the end is a promise, though nobody heard of it.
        await self.present()
        return self.job(asked)

    async def press_cancel(self, who: Member, asked: Invocation) -> None:
        """Press the card's button until the bot has answered, as people do."""

        def told() -> bool:
            return self._state(asked) in FINAL

        while not told():
            card = await self.until(lambda: told() or next(iter(self.cards(asked)), None))
            if card is True:
                return
            await self.present()
            try:
                press = await self.town.discord.press(who, card, label="Cancel")
            except ClientRefused:
                # No such button any more: an earlier press has come through.
                await self.until(told)
                return
            if await self._acknowledged(press):
                return

    async def choose(self, chosen: Choices) -> None:
        """From now on the server has chosen this."""
        await self.present()
        act = Act(self.guild.id, self.mona.id, 0)
        path = self.town.data / "pika.db"
        with closing(sqlite3.connect(path, timeout=5, isolation_level=None)) as db:
            db.execute("BEGIN IMMEDIATE")
            choices.change(db, act, chosen)
            db.execute("COMMIT")

    async def remove(self, asked: Invocation) -> None:
        """Have a moderator use ``/moderate remove`` until the video is to go, as they do."""

        def wanted() -> bool:
            job = self.job(asked)
            return job is None or job["id"] in removed_jobs(self.town.rows)

        if not await self._delivered(asked):
            return
        while not wanted():
            await self.present()
            job = self.job(asked)
            assert job is not None
            options = {"job": job["id"], "reason": "not here"}
            said = await self.town.discord.invoke(
                self.mona, self.channel, "moderate remove", **options
            )
            await self._acknowledged(said)

    async def share(self, asked: Invocation) -> None:
        """Press Share under the video until it is to be shared, as its member does."""

        def wanted() -> bool:
            return bool(self.town.rows("SELECT 1 FROM delivery WHERE kind = 'share'"))

        if not await self._delivered(asked):
            return
        while not wanted():
            await self.present()
            job = self.job(asked)
            assert job is not None
            (result,) = Posted.of(self.town.discord.world).results[job["id"]]
            press = await self.town.discord.press(self.alice, result, label="Share")
            await self._acknowledged(press)

    async def _delivered(self, asked: Invocation) -> bool:
        """Wait for the end of the command's job; whether it has a video."""
        return bool(await self.until(lambda: self._state(asked) in FINAL)) and (
            self._state(asked) == "delivered"
        )

    async def decide(self, asked: Invocation, label: str, **typed: str) -> None:
        """Press under the review of a command's job, and fill in the form if one opens, until
        that has led to a decision, as moderators do.
        """

        def decided() -> bool:
            return self._state(asked) in {JobState.DELIVERING, *FINAL}

        while not decided():
            found = await self.until(lambda: decided() or self._open_review(asked))
            if found is True:
                return
            await self.present()
            try:
                press = await self.town.discord.press(self.mona, found, label=label)
                if await self._acknowledged(press) and press.modal is not None:
                    form = await self.town.discord.submit_modal(self.mona, press, typed)
                    await self._acknowledged(form)
            except ClientRefused:
                await self.until(decided)  # an earlier press has come through

    def _open_review(self, asked: Invocation) -> Message | None:
        """The message under which the command's job can be decided about."""
        job = self.job(asked)
        if job is None:
            return None
        posted = Posted.of(self.town.discord.world).reviews[job["id"]]
        return next((message for message in posted if message.buttons), None)

    async def _acknowledged(self, asked: Invocation) -> bool:
        """Whether the process that runs now answers; a later one never hears of it."""
        ended = len(self.codes)
        await self.until(lambda: asked.kind or asked.failed or len(self.codes) > ended)
        return asked.kind is not None

    # -- looking ------------------------------------------------------------------------------

    def job(self, asked: Invocation) -> Row | None:
        """The job of a command, if it is one."""
        rows = self.town.rows("SELECT * FROM job WHERE request_key = :key", key=asked.id)
        return rows[0] if rows else None

    def _state(self, asked: Invocation) -> str | None:
        job = self.job(asked)
        return None if job is None else str(job["state"])

    def messages(self) -> list[Message]:
        """Every message of the bot that stands anywhere."""
        world = self.town.discord.world
        return [
            message
            for channel in world.channels.values()
            for message in channel.messages
            if message.author is world.bot
        ]

    def cards(self, asked: Invocation) -> list[Message]:
        """The cards of a command's job."""
        job = self.job(asked)
        return [] if job is None else Posted.of(self.town.discord.world).cards[job["id"]]

    # -- the end ------------------------------------------------------------------------------

    async def rest(self) -> None:
        """Wait until nothing is left to do, then stop whatever runs, as often as it takes."""
        while True:
            ended = len(self.codes)
            await self.present()
            await self.until(lambda: not open_work(self.town.rows))
            async with self._changing:
                if len(self.codes) > ended:
                    continue  # another process runs now
                bot = self.town.bot
                assert self._supervisor is not None
                assert bot is not None
                self._supervisor.cancel()
                await asyncio.gather(self._supervisor, return_exceptions=True)
                if self.died and isinstance(bot, RiggedProcess) and bot.at is not None:
                    # It is ending already; another signal might come when nobody listens any more.
                    await asyncio.wait([asyncio.ensure_future(bot.process.wait())], timeout=10)
                self.codes.append(await bot.stop())
                if self.codes[-1] == 0:
                    return
                # It ended at its point, now or just before: the next start has to find all well.
                await self._start()
                self._supervisor = asyncio.create_task(self._supervise())


# -- lives ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Life:
    """What people do, and how each of their jobs ends unless it is in doubt."""

    name: str
    play: Callable[[Run], Awaitable[None]]
    ends: tuple[str, ...]
    settings: dict[str, str] = field(default_factory=dict)
    resolves_doubts: bool = False


async def _create(run: Run) -> None:
    asked = await run.ask(run.alice, "create", prompt="a fox in the snow")
    await run.heard(asked)


async def _animate(run: Run) -> None:
    asked = await run.ask(run.alice, "animate", prompt="make it move", image=png())
    await run.heard(asked)


async def _moderated(run: Run) -> None:
    run.pika.script(match="a fox", outcome="moderated", times=None)
    asked = await run.ask(run.alice, "create", prompt="a fox in the snow")
    await run.heard(asked)


async def _cancelled_in_the_queue(run: Run) -> None:
    run.pika.script(match="first", outcome="slow", times=None)
    first = await run.ask(run.bob, "create", prompt="first in the row")
    await run.heard(first)
    if run.job(first) is not None:
        await run.until(lambda: run._state(first) not in {"queued", "submitting", "in_doubt"})
    asked = await run.ask(run.alice, "create", prompt="a fox in the snow")
    if await run.heard(asked) is not None:
        await run.press_cancel(run.alice, asked)
        await run.until(lambda: run._state(asked) in FINAL)
    _finish(run, "first")


async def _cancelled_at_pika(run: Run) -> None:
    run.pika.script(match="a fox", outcome="slow", times=None)
    asked = await run.ask(run.alice, "create", prompt="a fox in the snow")
    if await run.heard(asked) is not None:
        await run.until(lambda: run._state(asked) not in {"queued", "submitting", "in_doubt"})
        await run.press_cancel(run.alice, asked)


async def _approved(run: Run) -> None:
    await _reviewed(run, "Approve")


async def _rejected(run: Run) -> None:
    await _reviewed(run, "Reject…", reason="not here")


async def _removed(run: Run) -> None:
    asked = await run.ask(run.alice, "create", prompt="a fox in the snow")
    if await run.heard(asked) is not None:
        await run.remove(asked)


async def _shared(run: Run) -> None:
    await run.choose(Choices(showcase=run.room.id))
    asked = await run.ask(run.alice, "create", prompt="a fox in the snow")
    if await run.heard(asked) is not None:
        await run.share(asked)


async def _reviewed(run: Run, label: str, **typed: str) -> None:
    await run.choose(Choices(review=run.room.id, look_at=ReviewRule(everything=True)))
    asked = await run.ask(run.alice, "create", prompt="a fox in the snow")
    if await run.heard(asked) is not None:
        await run.decide(asked, label, **typed)


async def _slow(run: Run) -> None:
    """Pika works longer than a restart takes, so that a doubt can always be resolved."""
    run.pika.script(match="a fox", outcome="slow", times=None)
    asked = await run.ask(run.alice, "create", prompt="a fox in the snow")
    if await run.heard(asked) is not None:
        await run.until(lambda: run._state(asked) == "rendering" or run._state(asked) in FINAL)
        _finish(run, "a fox")


def _finish(run: Run, prompt: str) -> None:
    for job in list(run.pika.executing.values()):
        if prompt in job.prompt and job.status != "created":
            run.pika.finish(job.jobid)


LIVES = {
    life.name: life
    for life in (
        Life("create", _create, ("delivered",)),
        Life("animate", _animate, ("delivered",)),
        Life("moderated", _moderated, ("failed",)),
        Life(
            "cancelled_in_the_queue",
            _cancelled_in_the_queue,
            ("delivered", "cancelled"),
            {"PIKA_MAX_JOBS": "1"},
        ),
        Life("cancelled_at_pika", _cancelled_at_pika, ("cancelled",)),
        Life("approved", _approved, ("delivered",)),
        Life("rejected", _rejected, ("failed",)),
        Life("removed", _removed, ("delivered",)),
        Life("shared", _shared, ("delivered",)),
        Life("slow", _slow, ("delivered",), {"PIKA_DOUBT_SECONDS": "10"}, resolves_doubts=True),
    )
}


# -- what must hold ---------------------------------------------------------------------------


def check(run: Run, life: Life) -> list[str]:
    """Everything that must hold at both servers and on the disk; the final states."""
    town = run.town
    states = []
    for asked, end in zip(run.asked, life.ends, strict=True):
        job = run.job(asked)
        made = [j for j in run.pika.accepted if j.prompt == run.prompts[asked.id]]
        if job is None:
            assert asked.message is None or asked.ephemeral, "answered, but no job"
            assert not made, "made without a job"
            states.append("never was")
            continue
        states.append(_check_job(run, life, asked, job, made, end))
    for message in run.messages():
        assert not says_working(message), message.text
    wrong = [*books(town.rows), *Posted.of(town.discord.world).doubled()]
    assert not wrong, "\n".join(map(str, wrong))
    held = town.rows("SELECT * FROM reservation WHERE state = 'held'")
    assert held == []
    # A kill between two migrations leaves an older database, which is copied before the second.
    files = [p for p in town.data.rglob("*") if p.is_file() and p.suffix != ".bak"]
    left = [p for p in files if p.name not in KEPT]
    assert left == [], f"left on the disk: {left}"
    assert town.discord.violations == []
    assert town.pika.violations == []
    before, found, after = town.log.partition("Traceback")
    assert not found, before[-400:] + found + after[:5000]
    return states


KEPT = {"pika.db", "pika.db-wal", "pika.db-shm", "lock"}


def _check_job(
    run: Run, life: Life, asked: Invocation, job: Row, made: list[PikaJob], end: str
) -> str:
    job_id, state, code = job["id"], job["state"], job["code"]
    posted = Posted.of(run.town.discord.world)
    cards, results, notices = (
        posted.cards[job_id],
        posted.results[job_id],
        posted.notices[job_id],
    )
    assert len(cards) == 1, f"{len(cards)} cards"
    card = cards[0]
    if asked.message is not None and not asked.ephemeral:
        assert asked.message is card, "the answer is not the card"
    assert number(card) == job_id
    hold = run.town.rows("SELECT state FROM reservation WHERE job_id = :id", id=job_id)
    assert len(hold) == 1
    credit = hold[0]["state"]
    removed = job_id in removed_jobs(run.town.rows)
    wrong = [*one_job(job, credit, posted, made, removed=removed)]
    assert not wrong, "\n".join(map(str, wrong))

    if state == "failed" and code == "unknown":
        # The documents let a doubt that nobody could resolve end this way.
        assert not life.resolves_doubts, "Pika was there to be asked"
        assert "restarted" in _codes(run, job_id), "there was nothing to doubt"
        assert credit == "released"
        assert len(notices) == 1
        assert "You were not charged" in notices[0].content
        assert "not charged" in card.text
        return "unknown"

    assert state == end, (state, code)
    if life.name in {"approved", "rejected"}:
        (review,) = posted.reviews[job_id]
        assert review.channel is run.room
        assert len(review.attachments) == 1
    match state:
        case "delivered" if life.name == "removed":
            assert removed
            assert results == notices == []
            (told,) = posted.removals[job_id]
            assert (told.channel, told.mentions) == (run.thread, [asked.user])
            assert credit == "charged"
            entries = run.town.rows("SELECT action FROM audit_entry WHERE subject = 'job'")
            assert [row["action"] for row in entries] == ["remove"]
        case "delivered":
            if life.name == "shared":
                (share,) = posted.shares[job_id]
                assert (share.channel, share.mentions) == (run.room, [])
                assert share.attachments[0].read() == results[0].attachments[0].read()
            assert len(made) == 1
            result = results[0]
            assert result.channel is run.thread
            assert result.reference is not None
            assert result.reference["message_id"] == str(card.id)
            assert result.mentions == [asked.user]
        case "failed" if code == REJECTED:
            assert life.name == "rejected"
            assert credit == "charged"
            assert len(posted.rejections[job_id]) == 1, f"{len(posted.rejections[job_id])} notices"
            assert "not here" in posted.rejections[job_id][0].content
            assert results == notices == []
        case "failed":
            assert code == "moderated"
            assert credit == "released"
            assert len(notices) == 1, f"{len(notices)} notices"
            assert results == []
        case _:
            assert results == notices == []
            completed = any(j.status == "completed" for j in made)
            assert credit == ("charged" if completed else "released")
    return str(state)


def _codes(run: Run, job_id: int) -> list[str]:
    """Why the job went the ways it went."""
    rows = run.town.rows("SELECT code FROM job_event WHERE job_id = :id", id=job_id)
    return [row["code"] for row in rows]


async def live(run: Run, life: Life) -> list[str]:
    """Play the life in an open run until the world is at rest, and check it."""
    await life.play(run)
    await run.rest()
    return check(run, life)


def read_points(path: Path) -> list[Point]:
    """What a listing process has noted."""
    return [Point(*json.loads(line)) for line in path.read_text().splitlines()]
