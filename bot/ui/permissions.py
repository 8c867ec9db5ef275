"""What the bot must be allowed to do in a channel, and what of it is missing there.

Names are those of Discord's own settings (Discord's help centre, "Setting Up Permissions"); who
reads one finds it there. Pure: bits in, names out.

Sources: Discord docs, topics/permissions (what a denied View Channel or Send Messages takes with
it), topics/threads (Send Messages counts for nothing in them), and discord-api-docs #5111 (text
in voice channels needs Connect).
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, auto
from types import MappingProxyType
from typing import Final

import discord

NAMES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "view_channel": "View Channel",
        "connect": "Connect",
        "send_messages": "Send Messages",
        "send_messages_in_threads": "Send Messages in Threads",
        "attach_files": "Attach Files",
        "embed_links": "Embed Links",
        "read_message_history": "Read Message History",
    }
)
"""Every permission that the bot ever needs, in the order in which Discord lists them."""


class Use(Enum):
    """What a channel is for."""

    ASKING = auto()  # members ask there and in its threads, and get their videos there
    POSTING = auto()  # the bot posts there by itself


_EVERYWHERE: Final = ("view_channel", "attach_files", "embed_links", "read_message_history")
_THREADS_ONLY: Final = frozenset(
    {
        discord.ChannelType.forum,
        discord.ChannelType.media,
        discord.ChannelType.public_thread,
        discord.ChannelType.private_thread,
        discord.ChannelType.news_thread,
    }
)
_VOICE: Final = frozenset({discord.ChannelType.voice, discord.ChannelType.stage_voice})


def needed(kind: discord.ChannelType, use: Use) -> tuple[str, ...]:
    """What the bot needs in a channel of this kind, as discord.py calls it."""
    needs = set(_EVERYWHERE)
    if kind not in _THREADS_ONLY:
        needs.add("send_messages")
    if kind in _VOICE:
        needs.add("connect")
    elif kind in _THREADS_ONLY or use is Use.ASKING:
        needs.add("send_messages_in_threads")
    return tuple(name for name in NAMES if name in needs)


INVITED: Final = discord.Permissions(
    **dict.fromkeys(needed(discord.ChannelType.text, Use.ASKING), True)
)
"""What the invite link asks for: the least that suffices to post a video as a reply and to find it
again. Voice channels need more, which everybody has unless they are closed."""


def missing(granted: discord.Permissions, kind: discord.ChannelType, use: Use) -> tuple[str, ...]:
    """The names of what is needed and not granted; empty where all is well.

    ``granted`` are the bits that roles and overwrites amount to, without what Discord takes away
    where another bit is missing: so exactly what somebody has to switch on is named.
    """
    if granted.administrator:
        return ()
    return tuple(NAMES[name] for name in needed(kind, use) if not getattr(granted, name))
