"""What the workflow asks of whoever makes the videos."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from bot.model import PikaReport, Recipe


@dataclass(frozen=True, slots=True)
class AccountChannel:
    """One Discord account that works for us, named by its channel.

    ``max_jobs`` is how many jobs it runs at once, ``None`` where the API does not say.
    """

    channel: str
    max_jobs: int | None


@dataclass(frozen=True, slots=True)
class Accounts:
    """What the API has configured for our token; without any Discord token."""

    channels: tuple[AccountChannel, ...]

    @property
    def max_jobs(self) -> int | None:
        """Jobs that all accounts together run at once; ``None`` if one does not say."""
        total = 0
        for account in self.channels:
            if account.max_jobs is None:
                return None
            total += account.max_jobs
        return total


class Backend(Protocol):
    """One way to Pika. Errors are those of ``bot.pika.errors``.

    ``submit`` and ``again`` cost money and are sent at most once per call; nothing here
    retries. The others are reads and may be repeated at will.
    """

    async def submit(self, recipe: Recipe, *, reply_ref: str, reply_url: str | None) -> PikaReport:
        """Have a video made; returns when the API has taken the job, which may take a minute.

        The report may already be final (moderated, failed). Raises ``bot.errors.BadRecipe``
        before anything is sent, NotSent, Busy, Refused, AccountProblem, NoAnswer.
        """
        ...

    async def again(
        self, pika_id: str, button: str, *, reply_ref: str, reply_url: str | None
    ) -> PikaReport:
        """Press a button (``retry``) of a completed job: a new job. Raises as ``submit``."""
        ...

    async def executing(self) -> frozenset[str]:
        """Names of the jobs that Pika works on. Raises Unavailable, AccountProblem, Gone.

        Gone means that this API offers no such list.
        """
        ...

    async def report(self, pika_id: str) -> PikaReport:
        """Read one job. Raises Gone, Unavailable, AccountProblem."""
        ...

    async def cancel(self, pika_id: str) -> PikaReport:
        """Ask to drop a job. Raises Gone, Unavailable, AccountProblem."""
        ...

    async def account(self) -> Accounts:
        """What is configured for our token; costs nothing. Raises Unavailable, AccountProblem."""
        ...

    async def aclose(self) -> None:
        """Close all connections."""
        ...
