"""The flags after a prompt, read as the Pika bot reads them.

Flags stand after the prompt's words, separated by spaces (pikalabs.org,
pika-bot-optional-parameters). Every value runs to the next flag. `-w` and `-size` are known to
the two encrypt commands only: the documents show them in a sample of /encrypt_text and show
/create refusing `size` (useapi.net docs, post-pika-encrypt_text and post-pika-create, 422).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

_TOKEN = re.compile(r'"[^"]*"|\S+')
_FLAG = re.compile(r"--?([A-Za-z]\w*)\Z")
_RATIO = re.compile(r"(\d{1,4}):(\d{1,4})\Z")
_NUMBER = re.compile(r"\d+(\.\d+)?\Z")

COMMON: Final = frozenset({"ar", "motion", "camera", "fps", "gs", "neg", "seed"})
ENCRYPT: Final = COMMON | {"w", "size"}

_PANS: Final = {"up": "down", "down": "up", "left": "right", "right": "left"}
_TURNS: Final = frozenset({"clockwise", "counterclockwise", "anticlockwise", "cw", "ccw", "acw"})
_MAX_SEED: Final = 2**63 - 1
# Sources differ for -motion (0..4 or 1..4) and -gs (8..24 or 5..25): the wider one is taken.
_RANGES: Final = {"motion": (0, 4), "fps": (8, 24), "gs": (5, 25), "seed": (0, _MAX_SEED)}


@dataclass(frozen=True, slots=True)
class Flags:
    """What a prompt's flags say.

    `words` is the prompt without them, `values` the text of each known flag, `unknown` and
    `invalid` the names that the bot refuses.
    """

    words: str
    values: dict[str, str] = field(default_factory=dict)
    unknown: tuple[str, ...] = ()
    invalid: tuple[str, ...] = ()

    @property
    def ratio(self) -> tuple[int, int] | None:
        """Width and height of `-ar`, or None."""
        found = _RATIO.match(self.values.get("ar", ""))
        return (int(found[1]), int(found[2])) if found else None

    def number(self, name: str) -> int | None:
        """Return the value of a whole-number flag, or None when it was not given."""
        value = self.values.get(name)
        return int(value) if value is not None else None

    @property
    def refusal(self) -> str | None:
        """The bot's `errorDetails`, or None when all flags are fine.

        The text for unknown flags is documented; several names joined by a comma, and the text
        for a known flag with an impossible value, are assumptions.
        """
        if self.unknown:
            return "Unrecognized parameter(s): " + ", ".join(f"`{name}`" for name in self.unknown)
        if self.invalid:
            return "Invalid value of parameter(s): " + ", ".join(f"`{n}`" for n in self.invalid)
        return None


def parse(prompt: str, known: frozenset[str]) -> Flags:
    """Split a prompt into words and flags. Never raises: faults are listed in the result."""
    words: list[str] = []
    given: dict[str, list[str]] = {}
    repeated: list[str] = []
    into = words
    for token in _TOKEN.findall(prompt):
        flag = _FLAG.match(token)
        if flag is None:
            into.append(token)
            continue
        if flag[1] in given:
            repeated.append(flag[1])
        into = given[flag[1]] = []
    unknown = tuple(name for name in given if name not in known)
    values = {name: " ".join(given[name]) for name in given if name in known}
    invalid = tuple(n for n, text in values.items() if n in repeated or not _valid(n, text))
    if invalid:
        values = {name: text for name, text in values.items() if name not in invalid}
    return Flags(" ".join(words), values, unknown, invalid)


def _valid(name: str, text: str) -> bool:
    if name == "ar":
        found = _RATIO.match(text)
        return found is not None and int(found[1]) > 0 and int(found[2]) > 0
    if name == "camera":
        return _valid_camera(text.split())
    if name == "neg":
        return bool(text.strip('" '))
    if name in _RANGES:
        low, high = _RANGES[name]
        return text.isascii() and text.isdigit() and low <= int(text) <= high
    return _NUMBER.match(text) is not None  # -w and -size: ranges are not documented


def _valid_camera(words: list[str]) -> bool:
    """Say whether this is one zoom, one rotation, or a pan in one or two directions."""
    match words:
        case ["zoom", "in" | "out"]:
            return True
        case ["rotate", turn]:
            return turn in _TURNS
        case ["pan", one]:
            return one in _PANS
        case ["pan", one, two]:
            return one in _PANS and two in _PANS and two not in {one, _PANS[one]}
        case _:
            return False
