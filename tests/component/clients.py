"""The bot's client without the workflow behind it."""

from __future__ import annotations

from typing import Any, cast

import aiohttp

from bot.client import PikaBot
from bot.ui.repeats import Repeats
from bot.workflow.delivery.brake import Brake
from bot.workflow.delivery.closed import ClosedPlaces
from bot.workflow.delivery.uploads import UploadLimits
from bot.workflow.servers.presence import Presence
from tests.fakes import MovableClock


def client(
    clock: MovableClock, *, brake: Brake | None = None, closed: ClosedPlaces | None = None
) -> PikaBot:
    """A client that remembers no earlier start."""

    async def recall(_: str) -> str | None:
        return None

    async def remember(_name: str, _value: str) -> None:
        return None

    return PikaBot(
        cast("Any", None),
        closed=closed or ClosedPlaces(clock),
        uploads=UploadLimits(clock),
        brake=brake or Brake(clock),
        repeats=Repeats(clock),
        presence=Presence(),
        recall=recall,
        remember=remember,
        http_trace=aiohttp.TraceConfig(),
    )
