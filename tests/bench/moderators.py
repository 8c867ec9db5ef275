"""Moderators of half of the servers: they look at every video, decide, and change the channel."""

from __future__ import annotations

import asyncio
import random
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from bot.rules.policy import ReviewRule
from bot.sandbox.discord import (
    ClientRefused,
    DidNotRespond,
    Guild,
    Invocation,
    Member,
    Message,
    Permission,
    TextChannel,
)
from tests.bench.crowd import ACK_SECONDS, Asked, Crowd
from tests.e2e.choosing import choose
from tests.judge import Posted

AT_ONCE = 3
"""Videos that a moderator decides about in one go."""

HOW = {"Approve": 6, "Reject…": 3, "Block…": 1}
"""How often a moderator does what."""

EVERYTHING = ReviewRule(everything=True)


class Moderators:
    """Two in each server that holds its videos; ``data`` is the bot's directory."""

    def __init__(self, crowd: Crowd, draw: random.Random, data: Path) -> None:
        self._crowd = crowd
        self._draw = draw
        self._data = data
        self._forms: set[asyncio.Task[None]] = set()
        self._rooms: dict[Guild, TextChannel] = {}
        self._people: dict[Guild, list[Member]] = {}
        self.decided = 0
        world = crowd.discord.world
        for number, guild in enumerate(crowd.guilds[::2]):
            role = guild.create_role("moderators", Permission.MANAGE_GUILD)
            people = [guild.join(world.create_user(f"mod-{number}-{n}")) for n in range(2)]
            for member in people:
                member.add_role(role)
                crowd.moderators.add(member.id)
            self._people[guild] = people
        crowd.moderate = self.decide

    async def open(self) -> None:
        """From now on their videos are held: in a room of their own, or where members ask."""
        for number, guild in enumerate(self._people):
            room = next(c for c in guild.channels.values() if c.name == "videos-0")
            assert isinstance(room, TextChannel)
            await self._choose(guild, guild.create_text_channel("reviews") if number else room)

    async def move(self) -> None:
        """One server chooses another channel, and perhaps deletes the one before."""
        guild = self._draw.choice(list(self._people))
        before = self._rooms[guild]
        await self._choose(guild, guild.create_text_channel(f"reviews-{time.time():.0f}"))
        if before not in self._crowd.places and self._draw.random() < 0.5:
            before.delete()

    async def lose(self) -> None:
        """One server deletes its channel, and chooses another one only some seconds later."""
        guild = self._draw.choice(list(self._people))
        before = self._rooms[guild]
        if before in self._crowd.places:
            await self.move()
            return
        before.delete()
        try:
            await asyncio.sleep(self._draw.uniform(3, 8))
        finally:
            await self._choose(guild, guild.create_text_channel(f"reviews-{time.time():.0f}"))

    async def _choose(self, guild: Guild, room: TextChannel) -> None:
        self._rooms[guild] = room
        await choose(
            self._data, guild.id, lambda now: replace(now, review=room.id, look_at=EVERYTHING)
        )

    async def decide(self) -> None:
        """One of them decides about some videos, sometimes both at once."""
        guild = self._draw.choice(list(self._people))
        for message in self._open(guild)[:AT_ONCE]:
            for member in self._people[guild][: 1 + (self._draw.random() < 0.3)]:
                (label,) = self._draw.choices(list(HOW), list(HOW.values()))
                with suppress(ClientRefused):
                    await self._press(member, message, label)

    async def decide_all(self) -> None:
        """Approve whatever waits, again and again, until cancelled."""
        while True:
            for guild, people in self._people.items():
                for message in self._open(guild):
                    with suppress(ClientRefused):
                        await self._press(people[0], message, "Approve")
            await asyncio.sleep(1.0)

    async def end(self) -> None:
        """Nobody has a form open any more."""
        await asyncio.gather(*self._forms)

    def _open(self, guild: Guild) -> list[Message]:
        posted = Posted.of(self._crowd.discord.world).reviews
        return [
            message
            for messages in posted.values()
            for message in messages
            if message.buttons and message.channel.guild is guild and not message.deleted
        ]

    async def _press(self, member: Member, message: Message, label: str) -> None:
        pressed = await self._crowd.discord.press(member, message, label=label)
        self.decided += 1
        self._crowd.note(Asked(label, time.time(), message.channel, pressed))
        if label != "Approve":
            typed = {"reason": "not here"} | ({"hours": "0.02"} if label == "Block…" else {})
            task = asyncio.create_task(self._fill_in(member, message, pressed, typed), name="form")
            self._forms.add(task)
            task.add_done_callback(self._forms.discard)

    async def _fill_in(
        self, member: Member, message: Message, pressed: Invocation, typed: dict[str, str]
    ) -> None:
        """Submit the form, if it opens."""
        with suppress(DidNotRespond, ClientRefused):
            await pressed.acknowledged(ACK_SECONDS + 1)
            sent = await self._crowd.discord.submit_modal(member, pressed, typed)
            self._crowd.note(Asked("form", time.time(), message.channel, sent))
