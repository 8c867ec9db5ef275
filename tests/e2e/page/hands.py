"""A bot of a few lines that sends whatever it is told, over the real REST API and gateway."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any, Self

import aiohttp

from bot.sandbox.discord import EmbeddedDiscord, Member, Message, Permission
from bot.sandbox.pika import EmbeddedPika
from tests.e2e.page.visit import PATIENCE_MS

Json = dict[str, Any]
Answer = Json | Callable[[Json], Json] | None

GUILDS = 1
IDENTIFY = {"token": "", "intents": GUILDS, "properties": {"os": "", "browser": "", "device": ""}}
MESSAGE, LATER, UPDATE_LATER, UPDATE, SUGGEST, FORM = 4, 5, 6, 7, 8, 9


class Hands:
    """The bot, and the small server it is in. It looks like a ``Scene`` to whoever opens a page.

    ``answers`` maps a command's name or a custom id to the callback that answers it; without
    one the bot is silent. ``heard`` is every interaction so far, ``answered`` those that were.
    """

    def __init__(self, discord: EmbeddedDiscord, pika: EmbeddedPika) -> None:
        self.discord = discord
        self.pika = pika
        self.guild = discord.world.create_guild("Test hall")
        self.alice = self.guild.join(discord.world.create_user("alice"))
        self.bob = self.guild.join(discord.world.create_user("bob"))
        self.mara = self.guild.join(
            discord.world.create_user("mara"), permissions=Permission.ADMINISTRATOR
        )
        self.crew = self.guild.create_role("Crew")
        self.channel = self.guild.create_text_channel("stage")
        self.other = self.guild.create_text_channel("backstage")
        self.answers: dict[str, Answer] = {}
        self.heard: list[Json] = []
        self.answered: list[Json] = []
        self._news = asyncio.Condition()
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(self.discord.base_url)
        self._socket = await self._session.ws_connect(
            f"{self.discord.gateway.url}?v=10&encoding=json"
        )
        self._spawn(self._listen())
        await self.discord.connected()
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._socket.close()
        await self._session.close()

    def _spawn(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)

    async def _listen(self) -> None:
        await self._socket.receive_json()
        await self._socket.send_json({"op": 2, "d": {**IDENTIFY, "token": self.discord.token}})
        await self._socket.send_json({"op": 1, "d": None})
        async for frame in self._socket:
            event = json.loads(frame.data)
            if event.get("t") == "INTERACTION_CREATE":
                self._spawn(self._answer(event["d"]))

    async def _answer(self, interaction: Json) -> None:
        async with self._news:
            self.heard.append(interaction)
            self._news.notify_all()
        data = interaction["data"]
        name = data.get("custom_id") or data["name"]
        if interaction["type"] == 4:
            name = f"{name}?"
        answer = self.answers.get(name)
        if answer is None:
            return
        body = answer(interaction) if callable(answer) else answer
        path = f"/api/v10/interactions/{interaction['id']}/{interaction['token']}/callback"
        async with self._session.post(path, json=body) as reply:
            assert reply.status == 204, await reply.text()
        async with self._news:
            self.answered.append(interaction)
            self._news.notify_all()

    # -- acting -------------------------------------------------------------------------------

    async def call(
        self, method: str, path: str, body: Any, files: dict[str, bytes] | None = None
    ) -> Any:
        """A request with the bot's token; what was answered."""
        headers = {"Authorization": self.discord.authorization}
        how: Json = {"json": body}
        if files:
            form = aiohttp.FormData()
            form.add_field("payload_json", json.dumps(body), content_type="application/json")
            for number, (name, data) in enumerate(files.items()):
                form.add_field(f"files[{number}]", data, filename=name)
            how = {"data": form}
        async with self._session.request(
            method, f"/api/v10{path}", headers=headers, **how
        ) as reply:
            said = await reply.json() if reply.content_type == "application/json" else None
            assert reply.status < 300, said
            return said

    async def post(self, files: dict[str, bytes] | None = None, **body: Any) -> Message:
        """Post a message into the channel."""
        if files:
            body["attachments"] = [{"id": str(n), "filename": f} for n, f in enumerate(files)]
        made = await self.call("POST", f"/channels/{self.channel.id}/messages", body, files)
        found = self.channel.find(int(made["id"]))
        assert found is not None
        return found

    async def edit(self, message: Message, **body: Any) -> None:
        """Change a message."""
        await self.call("PATCH", f"/channels/{message.channel.id}/messages/{message.id}", body)

    async def delete(self, message: Message) -> None:
        """Take a message away."""
        await self.call("DELETE", f"/channels/{message.channel.id}/messages/{message.id}", None)

    async def after(self, interaction: Json, **body: Any) -> None:
        """Edit the first answer to an interaction."""
        path = (
            f"/webhooks/{interaction['application_id']}/{interaction['token']}/messages/@original"
        )
        await self.call("PATCH", path, body)

    async def take_back(self, name: str) -> None:
        """Delete the answer to the last interaction with this command or custom id, once given;
        of a press that changes nothing, the message that it sits on.
        """
        async with asyncio.timeout(PATIENCE_MS / 1000), self._news:
            await self._news.wait_for(lambda: any(_is(one, name) for one in self.answered))
        one = next(one for one in reversed(self.answered) if _is(one, name))
        base = f"/webhooks/{one['application_id']}/{one['token']}"
        await self.call("DELETE", f"{base}/messages/@original", None)

    async def commands(self, *commands: Json) -> list[Json]:
        """Register these and no others."""
        path = f"/applications/{self.discord.application_id}/commands"
        registered: list[Json] = await self.call("PUT", path, list(commands))
        return registered

    # -- looking ------------------------------------------------------------------------------

    async def told(self, name: str, count: int = 1) -> Json:
        """Wait for the nth interaction with this command or custom id; its data."""

        def named() -> list[Json]:
            return [one["data"] for one in self.heard if _is(one, name)]

        async with asyncio.timeout(PATIENCE_MS / 1000), self._news:
            await self._news.wait_for(lambda: len(named()) >= count)
        return named()[count - 1]

    @staticmethod
    def say(content: str, *, private: bool = False, **more: Any) -> Json:
        """An answer with a message."""
        return {
            "type": MESSAGE,
            "data": {"content": content, "flags": 64 if private else 0, **more},
        }

    @property
    def players(self) -> tuple[Member, ...]:
        """Everybody here."""
        return (self.alice, self.bob, self.mara)


def _is(interaction: Json, name: str) -> bool:
    data = interaction["data"]
    return name in (data.get("custom_id"), data.get("name"))
