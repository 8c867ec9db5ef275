# ruff: noqa: T201
"""What ``/moderate usage`` takes in a server with a million jobs.

All jobs are inside the report: thirty days, five thousand members. Prints for each round the
seconds by the clock and of this process's CPU that reading alone takes, and the seconds until the
report was read and its chart drawn; then the medians.

Run: ``python tests/bench/usage.py [--jobs N] [--rounds N] [--dir FOLDER]``.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from bot.charts import Charts  # noqa: E402
from bot.clock import SystemClock  # noqa: E402
from bot.store import reports  # noqa: E402
from bot.store.migrate import migrate  # noqa: E402
from bot.workflow.moderation import Reports  # noqa: E402

NOW = 1_700_000_000_000
DAY = 86_400_000
GUILD, CHANNEL, DAYS, MEMBERS = 1, 5, 30, 5_000
OUTCOMES = {"delivered": 90, "failed": 7, "cancelled": 3}


class Now(SystemClock):
    """The moment at which the history ends."""

    def now(self) -> int:
        """Always the same one."""
        return NOW


def history(path: Path, count: int) -> None:
    """Jobs that are over, at an even pace until now."""
    migrate(path)
    with closing(sqlite3.connect(path)) as db, db:
        db.executemany(
            """
            INSERT INTO job (id, request_key, guild_id, channel_id, user_id, verb, prompt, state,
                             pika_id, created_at, changed_at, finished_at, code)
            VALUES (?, ?, ?, ?, ?, 'create', 'a fox', ?, ?, ?, ?, ?, ?)
            """,
            jobs(count),
        )
        db.execute(
            """
            INSERT INTO reservation (job_id, guild_id, user_id, channel_id, credits, state,
                                     held_at, settled_at)
            SELECT id, guild_id, user_id, channel_id, 1,
                   iif(state = 'delivered', 'charged', 'released'), created_at, finished_at
            FROM job
            """
        )


def jobs(count: int) -> Iterator[tuple[Any, ...]]:
    """Their rows."""
    chance = random.Random(1)
    states, weights = list(OUTCOMES), list(OUTCOMES.values())
    for number in range(1, count + 1):
        at = NOW - (count - number) * (DAYS - 1) * DAY // count
        state = chance.choices(states, weights)[0]
        code = "failed" if state == "failed" else None
        member = chance.randint(1, MEMBERS)
        yield (
            number, number, GUILD, CHANNEL, member, state, f"p{number}", at, at, at, code
        )  # fmt: skip


async def measure(path: Path, rounds: int) -> None:
    """Report and draw, as the command does; and read alone."""
    made = Reports(path, Now(), Charts(path.parent / "charts"))
    read, cpu, drawn = [], [], []
    for number in range(rounds + 1):
        began, used = time.perf_counter(), time.process_time()
        await reports.usage(path, GUILD, NOW, DAYS)
        read.append(time.perf_counter() - began)
        cpu.append(time.process_time() - used)
        began = time.perf_counter()
        _, picture = await made.usage(GUILD, DAYS)
        drawn.append(time.perf_counter() - began)
        assert picture is not None
        note = "  (warms up)" if number == 0 else ""
        print(f"read {read[-1]:.2f} s, cpu {cpu[-1]:.2f} s, with chart {drawn[-1]:.2f} s{note}")
    medians = [statistics.median(times[1:]) for times in (read, cpu, drawn)]
    print("medians: read {:.2f} s, cpu {:.2f} s, with chart {:.2f} s".format(*medians))


def main() -> None:
    """Write the history once, then measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--dir", type=Path, default=None)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=given.dir) as folder:
        path = Path(folder) / "pika.db"
        history(path, given.jobs)
        print(f"{given.jobs:,} jobs")
        asyncio.run(measure(path, given.rounds))


if __name__ == "__main__":
    main()
