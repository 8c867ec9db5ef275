"""How many files are examined at once."""

from __future__ import annotations

import asyncio
import threading

import pytest

from bot.media.bounded import AT_ONCE, Places


async def test_a_look_that_nobody_waits_for_keeps_its_place() -> None:
    """A command waits for its picture for a second and a half; a thread cannot be broken off.
    Whoever attached one malicious picture after the other had a thread more at work each time,
    until none was left for anything else.
    """
    places, go_on, begun = Places(), threading.Event(), []

    def look() -> None:
        begun.append(threading.get_ident())
        go_on.wait(10)

    given_up = [asyncio.create_task(places.in_thread(look)) for _ in range(AT_ONCE)]
    while len(begun) < AT_ONCE:  # noqa: ASYNC110 - a thread says so
        await asyncio.sleep(0)
    for task in given_up:
        task.cancel()
    await asyncio.gather(*given_up, return_exceptions=True)
    next_one = asyncio.create_task(places.in_thread(look))
    for _ in range(100):
        await asyncio.sleep(0)
    at_work = len(begun)
    go_on.set()
    await next_one

    assert (at_work, len(begun)) == (AT_ONCE, AT_ONCE + 1)


async def test_what_goes_wrong_is_told_and_the_place_is_free_again() -> None:
    """An error of the work is the caller's, as often as it is tried."""
    places = Places()

    def fail() -> None:
        raise ValueError("no")

    for _ in range(AT_ONCE + 1):
        with pytest.raises(ValueError, match="no"):
            await places.in_thread(fail)
