"""How large a file each server takes: learned from Discord's answers, never from one number.

The limit of a message of the bot is in no answer. The default alone moved 8, 25, 10, 20 MiB,
boosts raise it, and the number that comes with an interaction is the larger of the member's
and the server's (Discord docs, reference and interactions/receiving-and-responding). What was
taken and what was refused says more, for a while.

Kept in memory: what is forgotten at a restart costs each server one refused upload.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from bot.clock import Clock
from bot.model import Job, Place

MIB: Final = 1024 * 1024
LIMITS: Final = tuple(size * MIB for size in (100, 50, 25, 20, 10, 8))
"""Upload limits that Discord has had, largest first: the steps down where nothing is known."""

ONLY_THE_LINK: Final = 0

KNOWN_MS: Final = 24 * 3_600_000
"""How long an answer is believed. Limits are raised, too, and only a try shows it."""

HINT_MS: Final = 3_600_000
"""How long the number of an interaction is believed; every command brings another one."""

SERVERS: Final = 10_000
"""Servers that are remembered, those used last."""

DIRECT: Final = 0
"""All direct messages have one limit; no server has this id."""


@dataclass(slots=True)
class _Known:
    """Bytes, and when (milliseconds since 1970) they were learned."""

    took: tuple[int, int] | None = None  # the largest file that was taken
    refused: tuple[int, int] | None = None  # the smallest one that was not
    ceiling: tuple[int, int] | None = None  # the smallest number that interactions named


class UploadLimits:
    """Where to begin with a video, and where to go on when it was too large."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._servers: OrderedDict[int, _Known] = OrderedDict()

    def hint(self, guild_id: int, size: int) -> None:
        """An interaction in this server names ``size``: it takes no more, but perhaps less."""
        known = self._known(guild_id)
        if known.ceiling is None or size <= known.ceiling[0]:
            known.ceiling = (size, self._clock.now())

    def took(self, guild_id: int, size: int) -> None:
        """A file of this size was posted there."""
        known = self._known(guild_id)
        if known.took is None or size >= known.took[0]:
            known.took = (size, self._clock.now())
        if known.refused is not None and known.refused[0] <= size:
            known.refused = None
        if known.ceiling is not None and known.ceiling[0] < size:
            known.ceiling = None

    def refused(self, guild_id: int, size: int) -> None:
        """A file of this size was too large there."""
        known = self._known(guild_id)
        if known.refused is None or size <= known.refused[0]:
            known.refused = (size, self._clock.now())
        if known.took is not None and known.took[0] >= size:
            known.took = None

    def forget(self, guild_id: int) -> None:
        """The server's boosts have changed."""
        self._servers.pop(guild_id, None)

    def begin(self, guild_id: int, size: int) -> int | None:
        """The size in bytes to give a video of ``size`` bytes before its first try; ``None``: try
        it as it is, which is also better than to begin with the link.
        """
        known = self._known(guild_id)
        if known.took is not None and size <= known.took[0]:
            return None
        if known.refused is not None and size >= known.refused[0]:
            return self.smaller(guild_id, size) or None
        if known.ceiling is not None and size > known.ceiling[0]:
            return known.ceiling[0]
        return None

    def smaller(self, guild_id: int, size: int) -> int:
        """The size to try after ``size`` bytes were too many; ``ONLY_THE_LINK`` after the
        smallest.
        """
        known = self._known(guild_id)
        steps = set(LIMITS)
        if known.ceiling is not None:
            steps = {step for step in LIMITS if step < known.ceiling[0]} | {known.ceiling[0]}
        if known.refused is not None:
            size = min(size, known.refused[0])
        return max((step for step in steps if step < size), default=ONLY_THE_LINK)

    def _known(self, guild_id: int) -> _Known:
        known = self._servers.pop(guild_id, None) or _Known()
        self._servers[guild_id] = known
        if len(self._servers) > SERVERS:
            self._servers.popitem(last=False)
        now = self._clock.now()
        if known.took is not None and now - known.took[1] > KNOWN_MS:
            known.took = None
        if known.refused is not None and now - known.refused[1] > KNOWN_MS:
            known.refused = None
        if known.ceiling is not None and now - known.ceiling[1] > HINT_MS:
            known.ceiling = None
        return known


def server_of(job: Job, place: Place) -> int:
    """Whose limit counts for a message of this job in this place."""
    return DIRECT if place is Place.DIRECT else job.requester.guild_id
