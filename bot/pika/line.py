"""The line to an HTTP API: one request, one answer, and what is known when none came.

Which of httpx's exceptions mean that nothing was sent was measured against servers that
misbehave: ConnectError, ConnectTimeout and PoolTimeout come before the first byte, every
other one may come after Pika has read all of it.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator
from typing import Final

import httpx

from bot.pika.answers import Reply
from bot.pika.errors import NoAnswer, NotSent, Unavailable
from bot.pika.form import Form
from bot.pika.redact import Redactor

BODY_LIMIT: Final = 1024 * 1024
"""Bytes of an answer that are read; documented ones have a few thousand."""

CONNECT_SECONDS: Final = 10.0
READ_SECONDS: Final = 20.0
UPLOAD_SECONDS: Final = 120.0
"""How long a form of pictures may take on its way, on top of waiting for the answer."""

_UNSENT: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


def quiet_httpx() -> None:
    """Keep httpx from logging whole addresses (INFO) and headers (DEBUG)."""
    for name in ("httpx", "httpcore"):
        logger = logging.getLogger(name)
        if logger.level < logging.WARNING:
            logger.setLevel(logging.WARNING)


class Line:
    """Two pools of connections to one base address.

    Requests that cost money get a fresh connection each: on one kept open, the server may
    have hung up a moment ago, and then nobody could tell whether it took the request.
    """

    def __init__(
        self,
        *,
        base_url: str,
        token: str,
        timeout: float,
        redactor: Redactor,
        transport: httpx.AsyncBaseTransport | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        quiet_httpx()
        self._redactor = redactor
        self._send_limit = timeout + UPLOAD_SECONDS
        headers = {
            "Authorization": f"Bearer {token}",
            "Accept": "application/json",
            "Accept-Encoding": "identity",
            "User-Agent": "pika-bot",
        }
        verify = tls or (True if transport else httpx.create_ssl_context())

        def client(limits: httpx.Limits, read: float) -> httpx.AsyncClient:
            return httpx.AsyncClient(
                base_url=base_url.rstrip("/") + "/",
                headers=headers,
                timeout=httpx.Timeout(CONNECT_SECONDS, read=read, write=30.0),
                follow_redirects=False,
                trust_env=False,
                transport=transport or httpx.AsyncHTTPTransport(verify=verify, limits=limits),
            )

        self._sender = client(
            httpx.Limits(max_connections=20, max_keepalive_connections=0), timeout
        )
        self._reader = client(
            httpx.Limits(max_connections=10, max_keepalive_connections=5, keepalive_expiry=30.0),
            READ_SECONDS,
        )

    async def send(self, path: str, form: Form) -> Reply:
        """POST a form, once. Raises NotSent, NoAnswer."""
        try:
            async with (
                asyncio.timeout(self._send_limit),
                self._sender.stream("POST", path, content=form, headers=form.headers) as response,
            ):
                return await _reply(response)
        except _UNSENT as error:
            raise NotSent(self._why(error)) from None
        except (TimeoutError, httpx.TimeoutException) as error:
            raise NoAnswer(self._why(error), code="timeout") from None
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            raise NoAnswer(self._why(error)) from None

    async def read(self, path: str, params: dict[str, str] | None = None) -> Reply:
        """GET. Raises Unavailable."""
        try:
            async with (
                asyncio.timeout(READ_SECONDS + CONNECT_SECONDS),
                self._reader.stream("GET", path, params=params) as response,
            ):
                return await _reply(response)
        except _UNSENT as error:
            raise Unavailable(self._why(error), code="not_sent") from None
        except (TimeoutError, httpx.TimeoutException) as error:
            raise Unavailable(self._why(error), code="timeout") from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:  # it looks at redirects' targets
            raise Unavailable(self._why(error)) from None

    async def aclose(self) -> None:
        """Close both pools."""
        await self._sender.aclose()
        await self._reader.aclose()

    def _why(self, error: Exception) -> str:
        """Kind of error; its words only where they are about the connection, not the content."""
        kind = type(error).__name__
        if isinstance(error, httpx.ConnectError):
            return self._redactor.clean(f"{kind}: {error}")
        return kind


async def _reply(response: httpx.Response) -> Reply:
    """Status, headers and at most 1 MiB of body, however the body ends.

    A body that is packed although nobody asked for it is not read: a few bytes of it can hold
    gigabytes.
    """
    headers = {name.lower(): value for name, value in response.headers.items()}
    if headers.get("content-encoding", "identity").lower() != "identity":
        return Reply(response.status_code, headers, b"", complete=False)
    body = bytearray()
    complete = True
    try:
        async for piece in _limited(response):
            body += piece
        complete = len(body) <= BODY_LIMIT
    except httpx.HTTPError:
        complete = False
    return Reply(response.status_code, headers, bytes(body[:BODY_LIMIT]), complete)


async def _limited(response: httpx.Response) -> AsyncIterator[bytes]:
    size = 0
    async for piece in response.aiter_bytes():
        yield piece
        size += len(piece)
        if size > BODY_LIMIT:
            return
