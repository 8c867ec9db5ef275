"""Bodies of requests: JSON, and forms whose files go straight to disk."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import orjson
from aiohttp import BodyPartReader, web

from .errors import invalid, refusal

if TYPE_CHECKING:
    from .call import Call
    from .media import MediaStore

#: Bytes of a JSON body, and of one form whatever the server's boosts.
MAX_JSON: Final = 25 * 1024 * 1024
MAX_FORM: Final = 1024 * 1024 * 1024
_CHUNK: Final = 256 * 1024
_FILE: Final = re.compile(r"files?\[(\d+)\]|file(\d*)")


@dataclass(slots=True)
class ReceivedFile:
    """One uploaded file, already on disk; ``index`` is the n of ``files[n]``."""

    index: int
    filename: str
    path: Path
    size: int


async def receive(call: Call, request: web.BaseRequest, media: MediaStore) -> None:
    """Read the body of ``request`` into ``call``.

    Raises ``ApiError``: 50109 for broken JSON, 50035 for another content type.
    """
    kind = request.headers.get("Content-Type", "")
    if not request.can_read_body:
        return
    if kind.startswith("application/json"):
        raw = await request.read()
        call.size = len(raw)
        if raw:
            call.body = _json(raw)
    elif kind.startswith("multipart/form-data"):
        try:
            await _form(call, request, media)
        except ValueError as error:
            raise invalid("_errors", "MULTIPART_INVALID", str(error)) from error
    else:
        raw = await request.read()
        if raw:
            raise invalid(
                "_errors",
                "CONTENT_TYPE_INVALID",
                'Expected "Content-Type" header to be one of '
                "{'application/json', 'multipart/form-data'}.",
            )


def _json(raw: bytes) -> Any:
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise refusal(50109) from error


async def _form(call: Call, request: web.BaseRequest, media: MediaStore) -> None:
    reader = await request.multipart()
    while True:
        part = await reader.next()
        if part is None:
            return
        if not isinstance(part, BodyPartReader):
            raise invalid("_errors", "MULTIPART_NESTED", "Nested forms are not supported.")
        if part.name == "payload_json":
            raw = await part.read()
            call.size += len(raw)
            call.body = _json(bytes(raw))
            continue
        found = _FILE.fullmatch(part.name or "")
        if found is None or part.filename is None:
            await part.release()
            continue
        await _save(call, part, int(found.group(1) or found.group(2) or 0), media.new_path())


async def _save(call: Call, part: BodyPartReader, index: int, path: Path) -> None:
    received = ReceivedFile(index, part.filename or "unknown", path, 0)
    call.files.append(received)
    with path.open("wb") as file:
        while chunk := await part.read_chunk(_CHUNK):
            received.size += len(chunk)
            call.size += len(chunk)
            if call.size <= MAX_FORM:
                file.write(chunk)


def check_sizes(call: Call, limit: int, request_limit: int) -> None:
    """Refuse files and requests that are too large for where they go.

    Raises ``ApiError`` 413/40005.
    """
    if call.files and (call.size > request_limit or any(f.size > limit for f in call.files)):
        for file in call.files:
            file.path.unlink(missing_ok=True)
        raise refusal(40005)


def discard(call: Call) -> None:
    """Delete the files of a request that was refused."""
    for file in call.files:
        file.path.unlink(missing_ok=True)
