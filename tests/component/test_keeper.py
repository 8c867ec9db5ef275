"""The keeper of the demo's bot: one process at a time, and no end goes unnoticed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.demo.keeper import BotKeeper
from bot.demo.process import BotProcess

BAD_CONFIGURATION = 78


@pytest.fixture
async def keeper(tmp_path: Path) -> AsyncIterator[BotKeeper]:
    """Keeps a bot without settings: it ends by itself after a moment."""
    made = BotKeeper(BotProcess({}, tmp_path))
    yield made
    await made.close()


async def test_an_end_of_its_own_is_a_failure(keeper: BotKeeper) -> None:
    """Whoever watches is told; the code and the log's last lines are there."""
    told: list[int | None] = []
    keeper.watch(lambda: told.append(keeper.exit_code))
    await keeper.start()
    await keeper.ended()
    assert keeper.failed
    assert keeper.pid is None
    assert told == [None, BAD_CONFIGURATION]
    assert "DISCORD_TOKEN" in "\n".join(keeper.log_tail(10))


async def test_an_end_that_was_asked_for_is_none(keeper: BotKeeper) -> None:
    """Killed: stopped, not failed. Killing what does not run does nothing."""
    await keeper.kill()
    await keeper.start()
    await keeper.kill()
    await keeper.kill()
    assert (keeper.pid, keeper.exit_code, keeper.failed) == (None, -9, False)


async def test_starting_twice_at_once_is_one_process(keeper: BotKeeper) -> None:
    """Two pages press at the same moment."""
    await asyncio.gather(keeper.start(), keeper.start())
    assert keeper.starts == 1
    await keeper.kill()
    await keeper.start()
    assert keeper.starts == 2


async def test_what_was_begun_is_finished(keeper: BotKeeper) -> None:
    """The page that asked goes away in the middle: no process is forgotten."""
    asking = asyncio.create_task(keeper.start())
    await asyncio.sleep(0)
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    await keeper.close()
    assert keeper.starts == 1
    assert keeper.pid is None
