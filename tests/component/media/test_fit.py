"""Making a video small enough."""

from __future__ import annotations

import asyncio
import subprocess
from pathlib import Path

import pytest

from bot.media import find_ffmpeg, fit

LIMIT = 40_000


@pytest.fixture
def noise(tmp_path: Path) -> Path:
    """A clip of noise, which an encoder makes larger than it was told to at its first try."""
    path = tmp_path / "noise.mp4"
    source = ["-f", "lavfi", "-i", "testsrc2=size=64x48:rate=24:duration=1"]
    kind = ["-vf", "noise=alls=100:allf=t", "-c:v", "libx264", "-preset", "ultrafast", "-qp", "1"]
    command = [find_ffmpeg(), "-v", "error", *source, *kind, "-pix_fmt", "yuv420p", str(path)]
    subprocess.run(command, check=True)
    return path


async def test_a_copy_that_is_still_too_large_never_has_the_name_of_one_that_fits(
    noise: Path, tmp_path: Path
) -> None:
    """A bot that was killed between two tries found a copy under that name, took it for one that
    fits, and offered it to Discord forty times a second.
    """
    copy = tmp_path / "copy.mp4"
    encoding = asyncio.create_task(fit(noise, copy, limit=LIMIT))
    seen = set()
    while not encoding.done():
        if copy.exists():
            seen.add(copy.stat().st_size)
        await asyncio.sleep(0)

    assert await encoding <= LIMIT
    assert [size for size in seen if size > LIMIT] == []
