"""A video that a server does not take as it is: smaller, then its link, never dropped."""

from __future__ import annotations

import asyncio
import subprocess
from pathlib import Path

import pytest

from bot.media import check_video, find_ffmpeg
from tests.e2e.conftest import OpenScene
from tests.e2e.town import Scene

MIB = 1024 * 1024


@pytest.fixture(scope="module")
def noisy_clip(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Two seconds of noise, about 15 MiB: nothing compresses worse."""
    path = tmp_path_factory.mktemp("clips") / "noise.mp4"
    subprocess.run(
        [
            find_ffmpeg(), "-y", "-v", "error",
            "-f", "lavfi", "-i", "testsrc2=size=640x360:rate=24:duration=2",
            "-vf", "noise=alls=60:allf=t", "-c:v", "libx264", "-preset", "ultrafast",
            "-b:v", "48M", "-pix_fmt", "yuv420p", "-movflags", "+faststart", str(path),
        ],
        check=True,
    )  # fmt: skip
    assert path.stat().st_size > 11 * MIB
    return path.read_bytes()


async def _posted(scene: Scene, words: str) -> str:
    """Ask for a video; the text of the message that ends with the job's name."""
    card = await scene.card()
    message = await scene.until(
        lambda: next((m for m in scene.thread.messages if words in m.content), None), 90
    )
    assert message is not None
    await scene.says_on(card, "Done")
    assert scene.hold(card) == "charged"
    return message.content


async def test_a_video_too_large_for_the_server_is_made_to_fit(
    open_scene: OpenScene, noisy_clip: bytes, tmp_path: Path
) -> None:
    """413 steps down to a copy that fits; it plays, is posted once, and charged once."""
    scene = await open_scene(video_bytes=noisy_clip, instant=False)
    scene.discord.upload_limit = 10 * MIB
    card = await scene.card()

    message = await scene.result(card, seconds=90)

    video = message.attachments[0].read()
    copy = tmp_path / "copy.mp4"
    await asyncio.to_thread(copy.write_bytes, video)
    seen = await check_video(copy)
    assert MIB < len(video) <= 10 * MIB
    assert (seen.width, seen.height) == (640, 360)
    assert seen.seconds == pytest.approx(2.0, abs=0.1)
    assert message.mentions == [scene.alice.user]
    await scene.says_on(card, "Done")
    assert scene.hold(card) == "charged"
    assert list((scene.town.data / "videos").iterdir()) == []


async def test_a_video_that_fits_nowhere_is_posted_as_a_link(
    open_scene: OpenScene, noisy_clip: bytes
) -> None:
    """When no copy is small enough the member gets Pika's link, and nothing is dropped."""
    scene = await open_scene(video_bytes=noisy_clip, instant=False)
    scene.discord.upload_limit = MIB

    text = await _posted(scene, "too large for this server")

    made = scene.accepted[0].attachment
    assert made is not None
    assert str(made["url"]).split("?")[0] in text
