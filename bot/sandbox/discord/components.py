"""The rules for message components, legacy and V2 (Discord docs, components/reference)."""

from __future__ import annotations

from typing import Any, Final

from .errors import Problems
from .messages import (
    BUTTON,
    CHANNEL_SELECT,
    LINK_STYLE,
    MENTIONABLE_SELECT,
    ROLE_SELECT,
    ROW,
    SELECTS,
    STRING_SELECT,
    TEXT_DISPLAY,
    USER_SELECT,
    walk,
)

Json = dict[str, Any]

SECTION: Final = 9
THUMBNAIL: Final = 11
MEDIA_GALLERY: Final = 12
FILE: Final = 13
SEPARATOR: Final = 14
CONTAINER: Final = 17

_TOP_V2: Final = frozenset({ROW, SECTION, TEXT_DISPLAY, MEDIA_GALLERY, FILE, SEPARATOR, CONTAINER})
_IN_CONTAINER: Final = _TOP_V2 - {CONTAINER}
#: What may be preset in the menus that Discord fills itself.
DEFAULT_TYPES: Final = {
    USER_SELECT: frozenset({"user"}),
    ROLE_SELECT: frozenset({"role"}),
    MENTIONABLE_SELECT: frozenset({"user", "role"}),
    CHANNEL_SELECT: frozenset({"channel"}),
}
_PREMIUM_STYLE: Final = 6
_STYLES: Final = range(1, _PREMIUM_STYLE + 1)
MAX_ROWS: Final = 5
MAX_ROW_BUTTONS: Final = 5
MAX_COMPONENTS: Final = 40
MAX_TEXT: Final = 4000
MAX_OPTIONS: Final = 25
MAX_CUSTOM_ID: Final = 100
MAX_LABEL: Final = 80
MAX_URL: Final = 512
MAX_PLACEHOLDER: Final = 150
MAX_OPTION_TEXT: Final = 100
MAX_SECTION_TEXTS: Final = 3
MAX_GALLERY: Final = 10


def check(components: list[Json], *, v2: bool, files: set[str], problems: Problems) -> None:
    """Note everything wrong with a message's components; ``files`` are its attachments' names."""
    allowed = _TOP_V2 if v2 else frozenset({ROW})
    if not v2 and len(components) > MAX_ROWS:
        problems.add(
            "components", "BASE_TYPE_BAD_LENGTH", f"Must be between 1 and {MAX_ROWS} in length."
        )
    for index, component in enumerate(components):
        _check_one(component, f"components.{index}", allowed, problems)
    everything = walk(components)
    _check_ids(everything, problems)
    if len(everything) > MAX_COMPONENTS:
        problems.add(
            "components",
            "COMPONENT_MAX_TOTAL_COMPONENTS_EXCEEDED",
            f"The total number of components cannot exceed {MAX_COMPONENTS}",
        )
    text = sum(len(c.get("content") or "") for c in everything if c.get("type") == TEXT_DISPLAY)
    if text > MAX_TEXT:
        problems.add(
            "components",
            "COMPONENT_DISPLAYABLE_TEXT_SIZE_EXCEEDED",
            f"The total displayable text size cannot exceed {MAX_TEXT}",
        )
    for name in sorted(attachment_names(components) - files):
        problems.add(
            "components",
            "UNFURLED_MEDIA_ITEM_REFERENCED_ATTACHMENT_NOT_FOUND",
            f"The referenced attachment was not found: {name}",
        )


def _check_ids(everything: list[Json], problems: Problems) -> None:
    seen: set[str] = set()
    numbers: set[int] = set()
    for component in everything:
        custom_id = component.get("custom_id")
        if custom_id in seen:
            problems.add(
                "components",
                "COMPONENT_CUSTOM_ID_DUPLICATED",
                f"Component custom id cannot be duplicated: {custom_id}",
            )
        if custom_id is not None:
            seen.add(custom_id)
        number = component.get("id")
        if number and number in numbers:
            problems.add(
                "components", "COMPONENT_ID_DUPLICATED", f"Component id is duplicated: {number}"
            )
        if number:
            numbers.add(number)


def _check_one(component: Json, at: str, allowed: frozenset[int], problems: Problems) -> None:
    kind = component.get("type")
    if kind not in allowed:
        choices = ", ".join(str(choice) for choice in sorted(allowed))
        problems.add(
            f"{at}.type",
            "UNION_TYPE_CHOICES",
            f'Value of field "type" must be one of ({choices},).',
        )
        return
    if kind == ROW:
        _check_row(component, at, problems)
    elif kind == SECTION:
        _check_section(component, at, problems)
    elif kind == TEXT_DISPLAY:
        if not component.get("content"):
            problems.required(f"{at}.content")
    elif kind == MEDIA_GALLERY:
        _check_gallery(component, at, problems)
    elif kind == FILE:
        url = (component.get("file") or {}).get("url") or ""
        if not url.startswith("attachment://"):
            problems.add(
                f"{at}.file.url",
                "UNFURLED_MEDIA_ITEM_ONLY_ATTACHMENTS",
                "Only attachment:// references are supported here.",
            )
    elif kind == CONTAINER:
        children = component.get("components") or []
        if not children:
            problems.required(f"{at}.components")
        for index, child in enumerate(children):
            _check_one(child, f"{at}.components.{index}", _IN_CONTAINER, problems)


def _check_row(row: Json, at: str, problems: Problems) -> None:
    children = row.get("components") or []
    selects = [child for child in children if child.get("type") in SELECTS]
    if not 1 <= len(children) <= MAX_ROW_BUTTONS:
        problems.add(
            f"{at}.components",
            "BASE_TYPE_BAD_LENGTH",
            f"Must be between 1 and {MAX_ROW_BUTTONS} in length.",
        )
    if selects and len(children) > 1:
        problems.add(
            f"{at}.components",
            "COMPONENT_LAYOUT_WIDTH_EXCEEDED",
            "The specified component exceeds the maximum width",
        )
    for index, child in enumerate(children):
        path = f"{at}.components.{index}"
        if child.get("type") == BUTTON:
            _check_button(child, path, problems)
        elif child.get("type") in SELECTS:
            check_select(child, path, problems)
        else:
            problems.add(
                f"{path}.type",
                "UNION_TYPE_CHOICES",
                'Value of field "type" must be one of (2, 3, 5, 6, 7, 8).',
            )


def _check_button(button: Json, at: str, problems: Problems) -> None:
    style = button.get("style")
    if style not in _STYLES:
        problems.add(f"{at}.style", "BASE_TYPE_CHOICES", "Value must be one of {1, 2, 3, 4, 5, 6}.")
        return
    problems.length(f"{at}.label", button.get("label"), MAX_LABEL)
    if style == _PREMIUM_STYLE:
        return
    if not button.get("label") and not button.get("emoji"):
        problems.add(
            f"{at}.label", "BUTTON_COMPONENT_LABEL_REQUIRED", "A label or emoji is required"
        )
    if style == LINK_STYLE:
        if not button.get("url"):
            problems.add(f"{at}.url", "BUTTON_COMPONENT_URL_REQUIRED", "A url is required")
        problems.length(f"{at}.url", button.get("url"), MAX_URL)
        if button.get("custom_id"):
            problems.add(
                f"{at}.custom_id",
                "BUTTON_COMPONENT_CUSTOM_ID_FORBIDDEN",
                "A custom id and url cannot both be specified",
            )
    else:
        check_custom_id(button, at, problems)
        if button.get("url"):
            problems.add(
                f"{at}.url",
                "BUTTON_COMPONENT_URL_FORBIDDEN",
                "A custom id and url cannot both be specified",
            )


def check_custom_id(component: Json, at: str, problems: Problems) -> None:
    """Note it when the custom id is missing or too long."""
    if not component.get("custom_id"):
        problems.add(f"{at}.custom_id", "COMPONENT_CUSTOM_ID_REQUIRED", "A custom id is required")
    problems.length(f"{at}.custom_id", component.get("custom_id"), MAX_CUSTOM_ID)


def check_select(select: Json, at: str, problems: Problems) -> None:
    """Note everything wrong with a select menu, in a message or a modal."""
    check_custom_id(select, at, problems)
    problems.length(f"{at}.placeholder", select.get("placeholder"), MAX_PLACEHOLDER)
    low = 1 if select.get("min_values") is None else select["min_values"]
    high = 1 if select.get("max_values") is None else select["max_values"]
    if not 0 <= low <= high <= MAX_OPTIONS or high < 1:
        problems.add(
            f"{at}.min_values",
            "SELECT_COMPONENT_BAD_VALUE_RANGE",
            f"min_values and max_values must satisfy 0 <= min <= max <= {MAX_OPTIONS}.",
        )
    if select.get("type") != STRING_SELECT:
        _check_defaults(select, at, low, high, problems)
        return
    options = select.get("options") or []
    if not 1 <= len(options) <= MAX_OPTIONS:
        problems.add(
            f"{at}.options",
            "BASE_TYPE_BAD_LENGTH",
            f"Must be between 1 and {MAX_OPTIONS} in length.",
        )
    if high > max(len(options), 1):
        problems.add(
            f"{at}.max_values",
            "SELECT_COMPONENT_MAX_VALUES_TOO_LARGE",
            "max_values exceeds the number of options.",
        )
    check_options(options, at, problems)


def _check_defaults(select: Json, at: str, low: int, high: int, problems: Problems) -> None:
    preset = select.get("default_values") or []
    if preset and not low <= len(preset) <= high:
        problems.add(
            f"{at}.default_values",
            "SELECT_COMPONENT_INVALID_DEFAULT_VALUES",
            "The number of default values must be between min_values and max_values.",
        )
    allowed = DEFAULT_TYPES[select["type"]]
    for index, one in enumerate(preset):
        if one.get("type") not in allowed:
            listed = ", ".join(sorted(allowed))
            problems.add(
                f"{at}.default_values.{index}.type",
                "BASE_TYPE_CHOICES",
                f"Value must be one of {{{listed}}}.",
            )


def check_options(options: list[Json], at: str, problems: Problems) -> None:
    """Note missing, long and repeated options."""
    seen: set[str] = set()
    for index, option in enumerate(options):
        path = f"{at}.options.{index}"
        for key in ("label", "value"):
            if not option.get(key):
                problems.required(f"{path}.{key}")
        for key in ("label", "value", "description"):
            problems.length(f"{path}.{key}", option.get(key), MAX_OPTION_TEXT)
        value = option.get("value")
        if value in seen:
            problems.add(
                f"{path}.value",
                "SELECT_COMPONENT_OPTION_VALUE_DUPLICATED",
                "The specified option value is already used",
            )
        if value is not None:
            seen.add(value)


def _check_section(section: Json, at: str, problems: Problems) -> None:
    texts = section.get("components") or []
    if not 1 <= len(texts) <= MAX_SECTION_TEXTS:
        problems.add(
            f"{at}.components",
            "BASE_TYPE_BAD_LENGTH",
            f"Must be between 1 and {MAX_SECTION_TEXTS} in length.",
        )
    for index, text in enumerate(texts):
        _check_one(text, f"{at}.components.{index}", frozenset({TEXT_DISPLAY}), problems)
    accessory = section.get("accessory")
    if not accessory:
        problems.required(f"{at}.accessory")
    elif accessory.get("type") == BUTTON:
        _check_button(accessory, f"{at}.accessory", problems)
    elif accessory.get("type") != THUMBNAIL:
        problems.add(
            f"{at}.accessory.type",
            "UNION_TYPE_CHOICES",
            'Value of field "type" must be one of (2, 11).',
        )


def _check_gallery(gallery: Json, at: str, problems: Problems) -> None:
    items = gallery.get("items") or []
    if not 1 <= len(items) <= MAX_GALLERY:
        problems.add(
            f"{at}.items", "BASE_TYPE_BAD_LENGTH", f"Must be between 1 and {MAX_GALLERY} in length."
        )
    for index, item in enumerate(items):
        if not (item.get("media") or {}).get("url"):
            problems.required(f"{at}.items.{index}.media.url")


def media_of(component: Json) -> list[Json]:
    """The media objects a component shows."""
    kind = component.get("type")
    if kind == FILE:
        return [component["file"]] if component.get("file") else []
    if kind == THUMBNAIL:
        return [component["media"]] if component.get("media") else []
    if kind == MEDIA_GALLERY:
        return [item["media"] for item in component.get("items") or [] if item.get("media")]
    return []


def attachment_names(components: list[Json]) -> set[str]:
    """The uploads that components show (``attachment://name``)."""
    return {
        media["url"].removeprefix("attachment://")
        for component in walk(components)
        for media in media_of(component)
        if (media.get("url") or "").startswith("attachment://")
    }
