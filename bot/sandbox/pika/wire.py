"""How useapi.net and Discord write times, ids and secrets."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime

_DISCORD_EPOCH_MS = 1_420_070_400_000
_increments = itertools.count(1)


def iso_ms(unix: float) -> str:
    """Write Unix seconds as ``2024-03-02T10:00:00.120Z``.

    The form of `created` and `updated` (useapi.net docs, api-pika-v1/post-pika-create, Model).
    """
    moment = datetime.fromtimestamp(unix, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def discord_time(unix: float) -> str:
    """Write Unix seconds as ``2024-03-02T10:00:02.500000+00:00``, the form of `timestamp`."""
    return datetime.fromtimestamp(unix, UTC).isoformat(timespec="microseconds")


def snowflake(unix: float) -> str:
    """Make a new Discord id for a moment: milliseconds since 2015 in the upper bits."""
    milliseconds = max(0, int(unix * 1000) - _DISCORD_EPOCH_MS)
    return str((milliseconds << 22) | (next(_increments) & 0x3F_FFFF))


def masked(secret: str) -> str:
    """Show the first three and last three characters of a Discord token, as every answer does.

    Source: useapi.net docs, api-pika-v1/post-pika-create, Model, `discord`.
    """
    return f"{secret[:3]}…secured…{secret[-3:]}"
