"""The commands that make videos, one for each verb of Pika's bot."""

from __future__ import annotations

from typing import Literal

import discord
from discord import app_commands
from discord.ext import commands

from bot.model import MESSAGE_LIMIT, PROMPT_LIMIT, Verb
from bot.rules.recipes import compose
from bot.ui.base import Interaction
from bot.ui.options import flags_of, with_flags
from bot.ui.ordering import order, picture_of

Prompt = app_commands.Range[str, 1, PROMPT_LIMIT]
FontName = Literal["MODERN", "COMICS", "SANS SERIF", "BAUHAUS", "RETRO"]

_PROMPT = "Describe the video"
_REFERENCE = "A picture to start from: PNG, JPEG or WebP"


class Generate(commands.Cog):
    """Commands that turn words and pictures into videos."""

    @app_commands.command(description="Make a video from words, and a picture if you like")
    @app_commands.describe(prompt=_PROMPT, image=_REFERENCE)
    @with_flags
    async def create(
        self,
        interaction: Interaction,
        prompt: Prompt,
        image: discord.Attachment | None = None,
        **flags: str | int | None,
    ) -> None:
        """Words, and optionally a picture, to a video."""
        recipe = compose(Verb.CREATE, prompt=prompt, image=picture_of(image), flags=flags_of(flags))
        await order(interaction, recipe)

    @app_commands.command(description="Bring a picture to life")
    @app_commands.describe(image="The picture to animate: PNG, JPEG or WebP", prompt=_PROMPT)
    @with_flags
    async def animate(
        self,
        interaction: Interaction,
        image: discord.Attachment,
        prompt: Prompt | None = None,
        **flags: str | int | None,
    ) -> None:
        """A picture, and optionally words, to a video."""
        recipe = compose(
            Verb.ANIMATE, prompt=prompt, image=picture_of(image), flags=flags_of(flags)
        )
        await order(interaction, recipe)

    @app_commands.command(description="Hide a short text in a video")
    @app_commands.describe(
        message="The text to hide, at most 20 characters",
        prompt=_PROMPT,
        font="The font of the hidden text",
        image=_REFERENCE,
    )
    @with_flags
    async def encrypt_text(
        self,
        interaction: Interaction,
        message: app_commands.Range[str, 1, MESSAGE_LIMIT],
        prompt: Prompt,
        font: FontName | None = None,
        image: discord.Attachment | None = None,
        **flags: str | int | None,
    ) -> None:
        """A text hidden in a video."""
        recipe = compose(
            Verb.ENCRYPT_TEXT,
            prompt=prompt,
            message=message,
            font=font,
            image=picture_of(image),
            flags=flags_of(flags),
        )
        await order(interaction, recipe)

    @app_commands.command(description="Hide a picture in a video")
    @app_commands.describe(
        message="The picture to hide: PNG, JPEG or WebP", prompt=_PROMPT, image=_REFERENCE
    )
    @with_flags
    async def encrypt_image(
        self,
        interaction: Interaction,
        message: discord.Attachment,
        prompt: Prompt,
        image: discord.Attachment | None = None,
        **flags: str | int | None,
    ) -> None:
        """A picture hidden in a video."""
        recipe = compose(
            Verb.ENCRYPT_IMAGE,
            prompt=prompt,
            message_image=picture_of(message),
            image=picture_of(image),
            flags=flags_of(flags),
        )
        await order(interaction, recipe)


async def setup(bot: commands.Bot) -> None:
    """Called by discord.py when the extension is loaded."""
    await bot.add_cog(Generate())
