"""The message object of the API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import payloads
from .clock import iso

if TYPE_CHECKING:
    from collections.abc import Callable

    from .messages import Message

Json = dict[str, Any]


def _renewed(node: Any, renew: Callable[[str], str]) -> Any:
    """A copy of embeds or components with fresh links to the message's own attachments."""
    if isinstance(node, dict):
        return {
            key: renew(value)
            if key in ("url", "proxy_url") and isinstance(value, str)
            else _renewed(value, renew)
            for key, value in node.items()
        }
    if isinstance(node, list):
        return [_renewed(item, renew) for item in node]
    return node


def message(m: Message, *, nested: bool = True) -> Json:
    """A message as REST and interactions carry it; ``nested`` adds what it replies to."""
    data: Json = {
        "id": str(m.id),
        "channel_id": str(m.channel.id),
        "type": m.type,
        "author": m.author.payload(),
        "content": m.content,
        "timestamp": iso(m.created_at),
        "edited_timestamp": iso(m.edited_at) if m.edited_at else None,
        "tts": m.tts,
        "mention_everyone": m.mention_everyone,
        "mentions": [user.payload() for user in m.listed_mentions],
        "mention_roles": [str(role.id) for role in m.mention_roles],
        "attachments": [payloads.attachment(a) for a in m.attachments],
        "embeds": m.embeds,
        "components": m.components,
        "flags": m.flags,
        "pinned": False,
    }
    if m.attachments and (m.embeds or m.components):
        renew = m.channel.world.media.renew
        data["embeds"] = _renewed(m.embeds, renew)
        data["components"] = _renewed(m.components, renew)
    if m.nonce is not None:
        data["nonce"] = m.nonce
    if m.invocation is not None:
        data["application_id"] = data["webhook_id"] = str(m.author.id)
        data["interaction_metadata"] = m.invocation.metadata(m)
    if m.reference is not None:
        data["message_reference"] = m.reference
        if nested:
            original = m.channel.find(int(m.reference["message_id"]))
            data["referenced_message"] = message(original, nested=False) if original else None
    if m.thread is not None and not m.thread.deleted:
        data["thread"] = payloads.thread(m.thread)
    return data


def event(m: Message) -> Json:
    """A message as the gateway carries it: with its guild and its author's membership."""
    data = message(m)
    guild = m.channel.guild
    if guild is not None:
        data["guild_id"] = str(guild.id)
        author = guild.members.get(m.author.id)
        if author is not None:
            data["member"] = payloads.member(author, with_user=False)
    return data


def bare(m: Message) -> Json:
    """The same without what the message-content intent reveals."""
    return {**event(m), "content": "", "embeds": [], "attachments": [], "components": []}
