"""The listener as a stranger, Pika, Prometheus and a probe see it: over real HTTP."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from bot.clock import SystemClock
from bot.errors import JobNotFound
from bot.listener import (
    BODY_LIMIT,
    BURST,
    FRESH_MS,
    PER_SECOND,
    STALLED_MS,
    WAITING_LIMIT,
    WORKERS,
    Health,
    Listener,
)
from bot.metrics import Metrics
from bot.model import DeliveryKind, Job, JobState, Recipe, Requester, Verb
from bot.store import deliveries, facts, jobs
from bot.store.database import Database
from bot.store.migrate import migrate
from bot.workflow.changes import Changes
from bot.workflow.queue import FairQueue

KNOWN = "known-reference-of-a-job"
NOW = 1_700_000_000_000


async def until(condition: Callable[[], bool]) -> None:
    """Let everything else go on until ``condition`` holds."""
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - nothing tells, and no time passes
            await asyncio.sleep(0)


@dataclass
class Disk:
    """What readiness looks at, as ordered."""

    now: int = NOW
    connected: bool = True
    overdue: int = 0
    error: Exception | None = None
    hangs: asyncio.Event | None = None
    written: list[str] = field(default_factory=list)
    asked: list[int] = field(default_factory=list)

    async def write(self, text: str) -> None:
        """Keep ``text``, unless ordered to fail or to hang."""
        self.written.append(text)
        if self.hangs is not None:
            await self.hangs.wait()
        if self.error is not None:
            raise self.error

    async def due(self, at: int) -> list[int]:
        """As many as ordered."""
        self.asked.append(at)
        return [0] * self.overdue

    def health(self, limit: float = 5.0) -> Health:
        """Readiness of this world."""
        return Health(
            ready=lambda: self.connected,
            write=self.write,
            due=self.due,
            now=lambda: self.now,
            limit=limit,
        )


@dataclass
class Reader:
    """Stands for the poller: reads jobs when told to, knows one of them."""

    begun: list[str] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)
    cancelled: int = 0
    error: Exception | None = None
    go_on: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        """Nothing holds reads up unless a test says so."""
        self.go_on.set()

    async def hint(self, reference: str) -> None:
        """Read the job of this reference."""
        self.begun.append(reference)
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
class Site:
    """A listener that runs, and how to speak to it."""

    listener: Listener
    metrics: Metrics
    http: aiohttp.ClientSession
    reader: Reader
    disk: Disk
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
async def listening(health: Health, disk: Disk) -> AsyncIterator[Site]:
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


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    """A listener of a bot that is well."""
    disk = Disk()
    async with listening(disk.health(), disk) as made:
        yield made


# -- health and readiness -----------------------------------------------------------------


async def test_health_is_the_process_alone(site: Site) -> None:
    """A process that can answer lives, whatever else is broken: restarting would not help."""
    site.disk.connected, site.disk.overdue, site.disk.error = False, 3, OSError("disk full")

    assert await site.get("/healthz") == (200, "ok")


async def test_ready_when_all_is_well(site: Site) -> None:
    """Each check is named and says ok."""
    status, checks = await site.ready()

    assert status == 200
    assert checks == {"gateway": "ok", "database": "ok", "delivery": "ok"}


async def test_readiness_says_what_is_wrong(site: Site) -> None:
    """Every trouble is told in words, none hides another, and no text of an error leaks."""
    site.disk.connected, site.disk.overdue = False, 3
    site.disk.error = RuntimeError("/secret/path and a-secret-token")

    status, checks = await site.ready()

    assert status == 503
    assert checks["gateway"] == "not connected to Discord"
    assert checks["database"] == "failed with RuntimeError"
    assert checks["delivery"] == "3 messages overdue by more than 5 minutes"
    assert "secret" not in str(checks)


async def test_readiness_comes_back(site: Site) -> None:
    """What was wrong and is well again is well again: no memory of old trouble."""
    site.disk.error = OSError()
    assert (await site.ready())[0] == 503
    site.disk.error = None
    site.disk.now += FRESH_MS

    assert (await site.ready())[0] == 200


async def test_a_change_of_readiness_is_logged_once(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    """An operator reads when it broke and why, not every probe that saw it."""
    await site.ready()
    site.disk.connected = False
    with caplog.at_level(logging.INFO, "bot.listener"):
        await site.ready()
        await site.ready()

    assert [record.getMessage() for record in caplog.records] == [
        "readiness: ok",
        "readiness: gateway: not connected to Discord",
    ]


async def test_a_hanging_disk_is_trouble_in_time() -> None:
    """Readiness answers within its limit, and asks a hanging disk only once."""
    disk = Disk(hangs=asyncio.Event())
    async with listening(disk.health(limit=0.01), disk) as site:
        for _ in range(3):
            status, checks = await site.ready()
            disk.now += FRESH_MS
            assert status == 503
            assert checks["database"] == "no answer within 0.01 seconds"
            assert checks["delivery"] == "ok"

        assert len(disk.written) == 1


async def test_asking_often_costs_little(site: Site) -> None:
    """However many ask at once, the disk is written to once a second."""
    await asyncio.gather(*(site.ready() for _ in range(20)))
    assert len(site.disk.written) == 1

    site.disk.now += FRESH_MS
    await site.ready()
    assert len(site.disk.written) == 2


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    """A real one with today's schema."""
    migrate(tmp_path / "pika.db")
    opened = await Database.open(tmp_path / "pika.db")
    yield opened
    await opened.close()


def watching(database: Database, disk: Disk) -> Health:
    """Readiness of a real database, with a clock that tests move."""
    return Health(
        ready=lambda: True,
        write=partial(facts.remember, database, "readiness asked at"),
        due=partial(deliveries.due, database),
        now=lambda: disk.now,
    )


async def test_readiness_really_writes(database: Database) -> None:
    """Ready means that a commit has just succeeded; what was written each time differs."""
    disk = Disk()
    async with listening(watching(database, disk), disk) as site:
        assert (await site.ready())[0] == 200
        assert await facts.recall(database, "readiness asked at") == str(NOW)
        disk.now += FRESH_MS
        await site.ready()

        assert await facts.recall(database, "readiness asked at") == str(NOW + FRESH_MS)


async def test_a_database_that_takes_no_writes_is_trouble(
    database: Database, tmp_path: Path
) -> None:
    """Reads still work then, so only a write can tell."""
    async with database.transaction() as tx:
        await tx.execute_fetchall(
            "CREATE TRIGGER no_writes BEFORE INSERT ON fact BEGIN SELECT raise(ABORT, 'no'); END"
        )
    disk = Disk()
    async with listening(watching(database, disk), disk) as site:
        status, checks = await site.ready()

    assert status == 503
    assert checks == {"gateway": "ok", "database": "failed with IntegrityError", "delivery": "ok"}


async def test_a_message_due_for_more_than_five_minutes_is_a_stall(database: Database) -> None:
    """Up to five minutes late is busy, more is stalled, and delivered is well again."""
    job = Job(1, Requester(10, 20, 30, 40), Recipe(Verb.CREATE, "a fox"), JobState.QUEUED, NOW)
    await database.write(lambda tx: jobs.insert(tx, [job]))
    async with database.transaction() as tx:
        await deliveries.add(tx, job, DeliveryKind.NOTICE, at=NOW)
    disk = Disk(now=NOW + STALLED_MS - 1)
    async with listening(watching(database, disk), disk) as site:
        assert (await site.ready())[0] == 200
        disk.now = NOW + STALLED_MS + FRESH_MS
        status, checks = await site.ready()
        assert status == 503
        assert checks["delivery"] == "1 messages overdue by more than 5 minutes"

        (late,) = await deliveries.due(database, disk.now)
        async with database.transaction() as tx:
            await deliveries.sent(tx, late, channel_id=40, message_id=50, shown=None, at=disk.now)
        disk.now += FRESH_MS
        assert (await site.ready())[0] == 200


# -- metrics ------------------------------------------------------------------------------


async def test_metrics_are_what_prometheus_reads(site: Site) -> None:
    """The text parses, carries its media type, and every name is ours."""
    async with site.http.get(site.url + "/metrics") as answer:
        text = await answer.text()
        assert answer.status == 200
        assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"

    names = [family.name for family in text_string_to_metric_families(text)]
    assert names
    assert all(name.startswith("pikabot_") for name in names)


# -- callbacks ----------------------------------------------------------------------------


async def test_a_callback_has_its_job_read(site: Site) -> None:
    """The job of the reference is read soon; the body is not believed."""
    assert await site.call(KNOWN, json={"status": "completed", "jobid": "x"}) == (200, "ok")
    await until(lambda: site.reader.ended == [KNOWN])

    assert site.counted("pikabot_callbacks_total", "accepted") == 1
    assert site.counted("pikabot_callback_reads_total", "read") == 1


async def test_a_stranger_learns_nothing(site: Site) -> None:
    """Known, unknown, repeated or malformed: the answers do not differ in a byte."""
    answers = set()
    for reference in (KNOWN, "u" * 32, "u" * 32, "short", "with%20blank-and-more", "x" * 129):
        async with site.http.post(f"{site.url}/callbacks/{reference}") as answer:
            kept = {k: v for k, v in answer.headers.items() if k != "Date"}
            answers.add((answer.status, str(kept), await answer.text()))

    assert len(answers) == 1
    await until(lambda: site.counted("pikabot_callback_reads_total", "unknown") >= 1)
    assert site.counted("pikabot_callback_reads_total", "read") == 1


async def test_the_answer_does_not_wait_for_the_read(site: Site) -> None:
    """Pika is answered while the job is still being read."""
    site.reader.go_on.clear()

    assert await site.call(KNOWN) == (200, "ok")
    await until(lambda: site.reader.begun == [KNOWN])
    assert site.reader.ended == []


@pytest.mark.parametrize(
    "reference", ["a" * 15, "a" * 129, "a" * 20 + "%0A", "a.b" * 10, "%C3%A4" * 20, "..%2F" * 5]
)
async def test_what_is_no_reference_costs_nothing(site: Site, reference: str) -> None:
    """Only what looks like a reference of ours reaches the database."""
    assert await site.call(reference) == (200, "ok")

    assert site.counted("pikabot_callbacks_total", "malformed") == 1
    assert await site.call(KNOWN) == (200, "ok")
    await until(lambda: site.reader.ended == [KNOWN])
    assert site.reader.begun == [KNOWN]


@pytest.mark.parametrize("reference", ["a" * 16, "Z_-9" * 32])
async def test_references_of_every_allowed_length_are_read(site: Site, reference: str) -> None:
    """From 16 to 128 letters, digits, dashes and underscores."""
    await site.call(reference)

    await until(lambda: site.reader.ended == [reference])


async def test_callbacks_that_wait_for_the_same_job_are_one(site: Site) -> None:
    """Repeats are merged while they wait; one that comes during the read is read again."""
    site.reader.go_on.clear()
    for number in range(WORKERS):
        await site.call(f"a-busy-reference-{number}")
    await until(lambda: len(site.reader.begun) == WORKERS)
    for _ in range(5):
        assert await site.call(KNOWN) == (200, "ok")
    await site.call("a-busy-reference-0")
    site.reader.go_on.set()
    await until(lambda: len(site.reader.ended) == WORKERS + 2)

    assert site.reader.ended.count(KNOWN) == 1
    assert site.reader.ended.count("a-busy-reference-0") == 2
    assert site.counted("pikabot_callbacks_total", "merged") == 4


async def test_few_reads_run_at_once_and_few_wait(site: Site) -> None:
    """A flood neither floods Pika nor fills the memory; what is too much is dropped, unseen."""
    site.reader.go_on.clear()

    async def flood(numbers: range) -> None:
        for number in numbers:
            site.seconds[0] += 1
            assert await site.call(f"reference-of-a-flood-{number}") == (200, "ok")

    await flood(range(WORKERS))
    await until(lambda: len(site.reader.begun) == WORKERS)
    await flood(range(WORKERS, WORKERS + WAITING_LIMIT + 7))

    assert len(site.reader.begun) == WORKERS
    assert site.counted("pikabot_callbacks_total", "full") == 7
    site.reader.go_on.set()
    await until(lambda: len(site.reader.ended) == WORKERS + WAITING_LIMIT)


async def test_callbacks_are_limited_in_time(site: Site) -> None:
    """A burst passes, more is dropped without a word, and time lets new ones through."""

    async def call(first: int, count: int) -> None:
        for number in range(first, first + count):
            assert await site.call(f"reference-of-a-burst-{number}") == (200, "ok")

    await call(0, int(BURST) + 3)
    assert site.counted("pikabot_callbacks_total", "throttled") == 3

    site.seconds[0] += 2 / PER_SECOND
    await call(1000, 3)
    assert site.counted("pikabot_callbacks_total", "throttled") == 4
    assert site.counted("pikabot_callbacks_total", "accepted") == BURST + 2


async def _in_pieces(size: int) -> AsyncIterator[bytes]:
    for _ in range(0, size, 1024):
        yield b"x" * 1024


@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunked"])
async def test_a_body_may_be_large_but_not_larger(site: Site, *, chunked: bool) -> None:
    """64 KiB are read and forgotten; more is refused, whoever's job it is."""
    fits = _in_pieces(BODY_LIMIT) if chunked else b"x" * BODY_LIMIT
    too_large = _in_pieces(BODY_LIMIT + 1024) if chunked else b"x" * (BODY_LIMIT + 1)

    assert await site.call("a" * 32, data=too_large) == (413, "too_large")
    assert await site.call(KNOWN, data=fits) == (200, "ok")
    await until(lambda: site.reader.ended == [KNOWN])
    assert site.reader.begun == [KNOWN]
    assert site.counted("pikabot_callbacks_total", "too_large") == 1


async def test_bodies_are_not_unpacked(site: Site) -> None:
    """A body that claims to be compressed is bytes like any other: it cannot swell."""
    headers = {"Content-Encoding": "gzip"}

    assert await site.call(KNOWN, data=b"this is not gzip", headers=headers) == (200, "ok")


@pytest.mark.parametrize(
    ("header", "body"),
    [("Content-Length: 100", b"{"), ("Transfer-Encoding: chunked", b"not a length\r\n")],
    ids=["short", "garbled"],
)
async def test_a_body_that_breaks_off_is_no_callback(
    site: Site, header: str, body: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """A sender that leaves in the middle causes no read and no traceback."""
    head = f"POST /callbacks/{KNOWN} HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n{header}"
    await site.raw(f"{head}\r\n\r\n".encode(), then=body)
    await site.call("a" * 32)
    await until(lambda: site.reader.begun != [])

    assert site.reader.begun == ["a" * 32]
    await until(lambda: site.counted("pikabot_callbacks_total", "broken") == 1)
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


async def test_a_failing_read_is_logged_without_the_reference(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    """The log says what kind of error and where; the next callback is read all the same."""
    site.reader.error = RuntimeError(f"cannot read /callbacks/{KNOWN}")
    await site.call(KNOWN)
    await until(lambda: site.counted("pikabot_callback_reads_total", "failed") == 1)
    site.reader.error = None
    for number in range(WORKERS):
        await site.call(f"another-reference-{number}")
    await until(lambda: len(site.reader.ended) == WORKERS)

    (record,) = caplog.records
    assert "RuntimeError" in record.getMessage()
    assert "in hint" in record.getMessage()
    assert KNOWN not in caplog.text


# -- the listener itself ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", f"/callbacks/{KNOWN}", 405),
        ("GET", "/callbacks", 405),
        ("PUT", f"/callbacks/{KNOWN}", 405),
        ("DELETE", "/callbacks", 405),
        ("POST", "/healthz", 405),
        ("POST", "/readyz", 405),
        ("POST", "/metrics", 405),
        ("GET", "/", 404),
        ("GET", "/favicon.ico", 404),
        ("POST", f"/callbacks/{KNOWN}/more", 404),
        ("GET", "/healthz/more", 404),
    ],
)
async def test_nothing_else_is_there(site: Site, method: str, path: str, status: int) -> None:
    """Other methods and other paths are refused, and cause nothing."""
    async with site.http.request(method, site.url + path) as answer:
        assert answer.status == status
    assert site.reader.begun == []


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"GET /nothing HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        f"POST /callbacks/{KNOWN} garbage\r\n\r\n".encode(),
        b"\x16\x03\x01\x02\x00\x01\x00 a TLS hello\r\n\r\n",
    ],
    ids=["fine", "unknown", "no HTTP", "TLS"],
)
async def test_versions_are_nobodys_business(
    site: Site, request_bytes: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """No answer names our software's version, not even one to what is no HTTP; no log quotes it."""
    head = (await site.raw(request_bytes)).split(b"\r\n\r\n")[0].lower()

    assert b"server: pika-bot" in head
    assert b"aiohttp" not in head
    assert b"python" not in head
    assert KNOWN not in caplog.text
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


async def test_requests_are_not_logged(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    """The path of a callback is a secret; no line at any level holds it."""
    with caplog.at_level(logging.DEBUG):
        await site.call(KNOWN)
        await until(lambda: site.reader.ended == [KNOWN])

    assert KNOWN not in caplog.text


async def test_closing_ends_what_it_began() -> None:
    """Reads under way are cancelled, no task is left, and the port is free again."""
    before = asyncio.all_tasks()
    disk = Disk(hangs=asyncio.Event())
    async with listening(disk.health(limit=0.01), disk) as site:
        reader, port = site.reader, site.listener.port
        reader.go_on.clear()
        await site.call(KNOWN)
        await site.ready()
        await until(lambda: reader.begun == [KNOWN])
        await site.listener.__aexit__(None, None, None)

        assert reader.cancelled == 1
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", port)
    assert asyncio.all_tasks() == before


async def test_a_taken_port_is_an_error() -> None:
    """The start fails in words of the system and leaves nothing behind."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        listener = Listener(
            "127.0.0.1",
            other.getsockname()[1],
            health=Disk().health(),
            metrics=Metrics(Changes(), FairQueue(), SystemClock()),
            hint=Reader().hint,
        )
        before = asyncio.all_tasks()
        with pytest.raises(OSError, match="address already in use"):
            await listener.__aenter__()
        assert asyncio.all_tasks() == before


async def test_any_free_port_is_told() -> None:
    """Port 0 becomes the port that was found, so two listeners can run."""
    disk = Disk()
    async with listening(disk.health(), disk) as one, listening(disk.health(), disk) as other:
        assert one.listener.port > 0
        assert one.listener.port != other.listener.port
        answers: list[Awaitable[tuple[int, str]]] = [one.get("/healthz"), other.get("/healthz")]
        assert await asyncio.gather(*answers) == [(200, "ok")] * 2
