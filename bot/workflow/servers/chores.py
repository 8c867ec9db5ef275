"""What is done for whole servers, as it is counted."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum


class Chore(StrEnum):
    """One kind of thing; the value is its label on ``/metrics``."""

    LOG_POSTED = "log_posted"  # messages in log channels
    LOG_REFUSED = "log_refused"  # by their channel, or for what they say
    LOG_LOST = "log_lost"  # lines that were given up
    DIGEST = "digest"  # days that log channels are told of
    ERASED = "erased"  # jobs whose words and pictures were kept for long enough
    LEFT = "left"  # servers that the bot was removed from
    FORGOTTEN = "forgotten"  # servers, 30 days later
    MEMBER_BLOCKED = "member_blocked"  # for too many prompts that Pika moderated


Tally = Callable[[Chore, int], None]
"""Counts that something was done, so many times."""
