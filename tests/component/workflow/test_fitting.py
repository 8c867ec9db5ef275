"""A video that is too large: what is sent, and what the card says meanwhile."""

from __future__ import annotations

import asyncio
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from bot.errors import TryLater
from bot.media import AllowedHosts, ffmpeg, find_ffmpeg
from bot.media.fit import FIRST_PASS
from bot.model import DeliveryKind, DeliveryState, JobState
from bot.workflow.delivery.fitting import Fitting
from bot.workflow.delivery.messenger import Outlook
from bot.workflow.delivery.upkeep import EDIT_PAUSE_MS
from bot.workflow.moderation import Moderator
from tests.conftest import OpenHouse
from tests.fakes import GUILD, House, PostedSilent, World, until

S, K, D = JobState, DeliveryKind, DeliveryState
MONA = Moderator(GUILD, 77)
KIB = 1024


@pytest.fixture(scope="module")
def grainy() -> bytes:
    """One second, some hundred KiB: a still picture stored anew for every frame."""
    source = ["-f", "lavfi", "-i", "color=gray:size=160x120:rate=12:duration=1"]
    kind = ["-vf", "noise=alls=100", "-c:v", "libx264", "-preset", "ultrafast", "-g", "1"]
    out = ["-qp", "16", "-movflags", "frag_keyframe+empty_moov", "-f", "mp4", "pipe:1"]
    command = [find_ffmpeg(), "-v", "error", *source, *kind, "-pix_fmt", "yuv420p", *out]
    made = subprocess.run(command, check=True, capture_output=True).stdout
    assert len(made) > 200 * KIB
    return made


@pytest.fixture
async def large(open_house: OpenHouse, world: World, grainy: bytes) -> House:
    """A house whose videos are large, and a server that takes 100 KiB."""
    world.video = grainy
    house = await open_house()
    house.discord.limit = 100 * KIB
    return house


async def _steps(house: House, count: int = 4) -> None:
    for _ in range(count):
        await house.deliver()
        house.clock.move(5)


async def test_the_card_says_that_the_video_is_made_smaller(large: House) -> None:
    """While that goes on, and until it is posted."""
    large.uploads.hint(GUILD, 100 * KIB)
    job = await large.delivering()
    go = asyncio.Event()
    large.discord.outcomes.append(PostedSilent(go))
    await large.courier.round()
    await large.courier.settle_down()
    await large.courier.round()
    await until(lambda: large.discord.of(job.id, K.RESULT))
    large.clock.move(5)
    await large.courier.round()
    await until(lambda: large.discord.of(job.id, K.CARD)[0].shows == f"delivering {100 * KIB}")

    go.set()
    await large.courier.settle_down()
    await large.deliver()
    assert large.discord.of(job.id, K.CARD)[0].shows == "final"


class Slow:
    """An encoder that says how far it is, and waits before it does each pass."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        script = folder / "ffmpeg"
        script.write_text(
            '#!/bin/sh\ncase "$*" in *" -pass "*)\n'
            f'  echo "out_time_us=500000"; touch {folder}/waits\n'
            f"  while [ ! -e {folder}/go ]; do sleep 0.01; done; rm {folder}/go\n"
            f'esac\nexec {find_ffmpeg()} "$@"\n'
        )
        script.chmod(0o755)
        self.path = str(script)

    async def waits(self) -> None:
        """Return when a pass has said how far it is."""
        await until((self._folder / "waits").exists)
        (self._folder / "waits").unlink()

    def go(self) -> None:
        """Let that pass be done."""
        (self._folder / "go").touch()


async def test_the_card_shows_how_far_it_is_at_its_own_pace(
    large: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A percentage from the encoder itself, in the middle of each pass; gone when it is done."""
    slow = Slow(tmp_path)
    monkeypatch.setattr(ffmpeg, "find_ffmpeg", lambda: slow.path)
    large.uploads.hint(GUILD, 100 * KIB)
    job = await large.delivering()
    await large.deliver()
    begun = len(large.discord.edits)

    def shown() -> list[str]:
        return [what for _, what in large.discord.edits[begun:]]

    await large.courier.round()
    for percent in (FIRST_PASS // 2, (FIRST_PASS + 100) // 2):
        await slow.waits()
        await until(lambda p=percent: large.outlooks.encoded == {job.id: p})  # type: ignore[misc]
        large.clock.move(EDIT_PAUSE_MS / 1000)
        wanted = f"delivering {100 * KIB} {percent // 10}"
        await large.courier.round()
        await until(lambda w=wanted: shown()[-1:] == [w])  # type: ignore[misc]
        for _ in range(3):  # nothing new: nothing is written
            await large.courier.round()
        slow.go()
    await large.courier.settle_down()
    assert len(shown()) <= 3
    assert large.outlooks.encoded == {}

    await large.deliver()
    assert await large.state(job.id) is S.DELIVERED


async def test_a_number_that_discord_names_saves_a_refused_upload(large: House) -> None:
    """What it says it does not take is made to fit before it is sent."""
    large.uploads.hint(GUILD, 100 * KIB)
    job = await large.delivering()
    await _steps(large)

    assert await large.state(job.id) is S.DELIVERED
    (size,) = large.discord.uploads
    assert size <= 100 * KIB
    assert list((large.world.folder / "videos").iterdir()) == []


async def test_a_refusal_is_remembered_for_the_next_video(large: House, grainy: bytes) -> None:
    """First the video as it is, then one that fits; the second one is not refused any more."""
    first = await large.delivering()
    large.discord.limit = 1
    await _steps(large)
    assert large.discord.uploads == [len(grainy)]
    large.uploads.hint(GUILD, 100 * KIB)
    large.discord.limit = 100 * KIB
    second = await large.delivering()
    await _steps(large)

    assert len(large.discord.uploads) == 2
    for job in (first, second):
        assert await large.state(job.id) is S.DELIVERED
    fits = [(await large.messages(job.id))[K.RESULT].fit for job in (first, second)]
    assert fits == [0, 100 * KIB]


async def test_what_was_taken_proves_more_than_what_discord_says(
    large: House, grainy: bytes
) -> None:
    """A number that is too small costs nobody the quality of a video that fits."""
    large.discord.limit = None
    await large.delivering()
    await _steps(large)
    large.uploads.hint(GUILD, 100 * KIB)
    await large.delivering()
    await _steps(large)

    assert large.discord.uploads == [len(grainy)] * 2


async def test_a_direct_message_has_a_limit_of_its_own(large: House) -> None:
    """What the server refused, the member may get whole, and the other way round."""
    large.uploads.refused(GUILD, 150 * KIB)
    large.discord.closed = {200: 50001}
    large.discord.limit = None
    job = await large.delivering()
    await _steps(large)

    result = large.discord.of(job.id, K.RESULT)[0]
    assert result.channel_id == 400 * 1000
    assert (await large.messages(job.id))[K.RESULT].fit is None


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.example/free-nitro",
        "https://cdn.test/a.mp4 https://evil.example/",
        "https://cdn.test/a.mp4\n# Everybody look here",
        "https://cdn.test/a)[press](https://evil.example/",
        f"https://cdn.test/{'a' * 2_000}.mp4",
        "https://[cdn.test/a.mp4",
    ],
)
async def test_no_link_of_pikas_leads_members_elsewhere(large: House, address: str) -> None:
    """What Pika calls the video's address was posted as it came: anything, anywhere, and if it was
    long, Discord refused the message, and with it the video.
    """
    job = await large.delivering()
    large.pika.show(job.pika_id or "", video_url=address)
    hosts = AllowedHosts.of(api_urls=["https://cdn.test"])
    fitting = Fitting(large.pika, large.world.folder / "videos", large.uploads, hosts)

    assert await fitting.link(job) is None

    large.pika.show(job.pika_id or "", video_url="https://cdn.test/a_b-1.mp4?ex=1&is=2&hm=3&")
    assert await fitting.link(job) == "https://cdn.test/a_b-1.mp4?ex=1&is=2&hm=3&"


async def test_forgetting_a_video_leaves_nothing_of_it_and_all_of_others(house: House) -> None:
    """Its copies, a half-fetched one, and one of another kind that came from elsewhere."""
    job = await house.delivering()
    videos = house.world.folder / "videos"
    for name in ("1-25.mp4", "1.webm", "1.mp4.part", "10.mp4", "11-1.mp4"):
        (videos / name).write_bytes(b"x")
    house.courier._fitting.forget(job)
    assert sorted(path.name for path in videos.iterdir()) == ["10.mp4", "11-1.mp4"]


@pytest.mark.parametrize("end", ["removed", "rejected"])
async def test_a_copy_of_what_nobody_wants_any_more_does_not_stay(large: House, end: str) -> None:
    """The video was taken away, or rejected, while a smaller copy was being made: that lay on
    the disk until the next start.
    """
    videos = large.world.folder / "videos"
    large.uploads.hint(GUILD, 100 * KIB)
    if end == "rejected":
        await large.look_at()
        job = await large.reviewing()
    else:
        job = await large.delivering()
    await large.deliver()
    copy = videos / f"{job.id}-{100 * KIB}.mp4"
    large.discord.outcomes.append(TryLater(1, "503"))
    await large.deliver()
    assert copy.exists()
    made = copy.read_bytes()
    (waits,) = [one for one in (await large.messages(job.id)).values() if one.fit]

    if end == "rejected":
        await large.reviews.reject(MONA, job.id, None)
    else:
        await large.removals.remove(MONA, job.id, None)
    assert list(videos.iterdir()) == []
    copy.write_bytes(made)  # the encoder had begun before
    large.courier._begin((job.id, "made"), large.courier._posting._try(job, waits, Outlook()))
    await large.courier.settle_down()

    assert list(videos.iterdir()) == []


async def test_a_card_that_is_there_meanwhile_costs_no_video(house: House) -> None:
    """The courier was about to post one while the command was answered; the job's video had just
    been fetched, and was not written down yet.
    """
    job = await house.rendering()
    card = replace((await house.messages(job.id))[K.CARD], state=D.PENDING, attempts=1)
    (seen,) = house.discord.of(job.id, K.CARD)
    del house.discord.messages[seen.id]  # not yet, when the courier looks
    fetched = house.world.folder / "videos" / f"{job.id}.mp4"
    fetched.write_bytes(b"just here")
    house.courier._begin((job.id, "late"), house.courier._posting._try(job, card, Outlook()))
    await house.courier.settle_down()

    assert fetched.exists()
