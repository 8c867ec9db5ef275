"""What may be blocked, and in which words everything else is refused."""

from __future__ import annotations

import pytest

from bot.errors import BadWords
from bot.rules.words import MOST_INNER_STARS, MOST_PHRASES, matcher_for, validate


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("bad", "bad"),
        ("  Bad   Word \n", "Bad Word"),
        ("#bad", "bad"),
        ("cafe\u0301", "caf\u00e9"),
        ("b\u200ba\u202ed", "bad"),
        ("bad**", "bad*"),
        ("\uff0abad\uff0a", "*bad*"),
        ("don't!", "don't!"),
        ("\u88f8", "\u88f8"),
        ("*\u88f8*", "*\u88f8*"),
        ("r 34", "r 34"),
        ("b*d", "b*d"),
        ("x" * 100, "x" * 100),
    ],
)
def test_a_phrase_is_kept_as_it_was_written_but_tidied(written: str, kept: str) -> None:
    """People recognise in the list what they wrote, and nothing invisible is in it."""
    assert validate(written) == kept


@pytest.mark.parametrize(
    ("written", "why"),
    [
        ("", "needs letters or digits"),
        ("  ...  ", "needs letters or digits"),
        ("\u200b", "needs letters or digits"),
        ("###", "needs letters or digits"),
        ("*", "match everything"),
        ("* *", "match everything"),
        ("bad * word", "next to a letter"),
        ("* bad", "next to a letter"),
        ("a", "single letter"),
        ("7", "single letter"),
        ("\u0430", "single letter"),
        ("a*", "at least 2 letters"),
        ("*a", "at least 2 letters"),
        ("*ab*", "at least 3 letters"),
        ("good a*", "at least 2 letters"),
        ("\u88f8*\u4f53", "written without spaces"),
        ("bad, worse", "One phrase at a time"),
        ("bad; worse", "One phrase at a time"),
        ("\u88f8\u3001\u4f53", "One phrase at a time"),
        ("a$$", r"“\$” separates words"),
        ("sh!t", "“!” separates words"),
        ("b@d", "“@” separates words"),
        ("x" * 101, "100 characters; this one has 101"),
        ("x" * 5_000_000, "this one has 5000000"),
    ],
)
def test_what_cannot_be_blocked_is_refused_in_words(written: str, why: str) -> None:
    """The moderator reads what to change."""
    with pytest.raises(BadWords, match=why):
        validate(written)


@pytest.mark.parametrize("same", ["bad", "BAD", "b\u00e1d", "b a d", "\uff42ad"])
def test_what_is_on_the_list_is_not_added_twice(same: str) -> None:
    """However it is written: it would match the same."""
    with pytest.raises(BadWords, match="on the list already"):
        validate(same, ["good", "bad"])


def test_a_phrase_with_a_star_is_another_one() -> None:
    """``bad*`` blocks more than ``bad``."""
    assert validate("bad*", ["bad", "*bad"]) == "bad*"


def test_a_full_list_takes_no_more() -> None:
    """The limit is said."""
    full = [f"word{place}" for place in range(MOST_PHRASES)]

    assert validate("one more", full[1:]) == "one more"
    with pytest.raises(BadWords, match="2,000 phrases"):
        validate("one more", full)
    with pytest.raises(BadWords, match="2,000 phrases"):
        matcher_for([*full, "one more"])


def test_stars_between_letters_are_limited() -> None:
    """They cost more than all the others; the others go on being taken."""
    full = [f"b{place}*d" for place in range(MOST_INNER_STARS)]

    with pytest.raises(BadWords, match="between letters"):
        validate("bad*word", full)
    with pytest.raises(BadWords, match="between letters"):
        matcher_for([*full, "bad*word"])
    assert validate("*bad*", full) == "*bad*"
