"""Letters said again and again: ``baaaad``.

A run of three or more of a letter may stand for any number of it, so a word with such a run is
read as the blocked word that differs from it in repetitions only. Two of a letter are two:
otherwise "good" would be "god".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

_REPEATED: Final = re.compile(r"([^\W\d_])\1+")
_RUN: Final = re.compile(r"([^\W\d_])\1{2,}")


def has_runs(line: str) -> bool:
    """Whether any letter stands there three times in a row."""
    return _RUN.search(line) is not None


class Vocabulary:
    """The words of a block list, found by what they are without repetitions."""

    def __init__(self, words: Iterable[str]) -> None:
        self._shortest: dict[str, str] = {}
        self._longest: dict[str, str] = {}
        for word in sorted(words, key=len):
            bare = _bare(word)
            self._shortest.setdefault(bare, word)
            self._longest[bare] = word

    def readings(self, words: list[str]) -> Iterator[list[str]]:
        """The words with each that has a run read as the one of this list that it may stand for.

        Where the list has several, once as the shortest and once as the longest. Where it has
        none, as what ``*`` may stand for: with each run as one letter, and as two.
        """
        stretched = {word: _bare(word) for word in set(words) if has_runs(word)}
        for known, fewer in ((self._shortest, r"\1"), (self._longest, r"\1\1")):
            read = {
                word: known.get(bare) or _RUN.sub(fewer, word) for word, bare in stretched.items()
            }
            yield [read.get(word, word) for word in words]


def _bare(word: str) -> str:
    return _REPEATED.sub(r"\1", word)
