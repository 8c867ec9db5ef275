"""Telling each server's log channel of what was changed: every line once, in order.

What must be posted is written down with the change itself (``store.logbook``). Here it is grouped
into messages: which lines a message has is on the disk before it is posted, and so is where; what
was posted without our knowing is looked for before anything else is.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from bot.clock import Clock
from bot.errors import Denied, StorageTrouble, TooLarge, TryLater
from bot.store import logbook
from bot.store.database import Database
from bot.store.digests import Digest
from bot.store.logbook import Begun, LogLine, Sheet
from bot.workflow.delivery.messenger import Messenger, ServerMessage
from bot.workflow.rendering.errands import Errands
from bot.workflow.servers.chores import Chore, Tally

log = logging.getLogger(__name__)

POSTS_AT_ONCE: Final = 2
"""Messages under way at the same time: a few, as videos are waited for and these are not."""

MOST_LINES: Final = 40
"""Lines that are looked at for one message."""

RETRY_MS: Final = 60_000
"""A post of which nothing was heard again is due again after this long."""

REFUSED_MS: Final = 10 * 60_000
MOST_REFUSED_MS: Final = 6 * 3_600_000
"""A channel that refuses is asked again after the first, then after twice as long each time, and
at once when its permissions change or another one is chosen."""

MOST_PATIENCE: Final = 300.0
"""Seconds that may pass between two tries while Discord is out of order."""

REMOVED: Final = 10008
"""A post is answered with "unknown message" when an earlier try of it was posted, and deleted by
somebody (Discord docs, resources/message, on ``enforce_nonce``)."""

OF_THE_MESSAGE: Final = frozenset({50006, 50035, 200000, 240000})
"""Refusals that say nothing of the channel: empty, malformed, blocked by AutoMod, a harmful link
(Discord docs, topics/opcodes-and-status-codes). The same words would be refused for ever; it is
found out which of them, so that no others are left out with them."""


@dataclass(frozen=True, slots=True)
class Page:
    """Lines in words: ``text``, and how many of the lines it tells of, at least one."""

    text: str
    lines: int


Wording = Callable[[Sequence[LogLine], int], Page]
"""Puts the first of these lines into words, as many as one message holds; the number says how
many before them were given up."""


class ServerLog:
    """Posts what is due, one message of a server after the other."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        messenger: Messenger,
        wording: Wording,
        tally: Tally,
    ) -> None:
        self._database = database
        self._clock = clock
        self._messenger = messenger
        self._wording = wording
        self._tally = tally
        self._posts = asyncio.Semaphore(POSTS_AT_ONCE)
        self._errands = Errands(clock, MOST_PATIENCE)
        self._reopened: set[int] = set()
        # server -> a line: up to this one each is posted alone, as Discord refuses one of them
        self._one_by_one: dict[int, int] = {}

    def reopened(self, guild_id: int, _channel_id: int | None) -> None:
        """What the bot may do has changed in this server: its log may take something again."""
        self._reopened.add(guild_id)

    async def round(self) -> None:
        """Begin what is due."""
        await self._hear()
        for guild_id in await logbook.due(self._database, self._clock.now()):
            self._errands.begin(("log of server", guild_id), self._post, guild_id)

    async def settle_down(self) -> None:
        """Return when nothing is under way."""
        await self._errands.settle_down()

    async def stop(self, seconds: float) -> None:
        """Begin nothing more, and give what is under way ``seconds`` to arrive; the rest is tried
        by the next start.
        """
        await self._errands.finish(seconds)

    async def _hear(self) -> None:
        heard, self._reopened = self._reopened, set()
        if not heard:
            return
        try:
            refusing = await logbook.refusing(self._database, heard)
            if refusing:
                now = self._clock.now()
                await self._database.write(partial(logbook.try_again, guild_ids=refusing, now=now))
        except StorageTrouble:
            self._reopened |= heard
            raise

    async def _post(self, guild_id: int) -> None:
        """The next message of this server, or what an accident has left of it."""
        async with self._posts:
            sheet = await self._database.read(lambda tx: logbook.sheet(tx, guild_id, MOST_LINES))
            if sheet is None:
                await self._database.write(partial(logbook.rest, guild_id=guild_id))
                return
            try:
                await self._try(guild_id, sheet)
            except TryLater as error:
                log.info("the log of server %d: %s", guild_id, error)
                await self._later(guild_id, sheet, error.after)
            except (Denied, TooLarge) as error:
                await self._refused(guild_id, sheet, error)
            except StorageTrouble:
                raise
            except Exception:
                await self._later(guild_id, sheet, RETRY_MS / 1000)
                raise

    async def _try(self, guild_id: int, sheet: Sheet) -> None:
        begun = sheet.begun
        if begun is not None and await self._stands(guild_id, begun):
            await self._posted(guild_id, begun.line_id)
            return
        if begun is None or begun.channel_id != sheet.channel_id:
            page = self._wording(self._together(guild_id, sheet), sheet.lost)
            now = self._clock.now()
            begun = Begun(sheet.channel_id, sheet.lines[page.lines - 1].id, now)
        else:  # the same lines again, whatever came since: a second post of them is the first one
            lines = [line for line in sheet.lines if line.id <= begun.line_id]
            page = self._wording(lines, sheet.lost)
        due_at = self._clock.now() + RETRY_MS
        await self._database.write(
            partial(logbook.begin, guild_id=guild_id, begun=begun, due_at=due_at)
        )
        try:
            await self._messenger.announce(_message(guild_id, begun, page.text))
        except Denied as error:
            if error.code != REMOVED:
                raise
        await self._posted(guild_id, begun.line_id)

    def _together(self, guild_id: int, sheet: Sheet) -> Sequence[LogLine]:
        """The lines that may share a message."""
        if sheet.lines[0].id <= self._one_by_one.get(guild_id, 0):
            return sheet.lines[:1]
        self._one_by_one.pop(guild_id, None)
        return sheet.lines

    async def _stands(self, guild_id: int, begun: Begun) -> bool:
        """Whether the message that was begun is there."""
        try:
            found = await self._messenger.find_announced(_message(guild_id, begun, ""))
        except Denied:
            return False  # the nonce must do
        return found is not None

    async def _posted(self, guild_id: int, line_id: int) -> None:
        now = self._clock.now()
        await self._database.insist(
            lambda: self._database.write(
                partial(logbook.posted, guild_id=guild_id, line_id=line_id, now=now)
            )
        )
        self._tally(Chore.LOG_POSTED, 1)

    async def _later(self, guild_id: int, sheet: Sheet, after: float) -> None:
        wait = max(after, min(MOST_PATIENCE, 2.0 ** min(sheet.attempts, 16)))
        due_at = self._clock.now() + int(wait * 1000)
        await self._database.write(partial(logbook.later, guild_id=guild_id, due_at=due_at))

    async def _refused(self, guild_id: int, sheet: Sheet, error: Denied | TooLarge) -> None:
        now = self._clock.now()
        code = error.code if isinstance(error, Denied) else 0
        log.info("the log channel of server %d: %s", guild_id, error)
        wait = min(MOST_REFUSED_MS, REFUSED_MS * 2 ** min(sheet.attempts, 16))

        of_the_message = not code or code in OF_THE_MESSAGE

        def write(tx: sqlite3.Connection) -> tuple[int, int | None]:
            """How many lines are lost, and up to which one they are posted one by one."""
            if sheet.chosen and logbook.moved_meanwhile(tx, guild_id, sheet.channel_id, now):
                return 0, None
            if of_the_message and (last := logbook.withdraw_many(tx, guild_id, now)) is not None:
                return 0, last
            if of_the_message or not sheet.chosen:
                return logbook.give_up(tx, guild_id, now, tell=sheet.chosen), None
            return logbook.refused(tx, guild_id, code, now + wait, now), None

        lost, last = await self._database.write(write)
        if last is not None:
            self._one_by_one[guild_id] = last
        self._tally(Chore.LOG_REFUSED, 1)
        self._tally(Chore.LOG_LOST, lost)


def _message(guild_id: int, begun: Begun, text: str) -> ServerMessage:
    return ServerMessage(guild_id, begun.channel_id, begun.line_id, text, begun.at)


__all__ = ["Digest", "LogLine", "Page", "ServerLog", "Wording"]
