"""Who may use ``/moderate`` now: asked of Discord at every command and every press.

Manage Server suffices, and comes with each interaction as it is at that moment. A server may
hand the command to others (Server Settings → Integrations). Discord keeps to that for the
command itself, but not for its buttons, and says nothing of it in the interaction; so for
whoever lacks Manage Server the command's overrides are looked up each time. Those of the whole
application hand nothing over here.

Source: Discord docs, interactions/application-commands, "Permissions".
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from typing import Final, Protocol, cast

import discord

from bot.errors import NothingHere
from bot.ui.base import Interaction
from bot.workflow.moderation import Moderator

COMMAND: Final = "moderate"

_LOOK_UP_SECONDS: Final = 2.0
"""Of the three that there are to answer."""


class _HasCommands(Protocol):
    def command_id(self, name: str) -> int | None:
        """The id of a command of ours."""
        ...


async def moderator(interaction: Interaction) -> Moderator:
    """Who acts. Raises ``NothingHere`` for whoever may not moderate this server now, also when
    Discord does not say so in time.
    """
    if interaction.guild_id is None:
        raise NothingHere
    if not manages(interaction.permissions) and not await _handed(interaction):
        raise NothingHere
    return Moderator(interaction.guild_id, interaction.user.id)


def manages(granted: discord.Permissions) -> bool:
    """Whether these permissions suffice, whatever the server has handed out."""
    return granted.manage_guild or granted.administrator


async def _handed(interaction: Interaction) -> bool:
    """Whether the server has handed the command to this member."""
    member = interaction.user
    command_id = cast("_HasCommands", interaction.client).command_id(COMMAND)
    if not isinstance(member, discord.Member) or command_id is None:
        return False
    try:
        async with asyncio.timeout(_LOOK_UP_SECONDS):
            found = await interaction.client.http.get_application_command_permissions(
                interaction.application_id, member.guild.id, command_id
            )
    except (discord.HTTPException, OSError, TimeoutError):  # a 404 where there are none
        return False
    return handed(
        {int(one["id"]): bool(one["permission"]) for one in found["permissions"]},
        guild_id=member.guild.id,
        user_id=member.id,
        role_ids={role.id for role in member.roles},
        channel_id=_home(interaction),
    )


def _home(interaction: Interaction) -> int:
    channel = interaction.channel
    if isinstance(channel, discord.Thread):
        return channel.parent_id
    return interaction.channel_id or 0


def handed(
    overrides: Mapping[int, bool],
    *,
    guild_id: int,
    user_id: int,
    role_ids: Collection[int],
    channel_id: int,
) -> bool:
    """Whether a command's overrides give it to a member whose permissions do not.

    It must be open in the channel, or in all of them where the channel is not named. The
    member's own override stands before the roles', of which one suffices, and these before
    everyone's.
    """
    if not overrides.get(channel_id, overrides.get(guild_id - 1, True)):  # the id of all channels
        return False
    if user_id in overrides:
        return overrides[user_id]
    said = [overrides[role] for role in role_ids if role != guild_id and role in overrides]
    return any(said) if said else overrides.get(guild_id, False)
