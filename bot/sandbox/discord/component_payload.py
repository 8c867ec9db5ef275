"""Components as the API returns them: numbered, with defaults filled in and links resolved."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from . import components as rules
from .messages import ROW, SELECTS, walk

if TYPE_CHECKING:
    from collections.abc import Callable

    from .ids import Snowflakes
    from .media import Attachment

Json = dict[str, Any]

_SPACING: Final = 1


class Normalizer:
    """Turns the components of one request into those of the stored message."""

    def __init__(
        self, sent: list[Json], find: Callable[[str], Attachment | None], ids: Snowflakes
    ) -> None:
        self._find = find
        self._ids = ids
        self._taken = {c["id"] for c in walk(sent) if c.get("id")}
        self._last = 0
        self.stored = [self._one(component) for component in sent]

    def _number(self, component: Json) -> int:
        if component.get("id"):
            return int(component["id"])
        self._last += 1
        while self._last in self._taken:
            self._last += 1
        return self._last

    def _one(self, sent: Json) -> Json:
        kind = sent["type"]
        kept = {key: value for key, value in sent.items() if value is not None}
        kept["id"] = self._number(sent)
        if kind in (ROW, rules.CONTAINER, rules.SECTION):
            kept["components"] = [self._one(child) for child in sent["components"]]
        if kind == rules.SECTION:
            kept["accessory"] = self._one(sent["accessory"])
        elif kind == rules.CONTAINER:
            kept["accent_color"] = sent.get("accent_color")
            kept["spoiler"] = bool(sent.get("spoiler"))
        elif kind in SELECTS:
            kept.setdefault("min_values", 1)
            kept.setdefault("max_values", 1)
            if "default_values" in kept:  # ids may come as numbers, and are strings ever after
                kept["default_values"] = [
                    {**value, "id": str(value["id"])} for value in kept["default_values"]
                ]
        elif kind == rules.SEPARATOR:
            kept.setdefault("spacing", _SPACING)
            kept.setdefault("divider", True)
        elif kind == rules.THUMBNAIL:
            kept["media"] = self._media(sent["media"])
            kept["description"] = sent.get("description")
            kept["spoiler"] = bool(sent.get("spoiler"))
        elif kind == rules.MEDIA_GALLERY:
            kept["items"] = [
                {
                    "media": self._media(item["media"]),
                    "description": item.get("description"),
                    "spoiler": bool(item.get("spoiler")),
                }
                for item in sent["items"]
            ]
        elif kind == rules.FILE:
            kept["spoiler"] = bool(sent.get("spoiler"))
            kept["file"] = self._media(sent["file"])
            shown = self._find(sent["file"]["url"].removeprefix("attachment://"))
            kept["name"] = shown.filename if shown else None
            kept["size"] = shown.size if shown else None
        return kept

    def _media(self, media: Json) -> Json:
        url = media["url"]
        answer: Json = {"id": str(self._ids.next()), "url": url, "proxy_url": url}
        if url.startswith("attachment://"):
            shown = self._find(url.removeprefix("attachment://"))
            assert shown is not None
            link = shown.url
            answer.update(
                url=link,
                proxy_url=link,
                width=shown.width,
                height=shown.height,
                content_type=shown.content_type,
                attachment_id=str(shown.id),
            )
        return answer
