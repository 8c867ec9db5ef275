"""A stage: two embedded servers, the bot between them, and a town with people."""

from __future__ import annotations

import asyncio
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Self

from bot.demo.keeper import BotKeeper
from bot.demo.port import KeptPort
from bot.demo.process import BotProcess
from bot.demo.town import Town
from bot.sandbox.discord import EmbeddedDiscord
from bot.sandbox.pika import EmbeddedPika
from bot.sandbox.web import Page, Player

START_SECONDS = 60.0
"""How long the bot may take to come up; a slow disk is slow at the first import."""


class Stage:
    """Everything that runs in a demo. Use as an async context manager.

    Entering waits until the bot is in its servers, unless there is a page, which shows the bot
    starting. ``page_port`` opens one there (0: on any free port). ``callbacks`` lets Pika call
    the bot back.
    """

    def __init__(
        self, *, render_seconds: float, page_port: int | None = None, callbacks: bool = False
    ) -> None:
        self.discord = EmbeddedDiscord(record=False)
        self.pika = EmbeddedPika(render_seconds=render_seconds)
        self.page: Page | None = None
        self._page_port = page_port
        self._callbacks = callbacks
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        stack = self._stack
        try:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="pika-demo-")))
            await stack.enter_async_context(self.discord)
            await stack.enter_async_context(self.pika)
            self._people()
            self.bot = BotProcess(self._settings(), folder)
            self.keeper = BotKeeper(self.bot)
            if self._page_port is not None:
                self.page = await stack.enter_async_context(self._page(self._page_port))
            stack.push_async_callback(self.keeper.close)
            await self.keeper.start()
            if self.page is None:
                await self.ready()
        except BaseException:
            await stack.aclose()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    def _people(self) -> None:
        self.town = Town(self.discord.world)
        self.guild = self.town.guild
        self.alice = self.town.alice
        self.channel = self.town.channel
        self.thread = self.town.thread

    def _page(self, port: int) -> Page:
        players = [Player(r.user, r.title, r.about, r.home) for r in self.town.residents]
        return Page(self.discord, self.pika, players, control=self.keeper, port=port)

    def _settings(self) -> dict[str, str]:
        settings = {
            "DISCORD_TOKEN": self.discord.token,
            "DISCORD_API_URL": self.discord.api_url,
            "PIKA_API_URL": self.pika.api_url,
            "PIKA_API_TOKEN": self.pika.token,
            "PIKA_POLL_SECONDS": "0.5",
            "PIKA_BUSY_SECONDS": "1",
            "HTTP_PORT": "0",
        }
        if self._callbacks:
            port = self._stack.enter_context(KeptPort()).number
            # Polling is the safety net, so it may be slower; a lost callback then shows.
            settings["PIKA_POLL_SECONDS"] = "2"
            settings["HTTP_PORT"] = str(port)
            settings["PUBLIC_URL"] = f"http://127.0.0.1:{port}"
        return settings

    async def ready(self) -> None:
        """Wait until the bot is in its servers.

        Raises ``RuntimeError`` when it ended and ``TimeoutError`` when it takes too long, with
        its log.
        """
        up = asyncio.ensure_future(self.discord.connected(START_SECONDS))
        died = asyncio.ensure_future(self.keeper.ended())
        await asyncio.wait({up, died}, return_when=asyncio.FIRST_COMPLETED)
        if died.done():
            up.cancel()
            raise RuntimeError(
                f"the bot stopped with code {self.keeper.exit_code}:\n{self.bot.log()}"
            )
        died.cancel()
        try:
            await up
        except TimeoutError as slow:
            raise TimeoutError(f"{slow}\n{self.bot.log()}") from None
