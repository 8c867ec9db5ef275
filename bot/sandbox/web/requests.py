"""What a page may ask for; see `protocol.py`. Each is sent with its ``id`` and its ``do``."""

from __future__ import annotations

from typing import Final, NotRequired, TypedDict

from bot.sandbox.web.documents import Id

Value = str | int | float | bool | list[str] | None
"""What an option or input is given: text, number, yes/no; a user, role or channel by its id; a
file by its token; several of them as a list (selects, file uploads, checkbox groups)."""


class BeRequest(TypedDict):
    """Become somebody else on this page. An open form is closed.

    >>> {"id": 1, "do": "be", "person": "22"}
    """

    person: Id


class DmsRequest(TypedDict):
    """Open or close my direct messages to the bot.

    >>> {"id": 1, "do": "dms", "open": False}
    """

    open: bool


class InvokeRequest(TypedDict):
    """Use a slash command; subcommands follow the name after a space. Left-out options are unset.

    >>> {"id": 2, "do": "invoke", "channel": "31", "command": "encrypt_text",
    ...  "options": {"message": "HELLO", "prompt": "waves", "image": "TOKEN"}}

    Answers ``{"invocation": "77"}`` as soon as the bot was told.
    """

    channel: Id
    command: str
    options: dict[str, Value]


class AutocompleteRequest(TypedDict):
    """Ask for suggestions for the option ``focused``; ``options`` is all that is typed so far.

    >>> {"id": 3, "do": "autocomplete", "channel": "31", "command": "show", "focused": "job",
    ...  "options": {"job": "fo"}}

    Answers ``{"choices": [{"name": "Job 3: a fox", "value": "3"}]}`` when the bot answered, or an
    error after three seconds ("Loading options failed"). Wait for a pause in typing (~250 ms).
    """

    channel: Id
    command: str
    focused: str
    options: dict[str, Value]


class PressRequest(TypedDict):
    """Press a button (not a link).

    >>> {"id": 4, "do": "press", "channel": "31", "message": "99", "custom_id": "cancel:1"}

    Answers ``{"invocation": "78"}``.
    """

    channel: Id
    message: Id
    custom_id: str


class SelectRequest(TypedDict):
    """Choose in a select menu: values of options, or ids of users, roles, channels.

    >>> {"id": 5, "do": "select", "channel": "31", "message": "99", "custom_id": "page",
    ...  "values": ["2"]}

    Answers ``{"invocation": "79"}``.
    """

    channel: Id
    message: Id
    custom_id: str
    values: list[str]


class SubmitRequest(TypedDict):
    """Submit the open form: values by custom id; what is left out stays as the bot preset it.

    >>> {"id": 6, "do": "submit", "modal": "78", "values": {"prompt": "a wolf", "files": ["TOKEN"]}}

    Text inputs take text, checkboxes true/false, radio groups one value, all others a list.
    Answers ``{"invocation": "80"}``.
    """

    modal: Id
    values: dict[str, Value]


class CloseRequest(TypedDict):
    """Close the open form without submitting it; the bot is not told.

    >>> {"id": 7, "do": "close", "modal": "78"}
    """

    modal: Id


class MessageMenuRequest(TypedDict):
    """Use a command (type 3) from a message's menu, by its name.

    >>> {"id": 8, "do": "message_menu", "channel": "31", "message": "99", "command": "Redo this"}

    Answers ``{"invocation": "81"}``.
    """

    channel: Id
    message: Id
    command: str


class UserMenuRequest(TypedDict):
    """Use a command (type 2) from a user's menu, by its name.

    >>> {"id": 9, "do": "user_menu", "channel": "31", "user": "22", "command": "Usage"}

    Answers ``{"invocation": "82"}``.
    """

    channel: Id
    user: Id
    command: str


class PostRequest(TypedDict):
    """Write a message of my own: text, files, or both; ``reply_to`` a message.

    >>> {"id": 10, "do": "post", "channel": "31", "content": "nice!", "files": ["TOKEN"],
    ...  "reply_to": "99"}

    Answers ``{"message": "100"}``.
    """

    channel: Id
    content: str
    files: NotRequired[list[str]]
    reply_to: NotRequired[Id]


class DeleteRequest(TypedDict):
    """Delete a message of mine, or anybody's with Manage Messages.

    >>> {"id": 11, "do": "delete", "channel": "31", "message": "100"}
    """

    channel: Id
    message: Id


class DismissRequest(TypedDict):
    """Dismiss an ephemeral message.

    >>> {"id": 12, "do": "dismiss", "message": "101"}
    """

    message: Id


class ForgetRequest(TypedDict):
    """Dismiss a failed invocation.

    >>> {"id": 13, "do": "forget", "invocation": "77"}
    """

    invocation: Id


class ThreadRequest(TypedDict):
    """Start a thread in a text channel, from ``message`` if given; or a post in a forum.

    >>> {"id": 14, "do": "thread", "channel": "30", "name": "spring clips", "private": False}
    >>> {"id": 14, "do": "thread", "channel": "32", "name": "My film", "content": "Look!"}

    ``content`` is the first message: required in a forum, optional elsewhere. Answers
    ``{"channel": "40"}``.
    """

    channel: Id
    name: str
    message: NotRequired[Id]
    private: NotRequired[bool]
    content: NotRequired[str]


class ThreadStateRequest(TypedDict):
    """Archive or reopen a thread, lock or unlock it; what is left out stays.

    >>> {"id": 15, "do": "thread_state", "channel": "40", "archived": True, "locked": True}
    """

    channel: Id
    archived: NotRequired[bool]
    locked: NotRequired[bool]


class DeleteThreadRequest(TypedDict):
    """Delete a thread.

    >>> {"id": 16, "do": "delete_thread", "channel": "40"}
    """

    channel: Id


class ToolRequest(TypedDict):
    """Do what a drawer offers; ``fields`` by the names of the tool's fields (left out: its value).

    >>> {"id": 17, "do": "tool", "tool": "discord_5xx", "fields": {"times": 3}}
    >>> {"id": 17, "do": "tool", "tool": "bot_kill", "fields": {}}

    Answers ``{"said": "Discord answers 503 to the next 3 requests."}``, one sentence to show.
    """

    tool: str
    fields: dict[str, str | float]


class UndoRequest(TypedDict):
    """End a misfortune that is in force. Answers ``{"said": "…"}``.

    >>> {"id": 18, "do": "undo", "fault": "3"}
    """

    fault: Id


class FinishJobRequest(TypedDict):
    """Let Pika finish a running job now.

    >>> {"id": 19, "do": "finish_job", "job": "ab12cd34-ef56-0001"}
    """

    job: Id


class FailJobRequest(TypedDict):
    """Let a running job fail now.

    >>> {"id": 20, "do": "fail_job", "job": "ab12cd34-ef56-0001"}
    """

    job: Id


REQUESTS: Final[dict[str, type]] = {
    "be": BeRequest,
    "dms": DmsRequest,
    "invoke": InvokeRequest,
    "autocomplete": AutocompleteRequest,
    "press": PressRequest,
    "select": SelectRequest,
    "submit": SubmitRequest,
    "close": CloseRequest,
    "message_menu": MessageMenuRequest,
    "user_menu": UserMenuRequest,
    "post": PostRequest,
    "delete": DeleteRequest,
    "dismiss": DismissRequest,
    "forget": ForgetRequest,
    "thread": ThreadRequest,
    "thread_state": ThreadStateRequest,
    "delete_thread": DeleteThreadRequest,
    "tool": ToolRequest,
    "undo": UndoRequest,
    "finish_job": FinishJobRequest,
    "fail_job": FailJobRequest,
}
