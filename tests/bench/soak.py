# ruff: noqa: T201
"""Minutes of everything at once: steady work under a random mix of all misfortunes.

The unchanged bot is a process of its own between both embedded servers. People in four servers
ask with all four verbs, in channels and threads; some cancel, some get videos that have to be
encoded again; in two servers moderators look at every video first. Meanwhile everything happens
to it that the servers can be told to do: SIGKILL and SIGTERM, faults of Pika, its files and
callbacks, faults of Discord's API and gateway, places that close and permissions that go. Then
the misfortunes end, the work runs out, and what happened is judged at both servers and in the
database (``tests/judge.py``).

The seed decides who does what and what goes wrong in which order; when exactly, the machine does.

Run: ``python tests/bench/soak.py [--minutes N] [--seed N]``. Prints figures and one line for
each broken promise; exit code 1 if there is one. With DISCORD_OPENAPI every exchange with the
embedded Discord is checked against Discord's own file.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import re
import shutil
import statistics
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

import uvloop

from bot.model import FINAL, JobState
from bot.sandbox.pika import Account, PikaJob
from tests.bench.crowd import ACK_SECONDS, CALLBACK, Asked, Crowd
from tests.bench.lives import Keeper
from tests.bench.machine import machine
from tests.bench.moderators import Moderators
from tests.bench.trouble_at_discord import TroubleAtDiscord
from tests.bench.trouble_at_pika import TroubleAtPika
from tests.bench.trouble_by_people import TroubleByPeople
from tests.bench.weather import Stage, Weather
from tests.e2e.town import Town, noisy_clip
from tests.judge import (
    Broken,
    Posted,
    Violation,
    books,
    one_job,
    open_work,
    over_limit,
    removed_jobs,
)
from tests.ports import free_port

QUOTA, QUOTA_MINUTES, CONCURRENT = 24, 3.0, 4
DOUBT_SECONDS = 6.0
ACCEPT_SECONDS = 3.2
"""How long Pika keeps a POST waiting. Together with what follows longer than half of the time
for doubts, as real videos take: on that rests the proof that a job is not there."""

RENDER_SECONDS = 2.0
ACCOUNTS = tuple(
    Account(f"118000000000000000{n}", f"MTE4soakDiscordToken{n}OfPika") for n in range(3)
)
SETTINGS = {
    "PIKA_POLL_SECONDS": "0.3",
    "PIKA_BUSY_SECONDS": "0.5",
    "PIKA_MAX_JOBS": str(10 * len(ACCOUNTS)),
    "PIKA_DOUBT_SECONDS": str(DOUBT_SECONDS),
    "PIKA_TIMEOUT_MINUTES": "0.5",
    "DEFAULT_QUOTA": str(QUOTA),
    "DEFAULT_QUOTA_HOURS": str(QUOTA_MINUTES / 60),
    "DEFAULT_CONCURRENT": str(CONCURRENT),
    "LOG_LEVEL": "INFO",
}
CLOSED = ("404/10003", "400/160005")
"""Discord's answers where nobody can answer a command: the place is gone, or locked."""

MIB = 1024 * 1024
SMALL_LIMIT = 10 * MIB
LARGE_MB = 12.0
MOST_TOLD = 12
"""Steps of a long story that are told from its beginning, and from its end."""

NONCE_SECONDS = 15.0
"""How long Discord remembers a nonce here, not minutes: so the bot has to look back, too."""

DRAIN_SECONDS = 240.0
"""How long the work may take to run out; a submit that Pika never answers takes a minute."""


class Soak:
    """One run."""

    def __init__(self, folder: Path, arguments: argparse.Namespace, openapi: Path | None) -> None:
        self.minutes: float = arguments.minutes
        self.rate: float = arguments.rate
        self.pace: float = arguments.pace
        self.seed: int = arguments.seed
        self.town = Town(
            folder,
            openapi,
            accept_seconds=ACCEPT_SECONDS,
            render_seconds=RENDER_SECONDS,
            accounts=ACCOUNTS,
        )
        self.town.discord.rate_limits = True
        self.town.discord.upload_limit = SMALL_LIMIT
        self.town.discord.world.nonce_window = NONCE_SECONDS
        port = free_port()
        settings = {
            **SETTINGS,
            "HTTP_PORT": str(port),
            "PUBLIC_URL": f"http://127.0.0.1:{port}",
        }
        video = noisy_clip(LARGE_MB)
        self.crowd = Crowd(self.town, random.Random(f"crowd {self.seed}"), video)
        self.moderators = Moderators(
            self.crowd, random.Random(f"moderators {self.seed}"), self.town.data
        )
        self.keeper = Keeper(self.town, settings, port=port)
        self.stage = Stage(self.crowd, self.keeper, random.Random(f"weather {self.seed}"))
        kinds = {
            **TroubleAtPika(self.stage).kinds(),
            **TroubleAtDiscord(self.stage).kinds(),
            **TroubleByPeople(self.stage).kinds(),
            "review channel: another one": (0.5, self._move_reviews),
            "review channel: deleted": (0.5, self._lose_reviews),
        }
        self.weather = Weather(self.stage, kinds, without=arguments.without)
        self.violations: list[Violation] = []
        self.drained = 0.0
        self.began = 0.0

    async def run(self) -> None:
        """Everything, and the judgement."""
        await self.town.open()
        try:
            await self.keeper.open()
            await self.moderators.open()
            self.began = time.time()
            await self._storm()
            await self._come_to_rest()
            self.violations = [*self.violations, *self._judge()]
        finally:
            await self.keeper.close()
            await self.town.close()

    async def _storm(self) -> None:
        tasks = [asyncio.create_task(work()) for work in (self._load, self._trouble, self._watch)]
        try:
            done, _ = await asyncio.wait(
                tasks, timeout=self.minutes * 60, return_when=asyncio.FIRST_COMPLETED
            )
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self.weather.end()

    async def _load(self) -> None:
        draw = random.Random(f"load {self.seed}")
        while True:
            await asyncio.sleep(draw.expovariate(self.rate))
            await self.stage.calm.wait()
            await self.crowd.act()

    async def _trouble(self) -> None:
        draw = random.Random(f"trouble {self.seed}")
        while True:
            await asyncio.sleep(draw.expovariate(1 / self.pace))
            self.weather.next()

    async def _move_reviews(self) -> None:
        self.stage.note("review channel: another one")
        await asyncio.shield(self.moderators.move())

    async def _lose_reviews(self) -> None:
        self.stage.note("review channel: deleted")
        await self.moderators.lose()

    async def _watch(self) -> None:
        """Nobody may have used more than the limit, whenever one looks."""
        while True:
            await asyncio.sleep(1.0)
            used = self.town.rows(
                """
                SELECT guild_id, user_id, sum(credits) AS used FROM reservation
                WHERE state <> 'released' AND held_at > :since GROUP BY guild_id, user_id
                """,
                since=int((time.time() - QUOTA_MINUTES * 60) * 1000),
            )
            for one in used:
                if one["used"] > QUOTA:
                    text = f"{one['used']} of {QUOTA} used by {one['user_id']}"
                    self.violations.append(Violation(Broken.OVERCHARGED, text))

    async def _come_to_rest(self) -> None:
        """Nothing goes wrong any more: wait until all is done, then stop the bot."""
        began = time.time()
        await self.keeper.connected()
        deciding = asyncio.create_task(self.moderators.decide_all(), name="deciding")
        try:
            await self.town.discord.wait_for(
                lambda: not open_work(self.town.rows), timeout=DRAIN_SECONDS
            )
        except TimeoutError:
            for row in open_work(self.town.rows):
                text = f"nothing came of it in {DRAIN_SECONDS:g} s: {row}"
                self.violations.append(Violation(Broken.LOST, text, row["id"]))
        finally:
            deciding.cancel()
            await asyncio.gather(deciding, return_exceptions=True)
            await self.moderators.end()
        self.drained = time.time() - began
        await asyncio.sleep(1.0)
        await self.keeper.terminate(again=False)

    # -- judging --------------------------------------------------------------------------------

    def _judge(self) -> Iterator[Violation]:
        rows = self.town.rows
        self.tries: dict[str, list[str]] = defaultdict(list)
        for seen in self.town.discord.requests:
            if seen.route == CALLBACK:
                code = f"/{seen.code}" if seen.code else ""
                self.tries[seen.path.split("/")[-2]].append(f"{seen.status}{code}")
        self.posted = Posted.of(self.town.discord.world, self.crowd.gone)
        self.made: dict[str, list[PikaJob]] = {}
        for made in self.town.pika.accepted:
            self.made.setdefault(made.prompt, []).append(made)
        self.removed = removed_jobs(rows)
        jobs = rows("SELECT * FROM job ORDER BY id")
        self.jobs = {job["request_key"]: job for job in jobs}
        holds = {r["job_id"]: r["state"] for r in rows("SELECT job_id, state FROM reservation")}
        yield from books(rows)
        yield from over_limit(
            rows, limit=QUOTA, window_ms=int(QUOTA_MINUTES * 60_000), concurrent=CONCURRENT
        )
        yield from self.posted.doubled()
        for asked in self.crowd.asked:
            if asked.prompt:
                yield from self._judge_wish(asked, holds)
        for at, text in self.keeper.complaints:
            # A bot that cannot log in says so and leaves: its service manager tries again.
            if not (text.endswith("exit code 1") and self._discord_was_out(at)):
                yield Violation(Broken.BOOKS, f"{text} {at - self.began:+.2f}")
        for text in self.town.discord.violations:
            yield Violation(Broken.BOOKS, text)
        for text in self.town.pika.violations:
            yield Violation(Broken.BOOKS, text)

    def _judge_wish(self, asked: Asked, holds: dict[int, str]) -> Iterator[Violation]:
        job, made = self.jobs.get(asked.invocation.id), self.made.get(asked.prompt, [])
        if job is None:
            if asked.card is not None:
                yield Violation(Broken.LOST, f"{asked.prompt!r} has a card, but is no job")
            if made:
                yield Violation(Broken.OVERCHARGED, f"{asked.prompt!r} was made, but is no job")
            return
        if asked.answered and asked.card is None:
            yield Violation(Broken.OVERCHARGED, "refused, and taken all the same", job["id"])
        removed = job["id"] in self.removed
        yield from one_job(job, holds[job["id"]], self.posted, made, removed=removed)

    def story(self, violation: Violation) -> str:
        """The violation, and what is known of its job, in one line."""
        job = next((j for j in self.jobs.values() if j["id"] == violation.job_id), None)
        if job is None:
            return str(violation)
        begin, end = job["created_at"] / 1000, (job["finished_at"] or time.time() * 1000) / 1000
        steps = self.town.rows(
            "SELECT state, code, at FROM job_event WHERE job_id = :id ORDER BY id", id=job["id"]
        )
        sent = self.town.rows(
            "SELECT kind, state, place, attempts, code, sent_at FROM delivery WHERE job_id = :id",
            id=job["id"],
        )
        way = _short([self._step(s["state"], s["code"], s["at"] / 1000) for s in steps], " → ")
        mail = "; ".join(" ".join(str(value) for value in row.values()) for row in sent)
        made = [self._step(m.jobid, m.status, m.created) for m in self.made.get(job["prompt"], [])]
        asked = next(a for a in self.crowd.asked if a.invocation.id == job["request_key"])
        around = self._relative(self.stage.between(begin - 1, end + 1))
        return (
            f"{violation} | {asked.what} in {asked.where.name}, answered {asked.answered}"
            f" | {way} | at Pika: {made} | messages: {mail} | meanwhile: {around}"
        )

    def _step(self, what: str, code: str | None, at: float) -> str:
        return f"{what}{f' ({code})' if code else ''} {at - self.began:+.2f}"

    def _relative(self, told: list[tuple[str, float]]) -> str:
        return _short([f"{name} {at - self.began:+.2f}" for name, at in told], ", ")

    # -- telling --------------------------------------------------------------------------------

    def report(self) -> int:
        """Print everything; the exit code."""
        wishes = [asked for asked in self.crowd.asked if asked.prompt]
        late = [a for a in self.crowd.asked if not a.answered and not self._excuse(a)]
        excused = [a for a in self.crowd.asked if not a.answered and self._excuse(a)]
        kinds, lives = self.stage.by_kind, self.keeper.lives
        never = [kind for kind in self.weather.kinds if not kinds[kind]]
        print(f"\nminutes          {self.minutes:g}, then {self.drained:.1f} s until all was done")
        print(f"asked            {len(self.crowd.asked)} times, for a video {len(wishes)} times")
        print(f"jobs             {len(self.jobs)}: {self._outcomes()}")
        print(
            f"decisions        {self.moderators.decided} presses under {self._held()} held videos"
        )
        print(f"refused          {sum(a.answered and a.card is None for a in wishes)}")
        print(f"not for the bot  {sum(self.crowd.impossible.values())}: Discord let nobody ask")
        print(f"kills            {self.keeper.kills} by SIGKILL, {self._stops()} by SIGTERM")
        print(f"misfortunes      {sum(kinds.values())} of {len(kinds) - len(never)} kinds")
        for kind, times in sorted(kinds.items()):
            print(f"  {times:>4}  {kind}")
        if never:
            print(f"  never: {', '.join(never)}")
        print(f"lives            {len(lives)}: seconds, memory first and last, growth, stall, end")
        for life in lives:
            print(life.row())
        slopes = [life.slope for life in lives if life.slope is not None]
        if slopes:
            print(f"growth           {statistics.median(slopes) / 1e6:+.1f} MB/min (median)")
        print(f"longest stall    {max(life.stall for life in lives) * 1000:.0f} ms")
        print(f"no answer in 3 s {len(late)}; {len(excused)} more while nobody could answer")
        for asked in late:
            tries = ", ".join(self.tries[asked.invocation.token]) or "never tried"
            when = f"{asked.what} {asked.at - self.began:+.2f}"
            print(f"  {when}: {tries}; meanwhile {self._around(asked.at)}")
        print(f"made for nobody  {self._made_for_nobody()}")
        told = _tracebacks(self.town.log)
        print(f"tracebacks       {len(told)}{f' in {self.town.folder}/bot.log' if told else ''}")
        for one in told[:MOST_TOLD]:
            print(one)
        count = Counter(violation.broken for violation in self.violations)
        print("\n" + "   ".join(f"{kind} {count[kind]}" for kind in Broken))
        for violation in self.violations:
            print(f"  {self.story(violation)}")
        print(f"seed {self.seed}")
        return 1 if self.violations else 0

    def _excuse(self, asked: Asked) -> str:
        """Why nobody could answer in time; empty for no reason."""
        end = asked.at + ACK_SECONDS
        if asked.excuse:
            return asked.excuse
        if not self.keeper.presence.throughout(asked.at - 0.05, end):
            return "the bot was away"
        if self._discord_was_out(asked.at):
            return "Discord was out of order"
        if any(code in self.tries[asked.invocation.token] for code in CLOSED):
            return "the place was closed"
        return ""

    def _discord_was_out(self, at: float) -> bool:
        return any(begin <= at <= end for begin, end in self.stage.outages)

    def _around(self, at: float) -> str:
        return self._relative(self.stage.between(at - 1, at + ACK_SECONDS))

    def _outcomes(self) -> str:
        count = Counter(f"{job['state']} {job['code'] or ''}".strip() for job in self.jobs.values())
        return ", ".join(f"{times} {outcome}" for outcome, times in count.most_common())

    def _held(self) -> int:
        return len(self.town.rows("SELECT job_id FROM review"))

    def _stops(self) -> int:
        return sum(life.end.startswith("SIGTERM") for life in self.keeper.lives)

    def _made_for_nobody(self) -> str:
        """Videos that Pika made for jobs that ended without one, by how those ended."""
        count: Counter[str] = Counter()
        for job in self.jobs.values():
            made = any(m.status == "completed" for m in self.made.get(job["prompt"], []))
            if made and JobState(job["state"]) in FINAL - {JobState.DELIVERED}:
                count[job["code"]] += 1
        return ", ".join(f"{times} {code}" for code, times in count.most_common()) or "none"


def _short(told: list[str], between: str) -> str:
    """All of it, or its beginning and its end."""
    if len(told) > 2 * MOST_TOLD:
        told = [*told[:MOST_TOLD], "…", *told[-MOST_TOLD:]]
    return between.join(told)


def _tracebacks(log: str) -> list[str]:
    """Each with the line before it, which says what went wrong, up to what was raised."""
    return re.findall(r"^.*\nTraceback .*\n(?:[ \t].*\n|\n)*.*$", log, re.MULTILINE)


async def main(arguments: argparse.Namespace) -> int:
    """Run, report; 1 when a promise was broken."""
    openapi = os.getenv("DISCORD_OPENAPI")
    print(f"{machine()}\nseed {arguments.seed}", flush=True)
    folder = Path(tempfile.mkdtemp(prefix="pika-soak-", dir=arguments.dir))
    soak = Soak(folder, arguments, Path(openapi) if openapi else None)
    await soak.run()
    code = soak.report()
    if code == 0 and arguments.dir is None and "Traceback" not in soak.town.log:
        shutil.rmtree(folder)
    return code


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--rate", type=float, default=3.0, help="what people do, a second")
    parser.add_argument("--pace", type=float, default=0.6, help="seconds between misfortunes")
    parser.add_argument("--without", nargs="*", default=[], help="how misfortunes to omit begin")
    parser.add_argument("--dir", type=Path, help="keep the log and the database in a folder here")
    sys.exit(uvloop.run(main(parser.parse_args())))
