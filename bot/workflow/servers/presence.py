"""In which servers the bot is, as the gateway tells it: noted at once, written down elsewhere.

Events may get lost, and whoever hears them must not wait for a disk. What was noted and not
written down when the process ends, the next start finds out for itself.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Census:
    """All servers that the bot is in, of those that are ``ours``: other processes have others."""

    present: frozenset[int]
    ours: Callable[[int], bool]

    def corrected(self, heard: Mapping[int, bool]) -> dict[int, bool]:
        """What was heard of single servers before, as far as it still holds."""
        return {
            guild_id: here for guild_id, here in heard.items() if here == (guild_id in self.present)
        }


@dataclass(slots=True)
class Notes:
    """What was heard: of single servers whether the bot is there, and the last census."""

    here: dict[int, bool] = field(default_factory=dict)
    census: Census | None = None


class Presence:
    """Takes notes until somebody takes them over."""

    def __init__(self) -> None:
        self._notes = Notes()

    def left(self, guild_id: int) -> None:
        """The bot was removed from this server; not: it cannot be reached."""
        self._notes.here[guild_id] = False

    def came(self, guild_id: int) -> None:
        """The bot is in this server."""
        self._notes.here[guild_id] = True

    def counted(self, present: Collection[int], ours: Callable[[int], bool]) -> None:
        """The gateway has named all servers that the bot is in, whatever was heard before."""
        census = Census(frozenset(present), ours)
        self._notes = Notes(census.corrected(self._notes.here), census)

    def take(self) -> Notes:
        """What was heard since the last time."""
        notes, self._notes = self._notes, Notes()
        return notes

    def put_back(self, notes: Notes) -> None:
        """What was taken could not be written down. What was heard since is newer."""
        newer = self._notes
        here = notes.here if newer.census is None else newer.census.corrected(notes.here)
        self._notes = Notes(here | newer.here, newer.census or notes.census)

    def is_back(self, guild_id: int) -> bool:
        """Whether something was heard of this server since, and not that the bot was removed."""
        return self._notes.here.get(guild_id, False)
