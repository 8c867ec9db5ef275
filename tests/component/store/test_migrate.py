"""Migrations: whole or not at all, and never over a newer version's data."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from bot.errors import SchemaTooNew
from bot.store.migrate import migrate, migrations

ONE = (1, "0001_one.sql", "CREATE TABLE one (a INTEGER); INSERT INTO one VALUES (1);")
TWO = (2, "0002_two.sql", "CREATE TABLE two (b INTEGER); INSERT INTO one VALUES (2);")
SNAPSHOT = Path(__file__).with_name("schema.txt")


def _ask(path: Path, sql: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as db:
        return db.execute(sql).fetchall()


def _tables(path: Path) -> list[object]:
    names = _ask(path, "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
    return [name for (name,) in names]


def _version(path: Path) -> object:
    return _ask(path, "PRAGMA user_version")[0][0]


def test_a_database_comes_into_being(tmp_path: Path) -> None:
    """From nothing to the newest schema, in WAL mode."""
    path = tmp_path / "pika.db"

    number = migrate(path)

    assert number == _version(path) == migrations()[-1][0]
    assert {"job", "picture", "reservation", "delivery", "job_event", "fact"} <= set(_tables(path))
    assert _ask(path, "PRAGMA journal_mode") == [("wal",)]
    assert _ask(path, "PRAGMA integrity_check") == [("ok",)]


def test_migrating_again_changes_nothing(tmp_path: Path) -> None:
    """Every start does it; no copy is made where nothing is to be done."""
    path = tmp_path / "pika.db"
    migrate(path)
    before = _ask(path, "SELECT * FROM sqlite_master ORDER BY name")

    migrate(path)

    assert _ask(path, "SELECT * FROM sqlite_master ORDER BY name") == before
    assert not list(tmp_path.glob("*.bak"))


def test_migrations_are_numbered_without_a_gap_and_say_why() -> None:
    """1, 2, 3 …; the first line of each is a comment with its reason."""
    steps = migrations()

    assert [number for number, _, _ in steps] == list(range(1, len(steps) + 1))
    assert [name for _, name, sql in steps if not sql.startswith("-- Why: ")] == []


def test_only_what_is_missing_is_applied(tmp_path: Path) -> None:
    """Each migration exactly once, whenever it came."""
    path = tmp_path / "pika.db"
    migrate(path, [ONE])

    assert migrate(path, [ONE, TWO]) == 2

    assert _ask(path, "SELECT a FROM one ORDER BY a") == [(1,), (2,)]


def test_an_older_database_is_copied_before_it_is_changed(tmp_path: Path) -> None:
    """The copy is whole, and says which schema it has."""
    path = tmp_path / "pika.db"
    migrate(path, [ONE])

    migrate(path, [ONE, TWO])

    copy = tmp_path / "pika.db.v1.bak"
    assert _version(copy) == 1
    assert _tables(copy) == ["one"]
    assert _ask(copy, "SELECT a FROM one") == [(1,)]


@pytest.mark.parametrize(
    "broken",
    [
        "CREATE TABLE two (b INTEGER); INSERT INTO one VALUES (3); INSERT INTO nowhere VALUES (1);",
        "INSERT INTO one VALUES (3); CREATE TABLE two (",
        "INSERT INTO one VALUES (3); CREATE TABLE two (b REFERENCES one (a)); "
        "CREATE TABLE p (id INTEGER PRIMARY KEY); CREATE TABLE c (p REFERENCES p (id)); "
        "INSERT INTO c VALUES (7);",
    ],
    ids=["fails late", "not SQL", "broken reference"],
)
def test_a_failing_migration_leaves_nothing(tmp_path: Path, broken: str) -> None:
    """Not half of it, not its number; the earlier ones stay, and a corrected one can follow."""
    path = tmp_path / "pika.db"
    migrate(path, [ONE])

    with pytest.raises(sqlite3.Error):
        migrate(path, [ONE, (2, "0002_two.sql", broken)])

    assert (_version(path), _tables(path)) == (1, ["one"])
    assert _ask(path, "SELECT a FROM one") == [(1,)]
    assert migrate(path, [ONE, TWO]) == 2


def test_migrations_before_a_failing_one_stay(tmp_path: Path) -> None:
    """Each is a transaction of its own."""
    path = tmp_path / "pika.db"

    with pytest.raises(sqlite3.Error):
        migrate(path, [ONE, TWO, (3, "0003_three.sql", "oops")])

    assert (_version(path), _tables(path)) == (2, ["one", "two"])


def test_a_foreign_file_with_our_tables_is_left_as_it_is(tmp_path: Path) -> None:
    """The real first migration, failing in its middle, leaves what was there and no more."""
    path = tmp_path / "pika.db"
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE delivery (x)")

    with pytest.raises(sqlite3.Error):
        migrate(path)

    assert (_version(path), _tables(path)) == (0, ["delivery"])


def test_a_newer_database_is_refused_and_untouched(tmp_path: Path) -> None:
    """Its rules are unknown here; the operator learns what to do."""
    path = tmp_path / "pika.db"
    migrate(path, [ONE, TWO])
    before = path.read_bytes()

    with pytest.raises(SchemaTooNew, match="has schema 2, this version knows 1"):
        migrate(path, [ONE])

    assert path.read_bytes() == before
    assert not list(tmp_path.glob("*.bak"))


def _described(path: Path) -> str:
    """The schema in words that do not depend on layout."""
    lines = []
    with closing(sqlite3.connect(path)) as db:
        for kind, name, sql in db.execute(
            "SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL "
            "AND name NOT LIKE 'sqlite_%' ORDER BY type DESC, name"
        ).fetchall():
            words = " ".join(
                part for line in sql.splitlines() for part in line.split("--")[0].split()
            )
            lines.append(f"{kind} {name}: {words}")
    return "\n".join(lines) + "\n"


def test_the_schema_is_the_one_that_was_agreed(tmp_path: Path) -> None:
    """All migrations together; a change of the schema shows up in review as this file."""
    path = tmp_path / "pika.db"
    migrate(path)

    assert _described(path).splitlines() == SNAPSHOT.read_text("utf-8").splitlines()
