"""Where finished videos lie: signed links that expire, in the form of Discord's CDN.

``?ex=<hex expiry>&is=<hex issued>&hm=<signature>``; without them, changed or expired: 404
(github.com/useapi/discord-cdn-proxy, README). They live about a day
(github.com/merlinfuchs/cdproxy, README).
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from aiohttp import web

from bot.sandbox.pika.faults import PikaFault, canned, drop, pause
from bot.sandbox.pika.jobs import PikaJob
from bot.sandbox.pika.scene import file_name
from bot.sandbox.pika.state import RequestSeen, State
from bot.sandbox.pika.video import Clip
from bot.sandbox.pika.wire import snowflake

_CHUNK: Final = 1 << 18
_GONE: Final = "This content is no longer available."


@dataclass(frozen=True, slots=True)
class _Entry:
    path: Path
    name: str


class Cdn:
    """Publishes clips and serves them."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._secret = secrets.token_bytes(32)
        self._entries: dict[str, _Entry] = {}

    def publish(self, job: PikaJob, clip: Clip, now: float) -> dict[str, object]:
        """Put a clip on the CDN and return its attachment as a job shows it.

        `url` is documented (useapi.net docs, get-pika-jobid); the other fields are those of the
        vendor's other Discord APIs (Midjourney v2). Link and signature stay as they were made.
        """
        number, name = snowflake(now), file_name(job)
        self._entries[number] = _Entry(clip.path, name)
        path = f"{job.channel}/{number}/{name}"
        query = self._signed(path, int(now), int(now + self._state.tempo.link))
        return {
            "url": f"{self._state.origin}/attachments/{path}?{query}",
            "proxy_url": f"{self._state.origin}/media/attachments/{path}?{query}",
            "id": number,
            "filename": name,
            "content_type": "video/mp4",
            "size": clip.size,
            "width": clip.width,
            "height": clip.height,
        }

    async def serve(self, request: web.Request, _seen: RequestSeen) -> web.StreamResponse:
        """GET or HEAD /attachments/{channel}/{id}/{name}: the file, with ranges and length."""
        entry = self._find(request)
        if entry is None:
            return _gone()
        return web.FileResponse(entry.path, headers={"Content-Type": "video/mp4"})

    async def misbehave(
        self, fault: PikaFault, request: web.Request, seen: RequestSeen
    ) -> web.StreamResponse:
        """Answer in the way of a fault."""
        stopping = self._state.stopping
        match fault.kind:
            case "delay":
                await pause(fault.seconds, stopping)
                return await self.serve(request, seen)
            case "hang" | "drop_before":
                if fault.kind == "hang":
                    await stopping.wait()
                return drop(request)
            case "truncated" | "no_length":
                entry = self._find(request)
                if entry is None:
                    return _gone()
                return await _streamed(request, entry, whole=fault.kind == "no_length")
            case _:
                return _instead(fault)

    def _signed(self, path: str, issued: int, expires: int) -> str:
        return f"ex={expires:x}&is={issued:x}&hm={self._signature(path, issued, expires)}"

    def _signature(self, path: str, issued: int, expires: int) -> str:
        text = f"{path}:{issued:x}:{expires:x}".encode()
        return hmac.new(self._secret, text, hashlib.sha256).hexdigest()

    def _find(self, request: web.Request) -> _Entry | None:
        """Return what a link leads to, or None when it is unsigned, forged, expired or gone."""
        parts, query = request.match_info, request.query
        entry = self._entries.get(parts["number"])
        if entry is None or entry.name != parts["name"]:
            return None
        try:
            issued, expires = int(query["is"], 16), int(query["ex"], 16)
        except (KeyError, ValueError):
            return None
        path = f"{parts['channel']}/{parts['number']}/{parts['name']}"
        right = self._signature(path, issued, expires)
        given = query.get("hm", "").encode()
        if not hmac.compare_digest(given, right.encode()):
            return None
        return entry if self._state.clock.now() < expires else None


def _instead(fault: PikaFault) -> web.Response:
    """Make an answer that owes nothing to the file."""
    match fault.kind:
        case "expired":
            return _gone()
        case "redirect":
            return web.Response(status=302, headers={"Location": fault.location})
        case "wrong_type":
            page = fault.body or b"<!doctype html><title>Attention required</title>"
            return web.Response(body=page, headers={"Content-Type": fault.content_type})
        case "junk":
            body = fault.body or b"no video " * 4096
            return web.Response(body=body, headers={"Content-Type": "video/mp4"})
        case _:
            return canned(fault)


def _gone() -> web.Response:
    return web.Response(status=404, text=_GONE)


async def _streamed(request: web.Request, entry: _Entry, *, whole: bool) -> web.StreamResponse:
    """Stream a file without its length, or half of it with the length of the whole."""
    size = (await asyncio.to_thread(entry.path.stat)).st_size
    response = web.StreamResponse(headers={"Content-Type": "video/mp4"})
    if whole:
        response.enable_chunked_encoding()
    else:
        response.content_length = size
    await response.prepare(request)
    left = size if whole else size // 2
    file = await asyncio.to_thread(entry.path.open, "rb")
    try:
        while left > 0:
            chunk = await asyncio.to_thread(file.read, min(left, _CHUNK))
            await response.write(chunk)
            left -= len(chunk)
    finally:
        await asyncio.to_thread(file.close)
    if not whole and request.transport is not None:
        request.transport.close()
    return response
