"""How numbers are typed: sheets that show the current ones, filled in on forms (``ui.forms``).

The id of a field holds what was set when the form was shown. So what comes back tells which numbers
the moderator has changed; what somebody else changed meanwhile, which they could not see, stays.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from bot.errors import BadOption
from bot.ui.cards import code
from bot.ui.forms import Field
from bot.ui.moderation.panel.server import Server
from bot.workflow.moderation import AuditEntry, Governing, Moderator

LONGEST: Final = 16
"""Characters of a number with all that people write around it."""

Typed = Mapping[str, str]
Entries = Sequence[AuditEntry | None]


@dataclass(frozen=True, slots=True)
class Sent:
    """A sheet that came back. ``changed`` are the fields whose text is not what was set when the
    form was shown.
    """

    text: Typed
    changed: frozenset[str]


@dataclass(frozen=True, slots=True)
class Sheet:
    """Numbers that are set together: what is asked for, what is set now, and how what was typed is
    set.

    ``save`` raises ``BadOption`` for what cannot be used.
    """

    title: str
    fields: tuple[Field, ...]
    current: Callable[[Server], Sequence[float | None]]
    save: Callable[[Governing, Moderator, Sent], Awaitable[Entries]]


def asked(name: str, label: str, hint: str, *, required: bool = True) -> Field:
    """A number. ``label`` is what the form and errors call it."""
    return Field(name, label, hint, LONGEST, required=required)


def filled(sheet: Sheet, server: Server, draft: Typed) -> list[Field]:
    """The fields with what is set now, or with what was wrong a moment ago."""
    return [
        replace(field, name=f"{field.name}={now}", value=draft.get(field.name, now))
        for field, now in zip(sheet.fields, map(plain, sheet.current(server)), strict=True)
    ]


def sent(typed: Typed, sheet: Sheet) -> Sent:
    """What was typed into the fields of a sheet, nothing into those that did not come back; of more
    than fits into a field as much as fits.
    """
    text, shown = {field.name: "" for field in sheet.fields}, dict[str, str]()
    for custom_id, value in typed.items():
        name, _, now = custom_id.partition("=")
        if name in text:
            text[name], shown[name] = value[:LONGEST], now
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
