"""What moderators read of reported videos, and that they can read it at all."""

from __future__ import annotations

from dataclasses import replace

from bot.model import Delivery, DeliveryKind, Job
from bot.store import choices, deliveries, reported
from bot.store.database import Database, within
from bot.workflow.delivery.messenger import Outlook


async def with_reports(database: Database, job: Job, outlook: Outlook) -> Outlook:
    """The outlook with what members said against the job's video."""
    found = await database.read(lambda tx: reported.of_job(tx, job.id))
    return replace(outlook, reported=found)


async def show_anew(database: Database, job: Job, message: Delivery, at: int) -> None:
    """Somebody has deleted the message, and there is something new to read: it is posted again,
    where the server's moderators want such things now.
    """
    async with database.transaction() as tx:
        await deliveries.lose(tx, message)
        chosen = await within(tx, lambda sync: choices.read(sync, job.requester.guild_id))
        log_channel = chosen.log
        if log_channel is not None:
            await within(
                tx,
                lambda sync: deliveries.want(sync, job.id, DeliveryKind.REPORT, log_channel, at),
            )
