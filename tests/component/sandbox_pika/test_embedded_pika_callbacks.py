"""Callbacks to replyUrl."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from bot.sandbox.pika import EmbeddedPika, PikaFault

Form = Callable[..., Any]
Submit = Callable[..., Any]


async def test_a_completed_job_is_called_back(
    pika: EmbeddedPika, api: httpx.AsyncClient, submit: Submit, listener: Any
) -> None:
    """One POST of the same JSON that GET /jobs/?jobid= returns; its answer is remembered."""
    listener.status = 202
    jobid = (await submit(prompt="a", replyUrl=listener.url, replyRef="r"))["jobid"]
    await pika.wait_for(lambda: pika.callbacks)

    (body,) = listener.bodies
    assert body == (await api.get("/jobs/", params={"jobid": jobid})).json()
    assert (body["status"], body["replyRef"]) == ("completed", "r")
    (sent,) = pika.callbacks
    assert (sent.jobid, sent.status, sent.error, sent.body) == (jobid, 202, None, body)


async def test_failed_jobs_are_called_back_and_no_others(
    pika: EmbeddedPika, api: httpx.AsyncClient, submit: Submit, form: Form, listener: Any
) -> None:
    """failed is called back; cancelled and moderated are not, nor a job without replyUrl."""
    pika.script(match="fails", outcome="failed", error="no")
    pika.script(match="late word", outcome="moderated")
    url = listener.url
    await submit(prompt="late word", replyUrl=url)
    cancelled = (await submit(prompt="c", replyUrl=url))["jobid"]
    await api.get("/jobs/cancel/", params={"jobid": cancelled})
    await api.post("/create", files=form(prompt="nsfw", replyUrl=url))
    await submit(prompt="silent")
    await submit(prompt="fails", replyUrl=url)
    await pika.wait_for(lambda: not pika.executing and pika.callbacks)

    assert [body["status"] for body in listener.bodies] == ["failed"]
    assert listener.bodies[0]["error"] == "no"


async def test_a_callback_can_come_before_the_answer(
    pika: EmbeddedPika, submit: Submit, listener: Any
) -> None:
    """early: the callback is answered before the POST is, which still says started."""
    pika.faults.add(PikaFault("callback", "early"))

    body = await submit(prompt="a", replyUrl=listener.url)

    assert body["status"] == "started"
    assert [heard["status"] for heard in listener.bodies] == ["completed"]
    assert listener.bodies[0]["jobid"] == body["jobid"]


async def test_callbacks_can_repeat_get_lost_or_be_late(
    pika: EmbeddedPika, submit: Submit, listener: Any
) -> None:
    """twice, lost and late do what they say."""
    pika.faults.add(
        PikaFault("callback", "twice"),
        PikaFault("callback", "lost"),
        PikaFault("callback", "late", seconds=0.1),
    )
    for count in (2, 3, 4):
        await submit(prompt="a", replyUrl=listener.url)
        await pika.wait_for(lambda expected=count: len(pika.callbacks) == expected)  # type: ignore[misc]

    assert len(listener.bodies) == 3
    assert [sent.error for sent in pika.callbacks] == [None, None, "lost on order", None]


async def test_a_callback_can_be_ordered_at_any_time(
    pika: EmbeddedPika, submit: Submit, listener: Any
) -> None:
    """Before the end, after a lost one, again and out of order: with the job as it is then."""
    pika.pause()
    pika.faults.add(PikaFault("callback", "lost", times=2))
    first = (await submit(prompt="a", replyUrl=listener.url))["jobid"]
    second = (await submit(prompt="b", replyUrl=listener.url))["jobid"]
    silent = (await submit(prompt="c"))["jobid"]
    await pika.call_back(first)
    for jobid in (first, second):
        await pika.finish(jobid)
    await pika.wait_for(lambda: len(pika.callbacks) == 3)
    for jobid in (second, first, first):
        assert (await pika.call_back(jobid)).status == 200

    heard = [(body["jobid"], body["status"]) for body in listener.bodies]
    done = "completed"
    assert heard == [(first, "started"), (second, done), (first, done), (first, done)]
    with pytest.raises(ValueError, match="no replyUrl"):
        await pika.call_back(silent)
    with pytest.raises(KeyError):
        await pika.call_back("nobody's")


@pytest.mark.parametrize(
    "url", ["http://example.com/cb", "ftp://127.0.0.1/", "nonsense", "http://127.0.0.1:99999/"]
)
async def test_callbacks_never_leave_this_machine(
    pika: EmbeddedPika, submit: Submit, url: str
) -> None:
    """Another host, scheme or no address at all: noted as not sent, and the job completes."""
    jobid = (await submit(prompt="a", replyUrl=url))["jobid"]
    await pika.wait_for(lambda: pika.callbacks)

    assert pika.jobs[jobid].status == "completed"
    assert pika.callbacks[0].status is None
    assert "not sent" in (pika.callbacks[0].error or "")


async def test_a_dead_listener_harms_nobody(pika: EmbeddedPika, submit: Submit) -> None:
    """A refused connection is remembered with its error."""
    await submit(prompt="a", replyUrl="http://127.0.0.1:9/cb")
    await pika.wait_for(lambda: pika.callbacks)

    assert pika.callbacks[0].status is None
    assert "ClientConnector" in (pika.callbacks[0].error or "")
