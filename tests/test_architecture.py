"""The house stands: knowledge points one way, and each outside library has its rooms."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

# Who may import whom of ours. A room is a module or package directly below ``bot``, or cogs.
OURS: dict[str, set[str]] = {
    "model": set(),
    "errors": set(),
    "settings": {"errors"},
    "logs": set(),
    "clock": set(),
    "stopping": set(),
    "health": {"errors"},
    "rules": {"model", "errors"},
    "pika": {"model", "errors", "clock"},
    "store": {"model", "errors", "rules"},  # the values of rules, and the numbers they ask for
    "media": {"model", "errors"},
    "charts": set(),
    "workflow": {"model", "errors", "rules", "store", "pika", "media", "charts", "clock", "logs"},
    "ui": {"model", "errors", "rules", "workflow", "clock", "logs"},
    "messenger": {"ui", "workflow", "model", "errors"},
    "client": {"ui", "workflow", "model", "errors"},
    "cogs": {"client", "ui", "workflow", "rules", "model", "errors"},
    "metrics": {"workflow", "model", "clock"},
    "callbacks": {"errors", "metrics"},
    "listener": {"health", "metrics", "callbacks"},
    "sandbox": set(),
    "demo": {"sandbox"},
    "invite": {"client", "settings", "ui"},
    "app": {
        "charts", "client", "clock", "errors", "health", "listener", "media", "messenger",
        "metrics", "model", "pika", "rules", "settings", "stopping", "store", "ui", "workflow",
    },
    "cli": {"app", "demo", "errors", "invite", "logs", "settings", "stopping"},
    "__main__": {"cli", "stopping"},
    "__init__": set(),
}  # fmt: skip

# Which rooms may import which library; the standard library is free to all.
OUTSIDE: dict[str, set[str]] = {
    "ahocorasick_rs": {"rules"},
    "discord": {"cogs", "ui", "client", "messenger", "invite", "app", "cli"},
    "httpx": {"pika", "media"},
    "httpcore": {"media"},
    "anyio": {"media"},
    "pydantic": {"pika", "settings"},
    "pydantic_settings": {"settings"},
    "aiosqlite": {"store", "workflow"},
    "sqlite3": {"store", "workflow", "app"},
    "aiohttp": {
        "callbacks",
        "listener",
        "metrics",
        "sandbox",
        "client",
        "messenger",
        "ui",
        "invite",
    },
    "httptools": {"ui"},
    "multidict": {"sandbox"},
    "yarl": {"client", "sandbox"},
    "PIL": {"media", "sandbox", "demo"},
    "imageio_ffmpeg": {"media", "sandbox"},
    "matplotlib": {"charts"},
    "orjson": {"sandbox", "ui"},
    "jsonschema_rs": {"sandbox"},
    "zstandard": {"sandbox"},
    "filelock": {"app"},
    "prometheus_client": {"metrics", "listener"},
    "typer": {"cli"},
    "rich": {"demo"},
    "uvloop": {"cli"},
}


def _files() -> list[Path]:
    return sorted([*(ROOT / "bot").rglob("*.py"), *(ROOT / "cogs").rglob("*.py")])


def _room(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return "cogs" if parts[0] == "cogs" else parts[1]


def _imports(path: Path) -> Iterator[str]:
    """Every module that a file names in an import, as an absolute dotted name."""
    package = path.relative_to(ROOT).with_suffix("").parts[:-1]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
            module = f"{base}.{node.module}".strip(".") if node.module else base
            if module == "bot":  # "from bot import x": x is the room
                yield from (f"bot.{alias.name}" for alias in node.names)
            else:
                yield module


@pytest.mark.parametrize("path", _files(), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_imports_only_what_its_room_may(path: Path) -> None:
    """Directions of knowledge are those of the table; nobody imports cogs."""
    room = _room(path)
    wrong = []
    for name in _imports(path):
        top, _, rest = name.partition(".")
        if top == "bot":
            target = rest.split(".")[0] or "__init__"
            if target != room and target not in OURS[room]:
                wrong.append(name)
        elif top == "cogs":
            wrong.append(name)
        elif top in OUTSIDE:
            if room not in OUTSIDE[top]:
                wrong.append(name)
        elif top not in sys.stdlib_module_names:
            wrong.append(f"{name} (a library of no room)")

    assert wrong == []


def test_the_embedded_servers_do_not_know_the_page() -> None:
    """The page is their client: it can be taken away, and tests run without it."""
    knowing = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "bot" / "sandbox").rglob("*.py")
        if "web" not in path.relative_to(ROOT).parts
        if any(name.startswith("bot.sandbox.web") for name in _imports(path))
    }

    assert knowing == set()


def test_every_room_is_in_the_table() -> None:
    """A new room is a decision: it is written down, and none in the table is gone."""
    assert {_room(path) for path in _files()} == set(OURS)


def test_only_settings_reads_the_environment() -> None:
    """Settings come from one place; the demo alone hands an environment to a process."""
    readers = {
        str(path.relative_to(ROOT))
        for path in _files()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if (isinstance(node, ast.Attribute) and node.attr in {"environ", "getenv"})
    }

    assert readers <= {"bot/demo/process.py"}


def test_sql_is_written_in_the_store_only() -> None:
    """No other room holds a statement."""
    words = ("SELECT ", "INSERT INTO", "UPDATE job", "DELETE FROM", "BEGIN IMMEDIATE")
    guilty = {
        str(path.relative_to(ROOT))
        for path in _files()
        if _room(path) not in {"store"}
        and any(word in path.read_text(encoding="utf-8") for word in words)
    }

    assert guilty == set()
