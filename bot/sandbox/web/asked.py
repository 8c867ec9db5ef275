"""One request of the page, read field by field; what does not fit is refused in words."""

from __future__ import annotations

from typing import Any, Final

from bot.sandbox.discord import ClientRefused

Json = dict[str, Any]

MAX_TEXT: Final = 10_000
MAX_LIST: Final = 100


class Asked:
    """A request's fields. Every method raises ``ClientRefused`` for what is missing or unfit."""

    def __init__(self, fields: Json) -> None:
        self._fields = fields

    def text(self, name: str) -> str:
        """A text, which may be empty."""
        value = self._fields.get(name)
        if not isinstance(value, str):
            raise ClientRefused(f"{name}: a text is needed")
        if len(value) > MAX_TEXT:
            raise ClientRefused(f"{name}: at most {MAX_TEXT} characters")
        return value

    def text_or(self, name: str, default: str) -> str:
        """A text, or ``default`` where there is none."""
        return default if self._fields.get(name) is None else self.text(name)

    def given(self, name: str) -> str | None:
        """A text that may be left out."""
        return None if self._fields.get(name) is None else self.text(name)

    def flag(self, name: str) -> bool:
        """Yes or no."""
        value = self._fields.get(name)
        if not isinstance(value, bool):
            raise ClientRefused(f"{name}: true or false is needed")
        return value

    def flag_or(self, name: str, default: bool | None) -> bool | None:
        """Yes or no, or ``default`` where it is left out."""
        return default if self._fields.get(name) is None else self.flag(name)

    def texts(self, name: str) -> list[str]:
        """A list of texts; empty where it is left out."""
        value = self._fields.get(name)
        if value is None:
            return []
        fits = isinstance(value, list) and all(isinstance(item, str) for item in value)
        if not fits or len(value) > MAX_LIST:
            raise ClientRefused(f"{name}: a list of at most {MAX_LIST} texts is needed")
        return list(value)

    def values(self, name: str) -> Json:
        """Values by name; empty where they are left out."""
        value = self._fields.get(name)
        if value is None:
            return {}
        if not isinstance(value, dict) or len(value) > MAX_LIST:
            raise ClientRefused(f"{name}: values by name are needed")
        return value
