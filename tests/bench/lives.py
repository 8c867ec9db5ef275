"""The bot's processes, one life after the other: started, killed, measured."""

from __future__ import annotations

import asyncio
import re
import statistics
import time
from bisect import bisect_right
from contextlib import suppress
from dataclasses import dataclass, field

import aiohttp
import psutil

from bot.demo.process import BotProcess
from tests.e2e.town import START_SECONDS, STOP_SECONDS, Town

SAMPLE_SECONDS = 1.0
PRESENCE_SECONDS = 0.01
WARM_SECONDS = 10.0
"""What a process loads in its first seconds is no leak: the slope is taken from then on."""

_LAG = re.compile(rb"^pikabot_loop_lag_max_seconds (\S+)$", re.MULTILINE)


@dataclass
class Life:
    """One process: when it was there, how it ended, and what it was like."""

    number: int
    began: float
    ended: float = 0.0
    end: str = ""
    connected: bool = False
    rss: list[tuple[float, int]] = field(default_factory=list)
    stall: float = 0.0

    @property
    def seconds(self) -> float:
        """How long it lived."""
        return self.ended - self.began

    @property
    def slope(self) -> float | None:
        """Bytes per minute that it grew once it was warm; None for a short life."""
        warm = [(at, size) for at, size in self.rss if at - self.began >= WARM_SECONDS]
        if len(warm) < 10:
            return None
        times, sizes = zip(*warm, strict=True)
        return statistics.linear_regression(times, sizes).slope * 60

    def row(self) -> str:
        """One line of the report."""
        first, last = (self.rss[0][1], self.rss[-1][1]) if self.rss else (0, 0)
        slope = "" if self.slope is None else f"{self.slope / 1e6:+8.1f} MB/min"
        return (
            f"  {self.number:>3} {self.seconds:7.1f} s {first / 1e6:8.1f} {last / 1e6:8.1f} MB "
            f"{slope:>16} {self.stall * 1000:8.0f} ms  {self.end}"
        )


class Presence:
    """When the bot was connected to the gateway."""

    def __init__(self) -> None:
        self._times: list[float] = [0.0]
        self._states: list[bool] = [False]

    def note(self, present: bool) -> None:
        """So it is from now on."""
        if present != self._states[-1]:
            self._times.append(time.time())
            self._states.append(present)

    @property
    def now(self) -> bool:
        """Whether it is there."""
        return self._states[-1]

    def throughout(self, begin: float, end: float) -> bool:
        """Whether it was there all this time."""
        first, last = bisect_right(self._times, begin) - 1, bisect_right(self._times, end) - 1
        return all(self._states[first : last + 1])


class Keeper:
    """Keeps a bot running, as a service manager does, and lets others end it."""

    def __init__(self, town: Town, settings: dict[str, str], *, port: int) -> None:
        self.town = town
        self.lives: list[Life] = []
        self.presence = Presence()
        self.kills = 0
        self.complaints: list[tuple[float, str]] = []
        self._settings = settings
        self._metrics = f"http://127.0.0.1:{port}/metrics"
        self._changing = asyncio.Lock()
        self._tasks: list[asyncio.Task[None]] = []
        self._expected_end = False

    @property
    def life(self) -> Life:
        """The present one."""
        return self.lives[-1]

    async def open(self) -> None:
        """Start the first one; it is in its servers when this returns."""
        await self._start()
        self._tasks = [
            asyncio.create_task(self._watch_presence(), name="presence"),
            asyncio.create_task(self._sample(), name="samples"),
            asyncio.create_task(self._supervise(), name="supervisor"),
        ]
        await self.connected()
        await self.town.discord.commands_registered(START_SECONDS)

    async def connected(self) -> None:
        """Wait until the process that runs now has come up."""
        await self.town.discord.wait_for(lambda: self.presence.now, timeout=START_SECONDS)

    async def close(self) -> None:
        """Nobody watches any more."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # -- ends -----------------------------------------------------------------------------------

    async def kill(self, *, away: float = 0.0) -> None:
        """SIGKILL, and a new process after ``away`` seconds."""
        async with self._changing:
            await self._kill("SIGKILL")
            await asyncio.sleep(away)
            await self._start()

    async def terminate(self, *, again: bool = True) -> None:
        """SIGTERM, and a new process if wished ``again``."""
        async with self._changing:
            assert self.town.bot is not None
            self._expected_end = True
            life, began = self.life, time.time()
            code = await self.town.bot.stop(STOP_SECONDS + 2)
            took = time.time() - began
            self._over(f"SIGTERM, exit code {code} after {took:.1f} s")
            # While it only starts up, the signal may end it in the ordinary way.
            if code != 0 and life.connected:
                self._complain(f"life {life.number}: {life.end}")
            if took > STOP_SECONDS:
                self._complain(f"life {life.number} took {took:.1f} s to stop")
            if again:
                await self._start()

    async def start_a_second(self) -> None:
        """Another process on the same data directory: it must give up with 75."""
        folder = self.town.folder / "second"
        other = BotProcess(self.town.settings(**self._settings), folder)
        async with self._changing:  # no kill meanwhile: the lock would be free
            await self.town.discord.wait_for(lambda: self.life.connected, timeout=START_SECONDS)
            await other.start()
            with suppress(TimeoutError):
                async with asyncio.timeout(START_SECONDS):
                    await other.process.wait()
            code = await other.stop()
        if code != 75:
            self._complain(f"a second process ended with {code}, not 75")

    def _complain(self, text: str) -> None:
        self.complaints.append((time.time(), text))

    async def _kill(self, how: str) -> None:
        assert self.town.bot is not None
        self._expected_end = True
        self.kills += 1
        await self.town.bot.kill()
        self._over(how)

    def _over(self, how: str) -> None:
        self.presence.note(False)
        self.life.ended, self.life.end = time.time(), how

    async def _start(self) -> None:
        self.town.discord.gateway.forget_sessions()
        bot = BotProcess(self.town.settings(**self._settings), self.town.folder)
        self.lives.append(Life(len(self.lives) + 1, time.time()))
        await bot.start()
        self.town.bot = bot
        self._expected_end = False

    async def _supervise(self) -> None:
        """A process that ends by itself is a finding, and is started again."""
        while True:
            bot = self.town.bot
            assert bot is not None
            code = await bot.process.wait()
            async with self._changing:
                if self.town.bot is not bot:
                    continue
                if self._expected_end:
                    return  # the last one
                self._over(f"ended by itself, exit code {code}")
                self._complain(f"life {self.life.number} {self.life.end}")
                await bot.stop()
                await self._start()

    # -- looking --------------------------------------------------------------------------------

    async def _watch_presence(self) -> None:
        while True:
            there = self.town.running and self.town.discord.gateway.is_connected
            self.presence.note(there)
            self.life.connected = self.life.connected or there
            await asyncio.sleep(PRESENCE_SECONDS)

    async def _sample(self) -> None:
        timeout = aiohttp.ClientTimeout(total=SAMPLE_SECONDS)
        async with aiohttp.ClientSession(timeout=timeout) as http:
            while True:
                await asyncio.sleep(SAMPLE_SECONDS)
                life, bot = self.life, self.town.bot
                if bot is None or life.ended or not life.connected:
                    continue
                with suppress(psutil.Error):
                    size = psutil.Process(bot.process.pid).memory_info().rss
                    life.rss.append((time.time(), size))
                with suppress(aiohttp.ClientError, TimeoutError):
                    async with http.get(self._metrics) as answer:
                        found = _LAG.search(await answer.read())
                        if found and life is self.life:
                            life.stall = max(life.stall, float(found[1]))
