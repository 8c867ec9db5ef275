"""Links to finished videos, and the ways in which they can disappoint."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from bot.sandbox.pika import EmbeddedPika, PikaFault

Submit = Callable[..., Any]


@pytest.fixture
async def url(pika: EmbeddedPika, submit: Submit) -> str:
    """The link of a finished video."""
    return await finished(pika, submit)


async def finished(pika: EmbeddedPika, submit: Submit) -> str:
    """Make a job, complete it and return its link."""
    jobid = (await submit(prompt="a fox"))["jobid"]
    await pika.wait_for(lambda: pika.jobs[jobid].status == "completed")
    attachment = pika.jobs[jobid].attachment
    assert attachment is not None
    return str(attachment["url"])


async def test_the_video_is_served_as_announced(
    pika: EmbeddedPika, web_client: httpx.AsyncClient, url: str
) -> None:
    """Type, length and digest are those of the job; no token is needed."""
    answer = await web_client.get(url)

    (job,) = pika.jobs.values()
    assert job.attachment is not None
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "video/mp4"
    assert int(answer.headers["Content-Length"]) == len(answer.content) == job.attachment["size"]
    assert hashlib.sha256(answer.content).hexdigest() == job.video_sha256
    assert job.video is not None
    assert job.video.read_bytes() == answer.content
    proxied = await web_client.get(str(job.attachment["proxy_url"]))
    assert proxied.content == answer.content
    part = await web_client.get(url, headers={"Range": "bytes=0-9"})
    assert (part.status_code, part.content) == (206, answer.content[:10])
    head = await web_client.head(url)
    assert head.headers["Content-Length"] == answer.headers["Content-Length"]


async def test_links_expire(
    pika: EmbeddedPika, web_client: httpx.AsyncClient, api: httpx.AsyncClient, url: str
) -> None:
    """After a day the link is 404, and reading the job again does not renew it."""
    pika.clock.advance(86400 - 60)
    assert (await web_client.get(url)).status_code == 200
    pika.clock.advance(120)
    assert (await web_client.get(url)).status_code == 404
    (jobid,) = pika.jobs
    again = (await api.get("/jobs/", params={"jobid": jobid})).json()
    assert again["attachments"][0]["url"] == url


async def test_the_life_of_links_can_be_chosen(
    pika: EmbeddedPika, submit: Submit, web_client: httpx.AsyncClient
) -> None:
    """tempo.link is the life of links made from then on."""
    pika.tempo.link = 5
    url = await finished(pika, submit)
    assert (await web_client.get(url)).status_code == 200
    pika.clock.advance(6)
    assert (await web_client.get(url)).status_code == 404


async def test_only_the_signed_link_works(
    pika: EmbeddedPika, web_client: httpx.AsyncClient, url: str
) -> None:
    """Stripped, shortened, prolonged or renamed links are 404."""
    parts = urlsplit(url)
    query = dict(pair.split("=") for pair in parts.query.split("&"))
    bare = f"{pika.origin}{parts.path}"
    later = format(int(query["ex"], 16) + 1, "x")
    for bad in (
        bare,
        f"{bare}?ex={query['ex']}&is={query['is']}",
        f"{bare}?ex={later}&is={query['is']}&hm={query['hm']}",
        f"{bare}?ex=zz&is={query['is']}&hm={query['hm']}",
        f"{bare}x?{parts.query}",
        url.replace("/attachments/1", "/attachments/2"),
        f"{url}é",
    ):
        assert (await web_client.get(bad)).status_code == 404


async def test_a_truncated_download(
    pika: EmbeddedPika, web_client: httpx.AsyncClient, url: str
) -> None:
    """truncated: the length of the whole, half of it, end."""
    pika.faults.add(PikaFault("cdn", "truncated"))
    with pytest.raises(httpx.RemoteProtocolError):
        await web_client.get(url)


async def test_downloads_that_are_something_else(
    pika: EmbeddedPika, web_client: httpx.AsyncClient, url: str
) -> None:
    """wrong_type, junk, redirect, expired, status and no_length, one after the other."""
    pika.faults.add(
        PikaFault("cdn", "wrong_type"),
        PikaFault("cdn", "junk"),
        PikaFault("cdn", "redirect", location="http://169.254.169.254/latest"),
        PikaFault("cdn", "expired"),
        PikaFault("cdn", "status", status=503),
        PikaFault("cdn", "no_length"),
    )
    page, junk, redirect, expired, status, chunked = [await web_client.get(url) for _ in range(6)]

    assert (page.status_code, page.headers["Content-Type"]) == (200, "text/html")
    assert (junk.status_code, junk.headers["Content-Type"]) == (200, "video/mp4")
    assert b"ftyp" not in junk.content
    assert redirect.status_code == 302
    assert redirect.headers["Location"] == "http://169.254.169.254/latest"
    assert expired.status_code == 404
    assert status.status_code == 503
    assert "Content-Length" not in chunked.headers
    assert chunked.content == (await web_client.get(url)).content


async def test_downloads_that_do_not_come(
    pika: EmbeddedPika, web_client: httpx.AsyncClient, url: str
) -> None:
    """hang, drop_before and delay."""
    pika.faults.add(
        PikaFault("cdn", "hang"),
        PikaFault("cdn", "drop_before"),
        PikaFault("cdn", "delay", seconds=0.1),
    )
    with pytest.raises(httpx.ReadTimeout):
        await web_client.get(url, timeout=0.1)
    with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
        await web_client.get(url)
    assert (await web_client.get(url)).status_code == 200
    assert pika.requests[-1].seconds >= 0.1
