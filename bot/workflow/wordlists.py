"""Requests against the list of their server: matched before the commit, sealed by it.

Matching takes time, and a list may change meanwhile. So it is done before, by the list as it
is known here, and the transaction that takes the request compares the versions: where they
differ, the list is read and the request is matched again. What the committed list blocks never
passes, and what it lets be looked at is marked.
"""

from __future__ import annotations

import asyncio
import unicodedata
from dataclasses import dataclass
from typing import Final

from bot.model import Recipe
from bot.rules.words import Matcher, Shelf, Then, by_kind, matcher_for, texts_of
from bot.store import words
from bot.store.database import Database
from bot.store.words import WordList

_MOST_SHOWN: Final = 60


@dataclass(frozen=True, slots=True)
class Checked:
    """A request held against one version of a list. ``hit`` are the member's own words that the
    list blocks, ``None`` where it blocks none. They and not the entry of the list: who wrote
    them by accident learns what to change, and nobody learns what else is listed. ``flagged``
    says that it blocks none, and has words in it that the server wants to know of.
    """

    version: int
    hit: str | None = None
    flagged: bool = False


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
        return _checked(version, matcher, recipe)

    async def check_again(self, guild_id: int, recipe: Recipe, version: int) -> Checked:
        """By the list as it is committed, which has this version, or a later one by now."""
        matcher = self._shelf.get(guild_id, version)
        if matcher is None:
            version, matcher = await self._read(guild_id)
        return _checked(version, matcher, recipe)

    async def matcher(self, guild_id: int) -> Matcher:
        """The matcher of the list as it is committed now."""
        return (await self._read(guild_id))[1]

    async def _read(self, guild_id: int) -> tuple[int, Matcher]:
        # One at a time: a burst after a change must not build the same matcher for each command.
        async with self._reading.setdefault(guild_id, asyncio.Lock()):
            listed = await self._database.read(lambda tx: words.read(tx, guild_id))
            matcher = self._shelf.get(guild_id, listed.version)
            if matcher is None:
                matcher = await asyncio.to_thread(_matcher, listed)
                self._shelf.put(guild_id, listed.version, matcher)
                self._versions[guild_id] = listed.version
            return listed.version, matcher


def _matcher(listed: WordList) -> Matcher:
    phrases = by_kind(listed.entries)
    return matcher_for(phrases[Then.REFUSE], phrases[Then.REVIEW])


def _checked(version: int, matcher: Matcher, recipe: Recipe) -> Checked:
    flagged = False
    for one in texts_of(recipe):
        verdict = matcher.verdict(one.text)
        if verdict is Then.REFUSE:
            first = matcher.find(one.text, verdict)[0]
            return Checked(version, hit=_shown(one.text[first.start : first.end]))
        flagged = flagged or verdict is Then.REVIEW
    return Checked(version, flagged=flagged)


def _shown(text: str) -> str:
    """In one short line, without what cannot be seen."""
    line = " ".join(text.split())
    seen = "".join(c for c in line if unicodedata.category(c) not in {"Cc", "Cf", "Cs"})
    return seen if len(seen) <= _MOST_SHOWN else f"{seen[: _MOST_SHOWN - 1]}…"
