"""All that people can use of the bot, as the bot itself tells it: nothing here is a list by hand.

Commands are those that Discord was told of. Lasting controls and forms are those that the bot's
client registers at a start; what stands on the pages of a panel is looked up by opening each.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from re import _parser  # nothing else reads patterns
from typing import Any

import discord
import pytest

from bot import client as bots_client
from bot.sandbox.discord import EmbeddedDiscord, Member, Message
from bot.sandbox.discord.messages import walk
from bot.ui.forms import Form
from bot.ui.moderation.panel import controls, numbers, parts
from bot.ui.moderation.panel.acts import ACTS
from tests.component.clients import client
from tests.e2e import forging
from tests.e2e.town import Scene
from tests.fakes import MovableClock

Json = dict[str, Any]

SUBCOMMAND, GROUP = 1, 2
PANEL = parts.IDS
"""The pattern of the controls of panels, of which each page is looked at."""
NUMBER = "{id}"
"""Stands in an id for the number of what it is about."""


@dataclass(frozen=True)
class Use:
    """A command, or one below it. ``kind`` is Discord's number of what it is used on."""

    path: str
    kind: int
    options: tuple[Json, ...]


def uses(commands: Iterable[Json]) -> list[Use]:
    """Every command, those below it in its place."""
    return [
        use
        for command in commands
        for use in _below(command["name"], command["type"], command.get("options") or ())
    ]


def _below(path: str, kind: int, options: Iterable[Json]) -> Iterator[Use]:
    inner = [one for one in options if one["type"] in (SUBCOMMAND, GROUP)]
    for one in inner:
        yield from _below(f"{path} {one['name']}", kind, one.get("options") or ())
    if not inner:
        yield Use(path, kind, tuple(options))


@dataclass(frozen=True)
class Registered:
    """What the client hears of after any restart: controls by the patterns of their ids, and
    forms.
    """

    controls: tuple[re.Pattern[str], ...]
    forms: tuple[type[Form], ...]

    def hears(self, custom_id: str) -> bool:
        """Whether a control or form with this id would be answered."""
        patterns = (*self.controls, *(form.template for form in self.forms))
        return any(one.fullmatch(custom_id) for one in patterns)


async def registered() -> Registered:
    """A client of the bot's own, at an empty server, registers what every start registers."""
    async with EmbeddedDiscord() as server:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(discord.http.Route, "BASE", server.api_url)
            bot = client(MovableClock())
            await bot.login(server.token)
            store = bot._connection._view_store
            await bot.close()
    assert not bot.persistent_views, "teach this sweep of views that are kept as they are"
    assert not store._modals, "teach this sweep of forms that discord.py keeps"
    return Registered(tuple(store._dynamic_items), bots_client._FORMS)


def of_kind(base: type[Any]) -> set[str]:
    """The names of the project's classes that discord.py would let people use."""
    found, rest = set[str](), [base]
    while rest:
        one = rest.pop()
        rest += one.__subclasses__()
        if one.__module__.partition(".")[0] in {"bot", "cogs"}:
            found.add(one.__name__)
    return found


def ids_of(pattern: re.Pattern[str]) -> list[str]:
    """Every id that matches, with ``NUMBER`` for its number. An assertion fails for a pattern that
    matches more than some words.
    """
    names = {index: name for name, index in pattern.groupindex.items()}
    found = _ways(_parser.parse(pattern.pattern), names)
    assert all(pattern.fullmatch(one.replace(NUMBER, "7")) for one in found), found
    return found


def _ways(parsed: Any, names: dict[int, str]) -> list[str]:
    ways = [""]
    for what, more in parsed:
        match str(what):
            case "LITERAL":
                found = [chr(more)]
            case "BRANCH":
                found = [way for branch in more[1] for way in _ways(branch, names)]
            case "SUBPATTERN" if names.get(more[0]) == "id":
                found = [NUMBER]
            case "SUBPATTERN":
                found = _ways(more[3], names)
            case "MAX_REPEAT" if more[:2] == (0, 1):
                found = ["", *_ways(more[2], names)]
            case _:
                raise AssertionError(f"nobody can tell what ids there are: {what} {more}")
        ways = [way + one for way in ways for one in found]
    return ways


@dataclass(frozen=True)
class Control:
    """Something to press or to choose in. ``kind`` is Discord's number, ``values`` what there is to
    choose from where that is known.
    """

    custom_id: str
    kind: int = forging.BUTTON
    values: tuple[str, ...] = ()


async def panel(scene: Scene, mona: Member, shown: Message) -> list[Control]:
    """Every control of every page, for a moderator with a panel before them; and those that the
    bot knows, but shows only at times.
    """
    pages = [
        parts.Where(home, page).id(parts.OPEN)
        for home, draw in controls._PAGES.items()
        for page in draw
    ]
    found = {custom_id: Control(custom_id) for custom_id in pages}
    for custom_id in pages:
        opened = await forging.component(scene, mona, shown, custom_id)
        for one in walk((await opened.answered()).components):
            if "custom_id" in one:
                values = tuple(option["value"] for option in one.get("options") or ())
                control = Control(one["custom_id"], one["type"], values)
                found[control.custom_id] = control
    stray = [one for one in found if one.endswith(f":{parts.OPEN}") and one not in pages]
    assert not stray, "a button leads to a page that there is not"
    known = {*ACTS, *numbers.SHEETS, parts.CHECK}
    seen = {one.rpartition(":")[2] for one in found}
    for what in known - seen:
        for page in controls._PAGES[parts.SETTINGS]:
            custom_id = parts.Where(parts.SETTINGS, page).id(what)
            found[custom_id] = Control(custom_id)
    return list(found.values())


def fields_of(form: type[Form], custom_id: str) -> list[str]:
    """The ids of the fields of a form, on a panel as if nothing had been set."""
    if form is controls.NumbersForm:
        sheet = numbers.SHEETS[custom_id.rpartition(":")[2]]
        return [f"{field.name}=" for field in sheet.fields]
    match = form.template.fullmatch(custom_id.replace(NUMBER, "7"))
    assert match is not None
    return [field.name for field in form.of(match).fields]
