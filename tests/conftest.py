"""What more than one room of tests needs: a migrated database, a clip, a world."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from PIL import Image

from bot.media import find_ffmpeg
from bot.store.database import Database
from bot.store.migrate import migrate
from tests.fakes import House, MovableClock, World

# Examples touch the disk, so one of them may be slow; nothing is drawn from the time of day.
settings.register_profile(
    "project",
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
settings.load_profile("project")

HERE = Path(__file__).parent

SLOW = (
    "e2e/crash/test_every_point.py",
    "property/test_workflow.py",
    "e2e/page",
    "e2e",
    "component",
)
"""Where the slowest files are, in the order in which they begin: one that began among the last
would run on alone, when the other processes have nothing left to do."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the slow files; the tests of a file stay together and in their order."""
    items.sort(key=_turn)


def _turn(item: pytest.Item) -> int:
    path = item.path.relative_to(HERE).as_posix()
    return next((turn for turn, slow in enumerate(SLOW) if path.startswith(slow)), len(SLOW))


def pytest_xdist_auto_num_workers() -> int:
    """Half as many again as there are cores: who tests processes waits for them."""
    return max(1, (os.cpu_count() or 1) * 3 // 2)


OpenHouse = Callable[..., Awaitable[House]]


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database of the newest schema with nothing in it; to be copied."""
    path = tmp_path_factory.mktemp("schema") / "pika.db"
    migrate(path)
    return path


@pytest.fixture(scope="session")
def clip() -> bytes:
    """A small video that Discord plays."""
    source = ["-f", "lavfi", "-i", "testsrc=s=32x32:r=4:d=1"]
    kind = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p"]
    out = ["-movflags", "frag_keyframe+empty_moov", "-f", "mp4", "pipe:1"]
    command = [find_ffmpeg(), "-v", "error", *source, *kind, *out]
    return subprocess.run(command, check=True, capture_output=True).stdout


@pytest.fixture(scope="session")
def png() -> bytes:
    """A small picture that Pika takes."""
    out = io.BytesIO()
    Image.new("RGB", (8, 8), "red").save(out, "PNG")
    return out.getvalue()


@pytest.fixture
def database_path(tmp_path: Path, empty_database: Path) -> Path:
    """A fresh database file."""
    return Path(shutil.copy(empty_database, tmp_path / "pika.db"))


@pytest.fixture
async def database(database_path: Path) -> AsyncIterator[Database]:
    """A fresh open database."""
    opened = await Database.open(database_path)
    yield opened
    await opened.close()


@pytest.fixture
def clock() -> MovableClock:
    """Time that only a test moves."""
    return MovableClock()


@pytest.fixture
def world(database_path: Path, clock: MovableClock, clip: bytes) -> World:
    """Pika, Discord and a disk, on which nothing has happened yet."""
    return World.new(database_path.parent, clip, clock=clock)


@pytest.fixture
async def open_house(world: World) -> AsyncIterator[OpenHouse]:
    """Opens the workflow over the world; opening it again is a crash and a restart."""
    current: list[House] = []

    async def crash() -> None:
        if current:
            await current.pop().crash()

    async def opened(**options: Any) -> House:
        await crash()
        current.append(await House.open(world, **options))
        return current[0]

    yield opened
    await crash()


@pytest.fixture
async def house(open_house: OpenHouse) -> House:
    """The workflow, started over an empty database."""
    return await open_house()
