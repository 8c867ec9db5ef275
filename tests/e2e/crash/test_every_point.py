"""Never lost, never twice: the bot is killed after every commit and around every request."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from tests.e2e.crash.conftest import OpenRun, Points, Together, of_the_start
from tests.e2e.crash.entry import request_label
from tests.e2e.crash.rig import LIVES, REJECTED_AT, REMOVED_AT, Point, live, read_points

pytestmark = pytest.mark.timeout(1800)

BEFORE = re.compile(r"before (\S+ /(?:api|v1)/\S*)")


async def test_no_request_escapes_the_list(open_run: OpenRun, tmp_path: Path) -> None:
    """Every request that reaches Discord or Pika is a point at which the bot can be killed."""
    record = tmp_path / "points"
    async with open_run("animate", record=record) as run:
        await live(run, LIVES["animate"])
        discord, pika = run.town.discord.requests, run.pika.requests
        seen = Counter(request_label(r.method, r.path) for r in (*discord, *pika))
    listed = [BEFORE.match(point.label) for point in read_points(record)]
    api = {label: n for label, n in seen.items() if "/attachments/" not in label}
    assert Counter(found[1] for found in listed if found) == api


async def test_killed_at_any_point_nothing_is_lost_and_nothing_done_twice(
    chosen: list[tuple[str, Point]], open_run: OpenRun, together: Together, seed: int
) -> None:
    """Whatever the bot was doing when it was killed, the next start brings it to its end:
    one card, one submit, one message, one charge, and nothing left over.
    """
    missed: list[Point] = []

    async def killed_at(life: str, point: Point) -> None:
        async with open_run(life, ends=[point]) as run:
            await live(run, LIVES[life])
            if not run.died:
                missed.append(point)

    await together(
        {
            f"{life}, seed {seed}, {point}": lambda life=life, point=point: killed_at(life, point)
            for life, point in chosen
        }
    )
    assert [point for point in missed if not point.is_of_the_moment] == []


async def test_killed_again_and_again_while_it_starts_it_starts_in_the_end(
    open_run: OpenRun, together: Together, points: Points
) -> None:
    """A start may be killed at any point, and so may the next one, a little later. A command that
    came meanwhile was not answered in time, and never was a job, or was answered and is delivered.
    """
    steps = of_the_start(points["create"])

    async def killed_at(ends: list[Point]) -> None:
        async with open_run("create", ends=ends) as run:
            assert await live(run, LIVES["create"]) in (["delivered"], ["never was"])
            assert run.died

    await together(
        {
            f"from {steps[first]} on": lambda first=first: killed_at(steps[first::3])
            for first in range(3)
        }
    )


FIRST = {
    "the card was never sent": (
        "create",
        "before POST /api/v10/interactions/{id}/{token}/callback",
    ),
    "the card was not noted": ("create", "after POST /api/v10/interactions/{id}/{token}/callback"),
    "Pika has it": ("slow", "after POST /v1/pika/create"),
    "the video is here": ("animate", "file named in videos"),
    "the video was posted": ("create", "after POST /api/v10/channels/{id}/messages with files"),
    "the review was posted": ("approved", "after POST /api/v10/channels/{id}/messages with files"),
    "it was rejected": ("rejected", REJECTED_AT),
    "it is to go": ("removed", REMOVED_AT),
    "it is read back": ("shared", "after GET /api/v10/channels/{id}/messages/{id}"),
    "the notice was posted": ("moderated", "after POST /api/v10/channels/{id}/messages"),
}
"""Where the first kill leaves the next start something to do."""


async def test_killed_again_while_it_recovers_nothing_is_lost_and_nothing_done_twice(
    open_run: OpenRun, together: Together, tmp_path: Path, points: Points, everything: bool
) -> None:
    """A start that clears up after a kill may be killed itself, at any point."""

    async def recovers(life: str, first: Point, record: Path) -> list[Point]:
        async with open_run(life, ends=[first], record=record) as run:
            await live(run, LIVES[life])
            assert run.died
        return read_points(record)

    firsts = {name: (life, Point(label)) for name, (life, label) in FIRST.items()}
    recoveries = await together(
        {
            name: lambda name=name, life=life, first=first: recovers(life, first, tmp_path / name)
            for name, (life, first) in firsts.items()
        }
    )

    async def killed_twice(life: str, first: Point, second: Point) -> None:
        async with open_run(life, ends=[first, second]) as run:
            await live(run, LIVES[life])
            assert run.died or second.is_of_the_moment

    # What every start does is killed elsewhere; here counts what only a recovery does.
    known = set() if everything else {p.label for life in points.values() for p in life}
    work = {}
    for name, (life, first) in firsts.items():
        for second in recoveries[name]:
            if second.label not in known:
                known |= set() if everything else {second.label}
                work[f"{name}, then {second}"] = lambda life=life, first=first, second=second: (
                    killed_twice(life, first, second)
                )
    assert any("GET /api/v10/channels/{id}/messages" in name for name in work)
    await together(work)
