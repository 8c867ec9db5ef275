"""Takes secrets out of sentences that came from outside."""

from __future__ import annotations

import re
from typing import Final

from bot.pika.errors import DETAIL_LIMIT

HIDDEN: Final = "[hidden]"

SHORTEST: Final = 6
"""Characters below which a text is no secret: hiding it would tear up every sentence."""

_ADDRESS: Final = re.compile(r"(?i)\b(https?://)[^\s\"'<>]+")
_BEARER: Final = re.compile(r"(?i)\bbearer\s+[^\s\"',;]+")
_DISCORD_TOKEN: Final = re.compile(r"[\w-]{20,}\.[\w-]{5,}\.[\w-]{20,}")
_API_TOKEN: Final = re.compile(r"\buser:\d+-\S+")
_MENTION: Final = re.compile(r"<(?:@[!&]?|#)\d+>")


class Redactor:
    """Knows our secrets and how those of others look; its repr shows none."""

    def __init__(self, *secrets: str | None) -> None:
        known = {secret for secret in secrets if secret and len(secret) >= SHORTEST}
        self._secrets = sorted(known, key=len, reverse=True)

    def __repr__(self) -> str:
        return f"Redactor({len(self._secrets)} secrets)"

    def also(self, *secrets: str | None) -> Redactor:
        """A redactor that knows these too, for the time of one request."""
        return Redactor(*self._secrets, *secrets)

    def clean(self, text: str | None) -> str:
        """One line without secrets, addresses and mentions, at most 300 characters."""
        if not text:
            return ""
        for secret in self._secrets:
            text = text.replace(secret, HIDDEN)
        text = _BEARER.sub(HIDDEN, text)
        text = _ADDRESS.sub(rf"\1{HIDDEN}", text)
        text = _DISCORD_TOKEN.sub(HIDDEN, text)
        text = _API_TOKEN.sub(HIDDEN, text)
        text = _MENTION.sub("", text)
        text = "".join(letter if letter.isprintable() else " " for letter in text)
        return " ".join(text.split())[:DETAIL_LIMIT]
