"""All the ways in which somebody may read a text, a fixed number of them whatever the text.

A reading is a list of words; most texts have one. Each kind of disguise that a text shows signs
of (other alphabets, digits in words, single letters in a row, runs of a letter) adds readings,
and none is made of one that has not been made before: the work grows with the text's length only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Final

from bot.rules.words import apart, leet
from bot.rules.words.folding import LEET, LOOKS, PLAIN, Fold
from bot.rules.words.overrides import as_displayed
from bot.rules.words.phrases import END, START
from bot.rules.words.stretched import Vocabulary, has_runs

_WORD: Final = re.compile("[^ ]+")

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Source:
    """A text as one fold sees it. ``order`` is where its characters stand in the original."""

    text: str
    fold: Fold
    order: list[int] | None = None

    def folded_spans(self) -> list[Span]:
        """Where its words stand in the folded text."""
        return [found.span() for found in _WORD.finditer(self.fold.whole(self.text))]

    def gaps(self) -> list[int]:
        """How many spaces there are between its words, in the folded text."""
        return [after[0] - before[1] for before, after in pairwise(self.folded_spans())]

    def places(self) -> list[list[int]]:
        """For each word the places of its letters in the original text."""
        origin = [
            place
            for place, part in zip(
                self.order or range(len(self.text)), self.fold.parts(self.text), strict=True
            )
            for _ in part
        ]
        return [origin[start:end] for start, end in self.folded_spans()]


@dataclass(frozen=True, slots=True)
class Reading:
    """The words that somebody reads. ``groups`` tells of each which words of the source it is
    made of, where they are not the same; ``letters`` how digits and signs were read;
    ``stretched`` that runs of a letter were taken for fewer.
    """

    words: list[str]
    source: Source
    groups: list[apart.Group] | None = None
    letters: dict[int, str] = field(default_factory=dict)
    stretched: bool = False

    @property
    def line(self) -> str:
        """The words, each between ``<`` and ``>``."""
        return START + f"{END}{START}".join(self.words) + END


def readings(text: str, vocabulary: Vocabulary) -> Iterator[tuple[str, Reading]]:
    """Every reading of ``text``, with its line; no line comes twice."""
    seen: set[str] = set()
    for source in _sources(text):
        words = source.fold.whole(source.text).split()
        for reading in _with_letters_joined(Reading(words, source)):
            for read in _with_signs_as_letters(reading):
                line = read.line
                if line in seen:
                    continue
                seen.add(line)
                yield line, read
                if has_runs(line):
                    for instead in vocabulary.readings(read.words):
                        shorter = replace(read, words=instead, stretched=True)
                        if shorter.line not in seen:
                            seen.add(shorter.line)
                            yield shorter.line, shorter


def _sources(text: str) -> Iterator[Source]:
    yield from _folded(text, None)
    order = as_displayed(text)
    if order is not None:
        yield from _folded("".join(text[place] for place in order), order)


def _folded(text: str, order: list[int] | None) -> Iterator[Source]:
    characters = set(text)
    yield Source(text, PLAIN, order)
    if any(LOOKS[character] != PLAIN[character] for character in characters):
        yield Source(text, LOOKS, order)
    if any(
        LEET[character] != LOOKS[character] or not LEET[character].isalpha()
        for character in characters
    ):
        yield Source(text, LEET, order)
    with_l = leet.capitals_as_l(text)
    if with_l != text:
        yield Source(with_l, LEET, order)


def _with_letters_joined(reading: Reading) -> Iterator[Reading]:
    yield reading
    if apart.has_rows(reading.words):
        for other in apart.joined(reading.words, reading.source.gaps()):
            yield replace(reading, words=other.words, groups=other.groups)


def _with_signs_as_letters(reading: Reading) -> Iterator[Reading]:
    yield reading
    if reading.source.fold is LEET:
        for table, words in leet.in_letters(reading.words):
            yield replace(reading, words=words, letters=table)
