"""What went wrong at Pika, named after one question: may I send it again?

::

    PikaError
     ├ NotSent          never reached Pika: send it again, later
     ├ Busy             both kinds of 429: again after ``retry_after`` seconds
     ├ AccountProblem   401, 402, 403, 596: nothing was taken; the operator must act
     ├ Refused          400, 404, 422 …: nothing was taken, and never will be
     │  ├ Moderated     … the prompt or picture breaks Pika's rules
     │  └ BadFlag       … an option in the prompt is unknown; ``flags`` names it
     ├ NoAnswer         a POST whose outcome is unknown: never again, ask Pika instead
     │  └ Garbled       … said yes, but not which job
     ├ Gone             a read: Pika does not know it
     └ Unavailable      a read without an answer: read again later

Reads (GET) raise AccountProblem, Gone or Unavailable and nothing else; requests that make
something (POST) raise the others. No text here holds a token, a callback address or the
query of an address.
"""

from __future__ import annotations

DETAIL_LIMIT = 300
"""Characters of Pika's own sentence that are kept."""


class PikaError(Exception):
    """An answer of Pika that is not the one hoped for, or no answer.

    ``status`` is the HTTP status, ``None`` when there was none; ``code`` one short word
    for logs, metrics and the choice of words; ``detail`` Pika's own sentence without
    secrets; ``pika_id`` the job that the answer names, if it names one.
    """

    default_code = "error"

    def __init__(
        self,
        detail: str = "",
        *,
        status: int | None = None,
        code: str | None = None,
        pika_id: str | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code or self.default_code
        self.detail = detail[:DETAIL_LIMIT]
        self.pika_id = pika_id

    def __str__(self) -> str:
        number = "" if self.status is None else f" (HTTP {self.status})"
        return f"{self.code}{number}: {self.detail}" if self.detail else f"{self.code}{number}"

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self}>"


class NotSent(PikaError):
    """No connection came about, so nothing was sent: it may be sent again."""

    default_code = "not_sent"


class Busy(PikaError):
    """Pika takes nothing now; nothing was taken.

    ``code`` is ``queue_full`` (``executing`` lists the jobs that fill it), ``discord_busy``
    (Discord slowed Pika's API down) or ``rate_limited`` (neither was said). ``retry_after``
    is in seconds, at most 300, ``None`` when the answer names no usable time; the API's
    documents ask for 10 to 30 seconds then.
    """

    default_code = "rate_limited"

    def __init__(
        self,
        detail: str = "",
        *,
        status: int | None = 429,
        code: str | None = None,
        pika_id: str | None = None,
        retry_after: float | None = None,
        executing: tuple[str, ...] = (),
    ) -> None:
        super().__init__(detail, status=status, code=code, pika_id=pika_id)
        self.retry_after = retry_after
        self.executing = executing


class AccountProblem(PikaError):
    """Token, subscription or Discord account: nothing was taken, every request would fail.

    ``code``: ``unauthorized`` (401), ``no_subscription`` (402), ``forbidden`` (403),
    ``account_error`` (596), ``moved`` (the base address redirects).
    """

    default_code = "account_error"

    @property
    def may_be_taken(self) -> bool:
        """Whether this very request may have been taken before the account failed (596)."""
        return self.code == "account_error"


class Refused(PikaError):
    """A definite no to this request: nothing was taken, and sending it again is useless."""

    default_code = "refused"


class Moderated(Refused):
    """Pika's moderation said no."""

    default_code = "moderated"


class BadFlag(Refused):
    """The prompt holds options that Pika does not know; ``flags`` are those it named."""

    default_code = "bad_flag"

    def __init__(
        self,
        detail: str = "",
        *,
        status: int | None = 422,
        code: str | None = None,
        pika_id: str | None = None,
        flags: tuple[str, ...] = (),
    ) -> None:
        super().__init__(detail, status=status, code=code, pika_id=pika_id)
        self.flags = flags


class NoAnswer(PikaError):
    """It was sent, or may have been, and nobody knows the outcome: a second POST may buy twice.

    ``code``: ``timeout``, ``no_answer`` (the connection broke), ``server_error`` (5xx and
    statuses that nobody documented), ``untracked`` (504).
    """

    default_code = "no_answer"

    @property
    def untracked(self) -> bool:
        """Whether Pika took the job but the API cannot follow it (504)."""
        return self.code == "untracked"


class Garbled(NoAnswer):
    """A yes that cannot be read or names no job: probably taken, under a name we lack."""

    default_code = "garbled"


class Gone(PikaError):
    """Pika does not know this job, or its API does not offer this read."""

    default_code = "not_found"


class Unavailable(PikaError):
    """The read brought nothing usable: read again later, after ``retry_after`` seconds if named.

    ``code``: ``not_sent``, ``timeout``, ``no_answer``, ``rate_limited``, ``server_error``,
    ``garbled``, ``refused``.
    """

    default_code = "no_answer"

    def __init__(
        self,
        detail: str = "",
        *,
        status: int | None = None,
        code: str | None = None,
        pika_id: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(detail, status=status, code=code, pika_id=pika_id)
        self.retry_after = retry_after
