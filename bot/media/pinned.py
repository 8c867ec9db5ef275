"""Connections that go only to addresses that were checked.

A name that resolves to a harmless address when it is checked and to a private one when it is
dialled would get around any check of names. So the name is resolved once, every address is
checked, and the request goes to one of those addresses, with the name in the Host header and
in the TLS handshake (certificate included).
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import httpx

from bot.errors import Unreachable, Unusable
from bot.media.hosts import AllowedHosts, is_public

Resolver = Callable[[str, int], Awaitable[Sequence[str]]]
"""Gives the IP addresses of a host name and port, best first. Raises OSError."""

RESOLVE_SECONDS: Final = 10.0
TRIED: Final = 4
"""Addresses of one host that are dialled in turn."""


async def resolve(host: str, port: int) -> Sequence[str]:
    """Ask the system. Raises OSError."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class PinnedTransport(httpx.AsyncBaseTransport):
    """Checks host and addresses of each request, then hands it to ``inner``."""

    def __init__(
        self, hosts: AllowedHosts, inner: httpx.AsyncBaseTransport, resolver: Resolver | None
    ) -> None:
        self._hosts = hosts
        self._inner = inner
        self._resolve = resolver or resolve

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Raises Unusable, Unreachable and httpx's errors."""
        if not self._hosts.check(request.url):
            return await self._inner.handle_async_request(request)
        host = request.url.raw_host.decode("ascii").lower()
        addresses = await self._addresses(host, request.url.port or 443)
        for address in addresses[:-1]:
            try:
                return await self._inner.handle_async_request(_to(request, host, address))
            except (httpx.ConnectError, httpx.ConnectTimeout):
                continue
        return await self._inner.handle_async_request(_to(request, host, addresses[-1]))

    async def _addresses(self, host: str, port: int) -> Sequence[str]:
        try:
            async with asyncio.timeout(RESOLVE_SECONDS):
                found = await self._resolve(host, port)
        except (OSError, UnicodeError):  # TimeoutError is an OSError
            raise Unreachable(f"The host {host} cannot be found now.") from None
        if not found:
            raise Unreachable(f"The host {host} cannot be found now.")
        if not all(map(is_public, found)):
            raise Unusable(f"The host {host} is not on the public internet.")
        return found[:TRIED]

    async def aclose(self) -> None:
        """Close ``inner``."""
        await self._inner.aclose()


def _to(request: httpx.Request, host: str, address: str) -> httpx.Request:
    """The same request to a checked address; the Host header is already the name's."""
    return httpx.Request(
        request.method,
        request.url.copy_with(host=address),
        headers=request.headers,
        stream=request.stream,
        extensions={**request.extensions, "sni_hostname": host},
    )
