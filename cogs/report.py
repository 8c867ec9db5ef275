"""``Report video``, in the menu of a message."""

from __future__ import annotations

import discord
from discord import app_commands
from discord.ext import commands

from bot.ui.base import Interaction
from bot.ui.reporting import NAME, ask


@app_commands.guild_only()
async def report_video(interaction: Interaction, message: discord.Message) -> None:
    """Tell moderators of a video that should go."""
    await ask(interaction, message.id)


async def setup(bot: commands.Bot) -> None:
    """Called by discord.py when the extension is loaded."""
    bot.tree.add_command(app_commands.ContextMenu(name=NAME, callback=report_video))
