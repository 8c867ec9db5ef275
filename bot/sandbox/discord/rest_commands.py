"""Registering commands."""

from __future__ import annotations

from typing import Any

from .call import Call
from .errors import invalid, refusal
from .routing import Answer, Routes

Json = dict[str, Any]
routes = Routes()

_GLOBAL = "/applications/{application_id}/commands"
_GUILD = "/applications/{application_id}/guilds/{guild_id}/commands"


def _scope(call: Call) -> int | None:
    """The scope of the path.

    Raises ``ApiError`` 50001 for another application or a server the bot is not in.
    """
    if call.id("application_id") != call.world.bot.id:
        raise refusal(50001)
    if "guild_id" not in call.params:
        return None
    return call.guild().id


async def list_commands(call: Call) -> Answer:
    """All commands of a scope; localizations only when asked for."""
    found = call.server.commands.all(_scope(call))
    if call.flag("with_localizations"):
        return 200, found
    hidden = ("name_localizations", "description_localizations")
    return 200, [{k: v for k, v in one.items() if k not in hidden} for one in found]


async def overwrite_commands(call: Call) -> Answer:
    """Replace all commands of a scope."""
    scope = _scope(call)
    bodies = call.body or []
    if not isinstance(bodies, list) or not all(isinstance(body, dict) for body in bodies):
        raise invalid("_errors", "LIST_TYPE_CONVERT", "Only iterables may be used in a ListType")
    return 200, call.server.commands.overwrite(scope, bodies)


async def create_command(call: Call) -> Answer:
    """Create or overwrite one command."""
    stored, fresh = call.server.commands.upsert(_scope(call), call.form())
    return (201 if fresh else 200), stored


async def get_command(call: Call) -> Answer:
    """One command."""
    return 200, call.server.commands.get(_scope(call), call.id("command_id"))


async def edit_command(call: Call) -> Answer:
    """Change one command."""
    return 200, call.server.commands.edit(_scope(call), call.id("command_id"), call.form())


async def delete_command(call: Call) -> Answer:
    """Remove one command."""
    call.server.commands.delete(_scope(call), call.id("command_id"))
    return 204, None


for _base in (_GLOBAL, _GUILD):
    routes("GET", _base)(list_commands)
    routes("PUT", _base)(overwrite_commands)
    routes("POST", _base)(create_command)
    routes("GET", f"{_base}/{{command_id}}")(get_command)
    routes("PATCH", f"{_base}/{{command_id}}")(edit_command)
    routes("DELETE", f"{_base}/{{command_id}}")(delete_command)


def _overrides(call: Call, command_id: int) -> Json:
    guild = call.guild()
    return {
        "id": str(command_id),
        "application_id": str(call.world.bot.id),
        "guild_id": str(guild.id),
        "permissions": list(guild.command_rules[command_id].values()),
    }


@routes("GET", f"{_GUILD}/permissions")
async def list_overrides(call: Call) -> Answer:
    """What the server's moderators changed about who may use what."""
    _scope(call)
    return 200, [_overrides(call, command_id) for command_id in call.guild().command_rules]


@routes("GET", f"{_GUILD}/{{command_id}}/permissions")
async def get_overrides(call: Call) -> Answer:
    """The same for one command."""
    _scope(call)
    command_id = call.id("command_id")
    if command_id not in call.guild().command_rules:
        raise refusal(10066)
    return 200, _overrides(call, command_id)
