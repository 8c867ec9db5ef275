"""Whatever happens in whatever order, with crashes in between: what must hold always holds.

Hypothesis chooses what members, Pika, Discord, time and the power supply do. The workflow,
the store and the files are real; a crash drops every task and opens the database again.
"""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import tempfile
from collections import Counter
from collections.abc import Coroutine, Sequence
from contextlib import ExitStack, suppress
from itertools import pairwise
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from bot.errors import Denied, JobNotFound, MediaError, NothingHere, TooLate, TryLater, UserError
from bot.media import find_ffmpeg
from bot.model import (
    FAILED_WITH_VIDEO,
    FINAL,
    GIVEN_UP,
    LATE,
    NEXT,
    REJECTED,
    VIDEO_HERE,
    DeliveryKind,
    Hold,
    Job,
    JobState,
    PikaStatus,
    Quota,
    Verdict,
)
from bot.pika.errors import (
    AccountProblem,
    Busy,
    Moderated,
    NoAnswer,
    NotSent,
    Unavailable,
)
from bot.rules.policy import ReviewRule
from bot.rules.trace import Rule
from bot.store import deliveries, jobs, removals
from bot.store.database import Row
from bot.store.migrate import migrate
from bot.workflow.delivery.upkeep import STUCK_MS
from bot.workflow.moderation import Moderator
from tests.fakes import (
    CHANNEL,
    MOVED,
    REVIEWS,
    Hang,
    House,
    Lost,
    MovableClock,
    Outcome,
    PostedSilent,
    PostedUnheard,
    World,
    asker_of,
    recipe,
    requester,
)
from tests.property.governed import CHANGES, ROLE, Governed

QUOTA = Quota(credits=3, window_ms=3_600_000, concurrent=2)
SLOTS = 2
USED = "SELECT * FROM reservation WHERE state <> 'released'"
USERS, GUILDS = (1, 2), (10, 20)
AT_PIKA = {JobState.SUBMITTING, JobState.IN_DOUBT, JobState.RENDERING}
VIDEO = VIDEO_HERE | {JobState.DELIVERED}
PAID_WITHOUT_VIDEO = {"finished_first", "removed"} | FAILED_WITH_VIDEO
MODERATOR = 77
REVIEW_RULES = {
    "everything": ReviewRule(everything=True),
    "newcomers": ReviewRule(newcomer_ms=60_000),
    "nothing": ReviewRule(),
}
DECISIONS = ("approve", "reject", "block")
SHORTEST_MS = 61_000
"""Nobody has seen Pika make a video in less than a minute; half the grace time rests on it."""

POSTS: dict[str, Outcome] = {
    "busy": Busy("later", retry_after=20),
    "not sent": NotSent("no connection"),
    "moderated": Moderated("no"),
    "moderated at once": PikaStatus.MODERATED,
    "unauthorized": AccountProblem("who", status=401, code="unauthorized"),
    "596": AccountProblem("?", status=596),
    "lost, not taken": NoAnswer("timeout", code="timeout"),
    "lost, taken": Lost(),
    "untracked": Lost(NoAnswer("?", status=504, code="untracked"), listed=False),
    "accident": RuntimeError("of our own"),
}
MESSAGES: dict[str, Exception | PostedUnheard] = {
    "later": TryLater(30),
    "denied": Denied(50001),
    "posted, unheard": PostedUnheard(TryLater(40)),
    "accident": RuntimeError("of our own"),
}


class Prepared:
    """A migrated database and a clip, made once."""

    database: bytes = b""
    video: bytes = b""

    @classmethod
    def make(cls) -> None:
        """Make them if nobody has."""
        if cls.database:
            return
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "pika.db"
            migrate(path)
            cls.database = path.read_bytes()
        source = ["-f", "lavfi", "-i", "testsrc=s=16x16:r=2:d=1", "-c:v", "libx264"]
        kind = ["-pix_fmt", "yuv420p", "-movflags", "frag_keyframe+empty_moov", "-f", "mp4"]
        cls.video = subprocess.run(
            [find_ffmpeg(), "-v", "error", *source, *kind, "pipe:1"],
            check=True,
            capture_output=True,
        ).stdout


class Workflow(RuleBasedStateMachine):
    """One installation from its first start to its end."""

    def __init__(self) -> None:
        super().__init__()
        Prepared.make()
        self.stack = ExitStack()
        folder = Path(self.stack.enter_context(tempfile.TemporaryDirectory()))
        (folder / "pika.db").write_bytes(Prepared.database)
        self.runner = self.stack.enter_context(asyncio.Runner())
        self.world = World.new(folder, Prepared.video, clock=MovableClock())
        self.pika, self.discord, self.clock = (
            self.world.pika,
            self.world.discord,
            self.world.clock,
        )
        self.born: dict[str, int] = {}
        self.asked = 0
        self.governed = Governed(QUOTA, GUILDS)
        self.with_role: set[int] = set()  # request keys
        self.known: dict[int, int] = {}  # holds that were looked at: job -> since when
        self.house: House

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Do something, and let everything come to rest that can."""

        async def whole() -> Any:
            result = await work
            await self.rest()
            return result

        return self.runner.run(whole())

    async def rest(self) -> None:
        """Until nothing can go on by itself; note what has come into being."""
        if hasattr(self, "house"):
            await self.house.rest()
        for pika_id in self.pika.jobs.keys() - self.born.keys():
            self.born[pika_id] = self.clock.now()

    def done(
        self, pika_id: str, status: PikaStatus = PikaStatus.COMPLETED, *, broken: bool = False
    ) -> None:
        """A job is over at Pika."""
        self.pika.end(pika_id, status)
        url = self.pika.video_url.format(pika_id)
        self.world.files.files[url] = b"no video" if broken else self.world.video

    async def restart(self) -> None:
        """As after a kill."""
        if hasattr(self, "house"):
            await self.house.crash()
        self.house = await House.open(self.world, quota=QUOTA, slots=SLOTS)
        self.house.run()

    async def all_jobs(self) -> list[Job]:
        """Every job there ever was."""
        rows = await self.house.database.fetch("SELECT id FROM job ORDER BY id", {})
        return [await self.house.job(row["id"]) for row in rows]

    @initialize()
    def start(self) -> None:
        """The first start."""
        self.run(self.restart())

    # -- what members do ------------------------------------------------------------------

    @rule(
        user=st.sampled_from(USERS),
        guild=st.sampled_from(GUILDS),
        ending=st.sampled_from(["answered", "answered", "unheard", "too late", "killed", "twice"]),
        role=st.booleans(),
    )
    def ask(self, user: int, guild: int, ending: str, *, role: bool) -> None:
        """A command, and what becomes of its answer."""
        self.asked += 1
        who = requester(user, guild)
        what = recipe(f"wish {self.asked}")
        roles = frozenset({ROLE}) if role else frozenset[int]()
        if role:
            self.with_role.add(who.request_key)

        async def work() -> None:
            try:
                taken = await self.house.ask(who, what, answer=False, role_ids=roles)
            except UserError:
                return
            if ending == "twice":
                again = await self.house.ask(who, what, answer=False, role_ids=roles)
                assert (again.new, again.job.id) == (False, taken.job.id)
            if ending in {"answered", "twice"}:
                await self.house.answer(taken)
            elif ending == "unheard":
                self.discord.answer(taken.job, taken.outlook)
                self.house.intake.unanswered(taken.job)
            elif ending == "too late":
                await self.house.intake.withdraw(taken.job)
            else:
                self.discord.answer(taken.job, taken.outlook)
                await self.restart()

        self.run(work())

    @rule(which=st.integers(0, 30))
    def cancel(self, which: int) -> None:
        """A press on some job's button."""

        async def work() -> None:
            every = await self.all_jobs()
            if not every:
                return
            job = every[which % len(every)]
            try:
                await self.house.members.cancel(
                    job.requester.guild_id, job.requester.user_id, job.id
                )
            except UserError:
                assert job.state in FINAL | VIDEO_HERE

        self.run(work())

    @rule(which=st.integers(0, 30), by=st.sampled_from(["moderator", "moderator", "member"]))
    def remove(self, which: int, by: str) -> None:
        """Somebody wants a job's video gone, whatever is under way with it."""

        async def work() -> None:
            every = await self.all_jobs()
            if not every:
                return
            job = every[which % len(every)]
            guild, user = job.requester.guild_id, job.requester.user_id
            try:
                if by == "moderator":
                    await self.house.removals.remove(Moderator(guild, MODERATOR), job.id, None)
                else:
                    await self.house.videos.delete(guild, user, job.id)
            except TooLate:
                gone = job.removal is not None
                # What waits for a moderator is rejected instead.
                assert gone or job.state not in VIDEO - {JobState.REVIEWING}
                assert gone or job.code != "undeliverable"

        self.run(work())

    @rule(
        user=st.sampled_from(USERS),
        guild=st.sampled_from(GUILDS),
        moment=st.sampled_from(["before", "under way", "unheard", "in vain", "after"]),
        turns=st.integers(0, 20),
        ending=st.sampled_from(["goes on", "crash"]),
    )
    def take_away(self, user: int, guild: int, moment: str, turns: int, ending: str) -> None:
        """A video is made, and a moderator wants it gone just before, while or after it is
        posted.
        """
        self.asked += 1
        go = asyncio.Event()
        posting = {
            "under way": PostedSilent(go),
            "unheard": PostedUnheard(TryLater(40)),
            "in vain": TryLater(40),
        }

        async def work() -> None:
            try:
                taken = await self.house.ask(requester(user, guild), recipe(f"wish {self.asked}"))
            except UserError:
                return
            job = taken.job
            await self.rest()
            self.clock.move(62)
            for name in sorted(self.pika.listed):
                self.done(name)
            await self.house.poller.round()
            await self.rest()
            if moment != "before":
                if moment in posting and await self.house.state(job.id) is JobState.DELIVERING:
                    self.discord.outcomes.clear()
                    self.discord.outcomes.append(posting[moment])
                await self.house.courier.round()
                if moment == "under way":
                    for _ in range(turns):
                        await asyncio.sleep(0.001)
                else:
                    await self.house.courier.settle_down()
            with suppress(TooLate):
                await self.house.removals.remove(Moderator(guild, MODERATOR), job.id, "no")
            if ending == "crash":
                await self.restart()
            go.set()
            await self.house.courier.settle_down()
            await self.house.deliver()

        self.run(work())

    # -- what moderators do ---------------------------------------------------------------

    @rule(
        what=st.sampled_from(CHANGES),
        user=st.sampled_from(USERS),
        guild=st.sampled_from(GUILDS),
        number=st.integers(0, 4),
        seconds=st.sampled_from([None, 30, 600]),
    )
    def moderate(self, what: str, user: int, guild: int, number: int, seconds: int | None) -> None:
        """A limit, a grant, a block, a pause, a word; or all but grants are taken away."""
        until = None if seconds is None else self.clock.now() + seconds * 1000
        self.run(self.govern(what, guild, user, number, until))

    async def govern(
        self, what: str, guild: int, user: int, number: int = 0, until: int | None = None
    ) -> None:
        """A moderator's command, done."""
        now, database = self.clock.now(), self.house.database
        rows = await database.fetch(USED, {})
        self.look_at_holds(await self.all_jobs(), rows)
        await database.write(
            lambda tx: self.governed.change(tx, what, guild, user, number, until, now)
        )
        await self.house.pauses.read()

    @rule(guild=st.sampled_from(GUILDS), seconds=st.sampled_from([None, 30, 600]))
    def pause_a_rush(self, guild: int, seconds: int | None) -> None:
        """While more wait than can go, their server is paused; then there is room at Pika."""

        async def work() -> None:
            for user in USERS * 2:
                self.asked += 1
                with suppress(UserError):
                    await self.house.ask(requester(user, guild), recipe(f"wish {self.asked}"))
            until = None if seconds is None else self.clock.now() + seconds * 1000
            await self.govern("pause", guild, USERS[0], until=until)
            await self.rest()
            self.clock.move(62)
            for name in sorted(self.pika.listed):
                self.done(name)
            await self.house.poller.round()

        self.run(work())

    @rule(
        guild=st.sampled_from(GUILDS),
        what=st.sampled_from(["everything", *sorted(REVIEW_RULES)]),
        channel=st.sampled_from([REVIEWS, REVIEWS, REVIEWS + 1]),
    )
    def hold_videos(self, guild: int, what: str, channel: int) -> None:
        """Whose videos are looked at, and where, from now on."""
        self.run(self.house.look_at(REVIEW_RULES[what], channel=channel, guild_id=guild))

    @rule(
        user=st.sampled_from(USERS),
        guild=st.sampled_from(GUILDS),
        shown=st.booleans(),
        then=st.sampled_from(["wait", "moved", "decided", "decided", "crash", "channel gone"]),
    )
    def a_video_is_held(self, user: int, guild: int, shown: bool, then: str) -> None:
        """From the request to the moderators' message, and what becomes of it."""
        self.asked += 1

        async def work() -> None:
            await self.house.look_at(guild_id=guild)
            with suppress(UserError):
                await self.house.ask(requester(user, guild), recipe(f"wish {self.asked}"))
            await self.rest()
            self.clock.move(62)
            for name in sorted(self.pika.listed):
                self.done(name)
            await self.house.poller.round()
            if shown:
                await self.house.deliver()
            if then == "moved":
                await self.house.look_at(channel=REVIEWS + 1, guild_id=guild)
            elif then == "decided":
                await self.decide_all()
            elif then == "crash":
                await self.restart()
            elif then == "channel gone":
                for number, message in list(self.discord.messages.items()):
                    if message.channel_id == REVIEWS:
                        del self.discord.messages[number]
                self.house.closed.gone(guild, REVIEWS)

        self.run(work())

    @rule(
        which=st.integers(0, 9),
        what=st.lists(st.sampled_from(DECISIONS), min_size=1, max_size=2),
        elsewhere=st.booleans(),
        killed=st.booleans(),
    )
    def decide(self, which: int, what: list[str], elsewhere: bool, killed: bool) -> None:
        """One or two moderators at once, perhaps of another server, perhaps just before a kill;
        about any job, mostly one that waits.
        """

        async def work() -> None:
            every = await self.all_jobs()
            waiting = [job for job in every if job.state is JobState.REVIEWING] or every
            if not waiting:
                return
            job = waiting[which % len(waiting)]
            guild = job.requester.guild_id + elsewhere
            deeds = [
                self.decision(guild, 900 + number, job.id, how) for number, how in enumerate(what)
            ]
            came_of_it = await asyncio.gather(*deeds)
            may = job.state is JobState.REVIEWING and not elsewhere
            assert came_of_it.count(True) == may, (job, what)
            if killed:
                await self.restart()

        self.run(work())

    async def decision(self, guild: int, user: int, job_id: int, how: str) -> bool:
        """Whether a moderator's decision was the one that counts."""
        by, reviews = Moderator(guild, user), self.house.reviews
        try:
            if how == "approve":
                await reviews.approve(by, job_id)
            elif how == "reject":
                await reviews.reject(by, job_id, "no")
            else:
                entry = (await reviews.block(by, job_id, None, None)).block
                if entry is not None:
                    self.governed.blocked(guild, entry.subject_id, self.clock.now())
        except (NothingHere, TooLate):
            return False
        return True

    @rule()
    def a_week_passes(self) -> None:
        """Nobody has decided for too long. All messages that can be written are, meanwhile."""

        async def work() -> None:
            self.discord.outcomes.clear()
            self.the_channel_is(())
            for _ in range(6):
                await self.house.deliver()
                self.clock.move(70)
            self.clock.move(7 * 24 * 3600)
            await self.rest()
            await self.house.reviews.expire()

        self.run(work())

    # -- what Pika does -------------------------------------------------------------------

    @rule(how=st.sampled_from(sorted(POSTS)))
    def the_next_post(self, how: str) -> None:
        """What Pika answers to the next request."""
        if len(self.pika.outcomes) < 3:
            self.pika.outcomes.append(POSTS[how])

    @rule(takes=st.booleans())
    def the_next_post_hangs(self, takes: bool) -> None:
        """Until the process ends."""
        if len(self.pika.outcomes) < 3:
            self.pika.outcomes.append(Hang(asyncio.Event(), takes))

    @rule(
        which=st.integers(0, 9),
        status=st.sampled_from([PikaStatus.COMPLETED] * 3 + [PikaStatus.FAILED]),
        broken=st.booleans(),
    )
    def finish(self, which: int, status: PikaStatus, broken: bool) -> None:
        """A job at Pika ends; not sooner than any video was ever made."""
        ready = sorted(
            p for p in self.pika.listed if self.clock.now() - self.born[p] >= SHORTEST_MS
        )
        if ready:
            self.done(ready[which % len(ready)], status, broken=broken)

    @rule(bad=st.booleans())
    def the_list(self, bad: bool) -> None:
        """Pika's list fails for a while, or works again."""
        self.pika.list_error = Unavailable("later") if bad else None

    @rule(which=st.integers(0, 9), bad=st.booleans())
    def one_read(self, which: int, bad: bool) -> None:
        """Pika cannot say how one of its jobs is, or can again."""
        self.pika.read_errors.clear()
        if bad and self.pika.listed:
            some = sorted(self.pika.listed)
            self.pika.read_errors[some[which % len(some)]] = Unavailable("later")

    @rule(which=st.integers(0, 9))
    def finish_unseen(self, which: int) -> None:
        """A job ends that no list ever showed."""
        unseen = sorted(
            name
            for name, report in self.pika.jobs.items()
            if report.status is PikaStatus.WORKING and name not in self.pika.listed
        )
        if unseen:
            self.done(unseen[which % len(unseen)])

    @rule(
        which=st.integers(0, 30),
        name=st.sampled_from(["its own", "its own", "another's", "garbage", "none"]),
        twice=st.booleans(),
    )
    def callback(self, which: int, name: str, twice: bool) -> None:
        """For any job that Pika ever took, at any time: before the answer to its POST, while it
        is made, after its end; naming whatever.
        """
        taken = self.pika.taken
        if not taken:
            return
        job = taken[which % len(taken)]
        other = taken[(which + 1) % len(taken)]
        names = {"its own": job.pika_id, "another's": other.pika_id, "garbage": "no such job"}

        async def work() -> None:
            for _ in range(2 if twice else 1):
                with suppress(JobNotFound):  # of an attempt that is no longer the last
                    await self.house.poller.hint(str(job.reply_ref), names.get(name))

        self.run(work())

    @rule(
        user=st.sampled_from(USERS),
        guild=st.sampled_from(GUILDS),
        meanwhile=st.integers(0, 3),
        ending=st.sampled_from(["called", "called", "crash", "nothing"]),
        lowered=st.sampled_from([None, "everyone", "role", "member", "budget"]),
    )
    def late(self, user: int, guild: int, meanwhile: int, ending: str, lowered: str | None) -> None:
        """Pika took it and nobody could see it; we gave it up; its member used the credit, or
        not, or a moderator took it away; then Pika calls.
        """
        self.asked += 1
        prompts = [f"wish {self.asked} {number}" for number in range(meanwhile + 1)]
        self.pika.outcomes.appendleft(POSTS["untracked"])

        async def ask(prompt: str) -> None:
            with suppress(UserError):
                await self.house.ask(requester(user, guild), recipe(prompt))
            await self.rest()

        async def work() -> None:
            await ask(prompts[0])
            for _ in range(15):
                await self.house.poller.round()
                self.clock.move(20)
                await self.rest()
            for prompt in prompts[1:]:
                await ask(prompt)
                self.clock.move(62)
                for name in sorted(self.pika.listed):
                    self.done(name)
                await self.house.poller.round()
                await self.rest()
            if lowered is not None:
                await self.govern(lowered, guild, user)
            for name in sorted(set(self.pika.jobs) - self.pika.listed):
                if self.pika.jobs[name].status is PikaStatus.WORKING:
                    self.done(name)
                    if ending != "nothing":
                        reference = str(self.pika.jobs[name].reply_ref)
                        with suppress(JobNotFound):
                            await self.house.poller.hint(reference, name)
            if ending == "crash":
                await self.restart()

        self.run(work())

    @rule(which=st.integers(0, 9))
    def two_answers(self, which: int) -> None:
        """Both say that a job is finished, and one of them is read when the other was acted on."""

        async def work() -> None:
            made = [job for job in await self.all_jobs() if job.state is JobState.RENDERING]
            if not made:
                return
            job = made[which % len(made)]
            self.clock.move(SHORTEST_MS / 1000)
            self.done(str(job.pika_id))
            report = await self.pika.report(str(job.pika_id))
            await self.house.poller.round()
            with suppress(MediaError):
                await self.house.settling.settle(job, report)

        self.run(work())

    @rule()
    def poll(self) -> None:
        """A round."""
        self.run(self.house.poller.round())

    # -- what Discord does ----------------------------------------------------------------

    @rule(how=st.sampled_from(sorted(MESSAGES)))
    def the_next_message(self, how: str) -> None:
        """What Discord answers to the next post."""
        if len(self.discord.outcomes) < 2:
            self.discord.outcomes.append(MESSAGES[how])

    @rule(closed=st.sampled_from([(), (CHANNEL,), (REVIEWS,), (CHANNEL, REVIEWS)]))
    def the_channel(self, closed: tuple[int, ...]) -> None:
        """The bot loses its permissions, or gets them back."""
        self.the_channel_is(closed)

    def the_channel_is(self, closed: tuple[int, ...]) -> None:
        """What is closed now, as the gateway tells."""
        self.discord.closed = dict.fromkeys(closed, 50001)
        for guild in GUILDS:
            self.house.closed.reopen(guild)

    @rule()
    def deliver(self) -> None:
        """A round."""
        self.run(self.house.deliver())

    # -- what the world does --------------------------------------------------------------

    @rule(seconds=st.sampled_from([1, 10, 30, 62, 125, 1300]))
    def time_passes(self, seconds: int) -> None:
        """The bot looks meanwhile, as it does every few seconds, if it is soon; else it sleeps."""

        async def work() -> None:
            self.clock.move(seconds)

        self.run(work())

    @rule(seconds=st.sampled_from([62, 130, 300]), polls=st.integers(0, 8))
    def blackout(self, seconds: int, polls: int) -> None:
        """A kill; Pika goes on and finishes what it has; the next start comes late."""

        async def work() -> None:
            await self.house.crash()
            self.clock.move(seconds)
            for pika_id in sorted(self.pika.listed):
                if self.clock.now() - self.born.get(pika_id, self.clock.now()) >= SHORTEST_MS:
                    self.done(pika_id)
            self.house = await House.open(self.world, quota=QUOTA, slots=SLOTS)
            self.house.run()
            for _ in range(polls):
                await self.house.poller.round()
                self.clock.move(20)
                await self.rest()

        self.run(work())

    @rule()
    def crash(self) -> None:
        """A kill between two events."""
        self.run(self.restart())

    @precondition(lambda self: hasattr(self, "house"))
    @rule(
        what=st.sampled_from(["poll", "deliver", "ask", "silent post", "remove", "decide"]),
        turns=st.integers(0, 12),
    )
    def crash_during(self, what: str, turns: int) -> None:
        """A kill in the middle of one."""
        self.asked += 1

        async def work() -> None:
            if what == "poll":
                busy: Coroutine[Any, Any, Any] = self.house.poller.round()
            elif what == "ask":
                busy = self.house.ask(requester(1, 10), recipe(f"wish {self.asked}"))
            elif what == "remove":
                busy = self.remove_and_deliver()
            elif what == "decide":
                busy = self.decide_all()
            else:
                if what == "silent post":
                    self.discord.outcomes.appendleft(PostedSilent(asyncio.Event()))
                busy = self.house.courier.round()
            self.house.start(busy)
            for _ in range(turns):
                await asyncio.sleep(0.0002)
            await self.restart()

        self.run(work())
        self.discord.outcomes = type(self.discord.outcomes)(
            outcome for outcome in self.discord.outcomes if not isinstance(outcome, PostedSilent)
        )

    async def remove_and_deliver(self) -> None:
        """The newest video there is goes."""
        posted = [job for job in await self.all_jobs() if job.state in VIDEO]
        if posted:
            by = Moderator(posted[-1].requester.guild_id, MODERATOR)
            with suppress(TooLate):
                await self.house.removals.remove(by, posted[-1].id, "crash")
        await self.house.courier.round()

    async def decide_all(self) -> None:
        """Half of what waits is approved."""
        for job in await jobs.in_state(self.house.database, JobState.REVIEWING):
            how = "approve" if job.id % 2 else "reject"
            await self.decision(job.requester.guild_id, 900, job.id, how)

    # -- what must hold -------------------------------------------------------------------

    @invariant()
    def the_books_are_right(self) -> None:
        """Checked after every step."""
        if hasattr(self, "house"):
            self.run(self.check())

    async def check(self) -> None:
        """All that holds at any time."""
        database = self.house.database
        every = await self.all_jobs()
        for job in every:
            await self.check_job(job)

        used: Counter[tuple[int, int]] = Counter()
        rows = await database.fetch(USED, {})
        for row in rows:
            if row["held_at"] > self.clock.now() - QUOTA.window_ms:
                used[row["guild_id"], row["user_id"]] += row["credits"]
        self.look_at_holds(every, rows)
        late = Counter(
            (job.requester.guild_id, job.requester.user_id)
            for job in every
            if job.state in VIDEO_HERE and job.code == LATE
        )
        for user in USERS:
            for guild in GUILDS:
                asker = asker_of(requester(user, guild))
                trace = (await self.house.members.account(asker)).trace
                own, open_ = (trace.of(r).measure for r in (Rule.MEMBER_LIMIT, Rule.UNFINISHED))
                assert own is not None
                assert open_ is not None
                assert own.used == used[guild, user]
                assert open_.used - late[guild, user] <= QUOTA.concurrent

        assert max(Counter(self.pika.bought).values(), default=0) <= 1, self.pika.bought
        assert {job.id for job in every if job.state in AT_PIKA} == self.house.slots.taken
        assert {job.id for job in every if job.state is JobState.QUEUED} == set(
            self.house.queue.order()
        )

    def look_at_holds(self, every: Sequence[Job], rows: Sequence[Row]) -> None:
        """What was taken since the last look was in order by what was set then."""
        by_id = {job.id: job for job in every}
        for row in rows:
            job = by_id[row["job_id"]]
            if self.known.get(job.id) == row["held_at"]:
                continue
            wrong = self.governed.wrong(
                row,
                rows,
                late=row["held_at"] != job.created_at or job.code == LATE,
                role=job.requester.request_key in self.with_role,
            )
            assert wrong is None, (wrong, job)
            self.known[job.id] = row["held_at"]

    async def check_job(self, job: Job) -> None:
        """All that holds of one job at any time."""
        rows = await self.house.database.fetch(
            "SELECT state, code, at FROM job_event WHERE job_id = :id ORDER BY id", {"id": job.id}
        )
        for row in rows:
            if row["state"] == JobState.SUBMITTING:
                assert not self.governed.held_back(job.requester.guild_id, row["at"]), job
        path = [JobState(row["state"]) for row in rows]
        assert path[0] is JobState.QUEUED
        assert path[-1] is job.state
        for before, after in pairwise(path):
            assert after in NEXT[before], path
        assert path.count(JobState.DELIVERING) <= 1, "a second video"
        assert path.count(JobState.REVIEWING) == (job.review is not None)
        came_back = [
            before["code"]
            for before, after in pairwise(rows)
            if before["state"] == JobState.FAILED and after["state"] in VIDEO_HERE
        ]
        assert len(came_back) <= 1
        assert set(came_back) <= GIVEN_UP

        if job.state in VIDEO_HERE:
            assert job.video_path is not None, job
            assert job.video_path.exists(), (job, "nobody has deleted it")
        charged = job.state in VIDEO or job.code in PAID_WITHOUT_VIDEO
        hold = Hold.CHARGED if charged else Hold.RELEASED if job.state in FINAL else Hold.HELD
        expected = {hold, Hold.RELEASED} if came_back else {hold}  # late: free where none is left
        assert await self.house.hold(job.id) in expected, job
        assert job.hold in expected

        for kind in DeliveryKind:
            posted = self.discord.of(job.id, kind)
            if kind is DeliveryKind.NOTICE:  # that there is no video, and that it is rejected
                assert len(posted) <= 1 + (bool(came_back) and job.code == REJECTED), (job, posted)
            elif kind is not DeliveryKind.REVIEW:  # which may go on elsewhere
                assert len(posted) <= 1, (job, kind)
        if job.review is not None and job.review.verdict is not Verdict.APPROVED:
            assert self.discord.of(job.id, DeliveryKind.RESULT) == [], "nobody let it through"

    def teardown(self) -> None:
        """The storm is over, and a few hours pass: everything comes to its end."""
        try:
            if hasattr(self, "house"):
                self.run(self.come_to_an_end())
        finally:
            if hasattr(self, "house"):
                self.runner.run(self.house.crash())
            self.stack.close()

    async def come_to_an_end(self) -> None:
        """Nothing fails any more."""
        self.pika.outcomes.clear()
        self.pika.list_error = None
        self.pika.read_errors.clear()
        self.discord.outcomes.clear()
        self.discord.closed = {}
        for guild in GUILDS:
            await self.house.database.write(
                lambda tx, guild=guild: self.governed.free(tx, guild, self.clock.now())
            )
        await self.restart()
        for step in range(400):
            await self.house.poller.round()
            await self.house.deliver()
            await self.rest()
            await self.decide_all()
            if step > 3 and not await jobs.unfinished(self.house.database):
                break
            self.clock.move(30)
            for pika_id in list(self.pika.listed):
                if self.clock.now() - self.born[pika_id] >= SHORTEST_MS:
                    self.done(pika_id)
        for _ in range(6):
            self.clock.move(70)
            await self.house.deliver()

        await self.check()
        for job in await self.all_jobs():
            assert job.state in FINAL, job
            # What cannot be written is left alone a week after the end of its job.
            assert job.finished_at is not None
            if self.clock.now() - job.finished_at < STUCK_MS:
                for message in self.discord.of(job.id, DeliveryKind.CARD):
                    assert job.code == "unanswered" or message.shows == "final", (job, message)
                reviews = self.discord.of(job.id, DeliveryKind.REVIEW)
                assert {m.shows for m in reviews} <= {"final", MOVED}, (job, reviews)
                assert len({m.nonce for m in reviews}) == len(reviews), (job, reviews)
            results = len(self.discord.of(job.id, DeliveryKind.RESULT))
            there = job.state is JobState.DELIVERED and job.removal is None
            assert results == there, job
            told = len(self.discord.of(job.id, DeliveryKind.REMOVAL))
            by_moderator = job.removal is not None and job.removal.actor_id == MODERATOR
            assert told == by_moderator, job
        at_last = self.clock.now() + 10**12
        assert await deliveries.due(self.house.database, at_last, 99) == []
        assert await removals.due(self.house.database, at_last, ()) == []
        for row in await self.house.database.fetch("SELECT * FROM former_review", {}):
            over = (await self.house.job(row["job_id"])).finished_at
            assert over is not None
            assert self.clock.now() - over >= STUCK_MS, row
        assert self.house.slots.taken == set()
        left = [path.name for path in (self.world.folder / "videos").iterdir()]
        undeliverable = [
            job
            for job in await self.all_jobs()
            if job.code == "undeliverable" and job.removal is None
        ]
        assert len(left) == len(undeliverable), left
        shutil.rmtree(self.world.folder / "videos")


Workflow.TestCase.settings = settings(
    max_examples=75,
    stateful_step_count=30,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
TestWorkflow = Workflow.TestCase
