"""The yardstick: a discord.py bot, as the library's quickstart builds it, that only defers."""

from __future__ import annotations

import os

import discord
from discord import app_commands

discord.http.Route.BASE = os.environ["DISCORD_API_URL"]


class Bare(discord.AutoShardedClient):
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
