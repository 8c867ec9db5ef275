"""Whether Pika may be asked for more now: back-pressure and account trouble.

Both stop the whole queue and not one job: the next job would get the same answer.
"""

from __future__ import annotations

import logging
import secrets

from bot.clock import Clock

log = logging.getLogger(__name__)

_random = secrets.SystemRandom()


class Gate:
    """Closed until a time (Pika is busy), or until the account works again."""

    def __init__(self, clock: Clock, busy_seconds: float) -> None:
        self._clock = clock
        self._busy_seconds = busy_seconds
        self._until = 0
        self.trouble: str | None = None

    def busy(self, retry_after: float | None) -> float:
        """Pika said "not now": wait as long as it says, else 1 to 1.5 times the setting.

        The jitter keeps several bots of one account apart. Returns the seconds.
        """
        seconds = retry_after or self._busy_seconds * (1 + _random.random() / 2)
        self._until = max(self._until, self._clock.now() + int(seconds * 1000))
        return seconds

    def account_trouble(self, what: str) -> None:
        """The account does not work: nothing is sent until ``account_works``."""
        if self.trouble is None:
            log.error("Pika refuses our account (%s): the queue waits, all jobs are kept", what)
        self.trouble = what
        self.busy(None)

    def account_works(self) -> None:
        """A request was answered as it should be."""
        if self.trouble is not None:
            log.warning("Pika's account works again: the queue goes on")
            self.trouble = None

    def wait_seconds(self) -> float:
        """How long until it is worth asking; 0 when it is now."""
        return max(0.0, (self._until - self._clock.now()) / 1000)
