"""What a command may look like (Discord docs, interactions/application-commands)."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from typing import Any, Final

from .errors import Problems

Json = dict[str, Any]

CHAT_INPUT: Final = 1
USER_MENU: Final = 2
MESSAGE_MENU: Final = 3
SUBCOMMAND: Final = 1
GROUP: Final = 2
STRING: Final = 3
INTEGER: Final = 4
BOOLEAN: Final = 5
USER: Final = 6
CHANNEL: Final = 7
ROLE: Final = 8
MENTIONABLE: Final = 9
NUMBER: Final = 10
ATTACHMENT: Final = 11

#: Commands per scope by type: chat input, user menu, message menu.
MAX_COMMANDS: Final = {CHAT_INPUT: 100, USER_MENU: 15, MESSAGE_MENU: 15}
MAX_OPTIONS: Final = 25
MAX_CHOICES: Final = 25
MAX_NAME: Final = 32
MAX_DESCRIPTION: Final = 100
MAX_CHOICE: Final = 100
MAX_STRING: Final = 6000
#: Names, descriptions and values of one command together.
MAX_TOTAL: Final = 8000
#: Integers beyond these cannot be represented by every client.
MAX_INTEGER: Final = 2**53 - 1
_INTEGER_RANGE: Final = range(-MAX_INTEGER, MAX_INTEGER + 1)
_CHOOSABLE: Final = frozenset({STRING, INTEGER, NUMBER})
_SCRIPTS: Final = ("DEVANAGARI", "THAI")


def valid_name(name: str) -> bool:
    r"""Whether a chat command or option may be called so: ``^[-_'\p{L}\p{N}\p{Deva}\p{Thai}]``."""
    if not 1 <= len(name) <= MAX_NAME or name != name.lower():
        return False
    return all(
        char in "-_'"
        or unicodedata.category(char)[0] in "LN"
        or unicodedata.name(char, "").startswith(_SCRIPTS)
        for char in name
    )


def check_command(command: Json, at: str, problems: Problems) -> None:
    """Note everything wrong with one command; ``at`` is empty or its place in a list."""
    dot = f"{at}." if at else ""
    kind = command.get("type") or CHAT_INPUT
    if kind not in MAX_COMMANDS:
        problems.add(f"{dot}type", "BASE_TYPE_CHOICES", "Value must be one of {1, 2, 3}.")
        return
    if kind == CHAT_INPUT:
        _check_texts(command, dot, problems)
        _check_options(command.get("options") or [], dot, problems, depth=0)
    else:
        name = command.get("name") or ""
        if not 1 <= len(name) <= MAX_NAME:
            problems.add(
                f"{dot}name", "BASE_TYPE_BAD_LENGTH", f"Must be between 1 and {MAX_NAME} in length."
            )
        if command.get("description"):
            problems.add(
                f"{dot}description",
                "APPLICATION_COMMANDS_DESCRIPTION_FORBIDDEN",
                "Context menu commands cannot have description",
            )
        if command.get("options"):
            problems.add(
                f"{dot}options",
                "APPLICATION_COMMANDS_OPTIONS_FORBIDDEN",
                "Context menu commands cannot have options",
            )
    if size(command) > MAX_TOTAL:
        problems.add(
            f"{dot}_errors",
            "APPLICATION_COMMAND_TOO_LARGE",
            f"Command exceeds maximum size ({MAX_TOTAL})",
        )


def _check_texts(thing: Json, dot: str, problems: Problems) -> None:
    name = thing.get("name") or ""
    if not valid_name(name):
        problems.add(
            f"{dot}name",
            "APPLICATION_COMMAND_INVALID_NAME",
            "Command name is invalid",
        )
    description = thing.get("description") or ""
    if not 1 <= len(description) <= MAX_DESCRIPTION:
        problems.add(
            f"{dot}description",
            "BASE_TYPE_BAD_LENGTH",
            f"Must be between 1 and {MAX_DESCRIPTION} in length.",
        )
    for locale, text in (thing.get("name_localizations") or {}).items():
        if not valid_name(text):
            problems.add(
                f"{dot}name_localizations.{locale}",
                "APPLICATION_COMMAND_INVALID_NAME",
                "Command name is invalid",
            )
    for locale, text in (thing.get("description_localizations") or {}).items():
        problems.length(f"{dot}description_localizations.{locale}", text, MAX_DESCRIPTION)


def _check_options(options: list[Json], dot: str, problems: Problems, *, depth: int) -> None:
    if len(options) > MAX_OPTIONS:
        problems.add(
            f"{dot}options", "BASE_TYPE_MAX_LENGTH", f"Must be {MAX_OPTIONS} or fewer in length."
        )
    names: set[str] = set()
    optional_seen = False
    kinds = {option.get("type") in (SUBCOMMAND, GROUP) for option in options}
    if len(kinds) > 1:
        problems.add(
            f"{dot}options",
            "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID",
            "Sub-command and sub-command group option types are mutually exclusive to all other "
            "types",
        )
    for index, option in enumerate(options):
        at = f"{dot}options.{index}"
        name = option.get("name")
        if name in names:
            problems.add(
                f"{at}.name",
                "APPLICATION_COMMAND_OPTIONS_NAME_ALREADY_EXISTS",
                f"Option name {name} already exists",
            )
        names.add(str(name))
        if option.get("required") and optional_seen:
            problems.add(
                at,
                "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID",
                "Required options must be placed before non-required options",
            )
        optional_seen = optional_seen or not option.get("required")
        _check_option(option, at, problems, depth=depth)


def _check_option(option: Json, at: str, problems: Problems, *, depth: int) -> None:
    _check_texts(option, f"{at}.", problems)
    kind = option.get("type")
    if kind in (SUBCOMMAND, GROUP):
        if (kind == GROUP and depth > 0) or depth > 1:
            problems.add(f"{at}.type", "BASE_TYPE_CHOICES", "Sub-commands cannot be nested deeper.")
        inner = option.get("options") or []
        if kind == GROUP and any(one.get("type") != SUBCOMMAND for one in inner):
            problems.add(f"{at}.options", "BASE_TYPE_CHOICES", "A group holds only sub-commands.")
        if kind == SUBCOMMAND and any(one.get("type") in (SUBCOMMAND, GROUP) for one in inner):
            problems.add(f"{at}.options", "BASE_TYPE_CHOICES", "A sub-command holds only options.")
        _check_options(inner, f"{at}.", problems, depth=depth + 1)
        return
    choices = option.get("choices") or []
    if choices and option.get("autocomplete"):
        problems.add(
            f"{at}.autocomplete",
            "APPLICATION_COMMAND_OPTIONS_CHOICES_AUTOCOMPLETE_EXCLUSIVE",
            "Autocomplete and choices are mutually exclusive",
        )
    if (choices or option.get("autocomplete")) and kind not in _CHOOSABLE:
        problems.add(f"{at}.type", "BASE_TYPE_CHOICES", "Choices need a string or a number.")
    if len(choices) > MAX_CHOICES:
        problems.add(
            f"{at}.choices", "BASE_TYPE_MAX_LENGTH", f"Must be {MAX_CHOICES} or fewer in length."
        )
    _check_choices(choices, at, problems)
    _check_bounds(option, at, problems)


def _check_choices(choices: list[Json], at: str, problems: Problems) -> None:
    seen: set[str] = set()
    for index, choice in enumerate(choices):
        path = f"{at}.choices.{index}"
        name = choice.get("name") or ""
        if not 1 <= len(name) <= MAX_CHOICE:
            problems.add(
                f"{path}.name",
                "BASE_TYPE_BAD_LENGTH",
                f"Must be between 1 and {MAX_CHOICE} in length.",
            )
        if isinstance(choice.get("value"), str):
            problems.length(f"{path}.value", choice["value"], MAX_CHOICE)
        if name in seen:
            problems.add(
                f"{path}.name",
                "APPLICATION_COMMAND_OPTIONS_CHOICE_NAME_ALREADY_EXISTS",
                f"Choice name {name} already exists",
            )
        seen.add(name)


def _check_bounds(option: Json, at: str, problems: Problems) -> None:
    low, high = option.get("min_length"), option.get("max_length")
    for key, value in (("min_length", low), ("max_length", high)):
        if value is not None and not 0 <= value <= MAX_STRING:
            problems.add(f"{at}.{key}", "NUMBER_TYPE_MAX", f"Must be between 0 and {MAX_STRING}.")
    if low is not None and high is not None and low > high:
        problems.add(f"{at}.max_length", "NUMBER_TYPE_MIN", "Must not be less than min_length.")
    small, large = option.get("min_value"), option.get("max_value")
    if small is not None and large is not None and small > large:
        problems.add(f"{at}.max_value", "NUMBER_TYPE_MIN", "Must not be less than min_value.")
    if option.get("type") == INTEGER:
        for key, value in (("min_value", small), ("max_value", large)):
            if value is not None and value not in _INTEGER_RANGE:
                problems.add(f"{at}.{key}", "NUMBER_TYPE_MAX", "Must be within ±(2^53-1).")


def size(command: Json) -> int:
    """Characters of a command that count; of localizations the longest."""
    return sum(_texts(command))


def _texts(thing: Json) -> Iterator[int]:
    for key in ("name", "description"):
        localized = (thing.get(f"{key}_localizations") or {}).values()
        yield max(len(text) for text in (thing.get(key) or "", *localized))
    for choice in thing.get("choices") or []:
        yield max(
            len(text)
            for text in (
                str(choice.get("name") or ""),
                *(choice.get("name_localizations") or {}).values(),
            )
        )
        if isinstance(choice.get("value"), str):
            yield len(choice["value"])
    for option in thing.get("options") or []:
        yield from _texts(option)
