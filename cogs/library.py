"""``/jobs``: a member's own jobs."""

from __future__ import annotations

from discord import app_commands
from discord.ext import commands

from bot.ui.base import Interaction, answer, services_of
from bot.ui.ordering import asker_of
from bot.ui.texts import NO_JOBS, jobs_text
from bot.ui.views import JOBS_SHOWN, cancel_view


class Library(commands.Cog):
    """Commands that find one's own jobs again."""

    @app_commands.command(description="Your unfinished videos: state, place, expected time")
    async def jobs(self, interaction: Interaction) -> None:
        """The member's unfinished jobs with a cancel button each, seen by nobody else."""
        asker = asker_of(interaction)
        mine = await services_of(interaction).members.unfinished(asker.guild_id, asker.user_id)
        if not mine:
            await answer(interaction, NO_JOBS)
            return
        view = cancel_view([job for job, _ in mine[:JOBS_SHOWN]])
        await answer(interaction, jobs_text(mine), view=view)


async def setup(bot: commands.Bot) -> None:
    """Called by discord.py when the extension is loaded."""
    await bot.add_cog(Library())
