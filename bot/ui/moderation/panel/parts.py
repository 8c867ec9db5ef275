"""What pages are made of."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

import discord
from discord import ui

from bot.model import Quota
from bot.ui.cards import Colour
from bot.ui.moderation.changes import NOTHING_CHANGED, change
from bot.ui.moderation.panel.server import Chosen, Server
from bot.workflow.moderation import AuditEntry
from bot.workflow.moderation.options import MOST_LISTED

Item = ui.Item[Any]
Button = ui.Button[Any]

SETTINGS: Final = "settings"
SETUP: Final = "setup"

OPEN: Final = "open"
"""What a button does that leads to another page."""

CHECK: Final = "check"
"""What a button does that looks again."""

IDS: Final = re.compile(r"(?P<home>settings|setup):(?P<page>[a-z]{1,20}):(?P<what>[a-z_]{1,30})")


@dataclass(frozen=True, slots=True)
class Where:
    """A page: of the settings or of the first run, and its name."""

    home: str
    page: str

    def id(self, what: str) -> str:
        """The id of a component on it."""
        return f"{self.home}:{self.page}:{what}"


@dataclass(frozen=True, slots=True)
class Notice:
    """What came of the last press. ``buttons`` are what it asks for."""

    text: str
    colour: Colour
    buttons: Sequence[Button] = ()


def changed(entries: Iterable[AuditEntry | None], default: Quota) -> Notice:
    """What was and what is now. ``default`` is the bot's own limit."""
    lines = [change(entry, default) for entry in entries if entry is not None]
    return Notice("\n".join(f"✅ {line}" for line in lines or [NOTHING_CHANGED]), Colour.DONE)


def refused(why: Exception) -> Notice:
    """What to change, so that it can be done."""
    return Notice(f"❌ {why}\n-# Nothing was changed.", Colour.FAILED)


def asking(what: Exception, label: str, custom_id: str) -> Notice:
    """What would come of it, and the button that does it all the same."""
    yes = button(label, custom_id, discord.ButtonStyle.danger)
    return Notice(f"❓ {what}\n-# Nothing was changed.", Colour.WAITING, (yes,))


class Panel(ui.LayoutView):
    """A page as a message: one box. Of it discord.py keeps nothing, as ``Control`` hears every
    press, also on the pages that an earlier process has drawn.
    """

    def __init__(self, parts: Iterable[Item], colour: Colour = Colour.WORKING) -> None:
        super().__init__(timeout=None)
        self.add_item(ui.Container[Any](*parts, accent_colour=int(colour)))

    def is_finished(self) -> bool:
        """Whether discord.py should not wait for presses."""
        return True

    def body(self) -> list[dict[str, Any]]:
        """The components as Discord's docs describe them."""
        return [item.to_component_dict() for item in self.children]


def page(title: str, about: str, body: Iterable[Item], notice: Notice | None = None) -> Panel:
    """A page with its title and what came of the last press."""
    parts: list[Item] = [ui.TextDisplay(f"## {title}\n{about}")]
    if notice is not None:
        parts.append(ui.TextDisplay(notice.text))
        if notice.buttons:
            parts.append(row(*notice.buttons))
    parts += [ui.Separator(), *body]
    return Panel(parts, notice.colour if notice is not None else Colour.WORKING)


def button(
    label: str,
    custom_id: str,
    style: discord.ButtonStyle = discord.ButtonStyle.secondary,
    *,
    disabled: bool = False,
) -> Button:
    """A button."""
    return ui.Button(label=label, custom_id=custom_id, style=style, disabled=disabled)


def row(*items: Item) -> Item:
    """Buttons in a row."""
    return ui.ActionRow(*items)


def labelled(label: str, about: str, select: Item) -> list[Item]:
    """A select with what it is for."""
    return [ui.TextDisplay(f"**{label}**\n-# {about}"), ui.ActionRow(select)]


def channel_select(
    custom_id: str,
    chosen: Iterable[int],
    server: Server,
    kinds: Sequence[discord.ChannelType],
    placeholder: str,
    *,
    most: int = 1,
) -> Item:
    """A select of channels; those that are chosen now are preset, unless they are gone."""
    kind = discord.SelectDefaultValueType.channel
    return ui.ChannelSelect(
        custom_id=custom_id,
        channel_types=list(kinds),
        placeholder=placeholder,
        min_values=0,
        max_values=most,
        default_values=_preset(chosen, server.places, kind),
    )


def role_select(custom_id: str, chosen: Iterable[int], server: Server, placeholder: str) -> Item:
    """A select of roles; those that are chosen now are preset, unless they are gone."""
    kind = discord.SelectDefaultValueType.role
    return ui.RoleSelect(
        custom_id=custom_id,
        placeholder=placeholder,
        min_values=0,
        max_values=MOST_LISTED,
        default_values=_preset(chosen, server.roles, kind),
    )


def _preset(
    chosen: Iterable[int], there: Collection[int], kind: discord.SelectDefaultValueType
) -> list[discord.SelectDefaultValue]:
    living = sorted(id_ for id_ in chosen if id_ in there)[:MOST_LISTED]
    return [discord.SelectDefaultValue(id=id_, type=kind) for id_ in living]


def warnings(chosen: Iterable[Chosen], most: int = 5) -> list[str]:
    """A line for each of these channels in which something is missing, the first of many."""
    lines = [line for line in map(warning, chosen) if line is not None]
    more = len(lines) - most
    return [*lines[:most], f"⚠️ … and {more} more"] if more > 0 else lines


def warning(channel: Chosen) -> str | None:
    """What is wrong with a channel, if anything is."""
    if channel.place is None:
        return f"⚠️ <#{channel.id}> does not exist any more. Choose another."
    wrong = []
    if channel.lacks:
        wrong.append(f"In <#{channel.id}> I lack {bold(channel.lacks)}.")
    told = [what for use, what in _FOR_MODERATORS.items() if use in channel.uses]
    if channel.place.public and told:
        wrong.append(
            f"Every member sees <#{channel.id}>, and so {' and '.join(told)}. Deny @everyone "
            "**View Channel** there and allow it to moderators and to me, or choose another."
        )
    return f"⚠️ {' '.join(wrong)}" if wrong else None


_FOR_MODERATORS: Final = MappingProxyType(
    {
        "log": "the names and prompts in the log",
        "review": "the videos that wait for review",
    }
)
"""What stands in channels that are not for every member."""


def bold(names: Iterable[str]) -> str:
    """Names of permissions, as they stand in Discord's settings."""
    return ", ".join(f"**{name}**" for name in names)
