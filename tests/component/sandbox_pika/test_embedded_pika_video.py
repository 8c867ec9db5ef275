"""The videos are real, show what was asked for, and repeat."""

from __future__ import annotations

import io
import time
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from PIL import Image, ImageDraw

from bot.sandbox.pika import EmbeddedPika, PikaJob

Form = Callable[..., Any]
Probe = Callable[[bytes], Awaitable[Any]]


async def rendered(path: str, fields: dict[str, Any], form: Form) -> tuple[PikaJob, bytes]:
    """Render one job on a server of its own."""
    async with EmbeddedPika(render_seconds=0) as server:
        headers = {"Authorization": f"Bearer {server.token}"}
        async with httpx.AsyncClient(base_url=server.api_url, headers=headers) as client:
            body = (await client.post(path, files=form(**fields))).json()
            job = server.jobs[body["jobid"]]
            await server.wait_for(lambda: not job.executing, timeout=20)
            assert job.status == "completed", job.error
            assert job.video is not None
            assert job.attachment is not None
            return job, job.video.read_bytes()


async def test_a_video_is_playable_and_as_described(form: Form, probe: Probe) -> None:
    """H.264, yuv420p, three seconds of 24 frames, its own size, ready to be streamed."""
    began = time.perf_counter()
    job, data = await rendered("/create", {"prompt": "a fox runs in snow -seed 7"}, form)
    took = time.perf_counter() - began

    found = await probe(data)
    assert (found.codec, found.pixels) == ("h264", "yuv420p")
    assert (found.width, found.height) == (576, 320)
    assert (found.fps, found.seconds, found.frames) == (24, 3, 72)
    assert job.attachment is not None
    assert job.attachment["size"] == len(data)
    assert (job.attachment["width"], job.attachment["height"]) == (576, 320)
    assert data.index(b"moov") < data.index(b"mdat")
    assert took < 5


@pytest.mark.parametrize(
    "flags",
    [
        "-ar 1:1", "-ar 9:16 -fps 8", "-camera zoom in", "-camera zoom out -motion 4",
        "-camera rotate ccw -motion 0", "-camera pan up left", "-camera pan right -ar 5:2",
    ],
)  # fmt: skip
async def test_flags_shape_the_video(form: Form, probe: Probe, flags: str) -> None:
    """-ar and -fps are honoured, and every camera movement yields a full video."""
    job, data = await rendered("/create", {"prompt": f"a fox -seed 1 {flags}"}, form)

    found = await probe(data)
    ratio = job.flags.ratio or (16, 9)
    fps = job.flags.number("fps") or 24
    assert found.width / found.height == pytest.approx(ratio[0] / ratio[1], rel=0.06)
    assert (found.width % 2, found.height % 2) == (0, 0)
    assert (found.fps, found.frames) == (fps, 3 * fps)


async def test_videos_repeat(form: Form, png: tuple[str, bytes, str]) -> None:
    """Same verb, prompt, image, message and seed: the same bytes; else others."""
    base = {"prompt": "a fox -seed 5", "message": "HI", "font": "RETRO", "image": png}
    _, first = await rendered("/encrypt_text", base, form)
    _, again = await rendered("/encrypt_text", base, form)
    assert first == again

    changes: tuple[dict[str, Any], ...] = (
        {"prompt": "a fox -seed 6"}, {"prompt": "a cat -seed 5"}, {"message": "HO"},
    )  # fmt: skip
    others = {first}
    for change in changes:
        others.add((await rendered("/encrypt_text", base | change, form))[1])
    others.add((await rendered("/create", {"prompt": "a fox -seed 5", "image": png}, form))[1])
    assert len(others) == 5


async def test_the_seed_is_in_the_name_and_repeats_unless_retried(form: Form) -> None:
    """Without -seed the n-th job of a recipe has the same seed in every run."""
    names: list[list[Any]] = []
    for _ in range(2):
        async with EmbeddedPika(render_seconds=0, instant=True) as server:
            headers = {"Authorization": f"Bearer {server.token}"}
            async with httpx.AsyncClient(base_url=server.api_url, headers=headers) as client:
                for _ in range(2):
                    await client.post("/create", files=form(prompt="A fox, at night! -gs 9"))
            await server.wait_for(lambda: not server.executing)
            names.append([(j.attachment or {})["filename"] for j in server.accepted])

    assert names[0] == names[1]
    assert len(set(names[0])) == 2
    assert all(name.startswith("A_fox_at_night_seed") for name in names[0])


async def test_the_members_image_is_the_background(
    form: Form, probe: Probe, png: tuple[str, bytes, str]
) -> None:
    """/animate shows the picture; /encrypt_image works two of them into one."""
    _, data = await rendered("/animate", {"image": png}, form)
    assert (await probe(data)).frames == 72

    drawing = Image.new("L", (100, 100), 0)
    ImageDraw.Draw(drawing).ellipse((20, 20, 80, 80), fill=255)
    buffer = io.BytesIO()
    drawing.save(buffer, "WEBP")
    mask = ("mask.webp", buffer.getvalue(), "image/webp")
    _, hidden = await rendered(
        "/encrypt_image", {"message": mask, "prompt": "x -seed 0", "image": png}, form
    )
    assert (await probe(hidden)).frames == 72
    assert hidden != data


async def test_a_broken_picture_fails_the_job(form: Form, png: tuple[str, bytes, str]) -> None:
    """A file that begins like a picture and is none ends as failed when it is rendered."""
    async with EmbeddedPika(render_seconds=0) as server:
        headers = {"Authorization": f"Bearer {server.token}"}
        async with httpx.AsyncClient(base_url=server.api_url, headers=headers) as client:
            fields = form(image=("a.png", png[1][:30], "image/png"))
            await client.post("/animate", files=fields)
        await server.wait_for(lambda: not server.executing)
        (job,) = server.accepted
        assert job.status == "failed"
        assert job.error is not None


async def test_a_big_video_is_big_and_playable(form: Form, probe: Probe) -> None:
    """size_mb gives a valid MP4 of that size, and the attachment says so."""
    async with EmbeddedPika(render_seconds=0, instant=True) as server:
        server.script(size_mb=30)
        headers = {"Authorization": f"Bearer {server.token}"}
        async with httpx.AsyncClient(base_url=server.api_url, headers=headers) as client:
            await client.post("/create", files=form(prompt="a"))
            await server.wait_for(lambda: not server.executing)
            (job,) = server.accepted
            assert job.attachment is not None
            data = (await client.get(str(job.attachment["url"]))).content

    assert len(data) == job.attachment["size"] == 30_000_000
    found = await probe(data)
    assert (found.codec, found.frames) == ("h264", 24 * 3)


async def test_given_bytes_take_the_place_of_videos(form: Form) -> None:
    """video_bytes serves them for every job, a script's video for its own."""
    async with EmbeddedPika(render_seconds=0, video_bytes=b"every") as server:
        server.script(match="special", video=b"special")
        headers = {"Authorization": f"Bearer {server.token}"}
        async with httpx.AsyncClient(base_url=server.api_url, headers=headers) as client:
            for prompt in ("plain", "special"):
                await client.post("/create", files=form(prompt=prompt))
            await server.wait_for(lambda: not server.executing)
            contents = [
                (await client.get(str((job.attachment or {})["url"]))).content
                for job in server.accepted
            ]
    assert contents == [b"every", b"special"]


async def test_files_are_gone_after_stop(form: Form) -> None:
    """stop() removes every video, and a second start serves on the same port."""
    server = EmbeddedPika(render_seconds=0, instant=True)
    await server.start()
    address = server.api_url
    headers = {"Authorization": f"Bearer {server.token}"}
    async with httpx.AsyncClient(headers=headers) as client:
        await client.post(f"{address}/create", files=form(prompt="a"))
        await server.wait_for(lambda: not server.executing)
    (job,) = server.accepted
    assert job.video is not None
    assert job.video.exists()
    await server.stop()
    await server.stop()
    assert not job.video.exists()
    await server.start()
    assert server.api_url == address
    await server.stop()
