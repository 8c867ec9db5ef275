"""The page in a real browser: Debian's Chromium, without a window."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright

from bot.demo.stage import Stage
from bot.sandbox.discord import EmbeddedDiscord, Member
from bot.sandbox.pika import EmbeddedPika
from bot.sandbox.web import Page, Player
from tests.e2e.page.hands import Hands
from tests.e2e.page.visit import Visit
from tests.e2e.town import Scene

NAMES = ("chromium", "chromium-browser", "google-chrome")

WITHOUT = (
    # Each window would load the address bar's suggestions as two pages of their own, which takes
    # as much as loading ours.
    "WebUIOmniboxPopup",
    "WebUIOmniboxAimPopup",
    # Of those that Playwright takes away, whose list ours replaces: what asks others for
    # something, and what ends with a window though another one needs it.
    "AimEnabled",
    "AvoidUnnecessaryBeforeUnloadCheckSync",
    "DestroyProfileOnBrowserClose",
    "HttpsFirstBalancedModeAutoEnable",
    "HttpsUpgrades",
    "MediaRouter",
    "NetworkTimeServiceQuerying",
    "OptimizationHints",
    "PaintHolding",
    "PreconnectToSearch",
)
"""Features of the browser that no page needs."""

OpenWindow = Callable[..., Awaitable[Visit]]
OpenPage = Callable[..., Awaitable[Visit]]


@pytest.fixture(scope="session")
def chromium_path() -> str:
    """Where the browser is. Without one these tests are skipped, but never in CI."""
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None:
        if os.getenv("CI"):
            pytest.fail("there is no Chromium: .ci/run installs it")
        pytest.skip("there is no Chromium; Debian: apt-get install chromium")
    return found


@pytest_asyncio.fixture(loop_scope="session", scope="session")
async def chromium(chromium_path: str) -> AsyncIterator[Browser]:
    """One browser for all tests; each has windows with storage of their own."""
    async with async_playwright() as playwright:
        # Containers have little shared memory, and root's browser no sandbox.
        arguments = ["--disable-dev-shm-usage", f"--disable-features={','.join(WITHOUT)}"]
        arguments += ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = await playwright.chromium.launch(executable_path=chromium_path, args=arguments)
        try:
            yield browser
        finally:
            await browser.close()


@pytest_asyncio.fixture(loop_scope="session")
async def open_window(chromium: Browser) -> AsyncIterator[OpenWindow]:
    """Opens a window: ``await open_window(url)``; keyword arguments are the browser's.

    In none of them anything may go wrong, nor may it ask any other machine for anything.
    """
    async with AsyncExitStack() as stack:
        visits: list[Visit] = []

        async def open_one(url: str, **window: Any) -> Visit:
            visit = await stack.enter_async_context(Visit(chromium, url, **window))
            visits.append(visit)
            return visit

        yield open_one
        for visit in visits:
            visit.check()


@pytest_asyncio.fixture(loop_scope="session")
async def open_page(open_window: OpenWindow) -> AsyncIterator[OpenPage]:
    """Serves a page between both servers of a scene: ``await open_page(scene)``.

    The first of ``players`` (the scene's members, if none are named) is played.
    """
    async with AsyncExitStack() as stack:
        pages: list[Page] = []

        async def open_one(scene: Scene, *players: Member, **window: Any) -> Visit:
            playing = players or (scene.alice, scene.bob)
            seats = [Player(p.user, p.name.title(), "Plays in a test.") for p in playing]
            page = Page(scene.discord, scene.pika, seats)
            pages.append(await stack.enter_async_context(page))
            return await open_window(page.url, **window)

        yield open_one
        assert [failure for page in pages for failure in page.failures] == []


@asynccontextmanager
async def _staged() -> AsyncIterator[Stage]:
    async with Stage(render_seconds=0.8, page_port=0, callbacks=True) as running:
        assert running.page is not None
        await running.ready()
        yield running
        assert running.page.failures == []
        assert running.discord.violations == []
        assert running.pika.violations == []


@pytest_asyncio.fixture(loop_scope="session")
async def stage() -> AsyncIterator[Stage]:
    """What `pika-bot demo` starts, its bot online."""
    async with _staged() as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def shared_stage() -> AsyncIterator[Stage]:
    """The same for all tests of a module: each leaves the town as it found it, but for what was
    said and made.
    """
    async with _staged() as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def hands(openapi: Path | None) -> AsyncIterator[Hands]:
    """A bot by hand in a small server, and nothing else: it can send what ours does not."""
    async with EmbeddedDiscord(openapi=openapi) as discord, EmbeddedPika() as pika:
        async with Hands(discord, pika) as bot:
            yield bot
        assert discord.violations == []
