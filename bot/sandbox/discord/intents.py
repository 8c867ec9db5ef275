"""Gateway intents: which events a session asked for (Discord docs, events/gateway)."""

from __future__ import annotations

from enum import IntFlag
from typing import Final


class Intent(IntFlag):
    """The groups of events this sandbox can send."""

    NONE = 0
    GUILDS = 1 << 0
    GUILD_MEMBERS = 1 << 1
    GUILD_PRESENCES = 1 << 8
    GUILD_MESSAGES = 1 << 9
    DIRECT_MESSAGES = 1 << 12
    MESSAGE_CONTENT = 1 << 15


#: Those that must be enabled for the application before they may be asked for.
PRIVILEGED: Final = Intent.GUILD_MEMBERS | Intent.GUILD_PRESENCES | Intent.MESSAGE_CONTENT
#: All bits Discord knows; others are invalid.
KNOWN_BITS: Final = (1 << 26) - 1
