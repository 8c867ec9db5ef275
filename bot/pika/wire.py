"""The answers of the API as they come over the wire, and the only place that parses them.

Every field is optional in the API's own model (useapi.net docs, api-pika-v1/post-pika-create,
"all fields are optional"), unknown ones are ignored, and one of a wrong type counts as absent:
what must be there is decided by the reader. Parsers return ``None`` for what cannot be read
and raise nothing.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable
from typing import Annotated, Final

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    TypeAdapter,
    ValidationError,
)

from bot.model import PikaStatus

ID_LIMIT: Final = 200
"""Characters of a job's name that are believed; documented ones have about 40."""

ADDRESS_LIMIT: Final = 4096
"""Characters of a video's address; Discord's signed ones have about 300."""

RETRY_LIMIT: Final = 300.0
"""Seconds: a longer wait that an answer names is cut to this."""


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _name(value: object) -> str | None:
    """A job's name: printable, not blank, of sane length."""
    if isinstance(value, str) and 0 < len(value) <= ID_LIMIT and value.isprintable():
        return value if value.strip() == value else None
    return None


def _sentence(value: object) -> str | None:
    """Text; a list of texts or an object is written out (documents show both kinds)."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(part, str) for part in value):
        return "; ".join(value)
    return json.dumps(value, default=str)


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return math.inf
    return None if math.isnan(number) else number


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _names(value: object) -> list[str] | None:
    if not isinstance(value, list):
        return None
    return [name for name in map(_name, value) if name is not None]


def _objects(value: object) -> list[object]:
    return [part for part in value if isinstance(part, dict)] if isinstance(value, list) else []


Text = Annotated[str | None, BeforeValidator(_text)]
Name = Annotated[str | None, BeforeValidator(_name)]
Sentence = Annotated[str | None, BeforeValidator(_sentence)]
Number = Annotated[float | None, BeforeValidator(_number)]
Count = Annotated[int | None, BeforeValidator(_count)]


class _Wire(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)


class Attachment(_Wire):
    """A file of Pika's message; ``url`` is signed and good for about a day."""

    url: Text = Field(default=None, repr=False)
    filename: Text = None
    content_type: Text = None

    @property
    def is_video(self) -> bool:
        """Whether type or name says so."""
        if (self.content_type or "").lower().startswith("video/"):
            return True
        return (self.filename or "").lower().endswith((".mp4", ".mov", ".webm"))

    @property
    def usable(self) -> bool:
        """Whether there is an address to fetch."""
        address = self.url or ""
        return len(address) <= ADDRESS_LIMIT and address.startswith(("https://", "http://"))


class Answer(_Wire):
    """Body of every answer about one job, good or bad."""

    jobid: Name = None
    status: Text = None
    updated: Text = None
    prompt: Text = Field(default=None, repr=False)
    message: Text = Field(default=None, repr=False)
    content: Text = Field(default=None, repr=False)
    reply_ref: Text = Field(default=None, alias="replyRef", repr=False)
    error: Sentence = Field(default=None, repr=False)
    error_details: Sentence = Field(default=None, alias="errorDetails", repr=False)
    executing: Annotated[list[str] | None, BeforeValidator(_names)] = Field(
        default=None, alias="executingJobs"
    )
    attachments: Annotated[list[Attachment], BeforeValidator(_objects)] = []
    code: Count = None


class _RateLimit(_Wire):
    """Discord's answer to too many requests, which comes as JSON inside a string."""

    retry_after: Number = None


class _Account(_Wire):
    """One configured account; the Discord token beside these fields is never read."""

    channel: Text = None
    max_jobs: Count = Field(default=None, alias="maxJobs")


_ANSWER: Final = TypeAdapter(Answer)
_RATE_LIMIT: Final = TypeAdapter(_RateLimit)
_ANYTHING: Final[TypeAdapter[JsonValue]] = TypeAdapter(JsonValue)
_ACCOUNTS: Final = TypeAdapter(dict[str, JsonValue])

_FLAG: Final = re.compile(r"`([^`]{1,40})`")
_PERCENT: Final = re.compile(r"(?<![\d.])(\d{1,3})(?:\.\d+)?\s?%")

_STATUS: Final = {
    "completed": PikaStatus.COMPLETED,
    "moderated": PikaStatus.MODERATED,
    "failed": PikaStatus.FAILED,
    "cancelled": PikaStatus.CANCELLED,
    "canceled": PikaStatus.CANCELLED,
}


def answer(body: bytes) -> Answer | None:
    """The body as an answer about a job; ``None`` if it is no JSON object."""
    try:
        return _ANSWER.validate_json(body)
    except ValidationError:
        return None


def job_names(body: bytes) -> frozenset[str] | None:
    """The bare array of ``GET /jobs``; ``None`` if it is none or holds what is no name.

    A list that is only partly readable is refused whole: a job missing from it would look
    finished (useapi.net docs, api-pika-v1/get-pika-jobs).
    """
    try:
        value = _ANYTHING.validate_json(body)
    except ValidationError:
        return None
    if not isinstance(value, list):
        return None
    names = [_name(part) for part in value]
    found = frozenset(name for name in names if name is not None)
    return None if None in names else found


def accounts(body: bytes) -> list[tuple[str, int | None]] | None:
    """Channels and their ``maxJobs`` of ``GET /account``; ``None`` if it is no such map.

    The same body holds Discord tokens in clear (useapi.net docs,
    api-pika-v1/get-pika-account); nothing but the two values leaves this function.
    """
    try:
        value = _ACCOUNTS.validate_json(body)
    except ValidationError:
        return None
    found: list[tuple[str, int | None]] = []
    for key, entry in value.items():
        if isinstance(entry, dict):
            account = _Account.model_validate(entry)
            found.append((account.channel or key, account.max_jobs))
    return found if found or not value else None


def retry_after(details: str | None) -> float | None:
    """Seconds that Discord asks for inside ``errorDetails``; ``None`` without a usable number."""
    if not details:
        return None
    try:
        return seconds(_RATE_LIMIT.validate_json(details).retry_after)
    except ValidationError:
        return None


def seconds(number: float | None) -> float | None:
    """A wait worth obeying: above zero and at most 300 s; ``None`` for anything else."""
    if number is None or math.isnan(number) or number <= 0:
        return None
    return min(number, RETRY_LIMIT)


def is_bad_flag(error: str | None, details: str | None) -> bool:
    """Whether a 422, or a job ``moderated``, is really about an option of the prompt.

    One status covers both causes; only the sentences tell them apart (useapi.net docs,
    api-pika-v1/post-pika-create, responses 422).
    """
    words = f"{error or ''} {details or ''}".lower()
    return "invalid parameter" in words or "unrecognized parameter" in words


def flags(details: str | None) -> tuple[str, ...]:
    """The options that such a sentence names: it puts them in back-ticks."""
    return tuple(dict.fromkeys(flag.lstrip("-") for flag in _FLAG.findall(details or "")))


def status(of: Answer) -> PikaStatus | None:
    """The job's state; ``None`` if the answer names none.

    ``created``, ``started``, ``progress`` and words nobody documented count as working
    (useapi.net docs, api-pika-v1/get-pika-jobs-cancel, model).
    """
    word = (of.status or "").strip().lower()
    if not word:
        return None
    found = _STATUS.get(word, PikaStatus.WORKING)
    if found is PikaStatus.MODERATED and is_bad_flag(of.error, of.error_details):
        return PikaStatus.BAD_FLAG
    return found


def percent(of: Answer) -> int | None:
    """How far a working job is, from Pika's own message; the person's words do not count.

    Inferred from the bot's messages ("… (45%)"); the documents promise no number.
    """
    text = of.content or ""
    for own in (of.prompt, of.message):
        if own:
            text = text.replace(own, " ")
    if not of.prompt:  # a button's job: the message quotes a prompt that the answer does not name
        text = text.partition("Prompt:")[0]
    found = [int(number) for number in _PERCENT.findall(text)]
    usable = [number for number in found if number <= 100]
    return usable[-1] if usable else None


def video_url(attachments: Iterable[Attachment]) -> str | None:
    """Address of the first attachment that is a video, else of the first with an address.

    The documents' samples show only ``attachments[0].url`` (useapi.net docs,
    api-pika-v1/get-pika-jobid); type and name are those of Discord's attachments.
    """
    usable = [attachment for attachment in attachments if attachment.usable]
    for attachment in usable:
        if attachment.is_video:
            return attachment.url
    return usable[0].url if usable else None
