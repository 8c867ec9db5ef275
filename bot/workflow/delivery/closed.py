"""Places that Discord has refused: they are asked again after a while, not for every message.

After a 403 a channel should be left alone until its permissions change (Discord docs,
topics/rate-limits, "Invalid Request Limit"). A change is heard from the gateway; as events
may get lost, a refusal is also believed for a few minutes only.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from enum import Enum, auto
from typing import Final

from bot.clock import Clock
from bot.errors import Denied

CLOSED_MS: Final = 10 * 60_000
MOST: Final = 10_000
"""Refusals that are remembered, the newest."""


class Need(Enum):
    """What a request to a place needs there."""

    TEXT = auto()
    FILE = auto()
    EMBED = auto()
    EDIT = auto()
    DELETE = auto()
    READ = auto()
    OPEN = auto()  # a channel of direct messages, named by its member


POSTS: Final = frozenset({Need.TEXT, Need.FILE, Need.EMBED})
ALL: Final = frozenset(Need)

UNKNOWN_CHANNEL: Final = 10003

_CLOSES: Final[dict[int, frozenset[Need] | None]] = {
    UNKNOWN_CHANNEL: ALL,
    50001: ALL,  # missing access
    50007: POSTS | {Need.OPEN},  # the member takes no direct messages
    50278: POSTS | {Need.OPEN},  # no server in common
    160005: POSTS,  # locked
    50008: POSTS,  # no text channel
    50013: None,  # missing permissions: for this alone
    50083: None,  # archived: a post would open it
}
"""What each code closes, ``None``: only what was asked for. Any other refusal is about the
message and not about the place (Discord docs, topics/opcodes-and-status-codes)."""


class ClosedPlaces:
    """What is known to be refused where."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        # (channel, need) -> code, until when, server
        self._closed: OrderedDict[tuple[int, Need], tuple[int, int, int]] = OrderedDict()
        self._listeners: list[Callable[[int, int | None], None]] = []
        self._mourners: list[Callable[[int], None]] = []

    def check(self, channel_id: int, need: Need) -> None:
        """Raise ``Denied`` where this was refused lately."""
        known = self._closed.get((channel_id, need))
        if known is None:
            return
        code, until, _ = known
        if self._clock.now() < until:
            raise Denied(code, "as a short while ago")
        del self._closed[channel_id, need]

    def refused(self, guild_id: int, channel_id: int, need: Need, code: int) -> None:
        """Discord has just refused this."""
        if code not in _CLOSES:
            return
        until = self._clock.now() + CLOSED_MS
        for closed in _CLOSES[code] or {need}:
            self._closed[channel_id, closed] = (code, until, guild_id)
            self._closed.move_to_end((channel_id, closed))
        while len(self._closed) > MOST:
            self._closed.popitem(last=False)

    def opened(self, channel_id: int) -> None:
        """A message was posted there: if it was an archived thread, it is none any more."""
        for need in (Need.EDIT, Need.DELETE):
            self._closed.pop((channel_id, need), None)

    def on_reopen(self, listener: Callable[[int, int | None], None]) -> None:
        """Call ``listener`` with what ``reopen`` is called with. It must not wait and not raise."""
        self._listeners.append(listener)

    def on_gone(self, listener: Callable[[int], None]) -> None:
        """Call ``listener`` with each channel that was deleted. It must not wait and not raise."""
        self._mourners.append(listener)

    def gone(self, guild_id: int, channel_id: int) -> None:
        """A channel was deleted: nobody needs to ask."""
        self.refused(guild_id, channel_id, Need.TEXT, UNKNOWN_CHANNEL)
        for listener in self._mourners:
            listener(channel_id)

    def reopen(self, guild_id: int, channel_id: int | None = None) -> None:
        """Permissions have changed: in this channel or thread, or in the whole server."""
        if channel_id is not None:
            for need in Need:
                self._closed.pop((channel_id, need), None)
        elif self._closed:
            for key, (_, _, guild) in list(self._closed.items()):
                if guild == guild_id:
                    del self._closed[key]
        for listener in self._listeners:
            listener(guild_id, channel_id)
