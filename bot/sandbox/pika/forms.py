"""Reading the multipart forms of the five submissions, and checking what any of them may hold."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from aiohttp import BodyPartReader, web
from aiohttp.http_exceptions import HttpProcessingError

from bot.sandbox.pika.answers import NOT_AN_IMAGE, Refusal
from bot.sandbox.pika.jobs import Picture

MAX_BODY: Final = 64 * 1024 * 1024
"""Bytes; the real limit is not documented, this one protects the process."""

MAX_PROMPT: Final = 1500
MAX_MESSAGE: Final = 20
MAX_REPLY: Final = 1024
MAX_JOBS: Final = 10

_COMMON = frozenset({"discord", "channel", "maxJobs", "replyUrl", "replyRef"})
FIELDS: Final = {
    "create": _COMMON | {"prompt", "image"},
    "animate": _COMMON | {"prompt", "image"},
    "encrypt_text": _COMMON | {"prompt", "image", "message", "font"},
    "encrypt_image": _COMMON | {"prompt", "image", "message"},
    "button": (_COMMON - {"channel"}) | {"jobid", "button"},
}
"""Names that each page documents (api-pika-v1/post-pika-create, -animate, -encrypt_text,
-encrypt_image, -button; older copies of the last list `channel` too, newer ones dropped it)."""

FILES: Final = {
    "create": frozenset({"image"}),
    "animate": frozenset({"image"}),
    "encrypt_text": frozenset({"image"}),
    "encrypt_image": frozenset({"image", "message"}),
    "button": frozenset[str](),
}


@dataclass(slots=True)
class Form:
    """A form: its texts, its files, the names of its fields in order.

    `violations` is what no document allows; `no_file` a field that should have been a file.
    """

    texts: dict[str, str] = field(default_factory=dict)
    files: dict[str, Picture] = field(default_factory=dict)
    names: list[str] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    no_file: str | None = None

    def text(self, name: str) -> str | None:
        """Return a text, or None when it is absent or blank."""
        value = self.texts.get(name)
        return value if value is not None and value.strip() else None

    def max_jobs(self) -> int | None:
        """Return the request's `maxJobs`, 1..10. Anything else: Refusal(400).

        The range is that of post-pika-account-channel; the text is not documented.
        """
        text = self.text("maxJobs")
        if text is None:
            return None
        if text.isascii() and text.isdigit() and 1 <= int(text[:4]) <= MAX_JOBS:
            return int(text)
        raise Refusal(400, f"maxJobs must be a number between 1 and {MAX_JOBS}")


async def read_form(request: web.Request, command: str, form: Form) -> None:
    """Read a request into `form`, which also shows what was read when it fails.

    Refusal(400) for another content type and for a broken body (texts not documented), and for
    an image that is no file part with a name and a type (documented). Unknown and repeated
    fields are violations: the documents do not say that the API minds them.
    """
    if request.content_type != "multipart/form-data":
        form.violations.append(f"content type {request.content_type}")
        raise Refusal(400, "Content-Type must be multipart/form-data")
    try:
        await _read_parts(request, command, form)
    except (ValueError, AssertionError, HttpProcessingError) as error:
        form.violations.append(f"broken multipart body: {type(error).__name__}")
        raise Refusal(400, "Malformed multipart/form-data body") from error
    if form.no_file is not None:
        raise Refusal(400, NOT_AN_IMAGE.replace("image", form.no_file))


async def _read_parts(request: web.Request, command: str, form: Form) -> None:
    left = MAX_BODY
    reader = await request.multipart()
    while (part := await reader.next()) is not None:
        if not isinstance(part, BodyPartReader) or not part.name:
            message = "a part without a name, or with parts of its own"
            raise ValueError(message)
        name = part.name
        data = bytearray()
        while chunk := await part.read_chunk(1 << 18):
            data += chunk
            if len(data) > left:
                raise Refusal(413, "Request body is too large")
        left -= len(data)
        _keep(form, command, part, name, bytes(data))


def _keep(form: Form, command: str, part: BodyPartReader, name: str, data: bytes) -> None:
    if name in form.names:
        form.violations.append(f"field `{name}` more than once")
    form.names.append(name)
    if name not in FIELDS[command]:
        form.violations.append(f"unknown form field `{name}`")
        return
    content_type = part.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if name in FILES[command]:
        if not part.filename or not content_type:
            form.violations.append(f"field `{name}` is not a file with a name and a type")
            form.no_file = name
            return
        form.files[name] = Picture.of(data, content_type, part.filename)
    elif part.filename is not None:
        form.violations.append(f"field `{name}` is a file, not text")
    else:
        form.texts[name] = data.decode("utf-8")
