"""Keeping true what moderators see of a job: its review, and what members reported."""

from __future__ import annotations

import logging
from typing import Final

from bot.errors import Denied
from bot.model import LIVING, Delivery, DeliveryKind, DeliveryState, Job
from bot.store import deliveries
from bot.store.database import Database
from bot.store.deliveries import SHOWN_FINAL
from bot.workflow.delivery.messenger import Messenger
from bot.workflow.outlook import Outlooks, shows

log = logging.getLogger(__name__)

COMPANIONS: Final = LIVING - {DeliveryKind.CARD}


class Companions:
    """Rewrites messages beside the card, when what they say is no longer so."""

    def __init__(self, database: Database, messenger: Messenger, outlooks: Outlooks) -> None:
        self._database = database
        self._messenger = messenger
        self._outlooks = outlooks

    async def rewrite(self, job: Job, messages: dict[DeliveryKind, Delivery]) -> None:
        """Make all of them true. Raises ``TryLater``; one that can be written no more is left."""
        for kind in COMPANIONS & messages.keys():
            message = messages[kind]
            wanted = shows(job, self._outlooks.of(job), kind)
            if message.state is not DeliveryState.SENT or message.shown == wanted:
                continue
            try:
                await self._messenger.edit_card(job, message, self._outlooks.of(job))
            except Denied as error:
                log.info("the %s cannot be rewritten: %s", kind, error)
                wanted = SHOWN_FINAL
            async with self._database.transaction() as tx:
                await deliveries.shown(tx, message, wanted)
