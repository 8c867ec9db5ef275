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

from bot.errors import Denied, JobNotFound, TryLater, UserError
from bot.media import find_ffmpeg
from bot.model import (
    FINAL,
    GIVEN_UP,
    LATE,
    NEXT,
    DeliveryKind,
    Hold,
    Job,
    JobState,
    PikaStatus,
    Quota,
)
from bot.pika.errors import AccountProblem, Busy, Moderated, NoAnswer, NotSent, Unavailable
from bot.rules.trace import Rule
from bot.store import deliveries, jobs
from bot.store.database import Row
from bot.store.migrate import migrate
from tests.fakes import (
    CHANNEL,
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
VIDEO = {JobState.DELIVERING, JobState.DELIVERED}
PAID_WITHOUT_VIDEO = {"finished_first", "undeliverable"}
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
                assert job.state in FINAL | {JobState.DELIVERING}

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

    @rule(closed=st.booleans())
    def the_channel(self, closed: bool) -> None:
        """The bot loses its permissions, or gets them back."""
        self.discord.closed = {CHANNEL: 50001} if closed else {}

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
        what=st.sampled_from(["poll", "deliver", "ask", "silent post"]),
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
            if job.state is JobState.DELIVERING and job.code == LATE
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
        came_back = [
            before["code"]
            for before, after in pairwise(rows)
            if before["state"] == JobState.FAILED and after["state"] == JobState.DELIVERING
        ]
        assert len(came_back) <= 1
        assert set(came_back) <= GIVEN_UP

        charged = job.state in VIDEO or job.code in PAID_WITHOUT_VIDEO
        hold = Hold.CHARGED if charged else Hold.RELEASED if job.state in FINAL else Hold.HELD
        expected = {hold, Hold.RELEASED} if came_back else {hold}  # late: free where none is left
        assert await self.house.hold(job.id) in expected, job
        assert job.hold in expected

        for kind in DeliveryKind:
            assert len(self.discord.of(job.id, kind)) <= 1, (job, kind)

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
            for message in self.discord.of(job.id, DeliveryKind.CARD):
                assert job.code == "unanswered" or message.shows == "final", (job, message)
            results = len(self.discord.of(job.id, DeliveryKind.RESULT))
            assert results == (job.state is JobState.DELIVERED), job
        due = await deliveries.due(self.house.database, self.clock.now() + 10**9, 99)
        assert due == []
        assert self.house.slots.taken == set()
        left = [path.name for path in (self.world.folder / "videos").iterdir()]
        undeliverable = [j for j in await self.all_jobs() if j.code == "undeliverable"]
        assert len(left) == len(undeliverable), left
        shutil.rmtree(self.world.folder / "videos")


Workflow.TestCase.settings = settings(
    max_examples=60,
    stateful_step_count=30,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
TestWorkflow = Workflow.TestCase
