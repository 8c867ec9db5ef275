"""Servers: members, roles, channels, and the events that tell the bot of their changes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from . import payloads
from .channels import (
    FORUM,
    TEXT,
    ForumChannel,
    GuildChannel,
    TextChannel,
    Thread,
)
from .intents import Intent
from .people import Member, Role, User
from .permissions import BOT_DEFAULT, EVERYONE_DEFAULT, NONE, Overwrite, Permission

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .messages import Message
    from .world import World

Json = dict[str, Any]

#: Bytes per attachment by boost tier (Discord docs, reference, and its change log of 2026-09-03).
MIB: Final = 1024 * 1024
BOOSTED_LIMIT: Final = {2: 50 * MIB, 3: 100 * MIB}


class Guild:
    """One server. The bot is a member with a role of its own until ``remove_bot``."""

    def __init__(
        self,
        world: World,
        name: str,
        *,
        boost_tier: int,
        everyone: Permission,
        bot_permissions: Permission,
    ) -> None:
        self.world = world
        self.id = world.ids.next_guild()
        self.name = name
        self.boost_tier = boost_tier
        self.locale = "en-US"
        self.available = True
        self.installed = True
        self.created_at = world.clock.now()
        self.roles: dict[int, Role] = {}
        self.members: dict[int, Member] = {}
        self.channels: dict[int, GuildChannel] = {}
        self.threads: dict[int, Thread] = {}
        self.command_rules: dict[int, dict[int, Json]] = {}
        self.everyone = Role(self, self.id, "@everyone", everyone, 0)
        self.roles[self.id] = self.everyone
        owner = world.create_user(f"{name.lower()}-owner")
        self.owner_id = owner.id
        self.members[owner.id] = Member(self, owner, self.created_at)
        self.bot_role = Role(self, world.ids.next(), world.bot.name, bot_permissions, 1)
        self.bot_role.managed = True
        self._add_bot()

    @property
    def owner(self) -> Member:
        """The member who owns the server."""
        return self.members[self.owner_id]

    @property
    def bot(self) -> Member | None:
        """The bot as a member; None after it was removed."""
        return self.members.get(self.world.bot.id)

    @property
    def upload_limit(self) -> int:
        """Bytes a file sent here may have, by the server's boosts."""
        return BOOSTED_LIMIT.get(self.boost_tier, self.world.upload_limit)

    # people and roles

    def join(
        self,
        user: User,
        *,
        roles: list[Role] | None = None,
        permissions: Permission = NONE,
        nick: str | None = None,
    ) -> Member:
        """Let a user in; ``permissions`` are given through a role of their own."""
        member = Member(self, user, self.world.clock.now())
        member.nick = nick
        self.members[user.id] = member
        for role in roles or ():
            member._role_ids.append(role.id)
        if permissions:
            member._role_ids.append(self.create_role(f"{user.name}'s", permissions).id)
        self.emit("GUILD_MEMBER_ADD", payloads.member_event(member), Intent.GUILD_MEMBERS)
        return member

    def kick(self, member: Member) -> None:
        """Remove a member; the bot like anybody."""
        if member.user is self.world.bot:
            self.remove_bot()
        elif self.members.pop(member.id, None) is not None:
            data = {"guild_id": str(self.id), "user": member.user.payload()}
            self.emit("GUILD_MEMBER_REMOVE", data, Intent.GUILD_MEMBERS)

    def create_role(self, name: str, permissions: Permission = NONE) -> Role:
        """Add a role above the others."""
        role = Role(self, self.world.ids.next(), name, permissions, len(self.roles))
        self.roles[role.id] = role
        data = {"guild_id": str(self.id), "role": role.payload()}
        self.emit("GUILD_ROLE_CREATE", data)
        return role

    def delete_role(self, role: Role) -> None:
        """Remove a role from the server and from everyone who had it."""
        if self.roles.pop(role.id, None) is not None:
            data = {"guild_id": str(self.id), "role_id": str(role.id)}
            self.emit("GUILD_ROLE_DELETE", data)

    def role_changed(self, role: Role) -> None:
        """Tell the bot of a role's new permissions."""
        self.emit("GUILD_ROLE_UPDATE", {"guild_id": str(self.id), "role": role.payload()})

    def member_changed(self, member: Member) -> None:
        """Tell the bot of a member's new roles; of its own it hears without the intent."""
        needs = Intent.GUILDS if member.user is self.world.bot else Intent.GUILD_MEMBERS
        self.emit("GUILD_MEMBER_UPDATE", payloads.member_event(member), needs)

    def override_command(
        self, command_id: int, target: Role | Member | GuildChannel, *, allow: bool
    ) -> None:
        """Moderators decide under Integrations who may use a command, or where."""
        kind = 1 if isinstance(target, Role) else 2 if isinstance(target, Member) else 3
        rule = {"id": str(target.id), "type": kind, "permission": allow}
        self.command_rules.setdefault(command_id, {})[target.id] = rule

    # the bot's own coming and going

    def _add_bot(self) -> None:
        self.roles[self.bot_role.id] = self.bot_role
        bot = Member(self, self.world.bot, self.world.clock.now())
        bot._role_ids.append(self.bot_role.id)
        self.members[bot.id] = bot
        self.installed = True

    def remove_bot(self) -> None:
        """Kick the bot; its commands and its access go with it."""
        if not self.installed:
            return
        self.emit("GUILD_DELETE", {"id": str(self.id)})
        self.installed = False
        self.members.pop(self.world.bot.id, None)
        self.roles.pop(self.bot_role.id, None)
        self.world.changes.bump()

    def add_bot(self) -> None:
        """Invite the bot again."""
        self._add_bot()
        self.announce()

    def set_available(self, available: bool) -> None:
        """An outage of this server begins or ends; the bot stays a member."""
        self.available = available
        if available:
            self.announce()
        else:
            data = {"id": str(self.id), "unavailable": True}
            self.world.emit("GUILD_DELETE", data, guild=self, needs=Intent.GUILDS, force=True)

    def boost(self, tier: int) -> None:
        """The server's boosts reach this tier, or fall to it."""
        self.boost_tier = tier
        self.emit("GUILD_UPDATE", payloads.guild(self))

    def announce(self) -> None:
        """Send GUILD_CREATE, as on joining."""
        self.emit("GUILD_CREATE", payloads.guild_create(self))

    # channels and threads

    def create_text_channel(
        self,
        name: str,
        *,
        nsfw: bool = False,
        overwrites: Mapping[Role | Member, tuple[Permission, Permission]] | None = None,
    ) -> TextChannel:
        """Add a text channel; ``overwrites`` maps a role or member to (allow, deny)."""
        channel = TextChannel(self, TEXT, name, nsfw=nsfw)
        self._add_channel(channel, overwrites or {})
        return channel

    def create_forum(
        self,
        name: str,
        *,
        nsfw: bool = False,
        overwrites: Mapping[Role | Member, tuple[Permission, Permission]] | None = None,
    ) -> ForumChannel:
        """Add a forum channel."""
        channel = ForumChannel(self, FORUM, name, nsfw=nsfw)
        self._add_channel(channel, overwrites or {})
        return channel

    def _add_channel(
        self,
        channel: GuildChannel,
        overwrites: Mapping[Role | Member, tuple[Permission, Permission]],
    ) -> None:
        for target, (allow, deny) in overwrites.items():
            is_member = isinstance(target, Member)
            channel.overwrites[target.id] = Overwrite(target.id, is_member, allow, deny)
        self.channels[channel.id] = channel
        self.world.channels[channel.id] = channel
        self.emit("CHANNEL_CREATE", payloads.channel(channel))

    def channel_changed(self, channel: GuildChannel) -> None:
        """Tell the bot of a channel's new settings."""
        self.emit("CHANNEL_UPDATE", payloads.channel(channel))

    def delete_channel(self, channel: GuildChannel) -> None:
        """Remove a channel, its threads and its messages."""
        for thread in [t for t in self.threads.values() if t.parent is channel]:
            self._forget(thread)
            del self.threads[thread.id]
        if self.channels.pop(channel.id, None) is not None:
            self._forget(channel)
            self.emit("CHANNEL_DELETE", payloads.channel(channel))

    def add_thread(self, thread: Thread, *, starter: Message | None = None) -> None:
        """Put a new thread in its place and tell the bot, if it can see it."""
        self.threads[thread.id] = thread
        self.world.channels[thread.id] = thread
        if starter is not None:
            starter.thread = thread
        data = {**payloads.thread(thread), "newly_created": True}
        if self.bot is None or thread.visible_to(self.bot):
            self.emit("THREAD_CREATE", data)

    def thread_changed(self, thread: Thread) -> None:
        """Tell the bot of a thread's new settings."""
        if self.bot is None or thread.visible_to(self.bot):
            self.emit("THREAD_UPDATE", payloads.thread(thread))

    def thread_members_changed(
        self, thread: Thread, *, added: list[int] | None = None, removed: list[int] | None = None
    ) -> None:
        """Tell the bot who came and went."""
        data = payloads.thread_members_update(thread, added or [], removed or [])
        self.emit("THREAD_MEMBERS_UPDATE", data)

    def delete_thread(self, thread: Thread) -> None:
        """Remove a thread and its messages."""
        if self.threads.pop(thread.id, None) is None:
            return
        self._forget(thread)
        data = {
            "id": str(thread.id),
            "guild_id": str(self.id),
            "parent_id": str(thread.parent.id),
            "type": thread.type,
        }
        self.emit("THREAD_DELETE", data)

    def _forget(self, channel: GuildChannel | Thread) -> None:
        channel.deleted = True
        self.world.channels.pop(channel.id, None)
        for message in channel.by_id.values():
            message.deleted = True
        channel.by_id.clear()

    def emit(self, event: str, data: Json, needs: Intent = Intent.GUILDS) -> None:
        """Send an event of this server to the sessions of its shard."""
        self.world.emit(event, data, guild=self, needs=needs)

    def __repr__(self) -> str:
        return f"<Guild {self.name}>"


__all__ = ["BOT_DEFAULT", "EVERYONE_DEFAULT", "Guild"]
