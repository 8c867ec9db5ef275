"""Logs for people and machines: the job's number on every line, secrets on none."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime

_job: ContextVar[int | None] = ContextVar("job", default=None)

_QUERY = re.compile(r"(https?://[^\s?\"']+)\?[^\s\"']*")
_CALLBACK = re.compile(r"(/callbacks/)[\w~.-]+")
_WEBHOOK = re.compile(r"(/(?:webhooks|interactions)/\d+/)[\w.=-]{20,}")
_TOKEN = re.compile(r"""(["']token["']: ?["'])[^"']+""")
"""As discord.py writes events of the gateway at DEBUG: who has it can answer as the bot."""

_UNSEEN = {
    code: ascii(chr(code))[1:-1]
    for code in (*range(9), *range(11, 32), *range(127, 160), *range(0x2028, 0x202F))
}
"""Control characters, and those that break or turn a line: a terminal, or whoever reads what it
shows, would obey them."""


@contextmanager
def about_job(job_id: int) -> Iterator[None]:
    """Everything logged inside, by whomever, carries this job's number."""
    token = _job.set(job_id)
    try:
        yield
    finally:
        _job.reset(token)


class _Redactor:
    """Takes secrets, the queries of addresses, unguessable paths and what a terminal would obey
    out of a text.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        self._secrets = sorted({s for s in secrets if len(s) >= 4}, key=len, reverse=True)

    def __call__(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, "***")
        text = _QUERY.sub(r"\1?***", text)
        text = _CALLBACK.sub(r"\1***", text)
        text = _WEBHOOK.sub(r"\1***", text)
        return _TOKEN.sub(r"\1***", text).translate(_UNSEEN)


class _Text(logging.Formatter):
    def __init__(self, redact: _Redactor) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(name)s%(job)s: %(message)s")
        self._redact = redact

    def format(self, record: logging.LogRecord) -> str:
        job = _job.get()
        record.job = "" if job is None else f" [job {job}]"
        # Only a record begins at the left: no text from outside can pass for one.
        return self._redact(super().format(record)).replace("\n", "\n  ")


class _Json(logging.Formatter):
    def __init__(self, redact: _Redactor) -> None:
        super().__init__()
        self._redact = redact

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": self._redact(record.getMessage()),
        }
        if (job := _job.get()) is not None:
            line["job"] = job
        if record.exc_info:
            line["error"] = self._redact(self.formatException(record.exc_info))
        return json.dumps(line, ensure_ascii=False)


def set_up(level: str, style: str, secrets: Iterable[str]) -> None:
    """Log to standard error in ``style`` (``text`` or ``json``) from ``level`` on.

    ``secrets`` never appear, wherever a line comes from.
    """
    redact = _Redactor(secrets)
    handler = logging.StreamHandler()
    handler.setFormatter(_Json(redact) if style == "json" else _Text(redact))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    # httpx logs whole addresses at INFO, and signed ones are keys.
    for noisy in ("httpx", "httpcore", "aiosqlite", "asyncio", "PIL"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    if level != "DEBUG":
        logging.getLogger("discord").setLevel(logging.WARNING)
