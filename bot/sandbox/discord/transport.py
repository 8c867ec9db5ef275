"""How gateway payloads travel: as text, or in one zlib or zstd stream per connection."""

from __future__ import annotations

import importlib
import zlib
from collections.abc import Callable
from typing import Any, Protocol


class Transport(Protocol):
    """Encodes one payload; None from ``encode`` means: send it as text."""

    def encode(self, payload: bytes) -> bytes | None:
        """The bytes of one WebSocket message."""
        ...


class Plain:
    """Text frames."""

    def encode(self, payload: bytes) -> bytes | None:
        """None: text."""
        del payload
        return None


class ZlibStream:
    """One zlib stream for the whole connection; each message ends with a sync flush."""

    def __init__(self) -> None:
        self._stream = zlib.compressobj(1)

    def encode(self, payload: bytes) -> bytes:
        """The next piece of the stream."""
        return self._stream.compress(payload) + self._stream.flush(zlib.Z_SYNC_FLUSH)


class ZstdStream:
    """One zstd frame for the whole connection; each message ends with a block."""

    def __init__(self, compress: Callable[[bytes], bytes]) -> None:
        self._compress = compress

    def encode(self, payload: bytes) -> bytes:
        """The next blocks of the frame."""
        return self._compress(payload)


def _zstd() -> ZstdStream | None:
    try:
        module: Any = importlib.import_module("compression.zstd")
    except ImportError:
        return _zstandard()
    native = module.ZstdCompressor()
    return ZstdStream(lambda data: native.compress(data, native.FLUSH_BLOCK))


def _zstandard() -> ZstdStream | None:
    try:
        module: Any = importlib.import_module("zstandard")
    except ImportError:
        return None
    stream = module.ZstdCompressor().compressobj()
    flush = module.COMPRESSOBJ_FLUSH_BLOCK
    return ZstdStream(lambda data: stream.compress(data) + stream.flush(flush))


def transport_for(query: str | None) -> Transport:
    """The transport a client asks for by the ``compress`` parameter of its address.

    Without a zstd module in this Python a client that asks for it gets text, which every
    client must read anyway.
    """
    if query == "zlib-stream":
        return ZlibStream()
    if query == "zstd-stream":
        return _zstd() or Plain()
    return Plain()
