"""A disk without room: nothing is half-written, nothing is asked for in vain, later is later."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.errors import NotStored
from bot.media import AllowedHosts, Fetcher, Room, fit
from bot.media.room import RESERVE
from tests.component.media.conftest import Site

MIB = 1024 * 1024
FULL = Path("/dev/full")

needs_full = pytest.mark.skipif(not FULL.exists(), reason="this system has no /dev/full")


class Disk:
    """As much free space as ordered, less what was written since."""

    def __init__(self) -> None:
        self.free = RESERVE + 100 * MIB

    def __call__(self, folder: Path) -> int:
        return self.free - sum(file.lstat().st_size for file in folder.iterdir())


@pytest.fixture
def disk() -> Disk:
    """A disk with room for 100 MiB of files."""
    return Disk()


@pytest.fixture
async def fetcher(site: Site, tmp_path: Path, disk: Disk) -> AsyncIterator[Fetcher]:
    """Stores on this disk."""
    hosts = AllowedHosts.of(api_urls=[site.url])
    room = Room(tmp_path, disk)
    async with Fetcher(hosts=hosts, temp_dir=tmp_path, room=room, idle_seconds=1) as made:
        yield made


async def test_without_room_the_host_is_not_even_asked(
    site: Site, fetcher: Fetcher, disk: Disk, tmp_path: Path
) -> None:
    """Videos wait at Pika for a full disk; asking for them again and again would load the host
    for nothing.
    """
    url = site.serve("/a.mp4", b"x" * 1000)
    disk.free = RESERVE - 1
    with pytest.raises(NotStored, match="full"):
        await fetcher.fetch(url, Path("a.mp4"), limit=MIB)
    assert site.seen == []
    assert list(tmp_path.iterdir()) == []


async def test_a_file_leaves_room_for_the_database(
    site: Site, fetcher: Fetcher, disk: Disk, tmp_path: Path
) -> None:
    """A disk that fills up stops the fetching of files before it stops everything."""
    disk.free = RESERVE + 999
    with pytest.raises(NotStored):
        await fetcher.fetch(site.serve("/a", b"x" * 1000), Path("a"), limit=MIB)
    got = await fetcher.fetch(site.serve("/b", b"x" * 999), Path("b"), limit=MIB)
    assert got.size == 999
    assert [path.name for path in tmp_path.iterdir()] == ["b"]


async def test_a_file_that_did_not_say_how_long_it_is_stops_in_time(
    site: Site, fetcher: Fetcher, disk: Disk, tmp_path: Path
) -> None:
    """The room is looked at before each piece."""
    disk.free = RESERVE + 2 * MIB
    url = site.serve("/a", b"x" * (5 * MIB), Content_Length="")
    with pytest.raises(NotStored):
        await fetcher.fetch(url, Path("a"), limit=10 * MIB)
    assert list(tmp_path.iterdir()) == []


async def test_the_operator_is_told_once(
    site: Site, fetcher: Fetcher, disk: Disk, caplog: pytest.LogCaptureFixture
) -> None:
    """When it began and when it was over; not for each file."""
    url = site.serve("/a", b"x")
    with caplog.at_level(logging.INFO, "bot.media.room"):
        disk.free = 0
        for _ in range(3):
            with pytest.raises(NotStored):
                await fetcher.fetch(url, Path("a"), limit=MIB)
        disk.free = RESERVE + MIB
        for _ in range(2):
            await fetcher.fetch(url, Path("a"), limit=MIB)
    assert [record.levelname for record in caplog.records] == ["ERROR", "WARNING"]


@needs_full
async def test_a_disk_that_fills_up_while_it_is_written_to(
    site: Site, fetcher: Fetcher, tmp_path: Path
) -> None:
    """ENOSPC from the system itself: no part is left."""
    (tmp_path / "a.mp4.part").symlink_to(FULL)
    with pytest.raises(NotStored, match="full"):
        await fetcher.fetch(site.serve("/a", b"x" * 1000), Path("a.mp4"), limit=MIB)
    assert list(tmp_path.iterdir()) == []


@needs_full
async def test_an_encoder_without_room_says_so(clips: Path, tmp_path: Path) -> None:
    """A full disk is no reason to give up on a video: another time it will fit. ffmpeg meets
    the ENOSPC itself.
    """
    small = tmp_path / "small.mp4"
    (tmp_path / "small.mp4.part").symlink_to(FULL)
    with pytest.raises(NotStored, match="full"):
        await fit(clips / "good.mp4", small, limit=MIB)
    assert list(tmp_path.iterdir()) == []
