"""The INTERACTION_CREATE event."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import message_payload, payloads
from .guilds import Guild
from .people import Member
from .permissions import IN_DM, in_channel
from .world import NITRO_LIMIT

if TYPE_CHECKING:
    from .channels import Channel
    from .invocations import Invocation
    from .people import User

Json = dict[str, Any]


def attachment_limit(user: User, guild: Guild | None) -> int:
    """``attachment_size_limit``: the larger of what the user and the server have, in bytes."""
    limit = guild.upload_limit if guild else user.world.upload_limit
    return max(limit, NITRO_LIMIT) if user.nitro else limit


def app_permissions(channel: Channel) -> int:
    """The bot's permissions in the channel."""
    guild = channel.guild
    if guild is None:
        return int(IN_DM)
    bot = guild.bot
    return 0 if bot is None else in_channel(bot, channel)


def member_payload(member: Member, channel: Channel) -> Json:
    """The member with their permissions in the channel."""
    data = payloads.member(member)
    data["permissions"] = str(in_channel(member, channel))
    return data


def channel_payload(channel: Channel, actor: User | Member) -> Json:
    """The partial channel of an interaction; a thread tells its parent's age restriction."""
    data = channel.payload()
    if isinstance(actor, Member):
        data["permissions"] = str(in_channel(actor, channel))
    data["nsfw"] = bool(getattr(channel, "nsfw", False))
    return data


def resolved_channel(channel: Channel, actor: User | Member) -> Json:
    """A channel chosen as an option, with what the user and the bot may do there."""
    data = channel_payload(channel, actor)
    data["app_permissions"] = str(app_permissions(channel))
    return data


def build(invocation: Invocation, data: Json) -> Json:
    """The event for one interaction."""
    channel, guild, actor = invocation.channel, invocation.guild, invocation.actor
    event: Json = {
        "id": str(invocation.id),
        "application_id": str(invocation.user.world.bot.id),
        "type": invocation.type,
        "token": invocation.token,
        "version": 1,
        "data": data,
        "channel": channel_payload(channel, actor),
        "channel_id": str(channel.id),
        "locale": invocation.user.locale,
        "app_permissions": str(app_permissions(channel)),
        "attachment_size_limit": invocation.limit,
        "authorizing_integration_owners": invocation.owners(),
        "context": 1 if guild is None else 0,
        "entitlements": [],
        "entitlement_sku_ids": [],
    }
    if guild is None:
        event["user"] = invocation.user.payload()
    else:
        assert isinstance(actor, Member)
        event["guild_id"] = str(guild.id)
        event["guild"] = {"id": str(guild.id), "locale": guild.locale, "features": []}
        event["guild_locale"] = guild.locale
        # The same member in the same channel as above: computed once.
        granted = event["channel"]["permissions"]
        event["member"] = {**payloads.member(actor), "permissions": granted}
    if invocation.source is not None:
        event["message"] = message_payload.message(invocation.source)
    return event
