"""What an HTTP answer means: a status and a body in, an error of ``bot.pika.errors`` out.

Sources: useapi.net docs, api-pika-v1/post-pika-create and get-pika-jobs-cancel. 504 and 596
are not on those pages: their meaning is that of the same vendor's sister APIs. Whatever is
unknown falls on the safe side: NoAnswer for a POST, Unavailable for a read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Final

from bot.pika import wire
from bot.pika.errors import (
    AccountProblem,
    BadFlag,
    Busy,
    Gone,
    Moderated,
    NoAnswer,
    PikaError,
    Refused,
    Unavailable,
)
from bot.pika.redact import Redactor

ACCOUNT_ERROR: Final = 596
"""The Discord account at the API waits for a human (inferred from the sister APIs)."""

_ACCOUNT: Final = {
    401: "unauthorized",
    402: "no_subscription",
    403: "forbidden",
    ACCOUNT_ERROR: "",
}
_MOVED: Final = frozenset({301, 307, 308})
_UNKNOWN_4XX: Final = frozenset({408, 499})  # the server gave up waiting: what it did is unknown
_REFUSED: Final = {400: "bad_request", 404: "not_found", 413: "too_large", 422: "unprocessable"}
_NOT_OFFERED: Final = frozenset({404, 405, 410, 501})


@dataclass(frozen=True, slots=True)
class Reply:
    """One HTTP answer: status, headers (lower case) and as much of the body as was read.

    ``complete`` is false when the body broke off or was longer than allowed.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    complete: bool = True

    @property
    def ok(self) -> bool:
        """Whether the status says yes."""
        return 200 <= self.status < 300

    def __repr__(self) -> str:
        return f"Reply({self.status}, {len(self.body)} bytes)"


def sentence(answer: wire.Answer, redactor: Redactor) -> str:
    """Pika's own words: the error, then its details unless those are machine text."""
    details = answer.error_details or ""
    if details.lstrip().startswith(("{", "[")):
        details = ""
    return redactor.clean(" ".join(part for part in (answer.error, details) if part))


def wait(reply: Reply, answer: wire.Answer) -> float | None:
    """Seconds to wait: the longer of Discord's ``retry_after`` and the ``Retry-After`` header."""
    named = [wire.retry_after(answer.error_details), _header_wait(reply.headers)]
    return max((number for number in named if number is not None), default=None)


def _header_wait(headers: Mapping[str, str]) -> float | None:
    """``Retry-After`` as seconds, or as a date measured against the answer's own ``Date``."""
    value = headers.get("retry-after", "").strip()
    try:
        return wire.seconds(float(value))
    except ValueError:
        pass
    try:
        then, now = (parsedate_to_datetime(text) for text in (value, headers.get("date", "")))
        return wire.seconds((then - now).total_seconds())
    except (ValueError, TypeError, OverflowError):
        return None


def _account_problem(status: int, text: str) -> AccountProblem | None:
    if status in _ACCOUNT:
        return AccountProblem(text, status=status, code=_ACCOUNT[status] or None)
    if status in _MOVED:
        return AccountProblem("The base address redirects elsewhere.", status=status, code="moved")
    return None


def submit_error(reply: Reply, redactor: Redactor) -> PikaError:
    """The error behind an answer, not 2xx, to a request that makes something."""
    answer = wire.answer(reply.body) or wire.Answer()
    text, status = sentence(answer, redactor), reply.status
    problem = _account_problem(status, text)
    if problem is not None:
        return problem
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return Busy(
            text,
            code=_busy_code(answer),
            retry_after=wait(reply, answer),
            executing=tuple(answer.executing or ()),
        )
    if status == HTTPStatus.UNPROCESSABLE_ENTITY:
        return _unprocessable(answer, text)
    if 400 <= status < 500 and status not in _UNKNOWN_4XX:
        return Refused(text, status=status, code=_REFUSED.get(status), pika_id=answer.jobid)
    code = "untracked" if status == HTTPStatus.GATEWAY_TIMEOUT else "server_error"
    return NoAnswer(text, status=status, code=code, pika_id=answer.jobid)


def _busy_code(answer: wire.Answer) -> str:
    words = (answer.error or "").lower()
    if answer.executing is not None or words.startswith("maximum of"):
        return "queue_full"
    if "discord" in words or wire.retry_after(answer.error_details) is not None:
        return "discord_busy"
    return "rate_limited"


def _unprocessable(answer: wire.Answer, text: str) -> Refused:
    if wire.is_bad_flag(answer.error, answer.error_details):
        return BadFlag(text, pika_id=answer.jobid, flags=wire.flags(answer.error_details))
    moderated = (answer.status or "").lower() == "moderated"
    if moderated or "server rules" in (answer.error or "").lower():
        return Moderated(text, status=422, pika_id=answer.jobid)
    return Refused(text, status=422, code="unprocessable", pika_id=answer.jobid)


def read_error(
    reply: Reply, redactor: Redactor, *, pika_id: str | None = None, optional: bool = False
) -> PikaError:
    """The error behind an answer, not 2xx, to a read.

    A 404 means Gone only in the API's own words: a proxy's 404 page says nothing about a
    paid job. ``optional`` marks a read that an API need not offer: there any 404 counts.
    """
    parsed = wire.answer(reply.body)
    answer = parsed or wire.Answer()
    text, status = sentence(answer, redactor), reply.status
    problem = _account_problem(status, text)
    if problem is not None:
        return problem
    own_words = parsed is not None and (parsed.error is not None or parsed.code == status)
    if status in _NOT_OFFERED and (optional or (own_words and status in {404, 410})):
        return Gone(text, status=status, pika_id=pika_id)
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        code = "rate_limited"
    else:
        code = "refused" if 400 <= status < 500 else "server_error"
    return Unavailable(
        text, status=status, code=code, pika_id=pika_id, retry_after=wait(reply, answer)
    )
