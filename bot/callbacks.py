"""Callbacks of Pika, and of everybody who can reach the listener.

A callback proves nothing: its sender is unknown. Its path names an attempt by 192 random bits
that only Pika was told; whoever guesses, guesses in vain, and learns nothing from how long an
answer takes, as the answer is given before the path is looked up. What the body says is not
believed either: the name of Pika's job is taken from it as a hint where to look, and the job
that is read there from Pika's API must carry the attempt's reference. Everybody gets the same
answer.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
import time
import traceback
from collections.abc import Awaitable, Callable
from typing import Final

from aiohttp import web

from bot.errors import JobNotFound, StorageTrouble
from bot.metrics import CallbackResult, HintResult, Metrics

log = logging.getLogger(__name__)

BODY_LIMIT: Final = 64 * 1024
"""Bytes of a callback's body that are read; documented ones have a few thousand."""

BODY_SECONDS: Final = 10.0
BODIES_AT_ONCE: Final = 64
"""Bodies that are waited for: together they hold at most 4 MiB. While so many strangers are
slow to send theirs, others count without one."""

PER_SECOND, BURST = 20.0, 200.0
"""Callbacks that lead to a read. Ten jobs at Pika that take half a minute call far less
often; what is dropped is found by the next round of polling."""

WAITING_LIMIT: Final = 1_000
WORKERS: Final = 4

OK: Final = "ok"
_REFERENCE: Final = re.compile(r"[A-Za-z0-9_-]{16,128}")
_NAME: Final = re.compile(r"[!-~]{1,200}")
_REFUSALS: Final = {CallbackResult.TOO_LARGE: 413, CallbackResult.BROKEN: 400}

Hint = Callable[[str, str | None], Awaitable[None]]
"""Called with the reference of a callback and with what its body says that Pika calls the job,
if it says so. Raises ``JobNotFound`` for a reference that no job carries."""


class Callbacks:
    """Takes callbacks, and has the jobs read that they name: each reference once at a time.

    ``BURST`` may come at once, ``PER_SECOND`` in the long run, by the seconds of ``monotonic``.
    """

    def __init__(
        self, hint: Hint, metrics: Metrics, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._hint = hint
        self._metrics = metrics
        self._monotonic = monotonic
        self._allowed = BURST
        self._allowed_at = 0.0
        self.bodies = 0
        self._waiting: dict[str, str | None] = {}
        self._queue: asyncio.Queue[str] = asyncio.Queue(WAITING_LIMIT)
        self._workers: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin to read what is taken."""
        self._workers = [
            asyncio.create_task(self._work(), name=f"callbacks {number}")
            for number in range(WORKERS)
        ]

    async def close(self) -> None:
        """Break the reading off."""
        for worker in self._workers:
            worker.cancel()
        await asyncio.gather(*self._workers, return_exceptions=True)

    async def handle(self, request: web.Request) -> web.Response:
        """Answer a callback at once; what it leads to comes later."""
        result = await self._receive(request)
        self._metrics.callback(result)
        status = _REFUSALS.get(result, 200)
        return web.Response(text=OK if status == 200 else result.value, status=status)

    async def _receive(self, request: web.Request) -> CallbackResult:
        body: bytes | CallbackResult = b""
        if self.bodies < BODIES_AT_ONCE:
            self.bodies += 1
            try:
                body = await _body(request)
            finally:
                self.bodies -= 1
        if isinstance(body, CallbackResult):
            return body
        return self._take(request.match_info.get("reference", ""), body)

    def _take(self, reference: str, body: bytes) -> CallbackResult:
        """Have the job of this reference read soon, if there is room. Never waits."""
        if _REFERENCE.fullmatch(reference) is None:
            return CallbackResult.MALFORMED
        if reference in self._waiting:
            self._waiting[reference] = pika_id(body) or self._waiting[reference]
            return CallbackResult.MERGED
        if self._queue.full():
            return CallbackResult.FULL
        now = self._monotonic()
        allowed = min(BURST, self._allowed + (now - self._allowed_at) * PER_SECOND)
        self._allowed, self._allowed_at = allowed, now
        if allowed < 1:
            return CallbackResult.THROTTLED
        self._allowed -= 1
        self._waiting[reference] = pika_id(body)
        self._queue.put_nowait(reference)
        return CallbackResult.ACCEPTED

    async def _work(self) -> None:
        """Read one after the other until cancelled."""
        while True:
            reference = await self._queue.get()
            # Before the read: news that comes while it runs deserves another one.
            name = self._waiting.pop(reference)
            self._metrics.callback_read(await self._read(reference, name))

    async def _read(self, reference: str, name: str | None) -> HintResult:
        try:
            await self._hint(reference, name)
        except JobNotFound:
            return HintResult.UNKNOWN
        except StorageTrouble:  # which the operator was told of; the next round reads
            return HintResult.FAILED
        except Exception as error:  # noqa: BLE001 - one bad read must not end the reading
            # Where, but not what it says: a text might quote the reference.
            where = "".join(traceback.format_tb(error.__traceback__))
            log.error("reading after a callback failed: %s\n%s", type(error).__name__, where)
            return HintResult.FAILED
        return HintResult.READ


async def _body(request: web.Request) -> bytes | CallbackResult:
    """The body as it came, not unpacked; what is wrong with it, if anything is."""
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for chunk in request.content.iter_any():
                body += chunk
                if len(body) > BODY_LIMIT:
                    return CallbackResult.TOO_LARGE
    except (TimeoutError, web.RequestPayloadError, ConnectionError):
        return CallbackResult.BROKEN
    return bytes(body)


def pika_id(body: bytes) -> str | None:
    """What the body calls Pika's job: the ``jobid`` of a JSON object in UTF-8, of up to 200
    printable ASCII characters without a space; ``None`` for everything else.
    """
    try:
        said = json.loads(body.decode())
    except (ValueError, RecursionError):
        return None
    name = said.get("jobid") if isinstance(said, dict) else None
    return name if isinstance(name, str) and _NAME.fullmatch(name) else None
