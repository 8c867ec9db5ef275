"""A server with one community, a raw REST client and real discord.py bots against it."""

from __future__ import annotations

import asyncio
import contextlib
import io
import os
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import discord
import orjson
import pytest
import yarl
from discord.ext import commands

from bot.sandbox.discord import (
    EmbeddedDiscord,
    Guild,
    Invocation,
    Member,
    Permission,
    TextChannel,
    Thread,
)

Json = dict[str, Any]


@pytest.fixture
def openapi() -> Path | None:
    """Discord's OpenAPI file, where DISCORD_OPENAPI names it."""
    path = os.getenv("DISCORD_OPENAPI")
    return Path(path) if path else None


@pytest.fixture
async def server(openapi: Path | None) -> AsyncIterator[EmbeddedDiscord]:
    """A server with the oracle on; a test that provokes violations clears them."""
    async with EmbeddedDiscord(openapi=openapi) as running:
        yield running
        assert running.violations == []


@dataclass
class Community:
    """One small server: a channel, a thread in it, a member and a moderator."""

    guild: Guild
    channel: TextChannel
    thread: Thread
    alice: Member
    mod: Member


@pytest.fixture
def community(server: EmbeddedDiscord) -> Community:
    guild = server.world.create_guild("Alpha")
    alice = guild.join(server.world.create_user("alice"))
    mod = guild.join(server.world.create_user("mod"), permissions=Permission.MANAGE_GUILD)
    channel = guild.create_text_channel("general")
    thread = channel.create_thread("clips", owner=alice)
    return Community(guild, channel, thread, alice, mod)


class Rest:
    """A client that does exactly what it is told, and shows exactly what came back."""

    def __init__(self, server: EmbeddedDiscord, session: aiohttp.ClientSession) -> None:
        self.server = server
        self.session = session

    async def __call__(
        self,
        method: str,
        path: str,
        json: Any = None,
        *,
        files: dict[str, bytes] | None = None,
        token: str | None = "",
        **headers: str,
    ) -> tuple[int, Any]:
        if token is not None:
            headers["Authorization"] = f"Bot {token or self.server.token}"
        data: Any = None
        if files is not None:
            data = aiohttp.FormData(quote_fields=False)
            data.add_field("payload_json", orjson.dumps(json).decode())
            for index, (name, content) in enumerate(files.items()):
                data.add_field(f"files[{index}]", io.BytesIO(content), filename=name)
        elif json is not None:
            data = orjson.dumps(json)
            headers["Content-Type"] = "application/json"
        async with self.session.request(
            method, f"{self.server.api_url}{path}", data=data, headers=headers
        ) as response:
            raw = await response.read()
            return response.status, orjson.loads(raw) if raw else None

    async def answer(
        self, invocation: Invocation, kind: int, data: Json | None = None, **more: Any
    ) -> tuple[int, Any]:
        """The first response to an interaction."""
        body: Json = {"type": kind}
        if data is not None:
            body["data"] = data
        path = f"/interactions/{invocation.id}/{invocation.token}/callback?with_response=true"
        return await self("POST", path, body, token=None, **more)

    async def hook(
        self, method: str, invocation: Invocation, tail: str = "", json: Any = None, **more: Any
    ) -> tuple[int, Any]:
        """What follows the first response."""
        path = f"/webhooks/{self.server.application_id}/{invocation.token}{tail}"
        return await self(method, path, json, token=None, **more)

    async def say(self, channel: Any, content: str = "", **fields: Any) -> tuple[int, Any]:
        """A message of the bot."""
        body = {"content": content, **fields} if content else fields
        return await self("POST", f"/channels/{channel.id}/messages", body)

    async def register(self, *bodies: Json) -> tuple[int, Any]:
        """Overwrite the global commands."""
        return await self("PUT", f"/applications/{self.server.application_id}/commands", [*bodies])


@pytest.fixture
async def rest(server: EmbeddedDiscord) -> AsyncIterator[Rest]:
    async with aiohttp.ClientSession() as session:
        yield Rest(server, session)


@pytest.fixture
async def asked(server: EmbeddedDiscord, community: Community, rest: Rest) -> Any:
    """``await asked()`` is one unanswered /create of Alice in the thread."""
    await rest.register(
        {
            "name": "create",
            "description": "Make a video",
            "options": [{"type": 3, "name": "prompt", "description": "What to show"}],
        }
    )

    async def ask(who: Member | None = None, where: Any = None) -> Invocation:
        return await server.invoke(
            who or community.alice, where or community.thread, "create", prompt="a fox"
        )

    return ask


class Bot(commands.AutoShardedBot):
    """A real client that starts without waiting for seconds."""

    def __init__(self, intents: discord.Intents | None = None, **options: Any) -> None:
        super().__init__(
            "!",
            intents=intents or discord.Intents(guilds=True),
            guild_ready_timeout=0.01,
            help_command=None,
            allowed_mentions=discord.AllowedMentions.none(),
            **options,
        )
        self.seen: list[str] = []

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        """The library would wait five seconds between shards."""

    async def on_socket_event_type(self, name: str) -> None:
        self.seen.append(name)


@pytest.fixture
async def run(
    server: EmbeddedDiscord, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Callable[..., Any]]:
    """``await run(bot)`` logs a bot in, syncs its commands and waits until it is connected."""
    monkeypatch.setattr(discord.http.Route, "BASE", server.api_url)
    monkeypatch.setattr(
        discord.gateway.DiscordWebSocket, "DEFAULT_GATEWAY", yarl.URL(server.gateway.url)
    )
    async with contextlib.AsyncExitStack() as stack:

        async def start(bot: commands.AutoShardedBot, *, sync: bool = True) -> Any:
            await stack.enter_async_context(bot)
            await bot.login(server.token)
            if sync:
                await bot.tree.sync()
            task = asyncio.create_task(bot.connect())

            async def stop() -> None:
                await bot.close()
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError, discord.ConnectionClosed):
                    await task

            stack.push_async_callback(stop)
            await bot.wait_until_ready()
            return bot

        yield start


@pytest.fixture
def new_bot() -> Callable[..., Bot]:
    """Makes clients that take no time to start."""
    return Bot
