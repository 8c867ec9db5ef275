"""Channels: read, change, delete."""

from __future__ import annotations

from typing import Any, Final

from . import access
from .call import Call
from .channels import ARCHIVE_MINUTES, Channel, DirectChannel, GuildChannel, Thread
from .errors import Problems, refusal
from .permissions import NONE, Overwrite, P, Permission
from .routing import Answer, Routes
from .snowflake import snowflake

Json = dict[str, Any]
routes = Routes()

MAX_NAME: Final = 100
MAX_SLOWMODE: Final = 21_600


@routes("GET", "/channels/{channel_id}")
async def get_channel(call: Call) -> Answer:
    """A channel the bot sees."""
    channel = call.channel()
    access.require_view(channel)
    return 200, channel.payload()


@routes("PATCH", "/channels/{channel_id}")
async def edit_channel(call: Call) -> Answer:
    """Change a channel or a thread."""
    channel = call.channel()
    access.require_view(channel)
    body = call.form()
    _check_common(body)
    if isinstance(channel, Thread):
        _edit_thread(channel, body)
    elif isinstance(channel, GuildChannel):
        access.require(channel, P.MANAGE_CHANNELS)
        _edit_guild_channel(channel, body)
    else:
        raise refusal(50003)
    return 200, channel.payload()


def _check_common(body: Json) -> None:
    problems = Problems()
    if body.get("name") is not None and not 1 <= len(body["name"]) <= MAX_NAME:
        problems.add("name", "BASE_TYPE_BAD_LENGTH", f"Must be between 1 and {MAX_NAME} in length.")
    if body.get("auto_archive_duration") not in (None, *ARCHIVE_MINUTES):
        problems.add(
            "auto_archive_duration",
            "BASE_TYPE_CHOICES",
            "Value must be one of {60, 1440, 4320, 10080}.",
        )
    if not 0 <= (body.get("rate_limit_per_user") or 0) <= MAX_SLOWMODE:
        problems.add("rate_limit_per_user", "NUMBER_TYPE_MAX", f"Must be at most {MAX_SLOWMODE}.")
    problems.refuse()


def _edit_thread(thread: Thread, body: Json) -> None:
    """Unarchiving takes the right to send, or to manage if it is locked; the rest takes more."""
    manages = access.bot_can(thread, P.MANAGE_THREADS)
    owns = thread.owner is thread.world.bot
    opening = body.get("archived") is False
    if thread.archived and not opening:
        access.require_unarchived(thread)
    if thread.locked and not manages:
        raise refusal(160005)
    others = set(body) - {"archived"} if opening else set(body)
    if opening and not manages:
        access.require(thread, P.SEND_MESSAGES_IN_THREADS)
    if "locked" in others and not manages:
        raise refusal(50013)
    if others and not (manages or owns):
        raise refusal(50013)
    if body.get("name") is not None:
        thread.name = body["name"]
    if body.get("auto_archive_duration") is not None:
        thread.auto_archive_minutes = body["auto_archive_duration"]
    if body.get("rate_limit_per_user") is not None:
        thread.slowmode = body["rate_limit_per_user"]
    if body.get("invitable") is not None:
        thread.invitable = body["invitable"]
    if body.get("applied_tags") is not None:
        thread.applied_tags = [snowflake(tag, "applied_tags") for tag in body["applied_tags"]]
    thread.update(archived=body.get("archived"), locked=body.get("locked"))


def _edit_guild_channel(channel: GuildChannel, body: Json) -> None:
    if body.get("name") is not None:
        channel.name = body["name"]
    if "topic" in body:
        channel.topic = body["topic"]
    if body.get("nsfw") is not None:
        channel.nsfw = body["nsfw"]
    if body.get("position") is not None:
        channel.position = body["position"]
    if body.get("rate_limit_per_user") is not None:
        channel.slowmode = body["rate_limit_per_user"]
    if body.get("permission_overwrites") is not None:
        access.require(channel, P.MANAGE_ROLES)
        channel.overwrites.clear()
        for raw in body["permission_overwrites"]:
            target = snowflake(raw["id"])
            channel.overwrites[target] = Overwrite(
                target,
                raw.get("type") == 1,
                Permission(int(raw.get("allow") or NONE)),
                Permission(int(raw.get("deny") or NONE)),
            )
    channel.guild.channel_changed(channel)


@routes("DELETE", "/channels/{channel_id}")
async def delete_channel(call: Call) -> Answer:
    """Delete a channel or thread, or close direct messages."""
    channel: Channel = call.channel()
    access.require_view(channel)
    data = channel.payload()
    if isinstance(channel, Thread):
        access.require(channel, P.MANAGE_THREADS)
        channel.delete()
    elif isinstance(channel, GuildChannel):
        access.require(channel, P.MANAGE_CHANNELS)
        channel.delete()
    else:
        assert isinstance(channel, DirectChannel)
    return 200, data
