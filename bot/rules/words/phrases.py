"""What a moderator may block: words, phrases, and words with ``*``.

``*`` stands for any letters and digits inside one word, or for none: ``bad*`` is every word
that begins with "bad" (and "bad" itself), ``*bad*`` every word that has "bad" in it, ``b*d``
every word from b to d. It never reaches into the next word.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from bot.errors import BadWords
from bot.rules.words.alphabets import unspaced
from bot.rules.words.folding import LEET_SIGNS, LOOKS, PLAIN, Fold

MOST_PHRASES: Final = 2_000
LONGEST_PHRASE: Final = 100
"""In characters."""

MOST_INNER_STARS: Final = 100
"""Phrases with ``*`` between letters. Each of them is held against each word of a prompt; all the
others together cost one pass.
"""

START, END = "<", ">"
APART_START, APART_END = "\x02", "\x03"
"""Around the letters of a whole phrase, where its words cannot be told from each other."""

_APART: Final = range(3, 41)
"""Letters of a whole phrase that may be written one by one; nobody writes more."""

_BEHIND: Final = ' "“”'
_IN_FRONT: Final = f"#{_BEHIND}"
_SEVERAL: Final = re.compile("[,;\N{FULLWIDTH COMMA}\N{FULLWIDTH SEMICOLON}\N{IDEOGRAPHIC COMMA}]")
_SIGN: Final = f"[{re.escape(LEET_SIGNS)}]"
_SIGN_FOR_LETTER: Final = re.compile(rf"(?<=[^\W_])(?!!){_SIGN}|{_SIGN}(?=[^\W_])")
_WITHIN: Final = f"[^{START}{END}]"
_SPACES: Final = re.compile(r"\s+")
_STARS: Final = re.compile(r"[*\N{FULLWIDTH ASTERISK}\N{ASTERISK OPERATOR}\N{LOW ASTERISK}]+")


@dataclass(frozen=True, slots=True)
class Phrase:
    """One entry of a block list, made ready.

    ``text`` is what is kept and shown; entries with the same ``key`` are the same. ``patterns``
    are looked for in words written between ``<`` and ``>``, and so are ``inner``, which are regular
    expressions; ``words`` are those of the phrase that have no ``*``.
    """

    text: str
    key: str
    patterns: tuple[str, ...]
    inner: tuple[str, ...]
    words: tuple[str, ...]


@lru_cache(maxsize=8192)
def prepare(text: str) -> Phrase:
    """The phrase that a moderator wrote. Raises ``BadWords`` with what is wrong with it."""
    shown = _shown(text)
    readings = _readings(shown)
    patterns: dict[str, None] = {}
    inner: dict[str, None] = {}
    for words in readings:
        written = START + f"{END}{START}".join(words) + END
        pattern = written.removeprefix(f"{START}*").removesuffix(f"*{END}")
        if "*" in pattern:
            inner["".join(map(_expression, words))] = None
            continue
        patterns[pattern] = None
        together = "".join(words)
        if len(words) > 1 and len(together) in _APART and not unspaced(together):
            patterns[
                (APART_START + together + APART_END)
                .removeprefix(f"{APART_START}*")
                .removesuffix(f"*{APART_END}")
            ] = None
    return Phrase(
        text=shown,
        key=" ".join(readings[0]),
        patterns=tuple(patterns),
        inner=tuple(inner),
        words=tuple(
            word for words in readings for word in words if "*" not in word and len(word) > 1
        ),
    )


def _expression(word: str) -> str:
    """A regular expression for a word with ``*``, which never takes a step back.

    Each piece is sought behind the one before, where it comes first (``(?>`` keeps to that); only
    the last is sought from the end.
    """
    first, *between, last = (
        map(re.escape, word.split("*")) if "*" in word else (re.escape(word), "")
    )
    return (
        START
        + first
        + "".join(f"(?>{_WITHIN}*?{piece})" for piece in between)
        + (f"{_WITHIN}*{last}{END}" if "*" in word else END)
    )


def validate(text: str, existing: Collection[str] = ()) -> str:
    """The phrase as it is kept, if it can join the ``existing`` ones.

    Raises ``BadWords`` with what to change: it is empty, too long, would match nearly
    everything, is there already, or the list is full.
    """
    phrase = prepare(text)
    others = [prepare(other) for other in existing]
    for other in others:
        if other.key == phrase.key:
            raise BadWords(
                f"“{phrase.text}” is on the list already"
                + ("." if other.text == phrase.text else f", as “{other.text}”.")
            )
    check_size(len(others) + 1, sum(bool(each.inner) for each in (*others, phrase)))
    return phrase.text


def check_size(phrases: int, inner: int) -> None:
    """Raises ``BadWords`` if a list may not have so many phrases, or so many of them with ``*``
    between letters.
    """
    if phrases > MOST_PHRASES:
        raise BadWords(f"The list is full: it takes {MOST_PHRASES:,} phrases.")
    if inner > MOST_INNER_STARS:
        raise BadWords(
            f"The list has {MOST_INNER_STARS} phrases with `*` between letters, and takes no more "
            "of them. `*` at the beginning or the end of a phrase is not limited."
        )


def _shown(text: str) -> str:
    """``text`` tidied: composed characters, single spaces, nothing invisible, no quotation marks
    around it, and no ``#`` in front, which begins a remark in files.
    """
    if len(text) > 4 * LONGEST_PHRASE:  # spaces and accents may go; so many do not
        raise _too_long(len(text))
    visible = "".join(filter(_visible, _SPACES.sub(" ", text)))
    shown = unicodedata.normalize("NFC", visible)
    if _SEVERAL.search(shown):
        raise BadWords("One phrase at a time, please, without commas and semicolons.")
    sign = _SIGN_FOR_LETTER.search(shown)
    if sign:
        raise BadWords(
            f"“{sign[0]}” separates words here. Write the letter that it stands for, as prompts "
            "are read both ways, or leave it out."
        )
    shown = _STARS.sub("*", shown.lstrip(_IN_FRONT).rstrip(_BEHIND))
    if len(shown) > LONGEST_PHRASE:
        raise _too_long(len(shown))
    return shown


def _visible(character: str) -> bool:
    # Joiners shape the letters of several languages.
    return character in "\u200c\u200d" or unicodedata.category(character) not in {"Cc", "Cf", "Cs"}


def _too_long(length: int) -> BadWords:
    return BadWords(
        f"A phrase may have {LONGEST_PHRASE} characters; this one has {length}. "
        "The words that matter are enough."
    )


def _readings(shown: str) -> list[list[str]]:
    """The words of the phrase: as they are written first, then as they look."""
    written = _words(shown, PLAIN)
    _check(shown, written)
    looks = _words(shown, LOOKS)
    return [written] if looks == written or not looks else [written, looks]


def _words(shown: str, fold: Fold) -> list[str]:
    words = "*".join(map(fold.whole, shown.split("*"))).split()
    if unspaced(shown):
        words = list(_without_outer_stars(words))
    elif len(words) > 2 and all(len(word) == 1 for word in words) and "*" not in words:
        return ["".join(words)]  # written letter by letter
    return words


def _without_outer_stars(words: list[str]) -> Iterator[str]:
    """A phrase in a language without spaces matches anywhere: ``*`` around it says nothing."""
    last = len(words) - 1
    for place, word in enumerate(words):
        kept = word
        if place == 0 and kept.startswith("*") and (kept == "*" or unspaced(kept[1])):
            kept = kept[1:]
        if place == last and kept.endswith("*") and (kept == "*" or unspaced(kept[-2])):
            kept = kept[:-1]
        if kept:
            yield kept


def _check(shown: str, words: list[str]) -> None:
    """Raises ``BadWords`` for words that match nothing, or nearly everything."""
    if not any(word.strip("*") for word in words):
        raise BadWords(
            "A phrase needs letters or digits"
            + ("; `*` alone would match everything." if "*" in shown else ".")
        )
    for word in words:
        letters = word.replace("*", "")
        if "*" not in word:
            continue
        if unspaced(letters) or (not letters and unspaced(shown)):
            raise BadWords(
                "`*` does not work between letters of a language that is written without spaces. "
                "Block the parts one by one: such phrases match anywhere."
            )
        if not letters:
            raise BadWords(
                "`*` stands for letters inside one word; write it next to a letter, as in `bad*`."
            )
        needed = 3 if word[0] == word[-1] == "*" else 2
        if len(letters) < needed:
            raise BadWords(
                f"`{word}` would match too many words. With `*` {_where(needed)} a word needs "
                f"at least {needed} letters."
            )
    if len(words) == 1 and len(words[0]) == 1 and not unspaced(words[0]):
        raise BadWords(f"“{shown}” is a single letter, which nearly every prompt has somewhere.")


def _where(needed: int) -> str:
    return "on both sides" if needed == 3 else "in it"
