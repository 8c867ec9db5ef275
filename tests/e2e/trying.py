"""Trying to use things: who tries, about what, and what is answered."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from functools import partial
from typing import Any, Final

from bot.sandbox.discord import Channel, Invocation, Member, Message, Role, Upload, User
from bot.sandbox.discord.event import resolved_channel
from bot.sandbox.discord.message_payload import message as as_sent
from bot.sandbox.discord.options import Filling
from tests.e2e import forging, surface
from tests.e2e.surface import Control, Registered, Use
from tests.e2e.test_moderation import NOTHING_HERE
from tests.e2e.test_reports import NO_VIDEO
from tests.e2e.town import Scene, png

Json = dict[str, Any]

MEANINGLESS: Final = (
    "I could not read that command. Discord may still show an old version: try again.",
    "Something went wrong on my side. You were not charged; please try again.",
)
"""What is said of what was never a try, or went wrong."""

TEXT, WHOLE, SWITCH, USER, CHANNEL, ROLE, PORTION, FILE = 3, 4, 5, 6, 7, 8, 10, 11
"""Discord's numbers of kinds of options."""

CHOICE, ROLES, CHANNELS = 3, 6, 8
"""Those of selects."""

ON_A_MESSAGE: Final = 3
"""That of commands in the menu of a message."""

LEFTOVER: Final = "test-post:delete"
"""The id of a button that is about the message on which it is."""

NUMBERS: Final = frozenset(
    {"concurrent", "credits", "days", "fps", "guidance", "hours", "motion", "seed"}
)
TEXTS: Final = frozenset({"message", "negative", "prompt", "reason"})
"""Options that name nothing which is there or is not."""


@dataclass(frozen=True)
class Names:
    """What ids may name: things of a server, or things that there are not."""

    job: int
    member: User | Member
    role: Role
    channel: Channel
    phrase: str
    message: Json
    entry: int

    def id(self, template: str) -> str:
        """The id of a control or a form about one of these."""
        about = template.partition(":")[0]
        known = {
            "job": self.job,
            "review": self.job,
            "report": self.message["id"],
            "audit": self.entry,
        }
        if surface.NUMBER not in template:
            return template
        assert about in known, f"teach this sweep what the number in {template} is"
        return template.replace(surface.NUMBER, str(known[about]))

    def masked(self, answer: str) -> str:
        """An answer as it would be about anything else, at any other time."""
        said = re.sub(rf"\b([Jj]ob) {self.job}\b", r"\1 …", answer)
        ids = (self.member.id, self.role.id, self.channel.id, self.message["id"])
        for one in (*ids, self.phrase):
            said = re.sub(rf"\b{one}\b", "…", said)
        return re.sub(r"<t:\d+", "<t:…", said)

    def missing(self) -> set[str]:
        """What is said of things that are not there."""
        return {NOTHING_HERE, NO_VIDEO, f"I know no job {self.job} of yours in this server."}


@dataclass
class Someone:
    """Whoever tries: at a message of the bot's, at a panel, or at a test post that stayed.
    ``before`` happens just before each try. Whoever ``governs`` may do everything where they are.
    """

    scene: Scene
    who: User | Member
    source: Message
    panel: Message
    leftover: Message
    governs: bool = False
    before: Callable[[], None] = field(default=lambda: None)

    async def use(self, use: Use, given: Iterable[Json], names: Names) -> str:
        """Use a command with these of its options; what is answered."""
        where = self.source.channel
        filling = Filling(self.scene.discord.world, self.who, where)
        options = [
            {"name": one["name"], "type": one["type"], "value": _value(filling, one, names)}
            for one in given
        ]
        path, more = use.path.split(), {"resolved": filling.resolved}
        if use.kind == ON_A_MESSAGE:
            path, target = [use.path], names.message["id"]
            more = {"target_id": target, "resolved": {"messages": {target: names.message}}}
        self.before()
        return await self._answer(
            await forging.command(
                self.scene, self.who, where, path, kind=use.kind, options=options, **more
            )
        )

    async def press(self, custom_id: str) -> str:
        """Press a button; what is answered."""
        source = self.leftover if custom_id == LEFTOVER else self.source
        self.before()
        return await self._answer(await forging.component(self.scene, self.who, source, custom_id))

    async def control(self, control: Control, names: Names) -> str:
        """Use a control of the panel; what is answered, or how it looks then."""
        values = {
            CHOICE: control.values[:1],
            ROLES: (str(names.role.id),),
            CHANNELS: (str(names.channel.id),),
            forging.BUTTON: (),
        }
        assert control.kind in values, f"teach this sweep to use {control}"
        self.before()
        chosen, custom_id = values[control.kind], control.custom_id
        return await self._answer(
            await forging.component(
                self.scene, self.who, self.panel, custom_id, kind=control.kind, values=chosen
            )
        )

    async def submit(self, custom_id: str, fields: Iterable[str]) -> str:
        """Send a form; what is answered."""
        source = self.panel if surface.PANEL.fullmatch(custom_id) else self.source
        self.before()
        return await self._answer(
            await forging.form(self.scene, self.who, source, custom_id, dict.fromkeys(fields, "5"))
        )

    async def _answer(self, sent: Invocation) -> str:
        """All that they get to see: a form, or words with files."""
        if sent.modal is not None:
            return json.dumps(sent.modal)
        message = await sent.answered()
        files = [file for file in message.attachments if file.filename.endswith((".csv", ".txt"))]
        said = "\n".join((message.text, *(file.read().decode() for file in files)))
        assert said not in MEANINGLESS, sent
        return said


def _portions(use: Use) -> list[list[Json]]:
    """What may be filled into a command: only what must be; all that names nothing, with each of
    the things that may be named; and these with the switches.
    """
    assert not any(one.get("autocomplete") for one in use.options), "teach this sweep to suggest"
    needed = [one for one in use.options if one.get("required")]
    named = [[one] for one in use.options if _names(one) and one not in needed]
    switches = [one for one in use.options if one["type"] == SWITCH]
    plain = [one for one in use.options if not _names(one) and one not in switches]
    some = [
        needed,
        *([*needed, *more, *one] for more in (plain, switches) if more for one in ([], *named)),
    ]
    whole = [[one for one in use.options if one in given] for given in some]
    return [given for number, given in enumerate(whole) if given not in whole[:number]]


def _names(option: Json) -> bool:
    return option["type"] in {USER, CHANNEL, ROLE} or option["name"] in {"job", "phrase"}


def _value(filling: Filling, option: Json, names: Names) -> Any:
    """What is filled in. An assertion fails for an option that nobody has thought of."""
    kind, name = option["type"], option["name"]
    if option.get("choices"):
        return option["choices"][0]["value"]
    if kind in {WHOLE, PORTION} and name in NUMBERS:
        return option.get("min_value", 1)
    if kind == FILE:
        words = Upload("words.txt", "text/plain", b"zebra")
        return filling.attachment(words if name == "file" else png())
    if kind == CHANNEL:
        return _place(filling, names.channel)
    known: dict[tuple[int, str], Any] = {
        (WHOLE, "job"): names.job,
        (TEXT, "phrase"): names.phrase,
        (SWITCH, name): True,
        **{(TEXT, text): "a fox" for text in TEXTS},
    }
    if kind == USER:
        return filling.person(names.member)
    if kind == ROLE:
        return filling.role(names.role)
    assert (kind, name) in known, f"teach this sweep what to fill into {name}"
    return known[kind, name]


def _place(filling: Filling, channel: Channel) -> str:
    """A channel as Discord tells of it to whoever sees it."""
    assert channel.guild is not None
    told = resolved_channel(channel, channel.guild.owner)
    filling.resolved.setdefault("channels", {})[str(channel.id)] = told
    return str(channel.id)


def nowhere(message: Message) -> Json:
    """The message as a client may tell of it, by an id that none has."""
    return {**as_sent(message), "id": "987654321"}


Act = Callable[[Someone, Names], Awaitable[str]]


class About(Enum):
    """What a try names that may not be there."""

    NOTHING = auto()
    JOB = auto()
    OTHER = auto()


@dataclass(frozen=True)
class Try:
    """One thing to do: ``what``, as a part of ``whole``, ``about`` something. It is ``closed`` to
    all but those to whom that belongs, ``governing`` to all who do not moderate where they are, or
    ``open`` to whoever is in the server.
    """

    whole: str
    what: str
    act: Act
    about: About = About.NOTHING
    closed: bool = False
    governing: bool = False
    open: bool = False

    def about_each(self, theirs: Sequence[Names]) -> Sequence[Names]:
        """Of these, all about which it is another try: they differ in their jobs."""
        return theirs[: {About.NOTHING: 0, About.JOB: len(theirs), About.OTHER: 1}[self.about]]


REPORTS: Final = {"Report video", "report:{id}"}
"""Whoever is in the server may do that."""


def tries(
    commands: Iterable[Json], registered: Registered, controls: Iterable[Control]
) -> Iterator[Try]:
    """Everything that there is to try."""
    for use in surface.uses(commands):
        for given in _portions(use):
            yield Try(
                use.path,
                f"{use.path} {[one['name'] for one in given]}",
                partial(_use, use, given),
                about=_about(use, given),
                governing=use.path.startswith("moderate "),
                open=use.path in REPORTS,
            )
    for pattern in registered.controls:
        for template in surface.ids_of(pattern) if pattern != surface.PANEL else ():
            yield _of(template, partial(_press, template))
    for control in controls:
        yield Try(
            control.custom_id, str(control), partial(_control, control),
            about=About.OTHER if control.kind in {ROLES, CHANNELS} else About.NOTHING,
            governing=True,
        )  # fmt: skip
    for form in registered.forms:
        for template in surface.ids_of(form.template):
            fields = surface.fields_of(form, template)
            yield _of(template, partial(_submit, template, fields))


def _of(template: str, act: Act) -> Try:
    """What ids like this are about. A place in the log is one in that of whoever presses."""
    if template in REPORTS:
        return Try(template, template, act, about=About.OTHER, open=True)
    if surface.NUMBER in template and not template.startswith("audit:"):
        return Try(template, template, act, about=About.JOB, closed=True)
    return Try(template, template, act, governing=True)


def _about(use: Use, given: Iterable[Json]) -> About:
    named = [one["name"] for one in given if _names(one)]
    if "job" in named:
        return About.JOB
    return About.OTHER if named or use.kind == ON_A_MESSAGE else About.NOTHING


async def _use(use: Use, given: list[Json], by: Someone, names: Names) -> str:
    return await by.use(use, given, names)


async def _press(template: str, by: Someone, names: Names) -> str:
    return await by.press(names.id(template))


async def _control(control: Control, by: Someone, names: Names) -> str:
    return await by.control(control, names)


async def _submit(template: str, fields: list[str], by: Someone, names: Names) -> str:
    return await by.submit(names.id(template), fields)
