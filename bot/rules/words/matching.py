"""Finding blocked phrases in a text, in time that grows with the text's length only."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

from ahocorasick_rs import AhoCorasick, Implementation, MatchKind

from bot.rules.words.phrases import START, Phrase, check_size, prepare
from bot.rules.words.readings import Reading, readings
from bot.rules.words.stretched import Vocabulary
from bot.rules.words.why import explanation

BUILT_AT_ONCE: Final = 25_000
"""Letters in one automaton: about ten milliseconds of work."""

_MOST_MATCHES: Final = 100
"""More of them help nobody."""


@dataclass(frozen=True, slots=True)
class Match:
    """Where a phrase was found. ``text[start:end]`` are the words of the original text that it
    was found in; ``why`` says in a sentence how they are that phrase.
    """

    phrase: str
    start: int
    end: int
    why: str


class Matcher:
    """A server's block list, ready to be held against texts. Made by ``matcher_for``."""

    def __init__(self, phrases: Iterable[Phrase]) -> None:
        listed = list(phrases)
        check_size(len(listed), sum(bool(phrase.inner) for phrase in listed))
        self._phrases = listed
        self._automata = [
            (_automaton(portion), list(portion.values())) for portion in portions(listed)
        ]
        self._inner, self._inner_owner = _alternatives(
            (expression, number)
            for number, phrase in enumerate(listed)
            for expression in phrase.inner
        )
        self._vocabulary = Vocabulary(word for phrase in listed for word in phrase.words)

    @property
    def phrases(self) -> tuple[str, ...]:
        """What is blocked, in the order in which it was given."""
        return tuple(phrase.text for phrase in self._phrases)

    def allows(self, text: str) -> bool:
        """Whether ``text`` has none of the phrases."""
        return not self._phrases or not any(
            any(automaton.find_matches_as_indexes(line) for automaton, _ in self._automata)
            or self._inner.search(line)
            for line, _ in readings(text, self._vocabulary)
        )

    def find(self, text: str) -> list[Match]:
        """The places of ``text`` that have a phrase, in the order of the text, up to a hundred.

        Where phrases overlap, the one that begins first is named, and of these the longest.
        """
        found: list[Match] = []
        covered: dict[int, bytearray] = {}
        for line, reading in readings(text, self._vocabulary):
            hits = self._hits(line, reading)
            places = reading.source.places() if hits else []
            for number, first, last in hits:
                letters = [place for word in places[first : last + 1] for place in word]
                start, end = min(letters), max(letters) + 1
                cover = covered.setdefault(number, bytearray(len(text)))
                if any(cover[start:end]):
                    continue  # found there already, by an easier reading
                cover[start:end] = bytes([1]) * (end - start)
                shown = self._phrases[number].text
                why = explanation(shown, text, start, end, reading, last > first)
                found.append(Match(shown, start, end, why))
                if len(found) == _MOST_MATCHES:
                    return sorted(found, key=_in_order)
        return sorted(found, key=_in_order)

    def _hits(self, line: str, reading: Reading) -> list[tuple[int, int, int]]:
        """The number of each phrase found, with the first and the last word of the source that
        it is made of.
        """
        found = [
            (owner[pattern], start, end)
            for automaton, owner in self._automata
            for pattern, start, end in automaton.find_matches_as_indexes(line)
        ]
        found += [
            (self._inner_owner[match.lastindex - 1], *match.span())
            for match in self._inner.finditer(line)
            if match.lastindex
        ]
        cells = [0, *accumulate(len(word) + 2 for word in reading.words)] if found else []
        hits = [
            (number, bisect_right(cells, start) - 1, bisect_right(cells, end - 1) - 1)
            for number, start, end in found
        ]
        if reading.groups is None:
            return hits
        return [
            (number, reading.groups[first][0], reading.groups[last][1])
            for number, first, last in hits
        ]


def portions(phrases: list[Phrase]) -> Iterator[dict[str, int]]:
    """The patterns to build one automaton of, each with the number of its phrase.

    Mostly all of them. Nothing else runs while an automaton is built, so a very long list gets
    several.
    """
    portion: dict[str, int] = {}
    seen: set[str] = set()
    size = 0
    for number, phrase in enumerate(phrases):
        for pattern in phrase.patterns:
            if pattern not in seen:
                seen.add(pattern)
                portion[pattern] = number
                size += len(pattern)
        if size > BUILT_AT_ONCE:
            yield portion
            portion, size = {}, 0
    if portion:
        yield portion


def _automaton(patterns: Iterable[str]) -> AhoCorasick:
    # The longest of several at one place: leftmost matches do not overlap, so there are never
    # more of them than letters.
    return AhoCorasick(
        patterns,
        matchkind=MatchKind.LeftmostLongest,
        store_patterns=False,
        implementation=Implementation.ContiguousNFA,
    )


def _alternatives(expressions: Iterable[tuple[str, int]]) -> tuple[re.Pattern[str], list[int]]:
    """One expression for all of these, and the number that each of its groups stands for.

    All begin with ``<``; with the letter behind it in front of those that share it, a word is held
    against those only that begin as it does.
    """
    by_letter: dict[str, list[tuple[str, int]]] = {}
    for expression, number in sorted(expressions):
        letter = expression[len(START) : len(START) + 1]
        by_letter.setdefault(letter if letter.isalnum() else "", []).append((expression, number))
    branches, numbers = [], []
    for letter, same in by_letter.items():
        rest = "|".join(f"({expression[len(START + letter) :]})" for expression, _ in same)
        branches.append(f"{letter}(?:{rest})")
        numbers += [number for _, number in same]
    return re.compile(f"{START}(?:{'|'.join(branches)})" if branches else "(?!)"), numbers


def _in_order(match: Match) -> tuple[int, int]:
    return match.start, -match.end


def matcher_for(phrases: Iterable[str]) -> Matcher:
    """The matcher of a block list. Raises ``BadWords`` for a phrase or a list that
    ``validate`` would not have let in.

    Two thousand long phrases take tenths of a second: call it in a thread. What was worked out
    for a phrase is remembered, so that a list with one more costs little.
    """
    return Matcher(map(prepare, phrases))
