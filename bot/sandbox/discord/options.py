"""What a person fills into a command, checked as Discord's client and server check it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from . import command_rules as rules
from . import payloads
from .channels import Channel
from .components import DEFAULT_TYPES
from .errors import ClientRefused
from .event import attachment_limit, member_payload, resolved_channel
from .media import Upload
from .messages import CHANNEL_SELECT, MENTIONABLE_SELECT, ROLE_SELECT, USER_SELECT
from .modals import check_choice
from .people import Member, Role, User

if TYPE_CHECKING:
    from .world import World

Json = dict[str, Any]

_NUMBERS: Final = frozenset({rules.INTEGER, rules.NUMBER})


class Filling:
    """One command being filled in by ``actor`` in ``channel``; gathers what values refer to."""

    def __init__(self, world: World, actor: User | Member, channel: Channel) -> None:
        self._world = world
        self._actor = actor
        self._channel = channel
        self.resolved: Json = {}

    def fill(self, options: list[Json], values: dict[str, Any]) -> list[Json]:
        """The options of the event.

        Raises ``ClientRefused`` for unknown, missing or unsuitable values.
        """
        known = {option["name"]: option for option in options}
        for name in values:
            if name not in known:
                raise ClientRefused(f"there is no option {name!r}; there are {sorted(known)}")
        for option in options:
            if option.get("required") and values.get(option["name"]) is None:
                raise ClientRefused(f"option {option['name']!r} is required")
        return [
            {"name": name, "type": known[name]["type"], "value": self._value(known[name], value)}
            for name, value in values.items()
            if value is not None
        ]

    def partial(self, options: list[Json], values: dict[str, Any], focused: str) -> list[Json]:
        """The options of an autocomplete event: whatever is typed so far, unchecked.

        Raises ``ClientRefused`` when the focused option does not autocomplete.
        """
        known = {option["name"]: option for option in options}
        if not known.get(focused, {}).get("autocomplete"):
            raise ClientRefused(f"option {focused!r} does not autocomplete")
        filled: list[Json] = []
        for name, value in values.items():
            if name not in known:
                raise ClientRefused(f"there is no option {name!r}")
            if name == focused:
                typed = {"value": str(value), "focused": True}
            elif value is None:
                continue
            else:
                typed = {"value": self._reference(known[name], value)}
            filled.append({"name": name, "type": known[name]["type"], **typed})
        return filled

    def _value(self, option: Json, value: Any) -> Any:
        kind, name = option["type"], option["name"]
        if kind == rules.STRING:
            return self._text(option, value)
        if kind in _NUMBERS:
            return self._number(option, value)
        if kind == rules.BOOLEAN:
            if not isinstance(value, bool):
                raise ClientRefused(f"{name!r} takes true or false, not {value!r}")
            return value
        if kind == rules.CHANNEL:
            allowed = option.get("channel_types")
            if isinstance(value, Channel) and allowed and value.type not in allowed:
                raise ClientRefused(f"{name!r} takes channels of types {allowed} only")
        return self._reference(option, value)

    def _text(self, option: Json, value: Any) -> str:
        name = option["name"]
        if not isinstance(value, str) or not value:
            raise ClientRefused(f"{name!r} takes a text, not {value!r}")
        low, high = option.get("min_length") or 0, option.get("max_length") or rules.MAX_STRING
        if not low <= len(value) <= high:
            raise ClientRefused(f"{name!r} takes {low} to {high} characters, not {len(value)}")
        return str(_chosen(option, value))

    def _number(self, option: Json, value: Any) -> Any:
        name, kind = option["name"], option["type"]
        if option.get("choices"):
            return _chosen(option, value)
        whole = isinstance(value, int) and not isinstance(value, bool)
        if not whole and not (kind == rules.NUMBER and isinstance(value, float)):
            raise ClientRefused(f"{name!r} takes a number, not {value!r}")
        low, high = option.get("min_value"), option.get("max_value")
        if low is not None and value < low:
            raise ClientRefused(f"{name!r} must be at least {low}")
        if high is not None and value > high:
            raise ClientRefused(f"{name!r} must be at most {high}")
        if kind == rules.INTEGER and abs(value) > rules.MAX_INTEGER:
            raise ClientRefused(f"{name!r} must be within ±(2^53-1)")
        return value

    def _reference(self, option: Json, value: Any) -> Any:
        kind, name = option["type"], option["name"]
        if kind in (rules.USER, rules.MENTIONABLE) and isinstance(value, User | Member):
            return self.person(value)
        if kind in (rules.ROLE, rules.MENTIONABLE) and isinstance(value, Role):
            return self.role(value)
        if kind == rules.CHANNEL and isinstance(value, Channel):
            return self.channel(value)
        if kind == rules.ATTACHMENT and isinstance(value, Upload):
            return self.attachment(value)
        if kind in (rules.STRING, rules.BOOLEAN, *_NUMBERS):
            return value
        raise ClientRefused(f"{name!r} cannot take {value!r}")

    def choose(self, menu: Json, values: list[Any]) -> list[str]:
        """What is chosen in a select menu or group: texts, or the people, roles and channels that
        a menu of its kind lists.

        Raises ``ClientRefused`` for what it does not list, and for too few or too many.
        """
        chosen = [self._listed(menu, value) for value in values]
        check_choice(menu, chosen)
        return chosen

    def _listed(self, menu: Json, value: Any) -> str:
        kind, guild = menu["type"], self._channel.guild
        if kind in (USER_SELECT, MENTIONABLE_SELECT) and isinstance(value, User | Member):
            return self.person(value)
        if kind in (ROLE_SELECT, MENTIONABLE_SELECT) and isinstance(value, Role):
            if guild is not None and guild.roles.get(value.id) is value:
                return self.role(value)
        elif isinstance(value, Channel) and kind == CHANNEL_SELECT:
            allowed = menu.get("channel_types")
            if value.guild is guild and (not allowed or value.type in allowed):
                return self.channel(value)
        elif kind not in DEFAULT_TYPES and isinstance(value, str):
            return value
        raise ClientRefused(f"{menu['custom_id']}: {value!r} is not in the list")

    def preset(self, menu: Json) -> list[Any]:
        """What stands in a select menu or group before anybody chose; what is gone is left out."""
        if menu["type"] not in DEFAULT_TYPES:
            return [one["value"] for one in menu.get("options") or [] if one.get("default")]
        guild, world = self._channel.guild, self._world
        places: dict[str, dict[int, Any]] = {
            "user": world.users,
            "role": guild.roles if guild else {},
            "channel": world.channels,
        }
        there = [
            places[one["type"]].get(int(one["id"])) for one in menu.get("default_values") or []
        ]
        return [one for one in there if one is not None]

    def person(self, value: User | Member) -> str:
        """Refer to a user, with their membership if they are in the server."""
        user = value.user if isinstance(value, Member) else value
        self.resolved.setdefault("users", {})[str(user.id)] = user.payload()
        guild = self._channel.guild
        member = guild.members.get(user.id) if guild else None
        if member is not None:
            data = member_payload(member, self._channel)
            for key in ("user", "deaf", "mute"):
                data.pop(key, None)
            self.resolved.setdefault("members", {})[str(user.id)] = data
        return str(user.id)

    def role(self, value: Role) -> str:
        """Refer to a role."""
        self.resolved.setdefault("roles", {})[str(value.id)] = value.payload()
        return str(value.id)

    def channel(self, value: Channel) -> str:
        """Refer to a channel."""
        data = resolved_channel(value, self._actor)
        self.resolved.setdefault("channels", {})[str(value.id)] = data
        return str(value.id)

    def attachment(self, value: Upload) -> str:
        """Upload a file; the client refuses what is larger than the person may send.

        Raises ``ClientRefused`` then.
        """
        user = self._actor.user if isinstance(self._actor, Member) else self._actor
        limit = attachment_limit(user, self._channel.guild)
        stored = self._world.media.host(value, self._world.bot.id, ephemeral=True)
        if stored.size > limit:
            raise ClientRefused(f"{value.filename} is larger than {limit} bytes")
        data = payloads.attachment(stored)
        self.resolved.setdefault("attachments", {})[str(stored.id)] = data
        return str(stored.id)


def _chosen(option: Json, value: Any) -> Any:
    choices = option.get("choices")
    if not choices:
        return value
    for choice in choices:
        if value in (choice["value"], choice["name"]):
            return choice["value"]
    names = [choice["name"] for choice in choices]
    raise ClientRefused(f"{option['name']!r} has no choice {value!r}; it has {names}")
