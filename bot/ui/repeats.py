"""Copies of interactions: the gateway delivers an event once, several times, or not at all
(Discord docs, reference, "Consistency"). Whatever was said about the first one must hold.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from bot.clock import Clock

LIFE_MS: Final = 15 * 60_000
"""How long an interaction is remembered: after that its token is dead (Discord docs,
interactions/receiving-and-responding), and no copy could be answered."""

MOST: Final = 20_000
"""Interactions that are remembered, the newest: some megabytes."""


class Repeats:
    """Tells the first event of an interaction from its copies."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._heard: OrderedDict[int, int] = OrderedDict()  # interaction -> until when

    def __len__(self) -> int:
        return len(self._heard)

    def is_one(self, interaction_id: int) -> bool:
        """Whether this interaction has been heard already; from now on it has."""
        now = self._clock.now()
        while self._heard and next(iter(self._heard.values())) <= now:
            self._heard.popitem(last=False)
        if interaction_id in self._heard:
            return True
        self._heard[interaction_id] = now + LIFE_MS
        if len(self._heard) > MOST:
            self._heard.popitem(last=False)
        return False
