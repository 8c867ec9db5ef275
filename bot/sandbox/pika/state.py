"""What the parts of the server share: its settings, its books and its memory of the traffic."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, field
from typing import Final

from bot.sandbox.pika.accounts import Accounts
from bot.sandbox.pika.clock import Clock
from bot.sandbox.pika.faults import Faults
from bot.sandbox.pika.jobs import JobBook, PikaJob
from bot.sandbox.pika.scripts import Scripts

SECRET_HEADERS: Final = frozenset({"authorization", "proxy-authorization", "cookie", "x-api-key"})


@dataclass(slots=True)
class RequestSeen:
    """One request: `status` stays None when it got no answer; `seconds` is real time.

    `headers` have lower-case names and no secrets; `fields` are the names of the form's parts
    in order, or the keys of a JSON body.
    """

    endpoint: str
    method: str
    path: str
    query: str
    headers: dict[str, str]
    at: float
    fields: tuple[str, ...] = ()
    status: int | None = None
    seconds: float = 0.0
    fault: str | None = None


@dataclass(slots=True)
class CallbackSent:
    """One callback: the body as sent, and the status answered, or None and the `error`."""

    url: str
    jobid: str
    body: dict[str, object]
    at: float
    status: int | None = None
    error: str | None = None


@dataclass(slots=True)
class Tempo:
    """How long things take, in seconds of the server's clock.

    `render`: from acceptance to the end. `accept`: how long the bot takes to answer in Discord,
    during which the POST blocks and the job is `created`. `poll`: useapi.net looks into Discord
    only every so often (15..60 s; docs, get-pika-jobid), so the API's view moves in such steps;
    0 for at once. `link`: how long a link to the CDN lives. `speed` divides all but the last.
    """

    render: float = 2.0
    accept: float = 0.0
    poll: float = 0.0
    link: float = 86400.0
    speed: float = 1.0


class Words:
    """Words that Pika refuses, anywhere in prompt or message, in any case, as whole words."""

    def __init__(self, words: tuple[str, ...]) -> None:
        self._words: tuple[str, ...] = ()
        self._pattern: re.Pattern[str] | None = None
        self.set(words)

    def set(self, words: tuple[str, ...]) -> None:
        """Replace the list."""
        self._words = words
        choice = "|".join(re.escape(word) for word in words)
        self._pattern = re.compile(rf"(?<!\w)(?:{choice})(?!\w)", re.IGNORECASE) if words else None

    def get(self) -> tuple[str, ...]:
        """Return the list."""
        return self._words

    def refuse(self, text: str) -> bool:
        """Say whether the text holds one of them."""
        return self._pattern is not None and self._pattern.search(text) is not None


@dataclass(slots=True, eq=False)
class State:
    """The shared part of one server."""

    token: str
    accounts: Accounts
    tempo: Tempo
    words: Words
    subscription: bool = True
    clock: Clock = field(default_factory=Clock)
    book: JobBook = field(default_factory=JobBook)
    scripts: Scripts = field(default_factory=Scripts)
    faults: Faults = field(default_factory=Faults)
    accepted: list[PikaJob] = field(default_factory=list)
    requests: list[RequestSeen] = field(default_factory=list)
    callbacks: list[CallbackSent] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    origin: str = ""
    _change: asyncio.Future[None] | None = None

    def changed(self) -> None:
        """Wake everyone who waits for something to happen."""
        change, self._change = self._change, None
        if change is not None and not change.done():
            change.set_result(None)

    def next_change(self) -> asyncio.Future[None]:
        """Return a future that is done at the next change."""
        if self._change is None:
            self._change = asyncio.get_running_loop().create_future()
        return self._change
