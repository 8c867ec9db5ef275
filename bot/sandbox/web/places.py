"""Documents about servers, members and places, as one person gets them."""

from __future__ import annotations

from typing import Any, Final

from bot.sandbox.discord import (
    BOT_DEFAULT,
    Channel,
    DirectChannel,
    ForumChannel,
    Guild,
    Member,
    Permission,
    Role,
    TextChannel,
    Thread,
)
from bot.sandbox.discord.event import attachment_limit
from bot.sandbox.discord.ids import created_at
from bot.sandbox.discord.permissions import in_guild
from bot.sandbox.web import talk
from bot.sandbox.web.documents import Can, RoleSeen
from bot.sandbox.web.sight import Sight

Json = dict[str, Any]
P = Permission

#: Where Discord's words for a permission are not its name's.
_WORDS: Final = {
    P.MANAGE_GUILD: "Manage Server",
    P.VIEW_CHANNEL: "View Channels",
    P.MENTION_EVERYONE: "Mention Everyone",
    P.MODERATE_MEMBERS: "Time Out Members",
    P.USE_VAD: "Use Voice Activity",
}
_MIB: Final = 1024 * 1024


def words(bits: int) -> list[str]:
    """Permissions in Discord's words, those of lower bits first."""
    return [
        _WORDS.get(flag, (flag.name or "").replace("_", " ").title())
        for flag in Permission
        if bits & flag
    ]


def milliseconds(moment: float) -> int:
    """A moment in seconds since 1970 as the page counts."""
    return int(moment * 1000)


def role(one: Role) -> RoleSeen:
    """A role."""
    return {
        "id": str(one.id),
        "name": one.name,
        "color": one.color,
        "position": one.position,
        "managed": one.managed,
        "mentionable": one.mentionable,
    }


def _highest_first(roles: list[Role]) -> list[Role]:
    return sorted(roles, key=lambda one: one.position, reverse=True)


def guild(one: Guild, order: int) -> Json:
    """A server."""
    lacking = BOT_DEFAULT & ~Permission(in_guild(one.bot)) if one.bot else BOT_DEFAULT
    boosts = f"Boosted to tier {one.boost_tier}" if one.boost_tier else "Not boosted"
    return {
        "id": str(one.id),
        "name": one.name,
        "order": order,
        "about": f"{boosts}: {_size(one.upload_limit)} per file",
        "boost_tier": one.boost_tier,
        "upload_limit": one.upload_limit,
        "owner": str(one.owner_id),
        "members": len(one.members),
        "installed": one.installed,
        "roles": [role(r) for r in _highest_first(list(one.roles.values()))],
        "bot_lacks": words(int(lacking)),
    }


def _size(count: int) -> str:
    return f"{count / _MIB:g} MiB"


def member(one: Member) -> Json:
    """A member of a server."""
    roles = _highest_first(one.roles)
    return {
        "guild_id": str(one.guild.id),
        "user": one.user.payload(),
        "nick": one.nick,
        "roles": [str(r.id) for r in roles],
        "color": next((r.color for r in roles if r.color), 0),
        "joined_at": milliseconds(one.joined_at),
    }


def standing(one: Member) -> Json:
    """What a server thinks of a member."""
    bits = in_guild(one)
    until = one.timed_out_until if one.timed_out else None
    return {
        "guild_id": str(one.guild.id),
        "nick": one.nick,
        "owner": one.guild.owner_id == one.id,
        "roles": [role(r) for r in _highest_first(one.roles)],
        "joined_at": milliseconds(one.joined_at),
        "account_created_at": milliseconds(created_at(one.id)),
        "boosting": one.boosting_since is not None,
        "timed_out_until_at": None if until is None else milliseconds(until),
        "permissions": words(bits),
        "moderator": bool(bits & P.MANAGE_GUILD),
    }


def channel(sight: Sight, one: Channel, commands: list[Json]) -> Json:
    """A place: Discord's channel object, and what the person may do there."""
    actor = sight.actor(one)
    bot = one.guild.bot if one.guild else None
    joined = not isinstance(one, Thread) or sight.user.id in one.members
    data = {
        "topic": None,
        **one.payload(),
        "can": _can(sight, one),
        "why_not": talk.why_not(actor, one),
        "commands": [command["id"] for command in commands],
        "joined": joined,
        "bot_sees": _bot_sees(one, bot),
        "upload_limit": attachment_limit(sight.user, one.guild),
    }
    if isinstance(one, DirectChannel):
        data["name"] = sight.discord.bot_user.name
    return data


def _bot_sees(one: Channel, bot: Member | None) -> bool:
    if one.guild is None:
        return True
    if bot is None:
        return False
    return one.visible_to(bot) if isinstance(one, Thread) else bot.can(P.VIEW_CHANNEL, one)


def _can(sight: Sight, one: Channel) -> Can:
    actor = sight.actor(one)

    def has(bits: Permission) -> bool:
        return isinstance(actor, Member) and actor.can(bits, one)

    text, forum = isinstance(one, TextChannel), isinstance(one, ForumChannel)
    direct = isinstance(one, DirectChannel)
    send = talk.why_not(actor, one) is None
    return {
        "send": send,
        "attach": send and (direct or has(P.ATTACH_FILES)),
        "commands": direct or has(P.USE_APPLICATION_COMMANDS),
        "create_threads": text and has(P.CREATE_PUBLIC_THREADS),
        "create_private_threads": text and has(P.CREATE_PRIVATE_THREADS),
        "create_posts": forum and has(P.SEND_MESSAGES),
        "archive": isinstance(one, Thread) and talk.may_archive(actor, one),
        "lock": isinstance(one, Thread) and has(P.MANAGE_THREADS),
        "delete": isinstance(one, Thread) and has(P.MANAGE_THREADS),
        "manage_messages": has(P.MANAGE_MESSAGES),
    }
