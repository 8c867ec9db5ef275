"""Files come from allowed hosts only, and whole or not at all."""

from __future__ import annotations

import asyncio
import gc
import hashlib
import logging
import os
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from bot.errors import Expired, MediaError, NotStored, Unreachable, Unusable
from bot.media import AllowedHosts, Downloaded, Fetcher

if TYPE_CHECKING:
    from tests.component.media.conftest import Site

PUBLIC = "162.159.133.233"
SIGNED = "?ex=1&is=2&hm=s1gn4ture"


def _left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


async def test_a_file_arrives_whole(site: Site, fetcher: Fetcher, tmp_path: Path) -> None:
    """Size, hash and type are told; nothing else is left in the folder."""
    body = os.urandom(3 * 1024 * 1024 + 17)
    url = site.serve(f"/a.mp4{SIGNED}", body, Content_Type="Video/MP4; x=y")
    found = await fetcher.fetch(url, Path("deep/er/a.mp4"), limit=len(body))
    path = tmp_path / "deep/er/a.mp4"
    assert found == Downloaded(path, len(body), hashlib.sha256(body).hexdigest(), "video/mp4")
    assert path.read_bytes() == body
    assert _left(tmp_path) == ["a.mp4"]
    assert b"Accept-Encoding: identity" in site.heads[0]
    assert b"Authorization" not in site.heads[0]


async def test_an_old_file_is_replaced_at_the_end(
    site: Site, fetcher: Fetcher, tmp_path: Path
) -> None:
    """A failed fetch leaves the old file and no part; a good one replaces it."""
    target, part = tmp_path / "a.mp4", tmp_path / "a.mp4.part"
    target.write_bytes(b"old")
    part.write_bytes(b"left over by a crash")
    with pytest.raises(Expired):
        await fetcher.fetch(site.url + "/gone", target, limit=100)
    assert target.read_bytes() == b"old"
    await fetcher.fetch(site.serve("/a", b"new"), target, limit=100)
    assert (target.read_bytes(), part.exists()) == (b"new", False)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, Expired),
        (403, Expired),
        (404, Expired),
        (410, Expired),
        (408, Unreachable),
        (429, Unreachable),
        (500, Unreachable),
        (503, Unreachable),
        (400, Unusable),
        (204, Unusable),
        (206, Unusable),
        (304, Unusable),
        (418, Unusable),
    ],
)
async def test_statuses(
    site: Site, fetcher: Fetcher, tmp_path: Path, status: int, kind: type[MediaError]
) -> None:
    """Ask for a fresh address, try later, or never."""
    with pytest.raises(kind):
        await fetcher.fetch(site.serve("/a", b"", status), Path("a.mp4"), limit=100)
    assert _left(tmp_path) == []


@pytest.mark.parametrize("announced", [True, False])
async def test_too_large(site: Site, fetcher: Fetcher, tmp_path: Path, announced: bool) -> None:
    """By its own word, or when the bytes exceed the limit."""
    length = "" if not announced else "2000000"
    url = site.serve("/a", b"x" * 2_000_000, Content_Length=length)
    with pytest.raises(Unusable, match="larger than"):
        await fetcher.fetch(url, Path("a.mp4"), limit=1_999_999)
    assert _left(tmp_path) == []


async def test_a_file_without_a_length(site: Site, fetcher: Fetcher) -> None:
    """No Content-Length is no error."""
    url = site.serve("/a", b"abc", Content_Length="")
    assert (await fetcher.fetch(url, Path("a.mp4"), limit=3)).size == 3


@pytest.mark.parametrize("body", [b"", b"x" * 50])
async def test_truncated(site: Site, fetcher: Fetcher, tmp_path: Path, body: bytes) -> None:
    """Less than was announced may come whole later."""
    url = site.serve("/a", body, Content_Length="51")
    with pytest.raises(Unreachable):
        await fetcher.fetch(url, Path("a.mp4"), limit=100)
    assert _left(tmp_path) == []


async def test_empty(site: Site, fetcher: Fetcher) -> None:
    """A file of no bytes is of no use."""
    with pytest.raises(Unusable, match="empty"):
        await fetcher.fetch(site.serve("/a", b""), Path("a.mp4"), limit=100)


async def test_packed(site: Site, fetcher: Fetcher) -> None:
    """Nobody unpacks what nobody asked to be packed: sizes would lie."""
    url = site.serve("/a", b"xyz", Content_Encoding="gzip")
    with pytest.raises(Unusable):
        await fetcher.fetch(url, Path("a.mp4"), limit=100)


async def test_a_host_that_falls_silent(site: Site, fetcher: Fetcher, tmp_path: Path) -> None:
    """Half a file and then nothing: given up after the idle time."""

    async def hang(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await reader.read()

    site.behave = hang
    url = site.serve("/a", b"x" * 10, Content_Length="100")
    with pytest.raises(Unreachable):
        await fetcher.fetch(url, Path("a.mp4"), limit=100)
    assert _left(tmp_path) == []


async def test_a_host_that_drips(site: Site, tmp_path: Path) -> None:
    """A byte now and then cannot hold a fetch beyond its whole time."""

    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while not reader.at_eof():
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.02)

    site.behave = drip
    url = site.serve("/a", b"", Content_Length="100000")
    hosts = AllowedHosts.of(api_urls=[site.url])
    async with Fetcher(hosts=hosts, temp_dir=tmp_path, total_seconds=0.3) as fetcher:
        with pytest.raises(Unreachable, match="too long"):
            await fetcher.fetch(url, Path("a.mp4"), limit=1_000_000)
    assert _left(tmp_path) == []


async def test_cancelled(site: Site, fetcher: Fetcher, tmp_path: Path) -> None:
    """A shutdown in the middle leaves no part and nothing open."""

    async def hang(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await reader.read()

    site.behave = hang
    url = site.serve("/a", b"x" * 2_000_000, Content_Length="9000000")
    task = asyncio.create_task(fetcher.fetch(url, Path("a.mp4"), limit=10_000_000))
    while not _left(tmp_path):  # noqa: ASYNC110  a file appears
        await asyncio.sleep(0.005)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert _left(tmp_path) == []
    gc.collect()


async def test_a_disk_that_cannot_be_written(site: Site, fetcher: Fetcher, tmp_path: Path) -> None:
    """Our own trouble is not the file's fault: later."""
    (tmp_path / "file").touch()
    with pytest.raises(NotStored, match="stored"):
        await fetcher.fetch(site.serve("/a", b"x"), Path("file/a.mp4"), limit=100)


async def test_nobody_listens(site: Site, fetcher: Fetcher) -> None:
    """No connection: later. (The list allows any port of a named host.)"""
    with pytest.raises(Unreachable):
        await fetcher.fetch("http://127.0.0.1:1/a.mp4", Path("a.mp4"), limit=100)


async def test_garbage_instead_of_http(site: Site, fetcher: Fetcher) -> None:
    """An answer that is no answer: later."""
    site.pages["/a"] = b"\x00\x01 nonsense\r\n\r\n"
    with pytest.raises(Unreachable):
        await fetcher.fetch(site.url + "/a", Path("a.mp4"), limit=100)


async def test_three_redirects_are_followed(site: Site, fetcher: Fetcher) -> None:
    """Absolute and relative ones; a fourth is one too many."""
    site.serve("/1", b"", 302, Location=f"{site.url}/2")
    site.serve("/2", b"", 307, Location="3")
    site.serve("/3", b"", 308, Location="/4?x=1")
    url = site.serve("/4?x=1", b"here")
    found = await fetcher.fetch(site.url + "/1", Path("a.mp4"), limit=100)
    assert found.path.read_bytes() == b"here"
    site.serve("/0", b"", 301, Location=f"{site.url}/1")
    with pytest.raises(Unusable, match="too often"):
        await fetcher.fetch(site.url + "/0", Path("a.mp4"), limit=100)
    assert url


@pytest.mark.parametrize(
    "location",
    [
        "https://evil.example/a.mp4",
        "http://cdn.discordapp.com/a.mp4",
        "https://169.254.169.254/latest/meta-data",
        "http://localhost/a",
        "http://[::1]/a",
        "file:///etc/passwd",
        "https://user:pw@cdn.discordapp.com/a",
        "http://127.0.0.1:bad/",
        "",
    ],
)
async def test_no_redirect_out_of_the_list(site: Site, fetcher: Fetcher, location: str) -> None:
    """Each hop is checked like the first address."""
    url = site.serve("/a", b"", 302, Location=location)
    with pytest.raises((Unusable, Unreachable)):  # httpx itself reads the last but one
        await fetcher.fetch(url, Path("a.mp4"), limit=100)
    assert site.seen == ["/a"]


class Net:
    """A network and a DNS made of functions; remembers who was asked and dialled."""

    def __init__(self, *answers: Sequence[str] | OSError) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, int]] = []
        self.requests: list[httpx.Request] = []
        self.dead: set[str] = set()

    async def resolve(self, host: str, port: int) -> Sequence[str]:
        self.asked.append((host, port))
        answer = self.answers.pop(0)
        if isinstance(answer, OSError):
            raise answer
        return answer

    def handle(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        if request.url.host in self.dead:
            raise httpx.ConnectError("dead", request=request)
        return httpx.Response(200, stream=_Bytes(b"video"))

    def fetcher(self, folder: Path) -> Fetcher:
        return Fetcher(
            hosts=AllowedHosts.of(api_urls=["https://discord.com/api/v10"]),
            temp_dir=folder,
            transport=httpx.MockTransport(self.handle),
            resolver=self.resolve,
        )


class _Bytes(httpx.AsyncByteStream):
    def __init__(self, body: bytes) -> None:
        self._body = body

    async def __aiter__(self):  # type: ignore[no-untyped-def]
        yield self._body


CDN = f"https://cdn.discordapp.com/a.mp4{SIGNED}"


async def test_the_checked_address_is_dialled(tmp_path: Path) -> None:
    """One look-up, its address dialled, name in Host and TLS: rebinding finds no second look-up."""
    net = Net([PUBLIC], ["127.0.0.1"])
    async with net.fetcher(tmp_path) as fetcher:
        await fetcher.fetch(CDN, Path("a.mp4"), limit=100)
    assert net.asked == [("cdn.discordapp.com", 443)]
    request = net.requests[0]
    assert str(request.url) == f"https://{PUBLIC}/a.mp4{SIGNED}"
    assert request.headers["Host"] == "cdn.discordapp.com"
    assert request.extensions["sni_hostname"] == "cdn.discordapp.com"


@pytest.mark.parametrize(
    "answer",
    [
        ["127.0.0.1"],
        [PUBLIC, "10.0.0.1"],
        ["169.254.169.254"],
        ["::1"],
        ["::ffff:10.0.0.1"],
        ["0.0.0.0"],
    ],
)
async def test_a_name_that_leads_inside_is_refused(tmp_path: Path, answer: Sequence[str]) -> None:
    """One private address among the answers is enough; nothing is dialled."""
    net = Net(answer)
    async with net.fetcher(tmp_path) as fetcher:
        with pytest.raises(Unusable, match="public internet"):
            await fetcher.fetch(CDN, Path("a.mp4"), limit=100)
    assert net.requests == []


async def test_every_fetch_is_checked_anew(tmp_path: Path) -> None:
    """A name that turned private since the last fetch is refused then."""
    net = Net([PUBLIC], ["192.168.0.1"])
    async with net.fetcher(tmp_path) as fetcher:
        await fetcher.fetch(CDN, Path("a.mp4"), limit=100)
        with pytest.raises(Unusable):
            await fetcher.fetch(CDN, Path("b.mp4"), limit=100)
    assert len(net.requests) == 1


async def test_the_next_address_is_tried(tmp_path: Path) -> None:
    """A dead first address (IPv6 without a route, say) costs nothing but time."""
    net = Net(["2606:4700::1", PUBLIC])
    net.dead = {"2606:4700::1"}
    async with net.fetcher(tmp_path) as fetcher:
        found = await fetcher.fetch(CDN, Path("a.mp4"), limit=100)
        assert found.size == 5
        net.answers = [["2606:4700::1"]]
        with pytest.raises(Unreachable):
            await fetcher.fetch(CDN, Path("b.mp4"), limit=100)
    assert [request.url.host for request in net.requests[:2]] == ["2606:4700::1", PUBLIC]


@pytest.mark.parametrize("answer", [OSError("no such host"), []])
async def test_no_address_now(tmp_path: Path, answer: Sequence[str] | OSError) -> None:
    """DNS that does not answer may answer later."""
    net = Net(answer)
    async with net.fetcher(tmp_path) as fetcher:
        with pytest.raises(Unreachable):
            await fetcher.fetch(CDN, Path("a.mp4"), limit=100)


async def test_the_operators_own_host_is_not_resolved(tmp_path: Path) -> None:
    """The hosts of the two APIs are exempt: the operator named them."""
    net = Net()
    async with net.fetcher(tmp_path) as fetcher:
        await fetcher.fetch("http://discord.com:8080/a", Path("a.mp4"), limit=100)
    assert net.asked == []
    assert str(net.requests[0].url) == "http://discord.com:8080/a"


@pytest.mark.parametrize(
    "url", ["", "nonsense", "https://", "https://h:port/", "http://a b/", "//x", "https://\x00/"]
)
async def test_no_address_at_all(tmp_path: Path, url: str) -> None:
    """Whatever somebody wrote where an address should be is refused, not raised."""
    async with Net().fetcher(tmp_path) as fetcher:
        with pytest.raises(Unusable):
            await fetcher.fetch(url, Path("a.mp4"), limit=100)


async def test_signatures_stay_inside(
    site: Site, fetcher: Fetcher, caplog: pytest.LogCaptureFixture
) -> None:
    """The query of an address is a key: not in log, text or traceback."""
    caplog.set_level(logging.DEBUG)
    await fetcher.fetch(site.serve(f"/a{SIGNED}", b"x"), Path("a.mp4"), limit=100)
    failing = {
        "/404" + SIGNED: site.serve("/404" + SIGNED, b"", 404),
        "/500" + SIGNED: site.serve("/500" + SIGNED, b"", 500),
        "/302" + SIGNED: site.serve("/302", b"", 302, Location=f"https://evil.example/{SIGNED}"),
        "other": f"https://evil.example/a{SIGNED}",
        "dead": f"http://127.0.0.1:1/a{SIGNED}",
    }
    for url in failing.values():
        with pytest.raises(MediaError) as caught:
            await fetcher.fetch(url, Path("a.mp4"), limit=100)
        told = "".join(traceback.format_exception(caught.value, chain=True))
        assert "s1gn4ture" not in told
    assert "s1gn4ture" not in caplog.text


@pytest.mark.parametrize(
    "target",
    ["mailto:nobody", "data:video/mp4,xx", "http://127.0.0.1:99999999/a", "file:///etc/passwd"],
)
async def test_a_redirect_to_no_web_address_ends_the_fetch(
    site: Site, fetcher: Fetcher, target: str
) -> None:
    """httpx and asyncio raise errors of other kinds for such targets: nobody caught them, and the
    job stayed at work for ever.
    """
    with pytest.raises(Unusable):
        await fetcher.fetch(site.serve("/a", b"", 302, Location=target), Path("a"), limit=9)
