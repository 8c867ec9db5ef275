"""The table of look-alike letters, and what characters are read as."""

from __future__ import annotations

import pytest

from bot.rules.words.alphabets import unspaced
from bot.rules.words.folding import LEET, LOOKS, PLAIN
from bot.rules.words.lookalikes import SEEN_AS

LETTERS = [(letter, look) for look, letters in SEEN_AS.items() for letter in letters]


def test_the_table_reads_foreign_letters_as_latin_ones() -> None:
    """Each letter once, none of them Latin already, none of a language without spaces."""
    assert len(LETTERS) > 500
    assert len({letter for letter, _ in LETTERS}) == len(LETTERS)
    for letter, look in LETTERS:
        assert not letter.isascii()
        assert not unspaced(letter)
        assert look.isascii()
        assert look.isalpha()
        assert look == look.lower()


def test_russian_letters_that_russians_tell_apart_are_told_apart() -> None:
    """What is common in Russian must not become another Russian word: бой is not вой. Of the
    letters without accents only the soft sign, with which no word begins, is read as another.
    """
    alphabet = "абвгдежзиклмнопрстуфхцчшщъыэюя"

    assert len({LOOKS[letter] for letter in alphabet}) == len(alphabet)
    for letter in alphabet + "ь":
        assert LOOKS[letter] == LOOKS[letter.upper()]


def test_every_printable_character_of_ascii_is_one_character_still() -> None:
    """The quick way through plain English counts on it."""
    text = "".join(map(chr, range(32, 127)))

    for fold in (PLAIN, LOOKS, LEET):
        assert all(len(fold[character]) == 1 for character in text)
        assert fold.whole(text) == "".join(fold.parts(text))


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("\u0644\u064f\u063a\u0629", "\u0644\u063a\u0629"),  # Arabic vowels are accents
        ("\u05e9\u05c1\u05b8", "\u05e9"),  # and so are Hebrew ones
        ("\u0939\u093f\u0928\u094d\u0926\u0940", "\u0939\u093f\u0928\u094d\u0926\u0940"),
        ("x\u2122 y\u00ae", "x  y "),
        ("\u00bd \u2460", "1 2 1"),
        ("\u0661\u0967\uff11\U0001d7cf", "1111"),
        ("\u4e00\u4e8c", " \u4e00  \u4e8c "),
        ("\u2028\t\n", "   "),
    ],
)
def test_what_is_part_of_a_word_in_other_scripts(text: str, folded: str) -> None:
    """Vowels that are letters stay, marks that are accents go, digits are digits."""
    assert PLAIN.whole(text) == folded
