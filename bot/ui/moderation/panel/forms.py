"""How numbers are typed: forms that show the current ones, and answer after any restart.

discord.py forgets a form when it is submitted, and all of them at a restart. So what is sent is
not kept by it, and an ``Ear`` for each form, registered at every start, hears what comes back.

The id of a field holds what was set when the form was shown. So what comes back tells which numbers
the moderator has changed; what somebody else changed meanwhile, which they could not see, stays.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import discord
from discord import ui

from bot.errors import BadOption
from bot.ui.cards import code
from bot.ui.moderation.panel.server import Server
from bot.workflow.moderation import AuditEntry, Governing, Moderator

LONGEST: Final = 16
"""Characters of a number with all that people write around it."""

Typed = Mapping[str, str]
Entries = Sequence[AuditEntry | None]


@dataclass(frozen=True, slots=True)
class Sent:
    """A form that came back. ``changed`` are the fields whose text is not what was set when the
    form was shown.
    """

    text: Typed
    changed: frozenset[str]


@dataclass(frozen=True, slots=True)
class Field:
    """A number. ``label`` is what the form and errors call it."""

    name: str
    label: str
    about: str
    required: bool = True


@dataclass(frozen=True, slots=True)
class Form:
    """A form: what it asks for, what is set now, and how what was typed is set.

    ``save`` raises ``BadOption`` for what cannot be used.
    """

    title: str
    fields: tuple[Field, ...]
    current: Callable[[Server], Sequence[float | None]]
    save: Callable[[Governing, Moderator, Sent], Awaitable[Entries]]


class Sheet(ui.Modal):
    """A form on its way to a moderator."""

    def __init__(self, form: Form, custom_id: str, server: Server, draft: Typed) -> None:
        super().__init__(title=form.title, custom_id=custom_id, timeout=None)
        for field, value in zip(form.fields, form.current(server), strict=True):
            now = plain(value)
            text: ui.TextInput[Any] = ui.TextInput(
                custom_id=f"{field.name}={now}",
                default=draft.get(field.name, now) or None,
                required=field.required,
                max_length=LONGEST,
            )
            self.add_item(ui.Label(text=field.label, description=field.about, component=text))

    def is_finished(self) -> bool:
        """Whether discord.py should not wait for what comes back: an ``Ear`` does."""
        return True


Heard = Callable[[discord.Interaction[Any], str], Awaitable[None]]


class Ear(ui.Modal):
    """Hears what comes back of a form, from whomever and however often."""

    def __init__(self, custom_id: str, heard: Heard) -> None:
        super().__init__(title="-", custom_id=custom_id, timeout=None)
        self._heard = heard

    async def on_submit(self, interaction: discord.Interaction[Any]) -> None:
        """A form came back."""
        await self._heard(interaction, self.custom_id)

    def stop(self) -> None:
        """discord.py has a form stop after its first submission; this one goes on."""


def sent(interaction: discord.Interaction[Any], form: Form) -> Sent:
    """What was typed into the fields of a form, nothing into those that did not come back; of more
    than fits into a field as much as fits.
    """
    data: Mapping[str, Any] = interaction.data or {}
    inputs = [row.get("component") or {} for row in data.get("components", ())]
    text, shown = {field.name: "" for field in form.fields}, dict[str, str]()
    for one in inputs:
        name, _, now = str(one.get("custom_id")).partition("=")
        if name in text:
            text[name], shown[name] = str(one.get("value") or "")[:LONGEST], now
    return Sent(text, frozenset(name for name in shown if text[name] != shown[name]))


def plain(number: float | None) -> str:
    """A number as people type it, exact enough to come back as the same milliseconds."""
    if number is None:
        return ""
    room = LONGEST - len(str(int(number))) - 1
    digits = f"{number:.{room}f}"
    return digits.rstrip("0").rstrip(".")


def number(text: str, label: str) -> float:
    """What was typed, as a number. Raises ``BadOption``."""
    digits = re.sub(r"[\s_’']", "", text)
    if re.fullmatch(r"[1-9]\d{0,2}(,\d{3})+", digits):
        digits = digits.replace(",", "")
    digits = digits.replace(",", ".")
    if not re.fullmatch(r"\d{1,9}(\.\d{1,14})?", digits, re.ASCII):
        raise BadOption(
            label, f"`{label}`: {code(text, LONGEST)} is no number. Write digits, as 24."
        )
    return float(digits)


def whole(text: str, label: str) -> int:
    """What was typed, as a whole number. Raises ``BadOption``."""
    value = number(text, label)
    if value != int(value):
        raise BadOption(
            label, f"`{label}` must be a whole number, and {code(text, LONGEST)} is none."
        )
    return int(value)
