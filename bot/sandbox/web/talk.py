"""What people do without the bot: write, delete, start threads, close and reopen them.

Each function raises ``ClientRefused`` with the reason where Discord would not let them.
"""

from __future__ import annotations

from typing import Final

from bot.sandbox.discord import (
    Channel,
    ClientRefused,
    DirectChannel,
    ForumChannel,
    Member,
    Message,
    Permission,
    TextChannel,
    Thread,
    Upload,
    User,
)
from bot.sandbox.discord import mentions as mention_rules
from bot.sandbox.discord.drafts import MAX_ATTACHMENTS, MAX_CONTENT, Draft
from bot.sandbox.discord.event import attachment_limit
from bot.sandbox.discord.messages import HAS_THREAD, THREAD_CREATED
from bot.sandbox.discord.rest_channels import MAX_NAME

P = Permission
_MIB: Final = 1024 * 1024


def why_not(actor: User | Member, channel: Channel) -> str | None:
    """Why somebody cannot write in a place; None when they can."""
    if isinstance(channel, DirectChannel):
        shares = channel.world.shares_guild_with_bot(channel.recipient)
        return None if shares else "you have no server in common with the bot"
    if not isinstance(actor, Member):
        return "you are not in this server"
    if actor.timed_out:
        return "you are in time-out"
    if isinstance(channel, ForumChannel):
        return "in a forum, people open posts"
    if not isinstance(channel, Thread):
        allowed = actor.can(P.SEND_MESSAGES, channel)
        return None if allowed else "you do not have permission to send messages here"
    if channel.locked and not actor.can(P.MANAGE_THREADS, channel):
        return "this thread is locked"
    allowed = actor.can(P.SEND_MESSAGES_IN_THREADS, channel)
    return None if allowed else "you do not have permission to send messages in threads here"


def write(
    actor: User | Member,
    channel: Channel,
    content: str,
    uploads: list[Upload],
    reply_to: Message | None,
) -> Message:
    """Post a message of one's own; whoever writes in a thread joins it."""
    refused = why_not(actor, channel)
    if refused is not None:
        raise ClientRefused(refused)
    user = actor.user if isinstance(actor, Member) else actor
    _check(actor, user, channel, content, uploads)
    draft = Draft(
        content=content.strip(), uploads=uploads, allowed=mention_rules.default(webhook=False)
    )
    if reply_to is not None:
        if reply_to.ephemeral:
            raise ClientRefused("only you see that message: nobody can reply to it")
        draft.reference = _reference(reply_to)
    joins = isinstance(channel, Thread) and user.id not in channel.members
    if joins and isinstance(channel, Thread) and isinstance(actor, Member):
        channel.add_member(actor)
    return channel.world.posting.create(channel, user, draft)


def _check(
    actor: User | Member, user: User, channel: Channel, content: str, uploads: list[Upload]
) -> None:
    if not content.strip() and not uploads:
        raise ClientRefused("there is nothing to send")
    if len(content) > MAX_CONTENT:
        raise ClientRefused(f"a message has at most {MAX_CONTENT} characters, not {len(content)}")
    if len(uploads) > MAX_ATTACHMENTS:
        raise ClientRefused(f"a message has at most {MAX_ATTACHMENTS} files")
    if uploads and isinstance(actor, Member) and not actor.can(P.ATTACH_FILES, channel):
        raise ClientRefused("you do not have permission to attach files here")
    limit = attachment_limit(user, channel.guild)
    for upload in uploads:
        if _size(upload) > limit:
            raise ClientRefused(f"{upload.filename} is larger than {limit / _MIB:g} MiB")


def _size(upload: Upload) -> int:
    data = upload.data
    return len(data) if isinstance(data, bytes) else data.stat().st_size


def _reference(message: Message) -> dict[str, object]:
    channel = message.channel
    data: dict[str, object] = {
        "type": 0,
        "channel_id": str(channel.id),
        "message_id": str(message.id),
    }
    if channel.guild is not None:
        data["guild_id"] = str(channel.guild.id)
    return data


def may_delete(actor: User | Member, message: Message) -> bool:
    """Whether somebody may delete a message; nobody deletes ephemeral ones, they dismiss them."""
    channel = message.channel
    if message.ephemeral or (isinstance(channel, Thread) and channel.archived):
        return False
    if message.author.id == actor.id:
        return True
    return isinstance(actor, Member) and actor.can(P.MANAGE_MESSAGES, channel)


def delete(actor: User | Member, message: Message) -> None:
    """Delete a message."""
    if not may_delete(actor, message):
        raise ClientRefused("you cannot delete this message")
    message.channel.world.posting.delete(message)


def start_thread(
    member: User | Member, channel: Channel, name: str, *, message: Message | None, private: bool
) -> Thread:
    """Start a thread in a text channel, from a message or on its own."""
    if not isinstance(channel, TextChannel) or not isinstance(member, Member):
        raise ClientRefused("threads are started in text channels")
    _check_name(name)
    needed = P.CREATE_PRIVATE_THREADS if private else P.CREATE_PUBLIC_THREADS
    if not member.can(needed, channel):
        raise ClientRefused("you do not have permission to start such a thread here")
    if message is None:
        thread = channel.create_thread(name, owner=member, private=private)
        if not private:
            announced = Draft(content=name)
            channel.world.posting.create(channel, member.user, announced, kind=THREAD_CREATED)
        return thread
    if message.ephemeral:
        raise ClientRefused("only you see that message: no thread can hang on it")
    if message.thread is not None and not message.thread.deleted:
        raise ClientRefused("that message has a thread already")
    if private:
        raise ClientRefused("a thread that hangs on a message is never private")
    thread = channel.create_thread(name, owner=member, message=message)
    message.flags |= HAS_THREAD
    return thread


def open_post(member: User | Member, forum: ForumChannel, name: str, content: str) -> Thread:
    """Open a post in a forum."""
    _check_name(name)
    if not isinstance(member, Member) or not member.can(P.SEND_MESSAGES, forum):
        raise ClientRefused("you do not have permission to open posts here")
    if not content.strip() or len(content) > MAX_CONTENT:
        raise ClientRefused(f"a post begins with a message of 1 to {MAX_CONTENT} characters")
    return forum.create_post(name, owner=member, content=content)


def _check_name(name: str) -> None:
    if not 1 <= len(name.strip()) <= MAX_NAME:
        raise ClientRefused(f"a name has 1 to {MAX_NAME} characters")


def may_archive(actor: User | Member, thread: Thread) -> bool:
    """Whether somebody may archive a thread, or reopen it when it is archived."""
    if not isinstance(actor, Member):
        return False
    if actor.can(P.MANAGE_THREADS, thread):
        return True
    if thread.locked:
        return False
    if thread.archived:
        return actor.can(P.SEND_MESSAGES_IN_THREADS, thread)
    return thread.owner.id == actor.id


def change_thread(
    actor: User | Member, thread: Channel, *, archived: bool | None, locked: bool | None
) -> None:
    """Archive or reopen, lock or unlock; None leaves things as they are."""
    if not isinstance(thread, Thread):
        raise ClientRefused("this is not a thread")
    manages = isinstance(actor, Member) and actor.can(P.MANAGE_THREADS, thread)
    if locked is not None and locked != thread.locked and not manages:
        raise ClientRefused("only who manages threads can lock and unlock them")
    if archived is not None and archived != thread.archived and not may_archive(actor, thread):
        raise ClientRefused("you cannot archive or reopen this thread")
    thread.update(archived=archived, locked=locked)


def delete_thread(actor: User | Member, thread: Channel) -> None:
    """Delete a thread with everything in it."""
    if not isinstance(thread, Thread):
        raise ClientRefused("this is not a thread")
    if not isinstance(actor, Member) or not actor.can(P.MANAGE_THREADS, thread):
        raise ClientRefused("only who manages threads can delete them")
    thread.delete()
