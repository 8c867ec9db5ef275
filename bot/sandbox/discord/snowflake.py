"""Reading ids: Discord accepts them as strings of digits and as numbers."""

from __future__ import annotations

from .errors import invalid

_BITS = 64


def snowflake(value: object, path: str = "id") -> int:
    """The id in ``value``.

    Raises ``ApiError`` 50035 for anything that is not one.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        number = value
    elif isinstance(value, str) and value.isascii() and value.isdigit():
        number = int(value)
    else:
        raise invalid(path, "NUMBER_TYPE_COERCE", f'Value "{value}" is not snowflake.')
    if not 0 <= number < 1 << _BITS:
        raise invalid(path, "NUMBER_TYPE_MAX", "snowflake value should be less than 2^64.")
    return number
