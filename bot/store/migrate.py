"""Bring a database file to this version's schema before the loop starts."""

from __future__ import annotations

import logging
import os
import re
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from importlib import resources
from pathlib import Path
from typing import Final

from bot.errors import SchemaTooNew
from bot.store import trouble

log = logging.getLogger(__name__)

Step = tuple[int, str, str]
"""One migration: its number, file name and SQL."""

COPIES: Final = 3
"""Copies of older databases that are kept, the newest ones."""

LOOK_SECONDS: Final = 2.0
"""How long a start looks for damage. A million finished jobs (780 MB) take 7 s to read as a
whole, and 26 s from a cold disk (measured); other damage is found by whoever meets it."""

_LOCKED_SECONDS: Final = 1.0


def migrations() -> list[Step]:
    """All migrations, in order."""
    return sorted(_files())


def _files() -> Iterator[Step]:
    for entry in resources.files("bot.store").joinpath("migrations").iterdir():
        if match := re.fullmatch(r"(\d{4})_\w+\.sql", entry.name):
            yield int(match[1]), entry.name, entry.read_text(encoding="utf-8")


def migrate(path: Path, steps: Sequence[Step] | None = None) -> int:
    """Apply what is missing, each migration in one transaction; return the schema's number.

    ``steps`` are the migrations there are, by default this version's.

    A database that already holds an older schema is copied beside itself first
    (``pika.db.v3.bak``). Whatever was to be done, the database has taken a write at the end.
    Raises ``SchemaTooNew`` for one that a newer version wrote, ``StorageTrouble`` where the
    database cannot be used, and ``sqlite3.Error`` when a migration fails: that migration is
    then not applied at all.
    """
    try:
        with closing(sqlite3.connect(path, _LOCKED_SECONDS, isolation_level=None)) as db:
            return _migrate(db, path, steps or migrations())
    except sqlite3.Error as error:
        raise trouble.of_sqlite(error, path) or error from error


def _migrate(db: sqlite3.Connection, path: Path, steps: Sequence[Step]) -> int:
    newest = steps[-1][0]
    have = int(db.execute("PRAGMA user_version").fetchone()[0])
    if have > newest:
        raise SchemaTooNew(
            f"{path.name} has schema {have}, this version knows {newest}: "
            "start the newer version, or restore an older backup"
        )
    look(db)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")
    pending = [step for step in steps if step[0] > have]
    if have and pending:
        _copy(db, path, have)
    for number, name, sql in pending:
        _apply(db, number, name, sql)
        log.info("schema %d applied (%s)", number, name)
    if not pending:
        for statement in ("BEGIN IMMEDIATE", f"PRAGMA user_version = {newest}", "COMMIT"):
            db.execute(statement)
    return newest


def look(db: sqlite3.Connection, seconds: float | None = LOOK_SECONDS) -> None:
    """Look for damage, no longer than ``seconds``. Raises ``StorageTrouble``, ``sqlite3.Error``."""
    alarm = threading.Timer(seconds or 0, db.interrupt)
    if seconds is not None:
        alarm.start()
    try:
        found = db.execute("PRAGMA quick_check(1)").fetchone()[0]
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_INTERRUPT:
            raise
        return
    finally:
        alarm.cancel()
    if found != "ok":
        raise trouble.called(trouble.DAMAGED)


def _copy(db: sqlite3.Connection, path: Path, have: int) -> None:
    """Copy the database beside itself; a file under the copy's own name is whole and checked."""
    to = path.with_name(f"{path.name}.v{have}.bak")
    part = to.with_name(f"{to.name}.part")
    try:
        _remove(part)
        with closing(sqlite3.connect(part, isolation_level=None)) as copy:
            db.backup(copy)
            copy.execute("PRAGMA journal_mode = DELETE")  # a copy is one file
            look(copy, None)
        _to_the_disk(part)
        part.replace(to)
        _to_the_disk(to.parent)
        for old in _copies(path)[COPIES:]:
            old.unlink()
    except OSError as error:
        raise trouble.of_system(error, path.parent) from error
    finally:
        with suppress(OSError):
            _remove(part)
    log.info("older database copied to %s before the migration", to.name)


def _remove(database: Path) -> None:
    for suffix in ("", "-journal", "-wal", "-shm"):
        database.with_name(database.name + suffix).unlink(missing_ok=True)


def _copies(path: Path) -> list[Path]:
    """The copies of this database, of the newest schema first."""
    numbers = {
        copy: int(copy.suffixes[-2].removeprefix(".v"))
        for copy in path.parent.glob(f"{path.name}.v*.bak")
        if re.fullmatch(r"\.v\d+", copy.suffixes[-2])
    }
    return sorted(numbers, key=numbers.__getitem__, reverse=True)


def _to_the_disk(path: Path) -> None:
    with suppress(PermissionError):  # Windows opens no folders
        opened = os.open(path, os.O_RDONLY)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)


def _apply(db: sqlite3.Connection, number: int, name: str, sql: str) -> None:
    try:
        db.executescript(
            f"PRAGMA foreign_keys = OFF; BEGIN IMMEDIATE;\n{sql}\nPRAGMA user_version = {number};"
        )
        if db.execute("PRAGMA foreign_key_check").fetchone():
            raise sqlite3.IntegrityError(f"{name} leaves broken references")
        db.execute("COMMIT")
    except BaseException:
        db.rollback()
        raise
