# ruff: noqa: T201
"""How fast commands are acknowledged: this bot against a bare one, on the same sandbox.

This bot answers ``/create`` with the card of a job whose commit is on the disk; the bare bot
(``bare_bot.py``) only defers. Both are processes of their own, fresh for each load. Sandbox
and bot have one core each where the system allows it, so that neither slows the other down.
Loopback has no round-trip time: what is measured is the bots' own work, and the disk's.

This bot runs as in production; only the quota is raised, so that nothing is refused, and Pika
is paused, as the answer is measured and not the making. In the end each bot is killed without
a warning; then the database must hold every command that was acknowledged.

Run: ``python tests/bench/acknowledge.py [--rounds N] [--quick] [--dir FOLDER]``, on a machine
that does nothing else. Prints a table and the ratios.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import json
import os
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import uvloop

from bot.sandbox.discord import EmbeddedDiscord
from bot.sandbox.discord.errors import DidNotRespond
from bot.sandbox.pika import EmbeddedPika
from tests.bench.machine import machine

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
CORES = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
PROMPT = "a fox runs through fresh snow"
ALLOWED = 3.0
"""Seconds in which Discord wants the acknowledgement."""

IN_FLIGHT = "64 in flight"
BURSTS = {"burst of 1,000": 1_000, "burst of 5,000": 5_000}
AIM = 0.8


@dataclass
class Result:
    """What one bot did under one load."""

    load: str
    acked: list[float] = field(default_factory=list)
    lost: int = 0
    seconds: float = 0.0
    cpu: float = 0.0

    @property
    def rate(self) -> float:
        """Acknowledgements per second."""
        return len(self.acked) / self.seconds

    @property
    def cpu_each(self) -> float:
        """Microseconds of the bot's CPU, all threads, per interaction that was sent to it."""
        return self.cpu / (len(self.acked) + self.lost) * 1e6

    def quantile(self, share: float) -> float:
        """Milliseconds within which this share of the acknowledgements came."""
        times = sorted(self.acked) or [float("nan")]
        return times[min(len(times) - 1, int(len(times) * share))] * 1000

    def row(self, kind: str) -> str:
        """One line of the table."""
        return (
            f"{kind + ': ' + self.load:<24} {self.rate:7.0f}/s {self.cpu_each:6.0f} µs "
            f"{self.quantile(0.5):8.1f} {self.quantile(0.99):8.1f} {self.quantile(1):8.1f} ms "
            f"{self.lost:6}"
        )


class Bench:
    """One sandbox and one bot."""

    def __init__(self, discord: EmbeddedDiscord, process: psutil.Process) -> None:
        self.discord = discord
        self.process = process
        world = discord.world
        guild = world.create_guild("bench")
        self.channel = guild.create_text_channel("videos")
        self.members = [guild.join(world.create_user(f"m{n}")) for n in range(5_000)]
        self.keys: list[int] = []

    async def one(self, result: Result, number: int) -> None:
        """One command by one member, until it is acknowledged or the time is over."""
        member = self.members[number % len(self.members)]
        invocation = await self.discord.invoke(member, self.channel, "create", prompt=PROMPT)
        try:
            await invocation.acknowledged(timeout=ALLOWED)
        except DidNotRespond:
            result.lost += 1
            return
        if invocation.ephemeral:
            raise RuntimeError(f"refused: {invocation.message and invocation.message.text}")
        result.acked.append(invocation.ack_seconds or 0.0)
        self.keys.append(invocation.id)

    @contextlib.contextmanager
    def measured(self, result: Result) -> Iterator[None]:
        """Time and CPU of what happens inside."""
        gc.collect()
        before = self.process.cpu_times()
        began = time.perf_counter()
        yield
        result.seconds = time.perf_counter() - began
        after = self.process.cpu_times()
        result.cpu = after.user + after.system - before.user - before.system

    async def closed(self, load: str, in_flight: int, total: int) -> Result:
        """As many as can be acknowledged, with so many in flight at once."""
        result = Result(load)
        numbers = iter(range(total))

        async def worker() -> None:
            for number in numbers:
                await self.one(result, number)

        with self.measured(result):
            await asyncio.gather(*(worker() for _ in range(in_flight)))
        return result

    async def steady(self, load: str, rate: int, seconds: float) -> Result:
        """So many a second, whether or not the last ones are acknowledged."""
        result, running = Result(load), []
        with self.measured(result):
            began = time.perf_counter()
            for number in range(int(rate * seconds)):
                delay = began + number / rate - time.perf_counter()
                if delay > 0:
                    await asyncio.sleep(delay)
                running.append(asyncio.ensure_future(self.one(result, number)))
            await asyncio.gather(*running)
        return result

    async def burst(self, load: str, size: int) -> Result:
        """All at one instant; the clocks run while the sandbox is still sending."""
        result = Result(load)
        with self.measured(result):
            await asyncio.gather(*(self.one(result, number) for number in range(size)))
        return result


@dataclass
class Kept:
    """Commands that were acknowledged, and those found afterwards with their reservation."""

    acknowledged: int = 0
    found: int = 0

    def count(self, keys: list[int], database: Path) -> None:
        """Look for these requests in the database of a bot that was killed."""
        with contextlib.closing(sqlite3.connect(database)) as connection:
            (found,) = connection.execute(
                """
                SELECT count(*) FROM job JOIN reservation ON reservation.job_id = job.id
                WHERE job.request_key IN (SELECT value FROM json_each(?))
                """,
                (json.dumps(keys),),
            ).fetchone()
        self.acknowledged += len(keys)
        self.found += found


@contextlib.asynccontextmanager
async def bench(kind: str, parent: Path | None, kept: Kept) -> AsyncIterator[Bench]:
    """A fresh sandbox with a fresh bot of this kind, warmed up."""
    with tempfile.TemporaryDirectory(dir=parent) as folder:
        async with EmbeddedDiscord(record=False) as discord, EmbeddedPika(instant=True) as pika:
            pika.pause()
            env = {
                "PYTHONPATH": str(ROOT),
                "DISCORD_TOKEN": discord.token,
                "DISCORD_API_URL": discord.api_url,
                "DISCORD_GATEWAY_URL": discord.gateway.url,  # only the bare bot needs to be told
                "PIKA_API_URL": pika.api_url,
                "PIKA_API_TOKEN": pika.token,
                "DEFAULT_QUOTA": "100000",
                "DEFAULT_CONCURRENT": "1000",
                "DATA_DIR": folder,
                "HTTP_PORT": "0",
                "LOG_LEVEL": "ERROR",
            }
            command = [str(HERE / "bare_bot.py")] if kind == "bare" else ["-m", "bot", "run"]
            with _on_the_second_core():
                process = await asyncio.create_subprocess_exec(
                    sys.executable, *command, env=env, cwd=folder
                )
            try:
                stand = Bench(discord, psutil.Process(process.pid))
                await discord.connected(30)
                await discord.commands_registered(30)
                await asyncio.sleep(2.5)  # discord.py waits two seconds for guilds
                await stand.closed("warm up", 64, 1_000)
                yield stand
            finally:
                if process.returncode is None:
                    process.kill()
                await process.wait()
        if kind == "ours":
            kept.count(stand.keys, Path(folder) / "pika.db")


@contextlib.contextmanager
def _on_the_second_core() -> Iterator[None]:
    """A process started inside has a core for itself, and this one has another."""
    if len(CORES) < 2:
        yield
        return
    os.sched_setaffinity(0, {CORES[1]})
    try:
        yield
    finally:
        os.sched_setaffinity(0, {CORES[0]})


async def measure(kind: str, arguments: argparse.Namespace, kept: Kept) -> AsyncIterator[Result]:
    """Every load on one kind of bot, each on a fresh process."""
    total, seconds = (2_000, 2.0) if arguments.quick else (10_000, 10.0)
    async with bench(kind, arguments.dir, kept) as stand:
        yield await stand.closed(IN_FLIGHT, 64, total)
    for rate in (200, 1_000):
        async with bench(kind, arguments.dir, kept) as stand:
            yield await stand.steady(f"steady {rate:,}/s", rate, seconds)
    for load, size in BURSTS.items():
        async with bench(kind, arguments.dir, kept) as stand:
            yield await stand.burst(load, size)


async def main(arguments: argparse.Namespace) -> None:
    """Both bots in turn, as often as asked; medians of the ratios."""
    print(
        f"{machine(arguments.dir)}; "
        f"{'a core each' if len(CORES) >= 2 else 'cores shared'} for sandbox and bot"
    )
    print(
        f"\n{'':<24} {'answers':>9} {'CPU':>9} {'p50':>8} {'p99':>8} {'worst':>8}    {'lost':>6}"
        f"   (CPU of the bot per interaction)"
    )
    kept = Kept()
    found: dict[str, dict[str, list[Result]]] = {"bare": {}, "ours": {}}
    for _ in range(arguments.rounds):
        for kind, loads in found.items():
            async for result in measure(kind, arguments, kept):
                print(result.row(kind), flush=True)
                loads.setdefault(result.load, []).append(result)
    print(
        f"\nours / bare, median of {arguments.rounds} round(s)\n"
        f"{'':<24} {'answers':>9} {'CPU':>9} {'p50':>8} {'p99':>8} {'worst':>8}"
    )
    throughput = 0.0
    for load, ours in found["ours"].items():
        pairs = list(zip(ours, found["bare"][load], strict=True))
        rate = statistics.median(o.rate / b.rate for o, b in pairs)
        cpu = statistics.median(o.cpu_each / b.cpu_each for o, b in pairs)
        times = [
            statistics.median(o.quantile(share) / b.quantile(share) for o, b in pairs)
            for share in (0.5, 0.99, 1)
        ]
        print(f"{load:<24} {rate:9.2f} {cpu:9.2f} " + " ".join(f"{ratio:8.2f}" for ratio in times))
        if load == IN_FLIGHT:
            throughput = rate
    lost = sum(result.lost for load in BURSTS for result in found["ours"][load])
    worst = max(result.quantile(1) for load in BURSTS for result in found["ours"][load])
    print(
        f"\nacknowledged by ours: {kept.acknowledged}; in its database with a reservation after "
        f"SIGKILL: {kept.found}"
    )
    print(f"throughput at least {AIM} of bare: {_yes(throughput >= AIM)} ({throughput:.2f})")
    print(
        f"every acknowledgement of the bursts within {ALLOWED:g} s: {_yes(not lost)} "
        f"({lost} lost, worst {worst / 1000:.2f} s)"
    )
    print(f"nothing acknowledged is missing: {_yes(kept.found == kept.acknowledged)}")


def _yes(met: bool) -> str:
    return "yes" if met else "NO"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--quick", action="store_true", help="a fifth of everything but the bursts")
    parser.add_argument("--dir", type=Path, help="the folder, and so the disk, of the database")
    uvloop.run(main(parser.parse_args()))
