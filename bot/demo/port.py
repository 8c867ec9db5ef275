"""A port for a process that is started later, and again."""

from __future__ import annotations

import socket
import sys
from typing import Self

HOST = "127.0.0.1"


class KeptPort:
    """A free port of this machine that nobody else is given; close it when it is not needed.

    It is bound and not listened on. On Linux, whoever asks for this very port (and sets
    SO_REUSEADDR, as asyncio does) may still listen there, while the kernel hands it out to no
    other server and no outgoing connection (ip(7), socket(7)). Elsewhere a second bind is refused,
    so there it is only a port that was free when it was chosen.
    """

    def __init__(self) -> None:
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind((HOST, 0))
        self.number = int(self._socket.getsockname()[1])
        if sys.platform != "linux":
            self._socket.close()

    def close(self) -> None:
        """Let others have it."""
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
