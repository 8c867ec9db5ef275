"""Whatever Discord answers and whenever the process dies: each change is told once, in order."""

from __future__ import annotations

import asyncio
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Callable, Coroutine
from contextlib import ExitStack
from dataclasses import replace
from itertools import count, pairwise
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from bot.errors import TryLater
from bot.store import choices, governing
from bot.store.audit import Act
from bot.store.migrate import migrate
from tests.fakes import House, MovableClock, PostedSilent, PostedUnheard, World

GUILDS, CHANNELS = (10, 20), (700, 701)
OUTCOMES: dict[str, Callable[[], Exception | PostedUnheard | PostedSilent]] = {
    "later": lambda: TryLater(30),
    "posted, unheard": PostedUnheard,
    "silent": lambda: PostedSilent(asyncio.Event()),
    "accident": lambda: RuntimeError("of our own"),
}


class Logs(RuleBasedStateMachine):
    """Two servers with a log each; every change is the block of a member nobody has blocked yet.

    ``wanted`` are the changes that must be told, by server; ``unsure`` those that were waiting
    when their log was turned off, for a channel that may take nothing.
    """

    schema = b""

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        folder = Path(self.stack.enter_context(tempfile.TemporaryDirectory()))
        if not Logs.schema:
            migrate(folder / "pika.db")
            Logs.schema = (folder / "pika.db").read_bytes()
        (folder / "pika.db").write_bytes(Logs.schema)
        self.runner = self.stack.enter_context(asyncio.Runner())
        self.world = World.new(folder, b"", clock=MovableClock())
        self.clock, self.discord = self.world.clock, self.world.discord
        self.members = count(1)
        self.log: dict[int, int | None] = dict.fromkeys(GUILDS)
        self.wanted: dict[int, list[int]] = {guild: [] for guild in GUILDS}
        self.unsure: set[int] = set()
        self.house: House

    def run(self, work: Coroutine[Any, Any, Any]) -> None:
        self.runner.run(work)

    async def restart(self) -> None:
        """As after a kill."""
        if hasattr(self, "house"):
            await self.house.crash()
        self.house = await House.open(self.world)

    async def write(self, guild: int, change: Callable[[sqlite3.Connection, Act], Any]) -> None:
        act = Act(guild, 900, self.clock.now())
        await self.house.database.write(lambda tx: change(tx, act))

    async def tell(self) -> None:
        """A round that ends, but for posts that hang."""
        await self.house.log.round()
        for _ in range(60):
            await asyncio.sleep(0.0003)
            if not len(self.house.log._errands):
                break

    @initialize()
    def start(self) -> None:
        self.run(self.restart())

    @rule(guild=st.sampled_from(GUILDS), number=st.sampled_from([1, 3, 30]))
    def change(self, guild: int, number: int) -> None:
        """Members are blocked."""
        for member in [next(self.members) for _ in range(number)]:
            self.run(self.write(guild, lambda tx, act, m=member: governing.block(tx, act, m)))
            if self.log[guild] is not None:
                self.wanted[guild].append(member)

    @rule(guild=st.sampled_from(GUILDS), which=st.sampled_from([0, 0, 1, None]))
    def choose(self, guild: int, which: int | None) -> None:
        """The log is turned on, moved, or turned off. Servers share no channel."""
        channel = None if which is None else CHANNELS[which] + guild * 10
        if channel is None:
            self.unsure |= set(self.wanted[guild]) - set(self.told(guild))

        def choose(tx: sqlite3.Connection, act: Act) -> None:
            choices.change(tx, act, replace(choices.read(tx, guild), log=channel))

        self.run(self.write(guild, choose))
        self.log[guild] = channel

    @rule(how=st.sampled_from(sorted(OUTCOMES)))
    def the_next_post(self, how: str) -> None:
        """What Discord answers."""
        if len(self.discord.announcements) < 3:
            self.discord.announcements.append(OUTCOMES[how]())

    @rule(guild=st.sampled_from(GUILDS), which=st.sampled_from([0, 1]), heard=st.booleans())
    def close_or_open(self, guild: int, which: int, heard: bool) -> None:
        """A channel takes nothing, or does again, of which the gateway tells or does not."""
        channel = CHANNELS[which] + guild * 10
        if self.discord.closed.pop(channel, None) is None:
            self.discord.closed[channel] = 50013
        if heard:
            self.house.closed.reopen(guild)

    @rule(seconds=st.sampled_from([1, 61, 700, 3_600]))
    def wait(self, seconds: int) -> None:
        """Time passes, and a round comes."""
        self.clock.move(seconds)
        self.run(self.tell())

    @rule()
    def crash(self) -> None:
        """The process is killed, perhaps while it posts."""
        self.run(self.restart())

    def told(self, guild: int) -> list[int]:
        """The members of whose blocks this server was told, as the messages stand in time."""
        return [
            int(line[2 : line.index(">")])
            for one in self.discord.announced.values()
            if one.guild_id == guild
            for line in one.text.split("\n")
            if "→ blocked" in line
        ]

    @invariant()
    def nothing_twice_and_all_in_order(self) -> None:
        for guild in GUILDS:
            told = self.told(guild)
            assert [m for m, times in Counter(told).items() if times > 1] == []
            assert all(before < after for before, after in pairwise(told)), told
            assert set(told) <= set(self.wanted[guild])

    def teardown(self) -> None:
        """Nothing goes wrong any more: what must be told is."""

        async def end() -> None:
            self.discord.closed.clear()
            self.discord.announcements.clear()
            await self.restart()
            self.clock.move(6 * 3_600)
            waiting = True
            for _ in range(200):
                await self.tell()
                self.clock.move(1)
                rows = await self.house.database.fetch("SELECT 1 FROM log_line LIMIT 1", {})
                waiting = bool(rows)
                if not waiting:
                    break
            await self.house.crash()
            assert not waiting

        try:
            if hasattr(self, "house"):
                self.run(end())
                self.nothing_twice_and_all_in_order()
                for guild in GUILDS:
                    assert set(self.wanted[guild]) - self.unsure <= set(self.told(guild))
        finally:
            self.stack.close()


TestLogs = Logs.TestCase
TestLogs.settings = settings(
    max_examples=50,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
