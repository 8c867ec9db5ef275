"""Forms whose answers are understood after any restart, whoever else has the same one open.

discord.py keeps an open form in memory, by its id: a restart loses it, and of two people with the
same one open the second is not heard. So it is not given these to keep. The id says what the form
is about, and what was typed comes with the answer.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, Self

import discord

from bot.ui.base import Interaction, acting, services_of


@dataclass(frozen=True, slots=True)
class Field:
    """One line of text, or several, that may be left empty unless it is ``required``. ``name`` is
    what the form knows it by, ``longest`` its most characters, ``value`` what stands in it already.
    """

    name: str
    label: str
    hint: str
    longest: int
    lines: bool = False
    required: bool = False
    value: str = ""


class Form(Protocol):
    """A form: what it asks, and what is done with the answer."""

    template: ClassVar[re.Pattern[str]]
    """Matches its ids, and those of no other form."""

    @classmethod
    def of(cls, match: re.Match[str]) -> Self:
        """The form with this id, which an earlier process may have opened."""
        ...

    @property
    def custom_id(self) -> str:
        """What it is about."""
        ...

    @property
    def title(self) -> str:
        """At most 45 characters."""
        ...

    @property
    def fields(self) -> Sequence[Field]:
        """What is asked, five at most."""
        ...

    async def submitted(self, interaction: Interaction, typed: Mapping[str, str]) -> None:
        """Somebody has answered: the text of each field, by its name."""
        ...


async def open_form(interaction: Interaction, form: Form) -> None:
    """Show the form to whoever has pressed."""
    await services_of(interaction).responder.ask(interaction, modal_of(form).to_dict())


def modal_of(form: Form) -> discord.ui.Modal:
    """The form as discord.py sends it."""
    modal = discord.ui.Modal(title=form.title, custom_id=form.custom_id)
    for field in form.fields:
        style = discord.TextStyle.paragraph if field.lines else discord.TextStyle.short
        box: discord.ui.TextInput[Any] = discord.ui.TextInput(
            custom_id=field.name,
            style=style,
            default=field.value or None,
            required=field.required,
            max_length=field.longest,
        )
        modal.add_item(discord.ui.Label(text=field.label, description=field.hint, component=box))
    modal.stop()  # or discord.py would keep it
    return modal


async def answer_form(interaction: Interaction, forms: Sequence[type[Form]]) -> None:
    """Act on the answer to one of these forms; those of others are left alone. Never raises."""
    data: Mapping[str, Any] = interaction.data or {}
    custom_id = str(data.get("custom_id", ""))
    for form in forms:
        if (match := form.template.fullmatch(custom_id)) is not None:
            typed = dict(_typed(data.get("components", ())))
            await acting(interaction, form.of(match).submitted(interaction, typed))
            return


def _typed(components: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    """The texts in a form's components, which are wrapped in labels or rows."""
    for component in components:
        if "component" in component:
            yield from _typed([component["component"]])
        elif "components" in component:
            yield from _typed(component["components"])
        elif isinstance(component.get("value"), str):
            yield str(component.get("custom_id")), component["value"]
