"""What was typed into forms that could not be used: it is there when the form is opened again.

In memory only, for some minutes: after a restart the form has the current values again.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import Final

from bot.clock import Clock

LIFE_MS: Final = 15 * 60_000
MOST: Final = 1_000
"""Drafts that are kept, the newest."""

Key = tuple[int, int, str]
"""A server, a moderator, and the name of a form."""


class Drafts:
    """The last wrong try of each moderator and form."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._typed: OrderedDict[Key, tuple[Mapping[str, str], int]] = OrderedDict()

    def keep(self, key: Key, typed: Mapping[str, str]) -> None:
        """This was typed, and could not be used."""
        self._typed[key] = (typed, self._clock.now() + LIFE_MS)
        self._typed.move_to_end(key)
        while len(self._typed) > MOST:
            self._typed.popitem(last=False)

    def drop(self, key: Key) -> None:
        """It is not wanted any more."""
        self._typed.pop(key, None)

    def of(self, key: Key) -> Mapping[str, str]:
        """What was typed last, empty where nothing was wrong lately."""
        typed, until = self._typed.get(key, ({}, 0))
        return typed if self._clock.now() < until else {}
