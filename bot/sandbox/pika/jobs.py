"""Jobs and the book that holds them."""

from __future__ import annotations

import hashlib
import itertools
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from bot.sandbox.pika.flags import Flags
from bot.sandbox.pika.scripts import Script
from bot.sandbox.pika.wire import discord_time, iso_ms

EXECUTING: Final = frozenset({"created", "started", "progress"})
TERMINAL: Final = frozenset({"completed", "moderated", "failed", "cancelled"})

KEEP_SECONDS: Final = 31 * 86400
"""Jobs live at least 31 days, then may be recycled (useapi.net docs, get-pika-jobid)."""

_SIGNATURES: Final = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a", b"BM")


@dataclass(frozen=True, slots=True)
class Picture:
    """An uploaded file: its bytes, and what the API says of it (`size` in bytes, `type`)."""

    data: bytes = field(repr=False)
    type: str
    filename: str
    sha256: str

    @classmethod
    def of(cls, data: bytes, content_type: str, filename: str) -> Picture:
        """Take an upload and hash it."""
        return cls(data, content_type, filename, hashlib.sha256(data).hexdigest())

    @property
    def size(self) -> int:
        """Return the length in bytes."""
        return len(self.data)

    @property
    def echo(self) -> dict[str, object]:
        """What an answer says of the picture (api-pika-v1/post-pika-create, Model, `image`)."""
        return {"size": self.size, "type": self.type}

    @property
    def looks_real(self) -> bool:
        """Say whether the first bytes are those of a PNG, JPEG, GIF, BMP, WebP or AVIF file."""
        head = self.data[:12]
        if head.startswith(_SIGNATURES):
            return True
        return (head[:4] == b"RIFF" and head[8:] == b"WEBP") or head[4:] == b"ftypavif"


@dataclass(slots=True, eq=False)
class PikaJob:
    """One job, as Pika and useapi.net know it together.

    Times are Unix seconds. `command` (create, animate, encrypt_text, encrypt_image), `prompt`,
    `message`, `font` and `image` are what is made; a button job has its parent's. `discord` is
    masked. `percent` is 0..100. `video` and `video_sha256` exist once the job is
    completed; `attachment` is what the API then shows of it.
    """

    jobid: str
    verb: str
    command: str
    channel: str
    discord: str
    user_id: str
    prompt: str
    created: float
    max_jobs: int = 10
    status: str = "created"
    message: str | Picture | None = None
    font: str | None = None
    image: Picture | None = None
    flags: Flags = field(default_factory=lambda: Flags(""))
    seed: int = 0
    reply_url: str | None = None
    reply_ref: str | None = None
    button: str | None = None
    parent: str | None = None
    updated: float = 0.0
    percent: int = 0
    message_id: str | None = None
    content: str | None = None
    timestamp: float | None = None
    error: str | None = None
    error_details: str | None = None
    video: Path | None = None
    video_sha256: str | None = None
    attachment: dict[str, object] | None = None
    script: Script | None = None

    @property
    def executing(self) -> bool:
        """Say whether the job holds a slot."""
        return self.status in EXECUTING

    def body(self) -> dict[str, object]:
        """Return what GET /jobs/?jobid= and a callback say, without `code`.

        Source: useapi.net docs, api-pika-v1/get-pika-jobid and post-pika-create, Model; absent
        values are left out. A button job echoes its own request, so its parent's prompt is not
        among its fields (the page's model is not preserved; `parentJobId` as in the vendor's
        Midjourney API). `message` of /encrypt_image is shown like `image`: an assumption.
        """
        body: dict[str, object] = {
            "jobid": self.jobid,
            "verb": self.verb,
            "status": self.status,
            "created": iso_ms(self.created),
            "updated": iso_ms(self.updated),
        }
        if self.button is not None:
            body["button"] = self.button
            body["parentJobId"] = self.parent
        else:
            self._echo_recipe(body)
        if self.status == "completed":
            body["buttons"] = ["retry"]
        body["discord"] = self.discord
        body["channel"] = self.channel
        body["maxJobs"] = self.max_jobs
        optional: tuple[tuple[str, object], ...] = (
            ("replyUrl", self.reply_url),
            ("replyRef", self.reply_ref),
            ("messageId", self.message_id),
            ("content", self.content),
            ("timestamp", None if self.timestamp is None else discord_time(self.timestamp)),
            ("attachments", None if self.attachment is None else [self.attachment]),
            ("error", self.error),
            ("errorDetails", self.error_details),
        )
        body.update((name, value) for name, value in optional if value is not None)
        return body

    def _echo_recipe(self, body: dict[str, object]) -> None:
        if self.message is not None:
            text = isinstance(self.message, str)
            body["message"] = self.message if text else self.picture_message.echo
        if self.prompt:
            body["prompt"] = self.prompt
        if self.image is not None:
            body["image"] = self.image.echo
        if self.font is not None:
            body["font"] = self.font

    @property
    def picture_message(self) -> Picture:
        """Return the picture of /encrypt_image. Any other job: TypeError."""
        if not isinstance(self.message, Picture):
            message = "this job's message is not a picture"
            raise TypeError(message)
        return self.message


class JobBook:
    """Every job by id, and those that execute by channel; nothing here scans."""

    def __init__(self) -> None:
        self.by_id: dict[str, PikaJob] = {}
        self.executing: dict[str, PikaJob] = {}
        self._by_channel: dict[str, dict[str, PikaJob]] = {}
        self._numbers = itertools.count(1)

    def new_id(self, now: float) -> str:
        """Make a jobid. The documents show only a placeholder, so its form means nothing."""
        number = next(self._numbers)
        digest = hashlib.sha256(f"{now}:{number}".encode()).hexdigest()
        return f"{digest[:8]}-{digest[8:12]}-{number:04d}"

    def add(self, job: PikaJob) -> None:
        """Keep a job; it takes a slot of its channel when it executes."""
        self.by_id[job.jobid] = job
        if job.executing:
            self.executing[job.jobid] = job
            self._by_channel.setdefault(job.channel, {})[job.jobid] = job

    def free(self, job: PikaJob) -> None:
        """Give the job's slot back; a second time does nothing."""
        if self.executing.pop(job.jobid, None) is not None:
            del self._by_channel[job.channel][job.jobid]

    def load(self, channel: str) -> int:
        """Return how many jobs execute in a channel."""
        return len(self._by_channel.get(channel, ()))

    def executing_ids(self, channel: str) -> list[str]:
        """Return the ids of a channel's executing jobs, oldest first."""
        return list(self._by_channel.get(channel, ()))

    def find(self, jobid: str, now: float) -> PikaJob | None:
        """Look a job up; one older than 31 days is recycled and gone."""
        job = self.by_id.get(jobid)
        if job is not None and not job.executing and now - job.created > KEEP_SECONDS:
            del self.by_id[jobid]
            return None
        return job
