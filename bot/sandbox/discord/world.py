"""Everything there is in this Discord: the people, the servers and the files."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Protocol

from .changes import Changes
from .channels import Channel, DirectChannel
from .clock import Clock
from .guilds import MIB, Guild
from .ids import Snowflakes
from .intents import Intent
from .media import Attachment, MediaStore, Upload
from .messages import Message
from .people import User
from .permissions import BOT_DEFAULT, EVERYONE_DEFAULT, Permission
from .posting import Posting

Json = dict[str, Any]
Data = Json | Callable[[], Json]

#: Bytes per attachment without boosts, since September 2026 (Discord docs, pull request 8578).
UPLOAD_LIMIT: Final = 20 * MIB
#: Bytes per attachment of people who pay for Nitro.
NITRO_LIMIT: Final = 500 * MIB
#: Seconds within which a repeated nonce is recognised. Discord says "the past few minutes".
NONCE_WINDOW: Final = 300.0
_NONCES_KEPT: Final = 50_000


class Sink(Protocol):
    """Who carries events to the bot."""

    def wants(self, needs: Intent) -> bool:
        """Whether any session asked for this kind of event."""
        ...

    def dispatch(
        self,
        event: str,
        data: Data,
        *,
        guild: Guild | None,
        needs: Intent,
        bare: Callable[[], Json] | None,
    ) -> None:
        """Deliver one event to the sessions that asked for its kind."""
        ...


class World:
    """Create users and servers here; everything else hangs on them."""

    def __init__(self, *, bot_name: str = "pika") -> None:
        self.clock = Clock()
        self.ids = Snowflakes(self.clock)
        self.changes = Changes()
        self.media = MediaStore(self.clock, self.ids)
        self.posting = Posting(self)
        self.upload_limit = UPLOAD_LIMIT
        self.nonce_window = NONCE_WINDOW
        self.users: dict[int, User] = {}
        self.guilds: dict[int, Guild] = {}
        self.channels: dict[int, Channel] = {}
        self.sink: Sink | None = None
        self._direct: dict[int, DirectChannel] = {}
        self._nonces: dict[tuple[int, str], Message] = {}
        self.bot = User(self, bot_name, bot=True)
        self.users[self.bot.id] = self.bot

    def create_user(
        self,
        name: str,
        *,
        nitro: bool = False,
        bot: bool = False,
        created_at: float | None = None,
    ) -> User:
        """A new account, or one made at ``created_at`` (seconds since 1970)."""
        user = User(self, name, nitro=nitro, bot=bot, created_at=created_at)
        self.users[user.id] = user
        return user

    def create_guild(
        self,
        name: str,
        *,
        boost_tier: int = 0,
        everyone: Permission = EVERYONE_DEFAULT,
        bot_permissions: Permission = BOT_DEFAULT,
    ) -> Guild:
        """A new server the bot is a member of.

        The bot has what its own role and @everyone have together, as anyone; to take a right
        from it, leave it out of both or deny it by an overwrite.
        """
        guild = Guild(
            self, name, boost_tier=boost_tier, everyone=everyone, bot_permissions=bot_permissions
        )
        self.guilds[guild.id] = guild
        guild.announce()
        return guild

    def delete_guild(self, guild: Guild) -> None:
        """The server is deleted by its owner."""
        guild.remove_bot()
        self.guilds.pop(guild.id, None)
        for channel in [*guild.channels.values()]:
            guild.delete_channel(channel)

    def dm_with(self, user: User) -> DirectChannel:
        """The direct message channel of the bot with ``user``."""
        channel = self._direct.get(user.id)
        if channel is None:
            channel = self._direct[user.id] = DirectChannel(self, user)
            self.channels[channel.id] = channel
        return channel

    def shares_guild_with_bot(self, user: User) -> bool:
        """Whether the bot and the user have a server in common."""
        return any(guild.installed and user.id in guild.members for guild in self.guilds.values())

    def host_file(self, upload: Upload, channel: Channel | None = None) -> Attachment:
        """Put any content on the CDN; the answer's ``url`` serves it as ``upload`` says."""
        return self.media.host(upload, channel.id if channel else self.ids.next())

    def emit(
        self,
        event: str,
        data: Data,
        *,
        guild: Guild | None = None,
        needs: Intent,
        bare: Callable[[], Json] | None = None,
        force: bool = False,
    ) -> None:
        """Send an event to the sessions that asked for its kind.

        ``data`` may be a function, called only if a session wants the event; ``bare`` makes
        the variant for sessions without the message-content intent. Servers without the bot
        or in an outage are silent unless ``force``.
        """
        self.changes.bump()
        if self.sink is None or (needs and not self.sink.wants(needs)):
            return
        if guild is not None and not force and not (guild.installed and guild.available):
            return
        self.sink.dispatch(event, data, guild=guild, needs=needs, bare=bare)

    def hears(self, needs: Intent) -> bool:
        """Whether anybody listens to this kind of event."""
        return self.sink is not None and self.sink.wants(needs)

    # nonces

    def remember_nonce(self, message: Message) -> None:
        """Note a message by the nonce it was sent with."""
        nonces = self._nonces
        nonces[message.author.id, str(message.nonce)] = message
        if len(nonces) > _NONCES_KEPT:
            floor = self.clock.now() - self.nonce_window
            self._nonces = {k: m for k, m in nonces.items() if m.created_at >= floor}

    def sent_with_nonce(self, author: User, nonce: str | int) -> Message | None:
        """The message ``author`` sent with ``nonce`` within the window; it may be deleted."""
        found = self._nonces.get((author.id, str(nonce)))
        if found is None or self.clock.now() - found.created_at > self.nonce_window:
            return None
        return found
