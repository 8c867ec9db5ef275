"""All that is done again and again for whole servers, as one loop to start and to stop."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from bot.workflow.servers.log import ServerLog
from bot.workflow.servers.rounds import Rounds


class Care:
    """Runs ``rounds``, and stops the ``log`` gently: what it posts may be on its way."""

    def __init__(self, log: ServerLog, rounds: Sequence[Rounds]) -> None:
        self._log = log
        self._rounds = rounds

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as loops:
            for one in self._rounds:
                loops.create_task(one.run(), name=one.name)

    async def stop(self, seconds: float) -> None:
        """Post nothing more, and give what is under way ``seconds`` to arrive."""
        await self._log.stop(seconds)
