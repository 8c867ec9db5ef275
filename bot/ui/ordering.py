"""From a slash command to a job and its card: the same way for every verb."""

from __future__ import annotations

import logging

import aiohttp
import discord

from bot.errors import NotAllowed
from bot.logs import about_job
from bot.model import Picture, Recipe, Requester
from bot.ui.base import ALREADY_ANSWERED, UNKNOWN_INTERACTION, Interaction, services_of
from bot.ui.cards import card
from bot.ui.views import embed_of, view_of
from bot.workflow.intake import Taken
from bot.workflow.outlook import shows

log = logging.getLogger(__name__)


def requester_of(interaction: Interaction) -> Requester:
    """Who asks, from where. Raises ``NotAllowed`` outside a server."""
    if interaction.guild_id is None or interaction.channel_id is None:
        raise NotAllowed("server", "I only work inside a server.")
    channel = interaction.channel
    return Requester(
        request_key=interaction.id,
        user_id=interaction.user.id,
        guild_id=interaction.guild_id,
        channel_id=interaction.channel_id,
        parent_id=channel.parent_id if isinstance(channel, discord.Thread) else None,
    )


def picture_of(attachment: discord.Attachment | None) -> Picture | None:
    """What Discord says of a picture somebody attached."""
    if attachment is None:
        return None
    return Picture(
        filename=attachment.filename,
        content_type=(attachment.content_type or "").split(";")[0].strip().lower(),
        size=attachment.size,
        url=attachment.url,
    )


async def order(interaction: Interaction, recipe: Recipe) -> None:
    """Make the recipe a job and answer with its card.

    The job is on the disk before the answer leaves; it goes to Pika only once the answer
    has arrived. Raises ``UserError`` when a rule says no.
    """
    intake = services_of(interaction).intake
    _check_permissions(interaction)
    taken = await intake.take(requester_of(interaction), recipe)
    if not taken.new:
        log.info("an interaction arrived twice; it is job %d already", taken.job.id)
        return
    with about_job(taken.job.id):
        try:
            message_id = await _answer(interaction, taken)
        except discord.NotFound as error:
            if error.code != UNKNOWN_INTERACTION:
                raise
            log.info("came too late to be answered: withdrawn")
            await intake.withdraw(taken.job)
        except (discord.HTTPException, aiohttp.ClientError, OSError) as error:
            log.warning("nobody knows whether the answer arrived: %s", error)
            intake.unanswered(taken.job)
        else:
            await intake.answered(taken.job, message_id, shows(taken.job, taken.outlook))


async def _answer(interaction: Interaction, taken: Taken) -> int:
    """Answer with the card; the id of its message. A lost connection is tried once more."""
    about = card(taken.job, taken.outlook)
    view = view_of(about) or discord.utils.MISSING
    for last in (False, True):
        try:
            response = await interaction.response.send_message(embed=embed_of(about), view=view)
            if response.message_id is not None:
                return response.message_id
        except (aiohttp.ClientError, OSError):
            if last:
                raise
            continue
        except discord.HTTPException as error:
            if error.code != ALREADY_ANSWERED:
                raise
        break
    return (await interaction.original_response()).id


_NEEDED = ("view_channel", "attach_files", "read_message_history")


def _check_permissions(interaction: Interaction) -> None:
    """Raise ``NotAllowed`` where the finished video could not be posted."""
    in_thread = isinstance(interaction.channel, discord.Thread)
    have = interaction.app_permissions
    needed = (*_NEEDED, "send_messages_in_threads" if in_thread else "send_messages")
    lacking = [name for name in needed if not getattr(have, name)]
    if lacking and not have.administrator:
        names = ", ".join(f"**{name.replace('_', ' ').title()}**" for name in lacking)
        raise NotAllowed(
            "bot_permissions",
            f"I could not post the video here: I lack {names} in this channel. "
            "Ask a moderator to allow it, or ask me in another channel.",
        )
