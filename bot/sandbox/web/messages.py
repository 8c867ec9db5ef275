"""Message documents: Discord's own object as a client gets it, and what only a client knows."""

from __future__ import annotations

import re
from typing import Any

from bot.sandbox.discord import EmbeddedDiscord, Member, Message, User
from bot.sandbox.discord.invocations import TOKEN_SECONDS
from bot.sandbox.discord.message_payload import message as payload_of
from bot.sandbox.discord.messages import CHAT_COMMAND, MENU_COMMAND
from bot.sandbox.web import talk
from bot.sandbox.web.documents import InvokedBy, MessageSeen
from bot.sandbox.web.files import Files
from bot.sandbox.web.sight import Sight

Json = dict[str, Any]

_CDN_LINK = re.compile(r"/cdn/(?:ephemeral-)?attachments/\d+/(\d+)/[^?]*(?:\?|$)")


class MessageDocuments:
    """Makes them, and keeps what does not depend on who looks until the message changes."""

    def __init__(self, discord: EmbeddedDiscord, files: Files) -> None:
        self._discord = discord
        self._files = files
        self._kept: dict[int, tuple[object, Json]] = {}

    def one(self, sight: Sight, message: Message) -> Json:
        """The document of a message for the person who looks."""
        return {**self._common(message), "client": self._seen(sight, message)}

    def forget(self) -> None:
        """Drop what is kept of messages that are gone."""
        gone = [key for key, (_, data) in self._kept.items() if not self._there(data)]
        for key in gone:
            del self._kept[key]

    def _there(self, data: Json) -> bool:
        channel = self._discord.world.channels.get(int(data["channel_id"]))
        number = int(data["id"])
        return channel is not None and (number in channel.by_id or number in channel.ephemerals)

    def _common(self, message: Message) -> Json:
        state = _state(message)
        kept = self._kept.get(message.id)
        if kept is not None and kept[0] == state:
            return kept[1]
        data: Json = self._with_own_links(payload_of(message))
        data.pop("nonce", None)
        self._kept[message.id] = (state, data)
        return data

    def _with_own_links(self, node: Any) -> Any:
        """A copy whose links to the embedded CDN are replaced by the page's own."""
        if isinstance(node, dict):
            return {
                key: self._own_link(value)
                if key in ("url", "proxy_url") and isinstance(value, str)
                else self._with_own_links(value)
                for key, value in node.items()
            }
        if isinstance(node, list):
            return [self._with_own_links(item) for item in node]
        return node

    def _own_link(self, url: str) -> str:
        base = self._discord.world.media.base_url
        if not url.startswith(base):
            return url
        found = _CDN_LINK.match(url, len(base))
        file = self._discord.world.media.get(int(found[1])) if found else None
        return url if file is None else self._files.link(file)

    def _seen(self, sight: Sight, message: Message) -> MessageSeen:
        actor = sight.actor(message.channel)
        thinking = message.loading
        age = self._discord.clock.now() - message.created_at
        guild = message.channel.guild
        return {
            "ephemeral": message.ephemeral,
            "thinking": thinking and age <= TOKEN_SECONDS,
            "gave_up": thinking and age > TOKEN_SECONDS,
            "invoked": _invoked(message),
            "mentions_me": _mentions(actor, message),
            "can_delete": talk.may_delete(actor, message),
            "guild_id": str(guild.id) if guild else None,
        }


def _state(message: Message) -> object:
    """What differs whenever the object of a message may: itself, its thread, its original."""
    thread, original = message.thread, None
    if message.reference is not None:
        original = message.channel.find(int(message.reference["message_id"]))
    return (
        message.revision,
        message.flags,
        len(message.attachments),
        id(message.components),
        thread and (thread.deleted, thread.archived, thread.locked, thread.name, len(thread.by_id)),
        original and (original.id, original.revision),
    )


def _invoked(message: Message) -> InvokedBy | None:
    invocation = message.invocation
    if invocation is None or message.type not in (CHAT_COMMAND, MENU_COMMAND):
        return None
    return {"user": str(invocation.user.id), "name": invocation.name}


def _mentions(actor: User | Member, message: Message) -> bool:
    if message.author.id == actor.id:
        return False
    if any(user.id == actor.id for user in message.mentions) or message.mention_everyone:
        return True
    roles = actor.role_ids if isinstance(actor, Member) else []
    return any(role.id in roles for role in message.mention_roles)
