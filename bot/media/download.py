"""Fetches a file from an allowed host to disk, whole or not at all."""

from __future__ import annotations

import asyncio
import hashlib
import os
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final, Self, TypeVar

import httpx

from bot.errors import Expired, MediaError, NotStored, Unreachable, Unusable
from bot.media.hosts import AllowedHosts
from bot.media.pinned import PinnedTransport, Resolver
from bot.media.quiet import quiet_httpx
from bot.media.room import Room, not_stored

REDIRECTS: Final = 3
TOTAL_SECONDS: Final = 300.0
IDLE_SECONDS: Final = 30.0
CONNECT_SECONDS: Final = 10.0
BUFFER: Final = 1024 * 1024
"""Bytes collected before a thread writes them."""

_EXPIRED: Final = frozenset({401, 403, 404, 410})
_LATER: Final = frozenset({408, 425, 429})
_REDIRECT: Final = frozenset({301, 302, 303, 307, 308})
_OK: Final = 200

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Downloaded:
    """A file that is whole on disk: bytes, SHA-256 as hex, and what the host called it."""

    path: Path
    size: int
    sha256: str
    content_type: str


class Fetcher:
    """Streams files to disk over one pool of connections.

    ``temp_dir`` is the folder that relative targets are in; it is made when missing.
    ``room`` is what its disk has for files. ``tls`` is for https, by default one of httpx's.
    ``transport`` and ``resolver`` replace the network and DNS. ``total_seconds`` bounds a whole
    fetch with its redirects, ``idle_seconds`` each wait for the next bytes.
    """

    def __init__(
        self,
        *,
        hosts: AllowedHosts,
        temp_dir: Path,
        room: Room | None = None,
        tls: ssl.SSLContext | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        resolver: Resolver | None = None,
        total_seconds: float = TOTAL_SECONDS,
        idle_seconds: float = IDLE_SECONDS,
    ) -> None:
        quiet_httpx()
        self._temp_dir = temp_dir
        self._room = room or Room(temp_dir)
        self._total = total_seconds
        # No connection is kept: one opened to an address for host A must not serve host B.
        inner = transport or httpx.AsyncHTTPTransport(
            verify=tls or True,
            limits=httpx.Limits(max_connections=20, max_keepalive_connections=0),
        )
        self._client = httpx.AsyncClient(
            transport=PinnedTransport(hosts, inner, resolver),
            timeout=httpx.Timeout(idle_seconds, connect=CONNECT_SECONDS, pool=total_seconds),
            follow_redirects=False,
            trust_env=False,
            headers={"Accept": "*/*", "Accept-Encoding": "identity", "User-Agent": "pika-bot"},
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close all connections."""
        await self._client.aclose()

    async def fetch(self, url: str, to: Path, *, limit: int) -> Downloaded:
        """Fetch ``url`` to the file ``to``, at most ``limit`` bytes.

        The bytes go to ``to`` with ``.part`` added to its name, are synced, and get their name
        last: a file under its own name is whole. Raises Expired, Unreachable, NotStored, Unusable;
        then, and when cancelled, no part is left. Without room nobody is asked for the file.
        """
        target = self._temp_dir / to
        try:
            async with asyncio.timeout(self._total):
                await asyncio.to_thread(self._room.check, 0)
                async with self._response(url) as response:
                    got = await _save(response, target, limit, self._room)
        except NotStored as error:
            self._room.refused(error)
            raise
        except MediaError:
            raise
        except TimeoutError:
            raise Unreachable("The file took too long to arrive.") from None
        except httpx.InvalidURL:  # httpx looks at a redirect's target before anybody asks it to
            raise Unusable("The file's address is forwarded to no web address.") from None
        except (httpx.HTTPError, OSError) as error:
            raise Unreachable(f"The file did not arrive: {type(error).__name__}.") from None
        self._room.took()
        return got

    @asynccontextmanager
    async def _response(self, url: str) -> AsyncIterator[httpx.Response]:
        """The answer at the end of the redirects, its body still to be read."""
        address = _parsed(url)
        for _ in range(REDIRECTS + 1):
            async with self._client.stream("GET", address) as response:
                if response.status_code not in _REDIRECT:
                    _check(response)
                    yield response
                    return
                address = _next(address, response.headers.get("location", ""))
        raise Unusable("The file's address is forwarded too often.")


def _parsed(url: str) -> httpx.URL:
    try:
        return httpx.URL(url)
    except (httpx.InvalidURL, TypeError, ValueError):
        raise Unusable("The file's address is not a web address.") from None


def _next(address: httpx.URL, location: str) -> httpx.URL:
    if not location:
        raise Unusable("The file's address is forwarded to nowhere.")
    try:
        return address.join(location)
    except (httpx.InvalidURL, ValueError):
        raise Unusable("The file's address is forwarded to no web address.") from None


def _check(response: httpx.Response) -> None:
    status = response.status_code
    if status in _EXPIRED:
        raise Expired("The file's address is no longer good.")
    if status >= 500 or status in _LATER:
        raise Unreachable(f"The file's host cannot deliver now (HTTP {status}).")
    if status != _OK:
        raise Unusable(f"The file's host does not deliver it (HTTP {status}).")
    if response.headers.get("content-encoding", "identity").lower() != "identity":
        raise Unusable("The file's host packed it in a way that nobody asked for.")


def _announced(response: httpx.Response) -> int | None:
    value = response.headers.get("content-length", "")
    return int(value) if value.isascii() and value.isdigit() else None


async def _save(response: httpx.Response, target: Path, limit: int, room: Room) -> Downloaded:
    announced = _announced(response)
    if announced is not None and announced > limit:
        raise _too_large(limit)
    await asyncio.to_thread(room.check, announced or 0)
    part = _Part(target, room)
    try:
        await _in_thread(part.open)
        waiting = bytearray()
        size = 0
        async for piece in response.aiter_raw():
            size += len(piece)
            if size > limit:
                raise _too_large(limit)
            waiting += piece
            if len(waiting) >= BUFFER:
                await _in_thread(partial(part.write, bytes(waiting)))
                waiting.clear()
        if announced is not None and size != announced:
            raise Unreachable("The file broke off on its way.")
        if not size:
            raise Unusable("The file is empty.")
        await _in_thread(partial(part.finish, bytes(waiting)))
    finally:
        await _in_thread(part.close)
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    return Downloaded(target, size, part.sha256, kind)


def _too_large(limit: int) -> Unusable:
    return Unusable(f"The file is larger than {limit / 1024 / 1024:g} MiB.")


class _Part:
    """The file while it is not whole. Every method blocks; close it in any case."""

    def __init__(self, target: Path, room: Room) -> None:
        self._target = target
        self._room = room
        self._path = target.with_name(target.name + ".part")
        self._hash = hashlib.sha256()
        self._stack = ExitStack()

    def open(self) -> None:
        self._target.parent.mkdir(parents=True, exist_ok=True)
        self._stack.callback(self._path.unlink, missing_ok=True)
        self._file = self._stack.enter_context(self._path.open("wb"))

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()

    def write(self, piece: bytes) -> None:
        self._room.check(len(piece))
        self._hash.update(piece)
        self._file.write(piece)

    def finish(self, piece: bytes) -> None:
        """Write the last piece, put all on the disk and give it its name."""
        self.write(piece)
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        self._path.replace(self._target)
        with suppress(PermissionError):  # Windows opens no folders
            folder = os.open(self._target.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)

    def close(self) -> None:
        """Remove the part, if it has not become the file."""
        self._stack.close()


async def _in_thread(work: Callable[[], T]) -> T:
    """Run ``work`` on a file in a thread; a cancellation waits for it, so that no two touch one
    file. Raises ``NotStored`` where the disk does not take it.
    """
    task = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        return await asyncio.shield(task)
    except OSError as error:
        raise not_stored(error) from error
    except asyncio.CancelledError:
        await asyncio.wait([task])
        if not task.cancelled():
            task.exception()  # looked at: asyncio need not complain of it
        raise
