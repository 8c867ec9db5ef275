"""One open page: whom it plays, what it has been sent, and what it waits for."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any, Final, NamedTuple

import orjson
from aiohttp import web

from bot.sandbox.discord import Invocation, User
from bot.sandbox.discord.invocations import COMPONENT
from bot.sandbox.web.places import milliseconds
from bot.sandbox.web.protocol import change

_log = logging.getLogger(__name__)

Json = dict[str, Any]
Look = Callable[["Connection"], dict[str, Json]]

PAUSE: Final = 0.04
"""Seconds that pass between a change and its way to the page: many come together."""

_REMEMBERED: Final = 50


class _Doing(NamedTuple):
    invocation: Invocation
    custom_id: str | None


class Connection:
    """A page. ``look`` makes all documents that it should have now."""

    def __init__(self, socket: web.WebSocketResponse, user: User, look: Look) -> None:
        self.socket = socket
        self.user = user
        self.dirty = asyncio.Event()
        self.form: Invocation | None = None
        self.submission: Invocation | None = None
        self.form_error: str | None = None
        self._look = look
        self._sent: dict[str, Json] | None = None
        self._doing: dict[int, _Doing] = {}
        self._sending = asyncio.Lock()

    # what this page waits for

    def began(self, invocation: Invocation, custom_id: str | None = None) -> None:
        """The person did something on this page; ``custom_id`` names what they pressed."""
        self._doing[invocation.id] = _Doing(invocation, custom_id)
        while len(self._doing) > _REMEMBERED:
            del self._doing[next(iter(self._doing))]

    def forget(self, number: object) -> bool:
        """Dismiss something that failed; whether it was there."""
        for one in self._doing:
            if str(one) == number and self._doing[one].invocation.failed:
                del self._doing[one]
                return True
        return False

    def submitted(self, invocation: Invocation) -> None:
        """The open form was submitted."""
        self.submission, self.form_error = invocation, None

    def close_form(self) -> None:
        """The form goes away."""
        self.form = self.submission = self.form_error = None

    def become(self, user: User) -> None:
        """Play somebody else."""
        self.user = user
        self.close_form()

    def settle(self) -> None:
        """Note what was answered since the last look."""
        answered = [i for i, _ in self._doing.values() if i.kind is not None]
        for invocation in answered:
            del self._doing[invocation.id]
            if invocation.modal is not None and invocation.user is self.user:
                self.close_form()
                self.form = invocation
        if self.submission is not None and self.submission.kind is not None:
            self.close_form()
        elif self.submission is not None and self.submission.failed:
            self.submission = None
            self.form_error = "Something went wrong. Try again."
        if self.form is not None and self.form.channel.deleted:
            self.close_form()

    def documents(self) -> dict[str, Json]:
        """The documents that only this page has."""
        found = {
            f"invocation:{number}": _document(one)
            for number, one in self._doing.items()
            if one.invocation.user is self.user and not one.invocation.channel.deleted
        }
        if self.form is not None:
            found["modal"] = self._modal(self.form)
        return found

    def _modal(self, opener: Invocation) -> Json:
        form = opener.modal
        assert form is not None  # only such invocations become a form
        return {
            "id": str(opener.id),
            "title": form["title"],
            "custom_id": form["custom_id"],
            "channel": str(opener.channel.id),
            "components": form["components"],
            "sending": self.submission is not None,
            "error": self.form_error,
        }

    # sending

    async def run(self) -> None:
        """Send what changes, until cancelled or the page is gone."""
        while not self.socket.closed:
            await self.dirty.wait()
            await asyncio.sleep(PAUSE)
            self.dirty.clear()
            await self.flush()

    async def flush(self) -> None:
        """Send now what differs from what the page has."""
        async with self._sending:
            await self._send_difference()

    async def answer(self, body: Json) -> None:
        """Send an answer, and before it what the request changed."""
        async with self._sending:
            await self._send_difference()
            await self._send(body)

    async def _send_difference(self) -> None:
        self.settle()
        now = self._look(self)
        before = self._sent
        if before is None:
            self._sent = now
            await self._send(change(now, [], everything=True))
            return
        fresh = {key: data for key, data in now.items() if before.get(key) != data}
        gone = [key for key in before if key not in now]
        self._sent = now
        if fresh or gone:
            await self._send(change(fresh, gone, everything=False))

    async def _send(self, body: Json) -> None:
        if self.socket.closed:
            return
        try:
            await self.socket.send_str(orjson.dumps(body).decode())
        except ConnectionError:
            _log.debug("the page went away")


def _document(doing: _Doing) -> Json:
    one, custom_id = doing
    component = one.type == COMPONENT
    if one.failed:
        text = "This interaction failed" if component else "The application did not respond"
    else:
        text = "" if component else "Sending command…"
    return {
        "id": str(one.id),
        "kind": "component" if component else "command",
        "name": one.name,
        "channel": str(one.channel.id),
        "message": str(one.source.id) if component and one.source else None,
        "custom_id": custom_id,
        "state": "failed" if one.failed else "pending",
        "text": text,
        "began_at": milliseconds(one.created_at),
    }
