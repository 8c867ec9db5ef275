"""The data directory: made where it is missing, and looked at before anything relies on it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from bot.store import trouble

_SOME: Final = 4096


def make(directories: Iterable[Path]) -> None:
    """Make what is missing of ``directories``, and write a file in each.

    Raises ``StorageTrouble``: what cannot be written to is better found at the start than with
    a member's video in hand.
    """
    for directory in directories:
        try:
            directory.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=directory) as file:
                file.write(os.urandom(_SOME))
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise trouble.of_system(error, directory) from error
