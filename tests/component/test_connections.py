"""The lean POST that first answers go through, against a server that misbehaves on demand."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from bot.ui.connections import MOST_REPLY, Connections


class Server:
    """Reads requests and sends the next of its replies; ``None`` closes without a word."""

    def __init__(self, *replies: bytes | None) -> None:
        self.replies = list(replies)
        self.requests: list[bytes] = []
        self.connections = 0
        self.asked = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        self.connections += 1
        try:
            while self.replies:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
                self.requests.append(head + await reader.readexactly(length))
                self.asked.set()
                reply = self.replies.pop(0)
                if reply is None:
                    break
                writer.write(reply)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def talking_to(
    server: Server, *, limit: int = 4, seconds: float = 5.0
) -> AsyncIterator[Connections]:
    """Connections to a running server."""
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    connections = Connections(
        f"http://127.0.0.1:{port}/api/v10",
        tls=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
        user_agent="test",
        limit=limit,
        seconds=seconds,
    )
    try:
        yield connections
    finally:
        connections.close()
        listener.close()
        await listener.wait_closed()


def ok(body: bytes, *headers: bytes) -> bytes:
    """A plain reply."""
    lines = [b"HTTP/1.1 200 OK", b"Content-Length: %d" % len(body), *headers]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


async def test_a_request_is_what_discord_asks_for_and_the_connection_is_kept() -> None:
    """Path below the base, JSON, a User-Agent; two requests in turn use one connection."""
    server = Server(ok(b"one"), ok(b"two"))

    async with talking_to(server) as connections:
        first = await connections.post("/interactions/1/t/callback?x=1", b'{"type":4}')
        second = await connections.post("/again", b"{}")

    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    assert (first, second) == ((200, b"one"), (200, b"two"))
    assert head.startswith(b"POST /api/v10/interactions/1/t/callback?x=1 HTTP/1.1\r\nHost: 127.0")
    assert b"\r\nContent-Type: application/json\r\n" in head
    assert b"\r\nUser-Agent: test\r\n" in head
    assert body == b'{"type":4}'
    assert server.connections == 1


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (b"HTTP/1.1 204 No Content\r\n\r\n", (204, b"")),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
            b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
            (200, b"abcde"),
        ),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + ok(b"late"), (200, b"late")),
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\ngone", (404, b"gone")),
        (ok(b"last", b"Connection: close"), (200, b"last")),
    ],
    ids=["no content", "chunked", "interim reply", "an error", "closing"],
)
async def test_every_kind_of_reply_is_read(reply: bytes, expected: tuple[int, bytes]) -> None:
    """Status and body, however they are framed; the next request works as well."""
    server = Server(reply, ok(b"next"))

    async with talking_to(server) as connections:
        assert await connections.post("/a", b"{}") == expected
        if b"Connection: close" not in reply:
            assert await connections.post("/b", b"{}") == (200, b"next")


@pytest.mark.parametrize(
    "reply",
    [
        None,
        b"this is not HTTP\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\ncut",
        ok(b"x" * (MOST_REPLY + 1)),
    ],
    ids=["closed", "garbage", "cut off", "endless"],
)
async def test_what_is_no_whole_reply_is_an_os_error(reply: bytes | None) -> None:
    """Nobody knows whether the request arrived, so the caller must decide."""
    server = Server(reply)

    async with talking_to(server, seconds=0.5) as connections:
        with pytest.raises(OSError):  # noqa: PT011 - any kind of it
            await connections.post("/a", b"{}")


async def test_nobody_listens() -> None:
    """A refused connection is an ``OSError`` too."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    connections = Connections("http://127.0.0.1:9", tls=tls, user_agent="test", limit=1, seconds=1)

    with pytest.raises(OSError):  # noqa: PT011 - any kind of it
        await connections.post("/a", b"{}")


async def test_a_late_reply_is_never_taken_for_the_next_one() -> None:
    """After a cancel the connection is given up, with whatever still comes over it."""
    server = Server(ok(b"second"))
    server.replies.insert(0, b"")  # reads the first request and says nothing

    async with talking_to(server) as connections:
        waiting = asyncio.ensure_future(connections.post("/first", b"{}"))
        await server.asked.wait()
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting

        assert await connections.post("/second", b"{}") == (200, b"second")
    assert server.connections == 2


async def test_many_callers_share_a_few_connections() -> None:
    """Who finds no connection waits in line; nobody is lost."""
    server = Server(*[ok(b"%d" % n) for n in range(20)])

    async with talking_to(server, limit=2) as connections:
        replies = await asyncio.gather(*(connections.post("/a", b"{}") for _ in range(20)))

    assert {status for status, _ in replies} == {200}
    assert {int(body) for _, body in replies} == set(range(20))
    assert server.connections <= 2
