"""``/moderate words``: the block list of a server."""

from __future__ import annotations

import io
from typing import Literal

import discord
from discord import app_commands
from discord.ext import commands

from bot.rules.words import LONGEST_PHRASE, Then
from bot.ui.base import Interaction, answer, services_of
from bot.ui.moderation.access import COMMAND, moderator
from bot.ui.moderation.replies import content_of, tell
from bot.ui.moderation.texts import added_text, list_text, rejected_text, test_text
from bot.workflow.moderation import BlockLists

Phrase = app_commands.Range[str, 1, LONGEST_PHRASE]
Text = app_commands.Range[str, 1, 2000]


class Words(app_commands.Group):
    """Listed words and phrases: in prompts, in what to avoid, and in messages to hide."""

    @app_commands.command(description="Block a word or phrase, or look at its videos first")
    @app_commands.describe(
        phrase="Word or phrase; * stands for any letters of a word, as in bad*",
        then="refuse the request (left out), or review: its video waits for a moderator",
    )
    async def add(
        self, interaction: Interaction, phrase: Phrase, then: Literal["refuse", "review"] = "refuse"
    ) -> None:
        """List one more phrase, or let something else become of one."""
        by, lists = await moderator(interaction), _lists(interaction)
        entry = await lists.add(by, phrase, Then(then))
        await tell(interaction, entry, added_text(Then(then), held=await lists.held(by.guild_id)))

    @app_commands.command(description="Take a word or phrase from the list")
    @app_commands.describe(phrase="As the list has it")
    async def remove(self, interaction: Interaction, phrase: Phrase) -> None:
        """Take a phrase from the list."""
        by = await moderator(interaction)
        await tell(interaction, await _lists(interaction).remove(by, phrase))

    @app_commands.command(description="What is blocked or looked at in this server")
    async def list(self, interaction: Interaction) -> None:
        """The list, or the beginning of a long one."""
        by, lists = await moderator(interaction), _lists(interaction)
        listed, held = await lists.listed(by.guild_id), await lists.held(by.guild_id)
        await answer(interaction, list_text(listed, held=held))

    @app_commands.command(description="Try a text: what would be blocked or looked at, and why")
    @app_commands.describe(phrase="What a member might ask for; nobody else sees it")
    async def test(self, interaction: Interaction, phrase: Text) -> None:
        """Hold a text against the list."""
        by, lists = await moderator(interaction), _lists(interaction)
        matches, held = await lists.test(by.guild_id, phrase), await lists.held(by.guild_id)
        await answer(interaction, test_text(matches, held=held))

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
