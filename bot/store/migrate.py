"""Bring a database file to this version's schema before the loop starts."""

from __future__ import annotations

import logging
import re
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from importlib import resources
from pathlib import Path

from bot.errors import SchemaTooNew

log = logging.getLogger(__name__)

Step = tuple[int, str, str]
"""One migration: its number, file name and SQL."""


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
    (``pika.db.v3.bak``). Raises ``SchemaTooNew`` for one that a newer version wrote, and
    ``sqlite3.Error`` when a migration fails: that migration is then not applied at all.
    """
    steps = steps or migrations()
    newest = steps[-1][0]
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA journal_mode = WAL")
        have = int(db.execute("PRAGMA user_version").fetchone()[0])
        if have > newest:
            raise SchemaTooNew(
                f"{path.name} has schema {have}, this version knows {newest}: "
                "start the newer version, or restore an older backup"
            )
        pending = [step for step in steps if step[0] > have]
        if have and pending:
            _copy(db, path.with_name(f"{path.name}.v{have}.bak"))
        for number, name, sql in pending:
            _apply(db, number, name, sql)
            log.info("schema %d applied (%s)", number, name)
    return newest


def _copy(db: sqlite3.Connection, to: Path) -> None:
    with closing(sqlite3.connect(to)) as copy:
        db.backup(copy)
    log.info("older database copied to %s before the migration", to.name)


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
