"""How often Pika is asked: less often while its callbacks tell us first."""

from __future__ import annotations

from collections.abc import Collection

from bot.model import Job, JobState

SLOWER = 4
"""How many times longer the pause is then."""


class Pace:
    """Judges callbacks by what they brought.

    They work once a job has ended of which one told us, and they do not work any more once a
    job has ended of which none did. Cancelled and moderated jobs are never called back
    (useapi.net docs, api-pika-v1/post-pika-create, replyUrl), so they say nothing.
    """

    def __init__(self) -> None:
        self.callbacks_work = False
        self._heard: set[int] = set()
        self._skipped = 0

    def heard(self, job_id: int) -> None:
        """A callback came for this job."""
        self._heard.add(job_id)

    def ended(self, job_id: int) -> None:
        """Pika has completed this job, or failed to."""
        self.callbacks_work = job_id in self._heard

    def skip(self, open_jobs: Collection[Job], urgent: Collection[int]) -> bool:
        """Whether this time nothing need be asked, after one more pause.

        ``open_jobs`` are those at Pika; none are open where only jobs that were given up are
        still waited for. The ``urgent`` ones must be read again soon.
        """
        self._heard &= {job.id for job in open_jobs}
        calm = self.callbacks_work and not any(
            job.state is not JobState.RENDERING
            or job.cancel_asked_at is not None
            or job.id in self._heard  # it was called, and is still not over: the read failed
            or job.id in urgent
            for job in open_jobs
        )
        self._skipped = self._skipped + 1 if calm or not open_jobs else SLOWER
        if self._skipped < SLOWER:
            return True
        self._skipped = 0
        return False
