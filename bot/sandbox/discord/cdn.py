"""The CDN: serves attachments under signed links until these expire."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl

from aiohttp import web

if TYPE_CHECKING:
    from .media import Attachment, MediaStore

PREFIX: Final = "/cdn/"
_KINDS: Final = {"attachments": False, "ephemeral-attachments": True}
_PARTS: Final = 4
_CHUNK: Final = 256 * 1024
_GONE: Final = "This content is no longer available."


class Cdn:
    """Answers everything under ``/cdn/``; counts what it served."""

    def __init__(self, media: MediaStore) -> None:
        self._media = media
        self.served = 0
        self.refused = 0

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Serve one file, or 404 for a link that is wrong or expired."""
        path, _, query = request.raw_path.partition("?")
        file = self._find(path[len(PREFIX) :], query)
        if file is None or request.method not in ("GET", "HEAD"):
            self.refused += 1
            return web.Response(status=404, text=_GONE)
        self.served += 1
        if file.path is not None and _honest(file):
            headers = {"Content-Type": file.served_type or "application/octet-stream"}
            return web.FileResponse(file.path, headers=headers, chunk_size=_CHUNK)
        return await _stream(request, file)

    def _find(self, path: str, query: str) -> Attachment | None:
        parts = path.split("/")
        if len(parts) != _PARTS or parts[0] not in _KINDS or not parts[2].isdigit():
            return None
        if not self._media.valid(path, dict(parse_qsl(query))):
            return None
        file = self._media.get(int(parts[2]))
        return None if file is None or file.ephemeral != _KINDS[parts[0]] else file


def _honest(file: Attachment) -> bool:
    usual = file.status == web.HTTPOk.status_code
    return usual and file.cut_after is None and file.served_length is None


async def _stream(request: web.BaseRequest, file: Attachment) -> web.StreamResponse:
    data = await asyncio.to_thread(file.read)
    length = len(data) if file.served_length is None else file.served_length
    headers = {"Content-Type": file.served_type or "application/octet-stream"}
    response = web.StreamResponse(status=file.status, headers=headers)
    response.content_length = length
    await response.prepare(request)
    if request.method == "HEAD":
        return response
    whole = data if file.cut_after is None else data[: file.cut_after]
    for start in range(0, min(len(whole), length), _CHUNK):
        await response.write(whole[start : min(start + _CHUNK, length)])
    if len(whole) < length and request.transport is not None:
        request.transport.close()
        return response
    await response.write_eof()
    return response
