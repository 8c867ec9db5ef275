"""Limits to begin with, for servers of different sizes. Values only; who chooses one changes them
later as any other.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from bot.model import Quota
from bot.rules.policy import Policy, Rate
from bot.workflow.moderation.options import DAY_MS


@dataclass(frozen=True, slots=True)
class Preset:
    """What every member may use, ``None`` for the bot's own limit, and the server's budget."""

    everyone: Quota | None
    budget: Rate | None


PRESETS: Final = MappingProxyType(
    {
        "bot": Preset(None, None),
        "small": Preset(Quota(10, DAY_MS, 3), None),
        "medium": Preset(Quota(5, DAY_MS, 2), Rate(100, DAY_MS)),
        "large": Preset(Quota(2, DAY_MS, 1), Rate(300, DAY_MS)),
    }
)
"""By name, smallest server first; ``bot`` is what holds where nothing is set."""


def chosen(policy: Policy, default: Quota) -> str | None:
    """The name of the preset that holds in a server, if one does."""
    for name, preset in PRESETS.items():
        if (policy.default, policy.budget) == (preset.everyone or default, preset.budget):
            return name
    return None
