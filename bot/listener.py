"""The HTTP side: health, readiness, metrics and Pika's callbacks.

TLS and slow senders of headers are the business of the proxy that ``PUBLIC_URL`` needs anyway;
it should pass ``/callbacks/`` on and no more.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Final, Self

from aiohttp import web, web_response
from aiohttp.http_exceptions import HttpProcessingError

from bot.callbacks import OK, Callbacks, Hint
from bot.health import Health
from bot.metrics import CONTENT_TYPE, Metrics

log = logging.getLogger(__name__)

CONNECTIONS: Final = 128
"""Connections that are kept open. Without a limit, whoever opens connections and says nothing
takes every file descriptor that the bot needs to speak to Discord."""


def _is_ours(record: logging.LogRecord) -> bool:
    """Not a traceback of what strangers send that is no HTTP: it is long, and quotes them."""
    error = record.exc_info[1] if record.exc_info else None
    return not isinstance(error, HttpProcessingError | web.RequestPayloadError)


_wire = logging.getLogger("bot.listener.wire")
_wire.addFilter(_is_ours)


class Listener:
    """Listens on ``host`` and ``port`` (0: any free one) while it is entered.

    Entering raises ``OSError`` when the port is taken.
    """

    def __init__(
        self,
        host: str,
        port: int,
        *,
        health: Health,
        metrics: Metrics,
        hint: Hint,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.port = port
        self._host = host
        self._health = health
        self._metrics = metrics
        self.callbacks = Callbacks(hint, metrics, monotonic)
        self._was_ready = False
        app = web.Application()
        app.router.add_get("/healthz", _alive)
        app.router.add_get("/readyz", self._readiness)
        app.router.add_get("/metrics", self._numbers)
        app.router.add_post("/callbacks", self.callbacks.handle)
        app.router.add_post("/callbacks/{reference:[^/]+}", self.callbacks.handle)
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
            loop = asyncio.get_running_loop()
            self._server = await loop.create_server(self._admit, self._host, self.port)
        except BaseException:
            await self._runner.cleanup()
            raise
        self.port = int(self._server.sockets[0].getsockname()[1])
        self.callbacks.start()
        log.info("listening on %s port %d", self._host, self.port)
        return self

    def _admit(self) -> asyncio.Protocol:
        """The other end of a new connection; the oldest one makes room for it."""
        server = self._runner.server
        assert server is not None  # it was set up before anybody could connect
        if len(server.connections) >= CONNECTIONS:
            for oldest in server.connections:
                transport = oldest.transport
                if transport is not None and not transport.is_closing():
                    transport.abort()
                    break
        return server()

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        await self._runner.cleanup()
        await self.callbacks.close()
        await self._health.close()

    async def _readiness(self, _request: web.Request) -> web.Response:
        troubles = await self._health.troubles()
        reasons = [f"{name}: {trouble}" for name, trouble in troubles.items() if trouble]
        ready = not reasons
        if ready is not self._was_ready:
            self._was_ready = ready
            log.warning("readiness: %s", "; ".join(reasons) or OK)
        return web.json_response(
            {"ready": ready, "checks": {name: t or OK for name, t in troubles.items()}},
            status=200 if ready else 503,
        )

    async def _numbers(self, _request: web.Request) -> web.Response:
        return web.Response(body=self._metrics.text(), headers={"Content-Type": CONTENT_TYPE})


async def _alive(_request: web.Request) -> web.Response:
    return web.Response(text=OK)
