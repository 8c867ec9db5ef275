"""Embeds: their limits, and how they come back from the API."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from .errors import Problems

Json = dict[str, Any]

MAX_EMBEDS: Final = 10
MAX_FIELDS: Final = 25
#: Characters of all embeds of a message together (Discord docs, resources/message).
MAX_TOTAL: Final = 6000
_LIMITS: Final = {"title": 256, "description": 4096}
_FIELD_NAME: Final = 256
_FIELD_VALUE: Final = 1024
_FOOTER: Final = 2048
_AUTHOR: Final = 256
_TEXT_KEYS: Final = ("title", "description", "url", "timestamp", "color", "footer", "author")
_MEDIA_KEYS: Final = ("image", "thumbnail")


def check(embeds: list[Json], problems: Problems) -> None:
    """Note every limit that ``embeds`` exceed."""
    if len(embeds) > MAX_EMBEDS:
        problems.add("embeds", "BASE_TYPE_MAX_LENGTH", f"Must be {MAX_EMBEDS} or fewer in length.")
    total = 0
    for index, embed in enumerate(embeds):
        at = f"embeds.{index}"
        for key, limit in _LIMITS.items():
            problems.length(f"{at}.{key}", embed.get(key), limit)
            total += len(embed.get(key) or "")
        footer = (embed.get("footer") or {}).get("text") or ""
        author = (embed.get("author") or {}).get("name") or ""
        problems.length(f"{at}.footer.text", footer, _FOOTER)
        problems.length(f"{at}.author.name", author, _AUTHOR)
        total += len(footer) + len(author) + _check_fields(embed, at, problems)
        if not any(embed.get(key) for key in (*_TEXT_KEYS, *_MEDIA_KEYS, "fields")):
            problems.required(f"{at}.description")
    if total > MAX_TOTAL:
        problems.add(
            "embeds",
            "MAX_EMBED_SIZE_EXCEEDED",
            f"Embed size exceeds maximum size of {MAX_TOTAL}",
        )


def _check_fields(embed: Json, at: str, problems: Problems) -> int:
    fields = embed.get("fields") or []
    if len(fields) > MAX_FIELDS:
        problems.add(
            f"{at}.fields", "BASE_TYPE_MAX_LENGTH", f"Must be {MAX_FIELDS} or fewer in length."
        )
    total = 0
    for number, field in enumerate(fields):
        for key, limit in (("name", _FIELD_NAME), ("value", _FIELD_VALUE)):
            text = field.get(key)
            if not text:
                problems.required(f"{at}.fields.{number}.{key}")
            else:
                problems.length(f"{at}.fields.{number}.{key}", text, limit)
                total += len(text)
    return total


def attachment_names(embeds: list[Json]) -> set[str]:
    """The uploads that embeds show (``attachment://name``)."""
    names: set[str] = set()
    for embed in embeds:
        for key in _MEDIA_KEYS:
            url = (embed.get(key) or {}).get("url") or ""
            if url.startswith("attachment://"):
                names.add(url.removeprefix("attachment://"))
    return names


def stored(embed: Json, link: Callable[[str], str]) -> Json:
    """An embed as the API returns it; ``link`` turns ``attachment://`` into an address."""
    answer: Json = {"type": "rich"}
    for key in _TEXT_KEYS:
        if embed.get(key) is not None:
            answer[key] = embed[key]
    for key in _MEDIA_KEYS:
        if embed.get(key):
            url = link(embed[key]["url"])
            answer[key] = {"url": url, "proxy_url": url, "width": 0, "height": 0}
    if embed.get("fields"):
        answer["fields"] = [
            {"name": f["name"], "value": f["value"], "inline": bool(f.get("inline"))}
            for f in embed["fields"]
        ]
    return answer
