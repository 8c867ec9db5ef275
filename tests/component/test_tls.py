"""All https of ours goes through the one TLS context that is made at the start.

Making one takes 20 ms, as it reads every certificate that the system trusts. The connections
that answer commands once made one each, on the event loop: the 64 of them that a burst opens
were more than a second of the three that an answer has.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bot.media import AllowedHosts, Fetcher
from bot.model import Recipe, Verb
from bot.pika import Garbled, UseApi
from bot.ui.connections import Connections

FOX = Recipe(Verb.CREATE, "a fox in the snow")


def without_certificates(protocol: ssl._SSLMethod) -> ssl.SSLContext:
    """An end that agrees only with another one of these: no other takes a cipher like this."""
    tls = ssl.SSLContext(protocol)
    tls.check_hostname = False
    tls.verify_mode = ssl.CERT_NONE
    tls.maximum_version = ssl.TLSVersion.TLSv1_2
    tls.set_ciphers("aNULL:@SECLEVEL=0")
    return tls


@asynccontextmanager
async def answering(body: bytes) -> AsyncIterator[str]:
    """The https address of a server that answers everything with ``body``."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n" % len(body))
        writer.write(b"Content-Type: application/json\r\n\r\n" + body)
        await writer.drain()
        writer.close()

    tls = without_certificates(ssl.PROTOCOL_TLS_SERVER)
    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    try:
        yield f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        await server.wait_closed()


async def test_answers_to_commands() -> None:
    """Each connection of the many uses it."""
    tls = without_certificates(ssl.PROTOCOL_TLS_CLIENT)
    async with answering(b"{}") as address:
        connections = Connections(address, tls=tls, user_agent="test", limit=4, seconds=5)
        replies = await asyncio.gather(*(connections.post("/a", b"") for _ in range(4)))
        connections.close()

    assert replies == [(200, b"{}")] * 4


async def test_requests_to_pika() -> None:
    """Reads as well as what costs money."""
    async with answering(b"[]") as address:
        api = UseApi(
            base_url=address,
            token="t",
            channel=None,
            discord_token=None,
            max_jobs=1,
            tls=without_certificates(ssl.PROTOCOL_TLS_CLIENT),
        )
        try:
            assert await api.executing() == frozenset()
            with pytest.raises(Garbled):  # it was sent, and such an answer says nothing
                await api.submit(FOX, reply_ref="r", reply_url=None)
        finally:
            await api.aclose()


async def test_files(tmp_path: Path) -> None:
    """Pictures and videos."""
    tls = without_certificates(ssl.PROTOCOL_TLS_CLIENT)
    async with answering(b"a file") as address:
        hosts = AllowedHosts.of(api_urls=[address])
        async with Fetcher(hosts=hosts, temp_dir=tmp_path, tls=tls) as fetcher:
            found = await fetcher.fetch(f"{address}/a.mp4", Path("a.mp4"), limit=100)

    assert found.path.read_bytes() == b"a file"
