"""Which channels a moderator reaches themselves.

Whoever manages the server points the bot at any channel. Whom the server has handed ``/moderate``
may not have it post where they may not: they choose among the channels that they see, and for posts
among those in which they may send messages. Asked at each press: their roles come with it, and what
the gateway has told last of channels and roles is at hand.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import discord

from bot.ui.base import Interaction
from bot.ui.moderation.access import manages


@dataclass(frozen=True, slots=True)
class Reach:
    """What one moderator may do in the channels of ``guild`` themselves. ``here`` is where they
    act, which may be a thread, and what they may do there; ``member`` is ``None`` for whoever
    manages the server.
    """

    guild: discord.Guild
    member: discord.Member | None
    here: tuple[int, discord.Permissions]

    @classmethod
    def of(cls, interaction: Interaction, guild: discord.Guild) -> Self:
        """The reach of whoever acts. ``access.moderator`` has let them in before."""
        member, granted = interaction.user, interaction.permissions
        if manages(granted) or not isinstance(member, discord.Member):
            return cls(guild, None, (0, discord.Permissions.none()))
        if isinstance(interaction.channel, discord.Thread):
            granted.send_messages = granted.send_messages_in_threads
        return cls(guild, member, (interaction.channel_id or 0, granted))

    def sees(self, channel_id: int) -> bool:
        """Whether they see the channel."""
        return self._granted(channel_id).view_channel

    def sends(self, channel_id: int) -> bool:
        """Whether they may send messages there."""
        granted = self._granted(channel_id)
        return granted.view_channel and granted.send_messages

    def _granted(self, channel_id: int) -> discord.Permissions:
        if self.member is None:
            return discord.Permissions.all()
        if channel_id == self.here[0]:
            return self.here[1]
        channel = self.guild.get_channel(channel_id)
        return channel.permissions_for(self.member) if channel else discord.Permissions.none()
