"""What only one person sees is answered as surely as a card is."""

from __future__ import annotations

from typing import Any

import pytest

from bot.sandbox.discord import Fault, Invocation, Message, Upload
from tests.e2e.town import Scene, number

CALLBACK = "/interactions/{interaction_id}/{interaction_token}/callback"

TROUBLE: dict[str, dict[str, Any]] = {
    "dropped before": {"drop": "before"},
    "dropped after": {"drop": "after"},
    "503 twice": {"status": 503, "times": 2},
    "500, but done": {"status": 500, "done": True},
}


@pytest.mark.parametrize("trouble", list(TROUBLE))
async def test_a_private_answer_outlives_its_first_try(scene: Scene, trouble: str) -> None:
    """Information, a refusal, and what a button says arrive within the three seconds although
    the connection breaks or Discord stumbles: they used to be lost, or came too late.
    """

    async def answer(asked: Invocation) -> Message:
        token = asked.token
        how = {**TROUBLE[trouble], "match": lambda seen: token in seen.path}
        scene.discord.faults.add(Fault("POST", CALLBACK, **how))
        message = await asked.answered()
        assert asked.ephemeral
        return message

    scene.pika.pause()
    card = await scene.card()

    assert "**4 of 5**" in (await answer(await scene.ask("quota"))).text
    listed = await answer(await scene.ask("jobs"))
    assert [button.label for button in listed.buttons] == [f"Cancel job {number(card)}"]
    text_file = Upload("a.txt", "text/plain", b"no picture")
    assert "PNG" in (await answer(await scene.ask("animate", image=text_file))).text
    assert (await answer(await scene.discord.press(scene.bob, card, label="Cancel"))).text
    scene.pika.resume()
    await scene.delivered(card)
