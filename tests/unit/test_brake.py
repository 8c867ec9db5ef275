"""The brake: far from Discord's ban, whatever is refused, and free again by itself."""

from __future__ import annotations

import asyncio
import logging

import pytest

from bot.errors import TryLater
from bot.metrics import Metrics
from bot.workflow.changes import Changes
from bot.workflow.delivery.brake import BANNED_SECONDS, SLOW_AT, STOP_AT, WINDOW_MS, Brake, Pace
from bot.workflow.queue import FairQueue
from tests.fakes import MovableClock, a_while

BAN = 10_000
"""Invalid answers within ten minutes that Discord answers with a ban."""

WINDOW = WINDOW_MS / 1000


@pytest.fixture
def brake(clock: MovableClock) -> Brake:
    """Nothing was refused yet."""
    return Brake(clock)


def refuse(brake: Brake, times: int, status: int = 403) -> None:
    """Discord refuses so often."""
    for _ in range(times):
        brake.heard(status)


@pytest.mark.parametrize(
    ("status", "shared", "counts"),
    [(401, False, 1), (403, False, 1), (429, False, 1), (429, True, 0), (404, False, 0)]
    + [(status, False, 0) for status in (200, 204, 400, 413, 500, 503)],
)
def test_what_counts_towards_the_ban(brake: Brake, status: int, shared: bool, counts: int) -> None:
    """401, 403 and 429, unless the limit is shared by many."""
    brake.heard(status, shared=shared)

    assert brake.invalid == counts


async def test_ordinary_refusals_hold_up_nobody(brake: Brake, clock: MovableClock) -> None:
    """Below the limit each request goes at once."""
    refuse(brake, SLOW_AT - 1)
    for _ in range(50):
        await brake.turn()

    assert brake.pace is Pace.FREE
    assert clock.sleeps == []


async def test_many_refusals_slow_down(brake: Brake, clock: MovableClock) -> None:
    """One request a second, in turn."""
    refuse(brake, SLOW_AT)
    gone: list[int] = []

    async def ask(number: int) -> None:
        await brake.turn()
        gone.append(number)

    tasks = [asyncio.create_task(ask(number)) for number in range(4)]
    for seconds in range(4):
        await a_while(5)
        assert gone == list(range(seconds + 1))
        clock.move(1)
    await asyncio.gather(*tasks)


async def test_nothing_goes_long_before_the_ban(brake: Brake, clock: MovableClock) -> None:
    """Stopped; whoever asks learns when it goes on: when the ten minutes are over."""
    refuse(brake, STOP_AT)
    with pytest.raises(TryLater) as later:
        await brake.turn()
    assert later.value.after == pytest.approx(WINDOW)

    clock.move(WINDOW - 1)
    with pytest.raises(TryLater):
        await brake.turn()
    clock.move(1)
    await brake.turn()

    assert brake.pace is Pace.FREE


async def test_a_stop_lasts_until_few_refusals_are_left(brake: Brake, clock: MovableClock) -> None:
    """Not until the next one may come: else it would stop and go for ever."""
    refuse(brake, STOP_AT - SLOW_AT)
    clock.move(60)
    refuse(brake, SLOW_AT)
    with pytest.raises(TryLater) as later:
        await brake.turn()
    assert later.value.after == pytest.approx(WINDOW)

    clock.move(WINDOW - 60)
    assert brake.invalid == SLOW_AT
    assert brake.pace is Pace.STOPPED
    clock.move(60 - 0.001)
    assert brake.pace is Pace.STOPPED
    clock.move(0.001)
    assert brake.pace is Pace.FREE


async def test_a_server_that_refuses_everything_never_gets_us_banned(
    brake: Brake, clock: MovableClock
) -> None:
    """Four requests under way at any time, all of them refused, for an hour."""
    worst = 0
    busy_until = [0] * 4
    for _ in range(3600 * 4):
        for place in range(4):
            if clock.now() < busy_until[place]:
                continue
            asking = asyncio.create_task(brake.turn())
            await asyncio.sleep(0)
            if asking.done() and asking.exception() is None:
                brake.heard(403)
            elif not asking.done():
                busy_until[place] = clock.now() + 1000
                asking.add_done_callback(lambda _: brake.heard(403))
        worst = max(worst, brake.invalid)
        clock.move(0.25)
        await asyncio.sleep(0)

    assert SLOW_AT < worst < BAN / 4


@pytest.mark.parametrize(("told", "seconds"), [(None, BANNED_SECONDS), (7.0, 7.0)])
async def test_a_ban_by_the_proxy_is_waited_out(
    brake: Brake, clock: MovableClock, told: float | None, seconds: float
) -> None:
    """As long as it says, else a minute; nothing goes meanwhile."""
    brake.banned(told)
    with pytest.raises(TryLater) as later:
        await brake.turn()
    assert later.value.after == pytest.approx(seconds)

    clock.move(seconds)
    await brake.turn()


def test_each_change_is_told_once(brake: Brake, caplog: pytest.LogCaptureFixture) -> None:
    """Thousands of refusals, two lines."""
    with caplog.at_level(logging.INFO):
        refuse(brake, STOP_AT + 500)

    said = [record.getMessage() for record in caplog.records]
    assert [words.split(": ")[1] for words in said] == [
        "messages go slowly",
        "messages wait until these are over",
    ]


def test_metrics_show_how_near_the_ban_is(brake: Brake, clock: MovableClock) -> None:
    """For an alarm long before it."""
    metrics = Metrics(Changes(), FairQueue(), clock)
    metrics.watch(brake)
    refuse(brake, STOP_AT)

    text = metrics.text().decode()

    assert f"pikabot_discord_invalid_answers {STOP_AT}.0" in text
    assert "pikabot_discord_pace 2.0" in text
