"""Snowflakes and tokens."""

from __future__ import annotations

import base64
import secrets
from typing import Final

from .clock import Clock

#: The first millisecond of 2015, from which snowflakes count (Discord docs, reference).
EPOCH_MS: Final = 1_420_070_400_000
_YEAR_MS: Final = 365 * 24 * 3600 * 1000


class Snowflakes:
    """Hands out ids that grow with the clock, as Discord's do."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._last = 0
        self._backdated = 0
        # Guild ids are a year old and one millisecond apart, so that servers made one after
        # the other fall on successive shards: shard = (guild_id >> 22) % shard_count.
        start = int(clock.now() * 1000) - EPOCH_MS - _YEAR_MS
        self._guild_ms = start - start % 5040

    def next(self) -> int:
        """A fresh id, larger than every one before."""
        stamp = (int(self._clock.now() * 1000) - EPOCH_MS) << 22
        self._last = max(self._last + 1, stamp)
        return self._last

    def at(self, moment: float) -> int:
        """A fresh id of something that is as old as ``moment`` (seconds since 1970)."""
        self._backdated += 1
        return ((int(moment * 1000) - EPOCH_MS) << 22) | (self._backdated & 0x3FFFFF)

    def next_guild(self) -> int:
        """A fresh guild id, on the shard after the last one's."""
        self._guild_ms += 1
        return (self._guild_ms << 22) | 1


def created_at(snowflake: int) -> float:
    """Seconds since 1970 at which an id was made."""
    return ((snowflake >> 22) + EPOCH_MS) / 1000


def interaction_token(interaction_id: int) -> str:
    """An unguessable token that carries its interaction's id, as Discord's do."""
    raw = f"interaction:{interaction_id}:{secrets.token_hex(48)}"
    return base64.urlsafe_b64encode(raw.encode()).decode().rstrip("=")


def interaction_of(token: str) -> int | None:
    """The interaction a token was made for; None if it is not such a token."""
    try:
        padded = token + "=" * (-len(token) % 4)
        kind, number, _ = base64.urlsafe_b64decode(padded).decode("ascii").split(":")
        return int(number) if kind == "interaction" else None
    except ValueError:
        return None


def bot_token(user_id: int) -> str:
    """A bot token of the shape Discord's have."""
    head = base64.urlsafe_b64encode(str(user_id).encode()).decode().rstrip("=")
    return f"{head}.{secrets.token_urlsafe(4)}.{secrets.token_urlsafe(28)}"
