"""A running stand-in, a client for it, a listener for its callbacks."""

from __future__ import annotations

import asyncio
import io
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from aiohttp import web
from PIL import Image

from bot.sandbox.pika import EmbeddedPika
from bot.sandbox.pika.video import find_ffmpeg

Form = dict[str, tuple[None, str] | tuple[str, bytes, str]]


@pytest.fixture
async def pika() -> AsyncIterator[EmbeddedPika]:
    """A stand-in that takes 0.05 s for a job and renders nothing."""
    async with EmbeddedPika(render_seconds=0.05, instant=True) as server:
        yield server


@pytest.fixture
async def api(pika: EmbeddedPika) -> AsyncIterator[httpx.AsyncClient]:
    """A client that knows the address and the token."""
    headers = {"Authorization": f"Bearer {pika.token}"}
    async with httpx.AsyncClient(base_url=pika.api_url, headers=headers, timeout=5) as client:
        yield client


@pytest.fixture
async def web_client() -> AsyncIterator[httpx.AsyncClient]:
    """A client without a token, for the CDN."""
    async with httpx.AsyncClient(timeout=5) as client:
        yield client


def form(**fields: object) -> Form:
    """Make a multipart form: texts as they are, `(name, bytes, type)` as files."""
    made: Form = {}
    for name, value in fields.items():
        made[name] = value if isinstance(value, tuple) else (None, str(value))
    return made


@pytest.fixture(name="form")
def form_fixture() -> Callable[..., Form]:
    """Return the function `form`."""
    return form


Submit = Callable[..., Awaitable[dict[str, Any]]]


@pytest.fixture
def submit(api: httpx.AsyncClient) -> Submit:
    """Return a function that posts a form, demands 200 and returns the answer."""

    async def post(path: str = "/create", **fields: object) -> dict[str, Any]:
        answer = await api.post(path, files=form(**(fields or {"prompt": "a fox in snow"})))
        body: dict[str, Any] = answer.json()
        assert (answer.status_code, body.get("code")) == (200, 200), body
        return body

    return post


@pytest.fixture
def png() -> tuple[str, bytes, str]:
    """A real picture, as a file part."""
    buffer = io.BytesIO()
    Image.new("RGB", (64, 48), (200, 30, 30)).save(buffer, "PNG")
    return ("red.png", buffer.getvalue(), "image/png")


@dataclass
class Listener:
    """Receives callbacks; `status` is what it answers."""

    url: str = ""
    bodies: list[dict[str, Any]] = field(default_factory=list)
    status: int = 200


@pytest.fixture
async def listener() -> AsyncIterator[Listener]:
    """A listener on 127.0.0.1."""
    heard = Listener()

    async def hear(request: web.Request) -> web.Response:
        assert request.content_type == "application/json"
        heard.bodies.append(orjson.loads(await request.read()))
        return web.Response(text="ok", status=heard.status)

    app = web.Application()
    app.router.add_post("/cb", hear)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    heard.url = f"http://127.0.0.1:{runner.addresses[0][1]}/cb"
    yield heard
    await runner.cleanup()


@dataclass(frozen=True)
class Probed:
    """What ffmpeg says of a file; `frames` is what it could really decode."""

    codec: str
    pixels: str
    width: int
    height: int
    fps: float
    seconds: float
    frames: int


Probe = Callable[[bytes], Awaitable[Probed]]


@pytest.fixture
def probe(tmp_path: Path) -> Probe:
    """Return a function that decodes a whole video and says what was in it."""

    async def run(data: bytes) -> Probed:
        path = tmp_path / "probed.mp4"
        path.write_bytes(data)
        process = await asyncio.create_subprocess_exec(
            find_ffmpeg(), "-nostdin", "-hide_banner", "-i", str(path), "-f", "null", "-",
            stderr=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        said = (await process.communicate())[1].decode()
        assert process.returncode == 0, said
        stream = re.search(r"Video: (\w+).*?(yuv\w+).*? (\d+)x(\d+).*?([\d.]+) fps", said)
        length = re.search(r"Duration: 00:00:([\d.]+)", said)
        frames = re.findall(r"frame=\s*(\d+)", said)
        assert stream, said
        assert length, said
        return Probed(
            stream[1], stream[2], int(stream[3]), int(stream[4]), float(stream[5]),
            float(length[1]), int(frames[-1]),
        )  # fmt: skip

    return run
