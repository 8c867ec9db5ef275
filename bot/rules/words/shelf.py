"""Matchers kept ready, one for each server."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from bot.rules.words.matching import Matcher

_LETTERS: Final = 1_000_000
"""Of all lists that are kept; a letter takes about a hundred bytes at most."""


class Shelf:
    """The matchers of servers that were asked for last.

    A list has a version, any value that changes with it: a matcher of another version is never
    given out.
    """

    def __init__(self, letters: int = _LETTERS) -> None:
        self._room = letters
        self._kept: OrderedDict[int, tuple[int, Matcher]] = OrderedDict()

    def get(self, guild_id: int, version: int) -> Matcher | None:
        """The server's matcher for this version of its list, if it is here."""
        kept = self._kept.get(guild_id)
        if kept is None or kept[0] != version:
            return None
        self._kept.move_to_end(guild_id)
        return kept[1]

    def put(self, guild_id: int, version: int, matcher: Matcher) -> None:
        """Keep it instead of the server's former one; forget those that nobody has asked for
        the longest, if there is no room.
        """
        self.drop(guild_id)
        self._kept[guild_id] = (version, matcher)
        self._room -= _size(matcher)
        while self._room < 0 and len(self._kept) > 1:
            self.drop(next(iter(self._kept)))

    def drop(self, guild_id: int) -> None:
        """Forget the server's matcher, if there is one."""
        kept = self._kept.pop(guild_id, None)
        if kept is not None:
            self._room += _size(kept[1])


def _size(matcher: Matcher) -> int:
    return sum(map(len, matcher.phrases))
