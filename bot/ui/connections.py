"""POSTs over kept connections, for the one request that every command waits for.

A general client spends more on such a request than all else that is done for a command:
sessions, cookies, redirects, traces. This one sends finished bytes, and httptools (llhttp,
the parser of Node.js) reads the replies.
"""

from __future__ import annotations

import asyncio
import ssl
from typing import cast
from urllib.parse import urlsplit

import httptools

MOST_REPLY = 1 << 20
"""Bytes of a reply that are taken; Discord's are a thousandth of that."""


class Connections:
    """Connections to one host, at most ``limit``; who finds none waits in line."""

    def __init__(
        self, base: str, *, tls: ssl.SSLContext, user_agent: str, limit: int, seconds: float
    ) -> None:
        """``seconds`` is what a connection may take to open, and what a reply may take. ``tls``
        is for all https: one of each connection's own takes 20 ms of the loop's time to make.
        """
        address = urlsplit(base)
        https = address.scheme == "https"
        self._tls = tls if https else None
        self._host, self._port = address.hostname or "", address.port or (443 if https else 80)
        self._path = address.path
        self._headers = (
            f"Host: {address.netloc}\r\nUser-Agent: {user_agent}\r\n"
            "Accept: application/json\r\nContent-Type: application/json\r\n"
        )
        self._seconds = seconds
        self._free = asyncio.Semaphore(limit)
        self._idle: list[_Connection] = []
        self._closed = False

    async def post(self, path: str, body: bytes) -> tuple[int, bytes]:
        """Send JSON to ``path`` below the base: status and body of the reply.

        Raises ``OSError`` when no whole reply came in time; nobody knows whether the request
        arrived.
        """
        request = (
            f"POST {self._path}{path} HTTP/1.1\r\n{self._headers}"
            f"Content-Length: {len(body)}\r\n\r\n"
        ).encode("ascii") + body
        async with self._free:
            connection = self._kept() or await self._open()
            try:
                return await connection.exchange(request, self._seconds)
            finally:
                if self._closed:
                    connection.close()
                elif connection.usable:
                    self._idle.append(connection)

    def close(self) -> None:
        """Close the connections, those in use after their reply."""
        self._closed = True
        while self._idle:
            self._idle.pop().close()

    def _kept(self) -> _Connection | None:
        while self._idle:
            # The one used last: the others fall idle and are closed by the host in time.
            connection = self._idle.pop()
            if connection.usable:
                return connection
        return None

    async def _open(self) -> _Connection:
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(self._seconds):
            _, connection = await loop.create_connection(
                _Connection, self._host, self._port, ssl=self._tls
            )
        return connection


class _Connection(asyncio.Protocol):
    """One connection, with one request at a time. The parser calls its ``on_`` methods."""

    def __init__(self) -> None:
        self.usable = False
        self._loop = asyncio.get_running_loop()
        self._parser = httptools.HttpResponseParser(self)
        self._body: list[bytes] = []
        self._size = 0
        self._reply: asyncio.Future[tuple[int, bytes]] | None = None

    async def exchange(self, request: bytes, seconds: float) -> tuple[int, bytes]:
        """Send a request, return status and body. Raises ``OSError``."""
        reply: asyncio.Future[tuple[int, bytes]] = self._loop.create_future()
        self._reply = reply
        late = self._loop.call_later(seconds, self._fail, TimeoutError("no reply in time"))
        self._transport.write(request)
        try:
            return await reply
        finally:
            late.cancel()
            self._reply = None
            if reply.cancelled():  # what comes now would be taken for the next reply
                self.close()

    def close(self) -> None:
        """Close it without waiting."""
        self.usable = False
        self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Asyncio has connected."""
        self._transport = cast("asyncio.Transport", transport)
        self.usable = True

    def connection_lost(self, exc: Exception | None) -> None:
        """It was closed, by whomever."""
        self._fail(exc if isinstance(exc, OSError) else ConnectionResetError("closed"))

    def data_received(self, data: bytes) -> None:
        """Some bytes of the reply."""
        self._size += len(data)
        try:
            if self._reply is None or self._size > MOST_REPLY:
                raise ConnectionAbortedError("more than was asked for")
            self._parser.feed_data(data)
        except (OSError, httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self._fail(ConnectionAbortedError(f"not a reply: {error}"))

    def on_body(self, data: bytes) -> None:
        """Some bytes of the body."""
        self._body.append(data)

    def on_message_complete(self) -> None:
        """The reply is whole."""
        status, body = self._parser.get_status_code(), b"".join(self._body)
        self._body, self._size = [], 0
        if status < 200:  # the reply itself follows
            return
        self.usable = self._parser.should_keep_alive()
        if not self.usable:
            self._transport.close()
        if self._reply is not None and not self._reply.done():
            self._reply.set_result((status, body))

    def _fail(self, error: OSError) -> None:
        self.close()
        if self._reply is not None and not self._reply.done():
            self._reply.set_exception(error)
