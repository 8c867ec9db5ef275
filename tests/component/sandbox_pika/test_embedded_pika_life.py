"""The life of a job, as GET /jobs/?jobid= tells it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from bot.sandbox.pika import EmbeddedPika

Form = Callable[..., Any]
Submit = Callable[..., Any]


async def read(api: httpx.AsyncClient, jobid: str) -> dict[str, Any]:
    """Read a job that must be there."""
    answer = await api.get("/jobs/", params={"jobid": jobid})
    body: dict[str, Any] = answer.json()
    assert (answer.status_code, body["code"]) == (200, 200)
    return body


async def test_a_job_goes_from_started_over_progress_to_completed(
    pika: EmbeddedPika, api: httpx.AsyncClient, submit: Submit
) -> None:
    """With the clock moved: started, progress with a percentage, completed with the video."""
    pika.tempo.render = 100
    first = await submit(prompt="fox runs in snow -seed 123", replyRef="r")
    jobid = first["jobid"]

    assert (await read(api, jobid))["status"] == "started"
    pika.clock.advance(45)
    running = await read(api, jobid)
    assert running["status"] == "progress"
    assert "(40%)" in running["content"]
    assert running["messageId"] == first["messageId"]
    assert "attachments" not in running
    assert "buttons" not in running
    pika.clock.advance(60)
    await pika.wait_for(lambda: pika.jobs[jobid].status == "completed")
    done = await read(api, jobid)

    assert set(done) == (set(first) | {"buttons", "attachments"})
    user = f"<@{pika.jobs[jobid].user_id}>"
    assert done["content"] == f"{user} Prompt: fox runs in snow -seed 123  Author: {user}"
    assert done["buttons"] == ["retry"]
    assert done["messageId"] != first["messageId"]
    assert done["timestamp"] > first["timestamp"]
    assert done["updated"] > done["created"] == first["created"]
    assert done["replyRef"] == "r"
    (attachment,) = done["attachments"]
    assert set(attachment) == {
        "url", "proxy_url", "id", "filename", "content_type", "size", "width", "height",
    }  # fmt: skip
    assert attachment["filename"] == "fox_runs_in_snow_seed123.mp4"
    assert attachment["content_type"] == "video/mp4"


async def test_the_list_holds_executing_jobs_only(
    pika: EmbeddedPika, api: httpx.AsyncClient, submit: Submit
) -> None:
    """GET /jobs is a bare array of the executing ids."""
    assert (await api.get("/jobs")).json() == []
    pika.pause()
    ids = [(await submit(prompt=f"{n}"))["jobid"] for n in range(3)]
    assert (await api.get("/jobs")).json() == ids

    await pika.finish(ids[1])

    assert (await api.get("/jobs")).json() == [ids[0], ids[2]]
    pika.fail(ids[0], "no luck")
    assert (await api.get("/jobs")).json() == [ids[2]]
    pika.resume()
    await pika.wait_for(lambda: not pika.executing)
    assert (await api.get("/jobs")).json() == []


async def test_reading_needs_a_known_id(api: httpx.AsyncClient) -> None:
    """Without the id 400, with an unknown one 404, in the documented words."""
    for path in ("/jobs/", "/jobs/cancel/"):
        missing = await api.get(path)
        assert missing.status_code == 400
        assert missing.json() == {"error": "Query param jobid not provided", "code": 400}
        unknown = await api.get(path, params={"jobid": "nope"})
        assert unknown.status_code == 404
        assert unknown.json() == {"error": "Unable to locate job nope", "code": 404}


async def test_a_job_is_recycled_after_31_days(
    pika: EmbeddedPika, api: httpx.AsyncClient, submit: Submit
) -> None:
    """A job can be read for 31 days, and then no more."""
    jobid = (await submit())["jobid"]
    await pika.wait_for(lambda: pika.jobs[jobid].status == "completed")
    pika.clock.advance(31 * 86400 - 60)
    await read(api, jobid)
    pika.clock.advance(120)
    assert (await api.get("/jobs/", params={"jobid": jobid})).status_code == 404


async def test_cancel_frees_the_slot(
    pika: EmbeddedPika, api: httpx.AsyncClient, submit: Submit, form: Form
) -> None:
    """GET /jobs/cancel/ answers id, status and code; the slot is free; the end is final."""
    pika.pause()
    jobid = (await submit(prompt="a", maxJobs="1"))["jobid"]
    assert (await api.post("/create", files=form(prompt="b", maxJobs="1"))).status_code == 429

    for _ in range(2):
        answer = await api.get("/jobs/cancel/", params={"jobid": jobid})
        assert answer.status_code == 200
        assert answer.json() == {"jobid": jobid, "status": "cancelled", "code": 200}

    await submit(prompt="b", maxJobs="1")
    pika.resume()
    await pika.wait_for(lambda: not pika.executing)
    assert (await read(api, jobid))["status"] == "cancelled"


async def test_cancelling_a_finished_job_changes_nothing(
    pika: EmbeddedPika, api: httpx.AsyncClient, submit: Submit
) -> None:
    """A completed job stays completed, and the answer says so."""
    jobid = (await submit())["jobid"]
    await pika.wait_for(lambda: pika.jobs[jobid].status == "completed")

    answer = await api.get("/jobs/cancel/", params={"jobid": jobid})

    assert answer.json() == {"jobid": jobid, "status": "completed", "code": 200}


async def test_retry_runs_a_completed_job_again(
    pika: EmbeddedPika, api: httpx.AsyncClient, submit: Submit, form: Form
) -> None:
    """/button makes a new job from the parent's recipe; only `retry`, only when completed."""
    pika.pause()
    parent = (await submit(prompt="a fox"))["jobid"]
    early = await api.post("/button", files=form(jobid=parent, button="retry"))
    await pika.finish(parent)
    wrong = await api.post("/button", files=form(jobid=parent, button="remix"))
    lost = await api.post("/button", files=form(jobid="nope", button="retry"))
    body = await submit("/button", jobid=parent, button="retry", replyRef="again")

    assert (early.status_code, wrong.status_code) == (400, 400)
    assert (lost.status_code, lost.json()["error"]) == (404, "Unable to locate job nope")
    assert body["verb"] == "pika-button"
    assert body["button"] == "retry"
    assert body["parentJobId"] == parent
    assert body["replyRef"] == "again"
    assert "prompt" not in body
    job = pika.jobs[body["jobid"]]
    assert job.prompt == "a fox"
    assert job.seed != pika.jobs[parent].seed
    await pika.finish(job.jobid)
    await submit("/button", jobid=job.jobid, button="retry")
    assert pika.violations == []


async def test_scripts_decide_the_end(
    pika: EmbeddedPika, api: httpx.AsyncClient, submit: Submit
) -> None:
    """failed, moderated and completed jobs end as told, and only those that match."""
    pika.script(match="bad luck", outcome="failed", error="GPU on fire", error_details="hot")
    pika.script(match=lambda job: job.reply_ref == "m", outcome="moderated")
    ids = [
        (await submit(prompt="bad luck"))["jobid"],
        (await submit(prompt="fine", replyRef="m"))["jobid"],
        (await submit(prompt="bad luck"))["jobid"],
    ]
    await pika.wait_for(lambda: not pika.executing)

    failed, moderated, completed = [await read(api, jobid) for jobid in ids]
    assert failed["status"] == "failed"
    assert (failed["error"], failed["errorDetails"]) == ("GPU on fire", "hot")
    assert "attachments" not in failed
    assert moderated["status"] == "moderated"
    assert moderated["error"] == "Sorry, your input may be inconsistent with server rules."
    assert completed["status"] == "completed"
    assert len(pika.accepted) == 3


async def test_scripts_can_decide_the_answer_to_the_post(
    pika: EmbeddedPika, api: httpx.AsyncClient, submit: Submit, form: Form
) -> None:
    """at_submit makes it a 422, or a 200 whose status is `failed`, as the model allows."""
    pika.script(outcome="moderated", at_submit=True, error="No.", error_details="Why.")
    pika.script(outcome="failed", at_submit=True, error="Broken")

    refused = await api.post("/create", files=form(prompt="a"))
    failed = await submit(prompt="b")

    assert refused.status_code == 422
    assert (refused.json()["error"], refused.json()["errorDetails"]) == ("No.", "Why.")
    assert (failed["status"], failed["error"]) == ("failed", "Broken")
    assert pika.accepted == []


async def test_stuck_and_slow_jobs(pika: EmbeddedPika, submit: Submit) -> None:
    """A stuck job stops at 40 % for ever; a slow one takes its time; finish() ends both."""
    pika.script(match="stuck", outcome="stuck")
    pika.script(match="slow", outcome="slow", seconds=1000)
    stuck = pika.jobs[(await submit(prompt="stuck"))["jobid"]]
    slow = pika.jobs[(await submit(prompt="slow"))["jobid"]]

    pika.clock.advance(900)
    assert (stuck.status, stuck.percent) == ("progress", 40)
    assert (slow.status, slow.percent) == ("progress", 80)
    pika.clock.advance(200)
    await pika.wait_for(lambda: slow.status == "completed")
    pika.clock.advance(86400)
    assert (stuck.status, stuck.percent) == ("progress", 40)
    await pika.finish(stuck.jobid)
    assert stuck.status == "completed"
    with pytest.raises(KeyError):
        pika.finish(stuck.jobid)


async def test_pause_is_not_counted(pika: EmbeddedPika, submit: Submit) -> None:
    """After resume() a job needs the rest of its time, however long the pause was."""
    pika.tempo.render = 100
    job = pika.jobs[(await submit())["jobid"]]
    pika.clock.advance(50)
    assert job.percent == 40
    pika.pause()
    pika.pause()
    pika.clock.advance(1000)
    assert job.percent == 40
    pika.resume()
    pika.resume()
    pika.clock.advance(15)
    assert job.percent == 60
    pika.clock.advance(36)
    await pika.wait_for(lambda: job.status == "completed")


async def test_a_job_taken_during_a_pause_waits(pika: EmbeddedPika, submit: Submit) -> None:
    """What is submitted while paused starts to count at resume()."""
    pika.tempo.render = 100
    pika.pause()
    job = pika.jobs[(await submit())["jobid"]]
    pika.clock.advance(500)
    assert job.status == "started"
    pika.resume()
    pika.clock.advance(99)
    assert (job.status, job.percent) == ("progress", 80)
    pika.clock.advance(2)
    await pika.wait_for(lambda: job.status == "completed")


async def test_the_api_looks_into_discord_in_steps(pika: EmbeddedPika, submit: Submit) -> None:
    """With a poll granularity the view moves at multiples of it only."""
    pika.tempo.render, pika.tempo.poll = 100, 30
    job = pika.jobs[(await submit())["jobid"]]
    pika.clock.advance(29)
    assert job.percent == 0
    pika.clock.advance(2)
    assert job.percent == 20
    pika.clock.advance(88)
    assert (job.status, job.percent) == ("progress", 80)
    pika.clock.advance(2)
    await pika.wait_for(lambda: job.status == "completed")


async def test_speed_divides_durations(pika: EmbeddedPika, submit: Submit) -> None:
    """At speed 10 a job of 100 s takes 10 s."""
    pika.tempo.render, pika.tempo.speed = 100, 10
    job = pika.jobs[(await submit())["jobid"]]
    pika.clock.advance(9)
    assert (job.status, job.percent) == ("progress", 80)
    pika.clock.advance(2)
    await pika.wait_for(lambda: job.status == "completed")


async def test_a_job_is_created_until_the_bot_answers(
    pika: EmbeddedPika, api: httpx.AsyncClient, form: Form
) -> None:
    """The POST blocks until the bot has answered; meanwhile the job is listed as created."""
    pika.tempo.accept = 60
    post = asyncio.ensure_future(api.post("/create", files=form(prompt="a")))
    await pika.wait_for(lambda: pika.executing)
    (jobid,) = pika.executing
    assert (await read(api, jobid))["status"] == "created"
    assert pika.accepted == []
    pika.clock.advance(61)
    body = (await post).json()
    assert (body["status"], body["jobid"]) == ("started", jobid)

    post = asyncio.ensure_future(api.post("/create", files=form(prompt="b")))
    await pika.wait_for(lambda: len(pika.jobs) == 2)
    second = [*pika.jobs][1]
    assert (await api.get("/jobs/cancel/", params={"jobid": second})).status_code == 200
    pika.clock.advance(61)
    assert (await post).json()["status"] == "cancelled"


async def test_bytes_that_are_no_picture_are_taken_and_fail(
    pika: EmbeddedPika, api: httpx.AsyncClient, submit: Submit
) -> None:
    """The API takes any file; what cannot be a picture ends as failed, instant mode or not."""
    jobid = (await submit(prompt="a", image=("a.png", b"not a picture", "image/png")))["jobid"]
    await pika.wait_for(lambda: not pika.executing)

    assert (await read(api, jobid))["status"] == "failed"


async def test_exactly_one_job_per_reference_can_be_asserted(
    pika: EmbeddedPika, submit: Submit
) -> None:
    """by_ref() lists the accepted jobs of a replyRef; a repeated POST is a second job."""
    await submit(prompt="a", replyRef="once")
    await submit(prompt="a", replyRef="twice")
    await submit(prompt="a", replyRef="twice")

    assert len(pika.by_ref("once")) == 1
    assert len(pika.by_ref("twice")) == 2
    assert [job.reply_ref for job in pika.accepted] == ["once", "twice", "twice"]


async def test_wait_for_gives_up(pika: EmbeddedPika) -> None:
    """A condition that never holds is a TimeoutError."""
    with pytest.raises(TimeoutError):
        await pika.wait_for(lambda: pika.accepted, timeout=0.05)


async def test_the_clock_only_moves_forward(pika: EmbeddedPika) -> None:
    """Going back is refused; timers run in the order of their time."""
    with pytest.raises(ValueError, match="forward"):
        pika.clock.advance(-1)
    called: list[int] = []
    now = pika.clock.now()
    pika.clock.call_at(now + 30, lambda: called.append(30))
    pika.clock.call_at(now + 10, lambda: called.append(10))
    pika.clock.call_at(now + 20, lambda: called.append(20)).cancel()
    pika.clock.advance(40)
    assert called == [10, 30]


async def test_the_button_page_lists_no_channel(
    pika: EmbeddedPika, api: httpx.AsyncClient, submit: Submit, form: Form
) -> None:
    """A retry runs in its parent's channel; a `channel` of its own is a violation."""
    pika.pause()
    parent = (await submit())["jobid"]
    await pika.finish(parent)

    answer = await api.post(
        "/button", files=form(jobid=parent, button="retry", channel="1180000000000000009")
    )

    assert answer.json()["channel"] == pika.jobs[parent].channel
    assert pika.violations == ["POST /button: unknown form field `channel`"]
