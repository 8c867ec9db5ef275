"""The embedded Discord: one address for REST, gateway and CDN."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar

from aiohttp import web

from bot.sandbox.faults import Faults

from . import (
    cdn,
    ids,
    rest_app,
    rest_channels,
    rest_commands,
    rest_guilds,
    rest_interactions,
    rest_messages,
    rest_threads,
    rest_webhooks,
)
from .api import PREFIX, Api, Recorded
from .call import Call
from .changes import Changes
from .clock import Clock
from .commands import Commands
from .connection import Socket
from .errors import invalid
from .gateway import Gateway
from .hands import Hands
from .intents import Intent
from .invocations import Interactions, Invocation
from .limits import Ban, EditBudget, RateLimits
from .routing import Router
from .uploads import MAX_JSON
from .world import World

if TYPE_CHECKING:
    from aiohttp import StreamReader
    from aiohttp.abc import AbstractStreamWriter
    from aiohttp.http_parser import RawRequestMessage

    from bot.sandbox.openapi import Oracle

    from .channels import Channel
    from .messages import Message
    from .people import Member, User

Json = dict[str, Any]
T = TypeVar("T")

HOST: Final = "127.0.0.1"
#: Connections waiting to be accepted; a burst of thousands must not be refused by the kernel.
BACKLOG: Final = 8192
_MODULES: Final = (
    rest_app,
    rest_channels,
    rest_commands,
    rest_guilds,
    rest_interactions,
    rest_messages,
    rest_threads,
    rest_webhooks,
)


class EmbeddedDiscord:
    """A strict stand-in for Discord on 127.0.0.1.

    ``port`` 0 takes a free one. ``media_port`` serves the CDN on a port of its own, as Discord
    does on a host of its own. ``openapi`` names Discord's OpenAPI file; with it every request
    and every answer is checked. ``record=False`` keeps no requests. ``shards`` is what
    ``GET /gateway/bot`` recommends; ``privileged_intents`` are those enabled for the application.

    ``violations`` must be empty at the end of a test: it holds what Discord would refuse or does
    not have, and every mistake of this stand-in.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        media_port: int | None = None,
        openapi: Path | None = None,
        token: str | None = None,
        record: bool = True,
        shards: int = 1,
        privileged_intents: int = 0,
        bot_name: str = "pika",
    ) -> None:
        self._port = port
        self._media_port = media_port
        self.world = World(bot_name=bot_name)
        self.clock: Clock = self.world.clock
        self.changes: Changes = self.world.changes
        self.owner = self.world.create_user("operator")
        self.token = token or ids.bot_token(self.world.bot.id)
        self.authorization = f"Bot {self.token}"
        self.gateway = Gateway(self.world, self.token)
        self.gateway.shards = shards
        self.gateway.privileged_intents = Intent(privileged_intents)
        self.world.sink = self.gateway
        self.interactions = Interactions(self.world)
        self.commands = Commands(self.world)
        self.cdn = cdn.Cdn(self.world.media)
        self.faults = Faults()
        self.limits = RateLimits(self.clock)
        self.edits = EditBudget(self.clock)
        self.ban = Ban(self.clock)
        self.rate_limits = False
        self.record = record
        self.requests: list[Recorded] = []
        self.violations: list[str] = []
        self.invalid_requests = 0
        self.oracle: Oracle | None = None
        if openapi is not None:
            from bot.sandbox.openapi import oracle  # noqa: PLC0415 -- its validator is a development tool

            self.oracle = oracle(openapi)
        self._hands = Hands(self)
        self._api = Api(self, _router())
        self._http: web.Server | None = None
        self._listeners: list[asyncio.Server] = []
        self.base_url = ""
        self.api_url = ""

    # life

    async def start(self) -> Self:
        """Listen. Raises ``OSError`` when the port is taken."""
        loop = asyncio.get_running_loop()
        self._http = web.Server(
            self._handle, request_factory=_big_request, access_log=None, keepalive_timeout=75.0
        )
        main = await self._listen(loop, self._port)
        self.base_url = f"http://{HOST}:{main}"
        self.api_url = f"{self.base_url}{PREFIX.rstrip('/')}"
        self.gateway.url = f"ws://{HOST}:{main}/gateway"
        self.world.media.base_url = self.base_url
        if self._media_port is not None:
            media = await self._listen(loop, self._media_port)
            self.world.media.base_url = f"http://{HOST}:{media}"
        return self

    async def _listen(self, loop: asyncio.AbstractEventLoop, port: int) -> int:
        assert self._http is not None
        listener = await loop.create_server(self._http, HOST, port, backlog=BACKLOG)
        self._listeners.append(listener)
        name = listener.sockets[0].getsockname()
        return int(name[1])

    async def stop(self) -> None:
        """Close every connection and delete the files."""
        for listener in self._listeners:
            listener.close()
        self._listeners.clear()
        self.interactions.close()
        self.gateway.disconnect(1001)
        for _ in range(50):
            if not self.gateway.sockets:
                break
            await asyncio.sleep(0.01)
        if self._http is not None:
            self._http.pre_shutdown()
            await self._http.shutdown(0.5)
            self._http = None
        self.world.media.close()

    async def __aenter__(self) -> Self:
        return await self.start()

    async def __aexit__(self, *exc: object) -> None:
        await self.stop()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        path = request.raw_path
        if path.startswith(PREFIX):
            return await self._api.handle(request)
        if path.startswith("/gateway"):
            if not self.gateway.reachable:
                return web.Response(status=503)
            return await Socket(self.gateway, self.world, request).run()
        if path.startswith(cdn.PREFIX):
            return await self.cdn.handle(request)
        self.violations.append(f"{request.method} {path}: nothing is served there")
        return web.Response(status=404)

    # what it is

    @property
    def application_id(self) -> int:
        """The id of the application, which is its bot's too."""
        return self.world.bot.id

    @property
    def bot_user(self) -> User:
        """The bot's account."""
        return self.world.bot

    @property
    def upload_limit(self) -> int:
        """Bytes per attachment in servers without boosts."""
        return self.world.upload_limit

    @upload_limit.setter
    def upload_limit(self, value: int) -> None:
        self.world.upload_limit = value

    # what people do

    def offered(self, who: User | Member, where: Channel) -> list[Json]:
        """The commands, of all types, that Discord offers somebody in a place."""
        return self._hands.offered(who, where)

    async def invoke(
        self, who: User | Member, where: Channel, command: str, /, **options: Any
    ) -> Invocation:
        """Use a chat command; subcommands are named after it, separated by a space.

        Raises ``ClientRefused`` when Discord would not let them.
        """
        return self._hands.invoke(who, where, command, options)

    async def autocomplete(
        self, who: User | Member, where: Channel, command: str, /, *, focused: str, **options: Any
    ) -> Invocation:
        """Type into the option ``focused``; its text is ``value`` or the option's own keyword.

        Raises ``ClientRefused`` when Discord would not let them.
        """
        if "value" in options and focused not in options:
            options[focused] = options.pop("value")
        return self._hands.autocomplete(who, where, command, focused, options)

    async def press(
        self,
        who: User | Member,
        message: Message,
        *,
        custom_id: str | None = None,
        label: str | None = None,
    ) -> Invocation:
        """Press a button, named by its custom id or its label.

        Raises ``ClientRefused`` when it is not there, is disabled or the message is not theirs.
        """
        return self._hands.press(who, message, custom_id, label)

    async def select(
        self, who: User | Member, message: Message, custom_id: str, values: list[Any]
    ) -> Invocation:
        """Choose in a select menu. Raises ``ClientRefused`` for what cannot be chosen."""
        return self._hands.select(who, message, custom_id, values)

    async def submit_modal(
        self, who: User | Member, opener: Invocation, values: dict[str, Any]
    ) -> Invocation:
        """Submit the form ``opener`` was answered with; ``values`` by custom id.

        Raises ``ClientRefused`` for values the form does not take.
        """
        return self._hands.submit_modal(who, opener, values)

    async def message_menu(self, who: User | Member, name: str, message: Message) -> Invocation:
        """Use a command from a message's menu. Raises ``ClientRefused``."""
        return self._hands.message_menu(who, name, message)

    async def user_menu(
        self, who: User | Member, where: Channel, name: str, target: User | Member
    ) -> Invocation:
        """Use a command from a user's menu. Raises ``ClientRefused``."""
        return self._hands.user_menu(who, where, name, target)

    # waiting

    async def wait_for(self, condition: Callable[[], T], timeout: float = 10.0) -> T:  # noqa: ASYNC109
        """Return the first truthy value of ``condition``, tested after every change.

        Raises ``TimeoutError`` that quotes the condition and tells what happened last.
        """
        return await self.changes.until(condition, timeout=timeout, describe=self._describe)

    async def connected(self, timeout: float = 10.0) -> None:  # noqa: ASYNC109
        """Wait until every shard of the bot has been sent READY. Raises ``TimeoutError``."""
        await self.wait_for(lambda: self.gateway.is_connected, timeout)

    async def commands_registered(self, timeout: float = 10.0) -> None:  # noqa: ASYNC109
        """Wait until the bot has registered commands. Raises ``TimeoutError``."""
        await self.wait_for(lambda: self.commands.registrations > 0, timeout)

    def _describe(self) -> str:
        last = [f"{r.method} {r.route} -> {r.status}/{r.code}" for r in self.requests[-5:]]
        return f"sessions {self.gateway.sessions}, last requests {last}, {self.violations[-3:]}"

    # the oracle

    def check_request(self, call: Call) -> None:
        """Check a request against the OpenAPI file; Discord would refuse a wrong one.

        Raises ``ApiError`` 50035.
        """
        assert self.oracle is not None
        problems = self.oracle.check_request(call.method, call.route, call.body)
        if problems:
            raise invalid("_errors", "SCHEMA", "; ".join(problems))

    def check_answer(self, call: Call, status: int, body: Any) -> None:
        """Check an answer of ours."""
        assert self.oracle is not None
        for problem in self.oracle.check_answer(call.method, call.route, status, body):
            self.violations.append(f"our answer to {call.method} {call.route}: {problem}")


def _big_request(
    message: RawRequestMessage,
    payload: StreamReader,
    protocol: web.RequestHandler,
    writer: AbstractStreamWriter,
    task: asyncio.Task[None],
) -> web.BaseRequest:
    loop = asyncio.get_running_loop()
    return web.BaseRequest(message, payload, protocol, writer, task, loop, client_max_size=MAX_JSON)


def _router() -> Router:
    router = Router()
    for module in _MODULES:
        for method, template, handler, is_open in module.routes.entries:
            router.add(method, template, handler, open=is_open)
    return router
