"""How fast commands are answered: this bot against a bare one, on the same sandbox.

This bot answers ``/create`` with the card of a job that is on disk; the bare bot only defers.
Run: ``python tests/bench/acknowledge.py [--rounds N] [--quick]``. Prints a table and ratios.

Each bot is a process of its own; sandbox and bot are pinned to one core each where the
system allows it, so that neither slows the other down. Loopback has no round-trip time: what
is measured is the bots' own work.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import psutil
import uvloop

from bot.sandbox.discord import EmbeddedDiscord
from bot.sandbox.pika import EmbeddedPika

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]


@dataclass
class Result:
    """What one bot did under one load."""

    name: str
    acked: list[float] = field(default_factory=list)
    lost: int = 0
    seconds: float = 0.0
    cpu: float = 0.0

    @property
    def rate(self) -> float:
        """Answers per second."""
        return len(self.acked) / self.seconds if self.seconds else 0.0

    @property
    def cpu_each(self) -> float:
        """Microseconds of the bot's CPU for each answer."""
        return self.cpu / max(1, len(self.acked)) * 1e6

    def row(self) -> str:
        """One line of the table."""
        times = sorted(self.acked) or [float("nan")]
        p50, p99 = (times[min(len(times) - 1, int(len(times) * q))] for q in (0.5, 0.99))
        return (
            f"{self.name:<34} {self.rate:8.0f}/s {self.cpu_each:7.0f} µs "
            f"{p50 * 1000:8.1f} {p99 * 1000:8.1f} {times[-1] * 1000:8.1f} ms  lost {self.lost}"
        )


class Bench:
    """One sandbox and one bot."""

    def __init__(self, discord: EmbeddedDiscord, process: psutil.Process) -> None:
        self.discord = discord
        self.process = process
        world = discord.world
        self.guild = world.create_guild("bench")
        self.channel = self.guild.create_text_channel("videos")
        self.members = [self.guild.join(world.create_user(f"m{n}")) for n in range(5_000)]

    async def one(self, result: Result, number: int) -> None:
        """One command by one member, until it is answered or three seconds are over."""
        member = self.members[number % len(self.members)]
        invocation = await self.discord.invoke(
            member, self.channel, "create", prompt="a fox runs through fresh snow"
        )
        try:
            await invocation.acknowledged(timeout=3.0)
        except Exception:
            result.lost += 1
        else:
            if invocation.ephemeral:
                raise RuntimeError(f"refused: {invocation.message and invocation.message.text}")
            result.acked.append(invocation.ack_seconds or 0.0)

    @contextlib.contextmanager
    def measured(self, result: Result) -> object:
        """Time and CPU of what happens inside."""
        gc.collect()
        before = self.process.cpu_times()
        began = time.perf_counter()
        yield
        result.seconds = time.perf_counter() - began
        after = self.process.cpu_times()
        result.cpu = after.user + after.system - before.user - before.system

    async def closed(self, name: str, in_flight: int, total: int) -> Result:
        """As many as can be answered, with so many in flight at once."""
        result = Result(name)
        numbers = iter(range(total))

        async def worker() -> None:
            for number in numbers:
                await self.one(result, number)

        with self.measured(result):
            await asyncio.gather(*(worker() for _ in range(in_flight)))
        return result

    async def steady(self, name: str, rate: int, seconds: float) -> Result:
        """So many a second, whether or not the last ones are answered."""
        result, running = Result(name), []
        with self.measured(result):
            began = time.perf_counter()
            for number in range(int(rate * seconds)):
                delay = began + number / rate - time.perf_counter()
                if delay > 0:
                    await asyncio.sleep(delay)
                running.append(asyncio.ensure_future(self.one(result, number)))
            await asyncio.gather(*running)
        return result

    async def burst(self, name: str, size: int) -> Result:
        """All at one instant."""
        result = Result(name)
        with self.measured(result):
            await asyncio.gather(*(self.one(result, number) for number in range(size)))
        return result


@contextlib.asynccontextmanager
async def bench(kind: str) -> AsyncIterator[Bench]:
    """A fresh sandbox with a fresh bot of this kind."""
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIR")) as folder:
        async with EmbeddedDiscord(record=False) as discord, EmbeddedPika(instant=True) as pika:
            pika.pause()  # what is measured is the answer, not the making
            env = {
                "PATH": os.environ["PATH"],
                "PYTHONPATH": str(ROOT),
                "DISCORD_TOKEN": discord.token,
                "DISCORD_API_URL": discord.api_url,
                "PIKA_API_URL": pika.api_url,
                "PIKA_API_TOKEN": pika.token,
                "DEFAULT_QUOTA": "100000",
                "DEFAULT_CONCURRENT": "1000",
                "DATA_DIR": folder,
                "HTTP_PORT": "0",
                "LOG_LEVEL": "WARNING",
            }
            command = [str(HERE / "bare_bot.py")] if kind == "bare" else ["-m", "bot", "run"]
            process = await asyncio.create_subprocess_exec(
                sys.executable, *command, env=env, cwd=folder
            )
            seen = psutil.Process(process.pid)
            _pin(seen)
            try:
                stand = Bench(discord, seen)
                await discord.connected(30)
                await discord.commands_registered(30)
                await asyncio.sleep(2.5)  # discord.py waits two seconds for guilds
                yield stand
            finally:
                process.terminate()
                await process.wait()


def _pin(bot: psutil.Process) -> None:
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    if len(cores) >= 2:
        bot.cpu_affinity([cores[1]])
        psutil.Process().cpu_affinity([cores[0]])


async def measure(kind: str, *, quick: bool) -> list[Result]:
    """Every load on one kind of bot, each on a fresh process."""
    total = 2_000 if quick else 10_000
    seconds = 2 if quick else 10
    results = []
    async with bench(kind) as stand:
        await stand.closed("warm up", 8, 300)
        results.append(await stand.closed(f"{kind}: 64 in flight", 64, total))
    async with bench(kind) as stand:
        await stand.closed("warm up", 8, 300)
        results.append(await stand.steady(f"{kind}: steady 200/s", 200, seconds))
        results.append(await stand.steady(f"{kind}: steady 1,000/s", 1_000, seconds))
    for size in (1_000, 5_000):
        async with bench(kind) as stand:
            await stand.closed("warm up", 8, 300)
            results.append(await stand.burst(f"{kind}: burst of {size:,}", size))
    return results


async def main(arguments: argparse.Namespace) -> None:
    """Both bots in turn, as often as asked; medians of the ratios."""
    now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M")
    print(
        f"{now} UTC, Python {platform.python_version()}, {os.cpu_count()} cores, {platform.machine()}"
    )
    print(f"{'':<34} {'answers':>10} {'CPU each':>10} {'p50':>8} {'p99':>8} {'worst':>8}")
    ratios: dict[str, list[float]] = {}
    for _ in range(arguments.rounds):
        found = {}
        for kind in ("bare", "ours"):
            for result in await measure(kind, quick=arguments.quick):
                print(result.row(), flush=True)
                found[result.name] = result
        for name, ours in found.items():
            if name.startswith("ours"):
                bare = found[name.replace("ours", "bare")]
                load = name.removeprefix("ours: ")
                ratios.setdefault(f"{load}: answers/s", []).append(ours.rate / max(bare.rate, 1e-9))
                ratios.setdefault(f"{load}: CPU each", []).append(ours.cpu_each / bare.cpu_each)
    print("\nours / bare (median of rounds)")
    for name, values in ratios.items():
        print(f"  {name:<32} {statistics.median(values):.2f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--quick", action="store_true")
    uvloop.run(main(parser.parse_args()))
