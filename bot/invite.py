"""The link that invites the bot: the least permissions that suffice, and no more."""

from __future__ import annotations

import aiohttp
import discord

from bot.client import point_at
from bot.settings import DiscordSettings
from bot.ui.permissions import INVITED

SCOPES = ("bot", "applications.commands")


class LinkError(Exception):
    """The link cannot be made. ``bad_token`` tells whether the settings are to blame."""

    def __init__(self, why: str, *, bad_token: bool) -> None:
        super().__init__(why)
        self.bad_token = bad_token


async def link(settings: DiscordSettings) -> str:
    """Ask Discord which application the token belongs to; the link for it.

    Raises ``LinkError``.
    """
    point_at(settings.discord_api_url)
    async with discord.Client(intents=discord.Intents.none()) as client:
        try:
            await client.login(settings.discord_token.get_secret_value())
        except discord.LoginFailure:
            raise LinkError(
                "DISCORD_TOKEN: Discord does not accept this token", bad_token=True
            ) from None
        except (discord.HTTPException, aiohttp.ClientError, OSError) as error:
            raise LinkError(
                f"Discord cannot be reached now ({type(error).__name__})", bad_token=False
            ) from None
        application_id = client.application_id or 0
    return discord.utils.oauth_url(application_id, permissions=INVITED, scopes=SCOPES)
