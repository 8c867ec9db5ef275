"""What the bot may see and do, each refusal with the code Discord gives it."""

from __future__ import annotations

from typing import Any, Final

from .channels import Channel, DirectChannel, ForumChannel, GuildChannel, Thread
from .errors import refusal
from .messages import Message
from .people import Member
from .permissions import P, Permission

_FILES: Final = P.ATTACH_FILES


def place(channel: Channel) -> GuildChannel | Thread | None:
    """The channel as part of a server; None for direct messages."""
    return channel if isinstance(channel, GuildChannel | Thread) else None


def bot_in(channel: GuildChannel | Thread) -> Member:
    """The bot as a member of the channel's server.

    Raises ``ApiError`` 50001 when it is not in it.
    """
    bot = channel.guild.bot
    if bot is None:
        raise refusal(50001)
    return bot


def require_view(channel: Channel) -> None:
    """The bot must see the channel.

    Raises ``ApiError`` 50001.
    """
    here = place(channel)
    if here is None:
        return
    bot = bot_in(here)
    seen = here.visible_to(bot) if isinstance(here, Thread) else bot.can(P.VIEW_CHANNEL, here)
    if not seen:
        raise refusal(50001)


def require(channel: Channel, *bits: Permission) -> None:
    """The bot must see the channel and have each of ``bits`` there.

    Raises ``ApiError``: 50001, 50013.
    """
    require_view(channel)
    here = place(channel)
    if here is None:
        return
    granted = bot_in(here).permissions_in(here)
    for wanted in bits:
        if granted & wanted != wanted:
            raise refusal(50013)


def bot_can(channel: Channel, bits: Permission) -> bool:
    """Whether the bot has all of ``bits`` in the channel; true in direct messages."""
    here = place(channel)
    return here is None or (here.guild.bot is not None and here.guild.bot.can(bits, here))


def require_send(channel: Channel, *, files: bool, embeds: bool) -> None:
    """The bot must be able to post there.

    Raises ``ApiError``: 50001, 50013, 50008 in a forum, 50007 and 50278 in direct messages.
    """
    if isinstance(channel, DirectChannel):
        require_direct(channel)
        return
    if isinstance(channel, ForumChannel):
        raise refusal(50008)
    send = P.SEND_MESSAGES_IN_THREADS if isinstance(channel, Thread) else P.SEND_MESSAGES
    needed = [send]
    if files:
        needed.append(_FILES)
    if embeds:
        needed.append(P.EMBED_LINKS)
    require(channel, *needed)
    require_open(channel)


def require_direct(channel: DirectChannel) -> None:
    """The person must accept messages from the bot.

    Raises ``ApiError``: 50278 without a common server, 50007 when they are closed.
    """
    if not channel.world.shares_guild_with_bot(channel.recipient):
        raise refusal(50278)
    if not channel.recipient.dms_open:
        raise refusal(50007)


def require_open(channel: Channel) -> None:
    """A locked thread takes messages only from those who manage threads.

    Raises ``ApiError`` 160005.
    """
    locked = isinstance(channel, Thread) and channel.locked
    if locked and not bot_can(channel, P.MANAGE_THREADS):
        raise refusal(160005)


def require_reply(channel: Channel) -> None:
    """An interaction is answered where it happened, whatever the bot may otherwise do there.

    Raises ``ApiError``: 10003 when the place is gone, 160005 when it was closed and locked.
    """
    if channel.deleted:
        raise refusal(10003)
    if isinstance(channel, Thread) and channel.archived:
        require_open(channel)


def require_unarchived(channel: Channel) -> None:
    """Most things cannot be done in an archived thread.

    Raises ``ApiError`` 50083.
    """
    if isinstance(channel, Thread) and channel.archived:
        raise refusal(50083)


def message_in(channel: Channel, message_id: int) -> Message:
    """The message everyone sees under this id.

    Raises ``ApiError`` 10008; also for ephemeral messages, which only their interaction reaches.
    """
    found = channel.find(message_id)
    if found is None:
        raise refusal(10008)
    return found


def own(message: Message) -> Any:
    """Refuse to edit what somebody else wrote.

    Raises ``ApiError`` 50005.
    """
    if message.author is not message.channel.world.bot:
        raise refusal(50005)
