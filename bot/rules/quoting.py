"""What people wrote, inside of what the bot says."""

from __future__ import annotations

import re
from typing import Final

_BREAKS: Final = re.compile(r"[\r\n]+")


def code(text: str, most: int) -> str:
    """``text`` as inline code of at most ``most`` characters; nothing in it works as markup."""
    line = _BREAKS.sub(" ", text)
    cut = line if len(line) <= most else line[: most - 1].rstrip() + "…"
    # A look-alike for the one character that would end the code; nothing at all would begin one.
    return f"`{cut.replace('`', 'ˋ') or ' '}`"
