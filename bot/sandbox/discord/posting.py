"""Creating, changing and deleting messages, with the events that follow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import embeds as embed_rules
from . import mentions, message_payload
from .channels import DirectChannel, Thread
from .component_payload import Normalizer
from .drafts import Draft
from .intents import Intent
from .messages import COMPONENTS_V2, EPHEMERAL, LOADING, REPLY, TEXT_DISPLAY, Message, walk
from .permissions import Permission

if TYPE_CHECKING:
    from .channels import AnyChannel
    from .invocations import Invocation
    from .people import User
    from .world import World

Json = dict[str, Any]


class Posting:
    """The one way messages come into the world and change."""

    def __init__(self, world: World) -> None:
        self._world = world

    def say(
        self, channel: AnyChannel, author: User, content: str, *, message_id: int | None = None
    ) -> Message:
        """A person (or a system) writes plain text."""
        draft = Draft(content=content, allowed=mentions.default(webhook=False))
        return self.create(channel, author, draft, message_id=message_id)

    def create(
        self,
        channel: AnyChannel,
        author: User,
        draft: Draft,
        *,
        invocation: Invocation | None = None,
        ephemeral_to: User | None = None,
        kind: int | None = None,
        message_id: int | None = None,
    ) -> Message:
        """Add a message; a post into an archived thread opens the thread again."""
        world = self._world
        number = world.ids.next() if message_id is None else message_id
        message = Message(number, channel, author, world.clock.now())
        message.invocation = invocation
        message.ephemeral_to = ephemeral_to
        message.tts = draft.tts
        message.nonce = draft.nonce
        message.reference = draft.reference
        message.flags = (draft.flags or 0) & ~EPHEMERAL
        if ephemeral_to is not None:
            message.flags |= EPHEMERAL
        if kind is not None:
            message.type = kind
        elif draft.reference is not None:
            message.type = REPLY
        self._fill(message, draft)
        self._notify(message, draft)
        self._place(message)
        if ephemeral_to is None:
            self._emit("MESSAGE_CREATE", message)
        world.changes.bump()
        return message

    def thinking(
        self, channel: AnyChannel, invocation: Invocation, *, ephemeral: bool, kind: int
    ) -> Message:
        """The placeholder of a deferred answer."""
        world = self._world
        message = Message(world.ids.next(), channel, world.bot, world.clock.now())
        message.invocation = invocation
        message.type = kind
        message.flags = LOADING
        if ephemeral:
            message.ephemeral_to = invocation.user
            message.flags |= EPHEMERAL
        self._place(message)
        if not ephemeral:
            self._emit("MESSAGE_CREATE", message)
        world.changes.bump()
        return message

    def edit(self, message: Message, draft: Draft) -> None:
        """Change a message. Only the first words of a deferred one notify anybody."""
        first = message.loading
        message.flags &= ~LOADING
        if draft.flags is not None:
            fixed = message.flags & (EPHEMERAL | COMPONENTS_V2)
            message.flags = (draft.flags & ~EPHEMERAL) | fixed
        if draft.kept is not None:
            message.attachments = [a for a in message.attachments if a.id in draft.kept]
        for attachment in message.attachments:
            if attachment.id in draft.descriptions:
                attachment.description = draft.descriptions[attachment.id]
        self._fill(message, draft)
        allowed = draft.allowed or mentions.default(webhook=message.invocation is not None)
        listed = mentions.resolve(_words(message), allowed, message.channel, message.author)
        message.listed_mentions = listed.users
        if first:
            message.mentions = listed.users
            message.mention_roles = listed.roles
            message.mention_everyone = listed.everyone
        else:
            message.edited_at = self._world.clock.now()
        message.revision += 1
        if not message.ephemeral:
            self._emit("MESSAGE_UPDATE", message)
        self._world.changes.bump()

    def delete(self, message: Message) -> None:
        """Remove a message; its attachments stop being served."""
        message.deleted = True
        channel = message.channel
        channel.by_id.pop(message.id, None)
        channel.ephemerals.pop(message.id, None)
        for attachment in message.attachments:
            attachment.removed = True
        if not message.ephemeral:
            data: Json = {"id": str(message.id), "channel_id": str(channel.id)}
            if channel.guild is not None:
                data["guild_id"] = str(channel.guild.id)
            self._send("MESSAGE_DELETE", message, data)
        self._world.changes.bump()

    def _fill(self, message: Message, draft: Draft) -> None:
        if draft.content is not None:
            message.content = draft.content
        if draft.uploads:
            media = self._world.media
            message.attachments = message.attachments + [
                media.host(upload, message.channel.id, ephemeral=message.ephemeral)
                for upload in draft.uploads
            ]
        by_name = {attachment.filename: attachment for attachment in message.attachments}

        def link(url: str) -> str:
            shown = by_name.get(url.removeprefix("attachment://"))
            return shown.url if shown and url.startswith("attachment://") else url

        if draft.embeds is not None:
            message.embeds = [embed_rules.stored(embed, link) for embed in draft.embeds]
        if draft.components is not None:
            find = by_name.get
            message.components = Normalizer(draft.components, find, self._world.ids).stored

    def _notify(self, message: Message, draft: Draft) -> None:
        replied: Message | None = None
        if draft.reference is not None:
            replied = message.channel.find(int(draft.reference["message_id"]))
        allowed = draft.allowed or mentions.default(webhook=message.invocation is not None)
        found = mentions.resolve(_words(message), allowed, message.channel, message.author, replied)
        message.mentions = message.listed_mentions = found.users
        message.mention_roles = found.roles
        message.mention_everyone = found.everyone

    def _place(self, message: Message) -> None:
        channel = message.channel
        if message.ephemeral_to is not None:
            channel.ephemerals[message.id] = message
            return
        channel.by_id[message.id] = message
        channel.last_message_id = message.id
        if isinstance(channel, Thread):
            channel.total_sent += 1
            if channel.archived:
                channel.update(archived=False)

    def _emit(self, event: str, message: Message) -> None:
        self._send(event, message, None)

    def _send(self, event: str, message: Message, data: Json | None) -> None:
        channel = message.channel
        world = self._world
        direct = isinstance(channel, DirectChannel)
        if not world.hears(Intent.DIRECT_MESSAGES if direct else Intent.GUILD_MESSAGES):
            return
        if direct:
            world.emit(
                event,
                data or (lambda: message_payload.event(message)),
                needs=Intent.DIRECT_MESSAGES,
            )
            return
        guild = channel.guild
        assert guild is not None
        bot = guild.bot
        if bot is None or not bot.can(Permission.VIEW_CHANNEL, channel):
            return
        own = message.author is world.bot or world.bot in message.listed_mentions
        world.emit(
            event,
            data or (lambda: message_payload.event(message)),
            guild=guild,
            needs=Intent.GUILD_MESSAGES,
            bare=None if own or data else lambda: message_payload.bare(message),
        )


def _words(message: Message) -> str:
    """The text in which mentions count: content and text displays, not embeds."""
    if not message.components:
        return message.content
    texts = [c["content"] for c in walk(message.components) if c["type"] == TEXT_DISPLAY]
    return "\n".join([message.content, *texts])
