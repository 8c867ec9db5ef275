"""Keeps httpx's own log records, which hold whole addresses, out of our logs."""

from __future__ import annotations

import logging


def quiet_httpx() -> None:
    """Silence two loggers: httpx tells every address with its query, httpcore every header."""
    for name in ("httpx", "httpcore"):
        logger = logging.getLogger(name)
        if logger.level < logging.WARNING:
            logger.setLevel(logging.WARNING)
