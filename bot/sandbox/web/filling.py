"""What a person fills in arrives as JSON; Discord's hands take people, places and files."""

from __future__ import annotations

from typing import Any

from bot.sandbox.discord import Channel, ClientRefused, EmbeddedDiscord, modals
from bot.sandbox.discord import command_rules as rules
from bot.sandbox.discord.messages import (
    CHANNEL_SELECT,
    MENTIONABLE_SELECT,
    ROLE_SELECT,
    USER_SELECT,
)
from bot.sandbox.web.files import Files
from bot.sandbox.web.sight import Sight

Json = dict[str, Any]


class Filling:
    """Turns values into what they mean in ``channel``. Raises ``ClientRefused``."""

    def __init__(self, sight: Sight, channel: Channel, files: Files) -> None:
        self._sight = sight
        self._channel = channel
        self._files = files

    def options(self, command: str, given: Json, *, typing: bool = False) -> Json:
        """The options of a slash command; while ``typing``, files are left out."""
        types = {one["name"]: one["type"] for one in self._options_of(command)}
        filled: Json = {}
        for name, value in given.items():
            kind = types.get(name)
            if value is None or (typing and kind == rules.ATTACHMENT):
                continue
            filled[name] = self._option(kind, value)
        return filled

    def _options_of(self, path: str) -> list[Json]:
        name, *steps = path.split(" ")
        discord: EmbeddedDiscord = self._sight.discord
        here = discord.commands.find(self._channel.guild, rules.CHAT_INPUT, name) or {}
        for step in steps:
            inner = here.get("options") or []
            here = next((one for one in inner if one["name"] == step), {})
        return list(here.get("options") or [])

    def _option(self, kind: object, value: object) -> object:
        if kind == rules.USER:
            return self._sight.person(self._channel.guild, value)
        if kind == rules.ROLE:
            return self._sight.role(self._channel.guild, value)
        if kind == rules.MENTIONABLE:
            return self._mentionable(value)
        if kind == rules.CHANNEL:
            return self._sight.channel(value)
        if kind == rules.ATTACHMENT:
            return self._files.upload(value)
        if isinstance(value, list | dict):
            raise ClientRefused("one value is needed, not several")
        return value

    def _mentionable(self, value: object) -> object:
        try:
            return self._sight.person(self._channel.guild, value)
        except ClientRefused:
            return self._sight.role(self._channel.guild, value)

    def chosen(self, menu: Json, values: list[str]) -> list[Any]:
        """What was chosen in a select menu."""
        return [self._one(menu["type"], value) for value in values]

    def _one(self, kind: int, value: str) -> object:
        if kind == USER_SELECT:
            return self._sight.person(self._channel.guild, value)
        if kind == ROLE_SELECT:
            return self._sight.role(self._channel.guild, value)
        if kind == MENTIONABLE_SELECT:
            return self._mentionable(value)
        if kind == CHANNEL_SELECT:
            return self._sight.channel(value)
        return value

    def form(self, form: Json, given: Json) -> Json:
        """The inputs of a form; which of them exist is left to Discord's hands to say."""
        fields = modals.fields(form)
        return {name: self._input(fields.get(name), value) for name, value in given.items()}

    def _input(self, field: Json | None, value: object) -> object:
        kind = field["type"] if field else None
        if kind == modals.CHECKBOX:
            if not isinstance(value, bool):
                raise ClientRefused("a checkbox is ticked or not")
            return value
        if kind in (None, modals.TEXT_INPUT):
            if not isinstance(value, str):
                raise ClientRefused("a text is needed")
            return value
        given = value if isinstance(value, list) else [value]
        listed = [one for one in given if isinstance(one, str)]
        if len(listed) != len(given):
            raise ClientRefused("one of the values cannot be chosen")
        if kind == modals.FILE_UPLOAD:
            return [self._files.upload(one) for one in listed]
        assert field is not None  # as it has a kind
        return self.chosen(field, listed)
