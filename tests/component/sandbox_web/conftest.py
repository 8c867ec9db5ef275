"""The page's server between both embedded servers, pages played from Python, a bot by hand."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import aiohttp
import pytest

from bot.sandbox.discord import EmbeddedDiscord, Invocation, Member, Permission
from bot.sandbox.pika import EmbeddedPika
from bot.sandbox.web import Page, Player
from tests.component.sandbox_web.browser import Browser

Json = dict[str, Any]

CREATE: Json = {
    "name": "create",
    "description": "Make a video",
    "options": [
        {"type": 3, "name": "prompt", "description": "What to show", "required": True},
        {"type": 11, "name": "image", "description": "A picture"},
        {"type": 6, "name": "friend", "description": "For whom"},
        {"type": 7, "name": "place", "description": "Where"},
        {"type": 8, "name": "group", "description": "A role"},
        {"type": 3, "name": "style", "description": "How", "autocomplete": True},
    ],
}
MODERATE: Json = {
    "name": "moderate",
    "description": "For moderators",
    "contexts": [0],
    "default_member_permissions": str(int(Permission.MANAGE_GUILD)),
    "options": [{"type": 1, "name": "pause", "description": "Pause"}],
}
REPORT: Json = {"name": "Report video", "type": 3}
WHO: Json = {"name": "Usage", "type": 2}


class PretendBot:
    """A process that exists on paper only."""

    def __init__(self) -> None:
        self.pid: int | None = 4711
        self.starts = 1
        self.since = 1_700_000_000.0
        self.exit_code: int | None = None
        self.failed = False
        self._changed: Callable[[], None] = lambda: None

    def log_tail(self, lines: int) -> list[str]:
        return ["first", "last"][-lines:]

    def watch(self, changed: Callable[[], None]) -> None:
        self._changed = changed

    async def start(self) -> None:
        self.pid, self.exit_code, self.failed = 4712, None, False
        self.starts += 1
        self._changed()

    async def stop(self) -> None:
        self._end(0)

    async def kill(self) -> None:
        self._end(-9)

    def die(self) -> None:
        """It ends by itself."""
        self.failed = True
        self._end(1)

    def _end(self, code: int) -> None:
        self.pid, self.exit_code = None, code
        self._changed()


class Stage:
    """Two servers of communities, three people, and the page's server.

    In ``guild`` there are Alice and Mo, its moderator; Bob is in the ``other`` one only.
    """

    def __init__(self, discord: EmbeddedDiscord, pika: EmbeddedPika) -> None:
        self.discord = discord
        self.pika = pika
        self.control = PretendBot()
        world = discord.world
        self.guild = world.create_guild("Film club")
        self.other = world.create_guild("Night market", boost_tier=2)
        users = [world.create_user(name) for name in ("alice", "mo", "bob")]
        self.alice: Member = self.guild.join(users[0])
        moderates = Permission.MANAGE_GUILD | Permission.MANAGE_MESSAGES | Permission.MANAGE_THREADS
        self.mo: Member = self.guild.join(users[1], permissions=moderates)
        self.bob: Member = self.other.join(users[2])
        self.channel = self.guild.create_text_channel("videos")
        self.office = self.guild.create_text_channel("office")
        self.office.set_overwrite(self.guild.everyone, deny=Permission.VIEW_CHANNEL)
        self.office.set_overwrite(self.mo, allow=Permission.VIEW_CHANNEL)
        self.forum = self.guild.create_forum("showcase")
        self.stalls = self.other.create_text_channel("stalls")
        self.thread = self.channel.create_thread("clips", owner=self.alice)
        players = [Player(user, user.name.title(), "Somebody") for user in users]
        self.page = Page(discord, pika, players, control=self.control)

    @property
    def origin(self) -> str:
        return self.page.url.rstrip("/")


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    async with AsyncExitStack() as stack:
        discord = await stack.enter_async_context(EmbeddedDiscord())
        pika = await stack.enter_async_context(EmbeddedPika(render_seconds=0.05, instant=True))
        made = Stage(discord, pika)
        discord.commands.overwrite(None, [CREATE, MODERATE, REPORT, WHO])
        await stack.enter_async_context(made.page)
        yield made
        assert made.page.failures == []
        assert discord.violations == []


OpenPage = Callable[..., Awaitable[Browser]]


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
async def open_page(stage: Stage, http: aiohttp.ClientSession) -> AsyncIterator[OpenPage]:
    """``await open_page(member)`` opens a page that plays them; all documents are there."""
    async with AsyncExitStack() as stack:

        async def opened(who: Member | None = None) -> Browser:
            person = (who or stage.alice).id
            url = f"{stage.origin}/socket?person={person}"
            connecting = http.ws_connect(url, headers={"Origin": stage.origin})
            browser = Browser(await stack.enter_async_context(connecting), stage.origin)
            first = await browser.receive()
            assert first["all"]
            return browser

        yield opened


class ByHand:
    """Answers as the bot would, over its API."""

    def __init__(self, discord: EmbeddedDiscord, http: aiohttp.ClientSession) -> None:
        self._discord = discord
        self._http = http

    def last(self) -> Invocation:
        """The last thing that somebody did."""
        found: Invocation = list(self._discord.interactions._all)[-1]
        return found

    async def answer(self, kind: int, data: Json | None = None) -> None:
        """The first response to the last thing that somebody did."""
        one = self.last()
        url = f"{self._discord.api_url}/interactions/{one.id}/{one.token}/callback"
        async with self._http.post(url, json={"type": kind, "data": data or {}}) as response:
            assert response.status == 204, await response.text()

    async def edit(self, data: Json) -> None:
        """Fill the deferred answer in."""
        token = self.last().token
        url = f"{self._discord.api_url}/webhooks/{self._discord.application_id}/{token}"
        async with self._http.patch(f"{url}/messages/@original", json=data) as response:
            assert response.status == 200, await response.text()

    async def post(self, channel: Any, content: str, name: str = "", data: bytes = b"") -> None:
        """A message of its own, perhaps with a file."""
        form = aiohttp.FormData()
        form.add_field("payload_json", json.dumps({"content": content}))
        if name:
            form.add_field("files[0]", data, filename=name)
        url = f"{self._discord.api_url}/channels/{channel.id}/messages"
        headers = {"Authorization": self._discord.authorization}
        async with self._http.post(url, data=form, headers=headers) as response:
            assert response.status == 200, await response.text()


@pytest.fixture
def bot(stage: Stage, http: aiohttp.ClientSession) -> ByHand:
    return ByHand(stage.discord, http)


@pytest.fixture
def upload(stage: Stage, http: aiohttp.ClientSession) -> Callable[..., Awaitable[Json]]:
    """``await upload("cat.png", data, "image/png")``: what POST /files says, with its status."""

    async def sent(
        name: str, data: bytes, kind: str = "application/octet-stream", **headers: str
    ) -> Json:
        headers = {"Origin": stage.origin, "Content-Type": kind, **headers}
        url = f"{stage.origin}/files"
        async with http.post(url, params={"name": name}, data=data, headers=headers) as response:
            return {"status": response.status, **await response.json()}

    return sent
