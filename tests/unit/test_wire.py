"""How the answers of Pika's API are read."""

from __future__ import annotations

import json

import pytest

from bot.model import PikaStatus
from bot.pika import wire

A, B = "https://h/a", "https://h/b"


def _answer(**fields: object) -> wire.Answer:
    found = wire.answer(json.dumps(fields).encode())
    assert found is not None
    return found


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b'"text"',
        b"42",
        b'{"jobid": "a"',
        b"<html></html>",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"jobid": "\\ud800"}',
    ],
)
def test_what_is_no_object_is_nothing(body: bytes) -> None:
    """No body, however broken, raises anything."""
    assert wire.answer(body) is None
    assert wire.job_names(body) in (None, frozenset())
    assert wire.accounts(body) is None


@pytest.mark.parametrize(
    "value", [None, 5, 1.5, True, [], ["a"], {}, "", " ", " a", "a\n", "x" * 201]
)
def test_a_job_has_a_printable_name(value: object) -> None:
    """A jobid of a wrong type or shape counts as none."""
    assert _answer(jobid=value).jobid is None


def test_a_wrong_type_costs_only_its_field() -> None:
    """One field of a surprising type does not take the jobid with it."""
    found = _answer(
        jobid="j1",
        status=7,
        content=["x"],
        replyRef=9,
        attachments="none",
        executingJobs={"a": 1},
        code="200",
        unknown={"deep": [1]},
    )
    assert found.jobid == "j1"
    assert (found.status, found.content, found.reply_ref) == (None, None, None)
    assert (found.attachments, found.executing, found.code) == ([], None, None)


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("created", PikaStatus.WORKING),
        ("started", PikaStatus.WORKING),
        ("progress", PikaStatus.WORKING),
        ("some new word", PikaStatus.WORKING),
        ("completed", PikaStatus.COMPLETED),
        ("failed", PikaStatus.FAILED),
        ("moderated", PikaStatus.MODERATED),
        ("cancelled", PikaStatus.CANCELLED),
        ("", None),
        (None, None),
    ],
)
def test_every_status_has_one_meaning(word: str | None, expected: PikaStatus | None) -> None:
    """The documented words, and the safe reading of others: still working."""
    assert wire.status(_answer(status=word)) == expected


def test_moderated_for_a_flag_is_a_bad_flag() -> None:
    """One status covers two causes; the sentence tells them apart."""
    found = _answer(
        status="moderated",
        error="Invalid parameter",
        errorDetails="Unrecognized parameter(s): `size`, `-w`",
    )
    assert wire.status(found) is PikaStatus.BAD_FLAG
    assert wire.flags(found.error_details) == ("size", "w")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("<@42> Prompt: fox  (45%)", 45),
        ("waiting 0% … now 60 %", 60),
        ("Creation job queued. (Prompt: fox)", None),
        ("done 100%", 100),
        ("999% sure", None),
        ("a 100% fox, 7 of 10 (12%)", 12),
        ("a 100% fox", None),
        ("rate 99.5%", 99),
        (None, None),
    ],
)
def test_percent_comes_from_pikas_words_only(content: str | None, expected: int | None) -> None:
    """A percentage in the person's own prompt is not progress."""
    prompt = "a 100% fox" if content and "fox," not in content else "a 100% fox, 7 of 10"
    assert wire.percent(_answer(content=content, prompt=prompt)) == expected


def test_percent_of_a_button_ignores_the_parents_prompt() -> None:
    """Such an answer does not repeat the prompt, but Pika's message does."""
    content = "Creation job in progress (40%). (Prompt: 100% fox)"
    assert wire.percent(_answer(content=content)) == 40


@pytest.mark.parametrize(
    ("attachments", "expected"),
    [
        ([{"url": A, "filename": "a.png"}, {"url": B, "filename": "b.MP4"}], B),
        ([{"url": A, "content_type": "image/png"}, {"url": B, "content_type": "video/mp4"}], B),
        ([{"url": "https://h/only"}], "https://h/only"),
        ([{"url": ""}, {"url": "https://h/second"}], "https://h/second"),
        ([{}, None, 5, {"url": 7}, {"url": "ftp://h/x"}, {"url": "https://" + "h" * 5000}], None),
        ([], None),
        (None, None),
    ],
)  # fmt: skip
def test_the_video_is_the_first_attachment_that_is_one(
    attachments: object, expected: str | None
) -> None:
    """Type, then name, then place decide; empty arrays and addresses are no video."""
    assert wire.video_url(_answer(attachments=attachments).attachments) == expected


@pytest.mark.parametrize(
    ("details", "expected"),
    [
        ('{"global":true,"message":"…","retry_after":10}', 10.0),
        ('{"retry_after":0.35}', 0.35),
        ('{"retry_after":86400}', 300.0),
        ('{"retry_after":1e400}', 300.0),
        ('{"retry_after":-3}', None),
        ('{"retry_after":0}', None),
        ('{"retry_after":"soon"}', None),
        ('{"retry_after":true}', None),
        ('{"retry_after":NaN}', None),
        ("{}", None),
        ("[10]", None),
        ("not json", None),
        ("", None),
        (None, None),
    ],
)
def test_discords_wait_is_dug_out_with_care(details: str | None, expected: float | None) -> None:
    """Absent, not JSON, negative and absurd waits do no harm."""
    assert wire.retry_after(details) == expected


def test_a_job_list_is_believed_whole_or_not_at_all() -> None:
    """A job that is missing from a half-readable list would look finished."""
    assert wire.job_names(b'["a","b"]') == frozenset({"a", "b"})
    assert wire.job_names(b"[]") == frozenset()
    assert wire.job_names(b'["a",5]') is None
    assert wire.job_names(b'["a",""]') is None
    assert wire.job_names(b'{"jobs":["a"]}') is None


def test_accounts_keep_no_token() -> None:
    """Of the account map only channels and limits are read."""
    body = b'{"11":{"channel":"11","discord":"very-secret","maxJobs":3},"22":{"maxJobs":"x"}}'
    assert wire.accounts(body) == [("11", 3), ("22", None)]
    assert wire.accounts(b"{}") == []
    assert wire.accounts(b'{"error":"no","code":200}') is None


def test_a_repr_shows_no_address_and_no_prompt() -> None:
    """What is logged by accident holds nothing private."""
    found = _answer(
        jobid="j1",
        prompt="my prompt",
        content="my prompt",
        replyRef="ref-1",
        attachments=[{"url": "https://cdn.example/a.mp4?hm=sig"}],
    )
    shown = repr(found)
    assert "j1" in shown
    for secret in ("my prompt", "ref-1", "hm=sig"):
        assert secret not in shown
