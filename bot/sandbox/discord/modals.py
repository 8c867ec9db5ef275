"""The rules for modals: what the bot may open, and what a member may submit."""

from __future__ import annotations

from typing import Any, Final

from . import components
from .errors import ClientRefused, Problems
from .messages import ROW, SELECTS, STRING_SELECT, TEXT_DISPLAY, walk

Json = dict[str, Any]

TEXT_INPUT: Final = 4
LABEL: Final = 18
FILE_UPLOAD: Final = 19
RADIO_GROUP: Final = 21
CHECKBOX_GROUP: Final = 22
CHECKBOX: Final = 23
MAX_TITLE: Final = 45
MAX_LABEL: Final = 45
MAX_ROWS: Final = 5
MAX_INPUT: Final = 4000
_IN_LABEL: Final = SELECTS | {TEXT_INPUT, FILE_UPLOAD, RADIO_GROUP, CHECKBOX_GROUP, CHECKBOX}


def check(modal: Json, problems: Problems) -> None:
    """Note everything wrong with a modal the bot wants to open."""
    components.check_custom_id(modal, "data", problems)
    if not modal.get("title"):
        problems.required("data.title")
    problems.length("data.title", modal.get("title"), MAX_TITLE)
    rows = modal.get("components") or []
    if not 1 <= len(rows) <= MAX_ROWS:
        problems.add(
            "data.components",
            "BASE_TYPE_BAD_LENGTH",
            f"Must be between 1 and {MAX_ROWS} in length.",
        )
    for index, row in enumerate(rows):
        _check_row(row, f"data.components.{index}", problems)
    seen: set[str] = set()
    for component in walk(rows):
        custom_id = component.get("custom_id")
        if custom_id in seen:
            problems.add(
                "data.components",
                "COMPONENT_CUSTOM_ID_DUPLICATED",
                "Component custom id cannot be duplicated",
            )
        if custom_id is not None:
            seen.add(custom_id)


def _check_row(row: Json, at: str, problems: Problems) -> None:
    kind = row.get("type")
    if kind == ROW:
        children = row.get("components") or []
        if len(children) != 1 or children[0].get("type") != TEXT_INPUT:
            problems.add(
                f"{at}.components", "BASE_TYPE_BAD_LENGTH", "Must hold exactly one text input."
            )
            return
        if not children[0].get("label"):
            problems.required(f"{at}.components.0.label")
        problems.length(f"{at}.components.0.label", children[0].get("label"), MAX_LABEL)
        _check_input(children[0], f"{at}.components.0", problems)
    elif kind == LABEL:
        inner = row.get("component") or {}
        if not row.get("label"):
            problems.required(f"{at}.label")
        problems.length(f"{at}.label", row.get("label"), MAX_LABEL)
        if inner.get("type") not in _IN_LABEL:
            problems.add(f"{at}.component.type", "UNION_TYPE_CHOICES", "Not allowed in a label.")
        elif inner["type"] == TEXT_INPUT:
            _check_input(inner, f"{at}.component", problems)
        elif inner["type"] in SELECTS:
            components.check_select(inner, f"{at}.component", problems)
            _check_answer(inner, f"{at}.component", problems)
        else:
            components.check_custom_id(inner, f"{at}.component", problems)
    elif kind != TEXT_DISPLAY:
        problems.add(
            f"{at}.type", "UNION_TYPE_CHOICES", 'Value of field "type" must be one of (1, 10, 18).'
        )


def _check_answer(select: Json, at: str, problems: Problems) -> None:
    if select.get("disabled"):
        problems.add(
            f"{at}.disabled", "BASE_TYPE_CHOICES", "A component of a modal cannot be disabled."
        )
    required = True if select.get("required") is None else select["required"]
    if required and select.get("min_values") == 0:
        problems.add(
            f"{at}.min_values",
            "SELECT_COMPONENT_BAD_VALUE_RANGE",
            "min_values must be at least 1 if an answer is required.",
        )


def _check_input(field: Json, at: str, problems: Problems) -> None:
    components.check_custom_id(field, at, problems)
    if field.get("style") not in (1, 2):
        problems.add(f"{at}.style", "BASE_TYPE_CHOICES", "Value must be one of {1, 2}.")
    low, high = field.get("min_length") or 0, field.get("max_length") or MAX_INPUT
    if not 0 <= low <= high <= MAX_INPUT:
        problems.add(
            f"{at}.min_length",
            "TEXT_INPUT_BAD_LENGTH_RANGE",
            f"Must satisfy 0 <= min_length <= max_length <= {MAX_INPUT}.",
        )
    problems.length(f"{at}.value", field.get("value"), high)
    problems.length(f"{at}.placeholder", field.get("placeholder"), components.MAX_OPTION_TEXT)


def fields(modal: Json) -> dict[str, Json]:
    """The inputs of a modal by custom id."""
    return {c["custom_id"]: c for c in walk(modal["components"]) if c.get("custom_id")}


def check_text(field: Json, text: str) -> None:
    """What the client lets a member type.

    Raises ``ClientRefused`` when a text is missing, too short or too long.
    """
    name = field["custom_id"]
    if not text:
        if field.get("required", True):
            raise ClientRefused(f"{name}: this field is required")
        return
    if len(text) < (field.get("min_length") or 0):
        raise ClientRefused(f"{name}: at least {field['min_length']} characters")
    if len(text) > (field.get("max_length") or MAX_INPUT):
        raise ClientRefused(f"{name}: at most {field.get('max_length') or MAX_INPUT} characters")


def check_choice(field: Json, values: list[str]) -> None:
    """What the client lets a member choose in a select or group.

    Raises ``ClientRefused`` for too few, too many or unknown values.
    """
    name = field["custom_id"]
    optional = field.get("required") is False and not values
    low = 1 if field.get("min_values") is None else field["min_values"]
    high = 1 if field.get("max_values") is None else field["max_values"]
    if not optional and not low <= len(values) <= high:
        raise ClientRefused(f"{name}: choose {low} to {high}, not {len(values)}")
    if field["type"] in (STRING_SELECT, RADIO_GROUP, CHECKBOX_GROUP):
        known = {option["value"] for option in field.get("options") or []}
        for value in values:
            if value not in known:
                raise ClientRefused(f"{name}: there is no option {value!r}")
