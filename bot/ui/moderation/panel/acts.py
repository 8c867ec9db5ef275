"""What each control changes. Whatever a client sends is checked against the server again.

A list becomes what it is now with what the moderator has added and without what they took off: what
somebody else changed meanwhile, which they could not see, stays.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final, TypeVar

import discord

from bot.errors import BadOption, NothingHere
from bot.rules.policy import AgeRule, Choices, ReviewRule
from bot.ui.moderation.panel.fields import CHANNELS_OF
from bot.ui.moderation.panel.forms import Entries
from bot.ui.moderation.places import ASKED_IN, POSTED_IN
from bot.ui.moderation.reach import Reach
from bot.workflow.moderation import Access, AuditEntry, Governing, Moderator
from bot.workflow.moderation.options import DAY_MS, MOST_LISTED
from bot.workflow.moderation.presets import PRESETS

NEW_FOR_MS: Final = 7 * DAY_MS
"""For how long members are new, until somebody says otherwise."""


@dataclass(frozen=True, slots=True)
class Press:
    """Somebody used a control of a page. ``values`` is what they chose in a select, ``seen`` what
    they saw chosen there before, ``reach`` which channels they reach themselves.
    """

    by: Moderator
    reach: Reach
    guild: discord.Guild
    governing: Governing
    page: str
    values: tuple[str, ...]
    seen: frozenset[str]


class UnaskedError(Exception):
    """More members could ask than anybody has chosen: nothing was changed, ask first. ``str()``
    says what would be open, ``label`` is on the button that opens it.
    """

    def __init__(self, why: str, label: str) -> None:
        super().__init__(why)
        self.label = label


Act = Callable[[Press], Awaitable[Entries]]
Known = TypeVar("Known")


async def _allowed(press: Press) -> Entries:
    return await _list(press, Access.ALLOWED_CHANNEL, _channels(press, ASKED_IN))


async def _required(press: Press) -> Entries:
    return await _list(press, Access.REQUIRED_ROLE, _roles(press))


async def _barred(press: Press) -> Entries:
    return await _list(press, Access.BARRED_ROLE, _roles(press))


async def _list(press: Press, kind: Access, chosen: frozenset[int]) -> Entries:
    seen = _numbers(press.seen)
    added, taken_off = chosen - seen, seen - chosen
    return [await press.governing.access(press.by, kind, lambda now: (now - taken_off) | added)]


def _channels(press: Press, kinds: Collection[discord.ChannelType]) -> frozenset[int]:
    """The channels that were chosen. Raises ``BadOption`` for what is none of this server's that
    they see, or of no use there: threads, categories, and whatever else has another number.
    """
    chosen, seen = _numbers(press.values), _numbers(press.seen)
    for channel_id in chosen:
        channel = press.guild.get_channel(channel_id)
        known = channel_id in seen or press.reach.sees(channel_id)
        if channel is None or channel.type not in kinds or not known:
            raise BadOption("channel", "That is no channel of this server that can be chosen here.")
    return chosen


def _roles(press: Press) -> frozenset[int]:
    """The roles that were chosen. Raises ``BadOption`` for what is none of this server's."""
    chosen = _numbers(press.values)
    for role_id in chosen:
        role = press.guild.get_role(role_id)
        if role is None:
            raise BadOption("role", "That is no role of this server.")
        if role.is_default():
            raise BadOption(
                "role",
                "Everybody has @everyone: choose a role that only some have. To take no "
                "videos from anybody, pause the server.",
            )
    return chosen


def _numbers(values: Collection[str]) -> frozenset[int]:
    """Ids as Discord writes them. Raises ``BadOption`` for more than anybody can choose, and
    ``NothingHere`` for what is no id.
    """
    if len(values) > MOST_LISTED:
        raise BadOption("list", f"Choose at most {MOST_LISTED}.")
    if not all(re.fullmatch(r"[1-9][0-9]{0,17}|[1-8][0-9]{18}", value) for value in values):
        raise NothingHere
    return frozenset(map(int, values))


def _posting(field: str) -> Act:
    """Choose the channel in which the bot posts by itself, or none."""

    async def act(press: Press) -> Entries:
        chosen = _channels(press, POSTED_IN)
        if len(chosen) > 1:
            raise BadOption(field, "Choose one channel.")
        channel_id = next(iter(chosen), None)
        if channel_id is not None and not press.reach.sends(channel_id):
            raise BadOption(
                field,
                f"You may not send messages in <#{channel_id}> yourself: choose a channel where "
                "you may, or ask somebody with **Manage Server** to choose this one.",
            )
        return [await _choose(press, lambda now: _placed(now, field, channel_id))]

    return act


def _placed(choices: Choices, field: str, channel_id: int | None) -> Choices:
    """The choices with another channel in this field. Raises ``BadOption`` where videos would be
    left without a place to wait.
    """
    if field == "review" and channel_id is None and choices.look_at != ReviewRule():
        raise BadOption(
            "review",
            "Videos wait there until they are looked at. Choose another channel, or first let no "
            "video be looked at.",
        )
    return replace(choices, **{field: channel_id})  # type: ignore[arg-type]


async def _choose(press: Press, change: Callable[[Choices], Choices]) -> AuditEntry | None:
    return await press.governing.choose(press.by, change)


async def _age(press: Press) -> Entries:
    rule = _one_of(press, {str(rule): rule for rule in AgeRule})
    return [await press.governing.gate(press.by, age=rule)]


async def _preset(press: Press) -> Entries:
    preset = _one_of(press, PRESETS)
    return await press.governing.allow(press.by, preset.everyone, preset.budget)


def _one_of(press: Press, known: Mapping[str, Known]) -> Known:
    """What was chosen. Raises ``NothingHere`` for anything that was not to choose from."""
    if len(press.values) != 1 or press.values[0] not in known:
        raise NothingHere
    return known[press.values[0]]


async def _looks(press: Press) -> Entries:
    chosen = frozenset(press.values)
    if not chosen <= {"new", "flagged", "all"}:
        raise NothingHere

    def on(name: str, *, now: bool) -> bool:
        return name in chosen if (name in chosen) != (name in press.seen) else now

    def change(choices: Choices) -> Choices:
        rule = choices.look_at
        new = on("new", now=rule.newcomer_ms > 0)
        return replace(
            choices,
            look_at=ReviewRule(
                newcomer_ms=(rule.newcomer_ms or NEW_FOR_MS) if new else 0,
                flagged=on("flagged", now=rule.flagged),
                everything=on("all", now=rule.everything),
            ),
        )

    return [await _choose(press, change)]


def _fixed(**values: object) -> Act:
    """A button that lets these choices be so."""

    async def act(press: Press) -> Entries:
        return [await _choose(press, lambda now: replace(now, **values))]  # type: ignore[arg-type]

    return act


_FIELDS: Final = MappingProxyType(
    {"results": "result", "showcase": "showcase", "log": "log", "review": "review"}
)
"""What a channel is for, and the choice that says so."""


OPENING: Final = "gone_open"
"""What the button does that takes the last entry off a list, and so opens what it closed."""


async def _gone(press: Press) -> Entries:
    """Take off the lists of this page, and out of its choices, what does not exist any more.
    Raises ``UnaskedError`` where a list that lets some in would be left empty, and let in all.
    """
    return await _tidied(press, asked=False)


async def _opened(press: Press) -> Entries:
    """The same, whoever is let in then."""
    return await _tidied(press, asked=True)


async def _tidied(press: Press, *, asked: bool) -> Entries:
    guild = press.guild
    uses = CHANNELS_OF.get(press.page, frozenset())
    entries: list[AuditEntry | None] = []
    if press.page == "members":
        entries += [  # first what may have to be asked, as then nothing is changed
            await _living(press, Access.REQUIRED_ROLE, guild.get_role, asked=asked),
            await _living(press, Access.BARRED_ROLE, guild.get_role, asked=True),
        ]
    if "asking" in uses:
        entries.append(await _living(press, Access.ALLOWED_CHANNEL, guild.get_channel, asked=asked))
    fields = [field for use, field in _FIELDS.items() if use in uses]

    def change(now: Choices) -> Choices:
        for field in fields:
            channel_id = getattr(now, field)
            if channel_id is not None and guild.get_channel(channel_id) is None:
                now = _placed(now, field, None)
        return now

    if fields:
        entries.append(await _choose(press, change))
    return entries


async def _living(
    press: Press, kind: Access, find: Callable[[int], object | None], *, asked: bool
) -> AuditEntry | None:
    def living(now: frozenset[int]) -> Collection[int]:
        left = [id_ for id_ in now if find(id_) is not None]
        if now and not left and not asked:
            raise UnaskedError(*_WOULD_OPEN[kind])
        return left

    return await press.governing.access(press.by, kind, living)


_WOULD_OPEN: Final = MappingProxyType(
    {
        Access.ALLOWED_CHANNEL: (
            "Nothing is left of the channels where videos may be asked for, so nobody can ask "
            "anywhere. Without the list members may ask in **every channel**. To open only some, "
            "choose them below instead.",
            "Open every channel",
        ),
        Access.REQUIRED_ROLE: (
            "Nothing is left of the roles of which one is needed, so nobody can ask. Without the "
            "list **every member** may ask whom no other rule keeps out. To let in only some, "
            "choose a role below instead.",
            "Let every member ask",
        ),
    }
)


ACTS: Final[Mapping[str, Act]] = MappingProxyType(
    {
        "allowed": _allowed,
        "required": _required,
        "barred": _barred,
        "age": _age,
        **{field: _posting(field) for field in _FIELDS.values()},
        "looks": _looks,
        "preset": _preset,
        "digest_on": _fixed(digest=True),
        "digest_off": _fixed(digest=False),
        "strikes_off": _fixed(strikes=None),
        "kept": _fixed(retention_ms=None),
        "gone": _gone,
        OPENING: _opened,
    }
)
"""By the name that a component's id ends with."""
