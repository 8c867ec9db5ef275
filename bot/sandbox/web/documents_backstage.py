"""The documents about the bot, the embedded Pika and the drawers; see `protocol.py`."""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict

from bot.sandbox.web.documents import Id, User


class Bot(TypedDict):
    """The bot's process, and whether it is connected.

    ``state``: ``starting`` (process up, not connected yet), ``online``, ``offline`` (process up,
    gateway lost), ``stopped`` (no process), ``failed`` (it ended by itself with ``exit_code``;
    ``log`` then holds its last lines, otherwise it is empty).  ``starts`` counts the processes.
    ``pid`` is null without a process, ``exit_code`` null with one or before the first.

    >>> {"state": "online", "pid": 4711, "since_at": 1795248000123, "starts": 1,
    ...  "exit_code": None, "log": [], "user": {…}, "can": ["kill", "stop", "restart"]}

    ``can``: which of ``start``, ``stop``, ``kill``, ``restart`` make sense now; they are tools
    of the same names with ``bot_`` before (``bot_kill``). Empty when nobody here may do so.
    """

    state: Literal["starting", "online", "offline", "stopped", "failed"]
    pid: int | None
    since_at: int
    starts: int
    exit_code: int | None
    log: list[str]
    user: User
    can: list[Literal["start", "stop", "kill", "restart"]]


class Pika(TypedDict):
    """The embedded Pika API as a whole.

    >>> {"up": True, "paused": False, "running": 2, "slots": 10, "render_seconds": 8.0,
    ...  "callbacks": True, "next": ["slow"]}

    ``running`` jobs of ``slots``. ``callbacks``: whether the bot asks to be called back.
    ``next``: in order, what was ordered for the next jobs (``slow``, ``moderated``, ``failed``,
    ``stuck``).
    """

    up: bool
    paused: bool
    running: int
    slots: int
    render_seconds: float
    callbacks: bool
    next: list[str]


class CallbackSeen(TypedDict):
    """A callback of Pika's: HTTP status, or null and the error ("lost on order")."""

    status: int | None
    error: str | None
    at: int


class Place(TypedDict):
    """Where a video was posted."""

    channel: Id
    message: Id


class Job(TypedDict):
    """A job at the embedded API.

    >>> {"id": "ab12cd34-ef56-0001", "number": 1, "verb": "create", "prompt": "a fox",
    ...  "status": "progress", "percent": 40, "error": None, "created_at": 1795248000123,
    ...  "updated_at": 1795248001123, "can": ["finish", "fail"], "callbacks": [],
    ...  "posted": [{"channel": "31", "message": "99"}]}

    ``status``: ``created``, ``started``, ``progress``, ``completed``, ``moderated``, ``failed``,
    ``cancelled``. ``posted``: where the embedded Discord has exactly these bytes in a message
    that is not deleted (a re-encoded video is not recognised): the proof of "exactly once".
    """

    id: Id
    number: int
    verb: str
    prompt: str
    status: str
    percent: int
    error: str | None
    created_at: int
    updated_at: int
    can: list[Literal["finish", "fail"]]
    callbacks: list[CallbackSeen]
    posted: list[Place]


class Choice(TypedDict):
    """One entry of a ``choice`` field."""

    value: str
    label: str


class Field(TypedDict):
    """One input of a tool.

    ``kind``: ``number`` (with ``min``, ``max``, ``step``), ``choice`` (with ``choices``), or
    ``guild`` / ``channel`` (a text channel) / ``thread`` (of any guild; the page offers those it
    knows, its own current one first). ``value`` is what to offer first; null for "the current".
    """

    name: str
    label: str
    kind: Literal["number", "choice", "guild", "channel", "thread"]
    value: str | float | None
    min: NotRequired[float]
    max: NotRequired[float]
    step: NotRequired[float]
    choices: NotRequired[list[Choice]]


class Tool(TypedDict):
    """Something that a drawer can do: a small form with one button.

    >>> {"name": "discord_5xx", "drawer": "faults", "group": "Discord", "order": 10,
    ...  "title": "Discord answers 5xx", "about": "The next answers are errors.",
    ...  "fields": [{"name": "times", "label": "requests", "kind": "number", "value": 3,
    ...              "min": 1, "max": 50, "step": 1}], "danger": False, "why_not": None}

    ``why_not``: in words why it makes no sense now (disable it), null when it does. ``danger``:
    draw it as such. Sort by ``order``; ``group`` is a heading.
    """

    name: str
    drawer: Literal["pika", "faults"]
    group: str
    order: int
    title: str
    about: str
    fields: list[Field]
    danger: bool
    why_not: str | None


class Fault(TypedDict):
    """A misfortune in force, until it is used up or undone (``undo``).

    >>> {"id": "3", "drawer": "faults", "tool": "discord_5xx", "since_at": 1795248000123,
    ...  "title": "Discord answers 503 to the next 3 requests", "left": 2, "used": 1}

    ``left`` is null for those without a count (until undone).
    """

    id: Id
    drawer: Literal["pika", "faults"]
    tool: str
    title: str
    left: int | None
    used: int
    since_at: int
