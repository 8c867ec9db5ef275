"""What stands on several pages: selects of channels, reviews, and what is missing where."""

from __future__ import annotations

from collections.abc import Iterable
from types import MappingProxyType
from typing import Final

import discord
from discord import ui

from bot.ui.moderation import values
from bot.ui.moderation.panel.parts import (
    CHECK,
    Item,
    Where,
    button,
    channel_select,
    labelled,
    warnings,
)
from bot.ui.moderation.panel.server import Server
from bot.ui.moderation.places import ASKED_IN, POSTED_IN
from bot.workflow.moderation.options import MOST_LISTED

CHANNELS_OF: Final = MappingProxyType(
    {
        "channels": frozenset({"asking"}),
        "results": frozenset({"results", "showcase"}),
        "review": frozenset({"review"}),
        "records": frozenset({"log"}),
        "asking": frozenset({"asking"}),
        "places": frozenset({"results", "showcase", "log", "review"}),
    }
)
"""What the channels on each page are for."""

_POSTING: Final = MappingProxyType(
    {
        "result": (
            "Finished videos",
            "A channel for all of them, or none: each where it was asked for.",
            "Where they were asked for",
        ),
        "showcase": (
            "Showcase",
            "Where members can share a finished video once more.",
            "No showcase",
        ),
        "log": (
            "Log",
            "What moderators change, what members report, and alerts.",
            "No log",
        ),
        "review": (
            "Review channel",
            "Videos wait there until a moderator lets them pass.",
            "No review channel",
        ),
    }
)


def allowed(server: Server, where: Where) -> list[Item]:
    """Where videos may be asked for."""
    ids = server.standing.policy.allowed_channels
    none = "None that exists: nobody can ask" if ids else "Every channel"
    select = channel_select(where.id("allowed"), ids, server, ASKED_IN, none, most=MOST_LISTED)
    about = "A thread counts as the channel above it. Choose none for every channel."
    return labelled("Videos may be asked for in", about, select)


def posting(server: Server, where: Where, what: str) -> list[Item]:
    """A channel in which the bot posts by itself."""
    label, about, placeholder = _POSTING[what]
    chosen: int | None = getattr(server.standing.choices, what)
    ids = () if chosen is None else (chosen,)
    select = channel_select(where.id(what), ids, server, POSTED_IN, placeholder)
    return labelled(label, about, select)


def looks(server: Server, where: Where) -> list[Item]:
    """Which videos are looked at before they are posted; a review channel comes first."""
    choices = server.standing.choices
    rule = choices.look_at
    days = values.days(rule.newcomer_ms) if rule.newcomer_ms else "the first days"
    options = (
        ("new", "Videos of new members", f"For {days} after they joined", rule.newcomer_ms > 0),
        ("flagged", "Videos of flagged prompts", "With words that you want to know of",
         rule.flagged),
        ("all", "Every video", "Nothing is posted that nobody has looked at", rule.everything),
    )  # fmt: skip
    select: Item = ui.Select(
        custom_id=where.id("looks"),
        placeholder="None" if choices.review else "Choose a review channel first",
        min_values=0,
        max_values=len(options),
        disabled=choices.review is None,
        options=[
            discord.SelectOption(value=value, label=label, description=about, default=on)
            for value, label, about, on in options
        ],
    )
    about = "Choose none to post every video at once."
    return labelled("Looked at before they are posted", about, select)


def newness(server: Server, where: Where) -> list[Item]:
    """For how long members are new, where that matters."""
    if not server.standing.choices.look_at.newcomer_ms:
        return []
    return [button("Change days", where.id("newness"))]


def mending(server: Server, where: Where, found: Iterable[Item]) -> list[Item]:
    """What can be done about what was found missing on a page."""
    if _lost(server, where.page):
        return [button("Take off what is gone", where.id("gone"))]
    return [button("Check again", where.id(CHECK))] if list(found) else []


def _lost(server: Server, name: str) -> bool:
    """Whether something is chosen on this page that does not exist any more."""
    if name == "members":
        return bool(server.lost_roles())
    return any(one.place is None for one in server.chosen() if _concerns(one.uses, name))


def _concerns(uses: Iterable[str], name: str) -> bool:
    return not CHANNELS_OF.get(name, frozenset()).isdisjoint(uses)


def warned(server: Server, name: str) -> list[Item]:
    """What is missing in the channels of a page."""
    found = warnings(one for one in server.chosen() if _concerns(one.uses, name))
    return [ui.TextDisplay("\n".join(found))] if found else []
