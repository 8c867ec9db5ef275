"""The Pika bot's messages: the `content` of a job."""

from __future__ import annotations

from bot.sandbox.pika.jobs import PikaJob


def queued(job: PikaJob) -> str:
    """Return the first message (useapi.net docs, post-pika-create and post-pika-encrypt_text)."""
    return f"<@{job.user_id}> Creation job queued. ({_parts(job)})"


def in_progress(job: PikaJob) -> str:
    """Return the message of a running job.

    That it shows the progress is documented ("current generation parameters and progress"), its
    form is not: the percent sign is an assumption.
    """
    return f"<@{job.user_id}> Creation job in progress ({job.percent}%). ({_parts(job)})"


def finished(job: PikaJob) -> str:
    """Return the message that carries the video (useapi.net docs, get-pika-jobid)."""
    return f"<@{job.user_id}> {_parts(job)}"


def _parts(job: PikaJob) -> str:
    """Join prompt, message, image and author with two spaces, as the samples do."""
    parts = []
    if job.prompt:
        parts.append(f"Prompt: {job.prompt}")
    if isinstance(job.message, str):
        font = f" (Font: {job.font})" if job.font else ""
        parts.append(f"Message: {job.message}{font}")
    elif job.message is not None:
        parts.append("Message: 1 Attachment")
    if job.image is not None:
        parts.append("Image: 1 Attachment")
    parts.append(f"Author: <@{job.user_id}>")
    return "  ".join(parts)
