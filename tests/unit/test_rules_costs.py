"""A video costs what it is: by verb, backend, length and resolution."""

from __future__ import annotations

import pytest

from bot.model import Verb
from bot.rules.costs import Order, cost


@pytest.mark.parametrize("verb", Verb)
def test_every_video_of_pika_v1_costs_one_credit(verb: Verb) -> None:
    """Where the server weighs nothing."""
    assert cost(Order(verb), {}) == 1


def test_a_server_weighs_verbs() -> None:
    """Three times the price for one verb, and the others stay as they are."""
    weights = {Verb.ENCRYPT_IMAGE: 3}

    assert cost(Order(Verb.ENCRYPT_IMAGE), weights) == 3
    assert cost(Order(Verb.CREATE), weights) == 1


@pytest.mark.parametrize(
    ("seconds", "resolution", "price"),
    [
        (None, None, 1),
        (5, "720p", 1),
        (5, "1080p", 2),
        (5.1, "720p", 2),
        (10, "1080p", 4),
        (0.5, "480p", 1),
    ],
)
def test_longer_and_finer_videos_cost_more(
    seconds: float | None, resolution: str | None, price: int
) -> None:
    """Each begun five seconds, times what the resolution costs."""
    order = Order(Verb.CREATE, backend="fal", seconds=seconds, resolution=resolution)

    assert cost(order, {}) == price
    assert cost(order, {Verb.CREATE: 5}) == 5 * price


@pytest.mark.parametrize(
    "order", [Order(Verb.CREATE, "nowhere"), Order(Verb.CREATE, "fal", resolution="8k")]
)
def test_a_price_is_never_guessed(order: Order) -> None:
    """What has no price cannot be asked for."""
    with pytest.raises(KeyError):
        cost(order, {})
