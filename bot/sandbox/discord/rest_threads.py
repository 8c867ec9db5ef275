"""Threads: start them, join them, list them."""

from __future__ import annotations

from typing import Any

from . import access, drafts, message_payload, payloads, uploads
from .call import Call
from .channels import (
    ANNOUNCEMENT_THREAD,
    ARCHIVE_MINUTES,
    PRIVATE_THREAD,
    PUBLIC_THREAD,
    ForumChannel,
    GuildChannel,
    TextChannel,
    Thread,
)
from .errors import Problems, refusal
from .messages import HAS_THREAD, THREAD_CREATED
from .people import Member
from .permissions import P
from .rest_channels import MAX_NAME
from .rest_messages import size_limits
from .routing import Answer, Routes
from .snowflake import snowflake

Json = dict[str, Any]
routes = Routes()

_THREADS = "/channels/{channel_id}/threads"
_MEMBERS = "/channels/{channel_id}/thread-members"


def _check(body: Json) -> None:
    problems = Problems()
    name = body.get("name")
    if not isinstance(name, str) or not 1 <= len(name) <= MAX_NAME:
        problems.add("name", "BASE_TYPE_BAD_LENGTH", f"Must be between 1 and {MAX_NAME} in length.")
    if body.get("auto_archive_duration") not in (None, *ARCHIVE_MINUTES):
        problems.add(
            "auto_archive_duration",
            "BASE_TYPE_CHOICES",
            "Value must be one of {60, 1440, 4320, 10080}.",
        )
    problems.refuse()


def _apply(thread: Thread, body: Json) -> None:
    thread.auto_archive_minutes = body.get("auto_archive_duration") or thread.auto_archive_minutes
    thread.slowmode = body.get("rate_limit_per_user") or 0
    thread.applied_tags = [snowflake(tag, "applied_tags") for tag in body.get("applied_tags") or []]
    if body.get("invitable") is not None:
        thread.invitable = body["invitable"]


@routes("POST", "/channels/{channel_id}/messages/{message_id}/threads")
async def start_from_message(call: Call) -> Answer:
    """Start a public thread from a message; it gets the message's id."""
    channel = call.channel()
    access.require(channel, P.CREATE_PUBLIC_THREADS)
    message = access.message_in(channel, call.id("message_id"))
    if not isinstance(channel, TextChannel):
        raise refusal(50024)
    if message.thread is not None:
        raise refusal(160004)
    body = call.form()
    _check(body)
    thread = Thread(channel, PUBLIC_THREAD, body["name"], call.world.bot, starter=message)
    _apply(thread, body)
    message.flags |= HAS_THREAD
    channel.guild.add_thread(thread, starter=message)
    return 201, thread.payload()


@routes("POST", _THREADS)
async def start_thread(call: Call) -> Answer:
    """Start a thread without a message, or a post in a forum with one."""
    channel = call.channel()
    access.require_view(channel)
    body = call.form()
    if isinstance(channel, ForumChannel):
        return _start_post(call, channel, body)
    if not isinstance(channel, TextChannel):
        raise refusal(50024)
    _check(body)
    kind = body.get("type") or PRIVATE_THREAD
    if kind == ANNOUNCEMENT_THREAD:
        raise refusal(50024)
    needed = P.CREATE_PRIVATE_THREADS if kind == PRIVATE_THREAD else P.CREATE_PUBLIC_THREADS
    access.require(channel, needed)
    bot = call.world.bot
    thread = Thread(channel, kind, body["name"], bot)
    _apply(thread, body)
    channel.guild.add_thread(thread)
    if kind == PUBLIC_THREAD:
        announced = drafts.Draft(content=thread.name)
        call.world.posting.create(channel, bot, announced, kind=THREAD_CREATED)
    return 201, thread.payload()


def _start_post(call: Call, forum: ForumChannel, body: Json) -> Answer:
    _check(body)
    # In forums the right to send messages is the right to open posts.
    access.require(forum, P.SEND_MESSAGES)
    inner: Json = body.get("message") or {}
    if call.files:
        access.require(forum, P.ATTACH_FILES)
    uploads.check_sizes(call, *size_limits(forum))
    draft = drafts.read(inner, call.files)
    bot = call.world.bot
    thread = Thread(forum, PUBLIC_THREAD, body["name"], bot)
    _apply(thread, body)
    forum.guild.add_thread(thread)
    first = call.world.posting.create(thread, bot, draft, message_id=thread.id)
    return 201, {**thread.payload(), "message": message_payload.message(first)}


def _thread(call: Call) -> Thread:
    channel = call.channel()
    access.require_view(channel)
    if not isinstance(channel, Thread):
        raise refusal(50024)
    return channel


def _member(call: Call, thread: Thread) -> Member:
    raw = call.params.get("user_id")
    user_id = call.world.bot.id if raw is None else snowflake(raw, "user_id")
    member = thread.guild.members.get(user_id)
    if member is None:
        raise refusal(10007)
    return member


async def join(call: Call) -> Answer:
    """Join a thread, or add somebody to it."""
    thread = _thread(call)
    member = _member(call, thread)
    access.require_unarchived(thread)
    if "user_id" in call.params:
        access.require(thread, P.SEND_MESSAGES_IN_THREADS)
    if member.id not in thread.members:
        thread.add_member(member)
    return 204, None


async def leave(call: Call) -> Answer:
    """Leave a thread, or remove somebody from it."""
    thread = _thread(call)
    member = _member(call, thread)
    access.require_unarchived(thread)
    if "user_id" in call.params:
        access.require(thread, P.MANAGE_THREADS)
    thread.remove_member(member)
    return 204, None


for _path in (f"{_MEMBERS}/@me", f"{_MEMBERS}/{{user_id}}"):
    routes("PUT", _path)(join)
    routes("DELETE", _path)(leave)


@routes("GET", f"{_MEMBERS}/{{user_id}}")
async def get_thread_member(call: Call) -> Answer:
    """Whether somebody is in the thread."""
    thread = _thread(call)
    member = _member(call, thread)
    if member.id not in thread.members:
        raise refusal(10007)
    return 200, payloads.thread_member(thread, member.id)


@routes("GET", _MEMBERS)
async def list_thread_members(call: Call) -> Answer:
    """Everybody in the thread."""
    thread = _thread(call)
    return 200, [payloads.thread_member(thread, user_id) for user_id in thread.members]


def _listing(threads: list[Thread], bot_id: int, *, has_more: bool = False) -> Json:
    mine = [payloads.thread_member(t, bot_id) for t in threads if bot_id in t.members]
    answer: Json = {"threads": [t.payload() for t in threads], "members": mine}
    answer["has_more"] = has_more
    return answer


@routes("GET", "/guilds/{guild_id}/threads/active")
async def active_threads(call: Call) -> Answer:
    """The open threads of a server that the bot sees."""
    guild = call.guild()
    bot = guild.bot
    assert bot is not None
    found = [t for t in guild.threads.values() if not t.archived and t.visible_to(bot)]
    answer = _listing(found, bot.id)
    return 200, answer


def _archived(call: Call, *, private: bool, joined: bool = False) -> Answer:
    channel = call.channel()
    access.require(channel, P.READ_MESSAGE_HISTORY)
    if not isinstance(channel, GuildChannel):
        raise refusal(50024)
    if private and not joined:
        access.require(channel, P.MANAGE_THREADS)
    limit = call.number("limit", 50, 2, 100)
    bot_id = call.world.bot.id
    found = [
        t
        for t in channel.guild.threads.values()
        if t.parent is channel
        and t.archived
        and t.private is private
        and (not joined or bot_id in t.members)
    ]
    found.sort(key=lambda t: t.archived_at, reverse=True)
    return 200, _listing(found[:limit], bot_id, has_more=len(found) > limit)


@routes("GET", f"{_THREADS}/archived/public")
async def archived_public(call: Call) -> Answer:
    """Archived public threads, the last archived first."""
    return _archived(call, private=False)


@routes("GET", f"{_THREADS}/archived/private")
async def archived_private(call: Call) -> Answer:
    """Archived private threads, for those who manage threads."""
    return _archived(call, private=True)


@routes("GET", "/channels/{channel_id}/users/@me/threads/archived/private")
async def archived_joined(call: Call) -> Answer:
    """Archived private threads the bot is a member of."""
    return _archived(call, private=True, joined=True)
