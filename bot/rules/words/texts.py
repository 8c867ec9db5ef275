"""Which texts of a recipe people wrote, and so are held against the block list."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from bot.model import Recipe
from bot.rules.flags import ASPECT_RATIOS, CAMERAS

_NEGATIVE: Final = "neg"
_NUMBER: Final = r"[+-]?[0-9][0-9.]*"
_VALUES: Final = {
    "ar": "|".join(map(re.escape, ASPECT_RATIOS)),
    "camera": "|".join(sorted(CAMERAS, key=len, reverse=True)),
    "motion": _NUMBER,
    "fps": _NUMBER,
    "gs": _NUMBER,
    "seed": _NUMBER,
}
_FLAG: Final = re.compile(
    r"(?<!\S)-(?:"
    rf"(?P<{_NEGATIVE}>neg)(?!\S)"
    + "".join(rf"|{name}(?:\s+(?:{value}))?(?!\S)" for name, value in _VALUES.items())
    + ")",
    re.IGNORECASE,
)
"""A flag of Pika's with its value, if that is one which Pika takes. Any other value is text that
somebody wrote.
"""


@dataclass(frozen=True, slots=True)
class Text:
    """Something that a member wrote; ``option`` names the command's option it belongs to."""

    option: str
    text: str


def texts_of(recipe: Recipe) -> tuple[Text, ...]:
    """The prompt without its flags, what to avoid, and the message to hide; none is empty.

    An edited recipe is a recipe: hold it against the list as any other.
    """
    prompt: list[str] = []
    negative: list[str] = []
    into, at = prompt, 0
    for flag in _FLAG.finditer(recipe.prompt):
        into.append(recipe.prompt[at : flag.start()])
        into, at = (negative if flag[_NEGATIVE] else prompt), flag.end()
    into.append(recipe.prompt[at:])
    found = (
        ("prompt", _joined(prompt)),
        ("negative", _joined(negative).strip('"')),
        ("message", recipe.message or ""),
    )
    return tuple(Text(option, text) for option, text in found if text)


def _joined(pieces: list[str]) -> str:
    return " ".join(filter(None, map(str.strip, pieces)))
