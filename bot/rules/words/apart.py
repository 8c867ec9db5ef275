"""Letters written apart: ``b a d``, ``b.a.d``, ``b - a - d``.

Three or more single letters in a row are read as one word. If not all gaps are the same, they are
also read as words between the unusual gaps, and letters with the same gaps as one word. As people
put "a" and "I" in front of such words, they are also read without a vowel at either end.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import mode
from typing import Final

from bot.rules.words.phrases import APART_END, APART_START

FEWEST: Final = 3
"""Single letters in a row that are read as a word. Two stand side by side too easily."""

_ROW: Final = re.compile(f"1{{{FEWEST},}}")
_WORDS_OF_ONE_LETTER: Final = "aeiouy"
_LAST_ALPHABET: Final = "\u0900"
"""Signs of scripts beyond are syllables or words, which stand alone without being letters."""

Group = tuple[int, int]
"""The first and the last of the words that were read as one."""


@dataclass(frozen=True, slots=True)
class Joined:
    """Words of which some were written in single letters; ``groups`` tells which they were."""

    words: list[str]
    groups: list[Group]


def joined(words: list[str], gaps: list[int]) -> Iterator[Joined]:
    """How else ``words`` may be read. ``gaps[i]`` is how far the word ``i + 1`` stands from the
    one before.
    """
    rows = [found.span() for found in _ROW.finditer(_marked(words))]
    if rows:
        yield _in_place(words, [[(start, end)] for start, end in rows])
        by_gaps = [_by_gaps(start, end, gaps) for start, end in rows]
        if any(len(stretches) > 1 for stretches in by_gaps):
            yield _in_place(words, by_gaps)
        yield _alone(words, [*rows, *(each for row in rows for each in _even(*row, gaps))])


def has_rows(words: list[str]) -> bool:
    """Whether ``joined`` has anything to say, which is quick to find out."""
    return _ROW.search(_marked(words)) is not None


def _marked(words: list[str]) -> str:
    """A 1 for each single letter, a 0 for each other word."""
    return "".join(["1" if len(word) == 1 and word < _LAST_ALPHABET else "0" for word in words])


def _by_gaps(start: int, end: int, gaps: list[int]) -> list[Group]:
    """The row in stretches, ended by gaps that are not the usual one."""
    usual = mode(sorted(gaps[start : end - 1]))  # of equally frequent ones the narrowest
    stretches = []
    for place in range(start, end - 1):
        if gaps[place] != usual:
            stretches.append((start, place + 1))
            start = place + 1
    return [*stretches, (start, end)]


def _even(start: int, end: int, gaps: list[int]) -> Iterator[Group]:
    """The longest parts of the row in which all gaps are the same."""
    first = start
    for place in range(start, end - 1):
        last = place == end - 2
        if last or gaps[place + 1] != gaps[place]:
            if place > first:
                yield first, place + 2
            first = place + 1


def _in_place(words: list[str], rows: list[list[Group]]) -> Joined:
    """All words, with each stretch as one of them."""
    found, groups, at = [], [], 0
    for stretches in rows:
        for start, end in stretches:
            found += [*words[at:start], "".join(words[start:end])]
            groups += [*((place, place) for place in range(at, start)), (start, end - 1)]
            at = end
    groups += [(place, place) for place in range(at, len(words))]
    return Joined([*found, *words[at:]], groups)


def _alone(words: list[str], rows: list[Group]) -> Joined:
    """Each row by itself, also without its outer vowels, and marked as a whole phrase of which
    the words cannot be told apart. Empty words stand between them.
    """
    found, groups = [], []
    for start, end in dict.fromkeys(rows):
        for first, last in _trimmed(words, start, end):
            whole = "".join(words[first:last])
            found += [whole, "", f"{APART_START}{whole}{APART_END}", ""]
            groups += [(first, last - 1)] * 4
    return Joined(found, groups)


def _trimmed(words: list[str], start: int, end: int) -> Iterator[Group]:
    firsts = (start, start + 1) if words[start] in _WORDS_OF_ONE_LETTER else (start,)
    lasts = (end, end - 1) if words[end - 1] in _WORDS_OF_ONE_LETTER else (end,)
    for first in firsts:
        for last in lasts:
            if last - first > 1:
                yield first, last
