"""The documents about people, places, messages and commands; see `protocol.py`."""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict

Json = dict[str, Any]
Id = str


class Town(TypedDict):
    """Constant while the server lives.

    ``now_at`` is the embedded Discord's clock when the page connected: count ``<t:…:R>`` from
    ``now_at`` plus the time since, not from the browser's own clock. ``max_file`` in bytes.
    ``application`` is the bot's user id.

    >>> {"now_at": 1795248000123, "max_file": 104857600, "application": "15",
    ...  "discord": "http://127.0.0.1:40001/api/v10", "pika": "http://127.0.0.1:40002/v1/pika"}
    """

    now_at: int
    max_file: int
    application: Id
    discord: str
    pika: str


class User(TypedDict):
    """Discord's user object.

    >>> {"id": "21", "username": "alice", "global_name": "Alice", "bot": False, …}

    There are no avatars (``avatar`` is null): draw initials. Show ``global_name``, or
    ``username`` where that is null; in a server, the member's ``nick`` before both.
    """

    id: Id
    username: str
    global_name: str | None
    bot: bool


class Me(TypedDict):
    """Whom this page plays, and that person's own settings.

    >>> {"id": "21", "user": {…}, "dms_open": True, "home": "31"}

    ``home`` is the channel to show first (null when the person sees none).
    """

    id: Id
    user: User
    dms_open: bool
    home: Id | None


class Person(TypedDict):
    """Somebody whom the page may play, in the order of ``order``.

    >>> {"id": "21", "user": {…}, "title": "Member of Film club",
    ...  "about": "Has been here for months.", "order": 1, "guilds": ["11"]}
    """

    id: Id
    user: User
    title: str
    about: str
    order: int
    guilds: list[Id]


class RoleSeen(TypedDict):
    """A role of a server; ``color`` is 0xRRGGBB, 0 for none. Highest position first."""

    id: Id
    name: str
    color: int
    position: int
    managed: bool
    mentionable: bool


class Guild(TypedDict):
    """A server that I am in.

    >>> {"id": "11", "name": "Film club", "order": 0, "about": "Boosted to tier 2: 50 MiB per file",
    ...  "boost_tier": 2, "upload_limit": 52428800, "owner": "20", "members": 9,
    ...  "installed": True, "roles": [{"id": "12", "name": "Moderators", …}],
    ...  "bot_lacks": ["Attach Files"]}

    ``installed``: whether the bot is a member. ``upload_limit`` in bytes per file. ``roles``
    includes @everyone (its id is the guild's). ``bot_lacks``: which of the permissions that a bot
    needs for its work its role does not have here, in Discord's words.
    """

    id: Id
    name: str
    order: int
    about: str
    boost_tier: int
    upload_limit: int
    owner: Id
    members: int
    installed: bool
    roles: list[RoleSeen]
    bot_lacks: list[str]


class Member(TypedDict):
    """A member of one of my servers (the bot is one, too).

    >>> {"guild_id": "11", "user": {…}, "nick": None, "roles": ["12"], "color": 15277667,
    ...  "joined_at": 1795248000123}
    """

    guild_id: Id
    user: User
    nick: str | None
    roles: list[Id]
    color: int
    joined_at: int


class Standing(TypedDict):
    """What a server thinks of me, from Discord's own facts only.

    >>> {"guild_id": "11", "nick": None, "owner": False,
    ...  "roles": [{"id": "12", "name": "Booster", …}], "joined_at": 1795248000123,
    ...  "account_created_at": 1700000000000, "boosting": True, "timed_out_until_at": None,
    ...  "permissions": ["View Channels", "Send Messages"], "moderator": False}

    ``roles`` without @everyone, highest first. ``permissions`` are the server-wide ones in
    Discord's words. ``moderator``: whether I have Manage Server (or more).
    """

    guild_id: Id
    nick: str | None
    owner: bool
    roles: list[RoleSeen]
    joined_at: int
    account_created_at: int
    boosting: bool
    timed_out_until_at: int | None
    permissions: list[str]
    moderator: bool


class Can(TypedDict):
    """What I may do in a channel; show controls by these, the server checks them anyway.

    ``send``: write here. ``attach``: with files. ``commands``: use application commands at all.
    ``create_threads`` / ``create_private_threads``: start one here (in a forum: ``create_posts``).
    In threads: ``archive`` (close and reopen), ``lock`` (lock and unlock), ``delete``.
    ``manage_messages``: delete what others wrote.
    """

    send: bool
    attach: bool
    commands: bool
    create_threads: bool
    create_private_threads: bool
    create_posts: bool
    archive: bool
    lock: bool
    delete: bool
    manage_messages: bool


class Channel(TypedDict):
    """Discord's channel object, and what I may do there.

    >>> {"id": "31", "type": 11, "guild_id": "11", "name": "winter clips", "parent_id": "30",
    ...  "topic": None, "nsfw": False, "position": 0, "owner_id": "21",
    ...  "thread_metadata": {"archived": False, "locked": False, …}, "last_message_id": "99",
    ...  "can": {"send": True, …}, "why_not": None, "commands": ["51", "52"], "joined": True,
    ...  "bot_sees": True, "upload_limit": 52428800}

    ``type``: 0 text, 1 direct message, 11 public thread, 12 private thread, 15 forum. Threads
    have ``parent_id``, ``owner_id``, ``thread_metadata``, ``message_count``; in a thread started
    from a message, the id is that message's (which then carries ``thread``); direct messages
    have ``recipients`` and no ``guild_id``; their ``name`` is the bot's.

    ``why_not``: in words why I cannot write here, null when I can. ``commands``: the ids of the
    commands I may use here, of all three types. ``joined``: whether I am in the thread.
    ``bot_sees``: whether the bot can see the place. ``upload_limit``: bytes per file of mine.
    """

    id: Id
    type: int
    guild_id: NotRequired[Id]
    name: str
    parent_id: NotRequired[Id | None]
    topic: NotRequired[str | None]
    nsfw: NotRequired[bool]
    position: NotRequired[int]
    owner_id: NotRequired[Id]
    thread_metadata: NotRequired[Json]
    message_count: NotRequired[int]
    recipients: NotRequired[list[User]]
    last_message_id: Id | None
    can: Can
    why_not: str | None
    commands: list[Id]
    joined: bool
    bot_sees: bool
    upload_limit: int


class InvokedBy(TypedDict):
    """Who did what, for the line above an answer: "Alice used /create"."""

    user: Id
    name: str


class MessageSeen(TypedDict):
    """What only a person's client knows of a message.

    ``ephemeral``: only I see it, I can dismiss it. ``thinking``: show "pika is thinking…"
    instead of a body. ``gave_up``: it was thinking for fifteen minutes, nothing can follow: show
    "The application did not respond" instead. ``invoked``: the "Alice used /create" line,
    null for others (follow-ups and answers to buttons have none; they may have
    ``message_reference``). ``mentions_me``: highlight it. ``can_delete``: I may delete
    it. ``guild_id``: null in direct messages.
    """

    ephemeral: bool
    thinking: bool
    gave_up: bool
    invoked: InvokedBy | None
    mentions_me: bool
    can_delete: bool
    guild_id: Id | None


class Message(TypedDict):
    """Discord's message object as my client gets it, and what only my client knows.

    >>> {"id": "99", "channel_id": "31", "type": 20, "author": {…}, "content": "**Job 1** …",
    ...  "timestamp": "2026-11-21T08:00:00+00:00", "edited_timestamp": None, "mentions": [],
    ...  "mention_roles": [], "mention_everyone": False, "attachments": [], "embeds": [],
    ...  "components": [], "flags": 0, "interaction_metadata": {…},
    ...  "client": {"ephemeral": False, "thinking": False, "gave_up": False,
    ...             "invoked": {"user": "21", "name": "/create"}, "mentions_me": False,
    ...             "can_delete": False, "guild_id": "11"}}

    ``type``: 0 ordinary, 18 "started a thread" (``content`` is its name), 19 reply, 20 answer to
    a slash command, 21 first message of a thread, 23 answer to a menu command. Replies have
    ``message_reference`` and ``referenced_message`` (null when it was deleted). ``flags``:
    1<<2 embeds hidden, 1<<6 ephemeral, 1<<7 thinking, 1<<15 Components V2 (then only
    ``components`` are shown). ``thread`` is there when a thread hangs on it. Attachments:
    ``{"id", "filename", "title"?, "size", "url", "content_type"?, "description"?, "width"?,
    "height"?}``; play ``content_type`` video/mp4 in the page.
    """

    id: Id
    channel_id: Id
    type: int
    author: User
    content: str
    timestamp: str
    edited_timestamp: str | None
    mentions: list[User]
    mention_roles: list[Id]
    mention_everyone: bool
    attachments: list[Json]
    embeds: list[Json]
    components: list[Json]
    flags: int
    message_reference: NotRequired[Json]
    referenced_message: NotRequired[Json | None]
    interaction_metadata: NotRequired[Json]
    thread: NotRequired[Json]
    client: MessageSeen


class Command(TypedDict):
    """A registered command as Discord stores it; which channels offer it stands in the channels.

    >>> {"id": "51", "type": 1, "name": "create", "description": "Make a video", "options": [
    ...   {"type": 3, "name": "prompt", "description": "…", "required": True, "max_length": 1500},
    ...   {"type": 11, "name": "image", "description": "…"},
    ...   {"type": 3, "name": "font", "description": "…",
    ...    "choices": [{"name": "RETRO", "value": "RETRO"}]}]}

    ``type``: 1 slash command, 2 menu of a user, 3 menu of a message. Option types: 1 subcommand,
    2 group of subcommands, 3 text, 4 whole number, 5 yes/no, 6 user, 7 channel, 8 role, 9 user or
    role, 10 number, 11 file. An option may have ``required``, ``choices``, ``autocomplete``,
    ``min_value``/``max_value``, ``min_length``/``max_length``, ``channel_types``, ``options``.
    Required options come first. ``mention`` of a command in texts: ``</create:51>``,
    ``</moderate limit:60>``.
    """

    id: Id
    type: Literal[1, 2, 3]
    name: str
    description: str
    options: NotRequired[list[Json]]
    default_member_permissions: str | None
    guild_id: NotRequired[Id]


class Invocation(TypedDict):
    """Something I did on this page that the bot was told of and that is not simply over.

    >>> {"id": "77", "kind": "command", "name": "/create", "channel": "31", "message": None,
    ...  "custom_id": None, "state": "pending", "text": "Sending command…",
    ...  "began_at": 1795248000123}

    ``kind``: ``command`` (slash and menus) or ``component`` (then ``message`` and ``custom_id``
    name what I pressed: show it busy). ``state``: ``pending`` until the bot answered; ``failed``
    once Discord would say so, with the words in ``text`` ("The application did not respond", for
    components "This interaction failed"): show it where it happened, for me only, dismissible by
    ``forget``. Answered ones disappear: the answer is a message or a modal. ``channel`` is where
    it happened; place it after that channel's messages with smaller ids. A submitted form is no
    invocation: see ``Modal.sending`` and ``Modal.error``.
    """

    id: Id
    kind: Literal["command", "component"]
    name: str
    channel: Id
    message: Id | None
    custom_id: str | None
    state: Literal["pending", "failed"]
    text: str
    began_at: int


class Modal(TypedDict):
    """The form that is open on this page.

    >>> {"id": "78", "title": "Edit", "custom_id": "edit:1", "channel": "31", "error": None,
    ...  "sending": False, "components": [
    ...   {"type": 18, "label": "Prompt", "description": "…", "component":
    ...     {"type": 4, "custom_id": "prompt", "style": 2, "required": True, "max_length": 1500,
    ...      "value": "a fox"}}]}

    ``components`` are Discord's: rows (1) with one text input (4), labels (18) with one of: text
    input (4), selects (3, 5, 6, 7, 8), file upload (19), radio group (21), checkbox group (22),
    checkbox (23); and text displays (10). ``sending`` while the bot has not answered the
    submission; ``error`` when it did not answer in time ("Something went wrong. Try again.").
    The form goes away once the bot answered.
    """

    id: Id
    title: str
    custom_id: str
    channel: Id
    components: list[Json]
    sending: bool
    error: str | None
