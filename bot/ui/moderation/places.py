"""Kinds of channels, and channels as options: a thread stands for the channel above it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import discord
from discord import app_commands

from bot.ui.base import Interaction

ASKED_IN: Final = (
    discord.ChannelType.text,
    discord.ChannelType.news,
    discord.ChannelType.forum,
    discord.ChannelType.voice,
    discord.ChannelType.stage_voice,
)
"""Where videos can be asked for, or that have such places below them; not categories."""

POSTED_IN: Final = (discord.ChannelType.text, discord.ChannelType.news)
"""Where the bot posts by itself."""

_THREADS: Final = (
    discord.ChannelType.public_thread,
    discord.ChannelType.private_thread,
    discord.ChannelType.news_thread,
)


class _ChannelId(app_commands.Transformer):
    @property
    def type(self) -> discord.AppCommandOptionType:
        return discord.AppCommandOptionType.channel

    @property
    def channel_types(self) -> list[discord.ChannelType]:
        return [*ASKED_IN, *_THREADS]

    async def transform(self, _interaction: Interaction, value: Any, /) -> int:
        if isinstance(value, app_commands.AppCommandThread):
            return value.parent_id
        return int(value.id)


if TYPE_CHECKING:
    Place = int
    """The id of a channel that is no thread."""
else:
    Place = app_commands.Transform[int, _ChannelId]
