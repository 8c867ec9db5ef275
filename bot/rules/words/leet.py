"""Digits and signs that stand for letters: ``sh1t``, ``a$$``.

Some stand for one of two letters. Trying each of them at each place would double the work with
every digit, so a text is read twice: once with the first, once with the second letter everywhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

_BOTH: Final = {
    "0": "o",
    "2": "z",
    "3": "e",
    "4": "a",
    "5": "s",
    "7": "t",
    "8": "b",
    "9": "g",
    "@": "a",
    "$": "s",
    "+": "t",
    "\N{EURO SIGN}": "e",
    "\N{CENT SIGN}": "c",
    "\N{POUND SIGN}": "l",
}
_TABLES: Final = (
    str.maketrans(_BOTH | {"1": "i", "!": "i", "|": "i", "6": "g"}),
    str.maketrans(_BOTH | {"1": "l", "!": "l", "|": "l", "6": "b"}),
)
_OUTER: Final = "!|+"
"""Signs that are letters between letters only; at the end of a word they are what they are."""

_SHORTEST: Final = 3
"""Shorter words with digits are measures more often than anything else: 4k, 3d."""

_CAPITAL_I: Final = re.compile(r"(?<=[a-z])I+")


def capitals_as_l(text: str) -> str:
    """``text`` with each capital I behind a small letter as an l, which it looks like: kiII."""
    return _CAPITAL_I.sub(lambda found: "l" * len(found[0]), text)


def in_letters(words: list[str]) -> Iterator[tuple[dict[int, str], list[str]]]:
    """The words with each digit and sign as the letter that it stands for, if there are any,
    and what stood for what.
    """
    others = {word for word in words if not word.isalpha()}
    for table in _TABLES if others else ():
        read = {word: _in_letters(word, table) for word in others}
        if any(word != letters for word, letters in read.items()):
            yield table, [read.get(word, word) for word in words]


def _in_letters(word: str, table: dict[int, str]) -> str:
    inner = word.strip(_OUTER)
    if len(inner) < _SHORTEST or not any(map(str.isalpha, inner)):
        return word
    return inner.translate(table)
