"""From characters to what a reader takes them for.

A fold maps each character to small letters and digits, to nothing (invisible characters,
accents), or to a space (all that separates words). A letter of a language without spaces is
folded to a word of its own. There are three folds:

``PLAIN``   the same letters: case, width and accents do not count, alphabets do
``LOOKS``   the letters that they look like: Cyrillic ``а`` is an a
``LEET``    as ``LOOKS``, with signs that stand for letters kept (``@``, ``$`` …, see ``leet``),
            and letters that only somebody who wants to read Latin takes for Latin
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Final

from bot.rules.words.alphabets import dropped, latin_by_name, unspaced
from bot.rules.words.lookalikes import SEEN_AS

LEET_SIGNS: Final = "@$!|+\N{EURO SIGN}\N{CENT SIGN}\N{POUND SIGN}"
"""Signs that stand for letters inside words."""

_LOOKS: Final = {letter: look for look, letters in SEEN_AS.items() for letter in letters} | {
    # Latin letters of which neither Unicode's list nor their names tell what they look like.
    "\N{LATIN SMALL LETTER KRA}": "k",
    "\N{LATIN SMALL LETTER OPEN E}": "e",
    "\N{LATIN SMALL LETTER SCHWA}": "e",
    "\N{LATIN CAPITAL LETTER SCHWA}": "e",
    "\N{LATIN SMALL LETTER TURNED E}": "e",
    "\N{LATIN CAPITAL LETTER REVERSED E}": "e",
}
_FORCED: Final = {
    "\N{CYRILLIC SMALL LETTER DE}": "a",
    "\N{CYRILLIC SMALL LETTER BE}": "b",
    "\N{CYRILLIC SMALL LETTER UKRAINIAN IE}": "e",
    "\N{CYRILLIC SMALL LETTER E}": "e",
    "\N{CYRILLIC SMALL LETTER ZE}": "e",
    "\N{CYRILLIC SMALL LETTER I}": "n",
    "\N{CYRILLIC SMALL LETTER SHORT I}": "n",
    "\N{CYRILLIC SMALL LETTER PE}": "n",
    "\N{CYRILLIC SMALL LETTER TSE}": "u",
    "\N{CYRILLIC SMALL LETTER SHA}": "w",
    "\N{CYRILLIC SMALL LETTER SHCHA}": "w",
    "\N{CYRILLIC SMALL LETTER YA}": "r",
    "\N{GREEK SMALL LETTER OMEGA}": "w",
    "\N{GREEK SMALL LETTER LAMDA}": "a",
}
"""How people who write English in other alphabets' letters use them."""

_REMEMBERED: Final = 8192
"""Characters of which a fold keeps the answer; there are a million, and few are in use."""


_MAY_BE_MARKS: Final = re.compile("[\u0900-\U0010ffff]")
"""Before these no mark is a vowel that counts; all are dropped."""


class Fold(dict[str, str]):
    """Looks each character up in its table, and works it out the first time."""

    def __init__(self, tables: tuple[Mapping[str, str], ...] = (), kept: str = "") -> None:
        super().__init__()
        self._tables = tables
        self._kept = kept
        self._ascii = str.maketrans({chr(code): self[chr(code)] for code in range(32, 127)})

    def __missing__(self, character: str) -> str:
        folded = self._work_out(character)
        if len(self) < _REMEMBERED:
            self[character] = folded
        return folded

    def parts(self, text: str) -> list[str]:
        """What each character of ``text`` is folded to; joined, they are the folded text."""
        found = list(map(self.__getitem__, text))
        if _MAY_BE_MARKS.search("".join(found)):
            _settle_marks(found)
        return found

    def whole(self, text: str) -> str:
        """The folded text."""
        if text.isascii() and text.isprintable():
            return text.translate(self._ascii)
        return "".join(self.parts(text))

    def _work_out(self, character: str) -> str:
        if character in self._kept:
            return character
        if dropped(character):
            return ""
        if character in "\N{TRADE MARK SIGN}\N{SERVICE MARK}":
            return " "  # behind words, of which they are no part
        for table in self._tables:
            look = table.get(character) or table.get(character.lower())
            if look is not None:
                return look
        decomposed = unicodedata.normalize("NFKD", character)
        if unspaced(character) or unspaced(decomposed[0]):
            return self._own_word(character, decomposed)
        if decomposed != character:
            return "".join(map(self._again, decomposed))
        if self._tables:
            named = latin_by_name(character)
            if named is not None:
                return named
        return "".join(map(_letter, unicodedata.normalize("NFKD", character.casefold())))

    def _again(self, character: str) -> str:
        return "" if dropped(character) else self[character]

    def _own_word(self, character: str, decomposed: str) -> str:
        if len(decomposed) == 1 and unicodedata.category(decomposed)[0] == "M":
            return decomposed
        return f" {decomposed} " if unicodedata.category(character)[0] in "LN" else " "


def _settle_marks(parts: list[str]) -> None:
    """Put each mark where it belongs: in a language without spaces to the letter before it, and
    nowhere if that letter is of an alphabet that has no such marks.
    """
    last = -1  # where the last part stands that is not empty
    for place, part in enumerate(parts):
        if not part:
            continue
        if part[0] >= "\u0900" and unicodedata.category(part[0])[0] == "M":
            before = parts[last] if last >= 0 else " "
            if unspaced(part[0]):
                belongs = len(before) > 1 and before[-1] == " "
                if belongs:
                    parts[last] = before[:-1]
                parts[place] = f"{part} " if belongs else ""
            elif before[-1] < "\u0530":
                parts[place] = ""
        if parts[place]:
            last = place


def _letter(character: str) -> str:
    """The character itself if it is part of a word, without the forms that digits have."""
    if dropped(character):
        return ""
    digit = unicodedata.decimal(character, None)
    if digit is not None:
        return str(digit)
    return character if unicodedata.category(character)[0] in "LMN" else " "


PLAIN: Final = Fold()
LOOKS: Final = Fold((_LOOKS,))
LEET: Final = Fold((_LOOKS, _FORCED), kept=LEET_SIGNS)
