"""The HTTP side: health, readiness, metrics and Pika's callbacks.

A callback proves nothing: its sender is unknown and its body is not looked at. Its path
names an attempt, and that job is then read from Pika's API. Everybody gets the same answer,
so nobody learns which references exist. TLS and slow senders of headers are the business
of the proxy that ``PUBLIC_URL`` needs anyway; it should pass ``/callbacks/`` on and no more.
"""

from __future__ import annotations

import asyncio
import logging
import re
import time
import traceback
from collections.abc import Awaitable, Callable, Sized
from dataclasses import dataclass, field
from typing import Final, Self

from aiohttp import web, web_response
from aiohttp.http_exceptions import HttpProcessingError

from bot.errors import JobNotFound
from bot.metrics import CONTENT_TYPE, CallbackResult, HintResult, Metrics

log = logging.getLogger(__name__)

STALLED_MS: Final = 5 * 60_000
"""A message that is due for longer than this shows that delivery has stalled."""

FRESH_MS: Final = 1_000
"""An answer about the disk stands for this long, so that asking often costs no more."""

BODY_LIMIT: Final = 64 * 1024
"""Bytes of a callback's body that are read, and thrown away."""

BODY_SECONDS: Final = 10.0
PER_SECOND, BURST = 20.0, 200.0
"""Callbacks that lead to a read. Ten jobs at Pika that take half a minute call far less
often; what is dropped is found by the next round of polling."""

WAITING_LIMIT: Final = 1_000
WORKERS: Final = 4

_REFERENCE = re.compile(r"[A-Za-z0-9_-]{16,128}")
_OK = "ok"
_REFUSALS = {CallbackResult.TOO_LARGE: 413, CallbackResult.BROKEN: 400}


def _is_ours(record: logging.LogRecord) -> bool:
    """Not a traceback of what strangers send that is no HTTP: it is long, and quotes them."""
    error = record.exc_info[1] if record.exc_info else None
    return not isinstance(error, HttpProcessingError | web.RequestPayloadError)


_wire = logging.getLogger("bot.listener.wire")
_wire.addFilter(_is_ours)


class Health:
    """Whether the bot does its work: is Discord connected, the disk writable, the mail out?

    ``ready``: whether the gateway is connected. ``write`` commits the text it is given, and
    ``due`` returns the messages that were due at a time and do not exist; ``now`` is in
    milliseconds since 1970. Nobody waits for either longer than ``limit`` seconds.
    """

    def __init__(
        self,
        *,
        ready: Callable[[], bool],
        write: Callable[[str], Awaitable[None]],
        due: Callable[[int], Awaitable[Sized]],
        now: Callable[[], int],
        limit: float = 2.0,
    ) -> None:
        self._ready = ready
        self._write = write
        self._due = due
        self._now = now
        self._database = _Probe(self._check_database, now, limit)
        self._delivery = _Probe(self._check_delivery, now, limit)

    async def troubles(self) -> dict[str, str | None]:
        """For each check the trouble in words, ``None`` where there is none."""
        database, delivery = await asyncio.gather(self._database.ask(), self._delivery.ask())
        gateway = None if self._ready() else "not connected to Discord"
        return {"gateway": gateway, "database": database, "delivery": delivery}

    async def close(self) -> None:
        """Ask nothing any more."""
        await asyncio.gather(self._database.close(), self._delivery.close())

    async def _check_database(self) -> str | None:
        # A real commit: what is rolled back never leaves SQLite's memory, and neither does a
        # value that is there already, so neither would notice a full disk.
        await self._write(str(self._now()))
        return None

    async def _check_delivery(self) -> str | None:
        late = len(await self._due(self._now() - STALLED_MS))
        return f"{late} messages overdue by more than 5 minutes" if late else None


@dataclass(slots=True)
class _Probe:
    """A check that may hang: it runs once at a time and is not cancelled, as a cancelled
    transaction would itself wait for the disk.
    """

    check: Callable[[], Awaitable[str | None]]
    now: Callable[[], int]
    limit: float
    _task: asyncio.Task[str | None] | None = None
    _since: int = 0

    async def ask(self) -> str | None:
        """The trouble, ``None`` when there is none; at most ``FRESH_MS`` old."""
        task = self._task
        if task is None or (task.done() and not 0 <= self.now() - self._since < FRESH_MS):
            self._since = self.now()
            task = self._task = asyncio.create_task(self._run(), name="readiness")
        await asyncio.wait({task}, timeout=self.limit)
        return task.result() if task.done() else f"no answer within {self.limit:g} seconds"

    async def close(self) -> None:
        """Break the check off."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    async def _run(self) -> str | None:
        try:
            return await self.check()
        except Exception as error:  # noqa: BLE001 - whatever it is, it is the trouble
            log.warning("a readiness check failed: %s", error)
            return f"failed with {type(error).__name__}"


@dataclass(slots=True)
class _Hints:
    """References that wait to be read, each once, and those who read them.

    ``BURST`` may come at once, ``PER_SECOND`` in the long run.
    """

    hint: Callable[[str], Awaitable[None]]
    metrics: Metrics
    monotonic: Callable[[], float]
    _allowed: float = BURST
    _allowed_at: float = 0.0
    _waiting: set[str] = field(default_factory=set)
    _queue: asyncio.Queue[str] = field(default_factory=lambda: asyncio.Queue(WAITING_LIMIT))

    def take(self, reference: str) -> CallbackResult:
        """Have the job of this reference read soon, if there is room. Never waits."""
        if _REFERENCE.fullmatch(reference) is None:
            return CallbackResult.MALFORMED
        if reference in self._waiting:
            return CallbackResult.MERGED
        if self._queue.full():
            return CallbackResult.FULL
        now = self.monotonic()
        allowed = min(BURST, self._allowed + (now - self._allowed_at) * PER_SECOND)
        self._allowed, self._allowed_at = allowed, now
        if allowed < 1:
            return CallbackResult.THROTTLED
        self._allowed -= 1
        self._waiting.add(reference)
        self._queue.put_nowait(reference)
        return CallbackResult.ACCEPTED

    async def work(self) -> None:
        """Read one after the other until cancelled."""
        while True:
            reference = await self._queue.get()
            # Before the read: news that comes while it runs deserves another one.
            self._waiting.discard(reference)
            self.metrics.callback_read(await self._read(reference))

    async def _read(self, reference: str) -> HintResult:
        try:
            await self.hint(reference)
        except JobNotFound:
            return HintResult.UNKNOWN
        except Exception as error:  # noqa: BLE001 - one bad read must not end the reading
            # Where, but not what it says: a text might quote the reference.
            where = "".join(traceback.format_tb(error.__traceback__))
            log.error("reading after a callback failed: %s\n%s", type(error).__name__, where)
            return HintResult.FAILED
        return HintResult.READ


class Listener:
    """Listens on ``host`` and ``port`` (0: any free one) while it is entered.

    ``hint`` is called with the reference of a callback; it raises ``JobNotFound`` for one
    that no job carries. Entering raises ``OSError`` when the port is taken.
    """

    def __init__(
        self,
        host: str,
        port: int,
        *,
        health: Health,
        metrics: Metrics,
        hint: Callable[[str], Awaitable[None]],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.port = port
        self._host = host
        self._health = health
        self._metrics = metrics
        self._hints = _Hints(hint, metrics, monotonic)
        self._workers: list[asyncio.Task[None]] = []
        self._was_ready = False
        app = web.Application()
        app.router.add_get("/healthz", _alive)
        app.router.add_get("/readyz", self._readiness)
        app.router.add_get("/metrics", self._numbers)
        app.router.add_post("/callbacks", self._callback)
        app.router.add_post("/callbacks/{reference:[^/]+}", self._callback)
        self._runner = web.AppRunner(
            app,
            access_log=None,  # its lines would hold references
            logger=_wire,
            auto_decompress=False,  # bodies are counted as they come, not as they would swell
            keepalive_timeout=75.0,
            lingering_time=1.0,
            shutdown_timeout=1.0,
        )

    async def __aenter__(self) -> Self:
        # aiohttp's default names its version, and Python's, even where no handler of ours runs.
        web_response.SERVER_SOFTWARE = "pika-bot"  # type: ignore[attr-defined]
        try:
            await self._runner.setup()
            await web.TCPSite(self._runner, self._host, self.port).start()
        except BaseException:
            await self._runner.cleanup()
            raise
        self.port = int(self._runner.addresses[0][1])
        self._workers = [
            asyncio.create_task(self._hints.work(), name=f"callbacks {number}")
            for number in range(WORKERS)
        ]
        log.info("listening on %s port %d", self._host, self.port)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()
        for worker in self._workers:
            worker.cancel()
        await asyncio.gather(*self._workers, return_exceptions=True)
        await self._health.close()

    async def _readiness(self, _request: web.Request) -> web.Response:
        troubles = await self._health.troubles()
        reasons = [f"{name}: {trouble}" for name, trouble in troubles.items() if trouble]
        ready = not reasons
        if ready is not self._was_ready:
            self._was_ready = ready
            log.warning("readiness: %s", "; ".join(reasons) or _OK)
        return web.json_response(
            {"ready": ready, "checks": {name: t or _OK for name, t in troubles.items()}},
            status=200 if ready else 503,
        )

    async def _numbers(self, _request: web.Request) -> web.Response:
        return web.Response(body=self._metrics.text(), headers={"Content-Type": CONTENT_TYPE})

    async def _callback(self, request: web.Request) -> web.Response:
        result = await _discard(request)
        if result is None:
            result = self._hints.take(request.match_info.get("reference", ""))
        self._metrics.callback(result)
        status = _REFUSALS.get(result, 200)
        return web.Response(text=_OK if status == 200 else result.value, status=status)


async def _alive(_request: web.Request) -> web.Response:
    return web.Response(text=_OK)


async def _discard(request: web.Request) -> CallbackResult | None:
    """Read the body and forget it; what is wrong with it, if anything is."""
    size = 0
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for chunk in request.content.iter_any():
                size += len(chunk)
                if size > BODY_LIMIT:
                    return CallbackResult.TOO_LARGE
    except (TimeoutError, web.RequestPayloadError, ConnectionError):
        return CallbackResult.BROKEN
    return None
