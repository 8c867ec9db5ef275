"""Troubles of the storage as they really come, for as long as they are entered."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path

import pytest


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Another program writes to the database and does not come to an end."""
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        yield


@contextmanager
def moved(path: Path) -> Iterator[None]:
    """Somebody has put the file elsewhere."""
    away = path.rename(path.with_name("away.db"))
    yield
    away.rename(path)


@contextmanager
def replaced(path: Path) -> Iterator[None]:
    """Another file lies under the name, as if a backup was put there while the bot runs."""
    with moved(path):
        path.write_bytes(path.with_name("away.db").read_bytes())
        yield
        path.unlink()


@contextmanager
def refusing(_path: Path, size: int = 4096) -> Iterator[None]:
    """This process can write to no file beyond ``size`` bytes, as on a disk that breaks."""
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def root_of(path: Path, table: str) -> tuple[int, int]:
    """Where the table's first page begins in the file, and the size of a page."""
    with closing(sqlite3.connect(path)) as db:
        size = db.execute("PRAGMA page_size").fetchone()[0]
        sql = "SELECT rootpage FROM sqlite_master WHERE name = ?"
        page = db.execute(sql, [table]).fetchone()[0]
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return (page - 1) * size, size


def damage(path: Path, table: str) -> None:
    """Write nonsense where the table begins."""
    at, size = root_of(path, table)
    with path.open("r+b") as file:
        file.seek(at)
        file.write(b"nonsense" * (size // 8))
        file.flush()
        os.fsync(file.fileno())


Fault = Callable[[Path], AbstractContextManager[None]]
