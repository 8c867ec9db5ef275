"""What is known when a connection misbehaves: real sockets, bytes as ordered."""

from __future__ import annotations

import asyncio
import gc
import gzip
import socket
import struct
import tracemalloc
from collections.abc import Callable
from typing import TYPE_CHECKING

import httpx
import pytest

from bot.model import Picture, Recipe, Verb
from bot.pika import Garbled, NoAnswer, NotSent, PikaError, Refused, Unavailable, UseApi
from tests.ports import free_port

if TYPE_CHECKING:
    from tests.component.pika.conftest import Behaviour, Rude

Make = Callable[["Rude"], "Behaviour"]


def _client(base_url: str) -> UseApi:
    return UseApi(
        base_url=base_url,
        token="the-token",
        channel=None,
        discord_token=None,
        max_jobs=1,
        timeout=0.3,
    )


async def test_nobody_listens(fox: Recipe) -> None:
    """No connection: not sent, may be sent again; a read may be repeated."""
    client = _client(f"http://127.0.0.1:{free_port()}/v1/pika")
    told: list[tuple[str, int | str]] = []
    client.on_answer = lambda endpoint, outcome: told.append((endpoint, outcome))
    with pytest.raises(NotSent) as caught:
        await client.submit(fox, reply_ref="r", reply_url=None)
    assert caught.value.code == "not_sent"
    with pytest.raises(Unavailable) as read:
        await client.report("j-1")
    assert (read.value.code, read.value.pika_id) == ("not_sent", "j-1")
    assert told == [("create", "not_sent"), ("job", "not_sent")]
    await client.aclose()


async def test_no_such_host(fox: Recipe) -> None:
    """A name that does not resolve: not sent."""
    client = _client("http://nobody.invalid/v1/pika")
    with pytest.raises(NotSent):
        await client.submit(fox, reply_ref="r", reply_url=None)
    await client.aclose()


async def test_tls_against_a_plain_server(rude: Rude, fox: Recipe) -> None:
    """A handshake that fails: the request was never sent."""

    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    rude.behave = plain
    client = _client(rude.base_url.replace("http:", "https:"))
    with pytest.raises(NotSent):
        await client.submit(fox, reply_ref="r", reply_url=None)
    await client.aclose()


async def test_a_redirect_to_no_web_address_is_an_answer_that_cannot_be_read(
    rude: Rude, fox: Recipe
) -> None:
    """httpx looks at the target although it is not to follow it, and raised an error that nobody
    expected: one such answer ended the poller, and with it the bot.
    """

    async def elsewhere(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        head = b"HTTP/1.1 302 Found\r\nLocation: mailto:nobody\r\nContent-Length: 0\r\n\r\n"
        writer.write(head)
        await writer.drain()

    rude.behave = elsewhere
    client = _client(rude.base_url)
    with pytest.raises(Unavailable):
        await client.executing()
    with pytest.raises(Unavailable):
        await client.report("j-1")
    with pytest.raises(NoAnswer):
        await client.submit(fox, reply_ref="r", reply_url=None)
    await client.aclose()


async def test_an_answer_that_unpacks_to_gigabytes_is_not_unpacked(rude: Rude) -> None:
    """259 bytes, packed three times over, were 800 MB in memory before any limit was looked at."""
    body = b"[" + b" " * 3_000_000 + b"]"
    for _ in range(3):
        body = gzip.compress(body)

    async def packed(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n"
        writer.write(f"{head}Content-Encoding: gzip, gzip, gzip\r\n\r\n".encode() + body)
        await writer.drain()

    rude.behave = packed
    client = _client(rude.base_url)
    tracemalloc.start()
    try:
        with pytest.raises(Unavailable, match="cannot be read"):
            await client.executing()
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert most < 1_000_000
    await client.aclose()


@pytest.mark.parametrize("error", [httpx.ConnectTimeout, httpx.PoolTimeout])
async def test_timeouts_before_the_first_byte(
    fox: Recipe, error: type[httpx.TransportError]
) -> None:
    """No connection in time, or none free in the pool: not sent."""

    def fail(request: httpx.Request) -> httpx.Response:
        raise error("no", request=request)

    client = UseApi(
        base_url="https://api.example",
        token="t",
        channel=None,
        discord_token=None,
        max_jobs=1,
        transport=httpx.MockTransport(fail),
    )
    with pytest.raises(NotSent):
        await client.submit(fox, reply_ref="r", reply_url=None)
    with pytest.raises(Unavailable):
        await client.executing()
    await client.aclose()


def _closes_before_reading(_: Rude) -> Behaviour:
    async def behave(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    return behave


def _resets_before_reading(_: Rude) -> Behaviour:
    async def behave(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        raw = writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()

    return behave


def _reads_then_closes(rude: Rude) -> Behaviour:
    async def behave(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await rude.read_request(reader)

    return behave


def _reads_then_hangs(rude: Rude) -> Behaviour:
    async def behave(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await rude.read_request(reader)
        await reader.read()

    return behave


def _answers(data: bytes) -> Make:
    def make(rude: Rude) -> Behaviour:
        async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await rude.read_request(reader)
            writer.write(data)
            await writer.drain()

        return behave

    return make


HALF_HEAD = b"HTTP/1.1 200 OK\r\nContent-Len"
HALF_BODY = b'HTTP/1.1 200 OK\r\nContent-Length: 400\r\n\r\n{"jobid":"j-1",'
GARBAGE = b"\x00\x01\x02 no http at all\r\n\r\n"
BAD_CHUNK = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"


@pytest.mark.parametrize(
    ("make", "kind", "code", "read_code"),
    [
        (_closes_before_reading, NoAnswer, "no_answer", "no_answer"),
        (_resets_before_reading, NoAnswer, "no_answer", "no_answer"),
        (_reads_then_closes, NoAnswer, "no_answer", "no_answer"),
        (_reads_then_hangs, NoAnswer, "timeout", "timeout"),
        (_answers(HALF_HEAD), NoAnswer, "no_answer", "no_answer"),
        (_answers(GARBAGE), NoAnswer, "no_answer", "no_answer"),
        (_answers(HALF_BODY), Garbled, "garbled", "garbled"),
        (_answers(BAD_CHUNK), Garbled, "garbled", "garbled"),
    ],
)
async def test_after_the_connection_nobody_knows(
    rude: Rude,
    fox: Recipe,
    monkeypatch: pytest.MonkeyPatch,
    make: Make,
    kind: type[NoAnswer],
    code: str,
    read_code: str,
) -> None:
    """Once connected, any break means: do not send again. A read may be repeated."""
    monkeypatch.setattr("bot.pika.line.READ_SECONDS", 0.3)
    client = _client(rude.base_url)
    rude.behave = make(rude)
    with pytest.raises(NoAnswer) as caught:
        await client.submit(fox, reply_ref="r", reply_url=None)
    assert (type(caught.value), caught.value.code) == (kind, code)
    assert rude.connections == 1, "one submit is one connection"
    with pytest.raises(Unavailable) as read:
        await client.report("j-1")
    assert read.value.code == read_code
    await client.aclose()


async def test_a_drip_of_bytes_ends(
    rude: Rude, fox: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that sends a byte now and then cannot hold a request for ever."""

    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await rude.read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n")
        while not reader.at_eof():
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(0.05)

    monkeypatch.setattr("bot.pika.line.UPLOAD_SECONDS", 0.2)
    rude.behave = drip
    client = _client(rude.base_url)
    with pytest.raises(NoAnswer) as caught:
        await client.submit(fox, reply_ref="r", reply_url=None)
    assert caught.value.code == "timeout"
    await client.aclose()


async def test_a_definite_no_with_half_a_body_stays_definite(rude: Rude, fox: Recipe) -> None:
    """The status line was whole; that is enough to know that nothing was taken."""
    rude.behave = _answers(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 99\r\n\r\n{")(rude)
    with pytest.raises(Refused) as caught:
        await rude.submit(fox)
    assert caught.value.status == 400


async def test_an_endless_answer_is_cut(rude: Rude, fox: Recipe) -> None:
    """No more than 1 MiB of an answer is read."""
    sent = 0

    async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await rude.read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while sent < 64 * 1024 * 1024:
            writer.write(b" " * 65_536)
            await writer.drain()
            sent += 65_536

    rude.behave = flood
    with pytest.raises(Garbled):
        await rude.submit(fox)
    assert sent < 32 * 1024 * 1024


async def test_every_submit_gets_its_own_connection(rude: Rude, fox: Recipe) -> None:
    """A kept connection might be half dead, and the request on it in doubt."""

    async def twice(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            await rude.read_request(reader)
            body = b'{"jobid":"j-1","status":"started"}'
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
            await writer.drain()

    rude.behave = twice
    for _ in range(3):
        assert (await rude.submit(fox)).pika_id == "j-1"
    assert rude.connections == 3
    for _ in range(3):
        await rude.client.report("j-1")
    assert rude.connections == 4, "reads share one"


async def test_a_picture_that_shrinks_on_the_way(rude: Rude, picture: Picture) -> None:
    """Part of it was sent: nobody knows; and no file stays open."""
    assert picture.path is not None

    async def slow(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await reader.read()

    rude.behave = slow
    large = picture.path.with_name("large")
    large.write_bytes(bytes(8 * 1024 * 1024))
    recipe = Recipe(Verb.ANIMATE, "", image=Picture("a.png", "image/png", 1, path=large))
    task = asyncio.create_task(rude.submit(recipe))
    await rude.connected.wait()
    large.write_bytes(b"")
    with pytest.raises(PikaError) as caught:
        await task
    assert isinstance(caught.value, NoAnswer)
    gc.collect()


async def test_a_cancelled_submit_closes_its_files(rude: Rude, picture: Picture) -> None:
    """A shutdown while a picture is on its way leaves nothing open (warnings are errors)."""
    rude.behave = _reads_then_hangs(rude)
    task = asyncio.create_task(rude.submit(Recipe(Verb.ANIMATE, "", image=picture)))
    await rude.read.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    gc.collect()
