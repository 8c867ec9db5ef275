"""``/moderate words``: the block list of a server."""

from __future__ import annotations

import io

import discord
from discord import app_commands
from discord.ext import commands

from bot.rules.words import LONGEST_PHRASE
from bot.ui.base import Interaction, answer, services_of
from bot.ui.moderation.access import COMMAND, moderator
from bot.ui.moderation.replies import content_of, tell
from bot.ui.moderation.texts import list_text, rejected_text, test_text
from bot.workflow.moderation import BlockLists

Phrase = app_commands.Range[str, 1, LONGEST_PHRASE]
Text = app_commands.Range[str, 1, 2000]


class Words(app_commands.Group):
    """Blocked words and phrases: in prompts, in what to avoid, and in messages to hide."""

    @app_commands.command(description="Block a word or phrase in what members ask for")
    @app_commands.describe(phrase="Word or phrase; * stands for any letters of a word, as in bad*")
    async def add(self, interaction: Interaction, phrase: Phrase) -> None:
        """Block one more phrase."""
        by = await moderator(interaction)
        await tell(interaction, await _lists(interaction).add(by, phrase))

    @app_commands.command(description="Block a word or phrase no more")
    @app_commands.describe(phrase="As the list has it")
    async def remove(self, interaction: Interaction, phrase: Phrase) -> None:
        """Take a phrase from the list."""
        by = await moderator(interaction)
        await tell(interaction, await _lists(interaction).remove(by, phrase))

    @app_commands.command(description="What is blocked in this server")
    async def list(self, interaction: Interaction) -> None:
        """The list, or the beginning of a long one."""
        by = await moderator(interaction)
        await answer(interaction, list_text(await _lists(interaction).listed(by.guild_id)))

    @app_commands.command(description="Try a text: what would be blocked, and why")
    @app_commands.describe(phrase="What a member might ask for; nobody else sees it")
    async def test(self, interaction: Interaction, phrase: Text) -> None:
        """Hold a text against the list."""
        by = await moderator(interaction)
        await answer(interaction, test_text(await _lists(interaction).test(by.guild_id, phrase)))

    @app_commands.command(name="import", description="Replace the whole list by a file")
    @app_commands.describe(file="Plain text, one word or phrase a line")
    async def import_(self, interaction: Interaction, file: discord.Attachment) -> None:
        """Let the list be what the file says."""
        by = await moderator(interaction)
        await interaction.response.defer(ephemeral=True, thinking=True)
        entry, rejected = await _lists(interaction).load(by, await content_of(file))
        await tell(interaction, entry, rejected_text(rejected))

    @app_commands.command(name="export", description="The whole list as a file")
    async def export(self, interaction: Interaction) -> None:
        """The list in the form that import reads."""
        by = await moderator(interaction)
        await interaction.response.defer(ephemeral=True, thinking=True)
        content = await _lists(interaction).file(by.guild_id)
        file = discord.File(io.BytesIO(content), "blocked-words.txt")
        await interaction.followup.send("The blocked words:", file=file, ephemeral=True)


def _lists(interaction: Interaction) -> BlockLists:
    return services_of(interaction).moderation.words


async def setup(bot: commands.Bot) -> None:
    """Called by discord.py when the extension is loaded, after ``cogs.moderate``."""
    parent = bot.tree.get_command(COMMAND)
    assert isinstance(parent, app_commands.Group)
    parent.add_command(Words(name="words", description="Words that may not be asked for"))
