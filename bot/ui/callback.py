"""Answering a command with one lean request.

discord.py's own way builds a message, a view and an embed as objects for each answer, only
to take them apart again, and a second message out of Discord's reply; it also sleeps a whole
second after a 5xx. Of the three seconds there are, none is to spare: this sends the finished
body over connections of its own and reads the one number that is needed from the reply.

Source: Discord docs, interactions/receiving-and-responding, "Create Interaction Response".
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Self

import discord
import orjson

from bot.ui.connections import Connections

TRIES = 3
CONNECTIONS = 64
"""Connections for answers at once, kept apart from those on which videos are uploaded. One
per outstanding answer, as discord.py opens them, loses most of a burst of 5,000."""

CHANNEL_MESSAGE = 4
UPDATE_MESSAGE = 7
MODAL = 9
INVALID_FORM = 50035
UNKNOWN_INTERACTION = 10062
ALREADY_ANSWERED = 40060
TRY_SECONDS = 5.0
_USER_AGENT = f"DiscordBot (https://github.com/Rapptz/discord.py {discord.__version__})"
"""Discord asks every client of its API for this form, or may block it."""


class NotAnsweredError(Exception):
    """Discord did not take the answer, or nobody knows. ``code`` is Discord's, 0 for none."""

    def __init__(self, code: int, why: str) -> None:
        super().__init__(f"{why} ({code})" if code else why)
        self.code = code


class Responder:
    """Sends first answers. ``on_answer`` is told every HTTP status, or the word of an error."""

    def __init__(self, connections: Connections, on_answer: Callable[[int | str], None]) -> None:
        self._connections = connections
        self._on_answer = on_answer

    @classmethod
    @contextmanager
    def open(
        cls, api_url: str, tls: ssl.SSLContext, on_answer: Callable[[int | str], None]
    ) -> Iterator[Self]:
        """A responder with connections of its own to this REST base."""
        connections = Connections(
            api_url, tls=tls, user_agent=_USER_AGENT, limit=CONNECTIONS, seconds=TRY_SECONDS
        )
        try:
            yield cls(connections, on_answer)
        finally:
            connections.close()

    async def answer(self, interaction: discord.Interaction[Any], message: dict[str, Any]) -> int:
        """Answer with ``message``, a body as in Discord's docs; the id of the message it became.

        A lost connection or a 5xx is tried again at once, as Discord takes only one first
        answer. Raises ``NotAnsweredError``.
        """
        return await self._message(interaction, CHANNEL_MESSAGE, message)

    async def update(self, interaction: discord.Interaction[Any], message: dict[str, Any]) -> int:
        """Answer a button, a select or a form by changing the message that it is on, in the same
        way. Raises ``NotAnsweredError``.
        """
        return await self._message(interaction, UPDATE_MESSAGE, message)

    async def ask(self, interaction: discord.Interaction[Any], form: dict[str, Any]) -> None:
        """Answer with a form, in the same way. Raises ``NotAnsweredError``."""
        await self._respond(interaction, MODAL, form)

    async def _message(
        self, interaction: discord.Interaction[Any], kind: int, message: dict[str, Any]
    ) -> int:
        reply = await self._respond(interaction, kind, message)
        return (await interaction.original_response()).id if reply is None else _message_id(reply)

    async def _respond(
        self, interaction: discord.Interaction[Any], kind: int, data: dict[str, Any]
    ) -> bytes | None:
        """Discord's reply; ``None`` where an earlier try has arrived, whose reply nobody got."""
        body = orjson.dumps({"type": kind, "data": data})
        path = f"/interactions/{interaction.id}/{interaction.token}/callback?with_response=true"
        for tried in range(1, TRIES + 1):
            try:
                status, reply = await self._connections.post(path, body)
            except OSError as error:
                self._on_answer("no_answer")
                if tried == TRIES:
                    raise NotAnsweredError(0, type(error).__name__) from error
                continue
            self._on_answer(status)
            if status == 200:
                return reply
            code = _code(reply)
            if code == ALREADY_ANSWERED and tried > 1:
                return None
            if status < 500 or tried == TRIES:
                raise NotAnsweredError(code, f"HTTP {status}")
        raise AssertionError("the last try returns or raises")


def _message_id(reply: bytes) -> int:
    try:
        return int(orjson.loads(reply)["interaction"]["response_message_id"])
    except (ValueError, KeyError, TypeError):
        raise NotAnsweredError(0, "the reply names no message") from None


def _code(reply: bytes) -> int:
    """Discord's error code in a reply, 0 where there is none."""
    try:
        return int(orjson.loads(reply)["code"])
    except (ValueError, KeyError, TypeError):
        return 0
