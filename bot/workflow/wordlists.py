"""Requests against the block list of their server: matched before the commit, sealed by it.

Matching takes time, and a list may change meanwhile. So it is done before, by the list as it
is known here, and the transaction that takes the request compares the versions: where they
differ, the list is read and the request is matched again. What the committed list blocks never
passes.
"""

from __future__ import annotations

import asyncio
import unicodedata
from dataclasses import dataclass
from typing import Final

from bot.model import Recipe
from bot.rules.words import Matcher, Shelf, matcher_for, texts_of
from bot.store import words
from bot.store.database import Database

_MOST_SHOWN: Final = 60


@dataclass(frozen=True, slots=True)
class Checked:
    """A request held against one version of a list. ``hit`` are the member's own words that the
    list blocks, ``None`` where it blocks none. They and not the entry of the list: who wrote
    them by accident learns what to change, and nobody learns what else is listed.
    """

    version: int
    hit: str | None = None


NO_LIST: Final = Checked(version=0)


class WordLists:
    """The lists that were needed last, ready to be held against requests."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._shelf = Shelf()
        self._versions: dict[int, int] = {}  # of servers with a list, as far as they are known
        self._reading: dict[int, asyncio.Lock] = {}

    async def check(self, guild_id: int, recipe: Recipe) -> Checked:
        """By the list as it is known here. Costs nothing where none is known."""
        version = self._versions.get(guild_id, 0)
        if not version:
            return NO_LIST
        matcher = self._shelf.get(guild_id, version)
        if matcher is None:
            version, matcher = await self._read(guild_id)
        return Checked(version, _hit(matcher, recipe))

    async def check_again(self, guild_id: int, recipe: Recipe, version: int) -> Checked:
        """By the list as it is committed, which has this version, or a later one by now."""
        matcher = self._shelf.get(guild_id, version)
        if matcher is None:
            version, matcher = await self._read(guild_id)
        return Checked(version, _hit(matcher, recipe))

    async def matcher(self, guild_id: int) -> Matcher:
        """The matcher of the list as it is committed now."""
        return (await self._read(guild_id))[1]

    async def _read(self, guild_id: int) -> tuple[int, Matcher]:
        # One at a time: a burst after a change must not build the same matcher for each command.
        async with self._reading.setdefault(guild_id, asyncio.Lock()):
            listed = await self._database.read(lambda tx: words.read(tx, guild_id))
            matcher = self._shelf.get(guild_id, listed.version)
            if matcher is None:
                matcher = await asyncio.to_thread(matcher_for, listed.phrases)
                self._shelf.put(guild_id, listed.version, matcher)
                self._versions[guild_id] = listed.version
            return listed.version, matcher


def _hit(matcher: Matcher, recipe: Recipe) -> str | None:
    for one in texts_of(recipe):
        if not matcher.allows(one.text):
            first = matcher.find(one.text)[0]
            return _shown(one.text[first.start : first.end])
    return None


def _shown(text: str) -> str:
    """In one short line, without what cannot be seen."""
    line = " ".join(text.split())
    seen = "".join(c for c in line if unicodedata.category(c) not in {"Cc", "Cf", "Cs"})
    return seen if len(seen) <= _MOST_SHOWN else f"{seen[: _MOST_SHOWN - 1]}…"
