"""A client of Pika's API, and servers that answer it as ordered."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from bot.model import Font, Picture, PikaReport, Recipe, Verb
from bot.pika import UseApi

TOKEN = "user:77-the-api-token"
DISCORD_TOKEN = "the-discord-user-token"
REPLY_REF = "unguessable-reply-ref"
REPLY_URL = "https://bot.example/callbacks/secret-path"
SECRETS = (TOKEN, DISCORD_TOKEN, REPLY_REF, REPLY_URL, "secret-path")


@pytest.fixture
def fox() -> Recipe:
    """The smallest recipe."""
    return Recipe(Verb.CREATE, "a fox -ar 16:9")


@pytest.fixture
def assert_clean() -> Callable[[str], None]:
    """Checks that a text holds none of the secrets of these tests."""

    def check(text: str) -> None:
        for secret in SECRETS:
            assert secret not in text

    return check


@dataclass
class Canned:
    """Answers every request the same way and keeps the requests."""

    client: UseApi
    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    reply_ref: str = REPLY_REF
    reply_url: str = REPLY_URL
    requests: list[httpx.Request] = field(default_factory=list)
    told: list[tuple[str, int | str]] = field(default_factory=list)

    async def submit(self, recipe: Recipe) -> PikaReport:
        """Send a recipe with this test's reference and callback address."""
        return await self.client.submit(recipe, reply_ref=self.reply_ref, reply_url=self.reply_url)

    def says(self, status: int, body: object = None, **headers: str) -> None:
        """``body`` is JSON unless it is bytes already."""
        self.status = status
        self.body = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


@pytest.fixture
async def canned() -> AsyncIterator[Canned]:
    """A client whose requests go to a function."""

    async def answer(request: httpx.Request) -> httpx.Response:
        await request.aread()
        state.requests.append(request)
        return httpx.Response(state.status, content=state.body, headers=state.headers)

    client = UseApi(
        base_url="https://api.example/v1/pika/",
        token=TOKEN,
        channel="1122",
        discord_token=DISCORD_TOKEN,
        max_jobs=3,
        transport=httpx.MockTransport(answer),
    )
    state = Canned(client)
    client.on_answer = lambda endpoint, outcome: state.told.append((endpoint, outcome))
    yield state
    await client.aclose()


Behaviour = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Rude:
    """A TCP server that does what it was told to; ``seen`` counts whole requests it read."""

    base_url: str
    client: UseApi
    behave: Behaviour | None = None
    seen: int = 0
    connections: int = 0
    connected: asyncio.Event = field(default_factory=asyncio.Event)
    read: asyncio.Event = field(default_factory=asyncio.Event)

    async def submit(self, recipe: Recipe) -> PikaReport:
        """Send a recipe."""
        return await self.client.submit(recipe, reply_ref=REPLY_REF, reply_url=None)

    async def read_request(self, reader: asyncio.StreamReader) -> bytes:
        """Read one request to its end."""
        head = await reader.readuntil(b"\r\n\r\n")
        length = 0
        for line in head.split(b"\r\n"):
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        body = await reader.readexactly(length)
        self.seen += 1
        self.read.set()
        return head + body


@pytest.fixture
async def rude() -> AsyncIterator[Rude]:
    """A server that misbehaves on the level of bytes, and a client with short timeouts."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        state.connections += 1
        state.connected.set()
        try:
            if state.behave is not None:
                await state.behave(reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    base_url = f"http://127.0.0.1:{port}/v1/pika"
    client = UseApi(
        base_url=base_url,
        token=TOKEN,
        channel=None,
        discord_token=None,
        max_jobs=3,
        timeout=0.3,
    )
    state = Rude(base_url, client)
    yield state
    await client.aclose()
    server.close()
    await server.wait_closed()


@pytest.fixture
def picture(tmp_path: Path) -> Picture:
    """A stored picture, larger than one piece of the upload."""
    path = tmp_path / "stored"
    path.write_bytes(b"\x89PNG" + bytes(range(256)) * 700)
    return Picture("mein Bild.png", "image/png", path.stat().st_size, path=path)


@pytest.fixture
def recipes(picture: Picture) -> dict[Verb, Recipe]:
    """A full recipe of every verb."""
    return {
        Verb.CREATE: Recipe(Verb.CREATE, "a fox -ar 16:9", image=picture),
        Verb.ANIMATE: Recipe(Verb.ANIMATE, "", image=picture),
        Verb.ENCRYPT_TEXT: Recipe(
            Verb.ENCRYPT_TEXT, "waves", message="HELLO", font=Font.SANS_SERIF, image=picture
        ),
        Verb.ENCRYPT_IMAGE: Recipe(Verb.ENCRYPT_IMAGE, "waves", message_image=picture),
    }
