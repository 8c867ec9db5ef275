"""A video that a server does not take as it is: smaller, then its link, never dropped."""

from __future__ import annotations

import asyncio
import subprocess
from pathlib import Path

import pytest

from bot.media import check_video, find_ffmpeg
from bot.sandbox.discord import Member, Message
from tests.e2e.conftest import OpenScene
from tests.e2e.town import Scene

MIB = 1024 * 1024
POST = "/channels/{channel_id}/messages"


@pytest.fixture(scope="module")
def large_clip(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Two seconds, about 13 MiB: a grainy still picture, stored anew for every frame. It takes
    an encoder little time to do better.
    """
    path = tmp_path_factory.mktemp("clips") / "grain.mp4"
    subprocess.run(
        [
            find_ffmpeg(), "-y", "-v", "error",
            "-f", "lavfi", "-i", "color=gray:size=640x360:rate=24:duration=2",
            "-vf", "noise=alls=100", "-c:v", "libx264", "-preset", "ultrafast", "-g", "1",
            "-qp", "16", "-pix_fmt", "yuv420p", "-movflags", "+faststart", str(path),
        ],
        check=True,
    )  # fmt: skip
    assert 11 * MIB < path.stat().st_size < 19 * MIB
    return path.read_bytes()


def uploads(scene: Scene) -> list[int]:
    """How Discord answered the videos that were sent to it."""
    requests = (seen for seen in scene.discord.requests if seen.route == POST)
    return [seen.status for seen in requests if seen.files]


async def smaller(scene: Scene, who: Member, folder: Path) -> None:
    """Ask for a video; it arrives in a size that fits, plays, and is charged once."""
    card = await scene.card(who=who)
    message = await scene.result(card, seconds=60)
    video = message.attachments[0].read()
    copy = folder / "copy.mp4"
    await asyncio.to_thread(copy.write_bytes, video)
    seen = await check_video(copy)
    assert len(video) <= 10 * MIB
    assert (seen.width, seen.height) == (640, 360)
    assert seen.seconds == pytest.approx(2.0, abs=0.1)
    assert message.mentions == [who.user]
    assert "Made smaller" in message.content
    await scene.says_on(card, "✅ Done · made smaller to fit this server")
    assert scene.hold(card) == "charged"
    assert list((scene.town.data / "videos").iterdir()) == []


async def linked(scene: Scene, who: Member) -> Message:
    """Ask for a video; its link arrives instead, and the card says so."""
    card = await scene.card(who=who)

    def posted() -> Message | None:
        found = (m for m in scene.thread.messages if "too large for this server" in m.content)
        return next(found, None)

    message = await scene.until(posted, 60)
    assert message is not None
    await scene.says_on(card, "✅ Done · posted as a link")
    assert scene.hold(card) == "charged"
    return message


async def test_a_server_is_asked_once_what_it_takes(
    open_scene: OpenScene, large_clip: bytes, tmp_path: Path
) -> None:
    """The first video that is too large is refused (413), made to fit and posted; from then on
    the bot knows where to begin. Alice's own limit is larger than the server's, so the number
    in her command says nothing; Bob's says it all: his server refuses nothing.
    """
    scene = await open_scene(video_bytes=large_clip, instant=False)
    scene.discord.upload_limit = 10 * MIB
    scene.alice.user.nitro = True
    await smaller(scene, scene.alice, tmp_path)
    assert uploads(scene) == [413, 200]
    await smaller(scene, scene.alice, tmp_path)
    assert uploads(scene) == [413, 200, 200]

    other = Scene(scene.town, "Another club")
    await smaller(other, other.bob, tmp_path)
    assert uploads(scene) == [413, 200, 200, 200]

    scene.guild.boost(2)
    await scene.delivered(await scene.card(who=scene.alice))
    assert uploads(scene) == [413, 200, 200, 200, 200]

    scene.discord.upload_limit = 10_000
    last = Scene(scene.town, "A very small club")
    message = await linked(last, last.bob)
    made = scene.accepted[-1].attachment
    assert made is not None
    assert str(made["url"]).split("?")[0] in message.content
    assert message.attachments == []
    assert uploads(scene) == [413, 200, 200, 200, 200]
