"""A stage: two embedded servers, the bot between them, and a server with members."""

from __future__ import annotations

import asyncio
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Self

from bot.demo.process import BotProcess
from bot.sandbox.discord import EmbeddedDiscord
from bot.sandbox.pika import EmbeddedPika

START_SECONDS = 60.0
"""How long the bot may take to come up; a slow disk is slow at the first import."""


class Stage:
    """Everything that runs in a demo. Use as an async context manager."""

    def __init__(self, *, render_seconds: float) -> None:
        self.discord = EmbeddedDiscord(record=False)
        self.pika = EmbeddedPika(render_seconds=render_seconds)
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        stack = self._stack
        try:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="pika-demo-")))
            await stack.enter_async_context(self.discord)
            await stack.enter_async_context(self.pika)
            self._people()
            self.bot = BotProcess(self._settings(), folder)
            await self.bot.start()
            stack.push_async_callback(self.bot.stop)
            await self._ready()
        except BaseException:
            await stack.aclose()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    def _people(self) -> None:
        world = self.discord.world
        self.guild = world.create_guild("Film club")
        self.alice = self.guild.join(world.create_user("alice"))
        self.channel = self.guild.create_text_channel("videos")
        self.thread = self.channel.create_thread("winter clips", owner=self.alice)

    def _settings(self) -> dict[str, str]:
        return {
            "DISCORD_TOKEN": self.discord.token,
            "DISCORD_API_URL": self.discord.api_url,
            "PIKA_API_URL": self.pika.api_url,
            "PIKA_API_TOKEN": self.pika.token,
            "PIKA_POLL_SECONDS": "0.5",
            "PIKA_BUSY_SECONDS": "1",
            "HTTP_PORT": "0",
        }

    async def _ready(self) -> None:
        """The bot is in its server. Raises ``RuntimeError`` with its log when it died."""
        up = asyncio.ensure_future(self.discord.connected(START_SECONDS))
        died = asyncio.ensure_future(self.bot.process.wait())
        await asyncio.wait({up, died}, return_when=asyncio.FIRST_COMPLETED)
        if died.done():
            up.cancel()
            raise RuntimeError(f"the bot stopped with code {died.result()}:\n{self.bot.log()}")
        died.cancel()
        await up
