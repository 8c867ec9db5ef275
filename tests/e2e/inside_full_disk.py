"""What ``test_full_disk`` runs where it may mount a small disk that nobody else sees."""

from __future__ import annotations

import asyncio
import errno
import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from bot.demo.process import BotProcess
from bot.media.room import RESERVE
from tests.e2e.test_storage import MIB, Watched, padded
from tests.e2e.town import Scene, Town, clip

DISK = RESERVE + 24 * MIB
"""Bytes of the small disk: beside the reserve there is room for some videos of three MiB."""


async def _mount(folder: Path) -> None:
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", str(folder)]
    mount = await asyncio.create_subprocess_exec(*command)
    assert await mount.wait() == 0


class Disk:
    """A small disk under a folder, and what fills it up."""

    def __init__(self, folder: Path) -> None:
        self._ballast = folder / "ballast"

    @property
    def free(self) -> int:
        """Bytes that it still takes."""
        return shutil.disk_usage(self._ballast.parent).free

    def leave(self, free: int) -> None:
        """Fill it up but for so many bytes."""
        with self._ballast.open("ab") as file:
            if self.free > free:
                os.posix_fallocate(file.fileno(), file.tell(), self.free - free)

    def fill(self) -> None:
        """Leave nothing: the system says so."""
        self.leave(0)
        with pytest.raises(OSError, match="No space left on device") as full:
            self._ballast.with_name("one more").write_bytes(b"x" * 5000)
        assert full.value.errno == errno.ENOSPC
        self._ballast.with_name("one more").unlink()

    def clear(self) -> None:
        """There is room again."""
        self._ballast.unlink()


@pytest_asyncio.fixture(loop_scope="session")
async def watched(tmp_path: Path, openapi: Path | None) -> AsyncIterator[Watched]:
    """A scene whose bot has its data directory on the small disk; its log is elsewhere."""
    town = Town(tmp_path, openapi, video_bytes=padded(clip(), 3 * MIB))
    await _mount(town.data)
    await town.open()
    try:
        scene = Watched(town)
        await scene.start(**Watched.SETTINGS)
        await scene.begin()
        yield scene
        town.pika.resume()
        await scene.check(stop=True)
    finally:
        await town.close()


async def _refuses_to_start(scene: Scene, folder: Path) -> None:
    """A bot that is started on the full disk says what to do, and leaves."""
    settings = scene.town.settings(DATA_DIR=str(scene.town.data / "another"))
    bot = BotProcess(settings, folder)
    await bot.start()
    async with asyncio.timeout(30):
        assert await bot.process.wait() == 78
    assert "DATA_DIR" in bot.log()
    assert "disk full: free some space there" in bot.log()
    assert "Traceback" not in bot.log()


@pytest.mark.timeout(240)
async def test_everything_goes_on_after_a_full_disk(
    watched: Watched, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """First there is no room for videos, then for nothing at all: readiness says each, the operator
    reads it once, commands and buttons are refused in words. Once there is room, everything goes
    on by itself; nothing is lost, doubled or charged twice, nothing half-written lies about.
    """
    disk = Disk(watched.town.data)
    disk.leave(RESERVE + MIB)  # the next video has three
    watched.pika.resume()
    await watched.until(lambda: watched.logged("ERROR", "files cannot be stored", "full"))
    assert (await watched.checks())["database"] == "ok"
    await watched.delivered_nothing_yet()

    disk.fill()
    await watched.refuses()
    await watched.becomes("database", "disk full")
    assert (await watched.checks())["disk"].startswith("full: videos need ")
    await watched.delivered_nothing_yet()
    await _refuses_to_start(watched, tmp_path_factory.mktemp("another"))

    disk.clear()
    await watched.goes_on()
    await watched.becomes("disk", "ok")
    watched.told_once("nothing can be written to", "disk full: free some space there")
    watched.told_once("files cannot be stored")
    assert list((watched.town.data / "videos").iterdir()) == []
