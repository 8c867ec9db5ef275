"""What a video costs in credits: by verb, backend, length and resolution; never by count."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from bot.model import Verb


@dataclass(frozen=True, slots=True)
class Order:
    """What is asked for, as far as it has a price or breaks a rule.

    ``seconds`` and ``resolution`` are ``None`` where the backend makes one kind of video.
    ``blocked_phrase`` are the words of the text that the server's block list blocks, if any: as
    they stand in the text, not as the list has them.
    """

    verb: Verb
    backend: str = "useapi"
    seconds: float | None = None
    resolution: str | None = None
    blocked_phrase: str | None = None


@dataclass(frozen=True, slots=True)
class Tariff:
    """A backend's prices: ``credits`` for each begun ``seconds``, times that of the resolution."""

    credits: int = 1
    seconds: float | None = None
    resolutions: Mapping[str, int] = field(default_factory=dict)


TARIFFS: Final = MappingProxyType(
    {
        "useapi": Tariff(),  # Pika v1: one kind of video
        # Pika 2.2 makes 5 or 10 s; its 1080p costs 2¼ times its 720p (fal.ai, v2.2 text-to-video).
        "fal": Tariff(seconds=5, resolutions={"480p": 1, "720p": 1, "1080p": 2}),
    }
)


def cost(order: Order, weights: Mapping[Verb, int]) -> int:
    """Credits that ``order`` costs in a server with these ``weights``; at least 1.

    Raises ``KeyError`` for a backend or a resolution without a price: what it costs is
    never guessed.
    """
    tariff = TARIFFS[order.backend]
    price = tariff.credits * weights.get(order.verb, 1)
    if order.seconds is not None and tariff.seconds is not None:
        price *= max(1, -int(-order.seconds // tariff.seconds))
    if order.resolution is not None and tariff.resolutions:
        price *= tariff.resolutions[order.resolution]
    return price
