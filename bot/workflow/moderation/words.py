"""The list of words of a server, as its moderators change and try it."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from typing import TypeVar

from bot.clock import Clock
from bot.errors import BadWords
from bot.rules.words import Listed, Match, Rejected, Then, parse, render
from bot.store import choices, words
from bot.store.audit import Act, AuditEntry
from bot.store.database import Database
from bot.workflow.moderation.governing import Moderator
from bot.workflow.wordlists import WordLists

Result = TypeVar("Result")


class BlockLists:
    """Changes lists. What cannot be blocked raises ``BadWords``, which says what to change."""

    def __init__(self, database: Database, clock: Clock, lists: WordLists) -> None:
        self._database = database
        self._clock = clock
        self._lists = lists

    async def add(self, by: Moderator, phrase: str, then: Then = Then.REFUSE) -> AuditEntry:
        """List one more phrase, or let something else become of one that is listed."""
        return await self._write(by, lambda tx, act: words.add(tx, act, phrase, then))

    async def remove(self, by: Moderator, phrase: str) -> AuditEntry:
        """List a phrase no more. Raises ``BadWords`` for one that is not listed too."""
        entry = await self._write(by, lambda tx, act: words.remove(tx, act, phrase))
        if entry is None:
            raise BadWords("That phrase is not on the list. `/moderate words list` shows it.")
        return entry

    async def listed(self, guild_id: int) -> tuple[Listed, ...]:
        """What is listed, in the order in which it was added."""
        found = await self._database.read(lambda tx: words.read(tx, guild_id))
        return found.entries

    async def held(self, guild_id: int) -> bool:
        """Whether a phrase that lets a video be looked at does so now."""
        chosen = await self._database.read(lambda tx: choices.read(tx, guild_id))
        return chosen.look_at.flagged

    async def test(self, guild_id: int, text: str) -> list[Match]:
        """What the list finds in a text, and why."""
        matcher = await self._lists.matcher(guild_id)
        return await asyncio.to_thread(matcher.find, text)

    async def load(
        self, by: Moderator, content: bytes
    ) -> tuple[AuditEntry | None, tuple[Rejected, ...]]:
        """Let the list be what a file says, apart from lines that cannot be used, which are
        returned. ``None`` for a list that was so already.
        """
        read = await asyncio.to_thread(parse, content)
        if not read.entries:
            raise BadWords(
                "The file has no phrase that I can use, so the list stays as it is."
                + (
                    f" Line {read.rejected[0].number}: {read.rejected[0].why}"
                    if read.rejected
                    else ""
                )
            )
        entry = await self._write(by, lambda tx, act: words.replace_all(tx, act, read.entries))
        return entry, read.rejected

    async def file(self, guild_id: int) -> bytes:
        """The list as a file that ``load`` reads."""
        return render(await self.listed(guild_id))

    async def _write(
        self, by: Moderator, change: Callable[[sqlite3.Connection, Act], Result]
    ) -> Result:
        act = Act(by.guild_id, by.user_id, self._clock.now())
        return await self._database.write(lambda tx: change(tx, act))
