"""Messages in channels: send, read, edit, delete."""

from __future__ import annotations

from typing import Any, Final

from . import access, drafts, message_payload, uploads
from .call import Call
from .channels import Channel
from .errors import invalid, refusal
from .guilds import MIB
from .permissions import P
from .routing import Answer, Routes
from .snowflake import snowflake

Json = dict[str, Any]
routes = Routes()

#: Bytes of a whole request without boosts (Discord docs, resources/message, Create Message).
MAX_REQUEST: Final = 25 * MIB
_MAX_LIST: Final = 100


def size_limits(channel: Channel) -> tuple[int, int]:
    """Bytes per attachment and per request of a message the bot posts there."""
    guild = channel.guild
    limit = guild.upload_limit if guild else channel.world.upload_limit
    return limit, request_limit(limit)


def request_limit(per_file: int) -> int:
    """Bytes of a whole request where one file may have ``per_file``."""
    return max(MAX_REQUEST, per_file * 10) if per_file > MAX_REQUEST else MAX_REQUEST


@routes("POST", "/channels/{channel_id}/messages")
async def create_message(call: Call) -> Answer:
    """Send a message; a nonce that was used minutes ago returns the message of then."""
    channel = call.channel()
    access.require_view(channel)
    body = call.form()
    has_embeds = bool(body.get("embeds"))
    access.require_send(channel, files=bool(call.files), embeds=has_embeds)
    uploads.check_sizes(call, *size_limits(channel))
    draft = drafts.read(body, call.files)
    world = call.world
    if draft.nonce is not None and draft.enforce_nonce:
        earlier = world.sent_with_nonce(world.bot, draft.nonce)
        if earlier is not None:
            uploads.discard(call)
            if earlier.deleted:
                raise refusal(10008)
            return 200, message_payload.message(earlier)
    if draft.reference is not None:
        draft.reference = _reference(channel, draft.reference)
    message = world.posting.create(channel, world.bot, draft)
    if draft.nonce is not None:
        world.remember_nonce(message)
    return 200, message_payload.message(message)


def _reference(channel: Channel, raw: Json) -> Json | None:
    if raw.get("type"):
        raise invalid(
            "message_reference.type", "SANDBOX_UNSUPPORTED", "This sandbox does not forward."
        )
    wanted = snowflake(raw.get("message_id"), "message_reference.message_id")
    if raw.get("channel_id") is not None:
        elsewhere = snowflake(raw["channel_id"], "message_reference.channel_id")
        if elsewhere != channel.id:
            raise invalid(
                "message_reference",
                "REPLIES_CANNOT_REFERENCE_OTHER_CHANNEL",
                "Cannot reply to a message in a different channel",
            )
    if not access.bot_can(channel, P.READ_MESSAGE_HISTORY):
        raise refusal(160002)
    found = channel.find(wanted)
    if found is None:
        if raw.get("fail_if_not_exists", True) is False:
            return None
        raise invalid(
            "message_reference", "REPLIES_UNKNOWN_MESSAGE", "Unknown message", blame=False
        )
    data: Json = {"type": 0, "channel_id": str(channel.id), "message_id": str(found.id)}
    if channel.guild is not None:
        data["guild_id"] = str(channel.guild.id)
    return data


@routes("GET", "/channels/{channel_id}/messages")
async def list_messages(call: Call) -> Answer:
    """Messages of a channel, newest first; none without the right to read history."""
    channel = call.channel()
    access.require_view(channel)
    limit = call.number("limit", 50, 1, _MAX_LIST)
    if not access.bot_can(channel, P.READ_MESSAGE_HISTORY):
        return 200, []
    ids = list(channel.by_id)
    query = call.query
    if "around" in query:
        middle = snowflake(query["around"], "around")
        older = [i for i in ids if i <= middle][-(limit // 2 + 1) :]
        newer = [i for i in ids if i > middle][: limit - len(older)]
        chosen = older + newer
    elif "after" in query:
        floor = snowflake(query["after"], "after")
        chosen = [i for i in ids if i > floor][:limit]
    elif "before" in query:
        ceiling = snowflake(query["before"], "before")
        chosen = [i for i in ids if i < ceiling][-limit:]
    else:
        chosen = ids[-limit:]
    return 200, [message_payload.message(channel.by_id[i]) for i in reversed(chosen)]


@routes("GET", "/channels/{channel_id}/messages/{message_id}")
async def get_message(call: Call) -> Answer:
    """One message, with fresh links to its attachments."""
    channel = call.channel()
    access.require(channel, P.READ_MESSAGE_HISTORY)
    return 200, message_payload.message(access.message_in(channel, call.id("message_id")))


@routes("PATCH", "/channels/{channel_id}/messages/{message_id}")
async def edit_message(call: Call) -> Answer:
    """Edit one of the bot's own messages."""
    channel = call.channel()
    access.require_view(channel)
    message = access.message_in(channel, call.id("message_id"))
    access.own(message)
    access.require_unarchived(channel)
    if call.files:
        access.require(channel, P.ATTACH_FILES)
    uploads.check_sizes(call, *size_limits(channel))
    draft = drafts.read(call.form(), call.files, base=message, flags=drafts.FLAGS_EDIT)
    call.server.edits.take(channel.id, message.created_at)
    call.world.posting.edit(message, draft)
    return 200, message_payload.message(message)


@routes("DELETE", "/channels/{channel_id}/messages/{message_id}")
async def delete_message(call: Call) -> Answer:
    """Delete a message; others' only with the right to manage messages."""
    channel = call.channel()
    access.require_view(channel)
    message = access.message_in(channel, call.id("message_id"))
    if message.author is not call.world.bot:
        access.require(channel, P.MANAGE_MESSAGES)
    access.require_unarchived(channel)
    call.world.posting.delete(message)
    return 204, None


@routes("POST", "/channels/{channel_id}/typing")
async def typing(call: Call) -> Answer:
    """Show that the bot is typing."""
    channel = call.channel()
    access.require_send(channel, files=False, embeds=False)
    return 204, None
