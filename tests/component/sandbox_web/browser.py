"""A page played from Python."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Callable
from typing import Any

import aiohttp

from tests.component.sandbox_web.contract import check

Json = dict[str, Any]

PATIENCE = 10.0


class Browser:
    """An open page: the documents it was sent, and what it asks for."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, origin: str) -> None:
        self.origin = origin
        self.state: Json = {}
        self.log: list[Json] = []
        self._socket = socket
        self._numbers = itertools.count(1)

    async def receive(self) -> Json:
        """The next message; documents are kept, and checked against the contract."""
        message = await self._socket.receive()
        assert message.type is aiohttp.WSMsgType.TEXT, message
        body: Json = json.loads(message.data)
        self.log.append(body)
        if "set" in body:
            if body["all"]:
                self.state.clear()
            for key in body["del"]:
                del self.state[key]
            for key, document in body["set"].items():
                check(key, document)
            self.state.update(body["set"])
        return body

    async def until(self, condition: Callable[[], Any], seconds: float = PATIENCE) -> Any:
        """The first true value of ``condition``."""
        async with asyncio.timeout(seconds):
            while not (found := condition()):
                await self.receive()
        return found

    async def answer(self, do: str, /, **fields: Any) -> Json:
        """Ask for something; the whole answer."""
        number = next(self._numbers)
        await self.send({"id": number, "do": do, **fields})
        while True:
            body = await self.receive()
            if "set" not in body and body["id"] == number:
                return body

    async def send(self, body: Any) -> None:
        await self._socket.send_str(body if isinstance(body, str) else json.dumps(body))

    async def ask(self, do: str, /, **fields: Any) -> Json:
        """Ask for something that can be done."""
        body = await self.answer(do, **fields)
        assert "error" not in body, body
        done: Json = body["ok"]
        return done

    async def refused(self, do: str, /, **fields: Any) -> str:
        """Ask for something that cannot be done; the words."""
        body = await self.answer(do, **fields)
        words: str = body["error"]
        assert words
        assert "Traceback" not in words
        assert "Something went wrong" not in words
        return words

    def all(self, kind: str) -> list[Json]:
        """The documents of one kind."""
        return [data for key, data in self.state.items() if key.split(":")[0] == kind]

    def named(self, name: str) -> Json:
        """The place of this name."""
        return next(place for place in self.all("channel") if place["name"] == name)

    def texts(self) -> list[str]:
        """What is to be read in all messages."""
        return [message["content"] for message in self.all("message")]
