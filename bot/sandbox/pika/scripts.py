"""What shall become of the next jobs, decided by whoever runs the show."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from bot.sandbox.pika.jobs import PikaJob

Outcome = Literal["completed", "moderated", "failed", "stuck", "slow"]
Match = str | Callable[["PikaJob"], bool] | None

_SLOW_SECONDS: Final = 600.0


@dataclass(slots=True)
class Script:
    """The fate of the next `times` jobs that match (None: of all from now on).

    `match` is a part of the prompt, of the message text or of the replyRef; or a function of
    the job; None fits every job. `seconds` replaces the server's `render_seconds` (default for
    "slow": ten minutes). "stuck" stops at 40 % and stays there. `at_submit` lets "moderated"
    and "failed" be the answer to the POST itself instead of the end of an accepted job.
    `size_mb` (10^6 bytes) makes the video about that large; `video` replaces its bytes.
    """

    match: Match = None
    outcome: Outcome = "completed"
    seconds: float | None = None
    error: str | None = None
    error_details: str | None = None
    times: int | None = 1
    at_submit: bool = False
    size_mb: float | None = None
    video: bytes | None = None

    def fits(self, job: PikaJob) -> bool:
        """Say whether this script is meant for the job."""
        if self.match is None:
            return True
        if isinstance(self.match, str):
            message = job.message if isinstance(job.message, str) else ""
            return any(self.match in text for text in (job.prompt, message, job.reply_ref or ""))
        return self.match(job)

    def duration(self, default: float) -> float:
        """Return the seconds from start to end, before the server's speed is applied."""
        if self.seconds is not None:
            return self.seconds
        return _SLOW_SECONDS if self.outcome == "slow" else default


class Scripts:
    """The scripts that wait for their job; the first that fits is taken."""

    def __init__(self) -> None:
        self.waiting: list[Script] = []

    def add(self, script: Script) -> Script:
        """Put a script at the end of the row."""
        self.waiting.append(script)
        return script

    def clear(self) -> None:
        """Forget all scripts."""
        self.waiting.clear()

    def take(self, job: PikaJob) -> Script | None:
        """Return the first script that fits, and count it down."""
        for place, script in enumerate(self.waiting):
            if script.fits(job):
                if script.times is not None:
                    script.times -= 1
                    if script.times <= 0:
                        del self.waiting[place]
                return script
        return None
