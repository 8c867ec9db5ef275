"""The listener as a stranger, Pika, Prometheus and a probe see it: over real HTTP."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Awaitable
from contextlib import suppress

import pytest
from prometheus_client.parser import text_string_to_metric_families

from bot.clock import SystemClock
from bot.listener import CONNECTIONS, Listener
from bot.metrics import Metrics
from bot.workflow.changes import Changes
from bot.workflow.queue import FairQueue
from tests.component.listening import KNOWN, Disk, Reader, Site, listening, until


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    """A listener of a bot that is well."""
    disk = Disk()
    async with listening(disk.health(), disk) as made:
        yield made


# -- metrics ------------------------------------------------------------------------------


async def test_metrics_are_what_prometheus_reads(site: Site) -> None:
    """The text parses, carries its media type, and every name is ours."""
    async with site.http.get(site.url + "/metrics") as answer:
        text = await answer.text()
        assert answer.status == 200
        assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"

    names = [family.name for family in text_string_to_metric_families(text)]
    assert names
    assert all(name.startswith("pikabot_") for name in names)


# -- the listener itself ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", f"/callbacks/{KNOWN}", 405),
        ("GET", "/callbacks", 405),
        ("PUT", f"/callbacks/{KNOWN}", 405),
        ("DELETE", "/callbacks", 405),
        ("POST", "/healthz", 405),
        ("POST", "/readyz", 405),
        ("POST", "/metrics", 405),
        ("GET", "/", 404),
        ("GET", "/favicon.ico", 404),
        ("POST", f"/callbacks/{KNOWN}/more", 404),
        ("GET", "/healthz/more", 404),
    ],
)
async def test_nothing_else_is_there(site: Site, method: str, path: str, status: int) -> None:
    """Other methods and other paths are refused, and cause nothing."""
    async with site.http.request(method, site.url + path) as answer:
        assert answer.status == status
    assert site.reader.begun == []


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"GET /nothing HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        f"POST /callbacks/{KNOWN} garbage\r\n\r\n".encode(),
        b"\x16\x03\x01\x02\x00\x01\x00 a TLS hello\r\n\r\n",
    ],
    ids=["fine", "unknown", "no HTTP", "TLS"],
)
async def test_versions_are_nobodys_business(
    site: Site, request_bytes: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """No answer names our software's version, not even one to what is no HTTP; no log quotes it."""
    head = (await site.raw(request_bytes)).split(b"\r\n\r\n")[0].lower()

    assert b"server: pika-bot" in head
    assert b"aiohttp" not in head
    assert b"python" not in head
    assert KNOWN not in caplog.text
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


async def test_requests_are_not_logged(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    """The path of a callback is a secret; no line at any level holds it."""
    with caplog.at_level(logging.DEBUG):
        await site.call(KNOWN)
        await until(lambda: site.reader.ended == [KNOWN])

    assert KNOWN not in caplog.text


async def test_closing_ends_what_it_began() -> None:
    """Reads under way are cancelled, no task is left, and the port is free again."""
    before = asyncio.all_tasks()
    disk = Disk(hangs=asyncio.Event())
    async with listening(disk.health(limit=0.01), disk) as site:
        reader, port = site.reader, site.listener.port
        reader.go_on.clear()
        await site.call(KNOWN)
        await site.ready()
        await until(lambda: reader.begun == [KNOWN])
        await site.listener.__aexit__(None, None, None)

        assert reader.cancelled == 1
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", port)
    assert asyncio.all_tasks() == before


async def test_whoever_only_opens_connections_does_not_take_every_descriptor(site: Site) -> None:
    """A stranger who connected a thousand times and said nothing kept the bot from opening a file
    or a connection to Discord: the oldest connections make room for the new ones.
    """
    silent = [
        await asyncio.open_connection("127.0.0.1", site.listener.port)
        for _ in range(CONNECTIONS + 50)
    ]
    try:
        async with asyncio.timeout(10):
            for reader, _ in silent[:50]:
                with suppress(ConnectionResetError):
                    assert await reader.read() == b""
        assert await site.get("/healthz") == (200, "ok")
        newest = silent[-1]
        newest[1].write(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (await newest[0].readline()).startswith(b"HTTP/1.1 200")
    finally:
        for _, writer in silent:
            writer.close()


async def test_a_taken_port_is_an_error() -> None:
    """The start fails in words of the system and leaves nothing behind."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        listener = Listener(
            "127.0.0.1",
            other.getsockname()[1],
            health=Disk().health(),
            metrics=Metrics(Changes(), FairQueue(), SystemClock()),
            hint=Reader().hint,
        )
        before = asyncio.all_tasks()
        with pytest.raises(OSError, match="address already in use"):
            await listener.__aenter__()
        assert asyncio.all_tasks() == before


async def test_any_free_port_is_told() -> None:
    """Port 0 becomes the port that was found, so two listeners can run."""
    disk = Disk()
    async with listening(disk.health(), disk) as one, listening(disk.health(), disk) as other:
        assert one.listener.port > 0
        assert one.listener.port != other.listener.port
        answers: list[Awaitable[tuple[int, str]]] = [one.get("/healthz"), other.get("/healthz")]
        assert await asyncio.gather(*answers) == [(200, "ok")] * 2
