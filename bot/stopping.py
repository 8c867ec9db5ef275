"""SIGTERM and SIGINT, from the first line of ours to the last: the process ends with 0."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

log = logging.getLogger(__name__)

LONGEST: Final = 9.0
"""Seconds that a stop may take. It is over by itself long before, unless the disk hangs."""

_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)


def at_once() -> None:
    """From now on a signal ends the process where it stands.

    For as long as nothing is under way that a kill could harm. An exception would be lost
    wherever Python swallows them, and is no way out of a long statement of SQLite.
    """
    for name in _SIGNALS:
        signal.signal(name, lambda *_: os._exit(0))


@contextmanager
def gently() -> Iterator[asyncio.Event]:
    """The event that a signal sets in this loop, while this is entered.

    A process that has not come to its end after ``LONGEST`` is ended where it stands: what it
    promised is on the disk, and the next start takes the rest for a kill.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    watch = threading.Timer(LONGEST, _give_up)
    watch.daemon = True

    def asked() -> None:
        if not stop.is_set():
            stop.set()
            watch.start()

    def hear(*_: object) -> None:
        with suppress(RuntimeError):  # the loop is closed: the end is near
            loop.call_soon_threadsafe(asked)

    for name in _SIGNALS:
        signal.signal(name, hear)
    try:
        yield stop
    finally:
        at_once()


def _give_up() -> None:
    log.error("the stop took longer than %g s: ended without waiting any longer", LONGEST)
    os._exit(0)
