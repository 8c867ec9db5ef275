"""The JSON objects of the API, made from the world."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from .clock import iso
from .ids import created_at

if TYPE_CHECKING:
    from .channels import DirectChannel, GuildChannel, Thread
    from .guilds import Guild
    from .media import Attachment
    from .people import Member

Json = dict[str, Any]

_SMALL_GUILD: Final = 250


def member(m: Member, *, with_user: bool = True) -> Json:
    """A guild member object."""
    data: Json = {
        "avatar": None,
        "banner": None,
        "communication_disabled_until": iso(m.timed_out_until) if m.timed_out_until else None,
        "flags": 0,
        "joined_at": iso(m.joined_at),
        "nick": m.nick,
        "pending": False,
        "premium_since": iso(m.boosting_since) if m.boosting_since else None,
        "roles": [str(role_id) for role_id in m.role_ids],
        "mute": False,
        "deaf": False,
    }
    if with_user:
        data["user"] = m.user.payload()
    return data


def member_event(m: Member) -> Json:
    """A member with its guild, for events."""
    return {**member(m), "guild_id": str(m.guild.id)}


def _optional_id(value: int | None) -> str | None:
    return None if value is None else str(value)


def channel(c: GuildChannel) -> Json:
    """A channel of a guild."""
    data: Json = {
        "id": str(c.id),
        "type": c.type,
        "guild_id": str(c.guild.id),
        "name": c.name,
        "position": c.position,
        "topic": c.topic,
        "nsfw": c.nsfw,
        "flags": 0,
        "last_message_id": _optional_id(c.last_message_id),
        "parent_id": _optional_id(c.category_id),
        "rate_limit_per_user": c.slowmode,
        "permission_overwrites": [
            {
                "id": str(o.target_id),
                "type": int(o.is_member),
                "allow": str(o.allow),
                "deny": str(o.deny),
            }
            for o in c.overwrites.values()
        ],
    }
    return data


def thread(t: Thread) -> Json:
    """A thread, with the bot's own membership if it joined."""
    data: Json = {
        "id": str(t.id),
        "type": t.type,
        "guild_id": str(t.guild.id),
        "name": t.name,
        "parent_id": str(t.parent.id),
        "owner_id": str(t.owner.id),
        "flags": 0,
        "last_message_id": _optional_id(t.last_message_id),
        "rate_limit_per_user": t.slowmode,
        "message_count": len(t.by_id),
        "member_count": min(len(t.members), 50),
        "total_message_sent": t.total_sent,
        "applied_tags": [str(tag) for tag in t.applied_tags],
        "thread_metadata": {
            "archived": t.archived,
            "archive_timestamp": iso(t.archived_at),
            "auto_archive_duration": t.auto_archive_minutes,
            "locked": t.locked,
            "create_timestamp": iso(t.created_at),
        },
    }
    if t.private:
        data["thread_metadata"]["invitable"] = t.invitable
    joined = t.members.get(t.world.bot.id)
    if joined is not None:
        data["member"] = thread_member(t, t.world.bot.id)
    return data


def thread_member(t: Thread, user_id: int) -> Json:
    """One member of a thread."""
    return {
        "id": str(t.id),
        "user_id": str(user_id),
        "join_timestamp": iso(t.members[user_id]),
        "flags": 0,
    }


def thread_members_update(t: Thread, added: list[int], removed: list[int]) -> Json:
    """The event that says who joined and left a thread."""
    return {
        "id": str(t.id),
        "guild_id": str(t.guild.id),
        "member_count": min(len(t.members), 50),
        "added_members": [
            {
                **thread_member(t, user_id),
                "member": member(t.guild.members[user_id]),
                "presence": None,
            }
            for user_id in added
            if user_id in t.guild.members
        ],
        "removed_member_ids": [str(user_id) for user_id in removed],
    }


def direct(c: DirectChannel) -> Json:
    """A direct message channel."""
    return {
        "id": str(c.id),
        "type": c.type,
        "flags": 0,
        "last_message_id": _optional_id(c.last_message_id),
        "recipients": [c.recipient.payload()],
    }


def guild(g: Guild, *, counts: bool = False) -> Json:
    """A guild as REST describes it."""
    data: Json = {
        "id": str(g.id),
        "name": g.name,
        "icon": None,
        "description": None,
        "home_header": None,
        "splash": None,
        "discovery_splash": None,
        "features": [],
        "banner": None,
        "owner_id": str(g.owner_id),
        "application_id": None,
        "region": "deprecated",
        "afk_channel_id": None,
        "afk_timeout": 300,
        "system_channel_id": None,
        "system_channel_flags": 0,
        "widget_enabled": False,
        "widget_channel_id": None,
        "verification_level": 0,
        "roles": [role.payload() for role in g.roles.values()],
        "default_message_notifications": 1,
        "mfa_level": 0,
        "explicit_content_filter": 0,
        "max_presences": None,
        "max_members": 500_000,
        "max_stage_video_channel_users": 50,
        "max_video_channel_users": 25,
        "vanity_url_code": None,
        "premium_tier": g.boost_tier,
        "premium_subscription_count": 0,
        "preferred_locale": g.locale,
        "rules_channel_id": None,
        "safety_alerts_channel_id": None,
        "public_updates_channel_id": None,
        "premium_progress_bar_enabled": False,
        "nsfw": False,
        "nsfw_level": 0,
        "emojis": [],
        "stickers": [],
        "incidents_data": None,
    }
    if counts:
        data["approximate_member_count"] = len(g.members)
        data["approximate_presence_count"] = len(g.members)
    return data


def guild_create(g: Guild) -> Json:
    """The GUILD_CREATE event: the guild with its channels, threads and the bot's own member."""
    bot = g.bot
    seen = [bot, g.owner] if bot else [g.owner]
    return {
        **guild(g),
        "joined_at": iso(bot.joined_at if bot else created_at(g.id)),
        "large": len(g.members) > _SMALL_GUILD,
        "unavailable": False,
        "member_count": len(g.members),
        "voice_states": [],
        "members": [member(m) for m in seen],
        "channels": [channel(c) for c in g.channels.values()],
        "threads": [
            thread(t)
            for t in g.threads.values()
            if not t.archived and (bot is None or t.visible_to(bot))
        ],
        "presences": [],
        "stage_instances": [],
        "guild_scheduled_events": [],
        "soundboard_sounds": [],
    }


def attachment(a: Attachment) -> Json:
    """An attachment object with a fresh link."""
    url = a.url
    data: Json = {
        "id": str(a.id),
        "filename": a.filename,
        "size": a.size,
        "url": url,
        "proxy_url": url,
    }
    if a.content_type is not None:
        data["content_type"] = a.content_type
    if a.description is not None:
        data["description"] = a.description
    if a.title is not None:
        data["title"] = a.title
    if a.width is not None:
        data["width"], data["height"] = a.width, a.height
    if a.ephemeral:
        data["ephemeral"] = True
    return data
