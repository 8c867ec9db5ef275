"""The bot as a process over real sockets; what must hold after every test is checked here."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Awaitable, Callable, Generator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.e2e.town import Scene, Town

HERE = Path(__file__).parent

OpenScene = Callable[..., Awaitable[Scene]]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All of these tests run in one loop, so that some of them can share a running bot."""
    for item in items:
        if HERE in item.path.parents and isinstance(item, pytest.Function):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest.fixture(scope="session")
def openapi() -> Path | None:
    """Discord's OpenAPI file, where DISCORD_OPENAPI names it."""
    path = os.getenv("DISCORD_OPENAPI")
    return Path(path) if path else None


class Shared:
    """The town that a module's tests share; after a test that went wrong there is a new one."""

    def __init__(self, folder: Path, openapi: Path | None, module: object) -> None:
        self._folder = folder
        self._openapi = openapi
        self._options: dict[str, Any] = getattr(module, "TOWN", {})
        self._settings: dict[str, str] = getattr(module, "SETTINGS", {})
        self._towns: list[Town] = []
        self._town: Town | None = None

    async def town(self) -> Town:
        """The town, its bot running."""
        if self._town is None:
            folder = self._folder / f"town-{len(self._towns)}"
            self._town = Town(folder, self._openapi, **self._options)
            self._towns.append(self._town)
            await self._town.open()
            await self._town.start(**self._settings)
        return self._town

    async def abandon(self) -> None:
        """The next test gets another town."""
        if self._town is not None:
            town, self._town = self._town, None
            await town.close()

    async def end(self) -> None:
        """A bot that served a whole module stops as it should."""
        if self._town is not None and self._town.running:
            assert await self._town.stop() == 0, self._town.log[-4000:]


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def shared(
    tmp_path_factory: pytest.TempPathFactory, openapi: Path | None, request: pytest.FixtureRequest
) -> AsyncIterator[Shared]:
    """A module may say in ``TOWN`` how its Pika is, in ``SETTINGS`` how its bot is."""
    mine = Shared(tmp_path_factory.mktemp("shared"), openapi, request.module)
    try:
        yield mine
        await mine.end()
    finally:
        await mine.abandon()


@pytest_asyncio.fixture(loop_scope="session")
async def scene(shared: Shared, request: pytest.FixtureRequest) -> AsyncIterator[Scene]:
    """A server of its own in the town that the module's tests share."""
    town = await shared.town()
    mine = Scene(town, f"Club {request.node.name[:40]}")
    try:
        yield mine
        mend(town)
        await mine.check(stop=False)
    except BaseException:
        await shared.abandon()
        raise
    if request.node.stash.get(FAILED, False):
        await shared.abandon()


FAILED = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Remember what became of a test, for its fixtures."""
    report = yield
    if report.failed:
        item.stash[FAILED] = True
    return report


def mend(town: Town) -> None:
    """Nothing goes wrong any more."""
    town.discord.faults.clear()
    town.pika.faults.clear()
    town.pika.unscript()
    town.pika.resume()


@pytest_asyncio.fixture(loop_scope="session")
async def open_scene(tmp_path: Path, openapi: Path | None) -> AsyncIterator[OpenScene]:
    """Opens a town of the test's own, with a running bot: ``await open_scene(SETTING="x")``.

    Options in lower case are Pika's; ``run=False`` starts no bot.
    """
    opened: list[Scene] = []

    async def open_one(*, run: bool = True, **options: Any) -> Scene:
        pika = {name: value for name, value in options.items() if name.islower()}
        settings = {name: str(value) for name, value in options.items() if name.isupper()}
        own = Town(tmp_path / f"town-{len(opened)}", openapi, **pika)
        await own.open()
        scene = Scene(own)
        opened.append(scene)
        if run:
            await scene.start(**settings)
        return scene

    try:
        yield open_one
        for scene in opened:
            mend(scene.town)
            await scene.check(stop=True)
    finally:
        for scene in opened:
            await scene.town.close()
