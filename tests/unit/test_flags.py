"""Flags: what Pika takes, and how it is spelled."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import BadRecipe
from bot.model import Flags
from bot.rules.flags import ASPECT_RATIOS, CAMERAS, FPS, GUIDANCE, MOTION, SEED, written
from bot.ui.options import AspectRatio, Camera

SPELLING: dict[str, tuple[Any, str]] = {
    "aspect_ratio": ("16:9", "-ar 16:9"),
    "motion": (3, "-motion 3"),
    "camera": ("pan up left", "-camera pan up left"),
    "fps": (24, "-fps 24"),
    "guidance": (12, "-gs 12"),
    "negative": ("blurry", "-neg blurry"),
    "seed": (42, "-seed 42"),
}
NUMBERS = {"motion": MOTION, "fps": FPS, "guidance": GUIDANCE, "seed": SEED}


def _one(option: str, value: Any) -> Flags:
    """Flags of which one is chosen."""
    return replace(Flags(), **{option: value})


def test_every_flag_has_a_spelling_here() -> None:
    """A new flag cannot be forgotten in these tests."""
    assert set(SPELLING) == {field.name for field in fields(Flags)}


@pytest.mark.parametrize(("option", "value", "spelled"), [(o, *v) for o, v in SPELLING.items()])
def test_a_flag_is_spelled_as_pika_spells_it(option: str, value: Any, spelled: str) -> None:
    """The words of the cheat-sheet, after the prompt."""
    assert written(_one(option, value), "a fox") == f"a fox {spelled}"


def test_all_flags_stand_after_the_prompt_in_one_order() -> None:
    """The same options give the same text, so that a recipe can be compared."""
    flags = replace(Flags(), **{option: value for option, (value, _) in SPELLING.items()})

    assert written(flags, "a fox") == " ".join(["a fox", *(s for _, s in SPELLING.values())])


def test_no_flags_leave_the_prompt_alone() -> None:
    """What a member left out is left to Pika."""
    assert written(Flags(), "a fox") == "a fox"


def test_flags_without_a_prompt_have_no_space_before_them() -> None:
    """``/animate`` needs no prompt."""
    assert written(Flags(motion=0), "") == "-motion 0"


@pytest.mark.parametrize(
    ("option", "low", "high"),
    [("motion", 0, 4), ("fps", 8, 24), ("guidance", 8, 24), ("seed", 0, 2**32 - 1)],
)
def test_a_number_is_taken_within_its_range_only(option: str, low: int, high: int) -> None:
    """Both ends are in, both neighbours are out, and the refusal names the option and range."""
    for value in (low, high):
        assert str(value) in written(_one(option, value), "x")
    for value in (low - 1, high + 1):
        with pytest.raises(BadRecipe, match=f"between {low} and {high}") as refused:
            written(_one(option, value), "x")
        assert refused.value.field == option


@pytest.mark.parametrize("value", ASPECT_RATIOS)
def test_every_aspect_ratio_is_taken(value: str) -> None:
    """All that Pika documents."""
    assert written(Flags(aspect_ratio=value), "x") == f"x -ar {value}"


@pytest.mark.parametrize("value", CAMERAS)
def test_every_camera_is_taken(value: str) -> None:
    """All that Pika documents."""
    assert written(Flags(camera=value), "x") == f"x -camera {value}"


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("aspect_ratio", "21:9"),
        ("aspect_ratio", ""),
        ("aspect_ratio", "16:9 -seed 1"),
        ("camera", "zoom"),
        ("camera", "Zoom In"),
        ("camera", "zoom in -fps 8"),
    ],
)
def test_a_choice_that_pika_does_not_know_is_refused(option: str, value: str) -> None:
    """Nor can a second flag be smuggled in behind a choice."""
    with pytest.raises(BadRecipe) as refused:
        written(_one(option, value), "x")

    assert refused.value.field == option


def test_the_commands_offer_what_the_rules_take() -> None:
    """The choices in Discord's form are those of the rules, in the same order."""
    assert get_args(AspectRatio) == ASPECT_RATIOS
    assert get_args(Camera) == CAMERAS


@pytest.mark.parametrize("option", SPELLING)
@pytest.mark.parametrize(
    "shape", ["a fox {} 1", "{} 1 a fox", "a fox {}", "a  {}\t1", "A FOX {} 1"]
)
def test_a_flag_that_the_prompt_has_already_is_refused(option: str, shape: str) -> None:
    """Twice the same flag: Pika would take one of them, and nobody knows which."""
    value, spelled = SPELLING[option]
    flag = spelled.split(" ")[0]
    prompt = shape.format(flag if "a" in shape else flag.upper())

    with pytest.raises(BadRecipe, match=flag) as refused:
        written(_one(option, value), prompt)

    assert refused.value.field == option


@pytest.mark.parametrize("option", SPELLING)
def test_a_flag_in_capitals_is_the_same_flag(option: str) -> None:
    """Pika's bot reads flags in any case."""
    value, spelled = SPELLING[option]

    with pytest.raises(BadRecipe):
        written(_one(option, value), f"a fox {spelled.upper()}")


@pytest.mark.parametrize(
    "prompt",
    ["a semi-motion blur", "x-seed", "-seeds of doom", "motion 3", "a - seed", "-1 degrees"],
)
def test_words_that_only_look_like_a_flag_are_words(prompt: str) -> None:
    """A hyphen inside a word, or before another word, is no flag."""
    assert written(Flags(seed=7, motion=1), prompt) == f"{prompt} -motion 1 -seed 7"


def test_another_flag_in_the_prompt_is_no_duplicate() -> None:
    """Members who know Pika's flags may mix both ways."""
    assert written(Flags(seed=7), "a fox -fps 8") == "a fox -fps 8 -seed 7"


@pytest.mark.parametrize(
    ("negative", "spelled"),
    [
        ("blurry", "-neg blurry"),
        ("blurry hands", '-neg "blurry hands"'),
        ("blurry,ugly", '-neg "blurry,ugly"'),
        ("low-quality", "-neg low-quality"),
        ("häßlich", "-neg häßlich"),
    ],
)
def test_negative_words_are_quoted_where_they_need_it(negative: str, spelled: str) -> None:
    """Several words are one value."""
    assert written(Flags(negative=negative), "x") == f"x {spelled}"


@pytest.mark.parametrize("negative", ["", '"', 'a "b" c', "-seed", "ugly -seed 5", "a -AR 1:1 b"])
def test_negative_words_cannot_smuggle_in_a_flag(negative: str) -> None:
    """Neither by closing the quotes nor by looking like one."""
    with pytest.raises(BadRecipe) as refused:
        written(Flags(negative=negative), "x")

    assert refused.value.field == "negative"


@given(
    prompt=st.text(st.characters(categories=["L", "N", "P", "Zs"]), max_size=80),
    flags=st.builds(
        Flags,
        aspect_ratio=st.none() | st.sampled_from(ASPECT_RATIOS),
        camera=st.none() | st.sampled_from(CAMERAS),
        **{name: st.none() | st.integers(-5, span.stop + 5) for name, span in NUMBERS.items()},
    ),
)
def test_whatever_is_written_holds_each_chosen_flag_once(prompt: str, flags: Flags) -> None:
    """Either the values are Pika's and each flag stands there once, or the option is named."""
    refused = None
    try:
        text = written(flags, prompt)
    except BadRecipe as error:
        refused = error.field
    if refused is not None:
        span = NUMBERS.get(refused)
        outside = span is not None and getattr(flags, refused) not in span
        assert outside or SPELLING[refused][1].split()[0] in prompt.lower()
        return
    assert text.startswith(prompt)
    words = text[len(prompt) :].split()
    for option, (_, spelled) in SPELLING.items():
        flag = spelled.split(" ")[0]
        assert words.count(flag) == (getattr(flags, option) is not None)
