"""What a server has used, for its moderators."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

from bot.charts import Bar, Charts, NotDrawnError
from bot.clock import Clock
from bot.store import reports
from bot.store.reports import UsageReport
from bot.workflow.moderation import options

log = logging.getLogger(__name__)


class Reports:
    """Makes reports, one after the other: each of them may read a lot."""

    def __init__(self, path: Path, clock: Clock, charts: Charts) -> None:
        self._path = path
        self._clock = clock
        self._charts = charts
        self._turn = asyncio.Lock()

    async def usage(self, guild_id: int, days: int) -> tuple[UsageReport, bytes | None]:
        """What was used today and in the days before, as many as are asked for, and a PNG of it;
        ``None`` where none could be drawn, as numbers say it all too. Raises ``BadOption``, and
        ``StorageTrouble``.
        """
        days = options.days(days)
        async with self._turn:
            read = reports.usage(self._path, guild_id, self._clock.now(), days)
            report = asyncio.create_task(read, name="report")
            try:
                picture = await self._picture(report)
                return await report, picture
            finally:
                report.cancel()

    async def _picture(self, report: asyncio.Task[UsageReport]) -> bytes | None:
        try:
            return await self._charts.usage(_bars(report))
        except NotDrawnError as error:
            log.warning("no picture of the usage: %s", error)
            return None


async def _bars(report: asyncio.Task[UsageReport]) -> list[Bar]:
    return [Bar(day.began_at, day.credits, day.failed) for day in (await report).days]
