"""The discord.py bot: what it listens to, which commands it has, and who answers errors."""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
from collections.abc import Awaitable, Callable, Sequence
from types import SimpleNamespace
from typing import Any

import aiohttp
import discord
import yarl
from discord import app_commands
from discord.ext import commands

from bot.ui import buttons, reporting, sending
from bot.ui.base import Interaction, Services, answer, answer_error
from bot.ui.callback import CONNECTIONS
from bot.ui.forms import answer_form
from bot.ui.moderation import reports, reviews
from bot.ui.moderation.log import LogButton
from bot.ui.moderation.panel import controls
from bot.ui.moderation.panel.trial import LeftoverButton
from bot.ui.repeats import Repeats
from bot.ui.videos import VideoButton
from bot.workflow.delivery.brake import Brake
from bot.workflow.delivery.closed import ClosedPlaces
from bot.workflow.delivery.uploads import UploadLimits
from bot.workflow.servers.presence import Presence

log = logging.getLogger(__name__)

Channel = discord.abc.GuildChannel

WAIT_SECONDS = 30.0
"""A request that Discord's limits hold up for longer fails instead of waiting inside discord.py,
where it would keep others from going (30 is the least that discord.py takes)."""

COGS = (
    "cogs.generate",
    "cogs.library",
    "cogs.quota",
    "cogs.help",
    "cogs.moderate",
    "cogs.moderate_words",
    "cogs.report",
)

_FORMS = (*reviews.FORMS, *reports.FORMS, *reporting.FORMS, *controls.FORMS)
"""Every form that is told by its id."""

FORM_TASK = "discord-ui-modal-dispatch of ours"
"""Begins as discord.py names such tasks, for which a stop waits."""


class Tree(app_commands.CommandTree["PikaBot"]):
    """Slash commands, all in servers only, with one answerer of errors."""

    def __init__(self, client: PikaBot) -> None:
        super().__init__(
            client,
            allowed_contexts=app_commands.AppCommandContext(guild=True),
            allowed_installs=app_commands.AppInstallationType(guild=True),
        )

    async def interaction_check(self, interaction: Interaction, /) -> bool:
        """Refuse commands while the bot stops: they could not be kept. Note on the way what
        Discord says of uploads here.
        """
        if interaction.guild_id is not None:
            interaction.client.uploads.hint(interaction.guild_id, interaction.filesize_limit)
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
        closed: ClosedPlaces,
        uploads: UploadLimits,
        brake: Brake,
        repeats: Repeats,
        presence: Presence,
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
            max_ratelimit_timeout=WAIT_SECONDS,
            **sharding,
        )
        self.services = services
        http_trace.on_request_end.append(self._heard)
        sending.watch(http_trace)
        self.brake = brake
        self._presence = presence
        self.closed = closed
        self.uploads = uploads
        self.stopping = False
        self._begun = False
        self.logged_in = asyncio.Event()
        self._recall = recall
        self._remember = remember
        self._guild_ids = tuple(guild_ids)
        self._command_ids: dict[str, int] = {}
        self._answering: set[asyncio.Task[None]] = set()
        self._hear_once(repeats)

    def _hear_once(self, repeats: Repeats) -> None:
        """Let no copy of an interaction reach any command, button or form: all of them come
        through this one parser of discord.py, which has no public place for that.
        """
        parsers = self._connection.parsers
        act = parsers["INTERACTION_CREATE"]

        def hear(event: dict[str, Any]) -> None:
            if repeats.is_one(int(event["id"])):
                log.info("an interaction arrived twice; what came of the first one holds")
            else:
                act(event)

        parsers["INTERACTION_CREATE"] = hear

    async def login(self, token: str) -> None:
        """Log in. Raises ``discord.LoginFailure`` for a token that Discord does not accept, and
        ``ConnectionError`` where no answer comes.
        """
        self._begun = True
        try:
            await super().login(token)
        except (TimeoutError, aiohttp.ClientError) as error:
            raise ConnectionError(type(error).__name__) from error

    async def close(self) -> None:
        """Disconnect; also before there was anything to disconnect, which discord.py cannot."""
        if self._begun:
            await super().close()
        else:
            await self.http.connector.close()

    async def setup_hook(self) -> None:
        """After login, before the gateway: commands and lasting buttons."""
        self.add_dynamic_items(
            *buttons.ALL, LogButton, controls.Control, LeftoverButton, VideoButton,
            reviews.ReviewButton, reports.ReportButton,
        )  # fmt: skip
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
            try:
                synced = await self.tree.sync(guild=guild)
            except discord.RateLimited as error:
                log.error("commands stay as they are (%s); the next start tries again", error)
                return
            known = {"digest": digest, "ids": {command.name: command.id for command in synced}}
            await self._remember(name, json.dumps(known))
            log.info("%d commands registered (%s)", len(synced), guild_id or "everywhere")
        self._command_ids.update(known["ids"])

    def command_id(self, command: str) -> int | None:
        """The id of a command, once it is registered."""
        return self._command_ids.get(command)

    def mention(self, command: str) -> str:
        """A command as members can click it; one of a group with the group's name before it."""
        command_id = self.command_id(command.partition(" ")[0])
        return f"</{command}:{command_id}>" if command_id else f"`/{command}`"

    def dispatch(self, event_name: str, /, *args: Any, **kwargs: Any) -> None:
        """Hear what discord.py hears. Answers to forms, which it does not keep for us, are acted
        on; a handler of every interaction would cost each command a task.
        """
        super().dispatch(event_name, *args, **kwargs)
        if event_name == "interaction":
            interaction: Interaction = args[0]
            if interaction.type is discord.InteractionType.modal_submit:
                task = self.loop.create_task(answer_form(interaction, _FORMS), name=FORM_TASK)
                self._answering.add(task)
                task.add_done_callback(self._answering.discard)

    async def on_ready(self) -> None:
        """All shards are up: servers that are not named now have removed the bot meanwhile."""
        count, shards = self.shard_count or 1, set(self.shards)
        present = [guild.id for guild in self.guilds]  # also those that cannot be reached now
        self._presence.counted(present, lambda guild_id: (guild_id >> 22) % count in shards)
        log.warning("ready as %s in %d servers", self.user, len(self.guilds))

    async def _heard(
        self,
        _session: aiohttp.ClientSession,
        _context: SimpleNamespace,
        params: aiohttp.TraceRequestEndParams,
    ) -> None:
        """Every answer of Discord, also those that discord.py sees to by itself."""
        status, headers = params.response.status, params.response.headers
        if status == 429 and "Via" not in headers:  # not Discord, but the proxy in front of it
            told = headers.get("Retry-After", "")
            self.brake.banned(float(told) if told.isdecimal() else None)
        self.brake.heard(status, shared=headers.get("X-RateLimit-Scope") == "shared")

    # What changes where may be posted. Events may get lost, so nothing rests on them alone.

    async def on_guild_join(self, guild: discord.Guild) -> None:
        """Invited, perhaps again."""
        self._presence.came(guild.id)
        self.closed.reopen(guild.id)

    async def on_guild_remove(self, guild: discord.Guild) -> None:
        """Removed from a server; an outage of it is none."""
        self._presence.left(guild.id)

    async def on_guild_available(self, guild: discord.Guild) -> None:
        """Back after an outage, ours or Discord's, in which anything may have changed."""
        self._presence.came(guild.id)
        self.closed.reopen(guild.id)

    async def on_guild_update(self, before: discord.Guild, after: discord.Guild) -> None:
        """A server's settings, or its boosts."""
        if before.premium_tier != after.premium_tier:
            self.uploads.forget(after.id)

    async def on_guild_role_update(self, _before: discord.Role, after: discord.Role) -> None:
        """What a role may do."""
        self.closed.reopen(after.guild.id)

    async def on_member_update(self, before: discord.Member, after: discord.Member) -> None:
        """Who has which role; of others nothing is heard."""
        if self.user is not None and after.id == self.user.id and before.roles != after.roles:
            self.closed.reopen(after.guild.id)

    async def on_guild_channel_update(self, _before: Channel, after: Channel) -> None:
        """Who may do what in a channel, and in the threads below it."""
        self.closed.reopen(after.guild.id)

    async def on_guild_channel_delete(self, channel: Channel) -> None:
        """Gone with all that stood in it."""
        self.closed.gone(channel.guild.id, channel.id)

    async def on_raw_thread_update(self, payload: discord.RawThreadUpdateEvent) -> None:
        """Archived, locked, or open again."""
        self.closed.reopen(payload.guild_id, payload.thread_id)

    async def on_error(self, event_method: str, /, *_args: Any, **_kwargs: Any) -> None:
        """An event handler of ours failed."""
        log.exception("error in %s", event_method)  # noqa: LOG004 - discord.py calls it in an except


def point_at(api_url: str) -> None:
    """Use this REST base for everything; discord.py keeps it in a class attribute."""
    discord.http.Route.BASE = api_url
