"""Everything that one page should have now: what its person sees, and what is behind the scenes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bot.sandbox.discord import EmbeddedDiscord, User
from bot.sandbox.pika import EmbeddedPika
from bot.sandbox.web import places
from bot.sandbox.web.backstage import BackstageDocuments
from bot.sandbox.web.connection import Connection
from bot.sandbox.web.files import MAX_FILE
from bot.sandbox.web.messages import MessageDocuments
from bot.sandbox.web.players import Player
from bot.sandbox.web.sight import Sight

Json = dict[str, Any]


class View:
    """Makes the documents of every page. ``dismissed`` are ephemeral messages by their ids."""

    def __init__(
        self,
        discord: EmbeddedDiscord,
        pika: EmbeddedPika,
        players: Sequence[Player],
        messages: MessageDocuments,
        backstage: BackstageDocuments,
    ) -> None:
        self._discord = discord
        self._pika = pika
        self._players = players
        self._messages = messages
        self._backstage = backstage
        self.dismissed: set[int] = set()

    def documents(self, connection: Connection) -> dict[str, Json]:
        """All documents by key."""
        sight = Sight(self._discord, connection.user)
        found: dict[str, Json] = {"me": self._me(sight)}
        found.update(self._people())
        found.update(self._guilds(sight))
        found.update(self._conversations(sight))
        found.update(self._backstage.all())
        found.update(connection.documents())
        return found

    def town(self) -> Json:
        """What stays as it is while the page is open."""
        return {
            "now_at": places.milliseconds(self._discord.clock.now()),
            "max_file": MAX_FILE,
            "application": str(self._discord.application_id),
            "discord": self._discord.api_url,
            "pika": self._pika.api_url,
        }

    def _me(self, sight: Sight) -> Json:
        user = sight.user
        return {
            "id": str(user.id),
            "user": user.payload(),
            "dms_open": user.dms_open,
            "home": self._home(sight),
        }

    def _home(self, sight: Sight) -> str | None:
        player = next((one for one in self._players if one.user is sight.user), None)
        if player is not None and player.home is not None and sight.sees(player.home):
            return str(player.home.id)
        first = next(iter(sight.channels()), None)
        return None if first is None else str(first.id)

    def _people(self) -> dict[str, Json]:
        found: dict[str, Json] = {}
        for order, player in enumerate(self._players):
            user = player.user
            found[f"person:{user.id}"] = {
                "id": str(user.id),
                "user": user.payload(),
                "title": player.title,
                "about": player.about,
                "order": order,
                "guilds": [str(g.id) for g in Sight(self._discord, user).guilds],
            }
        return found

    def _guilds(self, sight: Sight) -> dict[str, Json]:
        known: dict[int, User] = {
            sight.user.id: sight.user,
            self._discord.bot_user.id: self._discord.bot_user,
        }
        found: dict[str, Json] = {}
        for order, guild in enumerate(sight.guilds):
            found[f"guild:{guild.id}"] = places.guild(guild, order)
            found[f"standing:{guild.id}"] = places.standing(guild.members[sight.user.id])
            for member in guild.members.values():
                found[f"member:{guild.id}:{member.id}"] = places.member(member)
                known[member.id] = member.user
        for user in known.values():
            found[f"user:{user.id}"] = user.payload()
        return found

    def _conversations(self, sight: Sight) -> dict[str, Json]:
        found: dict[str, Json] = {}
        for channel in sight.channels():
            commands = self._discord.offered(sight.actor(channel), channel)
            found[f"channel:{channel.id}"] = places.channel(sight, channel, commands)
            for command in commands:
                found[f"command:{command['id']}"] = command
            for message in sight.messages(channel):
                if message.id not in self.dismissed:
                    key = f"message:{channel.id}:{message.id}"
                    found[key] = self._messages.one(sight, message)
        return found
