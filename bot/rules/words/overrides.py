"""Text that a control character turns around: U+202E shows what follows from right to left."""

from __future__ import annotations

import re
from typing import Final

_OVERRIDE: Final = "\u202e"
_TURNED: Final = re.compile("\u202e[^\u202c\u2028\u2029\r\n]*")
"""From the override to its end: the character for that, or the line's end."""


def as_displayed(text: str) -> list[int] | None:
    """The places of ``text`` in the order in which they are seen, if that is another one."""
    if _OVERRIDE not in text:
        return None
    order = list(range(len(text)))
    for found in _TURNED.finditer(text):
        start, end = found.span()
        order[start:end] = reversed(order[start:end])
    return order
