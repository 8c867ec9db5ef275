"""What the drawers are made of: tools that a person uses, and the misfortunes in force."""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from bot.sandbox.discord import ClientRefused, EmbeddedDiscord, User
from bot.sandbox.pika import EmbeddedPika
from bot.sandbox.web.control import BotControl
from bot.sandbox.web.documents_backstage import Choice, Field
from bot.sandbox.web.sight import Sight

Json = dict[str, Any]
Drawer = Literal["pika", "faults"]
Undo = Callable[[], Awaitable[None] | None]


@dataclass(slots=True)
class InForce:
    """A misfortune in force.

    ``left`` says how often it will still happen (None: until undone), ``used`` how often it did;
    ``over``, asked at every look, whether it ended by itself.
    """

    number: int
    tool: str
    drawer: Drawer
    title: str
    since: float
    undo: Undo
    left: Callable[[], int | None]
    used: Callable[[], int]
    over: Callable[[], bool]


class Backstage:
    """What tools work on."""

    def __init__(
        self, discord: EmbeddedDiscord, pika: EmbeddedPika, control: BotControl | None
    ) -> None:
        self.discord = discord
        self.pika = pika
        self.control = control
        self._in_force: dict[int, InForce] = {}
        self._numbers = itertools.count(1)

    def in_force(self) -> list[InForce]:
        """The misfortunes in force; what ended by itself is forgotten."""
        for number in [n for n, one in self._in_force.items() if one.over()]:
            del self._in_force[number]
        return list(self._in_force.values())

    def holds(self, tool: str) -> bool:
        """Whether a misfortune of this tool is in force."""
        return any(one.tool == tool for one in self.in_force())

    def add(
        self,
        tool: Tool,
        title: str,
        undo: Undo,
        *,
        left: Callable[[], int | None] = lambda: None,
        used: Callable[[], int] = lambda: 0,
        over: Callable[[], bool] = lambda: False,
    ) -> None:
        """Note a misfortune that was just caused."""
        number = next(self._numbers)
        since = self.discord.clock.now()
        self._in_force[number] = InForce(
            number, tool.name, tool.drawer, title, since, undo, left, used, over
        )

    async def undo(self, raw: object) -> str:
        """End a misfortune; what to tell. Raises ``ClientRefused`` when it is not in force."""
        wanted = next((one for one in self.in_force() if str(one.number) == raw), None)
        if wanted is None:
            raise ClientRefused("that is over already")
        ended = wanted.undo()
        if inspect.isawaitable(ended):
            await ended
        self._in_force.pop(wanted.number, None)
        return f"Undone: {wanted.title}."


@dataclass(frozen=True, slots=True)
class Use:
    """One use of a tool: by whom, with what in its fields (checked)."""

    tool: Tool
    stage: Backstage
    sight: Sight
    values: dict[str, Any]

    @property
    def who(self) -> User:
        """Whom the page plays."""
        return self.sight.user

    def number(self, name: str) -> float:
        """A number field."""
        return float(self.values[name])

    def count(self, name: str) -> int:
        """A number field that counts."""
        return int(self.values[name])

    def text(self, name: str) -> str:
        """Any other field: the value of a choice, or an id."""
        return str(self.values[name])


Act = Callable[[Use], "str | Awaitable[str]"]
WhyNot = Callable[[Backstage], "str | None"]


@dataclass(frozen=True, slots=True)
class Tool:
    """Something a drawer can do. ``act`` returns a sentence, or raises ``ClientRefused``."""

    name: str
    drawer: Drawer
    group: str
    title: str
    about: str
    act: Act
    fields: tuple[Field, ...] = ()
    danger: bool = False
    why_not: WhyNot = field(default=lambda _: None)

    def document(self, stage: Backstage, order: int) -> Json:
        """As the page gets it."""
        return {
            "name": self.name,
            "drawer": self.drawer,
            "group": self.group,
            "order": order,
            "title": self.title,
            "about": self.about,
            "fields": list(self.fields),
            "danger": self.danger,
            "why_not": self.why_not(stage),
        }

    async def use(self, stage: Backstage, sight: Sight, given: Json) -> str:
        """Do it; what to tell. Raises ``ClientRefused`` for unfit fields or at a wrong time."""
        refused = self.why_not(stage)
        if refused is not None:
            raise ClientRefused(refused)
        for name in given:
            if name not in {one["name"] for one in self.fields}:
                raise ClientRefused(f"{self.title}: there is no field {name!r}")
        values = {one["name"]: _checked(one, given.get(one["name"])) for one in self.fields}
        said = self.act(Use(self, stage, sight, values))
        return await said if inspect.isawaitable(said) else said


def _checked(one: Field, value: object) -> object:
    if value is None:
        value = one["value"]
    name = one["label"]
    if one["kind"] == "number":
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ClientRefused(f"{name}: a number is needed")
        low, high = one["min"], one["max"]
        if not low <= value <= high:
            raise ClientRefused(f"{name}: between {low:g} and {high:g}")
        if one["step"] == 1 and value != int(value):
            raise ClientRefused(f"{name}: a whole number is needed")
        return value
    if not isinstance(value, str):
        raise ClientRefused(f"{name}: choose one")
    if one["kind"] == "choice" and value not in {c["value"] for c in one["choices"]}:
        raise ClientRefused(f"{name}: choose one")
    return value


# Fields


def number(name: str, label: str, value: float, low: float, high: float, step: float = 1) -> Field:
    """A number field; with a ``step`` of 1 only whole numbers fit."""
    return {
        "name": name,
        "label": label,
        "kind": "number",
        "value": value,
        "min": low,
        "max": high,
        "step": step,
    }


def times(label: str = "times", value: int = 1) -> Field:
    """How often."""
    return number("times", label, value, 1, 100)


def choice(name: str, label: str, **choices: str) -> Field:
    """A choice: values with their labels; the first is offered first."""
    listed: list[Choice] = [{"value": value, "label": shown} for value, shown in choices.items()]
    return {
        "name": name,
        "label": label,
        "kind": "choice",
        "value": listed[0]["value"],
        "choices": listed,
    }


def place(kind: Literal["guild", "channel", "thread"], label: str) -> Field:
    """A server, channel or thread, named like its kind."""
    return {"name": kind, "label": label, "kind": kind, "value": None}


def unless_held(tool: str, words: str) -> WhyNot:
    """Makes sense while no misfortune of this tool is in force."""
    return lambda stage: words if stage.holds(tool) else None


ONCE: Final = 1


def counted(count: int, one: str, many: str) -> str:
    """``the next request`` or ``the next 3 requests``."""
    return f"the next {one}" if count == ONCE else f"the next {count} {many}"
