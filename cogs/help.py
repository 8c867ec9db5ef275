"""``/help``: what the bot does here."""

from __future__ import annotations

from discord import app_commands
from discord.ext import commands

from bot.client import PikaBot
from bot.ui.base import Interaction, answer, services_of
from bot.ui.ordering import asker_of
from bot.ui.texts import help_text


class Help(commands.Cog):
    """Explains the other commands."""

    def __init__(self, bot: PikaBot) -> None:
        self._bot = bot

    @app_commands.command(description="What I do here, and how")
    async def help(self, interaction: Interaction) -> None:
        """Every command with a mention to click on, and this member's credits."""
        asker = asker_of(interaction)
        account = await services_of(interaction).members.account(asker)
        await answer(interaction, help_text(self._bot.mention, account))


async def setup(bot: PikaBot) -> None:
    """Called by discord.py when the extension is loaded."""
    await bot.add_cog(Help(bot))
