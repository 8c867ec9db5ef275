"""The fair queue: round robin over servers, then over the members of a server.

A mirror in memory of the jobs in state ``queued``; the database is the truth, and a start
fills the queue from it.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterable, Iterator

from bot.model import Requester

_Line = deque[int]
_Members = OrderedDict[int, _Line]


class FairQueue:
    """Job ids in the order in which they will go.

    The server that was served longest ago is first, in it the member that was served
    longest ago, of that member's jobs the oldest. A job can be ``reserved``: it has its
    place, but is passed over until it is released.
    """

    def __init__(self) -> None:
        self._guilds: OrderedDict[int, _Members] = OrderedDict()
        self._sizes: OrderedDict[int, int] = OrderedDict()  # jobs per server, in the same order
        self._where: dict[int, tuple[int, int]] = {}
        self._reserved: set[int] = set()

    def __len__(self) -> int:
        return len(self._where)

    def __contains__(self, job_id: object) -> bool:
        return job_id in self._where

    def add(self, job_id: int, requester: Requester, *, reserved: bool = False) -> None:
        """Put a job behind its member's others. One that is in already stays where it is."""
        if job_id in self._where:
            return
        members = self._enter(job_id, requester)
        members.setdefault(requester.user_id, deque()).append(job_id)
        if reserved:
            self._reserved.add(job_id)

    def restore(self, job_id: int, requester: Requester) -> None:
        """Put a job that was popped back in front of everything: it keeps its place."""
        if job_id in self._where:
            return
        members = self._enter(job_id, requester)
        members.setdefault(requester.user_id, deque()).appendleft(job_id)
        members.move_to_end(requester.user_id, last=False)
        self._guilds.move_to_end(requester.guild_id, last=False)
        self._sizes.move_to_end(requester.guild_id, last=False)

    def release(self, job_id: int) -> None:
        """A reserved job may go now."""
        self._reserved.discard(job_id)

    def remove(self, job_id: int) -> bool:
        """Take a job out, wherever it stands; whether it was in."""
        where = self._where.pop(job_id, None)
        if where is None:
            return False
        self._reserved.discard(job_id)
        guild_id, user_id = where
        self._guilds[guild_id][user_id].remove(job_id)
        self._leave(guild_id, user_id)
        return True

    def pop(self) -> int | None:
        """The job whose turn it is, out of the queue; ``None`` when none may go."""
        for guild_id, members in self._guilds.items():
            for user_id, line in members.items():
                if line[0] in self._reserved:
                    continue
                job_id = line.popleft()
                del self._where[job_id]
                members.move_to_end(user_id)
                self._guilds.move_to_end(guild_id)
                self._sizes.move_to_end(guild_id)
                self._leave(guild_id, user_id)
                return job_id
        return None

    def place(self, job_id: int) -> int | None:
        """How many jobs go before this one, plus one; ``None`` when it is not in."""
        where = self._where.get(job_id)
        if where is None:
            return None
        guild_id, user_id = where
        members = self._guilds[guild_id]
        turns = _index(members[user_id], job_id)
        if turns == 0 and next(reversed(members)) == user_id:
            inside = len(members) - 1  # everybody else goes once; the way of most new jobs
        else:
            inside = turns + _before(
                user_id, turns, ((user, len(line)) for user, line in members.items())
            )
        if len(self._sizes) == 1:
            return 1 + inside
        return 1 + inside + _before(guild_id, inside, self._sizes.items())

    def order(self) -> Iterator[int]:
        """All jobs in the order in which they would go if nothing was added or reserved."""
        guilds = deque(
            deque(deque(line) for line in members.values()) for members in self._guilds.values()
        )
        while guilds:
            members = guilds.popleft()
            line = members.popleft()
            yield line.popleft()
            if line:
                members.append(line)
            if members:
                guilds.append(members)

    def _enter(self, job_id: int, requester: Requester) -> _Members:
        guild_id = requester.guild_id
        self._where[job_id] = (guild_id, requester.user_id)
        self._sizes[guild_id] = self._sizes.get(guild_id, 0) + 1
        return self._guilds.setdefault(guild_id, OrderedDict())

    def _leave(self, guild_id: int, user_id: int) -> None:
        self._sizes[guild_id] -= 1
        members = self._guilds[guild_id]
        if not members[user_id]:
            del members[user_id]
        if not members:
            del self._guilds[guild_id], self._sizes[guild_id]


def _index(line: _Line, job_id: int) -> int:
    # A new job is the last of its line, so look from there.
    return len(line) - 1 if line[-1] == job_id else line.index(job_id)


def _before(own: int, turns: int, rotation: Iterable[tuple[int, int]]) -> int:
    """How many jobs of the others go before the one that waits ``turns`` turns of its own.

    ``rotation`` is (whose, how many jobs) in turn; those ahead of ``own`` have one turn
    more than those behind.
    """
    count, ahead = 0, 1
    for key, size in rotation:
        if key == own:
            ahead = 0
        else:
            count += min(size, turns + ahead)
    return count
