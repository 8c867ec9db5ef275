"""A multipart form that is read from disk while it is sent.

httpx would read the files on the event loop; here each piece is read in a thread, one at a
time, so a form holds 64 KiB of a picture in memory, whatever its size.
"""

from __future__ import annotations

import asyncio
import errno
import os
import re
import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

import httpx

PIECE: Final = 64 * 1024
"""Bytes read and sent at a time."""

_TYPE: Final = re.compile(r"[A-Za-z0-9.+-]+/[A-Za-z0-9.+-]+")
_QUOTE: Final = {ord('"'): "%22", ord("\\"): "_", ord("/"): "_"}
_QUOTE.update(dict.fromkeys((*range(32), 127), "_"))


@dataclass(frozen=True, slots=True)
class Upload:
    """A file to send: its name and type as told to the other side, and where its bytes are."""

    filename: str
    content_type: str
    path: Path


class Form(httpx.AsyncByteStream):
    """Fields, then files, as ``multipart/form-data`` (RFC 7578).

    ``open`` must have returned ``None`` before it is sent; ``aclose`` closes the files and
    may be called twice.
    """

    def __init__(self, fields: dict[str, str], uploads: dict[str, Upload]) -> None:
        self._boundary = secrets.token_hex(16)
        self._fields = fields
        self._uploads = uploads
        self._files: dict[str, tuple[BinaryIO, int]] = {}
        self._stack = ExitStack()

    async def open(self) -> str | None:
        """Open every file, in a thread; returns the first name whose file is gone or empty.

        Raises OSError for anything else that keeps a file from being opened.
        """
        return await asyncio.to_thread(self._open)

    def _open(self) -> str | None:
        for name, upload in self._uploads.items():
            try:
                file = self._stack.enter_context(upload.path.open("rb"))
            except FileNotFoundError:
                return name
            size = os.fstat(file.fileno()).st_size
            if not size:
                return name
            self._files[name] = (file, size)
        return None

    @property
    def headers(self) -> dict[str, str]:
        """Type, boundary and length; with a length the other side can tell a broken upload."""
        size = sum(len(part) for part in self._texts()) + len(self._end)
        for name, (_, length) in self._files.items():
            size += len(self._file_head(name)) + length + len(b"\r\n")
        return {
            "Content-Type": f"multipart/form-data; boundary={self._boundary}",
            "Content-Length": str(size),
        }

    @property
    def _end(self) -> bytes:
        return f"--{self._boundary}--\r\n".encode()

    def _texts(self) -> Iterator[bytes]:
        for name, value in self._fields.items():
            head = f'--{self._boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n'
            yield head.encode() + value.encode("utf-8", "replace") + b"\r\n"

    def _file_head(self, name: str) -> bytes:
        upload = self._uploads[name]
        filename = upload.filename.translate(_QUOTE) or "picture"
        kind = upload.content_type.partition(";")[0].strip()
        if not _TYPE.fullmatch(kind):
            kind = "application/octet-stream"
        return (
            f"--{self._boundary}\r\n"
            f'Content-Disposition: form-data; name="{name}"; filename="{filename}"\r\n'
            f"Content-Type: {kind}\r\n\r\n"
        ).encode("utf-8", "replace")

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for part in self._texts():
            yield part
        for name, (file, size) in self._files.items():
            yield self._file_head(name)
            left = size
            while left:
                piece = await asyncio.to_thread(file.read, min(PIECE, left))
                if not piece:
                    raise OSError(errno.EIO, "a file became shorter while it was sent")
                left -= len(piece)
                yield piece
            yield b"\r\n"
        yield self._end

    async def aclose(self) -> None:
        """Close the files."""
        self._stack.close()
