"""What one person may see of the embedded Discord; everything else is not there for them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from bot.sandbox.discord import (
    Channel,
    ClientRefused,
    DirectChannel,
    EmbeddedDiscord,
    Guild,
    Member,
    Message,
    Permission,
    Role,
    Thread,
    User,
)

LAST_MESSAGES: Final = 200


class Sight:
    """The eyes of ``user``. What is looked up by an id and not seen raises ``ClientRefused``."""

    def __init__(self, discord: EmbeddedDiscord, user: User) -> None:
        self.discord = discord
        self.user = user

    @property
    def guilds(self) -> list[Guild]:
        """The servers the person is in."""
        world = self.discord.world
        return [guild for guild in world.guilds.values() if self.user.id in guild.members]

    def actor(self, channel: Channel) -> User | Member:
        """The person as the place knows them: a member in servers."""
        guild = channel.guild
        return self.user if guild is None else guild.members.get(self.user.id, self.user)

    def sees(self, channel: Channel) -> bool:
        """Whether the person sees a place."""
        if channel.deleted:
            return False
        if isinstance(channel, DirectChannel):
            return channel.recipient is self.user
        actor = self.actor(channel)
        if not isinstance(actor, Member):
            return False
        if isinstance(channel, Thread):
            return channel.visible_to(actor)
        return actor.can(Permission.VIEW_CHANNEL, channel)

    def channels(self) -> Iterator[Channel]:
        """Every place the person sees; the direct messages come last."""
        for guild in self.guilds:
            for place in (*guild.channels.values(), *guild.threads.values()):
                if self.sees(place):
                    yield place
        if self.discord.world.shares_guild_with_bot(self.user):
            yield self.user.dm

    def messages(self, channel: Channel) -> list[Message]:
        """The last messages the person sees there, oldest first."""
        actor = self.actor(channel)
        seen = channel.seen_by(actor)[-LAST_MESSAGES:]
        history = Permission.READ_MESSAGE_HISTORY
        if isinstance(actor, Member) and not actor.can(history, channel):
            return [message for message in seen if message.ephemeral]
        return seen

    # by their ids

    def guild(self, raw: object) -> Guild:
        """A server the person is in."""
        found = self.discord.world.guilds.get(_number(raw))
        if found is None or self.user.id not in found.members:
            raise ClientRefused("there is no such server")
        return found

    def channel(self, raw: object) -> Channel:
        """A place the person sees."""
        found = self.discord.world.channels.get(_number(raw))
        if found is None or not self.sees(found):
            raise ClientRefused("there is no such place, or you cannot see it")
        return found

    def message(self, channel: Channel, raw: object) -> Message:
        """A message the person sees in ``channel``."""
        number = _number(raw)
        for message in self.messages(channel):
            if message.id == number:
                return message
        raise ClientRefused("there is no such message")

    def person(self, guild: Guild | None, raw: object) -> User | Member:
        """Somebody of the same place: a member, or in direct messages the bot and oneself."""
        number = _number(raw)
        if guild is not None:
            if number in guild.members:
                return guild.members[number]
        else:
            for user in (self.user, self.discord.bot_user):
                if user.id == number:
                    return user
        raise ClientRefused("there is no such member")

    def role(self, guild: Guild | None, raw: object) -> Role:
        """A role of the server."""
        found = guild.roles.get(_number(raw)) if guild else None
        if found is None:
            raise ClientRefused("there is no such role")
        return found


def _number(raw: object) -> int:
    """An id; 0, which nothing has, for what is none."""
    return int(raw) if isinstance(raw, str) and raw.isascii() and raw.isdigit() else 0
