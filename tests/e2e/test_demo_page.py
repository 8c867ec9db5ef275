"""``pika-bot demo``: the page over the unchanged bot, everything as processes."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import psutil

from bot.demo.process import environment
from tests.component.sandbox_web.browser import Browser

START_SECONDS = 60.0


@asynccontextmanager
async def demo(folder: Path) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    """A running demo, and the address that its first line tells."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "demo", "--port", "0"),
        cwd=folder,
        env=environment({"TMPDIR": str(folder)}),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        assert process.stdout is not None
        line = (await asyncio.wait_for(process.stdout.readline(), START_SECONDS)).decode()
        assert "http://127.0.0.1:" in line, line
        yield process, line.split()[1]
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


@asynccontextmanager
async def opened(address: str) -> AsyncIterator[Browser]:
    """The page of a running demo, its bot online."""
    origin = address.rstrip("/")
    async with (
        aiohttp.ClientSession(headers={"Origin": origin}) as session,
        session.ws_connect(f"{address}socket") as socket,
    ):
        page = Browser(socket, origin)
        await page.receive()
        await page.until(lambda: page.all("command"), START_SECONDS)
        yield page


async def test_a_bot_killed_while_rendering_still_delivers_once(tmp_path: Path) -> None:
    """The drawer kills the bot and starts it again: one job, one video, and the callback is
    not needed. Ctrl-C then ends everything with 0.
    """
    async with demo(tmp_path) as (process, address):
        async with opened(address) as page:
            await page.ask("tool", tool="pika_slow", fields={"seconds": 4})
            home = page.state["me"]["home"]
            options = {"prompt": "a fox"}
            await page.ask("invoke", channel=home, command="create", options=options)
            await page.until(lambda: page.all("job"), START_SECONDS)
            await page.ask("tool", tool="bot_kill", fields={})
            assert page.state["bot"]["state"] == "stopped"
            await page.until(lambda: page.all("job")[0]["status"] == "completed", START_SECONDS)
            assert page.all("job")[0]["posted"] == []
            await page.ask("tool", tool="bot_start", fields={})
            posted = await page.until(lambda: page.all("job")[0]["posted"], START_SECONDS)
            await page.until(lambda: "Done" in str(page.all("message")), START_SECONDS)
            assert page.all("job")[0]["posted"] == posted
            assert len(posted) == 1
            assert len(page.all("job")) == 1
        bots = psutil.Process(process.pid).children(recursive=True)
        assert bots
        process.send_signal(signal.SIGINT)
        assert await asyncio.wait_for(process.wait(), 30) == 0
        assert [bot for bot in bots if bot.is_running()] == []
    assert list(tmp_path.iterdir()) == []


async def test_pika_calls_the_bot_back(tmp_path: Path) -> None:
    """Otherwise dropping a callback would mean nothing."""
    async with demo(tmp_path) as (process, address):
        async with opened(address) as page:
            await page.ask("tool", tool="pika_speed", fields={"seconds": 0.5})
            home = page.state["me"]["home"]
            await page.ask("invoke", channel=home, command="create", options={"prompt": "a fox"})
            await page.until(
                lambda: page.all("job") and page.all("job")[0]["callbacks"], START_SECONDS
            )
            assert page.all("job")[0]["callbacks"][0]["status"] == 200
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 30) == 0
