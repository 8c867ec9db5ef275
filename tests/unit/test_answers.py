"""Whatever bytes come back, the client knows what they allow it to do."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.model import PikaReport
from bot.pika import (
    AccountProblem,
    Busy,
    Gone,
    NoAnswer,
    PikaError,
    Refused,
    Unavailable,
    wire,
)
from bot.pika.answers import Reply, read_error, submit_error
from bot.pika.redact import Redactor
from bot.pika.useapi import _report

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)
FIELDS = [
    "jobid",
    "status",
    "updated",
    "prompt",
    "message",
    "content",
    "replyRef",
    "error",
    "errorDetails",
    "executingJobs",
    "attachments",
    "code",
]
OBJECTS = st.dictionaries(st.sampled_from(FIELDS), VALUES)
BODIES = st.binary(max_size=50) | (VALUES | OBJECTS).map(lambda value: json.dumps(value).encode())
HEADERS = st.fixed_dictionaries(
    {}, optional={"retry-after": st.text(max_size=40), "date": st.text(max_size=40)}
)
STATUSES = st.integers(100, 999).filter(lambda status: not 200 <= status < 300)


def _check(error: PikaError) -> None:
    wait: Any = getattr(error, "retry_after", None)
    assert wait is None or 0 < wait <= 300
    assert len(error.detail) <= 300
    assert error.detail.isprintable()
    assert error.code
    assert "\n" not in str(error)


@settings(max_examples=200, deadline=None, database=None)
@given(STATUSES, BODIES, HEADERS)
def test_every_no_is_understood(status: int, body: bytes, headers: dict[str, str]) -> None:
    """A submit ends in one of its four errors, a read in one of its three; nothing else."""
    reply = Reply(status, headers, body)
    error = submit_error(reply, Redactor())
    assert isinstance(error, Busy | Refused | AccountProblem | NoAnswer)
    assert isinstance(error, NoAnswer) or 300 <= status < 500 or status == 596
    _check(error)
    for optional in (False, True):
        error = read_error(reply, Redactor(), pika_id="j", optional=optional)
        assert isinstance(error, Gone | Unavailable | AccountProblem)
        _check(error)


@settings(max_examples=200, deadline=None, database=None)
@given(BODIES)
def test_every_yes_is_read_or_not(body: bytes) -> None:
    """Readers return what they can use, or nothing; they never raise."""
    names = wire.job_names(body)
    assert names is None or all(name.isprintable() for name in names)
    accounts = wire.accounts(body)
    assert accounts is None or all(isinstance(channel, str) for channel, _ in accounts)
    answer = wire.answer(body)
    if answer is None:
        return
    status = wire.status(answer)
    if status is not None:
        report = _report(answer, "j", status, Redactor())
        assert isinstance(report, PikaReport)
        assert report.percent is None or 0 <= report.percent <= 100
        assert report.video_url is None or report.video_url.startswith("http")
