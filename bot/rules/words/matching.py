"""Finding blocked phrases in a text, in time that grows with the text's length only."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

from ahocorasick_rs import AhoCorasick, Implementation, MatchKind

from bot.rules.words.listed import Then
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
    was found in; ``why`` says in a sentence how they are that phrase, ``then`` what becomes of a
    request that has them.
    """

    phrase: str
    start: int
    end: int
    why: str
    then: Then = Then.REFUSE


class Matcher:
    """A server's list, ready to be held against texts. Made by ``matcher_for``.

    Both kinds of phrases are looked for in the same readings of a text, each kind by itself: a
    longer phrase that lets a video be looked at must not hide a shorter one that refuses.
    """

    def __init__(self, refuse: Iterable[Phrase], review: Iterable[Phrase] = ()) -> None:
        kinds = [_Kind(Then.REFUSE, list(refuse)), _Kind(Then.REVIEW, list(review))]
        listed = [phrase for kind in kinds for phrase in kind.phrases]
        check_size(len(listed), sum(bool(phrase.inner) for phrase in listed))
        self._kinds = [kind for kind in kinds if kind.phrases]
        self._vocabulary = Vocabulary(word for phrase in listed for word in phrase.words)

    @property
    def phrases(self) -> tuple[str, ...]:
        """What is listed, first what refuses, each in the order in which it was given."""
        return tuple(phrase.text for kind in self._kinds for phrase in kind.phrases)

    def verdict(self, text: str) -> Then | None:
        """What becomes of a request with this text: a phrase that refuses wins; ``None`` where
        there is no phrase at all.
        """
        if not self._kinds:
            return None
        found = None
        for line, _ in readings(text, self._vocabulary):
            for kind in self._kinds:
                if kind.is_in(line):
                    if kind.then is Then.REFUSE:
                        return kind.then
                    found = kind.then
        return found

    def allows(self, text: str) -> bool:
        """Whether ``text`` has none of the phrases that refuse."""
        return self.verdict(text) is not Then.REFUSE

    def find(self, text: str, then: Then | None = None) -> list[Match]:
        """The places of ``text`` that have a phrase, or one of this kind, in the order of the
        text, up to a hundred.

        Where phrases of a kind overlap, the one that begins first is named, and of these the
        longest.
        """
        found: list[Match] = []
        kinds = [kind for kind in self._kinds if then in {None, kind.then}]
        covered: dict[Phrase, bytearray] = {}
        for line, reading in readings(text, self._vocabulary):
            hits = [(kind, *hit) for kind in kinds for hit in kind.hits(line, reading)]
            places = reading.source.places() if hits else []
            for kind, phrase, first, last in hits:
                letters = [place for word in places[first : last + 1] for place in word]
                start, end = min(letters), max(letters) + 1
                cover = covered.setdefault(phrase, bytearray(len(text)))
                if any(cover[start:end]):
                    continue  # found there already, by an easier reading
                cover[start:end] = bytes([1]) * (end - start)
                why = explanation(phrase.text, text, start, end, reading, last > first)
                found.append(Match(phrase.text, start, end, why, kind.then))
                if len(found) == _MOST_MATCHES:
                    return sorted(found, key=_in_order)
        return sorted(found, key=_in_order)


class _Kind:
    """Phrases of which the same becomes, ready to be looked for."""

    def __init__(self, then: Then, phrases: list[Phrase]) -> None:
        self.then = then
        self.phrases = phrases
        self._automata = [
            (_automaton(portion), list(portion.values())) for portion in portions(phrases)
        ]
        self._inner, self._inner_owner = _alternatives(
            (expression, number)
            for number, phrase in enumerate(phrases)
            for expression in phrase.inner
        )

    def is_in(self, line: str) -> bool:
        """Whether a line has one of them."""
        return (
            any(automaton.find_matches_as_indexes(line) for automaton, _ in self._automata)
            or self._inner.search(line) is not None
        )

    def hits(self, line: str, reading: Reading) -> list[tuple[Phrase, int, int]]:
        """Each phrase found, with the first and the last word of the source that it is made of."""
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
            (self.phrases[number], bisect_right(cells, start) - 1, bisect_right(cells, end - 1) - 1)
            for number, start, end in found
        ]
        if reading.groups is None:
            return hits
        return [
            (phrase, reading.groups[first][0], reading.groups[last][1])
            for phrase, first, last in hits
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


def matcher_for(refuse: Iterable[str], review: Iterable[str] = ()) -> Matcher:
    """The matcher of a list: phrases that refuse, and phrases that let a video be looked at.
    Raises ``BadWords`` for a phrase or a list that ``validate`` would not have let in.

    Two thousand long phrases take tenths of a second: call it in a thread. What was worked out
    for a phrase is remembered, so that a list with one more costs little.
    """
    return Matcher(map(prepare, refuse), map(prepare, review))
