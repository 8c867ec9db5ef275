"""The commands the bot has registered, globally and per server."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, Final

from . import command_rules as rules
from .errors import Problems, refusal
from .permissions import ALL

if TYPE_CHECKING:
    from .channels import Channel
    from .guilds import Guild
    from .people import Member
    from .world import World

Json = dict[str, Any]

#: Creates per day and scope; overwriting an existing name is not one.
DAILY_CREATES: Final = 200
_DAY: Final = 86_400.0
_OPTION_KEYS: Final = (
    "type",
    "name",
    "description",
    "required",
    "autocomplete",
    "choices",
    "min_value",
    "max_value",
    "min_length",
    "max_length",
    "channel_types",
    "options",
    "name_localizations",
    "description_localizations",
)


class Commands:
    """Keeps commands by scope: None for global ones, a guild's id for its own."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._scopes: dict[int | None, dict[tuple[int, str], Json]] = {}
        self._creates: dict[int | None, deque[float]] = {}
        self.registrations = 0
        self.daily_creates = DAILY_CREATES

    def all(self, scope: int | None) -> list[Json]:
        """The commands of one scope."""
        return list(self._scopes.get(scope, {}).values())

    def get(self, scope: int | None, command_id: int) -> Json:
        """One command.

        Raises ``ApiError`` 10063.
        """
        for command in self.all(scope):
            if command["id"] == str(command_id):
                return command
        raise refusal(10063)

    def find(self, guild: Guild | None, kind: int, name: str) -> Json | None:
        """The command a person there gets by this name: the server's own before a global one."""
        if guild is not None:
            own = self._scopes.get(guild.id, {}).get((kind, name))
            if own is not None:
                return own
        return self._scopes.get(None, {}).get((kind, name))

    def visible(self, guild: Guild | None) -> list[Json]:
        """All commands offered in a server, or in direct messages."""
        merged = dict(self._scopes.get(None, {}))
        if guild is not None:
            merged.update(self._scopes.get(guild.id, {}))
        return list(merged.values())

    def overwrite(self, scope: int | None, bodies: list[Json]) -> list[Json]:
        """Replace all commands of a scope; those of the same type and name keep their ids.

        Raises ``ApiError``: 50035 with everything wrong, 30034 after too many creates of a day.
        """
        problems = Problems()
        names: set[tuple[int, str]] = set()
        counts = dict.fromkeys(rules.MAX_COMMANDS, 0)
        for index, body in enumerate(bodies):
            rules.check_command(body, str(index), problems)
            key = _key(body)
            counts[key[0]] = counts.get(key[0], 0) + 1
            if key in names:
                problems.add(
                    f"{index}.name",
                    "APPLICATION_COMMANDS_DUPLICATE_NAME",
                    "Application command names must be unique",
                )
            names.add(key)
        for kind, limit in rules.MAX_COMMANDS.items():
            if counts[kind] > limit:
                problems.add(
                    "_errors",
                    "APPLICATION_COMMANDS_MAX",
                    f"Maximum number of application commands reached ({limit}).",
                )
        problems.refuse()
        old = self._scopes.get(scope, {})
        self._count_creates(scope, sum(1 for body in bodies if _key(body) not in old))
        fresh = {_key(body): self._stored(scope, body, old.get(_key(body))) for body in bodies}
        self._scopes[scope] = fresh
        kept = {command["id"] for command in fresh.values()}
        for command in old.values():
            if command["id"] not in kept:
                self._forget_overrides(command)
        self._registered()
        return list(fresh.values())

    def upsert(self, scope: int | None, body: Json) -> tuple[Json, bool]:
        """Create a command or overwrite the one of its name; says whether it is new.

        Raises ``ApiError``: 50035, 30034.
        """
        problems = Problems()
        rules.check_command(body, "", problems)
        problems.refuse()
        commands = self._scopes.setdefault(scope, {})
        old = commands.get(_key(body))
        if old is None:
            self._count_creates(scope, 1)
        stored = commands[_key(body)] = self._stored(scope, body, old)
        self._registered()
        return stored, old is None

    def edit(self, scope: int | None, command_id: int, body: Json) -> Json:
        """Change a command.

        Raises ``ApiError``: 10063, 50035.
        """
        old = self.get(scope, command_id)
        merged = {**old, **body, "type": old["type"]}
        problems = Problems()
        rules.check_command(merged, "", problems)
        problems.refuse()
        commands = self._scopes[scope]
        del commands[_key(old)]
        if _key(old) != _key(merged):
            self._forget_overrides(old)
        stored = commands[_key(merged)] = self._stored(scope, merged, old)
        self._registered()
        return stored

    def delete(self, scope: int | None, command_id: int) -> None:
        """Remove a command and the overrides servers made for it.

        Raises ``ApiError`` 10063.
        """
        old = self.get(scope, command_id)
        del self._scopes[scope][_key(old)]
        self._forget_overrides(old)
        self._registered()

    def _forget_overrides(self, command: Json) -> None:
        """What servers decided about a command goes when it is deleted or renamed."""
        for guild in self._world.guilds.values():
            guild.command_rules.pop(int(command["id"]), None)

    def _registered(self) -> None:
        self.registrations += 1
        self._world.changes.bump()

    def _count_creates(self, scope: int | None, count: int) -> None:
        now = self._world.clock.now()
        recent = self._creates.setdefault(scope, deque())
        while recent and now - recent[0] > _DAY:
            recent.popleft()
        if len(recent) + count > self.daily_creates:
            raise refusal(30034)
        recent.extend([now] * count)

    def _stored(self, scope: int | None, body: Json, old: Json | None) -> Json:
        ids = self._world.ids
        kind, name = _key(body)
        bits = body.get("default_member_permissions")
        stored: Json = {
            "id": old["id"] if old else str(ids.next()),
            "application_id": str(self._world.bot.id),
            "version": str(ids.next()),
            "type": kind,
            "name": name,
            "name_localizations": body.get("name_localizations"),
            "description": body.get("description") or "",
            "description_localizations": body.get("description_localizations"),
            "default_member_permissions": None if bits is None else str(int(bits)),
            "nsfw": bool(body.get("nsfw")),
            "integration_types": body.get("integration_types") or [0],
        }
        if body.get("options"):
            stored["options"] = [_option(option) for option in body["options"]]
        if scope is None:
            contexts = body.get("contexts")
            if contexts is None and body.get("dm_permission") is False:
                contexts = [0]
            stored["contexts"] = contexts
            stored["dm_permission"] = contexts is None or 1 in contexts
        else:
            stored["guild_id"] = str(scope)
            stored["contexts"] = None
        return stored


def _key(body: Json) -> tuple[int, str]:
    return body.get("type") or rules.CHAT_INPUT, body.get("name") or ""


def _option(option: Json) -> Json:
    kept = {key: option[key] for key in _OPTION_KEYS if option.get(key) is not None}
    if "options" in kept:
        kept["options"] = [_option(inner) for inner in kept["options"]]
    return kept


def may_use(command: Json, member: Member, channel: Channel) -> bool:
    """Whether the server's settings let a member use a command: Integrations, else its default.

    Overrides win over the default (Discord docs, application-commands, Permissions): for the
    channel, then the member, then the roles, then everyone.
    """
    here, guild = channel.home, member.guild
    assert here is not None
    overrides = guild.command_rules.get(int(command["id"]))
    needed = command["default_member_permissions"]
    if overrides is None and needed is None:
        return True
    granted = member.bits_in(channel)
    if granted == int(ALL):
        return True
    decided = _override(overrides or {}, member, here.id)
    if decided is not None or needed is None:
        return decided is not False
    bits = int(needed)
    return bool(bits) and granted & bits == bits


def _override(overrides: dict[int, Json], member: Member, channel_id: int) -> bool | None:
    """What the server's overrides say; None when they say nothing of this member."""
    guild = member.guild
    # The id of "all channels" is the guild's minus one.
    for place in (channel_id, guild.id - 1):
        if place in overrides:
            if not overrides[place]["permission"]:
                return False
            break
    if member.id in overrides:
        return bool(overrides[member.id]["permission"])
    roles = [
        overrides[role_id]["permission"] for role_id in member.role_ids if role_id in overrides
    ]
    if roles:
        return any(roles)
    return bool(overrides[guild.id]["permission"]) if guild.id in overrides else None
