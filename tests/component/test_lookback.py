"""Looking for an earlier try in channels with thousands of messages, in the embedded Discord."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import discord
import pytest

from bot.errors import Denied, TryLater
from bot.messenger import DiscordMessenger
from bot.model import Delivery, DeliveryKind, DeliveryState, Job, JobState, Requester
from bot.sandbox.discord import EmbeddedDiscord, Fault, Member, Permission, TextChannel
from bot.ui.lookback import MOST, SLACK_MS, TRY_MS
from bot.ui.tokens import AnswerTokens
from bot.workflow.delivery.messenger import Outlook
from tests.component.clients import client
from tests.fakes import MovableClock, a_job

K = DeliveryKind
HISTORY = "/channels/{channel_id}/messages"


@dataclass
class Channel:
    """A busy channel; the bot's clock is ``ahead`` of Discord's by so many milliseconds."""

    discord: EmbeddedDiscord
    messenger: DiscordMessenger
    channel: TextChannel
    alice: Member
    ahead: int = 0
    job: Job = field(init=False)

    def __post_init__(self) -> None:
        self.ask()

    def ask(self) -> None:
        """Alice asks for a video; it fails, so that a notice must be posted."""
        key = self.discord.world.ids.next()
        who = Requester(key, self.alice.id, self.channel.guild.id, self.channel.id)
        over = {"state": JobState.FAILED, "code": "failed", "finished_at": self.now}
        self.job = a_job(7, requester=who, created_at=self.now, **over)

    @property
    def now(self) -> int:
        """What the bot's clock says."""
        return int(self.discord.clock.now() * 1000) + self.ahead

    def wait(self, seconds: float) -> None:
        """Time passes."""
        self.discord.clock.advance(seconds)

    def chat(self, count: int) -> None:
        """People talk, a message every second."""
        for number in range(count):
            self.wait(1)
            self.channel.post(self.alice, f"nice weather {number}")

    def notice(self, *tries: int) -> Delivery:
        """The notice, which was tried at these moments."""
        return Delivery(
            1, 7, K.NOTICE, DeliveryState.PENDING, self.channel.id, attempts=len(tries),
            first_try_at=min(tries, default=None), last_try_at=max(tries, default=None),
        )  # fmt: skip

    async def post(self) -> tuple[int, int]:
        """A try that comes into being: its message, and when it was begun."""
        at = self.now
        return await self.messenger.post(self.job, self.notice(), Outlook(), reply_to=None), at

    async def find(self, delivery: Delivery) -> tuple[int | None, int]:
        """What is found in the end, and how many looks that took."""
        looks = 1
        while True:
            try:
                return await self.messenger.find(self.job, delivery), looks
            except TryLater:
                looks += 1
                assert looks < 20

    @property
    def reads(self) -> int:
        """Requests for messages so far."""
        asked = [(r.method, r.route) for r in self.discord.requests]
        return asked.count(("GET", HISTORY))


@pytest.fixture
async def busy(monkeypatch: pytest.MonkeyPatch, clock: MovableClock) -> AsyncIterator[Channel]:
    """Nobody has written anything yet."""
    path = os.getenv("DISCORD_OPENAPI")
    async with EmbeddedDiscord(openapi=Path(path) if path else None) as server:
        monkeypatch.setattr(discord.http.Route, "BASE", server.api_url)
        guild = server.world.create_guild("Alpha")
        channel = guild.create_text_channel("general")
        alice = guild.join(server.world.create_user("alice"))
        bot = client(clock)
        await bot.login(server.token)
        yield Channel(server, DiscordMessenger(bot, AnswerTokens(clock)), channel, alice)
        await bot.close()
        assert server.violations == []


@pytest.mark.parametrize("ahead", [0, -3_600_000, 3_600_000], ids=["right", "behind", "ahead"])
async def test_an_earlier_try_is_found_in_the_middle_of_thousands(
    busy: Channel, ahead: int
) -> None:
    """It was hidden where more than 200 messages were on each side. Only those around the tries
    are read; where our clock is behind, also those of as long before.
    """
    busy.ahead = ahead
    busy.ask()
    busy.chat(3_000)
    found, at = await busy.post()
    busy.chat(3_000)

    assert (await busy.find(busy.notice(at)))[0] == found
    assert busy.reads <= (3 if ahead >= 0 else 3 + 3_600 // 100)


async def test_what_is_not_there_is_surely_not_there(busy: Channel) -> None:
    """Everything from the first try to long after the last one is looked at, and nothing else."""
    busy.chat(2_000)
    first = busy.now
    busy.chat(1_000)
    last = busy.now
    busy.chat(8_000)

    found, looks = await busy.find(busy.notice(first, last))

    window = (SLACK_MS + (last - first) + TRY_MS) // 1000
    assert found is None
    assert looks == window // MOST + 1
    assert busy.reads <= window // 100 + looks + 1
    assert busy.discord.violations == []


async def test_a_look_that_is_not_through_goes_on_where_it_was(busy: Channel) -> None:
    """Every message is read once, however often the look is broken off; until then nobody says
    that nothing is there.
    """
    first = busy.now
    busy.chat(2_500)
    found, last = await busy.post()
    busy.chat(100)
    busy.discord.faults.add(Fault("GET", HISTORY, skip=7, status=403, code=50001))
    delivery = busy.notice(first, last)

    with pytest.raises(Denied):
        await busy.messenger.find(busy.job, delivery)
    assert await busy.find(delivery) == (found, 1)  # of 2,500, not again the first 700
    assert busy.reads <= 26 + 3


async def test_a_later_try_is_found_by_a_later_look(busy: Channel) -> None:
    """What was looked through once is not looked through again, but for its last minute."""
    first = busy.now
    busy.chat(1_900)
    assert await busy.find(busy.notice(first)) == (None, 1)
    before = busy.reads
    found, last = await busy.post()

    assert await busy.find(busy.notice(first, last)) == (found, 1)
    assert busy.reads - before <= 2


async def test_a_card_that_answered_is_found_whenever_somebody_looks(busy: Channel) -> None:
    """It is no later than the answer can be; what people wrote since is not read."""
    card = await busy.messenger.post(
        busy.job, Delivery(2, 7, K.CARD, DeliveryState.PENDING, busy.channel.id), Outlook(),
        reply_to=None,
    )  # fmt: skip
    busy.chat(3_000)
    delivery = Delivery(2, 7, K.CARD, DeliveryState.PENDING, busy.channel.id)

    assert await busy.find(delivery) == (card, 1)
    busy.ask()
    busy.chat(3_000)
    assert await busy.find(delivery) == (None, 1)
    assert busy.reads <= 3


async def test_a_try_of_before_the_times_were_noted_is_looked_for_from_the_request_on(
    busy: Channel,
) -> None:
    """An upgrade came in between: all there is, is looked at."""
    busy.chat(2_500)
    found, _ = await busy.post()
    busy.chat(2_500)
    before = Delivery(1, 7, K.NOTICE, DeliveryState.PENDING, busy.channel.id, attempts=1)

    assert await busy.find(before) == (found, 2)


async def test_a_message_of_another_job_is_not_taken_for_it(busy: Channel) -> None:
    """Nor one that somebody else has written in the same words."""
    found, at = await busy.post()
    text = busy.channel.messages[0].content
    busy.discord.world.posting.delete(busy.channel.messages[0])
    busy.channel.post(busy.alice, text)

    assert await busy.find(busy.notice(at)) == (None, 1)
    assert found not in [message.id for message in busy.channel.messages]


async def test_a_place_that_shows_nothing_says_so(busy: Channel) -> None:
    """A refusal is no proof of absence."""
    _, at = await busy.post()
    busy.channel.set_overwrite(busy.channel.guild.bot_role, deny=Permission.VIEW_CHANNEL)

    with pytest.raises(Denied):
        await busy.messenger.find(busy.job, busy.notice(at))
