"""Saying in words how a text is a phrase, for somebody who has never heard of Unicode."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from typing import Final

from bot.rules.words.readings import Reading

_ALPHABETS: Final = frozenset(
    {"CYRILLIC", "GREEK", "ARMENIAN", "HEBREW", "ARABIC", "CHEROKEE", "COPTIC", "GEORGIAN", "LISU"}
)
_MOST_NOTES: Final = 6


def explanation(
    phrase: str, text: str, start: int, end: int, reading: Reading, several: bool
) -> str:
    """A sentence about ``text[start:end]``, which ``reading`` found to be ``phrase``."""
    pairs = [(character, character) for character in text[start:end]]
    if reading.source.order is None:  # the same places, with some letters already replaced
        pairs = list(zip(text[start:end], reading.source.text[start:end], strict=True))
    notes = list(dict.fromkeys(_notes(phrase, pairs, reading, several)))
    if len(notes) > _MOST_NOTES:
        notes[_MOST_NOTES:] = ["and so on"]
    shown = "".join(filter(_can_be_shown, text[start:end]))
    return f"“{shown}” matches “{phrase}”" + (f" ({'; '.join(notes)})" if notes else "")


def _notes(
    phrase: str, pairs: list[tuple[str, str]], reading: Reading, several: bool
) -> Iterator[str]:
    if "*" in phrase:
        yield "`*` stands for any letters"
    if reading.source.order is not None:
        yield "turned around by a right-to-left override"
    if reading.groups is not None and several:
        yield "letters written apart"
    if reading.stretched:
        yield "repeated letters taken for fewer"
    for character, instead in pairs:
        if character != instead:
            yield f"{character} read as {instead}"
        else:
            yield from _note(character, reading)


def _note(character: str, reading: Reading) -> Iterator[str]:
    read = reading.source.fold[character].strip()
    small = character.lower()
    if not read:
        category = unicodedata.category(character)
        if category in {"Cf", "Cc"} or "\ufe00" <= character <= "\ufe0f":
            yield "invisible characters left out"
        elif category[0] == "M":
            yield "accents left out"
        return
    letter = reading.letters.get(ord(read)) if len(read) == 1 else None
    if letter:
        yield f"{character} read as {letter}"
    elif read not in {small, small.casefold()} and unicodedata.normalize("NFD", small) != read:
        alphabet = unicodedata.name(character, "").split(" ")[0]
        of = f"{alphabet.title()} " if alphabet in _ALPHABETS else ""
        yield f"{of}{character} read as {read}"


def _can_be_shown(character: str) -> bool:
    return unicodedata.category(character) not in {"Cc", "Cf", "Cs"}
