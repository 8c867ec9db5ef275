"""What a line of the log may hold, wherever its words come from."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest

from bot import logs

SECRET = "a-token-that-nobody-may-see"
HOSTILE = "a fox\n2026-11-21 09:00:00,000 ERROR   bot.app: forged\r\x1b[2J\u009b1m\u2028\u202exof"


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """Give the root logger back what it had."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    root.handlers = []  # ``force`` would close those of pytest
    yield
    root.handlers, root.level = handlers, level


def _log_all(style: str) -> None:
    logs.set_up("INFO", style, [SECRET])
    log = logging.getLogger("bot.test")
    log.warning("refused: %s %s", HOSTILE, SECRET)
    try:
        raise ValueError(HOSTILE + SECRET)
    except ValueError:
        log.exception("failed")


def test_no_text_from_outside_passes_for_a_line_of_the_log(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Neither in a message nor in a traceback: only a record begins at the left, and nothing in it
    moves a terminal's cursor or turns its text around.
    """
    _log_all("text")

    err = capsys.readouterr().err
    begin = [line for line in err.splitlines() if not line.startswith("  ")]
    assert [line.split("bot.test: ")[1].split(":")[0] for line in begin] == ["refused", "failed"]
    assert all(letter.isprintable() for letter in err.replace("\n", ""))
    assert "forged" in err
    assert SECRET not in err


def test_a_record_for_machines_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever its message and its traceback hold."""
    _log_all("json")

    err = capsys.readouterr().err
    told = [json.loads(line) for line in err.splitlines()]
    assert [one["message"][:7] for one in told] == ["refused", "failed"]
    assert all(letter.isprintable() for letter in err.replace("\n", ""))
    assert SECRET not in err


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://cdn.example/a.png?ex=1&hm=2 x", "https://cdn.example/a.png?*** x"),
        ("POST /callbacks/abc_DEF-123 x", "POST /callbacks/*** x"),
        (f"/interactions/12/{'t' * 40}/callback", "/interactions/12/***/callback"),
        (f"{{'token': '{'t' * 40}', 'id': '1'}}", "{'token': '***', 'id': '1'}"),
    ],
)
def test_keys_are_masked(capsys: pytest.CaptureFixture[str], text: str, shown: str) -> None:
    """Signed addresses, callback paths and the tokens of commands."""
    logs.set_up("INFO", "text", [])
    logging.getLogger("bot.test").warning("%s", text)
    assert capsys.readouterr().err.endswith(f"bot.test: {shown}\n")
