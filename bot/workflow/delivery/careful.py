"""A messenger that asks Discord no more than it must."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from bot.errors import Denied
from bot.model import WITH_VIDEO, Delivery, DeliveryKind, Job
from bot.workflow.delivery.brake import Brake
from bot.workflow.delivery.closed import ClosedPlaces, Need
from bot.workflow.delivery.messenger import Messenger, Outlook, ServerMessage
from bot.workflow.delivery.uploads import ONLY_THE_LINK

LACKING: Final = frozenset({50001, 50013})
"""The bot may not see or do it there (Discord docs, topics/opcodes-and-status-codes)."""


_NO_SERVER: Final = 0


class CarefulMessenger:
    """Passes on to ``inner`` what is not known to be refused, at the pace that the brake allows."""

    def __init__(self, inner: Messenger, closed: ClosedPlaces, brake: Brake) -> None:
        self._inner = inner
        self._closed = closed
        self._brake = brake

    async def post(
        self, job: Job, delivery: Delivery, outlook: Outlook, *, reply_to: int | None
    ) -> int:
        """See ``Messenger.post``."""
        guild_id = job.requester.guild_id
        async with self._asking(guild_id, delivery.channel_id, _need(delivery)):
            message_id = await self._inner.post(job, delivery, outlook, reply_to=reply_to)
        self._closed.opened(delivery.channel_id)
        return message_id

    async def edit_card(self, job: Job, card: Delivery, outlook: Outlook) -> None:
        """See ``Messenger.edit_card``. Where the bot may not, the command's answer may for a
        while be changed like any answer: whatever the bot may do there.
        """
        try:
            async with self._asking(job.requester.guild_id, card.channel_id, Need.EDIT):
                await self._inner.edit_card(job, card, outlook)
        except Denied as error:
            if error.code not in LACKING or card.kind is not DeliveryKind.CARD:
                raise
            try:
                await self._inner.edit_answer(job, card, outlook)
            except Denied:
                raise error from None

    async def edit_answer(self, job: Job, card: Delivery, outlook: Outlook) -> None:
        """See ``Messenger.edit_answer``."""
        await self._inner.edit_answer(job, card, outlook)

    async def find(self, job: Job, delivery: Delivery) -> int | None:
        """See ``Messenger.find``."""
        async with self._asking(job.requester.guild_id, delivery.channel_id, Need.READ):
            return await self._inner.find(job, delivery)

    async def video_of(self, job: Job, delivery: Delivery) -> str | None:
        """See ``Messenger.video_of``."""
        async with self._asking(job.requester.guild_id, delivery.channel_id, Need.READ):
            return await self._inner.video_of(job, delivery)

    async def delete(self, job: Job, delivery: Delivery) -> None:
        """See ``Messenger.delete``."""
        async with self._asking(job.requester.guild_id, delivery.channel_id, Need.DELETE):
            await self._inner.delete(job, delivery)

    async def announce(self, message: ServerMessage) -> int:
        """See ``Messenger.announce``."""
        async with self._asking(message.guild_id, message.channel_id, Need.TEXT):
            message_id = await self._inner.announce(message)
        self._closed.opened(message.channel_id)
        return message_id

    async def find_announced(self, message: ServerMessage) -> int | None:
        """See ``Messenger.find_announced``."""
        async with self._asking(message.guild_id, message.channel_id, Need.READ):
            return await self._inner.find_announced(message)

    async def direct_channel(self, user_id: int) -> int:
        """See ``Messenger.direct_channel``."""
        async with self._asking(_NO_SERVER, user_id, Need.OPEN):
            return await self._inner.direct_channel(user_id)

    @asynccontextmanager
    async def _asking(self, guild_id: int, channel_id: int, need: Need) -> AsyncIterator[None]:
        """Ask Discord inside, unless the answer is known; remember a refusal."""
        self._closed.check(channel_id, need)
        await self._brake.turn()
        self._closed.check(channel_id, need)  # others have asked meanwhile
        try:
            yield
        except Denied as error:
            self._closed.refused(guild_id, channel_id, need, error.code)
            raise


def _need(delivery: Delivery) -> Need:
    match delivery.kind:
        case DeliveryKind.CARD:
            return Need.EMBED
        case kind if kind in WITH_VIDEO and delivery.fit != ONLY_THE_LINK:
            return Need.FILE
        case _:
            return Need.TEXT
