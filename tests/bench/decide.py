# ruff: noqa: T201
"""What one decision costs after a thousand jobs and after a million.

One member asks, as intake asks: the policy and the numbers are read, the rules decide, in a
writing transaction. The server has a limit of each kind: for members, for the channel, for the
server, for the installation. Two histories of each size:

- ``in the window``: all jobs are inside the server's window of 30 days, at an even pace; the
  next order comes when the oldest job leaves;
- ``in the past``: all but a thousand jobs left every window long ago.

A refusal also says when it opens, and reads for that: it is measured by a budget that is just
used up, and by one that was cut to 500 credits when all these jobs were in the window. Both
sizes are measured in turns. Prints microseconds and the ratios of the medians.

Run: ``python tests/bench/decide.py [--jobs N] [--rounds N] [--dir FOLDER]``.
"""

from __future__ import annotations

import argparse
import gc
import random
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from bot.model import Quota, Verb  # noqa: E402
from bot.rules.costs import Order  # noqa: E402
from bot.rules.policy import Asker, Installation, Rate  # noqa: E402
from bot.rules.trace import Trace  # noqa: E402
from bot.store import governing  # noqa: E402
from bot.store.audit import Act  # noqa: E402
from bot.store.governing import Whose  # noqa: E402
from bot.store.migrate import migrate  # noqa: E402
from bot.workflow.decisions import Decisions  # noqa: E402
from tests.reservations import Held, write  # noqa: E402

NOW = 1_700_000_000_000
DAY = 86_400_000
MONTH = 30 * DAY
GUILD, CHANNELS, MEMBERS = 1, 5, 1_000
FEW = 1_000
ORDER = Order(Verb.CREATE)
PLENTY = 10**9
HERE = Installation(Quota(50, DAY, 3), ceiling=Rate(PLENTY, MONTH))


@dataclass
class Bench:
    """One database, at a moment that moves on with each order."""

    db: sqlite3.Connection
    pace: int
    now: int = NOW
    next_id: int = 0
    random: random.Random = field(default_factory=lambda: random.Random(7))

    def decided(self, asker: Asker) -> tuple[Trace, float]:
        """One decision, and the seconds that it took."""
        began = time.perf_counter()
        trace = Decisions(self.db, [asker], HERE, self.now, writing=True).on(asker, ORDER)
        return trace, time.perf_counter() - began

    def one(self) -> tuple[float, float]:
        """An order, decided and, if it is allowed, taken: seconds for each of the two."""
        self.now += self.pace
        asker = Asker(
            GUILD,
            self.random.randrange(MEMBERS),
            100 + self.random.randrange(CHANNELS),
            joined_at=0,
        )
        self.db.execute("BEGIN IMMEDIATE")
        trace, seconds = self.decided(asker)
        began = time.perf_counter()
        if trace.allowed:
            self.next_id += 1
            write(self.db, [_job(self.next_id, self.now, asker.user_id, asker.channel_id)])
        took = time.perf_counter() - began
        self.db.execute("COMMIT")
        return seconds, took


def _job(job_id: int, at: int, user_id: int, channel_id: int) -> Held:
    return Held(job_id, GUILD, user_id, channel_id, 1, at, state="charged", finished=True)


def _moments(jobs: int, past: bool) -> Iterator[int]:
    """When each job was held: evenly over the window, or most of them long ago."""
    recent = FEW if past else jobs
    for number in range(jobs - recent):
        yield NOW - 12 * MONTH + number * 10 * MONTH // jobs
    for number in range(recent):
        yield NOW - MONTH + 1 + number * MONTH // recent


def prepare(folder: Path, jobs: int, past: bool, budget: int | None) -> Bench:
    """A database with so many jobs and a limit of each kind; the budget is what they use, or
    as given, and then nothing leaves the window.
    """
    path = folder / f"{jobs}-{past}-{budget}.db"
    migrate(path)
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("PRAGMA synchronous = OFF")  # the disk is not what is measured
    chance = random.Random(1)
    db.execute("BEGIN")
    act = Act(GUILD, 1, NOW)
    governing.set_limit(db, act, Whose.SERVER, amount=budget or jobs, window_ms=MONTH)
    for channel in range(100, 100 + CHANNELS):
        governing.set_limit(db, act, Whose.CHANNEL, channel, amount=PLENTY, window_ms=7 * DAY)
    rows = (
        _job(number, at, chance.randrange(MEMBERS), 100 + chance.randrange(CHANNELS))
        for number, at in enumerate(_moments(jobs, past), start=1)
    )
    write(db, rows)
    db.execute("COMMIT")
    pace = MONTH // (FEW if past else jobs) if budget == PLENTY else 0
    return Bench(db, pace, next_id=jobs)


def measure(
    name: str,
    folder: Path,
    sizes: tuple[int, int],
    rounds: int,
    *,
    past: bool = False,
    budget: int | None = PLENTY,
) -> None:
    """Both sizes in turns, after a warm-up that lets long sums be written down."""
    benches = [prepare(folder, size, past, budget) for size in sizes]
    times: list[tuple[list[float], list[float]]] = [([], []) for _ in benches]
    for bench in benches:
        for _ in range(200):
            bench.one()
    gc.collect()
    gc.disable()
    for _ in range(rounds):
        for bench, (decisions, writes) in zip(benches, times, strict=True):
            for _ in range(20):
                decision, took = bench.one()
                decisions.append(decision)
                writes.append(took)
    gc.enable()
    for kind, index in (("decide", 0), ("take", 1)):
        small, large = (statistics.median(one[index]) * 1e6 for one in times)
        if kind == "take" and budget != PLENTY:
            continue
        worst = statistics.quantiles(times[1][index], n=100)[98] * 1e6
        print(
            f"{name:<28} {kind:<8} {small:8.0f} µs {large:8.0f} µs {large / small:8.2f}"
            f"   (p99 {worst:.0f} µs)"
        )
    for bench in benches:
        bench.db.close()


def main(arguments: argparse.Namespace) -> None:
    """All histories."""
    sizes = (FEW, arguments.jobs)
    print(f"{'':<28} {'':<8} {sizes[0]:>8,} jobs {sizes[1]:>8,} jobs    ratio")
    with tempfile.TemporaryDirectory(dir=arguments.dir) as folder:
        to = Path(folder), sizes, arguments.rounds
        measure("in the window", *to)
        measure("in the past", *to, past=True)
        measure("in the window, used up", *to, budget=None)
        measure("in the window, budget cut", *to, budget=FEW // 2)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--dir", type=Path, help="the folder of the databases")
    with closing(sys.stdout):
        main(parser.parse_args())
