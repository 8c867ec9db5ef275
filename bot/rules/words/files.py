"""A list as a text file: one phrase a line, lines that begin with ``#`` are remarks.

Behind a phrase may stand, after a comma, what becomes of a request that has it: ``review``, or
``refuse``, which also goes without saying. No phrase has a comma, so that files from before there
was anything else than refusing are read as they were.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from bot.errors import BadWords
from bot.rules.words.listed import Listed, Then
from bot.rules.words.phrases import MOST_PHRASES, check_size, prepare

LARGEST_FILE: Final = 1024 * 1024
"""In bytes: two thousand phrases of a hundred characters of any language, twice over."""

MOST_LINES: Final = 2 * MOST_PHRASES

_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_HEADER: Final = (
    "# Blocked words and phrases, one a line. * at the beginning, in the middle or at the end\n"
    "# of a word stands for any letters. Lines that begin with # are remarks.\n"
    "# With “, review” behind it a phrase is not blocked: its videos wait for a moderator.\n"
)
_AROUND: Final = ' "“”'
_SHOWN: Final = 80
"""Characters of a line that cannot be used which are repeated to the person."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """A line that cannot be used. ``number`` counts from 1; ``why`` is for people."""

    number: int
    line: str
    why: str


@dataclass(frozen=True, slots=True)
class Imported:
    """What a file holds: entries as they will be kept, and lines that cannot be used."""

    entries: tuple[Listed, ...]
    rejected: tuple[Rejected, ...]

    @property
    def phrases(self) -> tuple[str, ...]:
        """The phrases alone."""
        return tuple(entry.phrase for entry in self.entries)


def parse(content: bytes) -> Imported:
    """The entries of a file. Raises ``BadWords`` if it is no list at all: too large, no text.

    A phrase may stand between quotation marks, as spreadsheets write them, and only one may stand
    on a line. Of phrases that are the same the first is taken.
    """
    entries: list[Listed] = []
    rejected: list[Rejected] = []
    first_seen: dict[str, int] = {}
    inner = 0
    for number, line in _lines(content):
        text, then = _read(line)
        try:
            phrase = prepare(text)
            if phrase.key in first_seen:
                raise BadWords(f"It is the same phrase as in line {first_seen[phrase.key]}.")
            inner += bool(phrase.inner)
            check_size(len(entries) + 1, inner)
        except BadWords as error:
            shown = line if len(line) <= _SHOWN else f"{line[:_SHOWN]}…"
            rejected.append(Rejected(number, shown, str(error)))
        else:
            first_seen[phrase.key] = number
            entries.append(Listed(phrase.text, then))
    return Imported(tuple(entries), tuple(rejected))


def render(entries: Iterable[Listed]) -> bytes:
    """A file that ``parse`` reads back as these entries: UTF-8, one a line."""
    return (_HEADER + "".join(map(_written, entries))).encode()


def _written(entry: Listed) -> str:
    then = "" if entry.then is Then.REFUSE else f", {entry.then}"
    return f"{entry.phrase}{then}\n"


def _read(line: str) -> tuple[str, Then]:
    """The phrase of a line, and what becomes of a request that has it."""
    comma = max(line.rfind(","), line.rfind(";"))
    word = line[comma + 1 :].strip(_AROUND).lower()
    known = comma >= 0 and word in set(Then)
    return (line[:comma], Then(word)) if known else (line, Then.REFUSE)


def _lines(content: bytes) -> Iterator[tuple[int, str]]:
    lines = _decoded(content).splitlines()
    if len(lines) > MOST_LINES:
        raise BadWords(f"The file has {len(lines):,} lines; at most {MOST_LINES:,} are read.")
    for number, line in enumerate(lines, start=1):
        phrase = line.strip()
        if phrase.startswith("#"):
            continue
        phrase = phrase.rstrip(",; ")
        if phrase:
            yield number, phrase


def _decoded(content: bytes) -> str:
    if len(content) > LARGEST_FILE:
        raise BadWords(
            f"The file has {len(content) / 1024:,.0f} KiB; at most {LARGEST_FILE // 1024:,} are "
            "read."
        )
    encoding, mark = next(
        ((name, mark) for mark, name in _MARKS if content.startswith(mark)), ("utf-8", b"")
    )
    try:
        text = content[len(mark) :].decode(encoding)
    except UnicodeDecodeError:
        text = "\x00"
    if "\x00" in text:
        raise BadWords("The file is no text that I can read. Save it as plain text in UTF-8.")
    return text
