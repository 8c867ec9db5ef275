"""Ports for processes that tests start."""

from __future__ import annotations

import atexit

from bot.demo.port import KeptPort


def free_port() -> int:
    """A port on which nobody listens, and which nobody else is given while these tests run."""
    port = KeptPort()
    atexit.register(port.close)
    return port.number
