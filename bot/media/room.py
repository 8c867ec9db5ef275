"""Room on the disk: files from outside leave some of it to the database."""

from __future__ import annotations

import errno
import logging
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Final

from bot.errors import NotStored

log = logging.getLogger(__name__)

RESERVE: Final = 64 * 1024 * 1024
"""Bytes of the disk that no picture and no video may take. The database goes on with them for
long, so a disk that fills up stops the fetching of files before it stops everything."""

_NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT})


def not_stored(error: OSError) -> NotStored:
    """What a failed write means for the file."""
    if error.errno in _NO_ROOM:
        return NotStored("The disk is full.")
    return NotStored(f"The file could not be stored: {error.strerror or type(error).__name__}.")


class Room:
    """The room for files on the disk of ``folder``. ``free`` replaces the look at the disk."""

    def __init__(self, folder: Path, free: Callable[[Path], int] | None = None) -> None:
        self._folder = folder
        self._free = free or _free
        self._lacking = False

    def spare(self) -> int:
        """Bytes that files may still take; below zero where too much is taken. Blocks."""
        return self._free(self._folder) - RESERVE

    def check(self, size: int) -> None:
        """Raise ``NotStored`` where ``size`` more bytes have no room. Blocks."""
        if size > self.spare():
            raise NotStored("The disk is full.")

    def refused(self, error: NotStored) -> None:
        """A file could not be stored. The operator is told once, until one is stored again."""
        if not self._lacking:
            log.error("files cannot be stored in %s now and wait: %s", self._folder, error)
        self._lacking = True

    def took(self) -> None:
        """A file was stored."""
        if self._lacking:
            log.warning("files can be stored in %s again", self._folder)
        self._lacking = False


def _free(folder: Path) -> int:
    existing = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    return shutil.disk_usage(existing).free
