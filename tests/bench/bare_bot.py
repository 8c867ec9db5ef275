# ruff: noqa: TID251 - a program of its own, without settings
"""The yardstick: a discord.py bot, as the library's quickstart builds it, that only defers.

It asks for the one intent this project's bot asks for. With the quickstart's default it would
also be sent each of its own answers, and be slower.
"""

from __future__ import annotations

import os

import discord
import yarl
from discord import app_commands

discord.http.Route.BASE = os.environ["DISCORD_API_URL"]
discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(os.environ["DISCORD_GATEWAY_URL"])


class Bare(discord.Client):
    """One command, answered by a defer, and nothing else."""

    def __init__(self) -> None:
        super().__init__(intents=discord.Intents(guilds=True))
        self.tree = app_commands.CommandTree(self)

    async def setup_hook(self) -> None:
        await self.tree.sync()


client = Bare()


@client.tree.command(description="Make a video")
async def create(interaction: discord.Interaction[Bare], prompt: str) -> None:
    """Defer, as every bot with slow work does first."""
    await interaction.response.defer(thinking=True)


client.run(os.environ["DISCORD_TOKEN"], log_handler=None)
