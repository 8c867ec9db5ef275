"""What the five POSTs answer, word for word."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import httpx
import orjson
import pytest

from bot.sandbox.pika import Account, EmbeddedPika, PikaFault

ISO_MS = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
DISCORD_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00")

Form = Callable[..., Any]
Submit = Callable[..., Any]


async def test_create_is_accepted_in_the_documented_shape(
    pika: EmbeddedPika, submit: Submit, png: tuple[str, bytes, str]
) -> None:
    """A 200 of /create has every field of the page's sample, and no other."""
    body = await submit(
        prompt="smiling and blinking", image=png, replyUrl="https://webhook.site/abc",
        replyRef="ref-1", maxJobs="7",
    )  # fmt: skip

    assert set(body) == {
        "jobid", "verb", "status", "created", "updated", "prompt", "image", "discord", "channel",
        "maxJobs", "replyUrl", "replyRef", "messageId", "content", "timestamp", "code",
    }  # fmt: skip
    account = next(iter(pika.accounts.values()))
    user = f"<@{account.user_id}>"
    assert body["verb"] == "pika-create"
    assert body["status"] == "started"
    assert body["image"] == {"size": len(png[1]), "type": "image/png"}
    assert body["discord"] == f"{account.discord[:3]}…secured…{account.discord[-3:]}"
    assert body["channel"] == account.channel
    assert body["maxJobs"] == 7
    assert body["content"] == (
        f"{user} Creation job queued. (Prompt: smiling and blinking  "
        f"Image: 1 Attachment  Author: {user})"
    )
    assert ISO_MS.fullmatch(body["created"])
    assert ISO_MS.fullmatch(body["updated"])
    assert DISCORD_TIME.fullmatch(body["timestamp"])
    assert account.discord not in orjson.dumps(body).decode()


async def test_encrypt_text_echoes_message_and_font(pika: EmbeddedPika, submit: Submit) -> None:
    """A 200 of /encrypt_text adds message and font, and the bot names both."""
    prompt = "waves crashing over the sandy beach, overhead shot -w 2 -size 100"
    body = await submit("/encrypt_text", message="HELLO THERE", prompt=prompt, font="SANS SERIF")

    user = f"<@{next(iter(pika.accounts.values())).user_id}>"
    assert body["verb"] == "pika-encrypt_text"
    assert body["message"] == "HELLO THERE"
    assert body["font"] == "SANS SERIF"
    assert body["content"] == (
        f"{user} Creation job queued. (Prompt: {prompt}  "
        f"Message: HELLO THERE (Font: SANS SERIF)  Author: {user})"
    )


async def test_animate_needs_no_prompt(submit: Submit, png: tuple[str, bytes, str]) -> None:
    """/animate takes an image alone."""
    body = await submit("/animate", image=png)

    assert body["verb"] == "pika-animate"
    assert "prompt" not in body


async def test_encrypt_image_takes_a_picture_as_message(
    pika: EmbeddedPika, submit: Submit, png: tuple[str, bytes, str]
) -> None:
    """The field `message` of /encrypt_image is a file, the same name as a text elsewhere."""
    body = await submit("/encrypt_image", message=png, prompt="a garden -w 1.5")

    assert body["verb"] == "pika-encrypt_image"
    assert body["message"] == {"size": len(png[1]), "type": "image/png"}
    assert pika.violations == []


@pytest.mark.parametrize(
    "case",
    [
        ("/create", {"replyRef": "x"}, "prompt, discord or channel value is missing"),
        ("/create", {"prompt": "  "}, "prompt, discord or channel value is missing"),
        (
            "/create",
            {"prompt": "a", "discord": "MTE4token"},
            "prompt, discord or channel value is missing",
        ),
        (
            "/create",
            {"prompt": "a", "channel": "1180000000000000009"},
            "prompt, discord or channel value is missing",
        ),
        ("/create", {"prompt": "a" * 1501}, "prompt, replyRef or replyUrl is too long"),
        (
            "/create",
            {"prompt": "a", "replyRef": "r" * 1025},
            "prompt, replyRef or replyUrl is too long",
        ),
        (
            "/create",
            {"prompt": "a", "replyUrl": "http://x/" + "r" * 1016},
            "prompt, replyRef or replyUrl is too long",
        ),
        ("/create", {"prompt": "a", "image": "http://x/y.png"}, "image is not File or Blob"),
        ("/animate", {"prompt": "a"}, "image, discord or channel value is missing"),
        (
            "/encrypt_text",
            {"prompt": "a"},
            "message, prompt, discord or channel value is missing",
        ),
        (
            "/encrypt_text",
            {"message": "HI"},
            "message, prompt, discord or channel value is missing",
        ),
        (
            "/encrypt_text",
            {"message": "A" * 21, "prompt": "a"},
            "message, prompt, replyRef or replyUrl is too long",
        ),
        (
            "/encrypt_text",
            {"message": "HI", "prompt": "a", "font": "ARIAL"},
            "font ARIAL is not one of allowed values MODERN, COMICS, SANS SERIF, BAUHAUS, RETRO",
        ),
        (
            "/encrypt_image",
            {"message": "HI", "prompt": "a"},
            "message is not File or Blob",
        ),
        ("/button", {"jobid": "x"}, "jobid or button value is missing"),
        (
            "/create",
            {"prompt": "a", "maxJobs": "11"},
            "maxJobs must be a number between 1 and 10",
        ),
        (
            "/create",
            {"prompt": "a", "maxJobs": "many"},
            "maxJobs must be a number between 1 and 10",
        ),
    ],
)
async def test_bad_requests_have_the_documented_texts(
    pika: EmbeddedPika,
    api: httpx.AsyncClient,
    form: Form,
    case: tuple[str, dict[str, str], str],
) -> None:
    """Every 400 is the page's text and the code, and makes no job."""
    path, fields, error = case
    answer = await api.post(path, files=form(**fields))

    assert (answer.status_code, answer.json()) == (400, {"error": error, "code": 400})
    assert pika.jobs == {}


async def test_the_longest_values_are_still_taken(submit: Submit) -> None:
    """1500, 20 and 1024 characters are within the limits."""
    await submit(prompt="a" * 1500, replyRef="r" * 1024)
    await submit("/encrypt_text", message="Ä" * 20, prompt="a")


async def test_an_image_without_a_type_is_no_file(
    pika: EmbeddedPika, api: httpx.AsyncClient
) -> None:
    """A file part without Content-Type is refused as an image."""
    lines = (
        "--cut",
        'Content-Disposition: form-data; name="prompt"', "", "a fox",
        "--cut",
        'Content-Disposition: form-data; name="image"; filename="a.png"', "", "xx",
        "--cut--", "",
    )  # fmt: skip
    answer = await api.post(
        "/create",
        content="\r\n".join(lines).encode(),
        headers={"Content-Type": "multipart/form-data; boundary=cut"},
    )

    assert answer.json() == {"error": "image is not File or Blob", "code": 400}
    assert len(pika.violations) == 1


@pytest.mark.parametrize(
    "request_arguments",
    [
        {"json": {"prompt": "a"}},
        {"data": {"prompt": "a"}},
        {"content": b"prompt=a", "headers": {"Content-Type": "text/plain"}},
        {"content": b"nothing", "headers": {"Content-Type": "multipart/form-data; boundary=x"}},
        {"content": b"nothing", "headers": {"Content-Type": "multipart/form-data"}},
    ],
)
async def test_only_multipart_is_taken(
    pika: EmbeddedPika, api: httpx.AsyncClient, request_arguments: dict[str, Any]
) -> None:
    """JSON, a URL-encoded form, plain text and broken multipart are 400 and a violation."""
    answer = await api.post("/create", **request_arguments)

    assert answer.status_code == 400
    assert answer.json()["code"] == 400
    assert len(pika.violations) == 1
    assert pika.jobs == {}


async def test_unknown_and_repeated_fields_are_violations(
    pika: EmbeddedPika, api: httpx.AsyncClient
) -> None:
    """What no page lists is let pass, and remembered."""
    parts = [("prompt", (None, "a")), ("prompt", (None, "b")), ("ratio", (None, "16:9"))]
    answer = await api.post("/create", files=parts)

    assert answer.status_code == 200
    assert pika.violations == [
        "POST /create: field `prompt` more than once",
        "POST /create: unknown form field `ratio`",
    ]


async def test_requests_are_remembered_without_secrets(
    pika: EmbeddedPika, api: httpx.AsyncClient, form: Form
) -> None:
    """The log has method, path, field names, headers and status; no token, no values."""
    secret = "MTE4secretDiscordToken"
    fields = form(prompt="a fox", discord=secret, channel="1180000000000000001")
    await api.post("/create", files=fields)

    seen = pika.requests[0]
    assert (seen.endpoint, seen.method, seen.path) == ("create", "POST", "/v1/pika/create")
    assert seen.fields == ("prompt", "discord", "channel")
    assert seen.status == 200
    assert seen.seconds > 0
    assert "authorization" not in seen.headers
    assert "user-agent" in seen.headers
    assert secret not in repr(pika.requests) + repr(pika.jobs)


@pytest.mark.parametrize("header", [None, "Bearer wrong", "user:1000-embeddedPikaToken", "Basic x"])
async def test_a_wrong_token_is_401(
    pika: EmbeddedPika, web_client: httpx.AsyncClient, header: str | None
) -> None:
    """Without the exact Bearer token every endpoint says Unauthorized."""
    headers = {"Authorization": header} if header else {}
    for method, path in (
        ("POST", "/create"), ("POST", "/animate"), ("POST", "/encrypt_text"),
        ("POST", "/encrypt_image"), ("POST", "/button"), ("GET", "/jobs"), ("GET", "/jobs/"),
        ("GET", "/jobs/cancel/"), ("GET", "/account"), ("POST", "/account/1"),
        ("DELETE", "/account/1"),
    ):  # fmt: skip
        answer = await web_client.request(method, pika.api_url + path, headers=headers)
        assert (answer.status_code, answer.json()) == (401, {"error": "Unauthorized", "code": 401})


async def test_no_subscription_is_402(
    pika: EmbeddedPika, api: httpx.AsyncClient, form: Form
) -> None:
    """With the subscription switched off, submissions and reads say so."""
    pika.subscription = False
    expected = {"error": "Account has no subscription or subscription expired", "code": 402}

    for answer in (
        await api.post("/create", files=form(prompt="a")),
        await api.get("/jobs"),
        await api.get("/jobs/", params={"jobid": "x"}),
        await api.get("/jobs/cancel/", params={"jobid": "x"}),
    ):
        assert (answer.status_code, answer.json()) == (402, expected)
    assert (await api.get("/account")).status_code == 200


async def test_moderated_words_are_422(
    pika: EmbeddedPika, api: httpx.AsyncClient, form: Form
) -> None:
    """A refused word gives the documented text, the job's id and status `moderated`."""
    answer = await api.post("/create", files=form(prompt="a Forbidden-By-Pika fox"))

    (job,) = pika.jobs.values()
    assert answer.status_code == 422
    assert answer.json() == {
        "error": "Sorry, your input may be inconsistent with server rules.",
        "jobid": job.jobid,
        "status": "moderated",
        "code": 422,
    }
    assert pika.accepted == []
    read = await api.get("/jobs/", params={"jobid": job.jobid})
    assert (read.status_code, read.json()["status"]) == (200, "moderated")
    pika.words = ("banana",)
    for text, status in (("a BANANA!", 422), ("bananas", 200), ("a forbidden-by-pika fox", 200)):
        answer = await api.post("/encrypt_text", files=form(prompt="x", message=text[:20]))
        assert answer.status_code == status


async def test_unknown_flags_are_422(
    pika: EmbeddedPika, api: httpx.AsyncClient, form: Form
) -> None:
    """`-size` on /create is the documented refusal; on /encrypt_text it is known."""
    answer = await api.post("/create", files=form(prompt="a fox -ar 16:9 -size 100"))

    (job,) = pika.jobs.values()
    assert answer.status_code == 422
    assert answer.json() == {
        "error": "Invalid parameter",
        "errorDetails": "Unrecognized parameter(s): `size`",
        "jobid": job.jobid,
        "status": "moderated",
        "code": 422,
    }
    known = await api.post("/encrypt_text", files=form(message="A", prompt="a fox -size 100"))
    assert known.status_code == 200


async def test_a_full_queue_is_the_first_429(
    pika: EmbeddedPika, api: httpx.AsyncClient, form: Form, submit: Submit
) -> None:
    """The request's maxJobs decides, the executing ids are named, and no job is made."""
    pika.pause()
    ids = [(await submit(prompt=f"fox {n}"))["jobid"] for n in range(3)]

    answer = await api.post("/create", files=form(prompt="one more", maxJobs="3"))

    assert answer.status_code == 429
    assert answer.json() == {
        "error": "Maximum of 3 jobs executing in parallel supported",
        "executingJobs": ids,
        "code": 429,
    }
    assert len(pika.accepted) == 3
    await submit(prompt="one more", maxJobs="4")


async def test_max_jobs_is_the_requests_else_the_channels_else_ten(form: Form) -> None:
    """maxJobs: request value, else that of the configured channel, else 10."""
    channel = "1180000000000000007"
    accounts = (Account(channel, "MTE4aaaaaa", 2),)
    async with EmbeddedPika(instant=True, accounts=accounts) as server:
        server.pause()
        headers = {"Authorization": f"Bearer {server.token}"}
        async with httpx.AsyncClient(base_url=server.api_url, headers=headers) as client:
            for expected in (200, 200, 429):
                answer = await client.post("/create", files=form(prompt="a"))
                assert answer.status_code == expected
            assert answer.json()["error"] == "Maximum of 2 jobs executing in parallel supported"
            other = form(prompt="a", channel="1180000000000000008", discord="MTE4bbbbbb")
            for expected in [200] * 10 + [429]:
                answer = await client.post("/create", files=other)
                assert answer.status_code == expected
            assert answer.json()["error"] == "Maximum of 10 jobs executing in parallel supported"
            assert len(answer.json()["executingJobs"]) == 10


async def test_a_free_account_is_chosen(form: Form) -> None:
    """Of several accounts one with free capacity is taken; `channel` alone pins one."""
    first, second = "1180000000000000001", "1180000000000000002"
    accounts = (Account(first, "MTE4aaaaaa", 1), Account(second, "MTE4bbbbbb", 1))
    async with EmbeddedPika(instant=True, accounts=accounts) as server:
        server.pause()
        headers = {"Authorization": f"Bearer {server.token}"}
        async with httpx.AsyncClient(base_url=server.api_url, headers=headers) as client:
            pinned = await client.post("/create", files=form(prompt="a", channel=second))
            free = await client.post("/create", files=form(prompt="a"))
            full = await client.post("/create", files=form(prompt="a", channel=first))
    assert pinned.json()["channel"] == second
    assert free.json()["channel"] == first
    assert full.json()["executingJobs"] == [free.json()["jobid"]]


async def test_a_rate_limit_of_discord_is_the_second_429(
    pika: EmbeddedPika, api: httpx.AsyncClient, form: Form
) -> None:
    """The second 429 has no executingJobs; its details are a JSON text that names seconds."""
    pika.faults.add(PikaFault("create", "rate_limited", retry_after=7))

    answer = await api.post("/create", files=form(prompt="a"))

    assert answer.status_code == 429
    body = answer.json()
    assert set(body) == {"error", "errorDetails", "code"}
    assert body["error"] == "Discord /interactions failed with HTTP status 429"
    assert orjson.loads(body["errorDetails"]) == {
        "global": True, "message": "You are being rate limited.", "retry_after": 7,
    }  # fmt: skip
    assert pika.jobs == {}
    assert (await api.post("/create", files=form(prompt="a"))).status_code == 200


async def test_addresses_that_no_page_documents_are_404(
    pika: EmbeddedPika, api: httpx.AsyncClient
) -> None:
    """Another path or method is answered 404 and remembered as a violation."""
    for method, path in (("GET", "/create"), ("DELETE", "/jobs/"), ("GET", "/jobs/cancel")):
        assert (await api.request(method, path)).status_code == 404
    assert len(pika.violations) == 3
