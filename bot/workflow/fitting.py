"""Making a video fit where Discord will not take it as it is: smaller, then its link."""

from __future__ import annotations

import logging
from pathlib import Path

from bot.errors import MediaError
from bot.media import fit
from bot.model import Job
from bot.pika.backend import Backend
from bot.pika.errors import PikaError

log = logging.getLogger(__name__)

MIB = 1024 * 1024
LIMITS = tuple(size * MIB for size in (100, 50, 25, 20, 10, 8))
"""Upload limits that Discord has had, largest first. The one that counts here and now is in
no answer, so they are tried in turn: the default alone moved 8, 25, 10, 20 MiB."""

ONLY_THE_LINK = 0


def next_fit(size: int) -> int:
    """The size to try after ``size`` bytes were too many: the next smaller limit, or the link."""
    return next((limit for limit in LIMITS if limit < size), ONLY_THE_LINK)


class Fitting:
    """Smaller copies of videos, beside them in ``videos``."""

    def __init__(self, backend: Backend, videos: Path) -> None:
        self._backend = backend
        self._videos = videos

    async def copy(self, job: Job, limit: int) -> Path | None:
        """A copy of the job's video of at most ``limit`` bytes; ``None`` if that cannot be.

        An earlier one is used again.
        """
        path = self._path(job, limit)
        if path.exists():
            return path
        if job.video_path is None or not job.video_path.exists():
            return None
        try:
            size = await fit(job.video_path, path, limit=limit)
        except MediaError as error:
            log.warning("not made smaller: %s", error)
            return None
        log.info("made smaller: %d bytes for a limit of %d", size, limit)
        return path

    async def link(self, job: Job) -> str | None:
        """A fresh address of the video at Pika, good for about a day."""
        try:
            return (await self._backend.report(job.pika_id or "")).video_url
        except PikaError as error:
            log.warning("no link to the video: %s", error)
            return None

    def forget(self, job: Job) -> None:
        """Delete the job's video and its copies."""
        if job.video_path is not None:
            job.video_path.unlink(missing_ok=True)
        for limit in LIMITS:
            self._path(job, limit).unlink(missing_ok=True)

    def _path(self, job: Job, limit: int) -> Path:
        return self._videos / f"{job.id}-{limit // MIB}.mp4"
