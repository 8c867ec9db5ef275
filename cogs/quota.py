"""``/quota``: what a member has left."""

from __future__ import annotations

from discord import app_commands
from discord.ext import commands

from bot.ui.base import Interaction, answer, services_of
from bot.ui.ordering import asker_of
from bot.ui.texts import account_text


class QuotaCommands(commands.Cog):
    """Commands about credits."""

    @app_commands.command(description="What you have left, which rule decides, when it changes")
    async def quota(self, interaction: Interaction) -> None:
        """The member's credits in this server, seen by nobody else."""
        asker = asker_of(interaction)
        account = await services_of(interaction).members.account(asker)
        await answer(interaction, account_text(account))


async def setup(bot: commands.Bot) -> None:
    """Called by discord.py when the extension is loaded."""
    await bot.add_cog(QuotaCommands())
