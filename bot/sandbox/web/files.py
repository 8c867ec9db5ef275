"""Files: what a person picks in the page, and the page's own links to what is in messages."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from typing import Final
from urllib.parse import quote

from aiohttp import web

from bot.sandbox.discord import Attachment, ClientRefused, EmbeddedDiscord, Upload
from bot.sandbox.discord.media import type_of

MAX_FILE: Final = 100 * 1024 * 1024
MAX_TOTAL: Final = 1024 * 1024 * 1024
MAX_NAME: Final = 200
_CHUNK: Final = 256 * 1024
_TYPE: Final = re.compile(r"[a-z]+/[a-z0-9][a-z0-9.+-]*")

#: What a browser may show as it is. Anything else is saved: a page of somebody's own, opened
#: from here, could otherwise speak for this one.
_SHOWN: Final = frozenset(
    {"image/png", "image/jpeg", "image/gif", "image/webp", "image/avif", "image/bmp"}
    | {"video/mp4", "video/webm", "video/quicktime", "audio/mpeg", "audio/ogg", "audio/wav"}
)


class Files:
    """Uploads that wait to be sent, by unguessable tokens, and links to what was sent."""

    def __init__(self, discord: EmbeddedDiscord) -> None:
        self._media = discord.world.media
        self._waiting: dict[str, Upload] = {}
        self._total = 0
        self._secret = secrets.token_bytes(32)

    # up

    async def receive(self, request: web.Request) -> dict[str, object]:
        """Take the body of a request as a file.

        Raises ``ClientRefused`` when it is empty, too large, or its name is.
        """
        name = request.query.get("name", "")
        if not 1 <= len(name) <= MAX_NAME or not name.isprintable():
            raise ClientRefused(f"a file's name has 1 to {MAX_NAME} characters")
        if (request.content_length or 0) > MAX_FILE:
            raise ClientRefused(_too_large(name))
        path = self._media.new_path()
        size = 0
        try:
            with path.open("wb") as file:
                async for chunk in request.content.iter_chunked(_CHUNK):
                    size += len(chunk)
                    if size > MAX_FILE:
                        raise ClientRefused(_too_large(name))
                    if self._total + size > MAX_TOTAL:
                        raise ClientRefused("this demo has taken enough files; start it again")
                    file.write(chunk)
            if not size:
                raise ClientRefused(f"{name} is empty")
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        self._total += size
        kind = _kind(request.headers.get("Content-Type", ""), name)
        token = secrets.token_urlsafe(18)
        self._waiting[token] = Upload(name, kind, path)
        return {"file": token, "name": name, "size": size, "type": kind}

    def upload(self, token: object) -> Upload:
        """What a token stands for. Raises ``ClientRefused``."""
        found = self._waiting.get(token) if isinstance(token, str) else None
        if found is None:
            raise ClientRefused("there is no such file; pick it again")
        return found

    # down

    def link(self, file: Attachment) -> str:
        """The page's own link to an attachment: always the same."""
        return f"/media/{self._mark(file.id)}/{file.id}/{quote(file.filename)}"

    def _mark(self, number: int) -> str:
        return hmac.new(self._secret, str(number).encode(), hashlib.sha256).hexdigest()[:32]

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Serve an attachment, with ranges."""
        raw = request.match_info["number"]
        number = int(raw)
        right = hmac.compare_digest(
            self._mark(number).encode(), request.match_info["mark"].encode()
        )
        file = self._media.get(number) if right else None
        if file is None:
            raise web.HTTPNotFound(text="This content is no longer available.")
        shown = file.content_type in _SHOWN
        headers = {
            "Content-Type": str(file.content_type) if shown else "application/octet-stream",
            "Content-Disposition": "inline" if shown else "attachment",
            "Cache-Control": "private, max-age=86400, immutable",
            "Content-Security-Policy": "default-src 'none'; sandbox",
        }
        if file.path is not None:
            return web.FileResponse(file.path, headers=headers)
        return web.Response(body=file.read(), headers=headers)


def _kind(header: str, name: str) -> str | None:
    """The content type that an honest client would say."""
    kind = header.partition(";")[0].strip().lower()
    declared = kind if _TYPE.fullmatch(kind) and kind != "application/octet-stream" else None
    return declared or type_of(name)


def _too_large(name: str) -> str:
    return f"{name} is larger than {MAX_FILE // (1024 * 1024)} MiB"
