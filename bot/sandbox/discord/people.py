"""Users, roles, and users as members of a server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import permissions
from .permissions import Permission

if TYPE_CHECKING:
    from .channels import Channel, DirectChannel
    from .guilds import Guild
    from .world import World

Json = dict[str, Any]


class User:
    """A Discord account. ``nitro`` raises the size of the attachments it may use."""

    __slots__ = (
        "_payload",
        "bot",
        "dms_open",
        "global_name",
        "id",
        "locale",
        "name",
        "nitro",
        "world",
    )

    def __init__(
        self,
        world: World,
        name: str,
        *,
        bot: bool = False,
        nitro: bool = False,
        created_at: float | None = None,
    ) -> None:
        self.world = world
        self.id = world.ids.next() if created_at is None else world.ids.at(created_at)
        self.name = name
        self.global_name: str | None = None if bot else name.title()
        self.bot = bot
        self.nitro = nitro
        self.dms_open = True
        self.locale = "en-US"
        self._payload: Json | None = None

    @property
    def mention(self) -> str:
        """The text that mentions this user."""
        return f"<@{self.id}>"

    @property
    def dm(self) -> DirectChannel:
        """The direct messages between this user and the bot."""
        return self.world.dm_with(self)

    def payload(self) -> Json:
        """The user object of the API. Built once; callers must not change it."""
        if self._payload is None:
            self._payload = {
                "id": str(self.id),
                "username": self.name,
                "global_name": self.global_name,
                "discriminator": "0000" if self.bot else "0",
                "avatar": None,
                "banner": None,
                "accent_color": None,
                "avatar_decoration_data": None,
                "collectibles": None,
                "primary_guild": None,
                "public_flags": 0,
                "flags": 0,
                "bot": self.bot,
            }
        return self._payload

    def __repr__(self) -> str:
        return f"<User {self.name}>"


class Role:
    """A role of one server. Change its permissions with ``grant`` and ``revoke``."""

    __slots__ = ("bits", "color", "guild", "id", "managed", "mentionable", "name", "position")

    def __init__(
        self, guild: Guild, role_id: int, name: str, bits: Permission, position: int
    ) -> None:
        self.guild = guild
        self.id = role_id
        self.name = name
        self.bits = int(bits)
        self.position = position
        self.color = 0
        self.managed = False
        self.mentionable = False

    @property
    def mention(self) -> str:
        """The text that mentions this role."""
        return f"<@&{self.id}>"

    @property
    def permissions(self) -> Permission:
        """What the role allows in the whole server."""
        return Permission(self.bits)

    def grant(self, bits: Permission) -> None:
        """Add permissions, for every member who has the role."""
        self.bits |= int(bits)
        self.guild.role_changed(self)

    def revoke(self, bits: Permission) -> None:
        """Take permissions away."""
        self.bits &= ~int(bits)
        self.guild.role_changed(self)

    def payload(self) -> Json:
        """The role object of the API."""
        tags = {"bot_id": str(self.guild.world.bot.id)} if self.managed else {}
        return {
            "id": str(self.id),
            "name": self.name,
            "permissions": str(self.bits),
            "position": self.position,
            "color": self.color,
            "colors": {
                "primary_color": self.color,
                "secondary_color": None,
                "tertiary_color": None,
            },
            "hoist": False,
            "managed": self.managed,
            "mentionable": self.mentionable,
            "icon": None,
            "unicode_emoji": None,
            "flags": 0,
            "tags": tags,
        }

    def __repr__(self) -> str:
        return f"<Role {self.name}>"


class Member:
    """A user in one server."""

    __slots__ = (
        "_role_ids",
        "boosting_since",
        "guild",
        "joined_at",
        "nick",
        "timed_out_until",
        "user",
    )

    def __init__(self, guild: Guild, user: User, joined_at: float) -> None:
        self.guild = guild
        self.user = user
        self.joined_at = joined_at
        self.nick: str | None = None
        self.timed_out_until: float | None = None
        self.boosting_since: float | None = None
        self._role_ids: list[int] = []

    @property
    def id(self) -> int:
        """The user's id."""
        return self.user.id

    @property
    def name(self) -> str:
        """The user's name."""
        return self.user.name

    @property
    def mention(self) -> str:
        """The text that mentions this user."""
        return self.user.mention

    @property
    def roles(self) -> list[Role]:
        """The member's roles, without @everyone."""
        roles = self.guild.roles
        return [roles[role_id] for role_id in self._role_ids if role_id in roles]

    @property
    def role_ids(self) -> list[int]:
        """The ids of the member's roles, without @everyone."""
        return [role_id for role_id in self._role_ids if role_id in self.guild.roles]

    @property
    def timed_out(self) -> bool:
        """Whether a moderator has put the member in time-out."""
        until = self.timed_out_until
        return until is not None and until > self.guild.world.clock.now()

    def add_role(self, role: Role) -> None:
        """Give the member a role."""
        if role.id not in self._role_ids:
            self._role_ids.append(role.id)
            self.guild.member_changed(self)

    def remove_role(self, role: Role) -> None:
        """Take a role from the member."""
        if role.id in self._role_ids:
            self._role_ids.remove(role.id)
            self.guild.member_changed(self)

    def time_out(self, seconds: float) -> None:
        """Let the member only read for so long."""
        self.timed_out_until = self.guild.world.clock.now() + seconds
        self.guild.member_changed(self)

    def permissions_in(self, channel: Channel) -> Permission:
        """What the member may really do there: overwrites and implied losses applied."""
        return Permission(self.bits_in(channel))

    def bits_in(self, channel: Channel) -> int:
        """The same as a plain number."""
        bits = permissions.in_channel(self, channel)
        return permissions.effective(bits, in_thread=channel.is_thread)

    def can(self, bits: Permission, channel: Channel) -> bool:
        """Whether the member has all of ``bits`` in the channel."""
        wanted = int(bits)
        return self.bits_in(channel) & wanted == wanted

    def __repr__(self) -> str:
        return f"<Member {self.user.name} of {self.guild.name}>"
