"""The application, its user, and where the gateway is."""

from __future__ import annotations

from typing import Any

from .call import Call
from .errors import refusal
from .routing import Answer, Routes
from .snowflake import snowflake

Json = dict[str, Any]
routes = Routes()


def me(call: Call) -> Json:
    """The bot's own user with what only it may see."""
    return {
        **call.world.bot.payload(),
        "mfa_enabled": False,
        "locale": "en-US",
        "premium_type": 0,
        "email": None,
        "verified": True,
    }


def application(call: Call) -> Json:
    """The application the bot belongs to."""
    server, bot = call.server, call.world.bot
    return {
        "id": str(bot.id),
        "name": bot.name,
        "icon": None,
        "description": "",
        "type": None,
        "bot": bot.payload(),
        "bot_public": True,
        "bot_require_code_grant": False,
        "integration_types_config": {"0": {}},
        "verify_key": "0" * 64,
        "flags": 0,
        "flags_new": "0",
        "tags": [],
        "redirect_uris": [],
        "interactions_endpoint_url": None,
        "role_connections_verification_url": None,
        "event_webhooks_url": None,
        "event_webhooks_status": 1,
        "event_webhooks_types": [],
        "owner": server.owner.payload(),
        "approximate_guild_count": len(call.world.guilds),
        "approximate_user_install_count": 0,
        "approximate_user_authorization_count": 0,
        "explicit_content_filter": 0,
        "team": None,
        "eligible_oauth2_scopes": [],
    }


@routes("GET", "/users/@me")
async def get_me(call: Call) -> Answer:
    """The bot's own user."""
    return 200, me(call)


@routes("GET", "/users/{user_id}")
async def get_user(call: Call) -> Answer:
    """Any user."""
    user = call.world.users.get(call.id("user_id"))
    if user is None:
        raise refusal(10013)
    return 200, user.payload()


@routes("GET", "/applications/@me")
async def get_application(call: Call) -> Answer:
    """The application."""
    return 200, application(call)


@routes("GET", "/oauth2/applications/@me")
async def get_oauth_application(call: Call) -> Answer:
    """The application, the old way."""
    return 200, application(call)


@routes("GET", "/gateway", open=True)
async def get_gateway(call: Call) -> Answer:
    """Where the gateway is."""
    return 200, {"url": call.server.gateway.url}


@routes("GET", "/gateway/bot")
async def get_gateway_bot(call: Call) -> Answer:
    """Where the gateway is, how many shards to use and how often one may identify."""
    gateway = call.server.gateway
    limit = {
        "total": 1000,
        "remaining": max(0, 1000 - gateway.identifies),
        "reset_after": 86_400_000,
        "max_concurrency": gateway.max_concurrency,
    }
    return 200, {"url": gateway.url, "shards": gateway.shards, "session_start_limit": limit}


@routes("POST", "/users/@me/channels")
async def create_direct(call: Call) -> Answer:
    """Open the direct messages with a user."""
    recipient = snowflake(call.form().get("recipient_id"), "recipient_id")
    user = call.world.users.get(recipient)
    if user is None or user is call.world.bot:
        raise refusal(50007 if user else 10013)
    return 200, user.dm.payload()


@routes("GET", "/users/@me/guilds")
async def get_my_guilds(call: Call) -> Answer:
    """The servers the bot is in, by id."""
    limit = call.number("limit", 200, 1, 200)
    after = int(call.query.get("after", "0"))
    guilds = sorted((g for g in call.world.guilds.values() if g.installed), key=lambda g: g.id)
    return 200, [
        {
            "id": str(g.id),
            "name": g.name,
            "icon": None,
            "banner": None,
            "owner": False,
            "permissions": str(g.bot_role.bits | g.everyone.bits),
            "features": [],
        }
        for g in guilds
        if g.id > after
    ][:limit]


@routes("DELETE", "/users/@me/guilds/{guild_id}")
async def leave_guild(call: Call) -> Answer:
    """Leave a server."""
    call.guild().remove_bot()
    return 204, None
