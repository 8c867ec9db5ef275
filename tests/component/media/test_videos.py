"""A video is one that can be played, whole and within limits."""

from __future__ import annotations

import asyncio
import os
import shutil
import stat
import time
from pathlib import Path

import pytest

from bot.errors import Unreachable, Unusable
from bot.media import bounded, check_video, containers, ffmpeg, find_ffmpeg, videos


@pytest.mark.parametrize(
    ("name", "content_type"),
    [
        ("good.mp4", "video/mp4"),
        ("late.mp4", "video/mp4"),
        ("fragmented.mp4", "video/mp4"),
        ("good.mov", "video/quicktime"),
        ("good.webm", "video/webm"),
    ],
)
async def test_good_videos(clips: Path, name: str, content_type: str) -> None:
    """The kinds that Discord plays, with length and sides."""
    found = await check_video(clips / name)
    assert (found.width, found.height, found.content_type) == (64, 48, content_type)
    assert found.seconds == pytest.approx(1.0, abs=0.01)
    assert found.extension == Path(name).suffix


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (b"<!DOCTYPE html><html><body>This content is no longer available", "web page"),
        (b"\xef\xbb\xbf\n <HTML>", "web page"),
        (b'{"error": "no"}', "message"),
        (b"GIF89a" + bytes(100), "no video"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "no video"),
        (b"#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1/x.ts\n", "no video"),
        (b"ffconcat version 1.0\nfile /etc/passwd\n", "no video"),
        (os.urandom(5000), "no video"),
        (b"\x00\x00\x00\x18ftypisom" + bytes(12), "cannot be played"),
        (b"\x00\x00\x00\x18ftypisom" + bytes(12) + b"\x00\x00\x01\x00moov" + bytes(248), "played"),
        (b"\x00\x00\x00\x05ftypisom" + bytes(12), "too early"),
        (b"\x1a\x45\xdf\xa3", "Matroska"),
        (b"\x1a\x45\xdf\xa3\x80webm", "cannot be read"),
        (b"\x1a\x45\xdf\xa3\x00webm", "cannot be read"),
        (b"\x1a\x45\xdf\xa3\x87\x42\x82\x84webm\x18\x53\x80\x67\xff", "cannot be played"),
    ],
)
async def test_no_video(tmp_path: Path, data: bytes, words: str) -> None:
    """Error pages, other files and empty shells are told apart."""
    path = tmp_path / "a.mp4"
    path.write_bytes(data)
    with pytest.raises(Unusable, match=words):
        await check_video(path)


@pytest.mark.parametrize("name", ["good.mp4", "late.mp4", "good.webm", "fragmented.mp4"])
@pytest.mark.parametrize("share", [0.3, 0.9, 0.99])
async def test_truncated(clips: Path, tmp_path: Path, name: str, share: float) -> None:
    """A video that breaks off is found, also when its beginning plays."""
    data = (clips / name).read_bytes()
    path = tmp_path / name
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(Unusable, match="incomplete"):
        await check_video(path)


async def test_a_frame_must_decode(clips: Path, tmp_path: Path) -> None:
    """A right frame around nonsense is no video."""
    data = bytearray((clips / "good.mp4").read_bytes())
    at = data.index(b"mdat") + 4
    data[at:] = bytes(len(data) - at)
    path = tmp_path / "a.mp4"
    path.write_bytes(data)
    with pytest.raises(Unusable, match="no picture"):
        await check_video(path)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("sound.mp4", "no picture"),
        ("long.mp4", "longer than 120 seconds"),
        ("good.mkv", "Matroska"),
    ],
)
async def test_other_videos(clips: Path, name: str, words: str) -> None:
    """Sound alone, a film, a kind that Discord does not play."""
    with pytest.raises(Unusable, match=words):
        await check_video(clips / name)


async def test_too_large(tmp_path: Path) -> None:
    """Size is judged before anything is read."""
    path = tmp_path / "a.mp4"
    with path.open("wb") as file:
        file.truncate(videos.VIDEO_LIMIT + 1)
    with pytest.raises(Unusable, match="larger than 200 MiB"):
        await check_video(path)


async def test_zero_length(clips: Path) -> None:
    """Pictures without a moment to show them are no video."""
    kind = containers.MP4
    frame = "0, 0, 0, 1, 9, 0xab"
    packets = "#tb 0: 1/24\n#dimensions 0: 64x48\n0, 0, 0, 0, 9, 0xab\n"
    with pytest.raises(Unusable, match="no length"):
        videos._judge(ffmpeg.Ran(0, packets, frame), kind)


async def test_a_missing_file_is_our_trouble(tmp_path: Path) -> None:
    """Not the video's fault: it may be examined later."""
    with pytest.raises(Unreachable):
        await check_video(tmp_path / "none.mp4")


async def test_odd_names_are_only_names(clips: Path, tmp_path: Path) -> None:
    """A name that looks like an option or an address is read as a file."""
    for name in ("-y.mp4", "http:a.mp4", "concat:a|b.mp4", "%03d.mp4", "ü 🌊.mp4"):
        path = tmp_path / name
        path.write_bytes((clips / "good.mp4").read_bytes())
        assert (await check_video(path)).width == 64


def _fake(folder: Path, script: str) -> str:
    path = folder / "ffmpeg"
    path.write_text("#!/bin/sh\n" + script)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


def _assert_dead(pid: Path) -> None:
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid.read_text()), 0)


async def test_it_never_hangs(clips: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that takes too long is killed; the video may be examined later."""
    fake = _fake(tmp_path, f"echo $$ > {tmp_path}/pid\nexec sleep 60\n")
    monkeypatch.setattr(ffmpeg, "find_ffmpeg", lambda: fake)
    monkeypatch.setattr(videos, "CHECK_SECONDS", 0.3)
    with pytest.raises(Unreachable, match="in time"):
        await check_video(clips / "good.mp4")
    _assert_dead(tmp_path / "pid")


async def test_a_cancelled_check_leaves_no_process(
    clips: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A shutdown kills what it started."""
    fake = _fake(tmp_path, f"echo $$ > {tmp_path}/pid\nexec sleep 60\n")
    monkeypatch.setattr(ffmpeg, "find_ffmpeg", lambda: fake)
    task = asyncio.create_task(check_video(clips / "good.mp4"))
    while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():  # noqa: ASYNC110  a file appears
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    _assert_dead(tmp_path / "pid")


async def test_it_runs_gently(clips: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Low priority, and none of our environment, which holds tokens."""
    monkeypatch.setenv("DISCORD_TOKEN", "very-secret")
    fake = _fake(tmp_path, f"/usr/bin/env > {tmp_path}/env\nnice > {tmp_path}/nice\nexit 1\n")
    monkeypatch.setattr(ffmpeg, "find_ffmpeg", lambda: fake)
    with pytest.raises(Unusable):
        await check_video(clips / "good.mp4")
    assert "very-secret" not in (tmp_path / "env").read_text()
    assert int((tmp_path / "nice").read_text() or 10) >= 10


@pytest.mark.skipif(shutil.which("prlimit") is None, reason="needs prlimit (util-linux)")
async def test_it_is_bounded(clips: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory and CPU time end by the kernel, even when nobody watches any more."""
    fake = _fake(tmp_path, f"(ulimit -v; ulimit -t; ulimit -c) > {tmp_path}/limits\nexit 1\n")
    monkeypatch.setattr(ffmpeg, "find_ffmpeg", lambda: fake)
    with pytest.raises(Unusable):
        await check_video(clips / "good.mp4")
    memory, cpu, core = map(int, (tmp_path / "limits").read_text().split())
    assert memory * 1024 == ffmpeg.MEMORY_LIMIT
    assert (cpu, core) == (ffmpeg.CPU_SECONDS, 0)


async def test_floods_of_output_are_dropped(
    clips: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What ffmpeg prints is read, but only its beginning kept."""
    fake = _fake(tmp_path, "head -c 9000000 /dev/zero\nhead -c 9000000 /dev/zero >&2\n")
    monkeypatch.setattr(ffmpeg, "find_ffmpeg", lambda: fake)
    ran = await ffmpeg.run([], seconds=20)
    assert len(ran.out) == len(ran.err) == ffmpeg.OUTPUT_LIMIT


async def test_whatever_it_says_of_its_progress_is_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only numbers count; a flood without a line's end is dropped, and it never hangs."""
    lines = "out_time_us=N/A\\nout_time_us=-5\\nspeed=1x\\nout_time_us=1500000\\nout_time_u"
    flood = "head -c 9000000 /dev/zero"
    fake = _fake(
        tmp_path, f"printf '{lines}'; printf 's=2500000\\n'; {flood}; {flood} >&2\nexit 3\n"
    )
    monkeypatch.setattr(ffmpeg, "find_ffmpeg", lambda: fake)
    told: list[float] = []
    ran = await ffmpeg.run([], seconds=20, told=told.append)
    assert told[-1] == 2.5
    assert set(told) <= {1.5, 2.5}
    assert (ran.code, ran.out, len(ran.err)) == (3, "", ffmpeg.OUTPUT_LIMIT)

    endless = _fake(tmp_path, "while :; do echo out_time_us=1; sleep 0.01; done\n")
    monkeypatch.setattr(ffmpeg, "find_ffmpeg", lambda: endless)
    with pytest.raises(TimeoutError):
        await ffmpeg.run([], seconds=0.3, told=told.append)


async def test_two_at_once(clips: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten videos wait for two places, so that the rest of the bot gets some of the machine."""
    running = most = 0

    async def slow(arguments: object, *, seconds: float) -> ffmpeg.Ran:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.01)
        running -= 1
        return ffmpeg.Ran(1, "", "")

    monkeypatch.setattr(ffmpeg, "run", slow)
    found = await asyncio.gather(
        *(check_video(clips / "good.mp4") for _ in range(10)), return_exceptions=True
    )
    assert all(isinstance(error, Unusable) for error in found)
    assert most == bounded.AT_ONCE == 2


async def test_ten_take_about_a_second(clips: Path) -> None:
    """Cheap enough for two slow cores (a generous bound: this machine may be busy)."""
    begin = time.monotonic()
    await asyncio.gather(*(check_video(clips / "good.mp4") for _ in range(10)))
    assert time.monotonic() - begin < 10


def test_ffmpeg_is_found() -> None:
    """The doctor shows this path."""
    assert os.access(find_ffmpeg(), os.X_OK)


def test_no_ffmpeg(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without one, the text says what to install."""

    def none() -> str:
        raise RuntimeError

    monkeypatch.setattr("imageio_ffmpeg.get_ffmpeg_exe", none)
    monkeypatch.setattr("shutil.which", lambda _: "/opt/ffmpeg")
    assert ffmpeg.find_ffmpeg.__wrapped__() == "/opt/ffmpeg"
    monkeypatch.setattr("shutil.which", lambda _: None)
    with pytest.raises(FileNotFoundError, match="install"):
        ffmpeg.find_ffmpeg.__wrapped__()
