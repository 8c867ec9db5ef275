"""Making a video fit where Discord will not take it as it is: smaller, then its link."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from bot.errors import MediaError, Missing, NotStored
from bot.media import AllowedHosts, fit
from bot.model import Job, Place
from bot.pika.backend import Backend
from bot.pika.errors import PikaError
from bot.workflow.delivery.uploads import ONLY_THE_LINK, UploadLimits, server_of

log = logging.getLogger(__name__)


class Fitting:
    """Smaller copies of videos, beside them in ``videos``, of the sizes that ``limits`` knows, and
    links to ``hosts`` alone.
    """

    def __init__(
        self, backend: Backend, videos: Path, limits: UploadLimits, hosts: AllowedHosts
    ) -> None:
        self._backend = backend
        self._videos = videos
        self._limits = limits
        self._hosts = hosts

    def first(self, job: Job, place: Place) -> int | None:
        """The size in bytes to begin with in this place; ``None``: the video as it is."""
        size = _size(job)
        return None if size is None else self._limits.begin(server_of(job, place), size)

    def has(self, job: Job) -> bool:
        """Whether the job's video, as its path names it, is on our disk."""
        return _size(job) is not None

    def took(self, job: Job, place: Place) -> None:
        """The job's video, as its path names it, was posted there."""
        size = _size(job)
        if size is not None:
            self._limits.took(server_of(job, place), size)

    def refused(self, job: Job, place: Place) -> int:
        """The job's video, as its path names it, was too large there: the size to try next, 0
        for its link only.
        """
        server, size = server_of(job, place), _size(job)
        if not size:
            return ONLY_THE_LINK
        self._limits.refused(server, size)
        return self._limits.smaller(server, size)

    async def copy(self, job: Job, limit: int, told: Callable[[int], None]) -> Path | None:
        """A copy of the job's video of at most ``limit`` bytes; ``None`` if that cannot be.

        An earlier one is used again. ``told`` hears the percents of making one. Raises
        ``NotStored`` while our disk has no room for it, and ``Missing`` where the video itself is
        not there.
        """
        path = self._path(job, limit)
        if path.exists():
            return path
        if job.video_path is None or not job.video_path.exists():
            raise Missing
        try:
            size = await fit(job.video_path, path, limit=limit, told=told)
        except NotStored:
            raise
        except MediaError as error:
            log.warning("not made smaller: %s", error)
            return None
        log.info("made smaller: %d bytes for a limit of %d", size, limit)
        return path

    async def link(self, job: Job) -> str | None:
        """A fresh address of the video at Pika, good for about a day; ``None`` where Pika names
        none that people may be sent to.
        """
        try:
            link = (await self._backend.report(job.pika_id or "")).video_url
        except PikaError as error:
            log.warning("no link to the video: %s", error)
            return None
        if link is not None and not self._hosts.may_be_shown(link):
            log.warning("the link to the video is not shown: it leads where no file comes from")
            return None
        return link

    def forget(self, job: Job) -> None:
        """Delete the job's video and its copies. Never raises."""
        try:
            if job.video_path is not None:
                job.video_path.unlink(missing_ok=True)
            for copy in self._videos.glob(f"{job.id}[-.]*"):
                copy.unlink(missing_ok=True)
        except OSError as error:  # the next start sweeps it away
            log.warning("a video could not be deleted: %s", error)

    def _path(self, job: Job, limit: int) -> Path:
        return self._videos / f"{job.id}-{limit}.mp4"


def _size(job: Job) -> int | None:
    """Bytes of the job's video; ``None`` when it is not there."""
    try:
        return job.video_path.stat().st_size if job.video_path else None
    except OSError:
        return None
