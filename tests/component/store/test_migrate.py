"""Migrations: whole or not at all, and never over a newer version's data."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from bot.errors import SchemaTooNew, StorageTrouble
from bot.store.migrate import COPIES, look, migrate, migrations
from tests.storage_faults import refusing

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


def test_migrations_are_numbered_upwards_and_say_why() -> None:
    """No number twice; the first line of each is a comment with its reason."""
    steps = migrations()
    numbers = [number for number, _, _ in steps]

    assert numbers == sorted(set(numbers))
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


def test_a_copy_is_one_whole_file(tmp_path: Path) -> None:
    """It can be put back as it is: checked, in no need of a second file, and nothing is left of
    its making.
    """
    path = tmp_path / "pika.db"
    migrate(path, [ONE])

    migrate(path, [ONE, TWO])

    assert _ask(tmp_path / "pika.db.v1.bak", "PRAGMA integrity_check") == [("ok",)]
    assert sorted(file.name for file in tmp_path.iterdir()) == ["pika.db", "pika.db.v1.bak"]
    restored = tmp_path / "restored.db"
    restored.write_bytes((tmp_path / "pika.db.v1.bak").read_bytes())
    assert migrate(restored, [ONE, TWO]) == 2


def test_a_migration_that_is_tried_again_has_its_copy_made_again(tmp_path: Path) -> None:
    """Between two tries the older version may have gone on."""
    path = tmp_path / "pika.db"
    migrate(path, [ONE])
    with pytest.raises(sqlite3.Error):
        migrate(path, [ONE, (2, "0002_two.sql", "oops")])
    with closing(sqlite3.connect(path)) as db:
        db.execute("INSERT INTO one VALUES (7)")
        db.commit()

    migrate(path, [ONE, TWO])

    assert _ask(tmp_path / "pika.db.v1.bak", "SELECT a FROM one") == [(1,), (7,)]


def test_only_the_newest_copies_are_kept(tmp_path: Path) -> None:
    """A database that was brought up to date for years does not fill the disk; what is none of
    our copies stays.
    """
    path = tmp_path / "pika.db"
    mine = tmp_path / "pika.db.vacation.bak"
    mine.touch()
    steps = [(n, f"{n:04}_x.sql", f"CREATE TABLE t{n} (a);") for n in range(1, 13)]
    for last in range(1, 13):
        migrate(path, steps[:last])

    names = sorted(file.name for file in tmp_path.glob("*.bak"))

    kept = [f"pika.db.v{number}.bak" for number in range(12 - COPIES, 12)]
    assert names == sorted([mine.name, *kept])


def test_what_a_killed_start_left_of_a_copy_is_cleared_away(tmp_path: Path) -> None:
    """Half a copy never has a copy's name, and stands in nobody's way."""
    path = tmp_path / "pika.db"
    migrate(path, [ONE])
    for suffix in ("", "-journal", "-wal"):
        (tmp_path / f"pika.db.v1.bak.part{suffix}").write_bytes(b"half of it" * 1000)

    migrate(path, [ONE, TWO])

    assert _ask(tmp_path / "pika.db.v1.bak", "SELECT a FROM one") == [(1,)]
    assert sorted(file.name for file in tmp_path.iterdir()) == ["pika.db", "pika.db.v1.bak"]


def test_without_room_for_the_copy_nothing_is_migrated(tmp_path: Path) -> None:
    """A migration without a way back is none: the operator is asked for room first."""
    path = tmp_path / "pika.db"
    migrate(path, [ONE])
    with closing(sqlite3.connect(path)) as db:
        db.execute("INSERT INTO one VALUES (zeroblob(1000000))")
        db.commit()
    with refusing(path, 500_000), pytest.raises(StorageTrouble):
        migrate(path, [ONE, TWO])

    assert (_version(path), _tables(path)) == (1, ["one"])
    assert [file.name for file in tmp_path.iterdir()] == ["pika.db"]


# -- a database that cannot be used ---------------------------------------------------------


def _garbled(path: Path) -> None:
    """Pages in the middle hold nonsense; the header is whole."""
    migrate(path)
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"nonsense" * 4096)


def _text(path: Path) -> None:
    path.write_bytes(b"this is a text about foxes" * 1000)


def _cut_off(path: Path) -> None:
    migrate(path)
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2)


@pytest.mark.parametrize("spoil", [_garbled, _text, _cut_off])
def test_a_damaged_database_is_found_and_left_as_it_is(
    tmp_path: Path, spoil: Callable[[Path], None]
) -> None:
    """Before anything is written to it, and before a copy takes the place of a good one."""
    path = tmp_path / "pika.db"
    spoil(path)
    before = path.read_bytes()

    with pytest.raises(StorageTrouble, match=r"damaged: .* backup"):
        migrate(path)

    assert path.read_bytes() == before
    assert not list(tmp_path.glob("*.bak"))


@pytest.mark.parametrize("how", ["EXCLUSIVE", "IMMEDIATE"])
def test_a_database_that_another_program_holds_is_not_waited_for(tmp_path: Path, how: str) -> None:
    """The start says so, and does not hang; also where there is nothing to migrate."""
    path = tmp_path / "pika.db"
    migrate(path)

    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute(f"BEGIN {how}")
        began = time.monotonic()
        with pytest.raises(StorageTrouble, match="locked by another program"):
            migrate(path)
        assert time.monotonic() - began < 5

    assert migrate(path) == migrations()[-1][0]


def test_the_look_for_damage_ends_in_time(tmp_path: Path) -> None:
    """A start looks at as much of a large database as it can in some seconds, no more; who takes
    the time finds what is wrong at its end.
    """
    slow = "a INTEGER CHECK (a > 0 AND length(hex(zeroblob(500000 + a))) > 0)"
    with closing(sqlite3.connect(tmp_path / "pika.db")) as db:
        db.execute(f"CREATE TABLE large ({slow})")
        db.execute("PRAGMA ignore_check_constraints = ON")
        db.executemany("INSERT INTO large VALUES (?)", [(n,) for n in [*range(1, 500), -1]])
        db.commit()
        db.execute("PRAGMA ignore_check_constraints = OFF")

        look(db, seconds=0.05)
        with pytest.raises(StorageTrouble, match="damaged"):
            look(db, seconds=None)
        assert db.execute("SELECT count(*) FROM large").fetchone() == (500,)


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


def test_a_table_that_is_made_anew_keeps_what_it_held(tmp_path: Path) -> None:
    """Jobs, their messages and history, and the numbers that were used up by jobs now gone."""
    path = tmp_path / "pika.db"
    steps = migrations()
    migrate(path, steps[:6])
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        for number in (1, 2, 9):
            db.execute(
                "INSERT INTO job (id, request_key, guild_id, channel_id, user_id, verb, prompt, "
                "state, created_at, changed_at, cancel_asked_by) "
                "VALUES (?, ?, 1, 2, 3, 'create', 'a fox', 'queued', 5, 5, 77)",
                (number, number),
            )
            db.execute(
                "INSERT INTO reservation (job_id, guild_id, user_id, channel_id, credits, held_at) "
                "VALUES (?, 1, 3, 2, 1, 5)",
                (number,),
            )
            db.execute(
                "INSERT INTO delivery (job_id, kind, channel_id, due_at) VALUES (?, 'card', 2, 6)",
                (number,),
            )
        db.execute("PRAGMA foreign_keys = ON")
        db.execute("DELETE FROM job WHERE id = 9")
        before = [
            db.execute(f"SELECT * FROM {table} ORDER BY 1").fetchall()
            for table in ("delivery", "reservation", "job_event")
        ]

    migrate(path)

    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA foreign_keys = ON")
        after = [
            db.execute(f"SELECT * FROM {table} ORDER BY 1").fetchall()
            for table in ("delivery", "reservation", "job_event")
        ]
        assert [[row[:13] for row in rows] for rows in after] == before
        jobs = db.execute("SELECT id, prompt, cancel_asked_by, marked FROM job").fetchall()
        assert jobs == [(1, "a fox", 77, None), (2, "a fox", 77, None)]
        db.execute("UPDATE job SET state = 'cancelled', finished_at = 9 WHERE id = 1")
        assert db.execute("SELECT state FROM job_event WHERE job_id = 1").fetchall() == [
            ("queued",),
            ("cancelled",),
        ]
        db.execute(
            "INSERT INTO job (request_key, guild_id, channel_id, user_id, verb, prompt, state, "
            "created_at, changed_at) VALUES (10, 1, 2, 3, 'create', 'x', 'queued', 5, 5)"
        )
        assert db.execute("SELECT max(id) FROM job").fetchone() == (10,)
        db.execute("DELETE FROM job WHERE id = 2")
        assert db.execute("SELECT count(*) FROM delivery WHERE job_id = 2").fetchone() == (0,)
