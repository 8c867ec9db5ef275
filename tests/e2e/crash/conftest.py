"""What every life passes on its way, listed once; the ends are chosen from that list."""

from __future__ import annotations

import asyncio
import os
import random
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

pytest.register_assert_rewrite("tests.e2e.crash.rig")

from tests.e2e.crash.forks import Forks  # noqa: E402
from tests.e2e.crash.rig import LIVES, Point, Run, live, read_points  # noqa: E402

AT_ONCE = 4
"""Towns that live at the same time: more than cores, as much of a life is waiting."""

Points = dict[str, list[Point]]
OpenRun = Callable[..., Run]
Together = Callable[[dict[str, Callable[[], Awaitable[Any]]]], Awaitable[dict[str, Any]]]


@pytest.fixture(scope="session")
def everything() -> bool:
    """Whether every point has its run: PIKA_CRASH_ALL=1."""
    return os.getenv("PIKA_CRASH_ALL", "0") not in {"", "0"}


@pytest.fixture(scope="session")
def seed() -> int:
    """What the selection is drawn by: PIKA_CRASH_SEED, else another one each day."""
    return int(os.getenv("PIKA_CRASH_SEED") or datetime.now(UTC).toordinal())


@pytest_asyncio.fixture(loop_scope="session", scope="session")
async def forks() -> AsyncIterator[Forks]:
    """What all bots here are forked from."""
    async with Forks() as running:
        yield running


@pytest.fixture(scope="session")
def open_run(
    tmp_path_factory: pytest.TempPathFactory, openapi: Path | None, forks: Forks, clip: bytes
) -> OpenRun:
    """Makes a run in a folder of its own: ``open_run(life, ends=[…])``."""

    def make(life: str, **options: Any) -> Run:
        folder = tmp_path_factory.mktemp(life)
        return Run(folder, openapi, forks, video=clip, **{**LIVES[life].settings, **options})

    return make


@pytest.fixture(scope="session")
def together() -> Together:
    """Runs named pieces of work, a few at once; fails with every failure and its name."""

    async def run(work: dict[str, Callable[[], Awaitable[Any]]]) -> dict[str, Any]:
        places = asyncio.Semaphore(AT_ONCE)

        async def one(piece: Callable[[], Awaitable[Any]]) -> Any:
            async with places:
                return await piece()

        ends = await asyncio.gather(*map(one, work.values()), return_exceptions=True)
        results = dict(zip(work, ends, strict=True))
        bad = {name: end for name, end in results.items() if isinstance(end, BaseException)}
        told = "\n\n".join(f"--- {name}\n{_last_words(error)}" for name, error in bad.items())
        assert not bad, f"{len(bad)} of {len(work)} went wrong:\n{told}"
        return results

    return run


def _last_words(error: BaseException) -> str:
    """Where it went wrong, and what."""
    where = traceback.extract_tb(error.__traceback__)[-1]
    return f"{Path(where.filename).name}:{where.lineno}: {where.line}\n{error!r:.6000}"


@pytest_asyncio.fixture(loop_scope="session", scope="session")
async def points(open_run: OpenRun, together: Together, tmp_path_factory: Any) -> Points:
    """The points that each life passes when nothing goes wrong."""
    return await list_points(open_run, together, tmp_path_factory.mktemp("points"))


async def list_points(open_run: OpenRun, together: Together, folder: Path) -> Points:
    """Live every life once, undisturbed; the points that each has passed."""

    async def undisturbed(name: str) -> list[Point]:
        record = folder / name
        async with open_run(name, record=record) as run:
            states = await live(run, LIVES[name])
            assert tuple(states) == LIVES[name].ends
            assert run.codes == [0]
        return read_points(record)

    return await together({name: lambda name=name: undisturbed(name) for name in LIVES})


@pytest.fixture(scope="session")
def chosen(points: Points, seed: int, everything: bool) -> list[tuple[str, Point]]:
    """The lives and the points to end them at.

    All of them, or: each label in one life that has it, drawn anew every day, and in the slow
    life all around the submit, where a doubt has to be resolved. What every start does is left
    to a test of its own then.
    """
    if everything:
        return [(life, point) for life, passed in points.items() for point in passed]
    draw = random.Random(seed)
    labels: dict[str, list[tuple[str, Point]]] = {}
    for life, passed in points.items():
        for point in passed[len(of_the_start(passed)) :]:
            labels.setdefault(point.label, []).append((life, point))
    drawn = [draw.choice(candidates) for candidates in labels.values()]
    doubts = [("slow", point) for point in around_the_submit(points["slow"])]
    return [*doubts, *(pair for pair in drawn if pair not in doubts)]


def of_the_start(passed: list[Point]) -> list[Point]:
    """What comes before the bot hears of anything."""
    labels = [point.label for point in passed]
    start = passed[: labels.index("after GET /gateway") + 1]
    # A start after the first migration has one less to do: its first is not the first of all.
    return [point for point in start if point.label != "commit schema" or point.n == 1]


def around_the_submit(passed: list[Point]) -> list[Point]:
    """From the commit that a POST is about to leave to the one that it was accepted."""
    labels = [point.label for point in passed]
    first = labels.index("commit job.state = submitting")
    last = labels.index("commit job.state = rendering")
    return passed[first : last + 1]
