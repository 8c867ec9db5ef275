"""Answering a command with one lean request.

discord.py's own way builds a message, a view and an embed as objects for each answer, only
to take them apart again, and a second message out of Discord's reply; it also sleeps a whole
second after a 5xx. Of the three seconds there are, none is to spare: this sends the finished
body and reads the one number that is needed from the reply.

Source: Discord docs, interactions/receiving-and-responding, "Create Interaction Response".
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Self

import aiohttp
import discord
import orjson
import yarl

TRIES = 3
CONNECTIONS = 64
"""Connections for answers at once, kept apart from those on which videos are uploaded. One
per outstanding answer, as discord.py opens them, loses most of a burst of 5,000."""

CHANNEL_MESSAGE = 4
UNKNOWN_INTERACTION = 10062
ALREADY_ANSWERED = 40060
_HEADERS = {"Content-Type": "application/json"}


class NotAnsweredError(Exception):
    """Discord did not take the answer, or nobody knows. ``code`` is Discord's, 0 for none."""

    def __init__(self, code: int, why: str) -> None:
        super().__init__(f"{why} ({code})" if code else why)
        self.code = code


class Responder:
    """Sends first answers. ``on_answer`` is told every HTTP status, or the word of an error."""

    def __init__(
        self, session: aiohttp.ClientSession, on_answer: Callable[[int | str], None]
    ) -> None:
        self._session = session
        self._on_answer = on_answer

    @classmethod
    @asynccontextmanager
    async def open(cls, on_answer: Callable[[int | str], None]) -> AsyncIterator[Self]:
        """A responder with connections of its own."""
        async with aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=CONNECTIONS),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=5),
        ) as session:
            yield cls(session, on_answer)

    async def answer(self, interaction: discord.Interaction[Any], message: dict[str, Any]) -> int:
        """Answer with ``message``, a body as in Discord's docs; the id of the message it became.

        A lost connection or a 5xx is tried again at once, as Discord takes only one first
        answer. Raises ``NotAnsweredError``.
        """
        body = orjson.dumps({"type": CHANNEL_MESSAGE, "data": message})
        address = yarl.URL(
            f"{discord.http.Route.BASE}/interactions/{interaction.id}/{interaction.token}"
            "/callback?with_response=true",
            encoded=True,
        )
        for tried in range(1, TRIES + 1):
            try:
                status, reply = await self._post(address, body)
            except (aiohttp.ClientError, OSError) as error:
                self._on_answer("no_answer")
                if tried == TRIES:
                    raise NotAnsweredError(0, type(error).__name__) from error
                continue
            self._on_answer(status)
            if status == 200:
                return int(orjson.loads(reply)["interaction"]["response_message_id"])
            code = _code(reply)
            if code == ALREADY_ANSWERED and tried > 1:
                # An earlier try has arrived after all.
                return (await interaction.original_response()).id
            if status < 500 or tried == TRIES:
                raise NotAnsweredError(code, f"HTTP {status}")
        raise AssertionError("the last try returns or raises")

    async def _post(self, address: yarl.URL, body: bytes) -> tuple[int, bytes]:
        async with self._session.post(address, data=body, headers=_HEADERS) as response:
            return response.status, await response.read()


def _code(reply: bytes) -> int:
    """Discord's error code in a reply, 0 where there is none."""
    try:
        return int(orjson.loads(reply)["code"])
    except (ValueError, KeyError, TypeError):
        return 0
