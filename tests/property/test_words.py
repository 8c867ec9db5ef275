"""Blocked words, whatever people think of: disguises are seen through, other words left alone,
and the work grows with the text's length only.
"""

from __future__ import annotations

import time
import unicodedata
from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from bot.errors import BadWords
from bot.rules.words import Listed, Matcher, Then, matcher_for, parse, render, validate
from bot.rules.words.lookalikes import SEEN_AS
from bot.rules.words.phrases import LONGEST_PHRASE
from bot.rules.words.readings import readings
from bot.rules.words.stretched import Vocabulary

LETTERS = "abcdefghijklmnopqrstuvwxyz"
INVISIBLE = "\u200b\u200c\u200d\u2060\ufeff\u00ad\u034f\u0301\u0336\ufe0f\u202a\u2066"
SEPARATORS = " .,:;_-\u2026\u3002\U0001f98a"
LEET = {"a": "4@", "e": "3", "i": "1!", "o": "0", "s": "5$", "t": "7", "z": "2", "b": "8"}
TRICKY = st.text(
    st.sampled_from(
        "aAbB1I!|0@$. -*_\u0430\u03b1\uff41\u0301\u200b\u202e\u202c\u0e01\u0e35\u4e00\ufdfa\u00bd"
    )
)

words = st.text(LETTERS, min_size=3, max_size=12).filter(
    lambda word: not any(letter * 2 in word for letter in LETTERS)
)
"""Without repeated letters, so that stretching them is always a disguise of this very word."""
phrases = st.lists(words, min_size=1, max_size=3).map(" ".join)
anything = st.text() | TRICKY


def _spread(word: str, parts: list[str]) -> str:
    """The word with the parts behind its letters, one after the other."""
    return "".join(
        letter + parts[place % len(parts)] if parts else letter for place, letter in enumerate(word)
    )


@st.composite
def disguised(draw: st.DrawFn) -> tuple[str, str]:
    """A phrase, and the same in a disguise that has nothing to do with its meaning."""
    phrase = draw(phrases)
    how = draw(st.sampled_from(sorted(DISGUISES)))
    return phrase, draw(DISGUISES[how](phrase))


def _each_letter(phrase: str, choices: Callable[[str], str]) -> st.SearchStrategy[str]:
    return st.tuples(*(st.sampled_from(letter + choices(letter)) for letter in phrase)).map("".join)


def _apart(phrase: str) -> st.SearchStrategy[str]:
    return st.sampled_from([" ", ".", "-", "_", " - ", "\n", "*"]).map(
        lambda gap: f"{gap}{gap} ".join(gap.join(word) for word in phrase.split())
    )


DISGUISES: dict[str, Callable[[str], st.SearchStrategy[str]]] = {
    "case": lambda phrase: _each_letter(phrase, str.upper),
    "width": lambda phrase: _each_letter(
        phrase, lambda letter: chr(ord(letter) + 0xFEE0) if letter != " " else "\u3000"
    ),
    "mathematics": lambda phrase: _each_letter(
        phrase, lambda letter: chr(ord(letter) - 97 + 0x1D41A) if letter != " " else ""
    ),
    "look-alikes": lambda phrase: _each_letter(phrase, lambda letter: SEEN_AS.get(letter, "")),
    "invisible": lambda phrase: st.lists(st.text(INVISIBLE, max_size=3)).map(
        lambda parts: _spread(phrase, parts)
    ),
    "separators": lambda phrase: st.text(
        " .,:;_-\u2026\u3002\U0001f98a", min_size=1, max_size=5
    ).map(lambda gap: phrase.replace(" ", gap)),
    "apart": _apart,
    "stretched": lambda phrase: st.integers(3, 9).map(
        lambda times: "".join(letter * times if letter != " " else letter for letter in phrase)
    ),
    "turned around": lambda phrase: st.just(f"\u202e{phrase[::-1]}\u202c"),
}


@given(disguised(), st.sampled_from(["", "see ", "(", "\u4e00", "1. "]))
def test_a_disguise_changes_nothing(pair: tuple[str, str], before: str) -> None:
    """What is blocked is found in every disguise, alone and behind something else."""
    phrase, text = pair
    matcher = matcher_for([phrase])

    assert not matcher.allows(before + text)
    assert phrase in [match.phrase for match in matcher.find(before + text)]


@given(words, st.data())
def test_signs_for_letters_change_nothing(word: str, data: st.DataObject) -> None:
    """Digits and signs inside of a word that still has a letter."""
    text = data.draw(_each_letter(word[1:-1], lambda letter: LEET.get(letter, "")))

    assert not matcher_for([word]).allows(word[0] + text + word[-1])


@given(phrases, st.data())
def test_the_block_list_may_be_written_in_any_disguise_of_letters(
    phrase: str, data: st.DataObject
) -> None:
    """Not only the text: what a moderator pastes is the word it looks like."""
    how = data.draw(st.sampled_from(["case", "width", "mathematics", "look-alikes", "invisible"]))

    assert not matcher_for([data.draw(DISGUISES[how](phrase))]).allows(phrase)


@given(
    st.lists(st.text("abcdefghijklm", min_size=2, max_size=8), min_size=1, max_size=20),
    st.lists(st.text("nopqrstuvwxyz", min_size=1, max_size=8), max_size=30),
    st.text(" .,-\u200b\u0301\u3002", min_size=1, max_size=3).filter(lambda gap: gap[0] in " .,-"),
)
def test_other_words_are_left_alone(blocked: list[str], others: list[str], gap: str) -> None:
    """However they are separated, and in whatever order."""
    assert matcher_for(blocked).find(gap.join(others)) == []


@given(words, st.text(LETTERS, min_size=1, max_size=5), st.text(LETTERS, max_size=5))
def test_a_word_inside_another_word_is_another_word(word: str, before: str, after: str) -> None:
    """Whole words only; with stars, any."""
    text = before + word + after
    assume(not any(letter * 3 in text for letter in LETTERS))

    assert matcher_for([word]).allows(text)
    assert not matcher_for([f"*{word}*"]).allows(text)


@given(st.lists(phrases | words.map("{}*".format), max_size=5), anything, st.data())
def test_matches_are_places_of_the_text(blocked: list[str], text: str, data: st.DataObject) -> None:
    """Whatever is written: never an error, and quick and long answers agree."""
    some = data.draw(st.sampled_from(blocked)).strip("*") if blocked else ""
    matcher = matcher_for(blocked)
    for each in (text, f"{text} {some} {text}"):
        found = matcher.find(each)

        assert matcher.allows(each) == (not found)
        for match in found:
            assert 0 <= match.start < match.end <= len(each)
            assert match.phrase in matcher.phrases
            assert match.why


@given(anything)
@example("*\u88f8\u4f53*")
@example("b a d")
@example("a*b c*d")
def test_a_phrase_is_kept_as_it_can_be_written_again(text: str) -> None:
    """Or it is refused in words. Kept, it is found in itself, and survives a file."""
    try:
        kept = validate(text)
    except BadWords:
        return

    assert validate(kept) == kept
    assert len(kept) <= LONGEST_PHRASE
    assert not matcher_for([kept]).allows(kept.replace("*", ""))
    assert all(
        parse(render([Listed(kept, then)])).entries == (Listed(kept, then),) for then in Then
    )


@given(anything)
def test_composed_and_decomposed_characters_are_the_same(text: str) -> None:
    """Which of the two forms of é a keyboard writes is nobody's choice."""
    blocked = ["bad", "*abc*", "\u00e9t\u00e9"]

    for form in ("NFC", "NFD"):
        other = unicodedata.normalize(form, text)
        assert matcher_for(blocked).allows(other) == matcher_for(blocked).allows(text)


@given(st.binary() | anything.map(str.encode))
def test_any_file_is_read_or_refused_in_words(content: bytes) -> None:
    """Whatever somebody uploads."""
    with suppress(BadWords):
        assert matcher_for(parse(content).phrases).allows("")


def _work(text: str) -> int:
    """Letters that are looked at, over all readings."""
    return sum(len(line) for line, _ in readings(text, Vocabulary(["bad"])))


@given(TRICKY.filter(bool))
@settings(max_examples=200)
@example("a")
@example("a ")
@example("aaa1I! ")
@example("\ufdfa")
@example("\u202ea\u03b13I \u202c")
def test_the_work_grows_with_the_length_only(piece: str) -> None:
    """However disguised: twice the text is about twice the work, and no letter is looked at more
    than a fixed number of times.
    """
    once, twice = (_work(piece * times) for times in (40, 80))

    assert twice <= 3 * once
    assert twice <= 600 * 80 * len(piece)


HEAVY = {
    "one letter": "a",
    "letters apart": "a ",
    "stars": "* ",
    "runs and signs": "aaaI1! ",
    "all alphabets": "\u0430\u03b1a3 ",
    "long ligatures": "\ufdfa",
    "nearly": "aaaaaaaaab ",
    "starred": "abababababababababababab",
    "starred runs": "c" * 1_499 + "b",
}


@pytest.fixture(scope="module")
def heaviest() -> Matcher:
    """A list that nobody could wish to be held against anything."""
    return matcher_for(
        [f"*{'a' * letters}b{'a' * letters}*" for letters in range(1, 45)]
        + [f"a*{'b' * letters}*{'ab' * letters}c" for letters in range(1, 30)]
        + [f"{'a ' * letters}b" for letters in range(2, 45)]
        + ["c*cc*cc*ccd"]
    )


@pytest.mark.parametrize("piece", HEAVY.values(), ids=HEAVY)
def test_time_grows_with_the_length_only(heaviest: Matcher, piece: str) -> None:
    """Eight times the text takes about eight times as long; anything worse would be 64 times."""

    def best_of(text: str) -> float:
        times = []
        for _ in range(5):
            begun = time.perf_counter()
            heaviest.allows(text)
            times.append(time.perf_counter() - begun)
        return min(times)

    short = (piece * 1_500)[:1_500]

    assert best_of(short * 8) < 25 * best_of(short) + 0.005
