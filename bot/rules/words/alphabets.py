"""Facts about letters that the standard library does not tell directly."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

_UNSPACED: Final = re.compile(
    "["
    "\u0e00-\u0fff"  # Thai, Lao, Tibetan
    "\u1000-\u109f\ua9e0-\ua9ff\uaa60-\uaa7f"  # Burmese
    "\u1780-\u17ff"  # Khmer
    "\u1950-\u19df\u1a20-\u1aaf\uaa80-\uaadf"  # the Tai languages
    "\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3038-\u303b"  # Chinese signs of several kinds
    "\u3040-\u312f\u31a0-\u31bf\u31f0-\u31ff\uff66-\uff9f\U0001aff0-\U0001b16f"  # kana, bopomofo
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"  # Chinese characters
    "]"
)

_NAMED_LATIN: Final = re.compile(
    r"(?:(?:LATIN|MODIFIER LETTER|REGIONAL INDICATOR SYMBOL|NEGATIVE CIRCLED LATIN"
    r"|NEGATIVE SQUARED LATIN|CROSSED NEGATIVE SQUARED LATIN) ?)"
    r"(?:(?:SMALL |CAPITAL )?LETTER (?:SMALL CAPITAL )?|SMALL CAPITAL |SMALL |CAPITAL )"
    r"([A-Z])(?: WITH .+)?"
)

_DROPPED_MARKS: Final = re.compile(
    "["
    "\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"  # of any alphabet
    "\u0483-\u0489\u2de0-\u2dff\ua66f-\ua67d\ua69e\ua69f"  # Cyrillic
    "\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7"  # Hebrew vowels
    "\u0610-\u061a\u0640\u064b-\u065f\u0670\u06d6-\u06dc\u06df-\u06e4\u06e7\u06e8\u06ea-\u06ed"
    "\u08d3-\u08e1\u08e3-\u08ff"  # Arabic vowels, and the stroke that lengthens words
    "\u302a-\u302d"  # Chinese tones
    "]"
)

_BLANK: Final = frozenset("\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u3164\uffa0")
"""Letters and marks by category, which every font leaves blank."""


def unspaced(text: str) -> bool:
    """Whether any letter of ``text`` is of a language that puts no spaces between words."""
    return _UNSPACED.search(text) is not None


def latin_by_name(letter: str) -> str | None:
    """The plain letter that its name says it is a form of: ``ɓ`` is a b with a hook."""
    found = _NAMED_LATIN.fullmatch(unicodedata.name(letter, ""))
    return found[1].lower() if found else None


def dropped(character: str) -> bool:
    """Whether a reader sees nothing of it, or only an accent on the letter before."""
    if _DROPPED_MARKS.match(character) or character in _BLANK:
        return True
    category = unicodedata.category(character)
    return (
        category == "Cf"
        or (category == "Cc" and not character.isspace())
        or "\ufe00" <= character <= "\ufe0f"
        or "\U000e0000" <= character <= "\U000e0fff"
    )
