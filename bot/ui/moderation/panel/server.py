"""What a page shows: what is set now, and what the bot sees now of the channels and roles in it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol, cast

import discord

from bot.errors import UserError
from bot.model import Quota
from bot.ui.base import Interaction, services_of
from bot.ui.permissions import Use, missing
from bot.workflow.moderation import Moderator, Standing


@dataclass(frozen=True, slots=True)
class Place:
    """A channel or thread as the bot sees it now. ``granted`` is what it may do there, ``public``
    whether every member sees it.
    """

    id: int
    kind: discord.ChannelType
    granted: discord.Permissions
    public: bool = False


@dataclass(frozen=True, slots=True)
class Chosen:
    """A channel with all that it was chosen for. ``place`` is ``None`` once it is gone."""

    id: int
    uses: tuple[str, ...]
    use: Use
    place: Place | None

    @property
    def lacks(self) -> tuple[str, ...]:
        """The permissions that the bot needs there and does not have."""
        return () if self.place is None else missing(self.place.granted, self.place.kind, self.use)


@dataclass(frozen=True, slots=True)
class Server:
    """A server for its moderators. ``places`` are those of the chosen channels that exist,
    ``roles`` all its roles; ``here`` is where the moderator is, ``default`` the bot's own limit,
    ``mention`` links to a command.
    """

    standing: Standing
    default: Quota
    places: Mapping[int, Place]
    roles: Collection[int]
    here: Place
    mention: Callable[[str], str]

    def chosen(self) -> list[Chosen]:
        """Every channel that was chosen, with all that it was chosen for."""
        found: dict[int, list[str]] = {}
        asked_in = self.standing.policy.allowed_channels
        for channel_id, use in _uses(self.standing):
            found.setdefault(channel_id, []).append(use)
        return [
            Chosen(
                channel_id,
                tuple(uses),
                Use.ASKING if channel_id in asked_in else Use.POSTING,
                self.places.get(channel_id),
            )
            for channel_id, uses in found.items()
        ]

    def lost_roles(self) -> frozenset[int]:
        """Roles that are on a list, and do not exist any more."""
        policy = self.standing.policy
        return (policy.required_roles | policy.barred_roles).difference(self.roles)


def _uses(standing: Standing) -> Iterator[tuple[int, str]]:
    """The channels that were chosen, and for what."""
    choices = standing.choices
    named = {
        "results": choices.result,
        "showcase": choices.showcase,
        "log": choices.log,
        "review": choices.review,
    }
    yield from ((id_, use) for use, id_ in named.items() if id_ is not None)
    yield from ((id_, "asking") for id_ in sorted(standing.policy.allowed_channels))


class _HasMentions(Protocol):
    def mention(self, command: str) -> str:
        """A command as members can click it."""
        ...


async def look(interaction: Interaction, by: Moderator) -> Server:
    """The moderator's server as it is now. Raises ``UserError`` where Discord does not say."""
    guild = guild_of(interaction)
    governing = services_of(interaction).moderation.governing
    standing = await governing.standing(by.guild_id)
    channels = [guild.get_channel(channel_id) for channel_id, _ in _uses(standing)]
    return Server(
        standing=standing,
        default=governing.default,
        places={one.id: _place(one, guild.me) for one in channels if one is not None},
        roles=frozenset(role.id for role in guild.roles),
        here=here(interaction),
        mention=cast("_HasMentions", interaction.client).mention,
    )


def guild_of(interaction: Interaction) -> discord.Guild:
    """The server of an interaction with its channels and roles. Raises ``UserError`` while Discord
    has not told of them: then every channel would look as if it was gone.
    """
    guild = interaction.guild
    if guild is None or guild.unavailable or not guild.roles:
        raise UserError(
            "Discord does not tell me now which channels and roles this server has. "
            "Please try again in a minute."
        )
    return guild


def here(interaction: Interaction) -> Place:
    """Where the moderator is; what the bot may do there comes with each interaction."""
    channel = interaction.channel
    kind = discord.ChannelType.text if channel is None else channel.type
    return Place(interaction.channel_id or 0, kind, interaction.app_permissions)


def _place(channel: discord.abc.GuildChannel, me: discord.Member) -> Place:
    # As roles and overwrites say it: what discord.py takes away where another permission is
    # missing would be named as missing too.
    granted = discord.abc.GuildChannel.permissions_for(channel, me)
    public = channel.permissions_for(channel.guild.default_role).view_channel
    return Place(channel.id, channel.type, granted, public)
