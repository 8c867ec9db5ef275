"""Who a message notifies (Discord docs, resources/message, allowed mentions)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from .errors import Problems
from .permissions import Permission
from .snowflake import snowflake

if TYPE_CHECKING:
    from .channels import AnyChannel
    from .messages import Message
    from .people import Role, User

Json = dict[str, Any]

_USER: Final = re.compile(r"<@!?(\d+)>")
_ROLE: Final = re.compile(r"<@&(\d+)>")
_MAX_LISTED: Final = 100
_KINDS: Final = frozenset({"users", "roles", "everyone"})


@dataclass(slots=True)
class Allowed:
    """What the sender allows its text to notify."""

    all_users: bool = True
    all_roles: bool = False
    everyone: bool = False
    users: set[int] = field(default_factory=set)
    roles: set[int] = field(default_factory=set)
    replied_user: bool = True


@dataclass(slots=True)
class Mentioned:
    """What a text notifies."""

    users: list[User]
    roles: list[Role]
    everyone: bool


def default(*, webhook: bool) -> Allowed:
    """Without ``allowed_mentions``: everything; interactions and webhooks only users."""
    return Allowed(all_roles=not webhook, everyone=not webhook)


def parse(raw: Json | None, *, webhook: bool, problems: Problems) -> Allowed:
    """Read ``allowed_mentions``; a kind both parsed and listed is a problem."""
    if raw is None:
        return default(webhook=webhook)
    kinds = raw.get("parse") or []
    users, roles = raw.get("users") or [], raw.get("roles") or []
    for kind in kinds:
        if kind not in _KINDS:
            problems.add(
                "allowed_mentions.parse",
                "BASE_TYPE_CHOICES",
                "Value must be one of {'users', 'roles', 'everyone'}.",
            )
    for name, listed in (("users", users), ("roles", roles)):
        if listed and name in kinds:
            problems.add(
                f"allowed_mentions.{name}",
                "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE",
                f'parse:["{name}"] and {name}: [ids...] are mutually exclusive.',
            )
        if len(listed) > _MAX_LISTED:
            problems.add(
                f"allowed_mentions.{name}",
                "BASE_TYPE_MAX_LENGTH",
                f"Must be {_MAX_LISTED} or fewer in length.",
            )
    return Allowed(
        all_users="users" in kinds,
        all_roles="roles" in kinds,
        everyone="everyone" in kinds,
        users={snowflake(item) for item in users},
        roles={snowflake(item) for item in roles},
        replied_user=bool(raw.get("replied_user", False)),
    )


def resolve(
    text: str,
    allowed: Allowed,
    channel: AnyChannel,
    author: User,
    replied_to: Message | None = None,
) -> Mentioned:
    """Compute whom ``text`` notifies in ``channel``."""
    guild = channel.guild
    users: dict[int, User] = {}
    roles: dict[int, Role] = {}
    everyone = False
    if "<@" in text:
        for found in _USER.findall(text):
            user = channel.world.users.get(int(found))
            here = guild is None or int(found) in guild.members
            if user and here and (allowed.all_users or user.id in allowed.users):
                users[user.id] = user
    if guild is not None and ("<@&" in text or "@everyone" in text or "@here" in text):
        member = guild.members.get(author.id)
        may = member is not None and member.can(Permission.MENTION_EVERYONE, channel)
        for found in _ROLE.findall(text):
            role = guild.roles.get(int(found))
            listed = role is not None and (allowed.all_roles or role.id in allowed.roles)
            if role is not None and listed and (role.mentionable or may):
                roles[role.id] = role
        everyone = allowed.everyone and may and ("@everyone" in text or "@here" in text)
    if replied_to is not None and allowed.replied_user:
        users.setdefault(replied_to.author.id, replied_to.author)
    return Mentioned(list(users.values()), list(roles.values()), everyone)
