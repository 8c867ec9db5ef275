"""People in several servers who ask, look, cancel and try what is not theirs, without end."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from bot.sandbox.discord import (
    Channel,
    ClientRefused,
    Fault,
    Guild,
    Invocation,
    Member,
    Message,
    TextChannel,
    Thread,
)
from tests.e2e.town import Town, png

BOOSTS = (0, 0, 2, 3)
"""The boost tiers of the servers: the last two take large videos as they are."""

MEMBERS = 6
ACK_SECONDS = 3.0
VERBS = ("create", "create", "animate", "encrypt_text", "encrypt_image")
FONTS = ("MODERN", "COMICS", "SANS SERIF", "BAUHAUS", "RETRO")
LARGE_SHARE = 0.025
CALLBACK = "/interactions/{interaction_id}/{interaction_token}/callback"


@dataclass
class Asked:
    """One use of a command or button, by whom and where; ``prompt`` names a wish for a video.

    ``excuse`` is why nobody can expect it to be answered in time.
    """

    what: str
    at: float
    where: Channel
    invocation: Invocation
    prompt: str = ""
    excuse: str = ""

    @property
    def answered(self) -> bool:
        """Whether Discord took an answer within its three seconds."""
        return self.invocation.kind is not None

    @property
    def card(self) -> Message | None:
        """The public card that answered it."""
        message = self.invocation.message
        return None if message is None or message.ephemeral else message


class Crowd:
    """Everybody; ``act`` lets one of them do something."""

    def __init__(self, town: Town, draw: random.Random, large_video: bytes) -> None:
        self.town = town
        self.discord = town.discord
        self.draw = draw
        self.asked: list[Asked] = []
        self.gone: list[Message] = []
        self.impossible: Counter[str] = Counter()
        self.lost_next = 0
        self.answer_faults: list[tuple[str, dict[str, Any], str]] = []
        self.on_fault: Callable[[str, Fault], None] = lambda _name, _fault: None
        self.moderators: set[int] = set()
        self.moderate: Callable[[], Awaitable[None]] = self.look
        self._large_video = large_video
        self._picture = png()
        self._wishes = 0
        self.guilds: list[Guild] = []
        self.places: list[Channel] = []
        self._found_the_servers()

    def _found_the_servers(self) -> None:
        world = self.discord.world
        both = [world.create_user(f"traveller-{n}") for n in range(2)]
        for number, tier in enumerate(BOOSTS):
            guild = world.create_guild(f"Club {number}", boost_tier=tier)
            self.guilds.append(guild)
            for n in range(MEMBERS - len(both)):
                guild.join(world.create_user(f"member-{number}-{n}"))
            for user in both:
                guild.join(user)
            for n in range(2):
                channel = guild.create_text_channel(f"videos-{n}")
                self.places.append(channel)
                for _ in range(2):
                    self.open_thread(channel)
            forum = guild.create_forum("ideas")
            self.places.append(forum.create_post("an idea", owner=self.people(guild)[0]))

    def people(self, guild: Guild) -> list[Member]:
        """Its members, without its owner, its moderators and the bot."""
        others = {guild.world.bot.id, guild.owner_id, *self.moderators}
        return [member for member in guild.members.values() if member.id not in others]

    def open_thread(self, channel: TextChannel) -> Thread:
        """One more thread in which people ask."""
        owner = self.draw.choice(self.people(channel.guild))
        thread = channel.create_thread(f"clips {len(self.places)}", owner=owner)
        self.places.append(thread)
        return thread

    def delete_thread(self, thread: Thread) -> None:
        """Delete it; its messages are remembered, and another one is opened instead."""
        self.gone += thread.messages
        self.places.remove(thread)
        thread.delete()
        parent = thread.parent
        if isinstance(parent, TextChannel):
            self.open_thread(parent)

    # -- acting ---------------------------------------------------------------------------------

    async def act(self) -> None:
        """Somebody does something."""
        what = self.draw.random()
        try:
            if what < 0.76:
                await self.wish()
            elif what < 0.86:
                await self.cancel()
            elif what < 0.94:
                await self.moderate()
            else:
                await self.look()
        except ClientRefused as error:
            self.impossible[str(error).split(" '", maxsplit=1)[0][:40]] += 1

    async def wish(self) -> None:
        """Ask for a video."""
        draw = self.draw
        where = draw.choice(self.places)
        who = draw.choice(self.people(_guild(where)))
        verb = draw.choice(VERBS)
        prompt = f"wish {self._wishes + 1}: a fox in the snow"
        options: dict[str, Any] = {"prompt": prompt}
        if verb == "animate" or (verb == "create" and draw.random() < 0.1):
            options["image"] = self._picture
        if verb == "encrypt_text":
            options |= {"message": "hello", "font": draw.choice(FONTS)}
        if verb == "encrypt_image":
            options["message"] = self._picture
        invocation = await self.discord.invoke(who, where, verb, **options)
        self._wishes += 1
        if draw.random() < LARGE_SHARE:
            self.town.pika.script(match=prompt, video=self._large_video)
        self.note(Asked(f"/{verb}", time.time(), where, invocation, prompt))

    async def cancel(self) -> None:
        """Press a Cancel button, mostly one's own."""
        recent = [a for a in self.asked[-40:] if a.prompt and a.card and not a.card.deleted]
        can = [a for a in recent if any(b.label == "Cancel" for b in a.card.buttons)]  # type: ignore[union-attr]
        if not can:
            return
        chosen = self.draw.choice(can)
        card, who = chosen.card, chosen.invocation.actor
        if self.draw.random() < 0.15:
            who = self.draw.choice(self.people(_guild(chosen.where)))
        assert card is not None
        pressed = await self.discord.press(who, card, label="Cancel")
        self.note(Asked("Cancel", time.time(), chosen.where, pressed))

    async def look(self) -> None:
        """Ask something that costs nothing."""
        where = self.draw.choice(self.places)
        who = self.draw.choice(self.people(_guild(where)))
        command = self.draw.choice(("jobs", "quota", "help"))
        invocation = await self.discord.invoke(who, where, command)
        self.note(Asked(f"/{command}", time.time(), where, invocation))

    def note(self, asked: Asked) -> None:
        """Somebody has used a command or a button; the next misfortune of answers is its own."""
        self.asked.append(asked)
        if self.lost_next:
            self.lost_next -= 1
            asked.excuse = "the event was lost"
        elif self.answer_faults:
            name, how, asked.excuse = self.answer_faults.pop()
            token = asked.invocation.token
            fault = Fault("POST", CALLBACK, match=lambda seen: token in seen.path, **how)
            self.on_fault(name, self.discord.faults.add(fault))


def _guild(where: Channel) -> Guild:
    assert where.guild is not None
    return where.guild
