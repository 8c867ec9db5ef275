"""Flags, read as the Pika bot reads them."""

from __future__ import annotations

import pytest

from bot.sandbox.pika.flags import COMMON, ENCRYPT, parse


@pytest.mark.parametrize(
    ("prompt", "words", "values"),
    [
        ("a fox", "a fox", {}),
        ("a well-known fox - at -5 degrees", "a well-known fox - at -5 degrees", {}),
        (
            'a fox -ar 16:9 -motion 2 -neg "ugly, blurry -seed" -seed 42',
            "a fox",
            {"ar": "16:9", "motion": "2", "neg": '"ugly, blurry -seed"', "seed": "42"},
        ),
        ("x -camera pan up left -fps 8", "x", {"camera": "pan up left", "fps": "8"}),
        ("-gs 12", "", {"gs": "12"}),
    ],
)
def test_words_and_values(prompt: str, words: str, values: dict[str, str]) -> None:
    """Words end at the first flag; a value runs to the next; dashes in words are no flags."""
    flags = parse(prompt, COMMON)

    assert (flags.words, flags.values, flags.refusal) == (words, values, None)


@pytest.mark.parametrize(
    ("text", "known", "names"),
    [
        ("-size 100", COMMON, "`size`"),
        ("-w 2", COMMON, "`w`"),
        ("-foo -bar 1 -ar 1:1", ENCRYPT, "`foo`, `bar`"),
        ("--quality 2", COMMON, "`quality`"),
    ],
)
def test_unknown_flags_are_named(text: str, known: frozenset[str], names: str) -> None:
    """What a command does not know is listed in back quotes."""
    assert parse(f"a fox {text}", known).refusal == f"Unrecognized parameter(s): {names}"


def test_encrypt_commands_know_two_more() -> None:
    """-w and -size belong to the encrypt commands."""
    assert parse("a fox -w 2 -size 100", ENCRYPT).refusal is None


@pytest.mark.parametrize(
    "text",
    [
        "-ar", "-ar 16x9", "-ar 0:1", "-ar 16:9 and more", "-motion 5", "-motion two", "-fps 7",
        "-fps 25", "-gs 4", "-gs 26", "-seed", "-seed -1", "-seed x", '-neg ""', "-camera",
        "-camera zoom", "-camera pan left right", "-camera pan up up", "-camera rotate left",
        "-camera zoom in pan up", "-seed 1 -seed 2", "-w big",
    ],
)  # fmt: skip
def test_impossible_values_are_refused(text: str) -> None:
    """Values out of range, repeated or missing are refused by name."""
    refusal = parse(f"a fox {text}", ENCRYPT).refusal

    assert refusal is not None
    assert f"`{text.split(maxsplit=1)[0][1:]}`" in refusal


@pytest.mark.parametrize(
    "text",
    [
        "-motion 0", "-motion 4", "-fps 8", "-fps 24", "-gs 5", "-gs 25", "-seed 0", "-ar 5:2",
        "-neg ugly hands", "-camera zoom in", "-camera pan down right", "-camera rotate ccw",
        "-w 1.5",
    ],
)  # fmt: skip
def test_edges_are_allowed(text: str) -> None:
    """The ends of every range are inside."""
    assert parse(f"a fox {text}", ENCRYPT).refusal is None
