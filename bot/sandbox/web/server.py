"""The page's server on 127.0.0.1: static files, one WebSocket, uploads, attachments."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, Self

import orjson
from aiohttp import WSMessage, WSMsgType, web

from bot.sandbox.discord import ClientRefused, EmbeddedDiscord
from bot.sandbox.pika import EmbeddedPika
from bot.sandbox.web.actions import Actions
from bot.sandbox.web.backstage import BackstageDocuments
from bot.sandbox.web.connection import Connection
from bot.sandbox.web.control import BotControl
from bot.sandbox.web.files import Files
from bot.sandbox.web.guard import Guard
from bot.sandbox.web.messages import MessageDocuments
from bot.sandbox.web.players import Player
from bot.sandbox.web.tools import Backstage
from bot.sandbox.web.view import View

_log = logging.getLogger(__name__)

Json = dict[str, Any]

HOST: Final = "127.0.0.1"
STATIC: Final = Path(__file__).parent / "static"
MAX_REQUEST: Final = 1024 * 1024
"""Bytes of one request over the socket."""

AT_ONCE: Final = 32
"""Requests of one page that may be under way."""

TICK: Final = 1.0
"""Seconds after which a page looks again without a reason: some things change by time alone."""

CLOSING: Final = 1.0
"""Seconds a page has to say goodbye when the server ends."""

_TYPES: Final = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".webmanifest": "application/manifest+json",
}
_NAME: Final = re.compile(r"(?:[\w-]+/)*[\w-]+\.[a-z]+", re.ASCII)
_SORRY: Final = "Something went wrong in this page's server; its output says what."


class Page:
    """Serves the page. Enter it after both embedded servers were started.

    ``players`` are the people it may play, the first one at the beginning; ``control`` starts and
    kills the bot. ``port`` 0 takes a free one. ``failures`` must be empty: it holds every mistake
    of this server's own.
    """

    def __init__(
        self,
        discord: EmbeddedDiscord,
        pika: EmbeddedPika,
        players: Sequence[Player],
        *,
        control: BotControl | None = None,
        port: int = 0,
    ) -> None:
        if not players:
            raise ValueError("a page needs somebody to play")
        self.port = port
        self.failures: list[str] = []
        self._discord = discord
        self._pika = pika
        self._players = players
        self._files = Files(discord)
        self._stage = Backstage(discord, pika, control)
        self._messages = MessageDocuments(discord, self._files)
        self._backstage = BackstageDocuments(self._stage, self.poke)
        self._view = View(discord, pika, players, self._messages, self._backstage)
        self._actions = Actions(discord, self._stage, self._files, self._view, players)
        self._guard = Guard()
        self._connections: set[Connection] = set()
        self._watching: list[asyncio.Task[None]] = []
        self._runner: web.AppRunner | None = None
        if control is not None:
            control.watch(self.poke)

    @property
    def url(self) -> str:
        """The address of the page."""
        return f"http://{HOST}:{self.port}/"

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Listen. Raises ``OSError`` when the port is taken."""
        app = web.Application(middlewares=[self._guard.middleware])
        app.on_response_prepare.append(self._guard.sign)
        app.router.add_get("/socket", self._socket)
        app.router.add_post("/files", self._upload)
        app.router.add_get("/media/{mark}/{number:[0-9]{1,20}}/{name}", self._files.serve)
        app.router.add_get("/{path:.*}", self._static)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        try:
            await self._runner.setup()
            await web.TCPSite(self._runner, HOST, self.port).start()
        except BaseException:
            await self._runner.cleanup()
            raise
        self.port = int(self._runner.addresses[0][1])
        self._guard.port = self.port
        self._guard.media = (self._discord.world.media.base_url, self._pika.origin)
        watchers = (self._watch_discord(), self._watch_pika(), self._watch_time())
        self._watching = [asyncio.create_task(one) for one in watchers]

    async def stop(self) -> None:
        """Close every page and listen no more."""
        for task in self._watching:
            task.cancel()
        await asyncio.gather(*self._watching, return_exceptions=True)
        goodbyes = (
            connection.socket.close(code=1001, message=b"the demo has ended")
            for connection in self._connections
        )
        await asyncio.gather(*goodbyes, return_exceptions=True)
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None
        await self._backstage.close()

    # what changes

    def poke(self) -> None:
        """Something may be different: every page looks."""
        for connection in self._connections:
            connection.dirty.set()

    async def _watch_discord(self) -> None:
        count = 0
        while True:
            count = await self._discord.changes.after(count)
            self.poke()

    async def _watch_pika(self) -> None:
        while True:
            await self._pika.change()
            self.poke()

    async def _watch_time(self) -> None:
        while True:
            await asyncio.sleep(TICK)
            self._messages.forget()
            self.poke()

    # the socket

    async def _socket(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(heartbeat=20.0, timeout=CLOSING, max_msg_size=MAX_REQUEST)
        await socket.prepare(request)
        user = self._actions.player(request.query.get("person")) or self._players[0].user
        town = self._view.town()

        def look(connection: Connection) -> dict[str, Json]:
            return {"town": town, **self._view.documents(connection)}

        connection = Connection(socket, user, look)
        connection.dirty.set()
        self._connections.add(connection)
        try:
            async with asyncio.TaskGroup() as tasks:
                sender = tasks.create_task(self._sender(connection))
                await self._receive(connection, tasks)
                sender.cancel()
        finally:
            self._connections.discard(connection)
        return socket

    async def _sender(self, connection: Connection) -> None:
        try:
            await connection.run()
        except Exception as error:  # noqa: BLE001 - a mistake of ours must be heard of
            self._failed("documents", error)
            await connection.socket.close(code=1011, message=b"see the server's output")

    async def _receive(self, connection: Connection, tasks: asyncio.TaskGroup) -> None:
        under_way: set[asyncio.Task[None]] = set()
        async for message in connection.socket:
            body = _read(message)
            if body is None:
                await connection.answer({"id": None, "error": "requests are JSON objects"})
                continue
            if len(under_way) >= AT_ONCE:
                await connection.answer({"id": body.get("id"), "error": "one after the other"})
                continue
            task = tasks.create_task(self._answer(connection, body))
            under_way.add(task)
            task.add_done_callback(under_way.discard)
        for task in under_way:
            task.cancel()

    async def _answer(self, connection: Connection, body: Json) -> None:
        number = body.get("id")
        try:
            answer = {"id": number, "ok": await self._actions.do(connection, body)}
        except ClientRefused as refused:
            answer = {"id": number, "error": str(refused)}
        except Exception as error:  # noqa: BLE001 - a mistake of ours must not end the page
            self._failed(str(body.get("do")), error)
            answer = {"id": number, "error": _SORRY}
        try:
            await connection.answer(answer)
        except Exception as error:  # noqa: BLE001 - same
            self._failed("documents", error)

    def _failed(self, what: str, error: Exception) -> None:
        _log.error("the page failed at %s", what, exc_info=error)
        self.failures.append(f"{what}: {error!r}")

    # files

    async def _upload(self, request: web.Request) -> web.StreamResponse:
        try:
            return web.json_response(await self._files.receive(request))
        except ClientRefused as refused:
            # What is left of a body that is too large is not read: the connection ends.
            return web.json_response({"error": str(refused)}, status=400)

    async def _static(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["path"] or "index.html"
        kind = _TYPES.get(Path(name).suffix)
        path = STATIC / name
        if kind is None or not _NAME.fullmatch(name) or not path.is_file():
            raise web.HTTPNotFound(text="There is nothing here.")
        headers = {"Content-Type": kind, "Cache-Control": "no-cache"}
        return web.FileResponse(path, headers=headers)


def _read(message: WSMessage) -> Json | None:
    """The request in a message of the socket; None when it is none."""
    if message.type is not WSMsgType.TEXT:
        return None
    try:
        body = orjson.loads(message.data)
    except orjson.JSONDecodeError:
        return None
    return body if isinstance(body, dict) else None
