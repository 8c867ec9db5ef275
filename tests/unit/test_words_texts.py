"""Everything that a member wrote is held against the block list, and nothing that they chose."""

from __future__ import annotations

import pytest

from bot.model import Flags, Recipe, Verb
from bot.rules.flags import ASPECT_RATIOS, CAMERAS, written
from bot.rules.recipes import compose
from bot.rules.words import Text, texts_of


def _of(prompt: str, message: str | None = None) -> list[tuple[str, str]]:
    recipe = Recipe(Verb.CREATE, prompt, message=message)
    return [(text.option, text.text) for text in texts_of(recipe)]


def test_prompt_negative_and_message_are_tested_each_for_itself() -> None:
    """So that a refusal can name the option, and no phrase is made of two of them."""
    recipe = compose(
        Verb.ENCRYPT_TEXT, prompt="a fox", flags=Flags(negative="blur, fog", seed=3), message="HI"
    )

    assert texts_of(recipe) == (
        Text("prompt", "a fox"),
        Text("negative", "blur, fog"),
        Text("message", "HI"),
    )


@pytest.mark.parametrize("ratio", ASPECT_RATIOS)
@pytest.mark.parametrize("camera", CAMERAS)
def test_flags_that_were_chosen_are_no_words(ratio: str, camera: str) -> None:
    """Nobody wrote "pan left"."""
    flags = Flags(
        aspect_ratio=ratio, motion=4, camera=camera, fps=24, guidance=12, negative="fog", seed=88
    )

    assert _of(written(flags, "a fox")) == [("prompt", "a fox"), ("negative", "fog")]


@pytest.mark.parametrize(
    ("prompt", "texts"),
    [
        ("", []),
        ("a fox", [("prompt", "a fox")]),
        ("a fox -SEED 7", [("prompt", "a fox")]),
        ("bad -seed 7 word", [("prompt", "bad word")]),
        ("-motion bad", [("prompt", "bad")]),
        ("-camera bad word -fps 9", [("prompt", "bad word")]),
        ("-ar 16:9x", [("prompt", "16:9x")]),
        ("-seed", []),
        ("fox -neg bad word -fps 9 red", [("prompt", "fox red"), ("negative", "bad word")]),
        ('-neg "bad, worse"', [("negative", "bad, worse")]),
        ("-neg", []),
        ("-neg a -neg b", [("negative", "a b")]),
        ("-negative x -unknown y", [("prompt", "-negative x -unknown y")]),
        ("self-motion 3", [("prompt", "self-motion 3")]),
    ],
)
def test_flags_that_were_typed_take_no_words_away(
    prompt: str, texts: list[tuple[str, str]]
) -> None:
    """A flag in front of a word is no way to hide it."""
    assert _of(prompt) == texts
