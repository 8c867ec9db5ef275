"""The Pika accounts (Discord channels) configured at useapi.net."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from bot.sandbox.pika.answers import Refusal

MAX_JOBS: Final = 10
_SNOWFLAKE = re.compile(r"[0-9]{17,20}\Z")


@dataclass(frozen=True, slots=True)
class Account:
    """A channel of direct messages with the Pika bot, and the Discord token that opens it."""

    channel: str
    discord: str
    max_jobs: int = MAX_JOBS
    user_id: str = "100000000000000042"

    def body(self) -> dict[str, object]:
        """Return the entry of GET /account; the token stands there in clear, as documented."""
        return {"channel": self.channel, "discord": self.discord, "maxJobs": self.max_jobs}


DEFAULT_ACCOUNT: Final = Account("1180000000000000001", "MTE4sandboxDiscordTokenOfPikaXyz")


class Accounts:
    """The configured accounts by channel (useapi.net docs, api-pika-v1/get-pika-account)."""

    def __init__(self, accounts: tuple[Account, ...]) -> None:
        self.by_channel = {account.channel: account for account in accounts}

    def listed(self) -> dict[str, object]:
        """Return the bare map of GET /account.

        With none configured the documents disagree; the newer page's 404 is served.
        """
        return {channel: account.body() for channel, account in self.by_channel.items()}

    def configure(self, path_channel: str, body: object) -> None:
        """Do POST /account/{channel}: all three values required, in range, consistent.

        The conditions are documented (post-pika-account-channel). Of the texts only that for an
        equal discord value is preserved literally. Raises Refusal(400).
        """
        if not isinstance(body, dict):
            raise Refusal(400, "Request body must be a JSON object")
        for name in ("discord", "channel", "maxJobs"):
            if body.get(name) in (None, ""):
                raise Refusal(400, f"{name} value is missing or empty")
        discord, channel, max_jobs = body["discord"], body["channel"], body["maxJobs"]
        if not isinstance(discord, str):
            raise Refusal(400, "discord value is missing or empty")
        if not isinstance(channel, str) or not _SNOWFLAKE.match(channel):
            raise Refusal(400, f"channel {channel} is not a valid Discord id")
        if channel != path_channel:
            raise Refusal(400, f"channel {channel} does not match path channel {path_channel}")
        if isinstance(max_jobs, bool) or not isinstance(max_jobs, int) or max_jobs < 1:
            raise Refusal(400, "maxJobs value is missing or empty")
        if max_jobs > MAX_JOBS:
            raise Refusal(400, f"maxJobs {max_jobs} exceeds maximum of {MAX_JOBS}")
        for other in self.by_channel.values():
            if other.channel != channel and other.discord == discord:
                raise Refusal(400, f"Channel {other.channel} configuration has same discord value")
        self.by_channel[channel] = Account(channel, discord, max_jobs)

    def choose(
        self,
        discord: str | None,
        channel: str | None,
        max_jobs: int | None,
        load: Callable[[str], int],
        missing: str,
    ) -> tuple[Account, int]:
        """Pick the account of a submission, and its limit of parallel jobs.

        Both values given: that account, configured or not. `channel` alone: the configured one.
        Neither: a random one with free capacity, or any when all are full. Everything else
        lacks a value: Refusal(400) with the text `missing`. The limit is the request's, else
        the channel's, else 10 (useapi.net docs, api-pika-v1/post-pika-create).
        """
        configured = self.by_channel.get(channel) if channel else None
        if channel and discord:
            account = Account(channel, discord, configured.max_jobs if configured else MAX_JOBS)
        elif configured is not None:
            account = configured
        elif discord or channel or not self.by_channel:
            raise Refusal(400, missing)
        else:
            everyone = list(self.by_channel.values())
            free = [a for a in everyone if load(a.channel) < (max_jobs or a.max_jobs)]
            account = secrets.choice(free or everyone)
        return account, max_jobs or account.max_jobs
