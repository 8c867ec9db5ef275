"""The only sender to Discord outside an interaction."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Final, TypeVar

import aiohttp
import discord

from bot.errors import DeliveryError, Denied, TooLarge, TryLater
from bot.model import Delivery, DeliveryKind, Job, Place
from bot.ui import messages
from bot.ui.ages import may_be_shown
from bot.ui.lookback import LookBack
from bot.ui.sending import once
from bot.ui.tokens import AnswerTokens
from bot.workflow.delivery.messenger import GONE, OPEN_TO_ALL, Outlook, ServerMessage

NO_HISTORY: Final = 160002
"""A reply needs Read Message History (Discord docs, opcodes and status codes)."""

ARCHIVED: Final = 50083
"""Nothing can be changed in an archived thread before it is opened (same source)."""

TOO_LARGE: Final = frozenset({40005, 50045})
"""Request entity too large; file exceeds the maximum size (same source). Never retryable."""

NOT_HERE: Final = frozenset({0, 40001, 40333})
"""Codes of a 401 or 403 that say nothing of the place: no answer of Discord's API but of the
proxy in front of it, a token that is not accepted now, a blocked network (same source)."""

NOT_HERE_SECONDS: Final = 60.0
OUT_OF_ORDER_SECONDS: Final = 5.0
CUT_OFF_SECONDS: Final = 2.0
NOT_KNOWN_SECONDS: Final = 2.0

Answer = TypeVar("Answer")


class DiscordMessenger:
    """Writes the messages of jobs with the bot's own token.

    ``tokens`` are those of the commands, which allow their answers to be changed for a while.
    """

    def __init__(self, client: discord.Client, tokens: AnswerTokens) -> None:
        self._client = client
        self._tokens = tokens
        self._lookback = LookBack()

    async def post(
        self, job: Job, delivery: Delivery, outlook: Outlook, *, reply_to: int | None
    ) -> int:
        """Post the message; its id. Raises as ``Messenger`` says."""
        try:
            return await self._post(job, delivery, outlook, reply_to)
        except Denied as error:
            if error.code != NO_HISTORY or reply_to is None:
                raise
            return await self._post(job, delivery, outlook, None)

    async def _post(
        self, job: Job, delivery: Delivery, outlook: Outlook, reply_to: int | None
    ) -> int:
        if delivery.place is Place.CHOSEN and delivery.kind is DeliveryKind.RESULT:
            self._check_ages(job, delivery.channel_id)
        channel = self._channel(delivery.channel_id, job, delivery.place)
        content = messages.new(job, delivery, outlook)
        if reply_to is not None:
            content["reference"] = discord.MessageReference(
                message_id=reply_to, channel_id=delivery.channel_id, fail_if_not_exists=False
            )
        with once():
            message = await _asked(channel.send(nonce=delivery.nonce, **content))
        return message.id

    def _check_ages(self, job: Job, channel_id: int) -> None:
        """Raise ``Denied`` where everybody would see what was asked for behind a restriction, and
        ``TryLater`` as long as the gateway has not told of the channels.
        """
        known = self._client.get_guild(job.requester.guild_id) is not None
        if not known and not self._client.is_ready():
            raise TryLater(NOT_KNOWN_SECONDS, "the gateway has not told of the server yet")
        if not may_be_shown(self._client, job.requester, channel_id):
            raise Denied(OPEN_TO_ALL, "it was made in an age-restricted channel")

    async def edit_card(self, job: Job, card: Delivery, outlook: Outlook) -> None:
        """Rewrite the card that exists. Raises ``Denied`` or ``TryLater``."""
        channel = self._channel(card.channel_id, job, card.place)
        message = channel.get_partial_message(card.message_id or 0)
        await _asked(message.edit(**messages.changed(job, card, outlook)))

    async def edit_answer(self, job: Job, card: Delivery, outlook: Outlook) -> None:
        """Rewrite the card with the token of the command that it answers. Raises ``Denied``
        when that is not at hand (any more), or ``TryLater``.
        """
        token = self._tokens.of(job.id)
        if token is None or card.message_id is None:
            raise Denied(0, "the command can no longer be answered")
        hook = discord.Webhook.partial(self._client.application_id or 0, token, client=self._client)
        changed = messages.changed(job, card, outlook)
        await _asked(hook.edit_message(card.message_id, **changed))

    async def find(self, job: Job, delivery: Delivery) -> int | None:
        """The message of this delivery, if it is there. Raises ``Denied`` or ``TryLater``."""
        channel = self._channel(delivery.channel_id, job, delivery.place)
        me = self._client.user
        return await _asked(self._lookback.find(channel, me.id if me else 0, job, delivery))

    async def video_of(self, job: Job, delivery: Delivery) -> str | None:
        """A fresh address of the video on this message. Raises ``Denied`` or ``TryLater``."""
        channel = self._channel(delivery.channel_id, job, delivery.place)
        # Discord signs addresses anew each time a message is read (Discord docs, reference, "Signed
        # Attachment CDN URLs"), so none is ever kept.
        message = await _asked(channel.get_partial_message(delivery.message_id or 0).fetch())
        return messages.video_of(message, job)

    async def delete(self, job: Job, delivery: Delivery) -> None:
        """Delete the message, if it is there. Raises ``Denied`` or ``TryLater``."""
        channel = self._channel(delivery.channel_id, job, delivery.place)
        message = channel.get_partial_message(delivery.message_id or 0)
        try:
            await self._delete(message)
        except Denied as error:
            if error.code not in GONE:
                raise

    async def _delete(self, message: discord.PartialMessage) -> None:
        try:
            await _asked(message.delete())
        except Denied as archived:
            if archived.code != ARCHIVED:
                raise
            # Whoever may send there may open the thread, unless it is locked.
            try:
                await _asked(self._client.http.edit_channel(message.channel.id, archived=False))
            except Denied:
                raise archived from None
            await _asked(message.delete())

    async def announce(self, message: ServerMessage) -> int:
        """Post a message of a server; its id. Raises ``Denied``, ``TooLarge`` or ``TryLater``."""
        channel = self._log(message)
        content = messages.announcement(message)
        return (await _asked(channel.send(nonce=message.nonce, **content))).id

    async def find_announced(self, message: ServerMessage) -> int | None:
        """A message of a server, if it is there. Raises ``Denied`` or ``TryLater``."""
        me = self._client.user
        found = self._lookback.find_announced(self._log(message), me.id if me else 0, message)
        return await _asked(found)

    async def direct_channel(self, user_id: int) -> int:
        """The channel of direct messages with this member. Raises ``Denied`` or ``TryLater``."""
        return (await _asked(self._client.create_dm(discord.Object(user_id)))).id

    def _log(self, message: ServerMessage) -> discord.PartialMessageable:
        return self._client.get_partial_messageable(message.channel_id, guild_id=message.guild_id)

    def _channel(self, channel_id: int, job: Job, place: Place) -> discord.PartialMessageable:
        # Partial: works for archived threads and for whatever no cache knows.
        guild_id = None if place is Place.DIRECT else job.requester.guild_id
        return self._client.get_partial_messageable(channel_id, guild_id=guild_id)


async def _asked(request: Awaitable[Answer]) -> Answer:
    """The answer of Discord, its refusals as our errors."""
    try:
        return await request
    except discord.RateLimited as error:
        raise TryLater(error.retry_after, "rate limit") from error
    except discord.HTTPException as error:
        raise _refusal(error) from error
    except (TimeoutError, aiohttp.ClientError, OSError) as error:
        raise TryLater(CUT_OFF_SECONDS, type(error).__name__) from error


def _refusal(error: discord.HTTPException) -> DeliveryError:
    """What Discord's refusal means for the message."""
    what = f"HTTP {error.status}, {error.code}"
    if error.status == 413 or error.code in TOO_LARGE:
        return TooLarge(what)
    if error.status == 429:
        return TryLater(_told(error) or OUT_OF_ORDER_SECONDS, what)
    if error.status >= 500:
        return TryLater(OUT_OF_ORDER_SECONDS, what)
    if error.status in {401, 403} and error.code in NOT_HERE:
        return TryLater(NOT_HERE_SECONDS, what)
    return Denied(error.code or error.status, error.text[:200])


def _told(error: discord.HTTPException) -> float | None:
    """The seconds after which Discord, or the proxy in front of it, wants to be asked again."""
    try:
        return float(error.response.headers["Retry-After"])
    except (KeyError, ValueError):
        return None
