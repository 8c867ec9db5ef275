"""What is restricted by age, as far as the gateway has told."""

from __future__ import annotations

import discord

from bot.model import Requester


def age_restricted(channel: object) -> bool:
    """Whether the channel is, or the one above a thread."""
    is_nsfw = getattr(channel, "is_nsfw", None)
    return is_nsfw is not None and bool(is_nsfw())


def may_be_shown(client: discord.Client, made: Requester, channel_id: int) -> bool:
    """Whether what was asked for there may be seen in this channel of the same server: not what is
    restricted by age, by everybody.
    """
    guild = client.get_guild(made.guild_id)
    if guild is None:
        return True
    there = guild.get_channel(made.parent_id or made.channel_id)
    return not age_restricted(there) or age_restricted(guild.get_channel(channel_id))
