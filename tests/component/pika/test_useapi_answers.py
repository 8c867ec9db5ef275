"""Every documented answer is its own error, and each error says what may be done next."""

from __future__ import annotations

import json
import logging
import traceback
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from bot.model import PikaReport, PikaStatus, Recipe
from bot.pika import (
    AccountChannel,
    AccountProblem,
    Accounts,
    BadFlag,
    Busy,
    Garbled,
    Gone,
    Moderated,
    NoAnswer,
    PikaError,
    Refused,
    Unavailable,
    UseApi,
)

if TYPE_CHECKING:
    from tests.component.pika.conftest import Canned

ACCEPTED = {
    "jobid": "j-1",
    "verb": "pika-create",
    "status": "started",
    "updated": "2024-03-02T10:00:04.010Z",
    "prompt": "a fox",
    "replyRef": "r-1",
    "content": "<@42> Creation job queued. (Prompt: a fox)",
    "code": 200,
}
COMPLETED = ACCEPTED | {
    "status": "completed",
    "attachments": [{"url": "https://cdn.discordapp.com/a/fox.mp4?ex=1&hm=2"}],
}


async def test_accepted(canned: Canned, fox: Recipe) -> None:
    """200 names the job; progress is read from Pika's message."""
    canned.says(200, ACCEPTED | {"content": "in progress (12%)"})
    expected = PikaReport(
        "j-1", PikaStatus.WORKING, reply_ref="r-1", percent=12, updated="2024-03-02T10:00:04.010Z"
    )
    assert await canned.submit(fox) == expected
    assert canned.told == [("create", 200)]


async def test_accepted_without_a_status_is_working(canned: Canned, fox: Recipe) -> None:
    """The name of the job is all that matters: it must not be lost over a missing field."""
    canned.says(201, {"jobid": "j-1"})
    assert await canned.submit(fox) == PikaReport("j-1", PikaStatus.WORKING)


@pytest.mark.parametrize("status", ["moderated", "failed"])
async def test_a_yes_may_already_be_final(canned: Canned, fox: Recipe, status: str) -> None:
    """The documented model of 200 knows these two: they are reports, not errors."""
    canned.says(200, {"jobid": "j-1", "status": status, "error": "Sorry"})
    report = await canned.submit(fox)
    assert (report.status, report.error) == (PikaStatus(status), "Sorry")


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, "bad_request", Refused),
        (404, "not_found", Refused),
        (405, "refused", Refused),
        (409, "refused", Refused),
        (413, "too_large", Refused),
        (401, "unauthorized", AccountProblem),
        (402, "no_subscription", AccountProblem),
        (403, "forbidden", AccountProblem),
        (596, "account_error", AccountProblem),
        (308, "moved", AccountProblem),
        (303, "server_error", NoAnswer),
        (408, "server_error", NoAnswer),
        (500, "server_error", NoAnswer),
        (502, "server_error", NoAnswer),
        (503, "server_error", NoAnswer),
        (504, "untracked", NoAnswer),
        (599, "server_error", NoAnswer),
    ],
)
async def test_a_no_to_a_submit(
    canned: Canned, fox: Recipe, status: int, code: str, kind: type[PikaError]
) -> None:
    """A status decides what was taken; unknown ones count as "nobody knows"."""
    canned.says(status, {"error": "Some reason", "code": status})
    with pytest.raises(PikaError) as caught:
        await canned.submit(fox)
    assert type(caught.value) is kind
    assert (caught.value.status, caught.value.code) == (status, code)
    if status != 308:
        assert caught.value.detail == "Some reason"
    if isinstance(caught.value, NoAnswer):
        assert caught.value.untracked is (status == 504)
    assert len(canned.requests) == 1, "a submit is never repeated by the client"
    assert canned.told == [("create", status)]


@pytest.mark.parametrize("status", [400, 401, 404, 422, 429, 500, 504, 596])
@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"error":5}', b'{"err', b"\xff"])
async def test_a_no_needs_no_readable_body(
    canned: Canned, fox: Recipe, status: int, body: bytes
) -> None:
    """The status is enough, whatever a proxy wrote under it."""
    canned.says(status, body)
    with pytest.raises(PikaError) as caught:
        await canned.submit(fox)
    assert caught.value.status == status


async def test_moderated(canned: Canned, fox: Recipe) -> None:
    """422 with the documented sentence."""
    text = "Sorry, your input may be inconsistent with server rules."
    canned.says(422, {"error": text, "jobid": "j-2", "status": "moderated", "code": 422})
    with pytest.raises(Moderated) as caught:
        await canned.submit(fox)
    error = caught.value
    assert (error.code, error.detail, error.pika_id) == ("moderated", text, "j-2")
    assert str(error) == f"moderated (HTTP 422): {text}"


async def test_bad_flag(canned: Canned, fox: Recipe) -> None:
    """422 of the same status, about an option: it is named."""
    details = "Unrecognized parameter(s): `size`"
    canned.says(
        422,
        {
            "error": "Invalid parameter",
            "errorDetails": details,
            "jobid": "j-2",
            "status": "moderated",
        },
    )
    with pytest.raises(BadFlag) as caught:
        await canned.submit(fox)
    assert caught.value.flags == ("size",)
    assert caught.value.detail == f"Invalid parameter {details}"
    assert caught.value.pika_id == "j-2"


async def test_queue_full(canned: Canned, fox: Recipe) -> None:
    """429 with the jobs that fill the queue; it names no time."""
    canned.says(
        429,
        {"error": "Maximum of 3 jobs executing in parallel supported", "executingJobs": ["a", "b"]},
    )
    with pytest.raises(Busy) as caught:
        await canned.submit(fox)
    error = caught.value
    assert (error.code, error.executing, error.retry_after) == ("queue_full", ("a", "b"), None)


async def test_discord_busy(canned: Canned, fox: Recipe) -> None:
    """429 with Discord's own answer as JSON in a string: its wait, not its text."""
    limit = json.dumps({"global": True, "message": "…", "retry_after": 10})
    error = "Discord /interactions failed with HTTP status 429"
    canned.says(429, {"error": error, "errorDetails": limit})
    with pytest.raises(Busy) as caught:
        await canned.submit(fox)
    assert (caught.value.code, caught.value.retry_after) == ("discord_busy", 10.0)
    assert (caught.value.detail, caught.value.executing) == (error, ())


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"Retry_After": "7"}, 7.0),
        ({"Retry_After": "0.5"}, 0.5),
        ({"Retry_After": "100000"}, 300.0),
        ({"Retry_After": "-4"}, None),
        ({"Retry_After": "nan"}, None),
        ({"Retry_After": "inf"}, 300.0),
        ({"Retry_After": "soon"}, None),
        (
            {
                "Retry_After": "Wed, 21 Oct 2026 07:28:30 GMT",
                "Date": "Wed, 21 Oct 2026 07:28:00 GMT",
            },
            30.0,
        ),
        ({"Retry_After": "Wed, 21 Oct 2026 07:28:30 GMT"}, None),
        ({}, None),
    ],
)
async def test_retry_after_header(
    canned: Canned, fox: Recipe, headers: dict[str, str], expected: float | None
) -> None:
    """Seconds, or a date against the answer's own; absurd ones are capped or ignored."""
    canned.says(429, {"error": "slow down"}, **headers)
    with pytest.raises(Busy) as caught:
        await canned.submit(fox)
    assert (caught.value.code, caught.value.retry_after) == ("rate_limited", expected)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>ok</html>",
        b"[]",
        b"null",
        b'{"status":"started"}',
        b'{"jobid":5,"status":"started"}',
        b'{"jobid":"","status":"started"}',
        b'{"jobid":"j-1"',
        b'{"jobid":"j-1","x":"' + b"y" * 1024 * 1024 + b'"}',
    ],
)
async def test_a_yes_that_names_no_job_is_garbled(canned: Canned, fox: Recipe, body: bytes) -> None:
    """Probably taken, so never sent again: Garbled is a NoAnswer. Bodies end at 1 MiB."""
    canned.says(200, body)
    with pytest.raises(Garbled) as caught:
        await canned.submit(fox)
    assert isinstance(caught.value, NoAnswer)
    assert caught.value.untracked is False


async def test_report_of_a_completed_job(canned: Canned) -> None:
    """The job is asked for with the slash that the documents insist on."""
    canned.says(200, COMPLETED)
    report = await canned.client.report("j-1")
    assert report.status is PikaStatus.COMPLETED
    assert report.video_url == "https://cdn.discordapp.com/a/fox.mp4?ex=1&hm=2"
    assert report.percent is None
    request = canned.requests[0]
    assert str(request.url) == "https://api.example/v1/pika/jobs/?jobid=j-1"
    assert request.method == "GET"
    assert canned.told == [("job", 200)]


@pytest.mark.parametrize("attachments", [[], [{}], [{"url": ""}], None])
async def test_completed_without_a_video_is_read_again(canned: Canned, attachments: object) -> None:
    """The video may be there a moment later; it is not lost over one bad answer."""
    canned.says(200, COMPLETED | {"attachments": attachments})
    with pytest.raises(Unavailable) as caught:
        await canned.client.report("j-1")
    assert (caught.value.code, caught.value.pika_id) == ("garbled", "j-1")


@pytest.mark.parametrize("status", ["failed", "moderated", "cancelled"])
async def test_report_of_a_job_without_video(canned: Canned, status: str) -> None:
    """Final states carry Pika's sentence."""
    canned.says(200, ACCEPTED | {"status": status, "error": "Because"})
    report = await canned.client.report("j-1")
    assert (report.status, report.error, report.video_url) == (PikaStatus(status), "Because", None)


@pytest.mark.parametrize(
    ("status", "body", "kind", "code"),
    [
        (404, {"error": "Unable to locate job j-1", "code": 404}, Gone, "not_found"),
        (410, {"error": "Job has expired", "code": 410}, Gone, "not_found"),
        (404, b"<html>nginx</html>", Unavailable, "refused"),
        (400, {"error": "Query param jobid not provided"}, Unavailable, "refused"),
        (401, {"error": "Unauthorized"}, AccountProblem, "unauthorized"),
        (402, {"error": "no subscription"}, AccountProblem, "no_subscription"),
        (596, {"error": "account"}, AccountProblem, "account_error"),
        (307, b"", AccountProblem, "moved"),
        (429, {"error": "slow"}, Unavailable, "rate_limited"),
        (500, b"", Unavailable, "server_error"),
        (504, {"error": "x"}, Unavailable, "server_error"),
        (200, b"<html>", Unavailable, "garbled"),
        (200, b"[]", Unavailable, "garbled"),
        (200, {"jobid": "j-1"}, Unavailable, "garbled"),
        (200, {"jobid": "j-1", "status": 5}, Unavailable, "garbled"),
        (200, {"status": "completed"}, Unavailable, "garbled"),
        (200, ACCEPTED | {"jobid": "another"}, Unavailable, "garbled"),
        (204, b"", Unavailable, "garbled"),
    ],
)
@pytest.mark.parametrize("verb", ["report", "cancel"])
async def test_a_no_to_a_read(
    canned: Canned, verb: str, status: int, body: object, kind: type[PikaError], code: str
) -> None:
    """Gone only in the API's own words; a paid job is not given up over a proxy's page."""
    canned.says(status, body)
    with pytest.raises(PikaError) as caught:
        await getattr(canned.client, verb)("j-1")
    assert type(caught.value) is kind
    assert caught.value.code == code


async def test_unavailable_names_the_wait(canned: Canned) -> None:
    """A 429 to a read keeps its Retry-After."""
    canned.says(429, {"error": "slow"}, Retry_After="4")
    with pytest.raises(Unavailable) as caught:
        await canned.client.report("j-1")
    assert caught.value.retry_after == 4.0


async def test_cancel_is_a_get(canned: Canned) -> None:
    """The documented way to drop a job."""
    canned.says(200, {"jobid": "j 1&x", "status": "cancelled", "code": 200})
    report = await canned.client.cancel("j 1&x")
    assert report == PikaReport("j 1&x", PikaStatus.CANCELLED)
    request = canned.requests[0]
    assert (request.method, request.url.path) == ("GET", "/v1/pika/jobs/cancel/")
    assert dict(request.url.params) == {"jobid": "j 1&x"}


async def test_executing(canned: Canned) -> None:
    """The list is a bare array."""
    canned.says(200, ["a", "b"])
    assert await canned.client.executing() == frozenset({"a", "b"})
    assert canned.requests[0].url.path == "/v1/pika/jobs"
    assert canned.told == [("jobs", 200)]


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (404, b"<html>", Gone),
        (405, b"", Gone),
        (501, b"", Gone),
        (401, {"error": "Unauthorized"}, AccountProblem),
        (500, b"", Unavailable),
        (200, b"{}", Unavailable),
        (200, b'["a", 5]', Unavailable),
        (200, b'["a"', Unavailable),
    ],
)
async def test_a_list_that_is_not_there(
    canned: Canned, status: int, body: object, kind: type[PikaError]
) -> None:
    """Gone says that this API offers no list; a broken list is never taken for a short one."""
    canned.says(status, body)
    with pytest.raises(kind):
        await canned.client.executing()


async def test_accounts_without_tokens(canned: Canned, assert_clean: Callable[[str], None]) -> None:
    """The answer holds Discord tokens in clear; what is returned does not."""
    canned.says(200, {"11": {"channel": "11", "discord": "the-discord-user-token", "maxJobs": 4}})
    accounts = await canned.client.account()
    assert accounts == Accounts((AccountChannel("11", 4),))
    assert accounts.max_jobs == 4
    assert_clean(repr(accounts))


async def test_no_account_is_an_answer(canned: Canned) -> None:
    """404 in the API's words means that none is configured."""
    canned.says(404, {"error": "configuration not found, create it with account/channel"})
    assert await canned.client.account() == Accounts(())
    canned.says(404, b"<html>")
    with pytest.raises(Unavailable):
        await canned.client.account()
    canned.says(200, {"x": 5})
    with pytest.raises(Unavailable):
        await canned.client.account()
    assert Accounts((AccountChannel("1", None), AccountChannel("2", 3))).max_jobs is None


@pytest.mark.parametrize("status", [200, 400, 401, 422, 429, 504])
async def test_secrets_stay_inside(
    canned: Canned,
    fox: Recipe,
    assert_clean: Callable[[str], None],
    caplog: pytest.LogCaptureFixture,
    status: int,
) -> None:
    """An API that repeats our secrets cannot get them into text, repr, traceback or log."""
    caplog.set_level(logging.DEBUG)
    echo = " ".join(
        (
            "user:77-the-api-token",
            "the-discord-user-token",
            canned.reply_url,
            canned.reply_ref,
            "https://cdn.discordapp.com/a.mp4?hm=signature",
        )
    )
    canned.says(status, {"error": echo, "errorDetails": echo, "replyUrl": canned.reply_url})
    with pytest.raises(PikaError) as caught:
        await canned.submit(fox)
    for text in (
        str(caught.value),
        repr(caught.value),
        caught.value.detail,
        "".join(traceback.format_exception(caught.value)),
        caplog.text,
        repr(canned.client),
        repr(canned.client.__dict__),
    ):
        assert_clean(text)
        assert "signature" not in text


async def test_a_failing_hook_costs_nothing(
    canned: Canned, fox: Recipe, caplog: pytest.LogCaptureFixture
) -> None:
    """The answer to a paid request is worth more than a metric."""

    def fail(endpoint: str, outcome: int | str) -> None:
        raise RuntimeError(endpoint, outcome)

    canned.client.on_answer = fail
    canned.says(200, ACCEPTED)
    assert (await canned.submit(fox)).pika_id == "j-1"
    assert "counting an answer failed" in caplog.text


@pytest.mark.parametrize(
    ("base_url", "token"),
    [
        ("ftp://api.example", "t"),
        ("api.example/v1", "t"),
        ("https://user:pw@api.example/", "t"),
        ("https://api.example:x/", "t"),
        ("https://api.example/?key=pw", "t"),
        ("https://api.example/", ""),
        ("https://api.example/", "pw\r\nX: y"),
        ("https://api.example/", "pw ü"),
    ],
)
def test_settings_that_cannot_work_are_refused(base_url: str, token: str) -> None:
    """At construction, and without repeating the value."""
    with pytest.raises(ValueError, match="Pika API") as caught:
        UseApi(base_url=base_url, token=token, channel=None, discord_token=None, max_jobs=1)
    assert "pw" not in str(caught.value)
