"""Callbacks as Pika sends them, and as strangers do: over real HTTP."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator

import pytest

from bot.callbacks import BODIES_AT_ONCE, BODY_LIMIT, BURST, PER_SECOND, WAITING_LIMIT, WORKERS
from bot.health import Health
from tests.component.listening import KNOWN, Site, listening, until


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    """A listener of a bot that is well."""

    async def write(_: str) -> None:
        return

    async def late(_due: int, _wanted: int) -> int:
        return 0

    health = Health(ready=lambda: True, write=write, spare=lambda: 1, late=late, now=lambda: 0)
    async with listening(health) as made:
        yield made


async def test_a_callback_has_its_job_read(site: Site) -> None:
    """The job of the reference is read soon; of the body only the name is passed on."""
    assert await site.call(KNOWN, json={"status": "completed", "jobid": "x"}) == (200, "ok")
    await until(lambda: site.reader.ended == [KNOWN])

    assert site.reader.names == ["x"]
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


LONGEST = "x" * 200
DEEP = b"[" * 60_000


@pytest.mark.parametrize(
    ("body", "name"),
    [
        (b'{"jobid": "a1b2-c3d4", "status": "completed"}', "a1b2-c3d4"),
        (b'{"jobid": "user:1-pika-channel:2@bot"}', "user:1-pika-channel:2@bot"),
        (b'{"jobid": "first", "jobid": "second"}', "second"),
        (json.dumps({"jobid": LONGEST}).encode(), LONGEST),
        (json.dumps({"jobid": LONGEST + "x"}).encode(), None),
        (b'{"jobid": ""}', None),
        (b'{"jobid": "two words"}', None),
        (b'{"jobid": "line\\nfeed"}', None),
        (b'{"jobid": "nul\\u0000"}', None),
        (b'{"jobid": "\\ud800"}', None),
        ('{"jobid": "bär"}'.encode(), None),
        (b'{"jobid": 7}', None),
        (b'{"jobid": ["x"]}', None),
        (b'{"jobid": {"$gt": ""}}', None),
        (b'["jobid", "x"]', None),
        (b'"jobid"', None),
        (b"jobid=x", None),
        (b"", None),
        (b"\xff\xfe{}", None),
        ('{"jobid": "x"}'.encode("utf-16"), None),
        (b"9" * 60_000, None),
        (DEEP, None),
        (b'{"jobid": "x", "more": ' + DEEP, None),
    ],
)
async def test_only_a_plain_name_is_taken_from_a_body(
    site: Site, body: bytes, name: str | None
) -> None:
    """Whatever else a body is, it is a callback without a name; nothing breaks."""
    assert await site.call(KNOWN, data=body) == (200, "ok")
    await until(lambda: site.reader.ended == [KNOWN])

    assert site.reader.names == [name]


async def test_a_name_that_came_is_not_lost_to_a_repeat_without_one(site: Site) -> None:
    """Merged callbacks keep the last name that one of them had."""
    site.reader.go_on.clear()
    for number in range(WORKERS):
        await site.call(f"a-busy-reference-{number}")
    await until(lambda: len(site.reader.begun) == WORKERS)
    for body in (b"", b'{"jobid": "one"}', b'{"jobid": "two"}', b"?"):
        await site.call(KNOWN, data=body)
    site.reader.go_on.set()
    await until(lambda: site.reader.ended.count(KNOWN) == 1)

    assert site.reader.names[site.reader.begun.index(KNOWN)] == "two"


async def test_strangers_who_send_slowly_do_not_keep_a_callback_waiting(site: Site) -> None:
    """So many bodies are waited for; beyond, a callback counts without its body."""
    head = f"POST /callbacks/{'s' * 32} HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n"
    slow = [
        await asyncio.open_connection("127.0.0.1", site.listener.port)
        for _ in range(BODIES_AT_ONCE)
    ]
    for _, writer in slow:
        writer.write(head.encode())
    await until(lambda: site.listener.callbacks.bodies == BODIES_AT_ONCE)

    assert await site.call(KNOWN, data=b'{"jobid": "x"}') == (200, "ok")
    await until(lambda: site.reader.ended == [KNOWN])
    assert site.reader.names == [None]
    for _, writer in slow:
        writer.close()
        await writer.wait_closed()
    await until(lambda: site.listener.callbacks.bodies == 0)


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
