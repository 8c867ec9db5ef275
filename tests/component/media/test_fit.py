"""Making a video small enough."""

from __future__ import annotations

import asyncio
import subprocess
from itertools import pairwise
from pathlib import Path

import pytest

from bot.media import find_ffmpeg, fit
from bot.media.fit import FIRST_PASS

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


async def test_how_far_it_is_can_be_heard(noise: Path, tmp_path: Path) -> None:
    """Percents that grow over both passes; from the beginning again with a second copy, which is
    made where the first came out too large.
    """
    told: list[int] = []
    await fit(noise, tmp_path / "copy.mp4", limit=LIMIT, told=told.append)

    tries = [0, *(at for at, (a, b) in enumerate(pairwise(told), 1) if b < a), len(told)]
    copies = [told[begin:end] for begin, end in pairwise(tries)]
    assert len(copies) == 2  # this clip needs a second one
    for copy in copies:
        assert copy == sorted(copy)
        assert any(percent <= FIRST_PASS for percent in copy)
        assert copy[-1] > 80


async def _run(*command: str) -> str:
    """What it says on standard error."""
    process = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE)
    _, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    return err.decode()


async def test_no_stream_is_encoded_that_nobody_has_looked_at(tmp_path: Path) -> None:
    """A file whose second picture track was larger, and whose sound went on and on, passed the
    look at its first track; then the encoder chose the other one, and filled the disk with sound.
    """
    source, copy = tmp_path / "two-faced.mp4", tmp_path / "copy.mp4"
    small, large, sound = "testsrc=s=64x48:r=24:d=1", "testsrc=s=640x480:r=24:d=1", "sine=d=120"
    inputs = [word for each in (small, large, sound) for word in ("-f", "lavfi", "-i", each)]
    maps = ["-map", "0:v", "-map", "1:v", "-map", "2:a"]
    kinds = ["-c:v", "libx264", "-pix_fmt", "yuv420p", "-c:a", "aac", "-b:a", "16k"]
    command = [find_ffmpeg(), "-v", "error", *inputs, *maps, *kinds, str(source)]
    await _run(*command)

    await fit(source, copy, limit=200_000)

    told = await _run(find_ffmpeg(), "-v", "info", "-i", str(copy), "-f", "null", "-")
    assert " 64x48" in told
    assert "640x480" not in told
    assert "Duration: 00:00:02" in told
