"""What is wrong with the storage, in words: for readiness, for the log, for a failed start."""

from __future__ import annotations

import errno
import shutil
import sqlite3
from pathlib import Path
from types import MappingProxyType
from typing import Final

from bot.errors import StorageTrouble

FULL: Final = "disk full"
LOCKED: Final = "locked by another program"
DAMAGED: Final = "damaged"
READ_ONLY: Final = "read-only"
MOVED: Final = "moved or deleted"
UNOPENED: Final = "cannot be opened"
BROKEN: Final = "disk error"

_REMEDIES: Final = MappingProxyType(
    {
        FULL: "free some space there",
        LOCKED: "end the program that holds it",
        DAMAGED: "with the bot stopped, keep it for a rescue and put a backup in its place",
        READ_ONLY: "let the bot's user write to the directory and to what is in it",
        MOVED: "with the bot stopped, put it back",
        UNOPENED: "let the bot's user read and write the directory and what is in it",
        BROKEN: "look at the disk, and at the system's log",
    }
)

_OF_SQLITE: Final = MappingProxyType(
    {
        sqlite3.SQLITE_FULL: FULL,
        sqlite3.SQLITE_BUSY: LOCKED,
        sqlite3.SQLITE_PROTOCOL: LOCKED,
        sqlite3.SQLITE_CORRUPT: DAMAGED,
        sqlite3.SQLITE_NOTADB: DAMAGED,
        sqlite3.SQLITE_READONLY: READ_ONLY,
        sqlite3.SQLITE_PERM: READ_ONLY,
        sqlite3.SQLITE_CANTOPEN: UNOPENED,
        sqlite3.SQLITE_IOERR: BROKEN,
    }
)
"""By primary result code (SQLite docs, "Result and Error Codes")."""

_OF_THE_SYSTEM: Final = MappingProxyType(
    {
        errno.ENOSPC: FULL,
        errno.EDQUOT: FULL,
        errno.EROFS: READ_ONLY,
        errno.EACCES: READ_ONLY,
        errno.EPERM: READ_ONLY,
    }
)

_NO_ROOM: Final = 1024 * 1024
"""Bytes; with less than this free, an error that names no reason is for want of room."""


def called(what: str) -> StorageTrouble:
    """The trouble of this name, with its remedy."""
    return StorageTrouble(what, _REMEDIES[what])


def of_sqlite(error: sqlite3.Error, path: Path) -> StorageTrouble | None:
    """What this error says of the database at ``path``; ``None`` if it is a statement's fault."""
    what = _OF_SQLITE.get(getattr(error, "sqlite_errorcode", 0) & 0xFF)  # codes may be extended
    if what == BROKEN and _free(path) < _NO_ROOM:
        what = FULL  # SQLite says so of its main files only
    return called(what) if what else None


def of_system(error: OSError, path: Path) -> StorageTrouble:
    """What this error says of the file or directory at ``path``."""
    what = _OF_THE_SYSTEM.get(error.errno or 0)
    if what is not None:
        return StorageTrouble(what, _REMEDIES[what], str(path))
    if isinstance(error, FileExistsError | NotADirectoryError):
        remedy = f"move {error.filename or path} away, or name another directory"
        return StorageTrouble("not a directory", remedy, str(path))
    why = error.strerror or type(error).__name__
    return StorageTrouble(f"cannot be used ({why})", "name a directory that can", str(path))


def _free(path: Path) -> int:
    try:
        return shutil.disk_usage(path.parent).free
    except OSError:
        return _NO_ROOM
