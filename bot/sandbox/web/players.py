"""The people whom a page may play."""

from __future__ import annotations

from dataclasses import dataclass

from bot.sandbox.discord import Channel, User


@dataclass(frozen=True, slots=True)
class Player:
    """Somebody to play: who they are in a few words, and the place that they see first."""

    user: User
    title: str
    about: str
    home: Channel | None = None
