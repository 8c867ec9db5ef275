"""A listener that runs, and how strangers, Pika, Prometheus and a probe speak to it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

from bot.clock import SystemClock
from bot.errors import JobNotFound
from bot.health import Health
from bot.listener import Listener
from bot.metrics import Metrics
from bot.workflow.changes import Changes
from bot.workflow.queue import FairQueue

KNOWN = "known-reference-of-a-job"
NOW = 1_700_000_000_000
MIB = 1024 * 1024


async def until(condition: Callable[[], bool]) -> None:
    """Let everything else go on until ``condition`` holds."""
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - nothing tells, and no time passes
            await asyncio.sleep(0)


@dataclass
class Reader:
    """Stands for the poller: reads jobs when told to, knows one of them."""

    begun: list[str] = field(default_factory=list)
    names: list[str | None] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)
    cancelled: int = 0
    error: Exception | None = None
    go_on: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        """Nothing holds reads up unless a test says so."""
        self.go_on.set()

    async def hint(self, reference: str, pika_id: str | None) -> None:
        """Read the job of this reference, which Pika may call so."""
        self.begun.append(reference)
        self.names.append(pika_id)
        try:
            await self.go_on.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        if self.error is not None:
            raise self.error
        self.ended.append(reference)
        if reference != KNOWN:
            raise JobNotFound(0)


@dataclass
class Disk:
    """What readiness looks at, as ordered."""

    now: int = NOW
    connected: bool = True
    spare: int = 100 * MIB
    overdue: int = 0
    error: Exception | None = None
    hangs: asyncio.Event | None = None
    written: list[str] = field(default_factory=list)

    async def write(self, text: str) -> None:
        """Keep ``text``, unless ordered to fail or to hang."""
        self.written.append(text)
        if self.hangs is not None:
            await self.hangs.wait()
        if self.error is not None:
            raise self.error

    async def late(self, _due: int, _wanted: int) -> int:
        """As many as ordered."""
        return self.overdue

    def health(self, limit: float = 5.0) -> Health:
        """Readiness of this world."""
        return Health(
            ready=lambda: self.connected,
            write=self.write,
            spare=lambda: self.spare,
            late=self.late,
            now=lambda: self.now,
            limit=limit,
        )


@dataclass
class Site:
    """A listener that runs, and how to speak to it."""

    listener: Listener
    metrics: Metrics
    http: aiohttp.ClientSession
    reader: Reader
    disk: Any
    seconds: list[float]

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.listener.port}"

    async def get(self, path: str) -> tuple[int, str]:
        """Status and text of a GET."""
        async with self.http.get(self.url + path) as answer:
            return answer.status, await answer.text()

    async def call(self, reference: str, **options: object) -> tuple[int, str]:
        """Call back; status and text."""
        path = f"{self.url}/callbacks/{reference}"
        async with self.http.post(path, **options) as answer:  # type: ignore[arg-type]
            return answer.status, await answer.text()

    async def ready(self) -> tuple[int, dict[str, str]]:
        """Status and checks of readiness."""
        status, text = await self.get("/readyz")
        told = json.loads(text)
        assert told["ready"] is (status == 200)
        return status, told["checks"]

    def counted(self, name: str, result: str) -> float:
        """A counter by its result."""
        for family in text_string_to_metric_families(self.metrics.text().decode()):
            for sample in family.samples:
                if sample.name == name and sample.labels == {"result": result}:
                    return sample.value
        raise KeyError(result)

    async def raw(self, sent: bytes, *, then: bytes = b"") -> bytes:
        """Send bytes and read to the end; ``then`` goes when asked to continue, and is the last."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.listener.port)
        try:
            writer.write(sent)
            async with asyncio.timeout(10):
                if then:
                    await reader.readuntil(b"100 Continue\r\n\r\n")
                    writer.write(then)
                    writer.write_eof()
                return await reader.read()
        finally:
            writer.close()
            await writer.wait_closed()


@asynccontextmanager
async def listening(health: Health, disk: Any = None) -> AsyncIterator[Site]:
    """A listener on any free port, whose rate limit sees only the time of ``seconds``."""
    metrics = Metrics(Changes(), FairQueue(), SystemClock())
    reader, seconds = Reader(), [0.0]
    listener = Listener(
        "127.0.0.1",
        0,
        health=health,
        metrics=metrics,
        hint=reader.hint,
        monotonic=lambda: seconds[0],
    )
    async with listener, aiohttp.ClientSession() as http:
        yield Site(listener, metrics, http, reader, disk, seconds)
        reader.go_on.set()
