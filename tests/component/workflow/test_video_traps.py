"""What may come instead of a video: each trap ends uncharged, in words for the member."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import httpx
import pytest

from bot.media import VIDEO_LIMIT, AllowedHosts, Fetcher
from bot.model import JobState
from bot.ui.cards import notice_text, status_line
from bot.workflow.delivery.messenger import Outlook
from tests.conftest import OpenHouse
from tests.fakes import House, World

S = JobState
PUBLIC, PRIVATE = "93.184.216.34", "10.0.0.1"


@dataclass
class Site:
    """The host of Pika's videos: its address, and how it answers."""

    address: str = PUBLIC
    answer: Callable[[httpx.Request], httpx.Response] = lambda _: httpx.Response(404)
    asked: list[str] = field(default_factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Answer one request."""
        self.asked.append(f"{request.url.host}{request.url.path}")
        return self.answer(request)

    async def resolve(self, _host: str, _port: int) -> Sequence[str]:
        """DNS."""
        return [self.address]


@pytest.fixture
async def site(world: World) -> AsyncIterator[Site]:
    """The world's files come over the real fetcher from this site."""
    mine = Site()
    fetcher = Fetcher(
        hosts=AllowedHosts.of(api_urls=[], extra=["cdn.test"]),
        temp_dir=world.folder,
        transport=httpx.MockTransport(mine),
        resolver=mine.resolve,
    )
    world.files = cast("Any", fetcher)
    yield mine
    await fetcher.aclose()


async def _finished(open_house: OpenHouse) -> House:
    """A job whose video Pika says is ready."""
    house = await open_house()
    job = await house.rendering()
    assert job.pika_id is not None
    house.pika.end(job.pika_id)
    await house.poller.round()
    return house


def _response(
    body: bytes = b"", status: int = 200, length: int | None = None, **headers: str
) -> httpx.Response:
    """An answer whose body comes as a stream, as from a host."""

    async def stream() -> AsyncIterator[bytes]:
        yield body

    announced = str(len(body) if length is None else length)
    return httpx.Response(
        status, content=stream(), headers={"Content-Length": announced, **headers}
    )


def _says(body: bytes = b"", status: int = 200, **headers: str) -> Any:
    return lambda _: _response(body, status, **headers)


def _announces(length: int, body: bytes) -> Any:
    return lambda _: _response(body, length=length)


TRAPS: dict[str, tuple[Any, str]] = {
    "a web page": (_says(b"<!DOCTYPE html><p>sorry"), "A web page came instead of a video"),
    "a message": (_says(b'{"error": "gone"}'), "A message came instead of a video"),
    "noise": (_says(b"\x07" * 5000), "The file is no video of a kind that can be posted"),
    "nothing": (_says(b""), "The file is empty"),
    "huge": (_announces(VIDEO_LIMIT + 1, b"x"), "The file is larger than 200 MiB"),
    "elsewhere": (
        _says(status=302, location="https://evil.test/fox.mp4"),
        "Files may not be fetched from evil.test",
    ),
    "the cloud's own address": (
        _says(status=302, location="http://169.254.169.254/latest/meta-data"),
        "Files may not be fetched from 169.254.169.254",
    ),
    "no web address": (_says(status=302, location="file:///etc/passwd"), "is not a web address"),
    "a ring": (_says(status=302, location="/again.mp4"), "is forwarded too often"),
}


@pytest.mark.parametrize("trap", TRAPS)
async def test_what_is_no_video_is_refused_with_a_clear_error(
    open_house: OpenHouse, site: Site, trap: str
) -> None:
    """The member reads what came instead, and that it cost nothing; nothing stays on the disk,
    and nobody but the video's own host was asked.
    """
    site.answer, words = TRAPS[trap]
    house = await _finished(open_house)

    job = await house.job(1)
    assert (job.state, job.code) == (S.FAILED, "bad_video")
    for text in (notice_text(job), status_line(job, Outlook())):
        assert "What Pika sent is not a usable video" in text
        assert words in text
    assert "You were not charged." in notice_text(job)
    assert await house.hold(job.id) == "released"
    assert list((house.world.folder / "videos").iterdir()) == []
    assert {name.partition("/")[0] for name in site.asked} <= {PUBLIC}


async def test_a_host_that_leads_into_our_own_network_is_not_dialled(
    open_house: OpenHouse, site: Site
) -> None:
    """The name is allowed, its address is private: refused before anything is sent."""
    site.address = PRIVATE
    house = await _finished(open_house)

    job = await house.job(1)
    assert (job.state, job.code) == (S.FAILED, "bad_video")
    assert "is not on the public internet" in notice_text(job)
    assert site.asked == []


async def test_a_video_that_breaks_off_every_time_is_given_up_in_the_end(
    open_house: OpenHouse, site: Site, clip: bytes
) -> None:
    """Begun anew at each round; after the timeout the member is told, uncharged."""
    site.answer = _announces(len(clip), clip[:-100])
    house = await _finished(open_house)
    assert await house.state(1) is S.RENDERING
    house.clock.move(House.STALL_SECONDS)
    await house.poller.round()

    job = await house.job(1)
    assert job.code == "video_unreachable"
    assert "could not be fetched from Pika" in notice_text(job)
    assert len(site.asked) == 2
    assert list((house.world.folder / "videos").iterdir()) == []


@pytest.mark.parametrize("status", [401, 403, 404, 410])
async def test_an_expired_link_is_read_again_from_pika(
    open_house: OpenHouse, site: Site, clip: bytes, status: int
) -> None:
    """The job's report has the fresh one: nothing is lost, and no member hears of it."""

    def answer(request: httpx.Request) -> httpx.Response:
        fresh = request.url.path == "/fresh.mp4"
        return _response(clip) if fresh else _response(status=status)

    site.answer = answer
    house = await _finished(open_house)
    assert await house.state(1) is S.RENDERING
    house.pika.show("pika:1", video_url="https://cdn.test/fresh.mp4?ex=1&hm=2")
    await house.poller.round()

    assert await house.state(1) is S.DELIVERING
    assert await house.hold(1) == "charged"
