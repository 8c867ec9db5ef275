"""What the page may know and do about the bot's process. Whoever runs the show implements it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol


class BotControl(Protocol):
    """One process of the bot after the other."""

    @property
    def pid(self) -> int | None:
        """The running process; None without one."""
        ...

    @property
    def starts(self) -> int:
        """How many processes there were."""
        ...

    @property
    def since(self) -> float:
        """Seconds since 1970 at which the process began or ended."""
        ...

    @property
    def exit_code(self) -> int | None:
        """What the last process ended with; None while one runs and before the first."""
        ...

    @property
    def failed(self) -> bool:
        """Whether the last process ended without being asked to."""
        ...

    def log_tail(self, lines: int) -> list[str]:
        """The last lines of its log."""
        ...

    def watch(self, changed: Callable[[], None]) -> None:
        """Call ``changed`` whenever any of this is different."""
        ...

    async def start(self) -> None:
        """Start a process unless one runs."""
        ...

    async def stop(self) -> None:
        """SIGTERM, and wait for its end."""
        ...

    async def kill(self) -> None:
        """SIGKILL, and wait for its end."""
        ...
