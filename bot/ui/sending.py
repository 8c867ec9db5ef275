"""Sending a message once: discord.py sends a request again by itself after a 500, 502, 504 or 524,
up to four times and with growing pauses. Discord may have taken the message each time, and
forgotten its nonce before the last one.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from types import SimpleNamespace

import aiohttp


class AnsweredBadly(aiohttp.ClientError):
    """The request was sent, and what came back says nothing of what became of it."""


@dataclass(slots=True)
class _Sending:
    sent: bool = False
    """Whether a request has left that Discord has not certainly refused."""


_sending: ContextVar[_Sending | None] = ContextVar("sending", default=None)


@contextmanager
def once() -> Iterator[None]:
    """Inside, one request is sent; a second one of this task raises ``AnsweredBadly`` instead,
    unless the first was answered 429: then nothing came of it.
    """
    before = _sending.set(_Sending())
    try:
        yield
    finally:
        _sending.reset(before)


def watch(trace: aiohttp.TraceConfig) -> None:
    """Have the requests of the client that is traced obey ``once``."""
    trace.on_request_start.append(_begins)
    trace.on_request_end.append(_ends)


async def _begins(
    _session: aiohttp.ClientSession,
    _context: SimpleNamespace,
    _params: aiohttp.TraceRequestStartParams,
) -> None:
    sending = _sending.get()
    if sending is None:
        return
    if sending.sent:
        raise AnsweredBadly
    sending.sent = True


async def _ends(
    _session: aiohttp.ClientSession,
    _context: SimpleNamespace,
    params: aiohttp.TraceRequestEndParams,
) -> None:
    sending = _sending.get()
    if sending is not None and params.response.status == 429:
        sending.sent = False
