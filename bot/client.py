"""The discord.py bot: what it listens to, which commands it has, and who answers errors."""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import aiohttp
import discord
import yarl
from discord import app_commands
from discord.ext import commands

from bot.ui import buttons
from bot.ui.base import Interaction, Services, answer, answer_error
from bot.ui.callback import CONNECTIONS

log = logging.getLogger(__name__)

COGS = ("cogs.generate", "cogs.library", "cogs.quota", "cogs.help")

PERMISSIONS = discord.Permissions(
    view_channel=True,
    send_messages=True,
    send_messages_in_threads=True,
    attach_files=True,
    embed_links=True,
    read_message_history=True,
)
"""The least that suffices to post a video as a reply and to find it again."""


class Tree(app_commands.CommandTree["PikaBot"]):
    """Slash commands, all in servers only, with one answerer of errors."""

    def __init__(self, client: PikaBot) -> None:
        super().__init__(
            client,
            allowed_contexts=app_commands.AppCommandContext(guild=True),
            allowed_installs=app_commands.AppInstallationType(guild=True),
        )

    async def interaction_check(self, interaction: Interaction, /) -> bool:
        """Refuse commands while the bot stops: they could not be kept."""
        if not interaction.client.stopping:
            return True
        if interaction.type is not discord.InteractionType.autocomplete:
            await answer(interaction, "I am restarting. Please try again in a minute.")
        return False

    async def on_error(
        self, interaction: Interaction, error: app_commands.AppCommandError, /
    ) -> None:
        """Every error of every command."""
        await answer_error(interaction, error)


class PikaBot(commands.AutoShardedBot):
    """The bot as Discord sees it. Needs no privileged intent, and no message content."""

    def __init__(
        self,
        services: Services,
        *,
        recall: Callable[[str], Awaitable[str | None]],
        remember: Callable[[str, str], Awaitable[None]],
        http_trace: aiohttp.TraceConfig,
        guild_ids: Sequence[int] = (),
        shard_ids: Sequence[int] = (),
        shard_count: int = 0,
    ) -> None:
        sharding: dict[str, Any] = (
            {"shard_ids": list(shard_ids), "shard_count": shard_count} if shard_ids else {}
        )
        discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = False  # no voice here
        super().__init__(
            command_prefix=(),
            help_command=None,
            tree_cls=Tree,
            intents=discord.Intents(guilds=True),
            allowed_mentions=discord.AllowedMentions.none(),
            member_cache_flags=discord.MemberCacheFlags.none(),
            chunk_guilds_at_startup=False,
            max_messages=None,
            connector=aiohttp.TCPConnector(limit=CONNECTIONS),
            http_trace=http_trace,
            **sharding,
        )
        self.services = services
        self.stopping = False
        self._begun = False
        self.logged_in = asyncio.Event()
        self._recall = recall
        self._remember = remember
        self._guild_ids = tuple(guild_ids)
        self._command_ids: dict[str, int] = {}

    async def login(self, token: str) -> None:
        """Log in. Raises ``discord.LoginFailure`` for a token that Discord does not accept."""
        self._begun = True
        await super().login(token)

    async def close(self) -> None:
        """Disconnect; also before there was anything to disconnect, which discord.py cannot."""
        if self._begun:
            await super().close()
        else:
            await self.http.connector.close()

    async def setup_hook(self) -> None:
        """After login, before the gateway: commands and lasting buttons."""
        self.add_dynamic_items(*buttons.ALL)
        for name in COGS:
            await self.load_extension(name)
        # discord.py falls back to its own gateway address when a reconnect fails.
        _, gateway, _ = await self.http.get_bot_gateway()
        base = yarl.URL(gateway)
        discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY = base.with_query(None)
        for guild_id in self._guild_ids or (None,):
            await self._sync(guild_id)
        self.logged_in.set()

    async def _sync(self, guild_id: int | None) -> None:
        """Tell Discord our commands, if they are not what it was told last."""
        guild = discord.Object(guild_id) if guild_id else None
        if guild is not None:
            self.tree.copy_global_to(guild=guild)
        payload = [command.to_dict(self.tree) for command in self.tree.get_commands(guild=guild)]
        digest = hashlib.sha256(json.dumps(payload, sort_keys=True).encode()).hexdigest()
        name = f"commands {self.application_id} {guild_id or 'global'}"
        known = json.loads(await self._recall(name) or "{}")
        if known.get("digest") != digest:
            synced = await self.tree.sync(guild=guild)
            known = {"digest": digest, "ids": {command.name: command.id for command in synced}}
            await self._remember(name, json.dumps(known))
            log.info("%d commands registered (%s)", len(synced), guild_id or "everywhere")
        self._command_ids.update(known["ids"])

    def mention(self, command: str) -> str:
        """A command as members can click it."""
        command_id = self._command_ids.get(command)
        return f"</{command}:{command_id}>" if command_id else f"`/{command}`"

    async def on_ready(self) -> None:
        """All shards are up."""
        log.warning("ready as %s in %d servers", self.user, len(self.guilds))

    async def on_error(self, event_method: str, /, *_args: Any, **_kwargs: Any) -> None:
        """An event handler of ours failed."""
        log.exception("error in %s", event_method)  # noqa: LOG004 - discord.py calls it in an except


def point_at(api_url: str) -> None:
    """Use this REST base for everything; discord.py keeps it in a class attribute."""
    discord.http.Route.BASE = api_url
