"""Rate limits (Discord docs, topics/rate-limits), and the count of requests that annoy Discord."""

from __future__ import annotations

import hashlib
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from .errors import ApiError

if TYPE_CHECKING:
    from .clock import Clock

GLOBAL_PER_SECOND: Final = 50
#: Requests and seconds per bucket. Discord publishes none of these; they are near what its
#: headers say, and a client must obey whatever the headers say.
DEFAULT: Final = (50, 1.0)
KNOWN: Final = {
    ("POST", "/channels/{channel_id}/messages"): (5, 5.0),
    ("PATCH", "/channels/{channel_id}/messages/{message_id}"): (5, 5.0),
    ("DELETE", "/channels/{channel_id}/messages/{message_id}"): (5, 1.0),
    ("POST", "/webhooks/{webhook_id}/{webhook_token}"): (5, 2.0),
    ("PATCH", "/webhooks/{webhook_id}/{webhook_token}/messages/@original"): (5, 2.0),
    ("POST", "/channels/{channel_id}/threads"): (50, 300.0),
    ("PATCH", "/channels/{channel_id}"): (5, 15.0),
}
_MAJOR: Final = ("channel_id", "guild_id", "webhook_id", "webhook_token", "interaction_id")
_OUTSIDE_GLOBAL: Final = ("/interactions/", "/webhooks/")


@dataclass(slots=True)
class _Bucket:
    left: int
    resets_at: float


class RateLimits:
    """Counts requests per bucket and over all."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._buckets: dict[tuple[str, ...], _Bucket] = {}
        self._recent: deque[float] = deque()
        self.table: dict[tuple[str, str], tuple[int, float]] = dict(KNOWN)

    def take(self, method: str, route: str, params: dict[str, str]) -> dict[str, str]:
        """Count a request and return the headers of its answer.

        Raises ``ApiError`` 429 when the bucket or the bot as a whole has none left.
        """
        now = self._clock.now()
        if not route.startswith(_OUTSIDE_GLOBAL):
            self._take_global(now)
        size, window = self.table.get((method, route), DEFAULT)
        key = (method, route, *(params[name] for name in _MAJOR if name in params))
        bucket = self._buckets.get(key)
        if bucket is None or bucket.resets_at <= now:
            bucket = self._buckets[key] = _Bucket(size, now + window)
        spent = bucket.left <= 0
        bucket.left = max(0, bucket.left - 1)
        mark = hashlib.md5(f"{method}{route}".encode(), usedforsecurity=False).hexdigest()
        headers = {
            "X-RateLimit-Limit": str(size),
            "X-RateLimit-Remaining": str(bucket.left),
            "X-RateLimit-Reset": f"{bucket.resets_at:.3f}",
            "X-RateLimit-Reset-After": f"{bucket.resets_at - now:.3f}",
            "X-RateLimit-Bucket": mark,
        }
        if spent:
            raise limited(bucket.resets_at - now, scope="user", headers=headers)
        return headers

    def _take_global(self, now: float) -> None:
        recent = self._recent
        while recent and now - recent[0] >= 1.0:
            recent.popleft()
        if len(recent) >= GLOBAL_PER_SECOND:
            raise limited(1.0 - (now - recent[0]), scope="global")
        recent.append(now)


def limited(
    retry_after: float,
    *,
    scope: str,
    via: bool = True,
    headers: dict[str, str] | None = None,
    code: int = 0,
    message: str = "You are being rate limited.",
) -> ApiError:
    """A 429 as Discord sends it; without ``via`` it looks like a ban by the proxy in front."""
    more = dict(headers or {})
    more["Retry-After"] = str(max(1, round(retry_after)))
    more["X-RateLimit-Scope"] = scope
    if via:
        more["Via"] = "1.1 google"
    if scope == "global":
        more["X-RateLimit-Global"] = "true"
    extra = {"retry_after": round(retry_after, 3), "global": scope == "global"}
    return ApiError(429, code, message, extra=extra, headers=more)


class Ban:
    """Turns a client away that annoys: after ``limit`` answers 401, 403 or 429 within ten minutes
    the proxy in front of Discord answers everything itself, for ``seconds`` (Discord docs,
    topics/rate-limits, "Invalid Request Limit"; how long a ban lasts is not published).
    """

    WINDOW: Final = 600.0

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.limit = 10_000
        self.seconds = 3600.0
        self._recent: deque[float] = deque()
        self._until = 0.0

    def count(self) -> None:
        """One more such answer."""
        now = self._clock.now()
        recent = self._recent
        recent.append(now)
        while now - recent[0] >= self.WINDOW:
            recent.popleft()
        if len(recent) >= self.limit:
            self._until = now + self.seconds
            recent.clear()

    @property
    def left(self) -> float:
        """Seconds for which everything is still turned away; 0 where nothing is."""
        return max(0.0, self._until - self._clock.now())


class EditBudget:
    """Edits of messages older than an hour are limited, by channel (error 30046).

    Discord publishes neither number; it answers 429 after several.
    """

    OLD_AFTER: Final = 3600.0

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.count = 3
        self.seconds = 20.0
        self._recent: dict[int, deque[float]] = {}

    def take(self, channel_id: int, created_at: float) -> None:
        """Count an edit.

        Raises ``ApiError`` 429/30046 when there were too many.
        """
        now = self._clock.now()
        if now - created_at <= self.OLD_AFTER:
            return
        recent = self._recent.setdefault(channel_id, deque())
        while recent and now - recent[0] >= self.seconds:
            recent.popleft()
        if len(recent) >= self.count:
            raise limited(
                self.seconds - (now - recent[0]),
                scope="user",
                code=30046,
                message="Maximum number of edits to messages older than 1 hour reached. "
                "Try again later.",
            )
        recent.append(now)
