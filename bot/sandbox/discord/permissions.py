"""Permissions, computed as Discord computes them (Discord docs, topics/permissions)."""

from __future__ import annotations

from enum import IntFlag
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from .channels import Channel
    from .people import Member


class Permission(IntFlag):
    """Discord's permission bits."""

    CREATE_INSTANT_INVITE = 1 << 0
    KICK_MEMBERS = 1 << 1
    BAN_MEMBERS = 1 << 2
    ADMINISTRATOR = 1 << 3
    MANAGE_CHANNELS = 1 << 4
    MANAGE_GUILD = 1 << 5
    ADD_REACTIONS = 1 << 6
    VIEW_AUDIT_LOG = 1 << 7
    PRIORITY_SPEAKER = 1 << 8
    STREAM = 1 << 9
    VIEW_CHANNEL = 1 << 10
    SEND_MESSAGES = 1 << 11
    SEND_TTS_MESSAGES = 1 << 12
    MANAGE_MESSAGES = 1 << 13
    EMBED_LINKS = 1 << 14
    ATTACH_FILES = 1 << 15
    READ_MESSAGE_HISTORY = 1 << 16
    MENTION_EVERYONE = 1 << 17
    USE_EXTERNAL_EMOJIS = 1 << 18
    VIEW_GUILD_INSIGHTS = 1 << 19
    CONNECT = 1 << 20
    SPEAK = 1 << 21
    MUTE_MEMBERS = 1 << 22
    DEAFEN_MEMBERS = 1 << 23
    MOVE_MEMBERS = 1 << 24
    USE_VAD = 1 << 25
    CHANGE_NICKNAME = 1 << 26
    MANAGE_NICKNAMES = 1 << 27
    MANAGE_ROLES = 1 << 28
    MANAGE_WEBHOOKS = 1 << 29
    MANAGE_GUILD_EXPRESSIONS = 1 << 30
    USE_APPLICATION_COMMANDS = 1 << 31
    REQUEST_TO_SPEAK = 1 << 32
    MANAGE_EVENTS = 1 << 33
    MANAGE_THREADS = 1 << 34
    CREATE_PUBLIC_THREADS = 1 << 35
    CREATE_PRIVATE_THREADS = 1 << 36
    USE_EXTERNAL_STICKERS = 1 << 37
    SEND_MESSAGES_IN_THREADS = 1 << 38
    USE_EMBEDDED_ACTIVITIES = 1 << 39
    MODERATE_MEMBERS = 1 << 40
    SEND_VOICE_MESSAGES = 1 << 46
    SEND_POLLS = 1 << 49
    USE_EXTERNAL_APPS = 1 << 50
    PIN_MESSAGES = 1 << 51


P: Final = Permission
NONE: Final = Permission(0)
ALL: Final = Permission(sum(Permission))

#: What a bot needs to post videos where it is asked, and nothing more.
BOT_DEFAULT: Final = (
    P.VIEW_CHANNEL
    | P.SEND_MESSAGES
    | P.SEND_MESSAGES_IN_THREADS
    | P.ATTACH_FILES
    | P.EMBED_LINKS
    | P.READ_MESSAGE_HISTORY
    | P.USE_APPLICATION_COMMANDS
)

#: What @everyone has in a new server, without voice.
EVERYONE_DEFAULT: Final = (
    BOT_DEFAULT
    | P.ADD_REACTIONS
    | P.USE_EXTERNAL_EMOJIS
    | P.CHANGE_NICKNAME
    | P.CREATE_INSTANT_INVITE
    | P.CREATE_PUBLIC_THREADS
    | P.CREATE_PRIVATE_THREADS
    | P.USE_EXTERNAL_APPS
)

#: All that is left to a member in time-out.
_TIMED_OUT: Final = P.VIEW_CHANNEL | P.READ_MESSAGE_HISTORY
#: Lost together with the right to send.
_NEEDS_SENDING: Final = (
    P.MENTION_EVERYONE | P.SEND_TTS_MESSAGES | P.ATTACH_FILES | P.EMBED_LINKS | P.SEND_POLLS
)
#: What a direct message allows.
IN_DM: Final = BOT_DEFAULT | P.ADD_REACTIONS | P.USE_EXTERNAL_EMOJIS | P.MENTION_EVERYONE


# What follows computes with plain numbers: every interaction asks several times, and the
# operators of IntFlag cost a microsecond each.
_ALL: Final = int(ALL)
_ADMINISTRATOR: Final = int(P.ADMINISTRATOR)
_VIEW: Final = int(P.VIEW_CHANNEL)
_SEND: Final = int(P.SEND_MESSAGES)
_SEND_IN_THREADS: Final = int(P.SEND_MESSAGES_IN_THREADS)
_WITHOUT_SENDING: Final = ~int(_NEEDS_SENDING)
_IN_TIME_OUT: Final = int(_TIMED_OUT)


class Overwrite:
    """What one channel allows and denies one role or one member."""

    __slots__ = ("allow", "deny", "is_member", "target_id")

    def __init__(self, target_id: int, is_member: bool, allow: int, deny: int) -> None:
        self.target_id = target_id
        self.is_member = is_member
        self.allow = int(allow)
        self.deny = int(deny)


def in_guild(member: Member) -> int:
    """The bits of a member's roles; everything for owner and administrators."""
    guild = member.guild
    if guild.owner_id == member.id:
        return _ALL
    bits = guild.everyone.bits
    for role in member.roles:
        bits |= role.bits
    return _ALL if bits & _ADMINISTRATOR else bits


def in_channel(member: Member, channel: Channel) -> int:
    """The bits of a member in a channel, overwrites applied; a thread has its parent's."""
    bits = in_guild(member)
    if bits == _ALL:
        return _ALL
    home = channel.home
    if home is not None and home.overwrites:
        bits = _overwritten(bits, member, home.overwrites)
    if member.timed_out:
        bits &= _IN_TIME_OUT
    return bits


def _overwritten(bits: int, member: Member, overwrites: dict[int, Overwrite]) -> int:
    everyone = overwrites.get(member.guild.id)
    if everyone is not None:
        bits = (bits & ~everyone.deny) | everyone.allow
    allow = deny = 0
    for role in member.roles:
        own = overwrites.get(role.id)
        if own is not None:
            allow |= own.allow
            deny |= own.deny
    bits = (bits & ~deny) | allow
    personal = overwrites.get(member.id)
    if personal is not None:
        bits = (bits & ~personal.deny) | personal.allow
    return bits


def effective(bits: int, *, in_thread: bool) -> int:
    """What the bits amount to: some rights go when the right to see or to send is missing."""
    if not bits & _VIEW:
        return 0
    if not bits & (_SEND_IN_THREADS if in_thread else _SEND):
        bits &= _WITHOUT_SENDING
    return bits
