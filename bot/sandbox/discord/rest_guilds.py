"""Servers, their channels, roles and members."""

from __future__ import annotations

from . import payloads
from .call import Call
from .errors import refusal
from .intents import Intent
from .routing import Answer, Routes

routes = Routes()

_MAX_MEMBERS = 1000


@routes("GET", "/guilds/{guild_id}")
async def get_guild(call: Call) -> Answer:
    """A server the bot is in."""
    return 200, payloads.guild(call.guild(), counts=call.flag("with_counts"))


@routes("GET", "/guilds/{guild_id}/channels")
async def get_channels(call: Call) -> Answer:
    """The channels of a server, without threads."""
    return 200, [payloads.channel(c) for c in call.guild().channels.values()]


@routes("GET", "/guilds/{guild_id}/roles")
async def get_roles(call: Call) -> Answer:
    """The roles of a server."""
    return 200, [role.payload() for role in call.guild().roles.values()]


@routes("GET", "/guilds/{guild_id}/roles/{role_id}")
async def get_role(call: Call) -> Answer:
    """One role."""
    role = call.guild().roles.get(call.id("role_id"))
    if role is None:
        raise refusal(10011)
    return 200, role.payload()


@routes("GET", "/guilds/{guild_id}/members/{user_id}")
async def get_member(call: Call) -> Answer:
    """One member, whom the bot may fetch without any intent."""
    member = call.guild().members.get(call.id("user_id"))
    if member is None:
        known = call.world.users.get(call.id("user_id")) is not None
        raise refusal(10007 if known else 10013)
    return 200, payloads.member(member)


@routes("GET", "/guilds/{guild_id}/members")
async def list_members(call: Call) -> Answer:
    """All members; only for applications with the members intent."""
    guild = call.guild()
    if not call.server.gateway.privileged_intents & Intent.GUILD_MEMBERS:
        raise refusal(50001)
    limit = call.number("limit", 1, 1, _MAX_MEMBERS)
    after = int(call.query.get("after", "0"))
    found = sorted((m for m in guild.members.values() if m.id > after), key=lambda m: m.id)
    return 200, [payloads.member(m) for m in found[:limit]]
