"""The audit log in pages, with buttons that answer after any restart."""

from __future__ import annotations

import asyncio
import io
import re
from collections.abc import Sequence
from typing import Any, Final, Self

import discord

from bot.model import Quota
from bot.ui.base import Interaction, acting, services_of
from bot.ui.moderation.access import moderator
from bot.ui.moderation.changes import told
from bot.ui.moderation.files import audit_csv
from bot.ui.moderation.texts import MESSAGE_LIMIT
from bot.workflow.moderation import AuditEntry, Moderator

_Button = discord.ui.Button[Any]

SHOWN: Final = 8
"""Entries of one page."""

_MOST_BYTES: Final = 8_000_000
"""About what the largest file has: less than any server takes."""
_LABELS: Final = {"newest": "Newest", "older": "Older", "csv": "CSV file"}
_EMPTY: Final = "Nothing has been changed in this server yet."
_OVER: Final = "There are no older entries."


async def page(interaction: Interaction, by: Moderator, before_id: int | None = None) -> Page:
    """A page of the log of this moderator's server."""
    governing = services_of(interaction).moderation.governing
    found = await governing.log(by.guild_id, before_id=before_id, most=SHOWN + 1)
    return Page(found, governing.default, first=before_id is None)


class Page:
    """Some entries as a message. Of ``entries``, one more than is shown says that there are
    more.
    """

    def __init__(self, entries: Sequence[AuditEntry], default: Quota, *, first: bool) -> None:
        self._first = first
        self._lines: list[str] = []
        shown: list[AuditEntry] = []
        room = MESSAGE_LIMIT
        for entry in entries[:SHOWN]:
            line = told(entry, default)
            room -= len(line) + 1
            if room < 0:
                break
            shown.append(entry)
            self._lines.append(line)
        self._next = shown[-1].id if len(shown) < len(entries) else None

    @property
    def text(self) -> str:
        """A line or two for each entry."""
        return "\n".join(self._lines) or (_EMPTY if self._first else _OVER)

    @property
    def view(self) -> discord.ui.View:
        """The buttons under it."""
        view = discord.ui.View(timeout=None)
        if not self._first:
            view.add_item(LogButton("newest"))
        if self._next is not None:
            view.add_item(LogButton("older", self._next))
        view.add_item(LogButton("csv"))
        return view


class LogButton(
    discord.ui.DynamicItem[_Button],
    template=re.compile(r"audit:(?P<what>newest|older|csv)(?::(?P<id>[1-9][0-9]{0,17}))?"),
):
    """Turns to another page, or makes a file; for whoever may moderate when it is pressed."""

    def __init__(self, what: str, before_id: int | None = None) -> None:
        place = "" if before_id is None else f":{before_id}"
        super().__init__(
            discord.ui.Button(
                label=_LABELS[what],
                style=discord.ButtonStyle.secondary,
                custom_id=f"audit:{what}{place}",
            )
        )
        self._what = what
        self._before_id = before_id

    @classmethod
    async def from_custom_id(
        cls, _interaction: Interaction, _item: discord.ui.Item[Any], match: re.Match[str]
    ) -> Self:
        """The button of a message that an earlier process may have sent."""
        return cls(match["what"], int(match["id"]) if match["id"] else None)

    async def callback(self, interaction: Interaction) -> None:
        """Turn the page, or send the file."""
        await acting(interaction, self._act(interaction))

    async def _act(self, interaction: Interaction) -> None:
        by = await moderator(interaction)
        if self._what == "csv":
            await send_file(interaction, by)
            return
        before_id = self._before_id if self._what == "older" else None
        turned = await page(interaction, by, before_id)
        await interaction.response.edit_message(content=turned.text, view=turned.view)


async def send_file(interaction: Interaction, by: Moderator) -> None:
    """Send this moderator the whole log of their server."""
    governing = services_of(interaction).moderation.governing
    await interaction.response.defer(ephemeral=True, thinking=True)
    entries: list[AuditEntry] = []
    room, rest = _MOST_BYTES, ""
    async for some in governing.whole_log(by.guild_id):
        room -= sum(map(_size, some))
        if room < 0:
            rest = " Older ones are left out, as the file would become too large."
            break
        entries += some
    content = await asyncio.to_thread(audit_csv, entries, governing.default)
    count = f"{len(entries):,} {'entry' if len(entries) == 1 else 'entries'}"
    await interaction.followup.send(
        f"The audit log: {count}, newest first.{rest}",
        file=discord.File(io.BytesIO(content), "audit.csv"),
        ephemeral=True,
    )


def _size(entry: AuditEntry) -> int:
    """About how many bytes of a file an entry takes, at most: its states are in it twice."""
    return 300 + 2 * (len(str(entry.before)) + len(str(entry.after)))
