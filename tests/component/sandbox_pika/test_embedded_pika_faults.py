"""Misbehaviour on order: each kind does what it says, and nothing more."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from bot.sandbox.pika import EmbeddedPika, PikaFault

Form = Callable[..., Any]
Submit = Callable[..., Any]


@pytest.mark.parametrize("status", [401, 402, 500, 502, 503, 504, 596, 418])
async def test_a_status_is_answered_and_nothing_done(
    pika: EmbeddedPika, api: httpx.AsyncClient, form: Form, status: int
) -> None:
    """status: JSON with error and code, no job; the next request is fine."""
    pika.faults.add(PikaFault("create", "status", status=status, details="why"))

    answer = await api.post("/create", files=form(prompt="a"))

    assert (answer.status_code, answer.json()["code"]) == (status, status)
    assert answer.json()["errorDetails"] == "why"
    assert pika.jobs == {}
    assert pika.requests[0].fault == "status"
    assert (await api.post("/create", files=form(prompt="a"))).status_code == 200


async def test_a_504_may_have_taken_effect(
    pika: EmbeddedPika, api: httpx.AsyncClient, form: Form
) -> None:
    """took=True: the caller hears 504, the job runs and is listed."""
    pika.pause()
    pika.faults.add(PikaFault("create", "status", status=504, took=True))

    answer = await api.post("/create", files=form(prompt="a", replyRef="r"))

    assert answer.status_code == 504
    (job,) = pika.by_ref("r")
    assert (await api.get("/jobs")).json() == [job.jobid]


async def test_a_full_queue_on_order(
    pika: EmbeddedPika, api: httpx.AsyncClient, form: Form
) -> None:
    """queue_full: the first 429 with the ids given."""
    pika.faults.add(PikaFault("create", "queue_full", executing=("x", "y")))

    answer = await api.post("/create", files=form(prompt="a"))

    assert answer.json() == {
        "error": "Maximum of 2 jobs executing in parallel supported",
        "executingJobs": ["x", "y"],
        "code": 429,
    }


async def test_answers_that_are_not_what_was_promised(
    pika: EmbeddedPika, api: httpx.AsyncClient, form: Form
) -> None:
    """not_json is HTML with 200, body is verbatim, missing_fields lacks them, job or no job."""
    pika.faults.add(
        PikaFault("create", "not_json"),
        PikaFault("create", "body", status=200, body=b"[]", content_type="application/json"),
        PikaFault("create", "missing_fields", fields=("jobid", "code")),
    )
    page, verbatim, partial = [await api.post("/create", files=form(prompt="a")) for _ in range(3)]

    assert page.status_code == 200
    assert page.headers["Content-Type"].startswith("text/html")
    assert (verbatim.status_code, verbatim.content) == (200, b"[]")
    assert partial.json()["status"] == "started"
    assert "jobid" not in partial.json()
    assert len(pika.accepted) == 1


async def test_a_truncated_answer(pika: EmbeddedPika, api: httpx.AsyncClient, form: Form) -> None:
    """truncated: the length of the whole, half of the bytes; the job was taken."""
    pika.faults.add(PikaFault("create", "truncated"))

    with pytest.raises(httpx.RemoteProtocolError):
        await api.post("/create", files=form(prompt="a"))

    assert len(pika.accepted) == 1


async def test_drop_before_reading(
    pika: EmbeddedPika, api: httpx.AsyncClient, form: Form, png: tuple[str, bytes, str]
) -> None:
    """drop_before: the connection breaks, no job, no status in the log."""
    pika.faults.add(PikaFault("create", "drop_before"))

    with pytest.raises((httpx.ReadError, httpx.WriteError, httpx.RemoteProtocolError)):
        await api.post("/create", files=form(prompt="a", image=png))

    assert pika.jobs == {}
    assert pika.requests[0].status is None
    assert pika.requests[0].fields == ()


async def test_accepted_and_then_dropped(
    pika: EmbeddedPika, api: httpx.AsyncClient, form: Form
) -> None:
    """drop_after: the connection breaks, and the job runs."""
    pika.faults.add(PikaFault("create", "drop_after"))

    with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
        await api.post("/create", files=form(prompt="a", replyRef="r"))

    assert len(pika.by_ref("r")) == 1
    assert pika.requests[0].status is None


@pytest.mark.parametrize("took", [None, True])
async def test_read_and_never_answered(
    pika: EmbeddedPika, api: httpx.AsyncClient, form: Form, took: bool | None
) -> None:
    """hang: the caller's patience ends first; the job exists only if it took effect."""
    pika.faults.add(PikaFault("create", "hang", took=took))

    with pytest.raises(httpx.ReadTimeout):
        await api.post("/create", files=form(prompt="a"), timeout=0.1)

    assert len(pika.accepted) == (1 if took else 0)


async def test_hanging_requests_do_not_keep_the_server() -> None:
    """stop() ends requests that hang, at once."""
    server = EmbeddedPika(instant=True)
    await server.start()
    server.faults.add(PikaFault("read", "hang", times=None))
    headers = {"Authorization": f"Bearer {server.token}"}
    async with httpx.AsyncClient(headers=headers) as client:
        waiting = [asyncio.ensure_future(client.get(f"{server.api_url}/jobs")) for _ in range(3)]
        await server.wait_for(lambda: len(server.requests) == 3)
        began = time.perf_counter()
        await server.stop()
        assert time.perf_counter() - began < 2
        results = await asyncio.gather(*waiting, return_exceptions=True)
    assert all(isinstance(result, httpx.TransportError) for result in results)


@pytest.mark.parametrize("took", [None, False])
async def test_a_delayed_answer(
    pika: EmbeddedPika, api: httpx.AsyncClient, form: Form, took: bool | None
) -> None:
    """delay: the true answer, later; the work is done before the wait, or after it."""
    pika.faults.add(PikaFault("create", "delay", seconds=0.15, took=took))

    post = asyncio.ensure_future(api.post("/create", files=form(prompt="a")))
    await asyncio.sleep(0.05)
    assert len(pika.accepted) == (0 if took is False else 1)
    answer = await post

    assert answer.json()["status"] == "started"
    assert pika.requests[0].seconds >= 0.15


@pytest.mark.parametrize(
    ("endpoint", "method", "path"),
    [
        ("jobs", "GET", "/jobs"),
        ("job", "GET", "/jobs/?jobid=x"),
        ("cancel", "GET", "/jobs/cancel/?jobid=x"),
        ("account", "GET", "/account"),
        ("animate", "POST", "/animate"),
        ("encrypt_text", "POST", "/encrypt_text"),
        ("encrypt_image", "POST", "/encrypt_image"),
        ("button", "POST", "/button"),
    ],
)
async def test_every_endpoint_can_fail(
    pika: EmbeddedPika, api: httpx.AsyncClient, endpoint: str, method: str, path: str
) -> None:
    """A fault hits its own endpoint; a group hits each of its members."""
    for name in (endpoint, "submit" if method == "POST" else "read", "api"):
        pika.faults.add(PikaFault(name, "status", status=503))
        assert (await api.get("/nowhere")).status_code == 404
        assert (await api.request(method, path)).status_code == 503
        assert (await api.request(method, path)).status_code != 503


async def test_times_skip_and_clear(pika: EmbeddedPika, api: httpx.AsyncClient) -> None:
    """skip lets some pass, times counts, None is for ever, clear() ends it."""

    async def statuses(count: int) -> list[int]:
        return [(await api.get("/jobs")).status_code for _ in range(count)]

    fault = PikaFault("jobs", "status", status=500, times=2, skip=1)
    pika.faults.add(fault)
    assert await statuses(4) == [200, 500, 500, 200]
    assert fault.hits == 2
    pika.faults.add(PikaFault("api", "status", status=502, times=None))
    assert await statuses(3) == [502, 502, 502]
    pika.faults.clear("create")
    assert await statuses(1) == [502]
    pika.faults.clear()
    assert await statuses(1) == [200]


@pytest.mark.parametrize(
    ("endpoint", "kind"),
    [("nowhere", "status"), ("create", "twice"), ("cdn", "not_json"), ("callback", "hang")],
)
async def test_faults_that_make_no_sense_are_refused(
    pika: EmbeddedPika, endpoint: str, kind: Any
) -> None:
    """An unknown endpoint, or a kind that it cannot have, is a ValueError."""
    with pytest.raises(ValueError, match=endpoint):
        pika.faults.add(PikaFault(endpoint, kind))


async def test_unplugged_and_plugged_again(
    pika: EmbeddedPika, api: httpx.AsyncClient, submit: Submit
) -> None:
    """unplug() refuses connections, jobs go on, plug() listens on the same port."""
    address = pika.api_url
    jobid = (await submit())["jobid"]

    await pika.unplug()
    for _ in range(2):
        with pytest.raises((httpx.ConnectError, httpx.ReadError, httpx.RemoteProtocolError)):
            await api.get("/jobs")
    with pytest.raises(httpx.ConnectError):
        await api.get("/jobs")
    await pika.wait_for(lambda: pika.jobs[jobid].status == "completed")
    await pika.plug()

    assert pika.api_url == address
    assert (await api.get("/jobs")).status_code == 200


async def test_what_was_accepted_goes_on_without_its_caller() -> None:
    """unplug() breaks the POST off; its job is made all the same, and its slot is free again."""
    async with (
        EmbeddedPika(render_seconds=0.05, accept_seconds=60, instant=True) as pika,
        httpx.AsyncClient(headers={"Authorization": f"Bearer {pika.token}"}) as api,
    ):
        post = asyncio.create_task(
            api.post(f"{pika.api_url}/create", files={"prompt": (None, "a fox")})
        )
        await pika.wait_for(lambda: pika.executing)
        await pika.unplug()
        with pytest.raises(httpx.HTTPError):
            await post

        (job,) = pika.jobs.values()
        pika.clock.advance(60)
        await pika.wait_for(lambda: job.status == "completed")
        assert pika.executing == {}


async def test_a_caller_who_leaves_during_the_upload(
    pika: EmbeddedPika, caplog: pytest.LogCaptureFixture
) -> None:
    """Half a request and a closed connection make no job, do no harm and are no error of ours."""
    reader, writer = await asyncio.open_connection("127.0.0.1", pika.port)
    head = (
        f"POST /v1/pika/create HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {pika.token}\r\n"
        "Content-Type: multipart/form-data; boundary=cut\r\nContent-Length: 9999\r\n\r\n--cut\r\n"
    )
    writer.write(head.encode())
    await writer.drain()
    await pika.wait_for(lambda: pika.requests)
    writer.close()
    await writer.wait_closed()
    assert await reader.read() == b""
    await asyncio.sleep(0.05)

    assert pika.jobs == {}
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []
