"""The fair queue: round robin over servers, then over the members of a server.

A mirror in memory of the jobs in state ``queued``; the database is the truth, and a start
fills the queue from it.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Protocol

from bot.model import Requester

_Line = deque[int]


class Paused(Protocol):
    """Ids of servers whose jobs do not go now."""

    def __contains__(self, guild_id: object, /) -> bool: ...

    def __len__(self) -> int: ...


class _Members:
    """The members of one server who wait: their lines, in the order of their turns.

    Every new job is told its place, so counting those before it must not take longer the
    more there are: for each round it is kept which members have a job for it.
    """

    def __init__(self) -> None:
        self.lines: OrderedDict[int, _Line] = OrderedDict()
        self._numbers: dict[int, int] = {}  # they ascend in the order of ``lines``
        self._next = 0
        self._rounds: list[list[int]] = []  # sorted numbers of who has so many jobs, and one more

    def add(self, user_id: int, job_id: int) -> None:
        """Put a job behind the member's others."""
        line = self.lines.get(user_id)
        if line is None:
            line = self.lines[user_id] = deque()
            self._number(user_id)
        line.append(job_id)
        if len(line) > len(self._rounds):
            self._rounds.append([])
        insort(self._rounds[len(line) - 1], self._numbers[user_id])

    def take(self, user_id: int) -> int:
        """The member's first job, out of the line; the member goes behind all others."""
        line = self.lines[user_id]
        for turn in range(len(line)):
            self._leave(user_id, turn)
        job_id = line.popleft()
        self.lines.move_to_end(user_id)
        self._number(user_id)
        for members in self._rounds[: len(line)]:
            members.append(self._numbers[user_id])
        self._tidy(user_id)
        return job_id

    def remove(self, user_id: int, job_id: int) -> None:
        """Take a job out of the member's line."""
        line = self.lines[user_id]
        self._leave(user_id, len(line) - 1)
        line.remove(job_id)
        self._tidy(user_id)

    def before(self, user_id: int, job_id: int, size: int) -> int:
        """How many of this server's ``size`` jobs go before this one."""
        turn, rounds = _index(self.lines[user_id], job_id), self._rounds
        if turn < len(rounds) // 2:
            earlier = sum(map(len, rounds[:turn]))
        else:
            earlier = size - sum(map(len, rounds[turn:]))
        return earlier + bisect_left(rounds[turn], self._numbers[user_id])

    def order(self) -> Iterator[int]:
        """The jobs in the order in which they would go."""
        for turn in range(len(self._rounds)):
            for line in self.lines.values():
                if turn < len(line):
                    yield line[turn]

    def _number(self, user_id: int) -> None:
        self._next += 1
        self._numbers[user_id] = self._next

    def _leave(self, user_id: int, turn: int) -> None:
        members = self._rounds[turn]
        del members[bisect_left(members, self._numbers[user_id])]

    def _tidy(self, user_id: int) -> None:
        if not self.lines[user_id]:
            del self.lines[user_id], self._numbers[user_id]
        while self._rounds and not self._rounds[-1]:
            self._rounds.pop()


class FairQueue:
    """Job ids in the order in which they will go.

    The server that was served longest ago is first, in it the member that was served
    longest ago, of that member's jobs the oldest. A job can be ``reserved``: it has its
    place, but is passed over until it is released; so is every job of a server that is
    paused. A job that was popped and comes back goes before all others; several keep the order
    in which they were popped.
    """

    REMEMBERED = 1000
    """Pops whose order is remembered; far more than can be at Pika at once."""

    def __init__(self) -> None:
        self._front: list[tuple[int, int, int]] = []  # restored, in order: which pop, job, server
        self._pops: OrderedDict[int, int] = OrderedDict()  # job -> which pop it was
        self._popped = 0
        self._guilds: OrderedDict[int, _Members] = OrderedDict()
        self._sizes: OrderedDict[int, int] = OrderedDict()  # jobs per server, in the same order
        self._where: dict[int, tuple[int, int] | None] = {}  # None: in front
        self._reserved: set[int] = set()
        self._paused: Paused = frozenset[int]()
        self._released: list[Callable[[], None]] = []

    def __len__(self) -> int:
        return len(self._where)

    def __contains__(self, job_id: object) -> bool:
        return job_id in self._where

    def add(self, job_id: int, requester: Requester, *, reserved: bool = False) -> None:
        """Put a job behind its member's others. One that is in already stays where it is."""
        if job_id in self._where:
            return
        guild_id = requester.guild_id
        self._where[job_id] = (guild_id, requester.user_id)
        self._sizes[guild_id] = self._sizes.get(guild_id, 0) + 1
        self._guilds.setdefault(guild_id, _Members()).add(requester.user_id, job_id)
        if reserved:
            self._reserved.add(job_id)

    def restore(self, job_id: int, guild_id: int) -> None:
        """Put a job that was popped back in front of everything: it keeps its place."""
        if job_id not in self._where:
            self._where[job_id] = None
            insort(self._front, (self._pops.get(job_id, 0), job_id, guild_id))

    def pass_over(self, paused: Paused) -> None:
        """Let no job go of the servers that are in ``paused`` when their turn comes."""
        self._paused = paused

    def on_release(self, listener: Callable[[], None]) -> None:
        """Call ``listener`` whenever jobs may go that could not."""
        self._released.append(listener)

    def release(self, job_id: int) -> None:
        """A reserved job may go now."""
        self._reserved.discard(job_id)
        self.wake()

    def wake(self) -> None:
        """What was paused may go on: tell whoever takes jobs."""
        for listener in self._released:
            listener()

    def remove(self, job_id: int) -> bool:
        """Take a job out, wherever it stands; whether it was in."""
        if job_id not in self._where:
            return False
        where = self._where.pop(job_id)
        self._reserved.discard(job_id)
        if where is None:
            self._front = [one for one in self._front if one[1] != job_id]
            return True
        guild_id, user_id = where
        self._guilds[guild_id].remove(user_id, job_id)
        self._leave(guild_id)
        return True

    def pop(self) -> int | None:
        """The job whose turn it is, out of the queue; ``None`` when none may go."""
        job_id = self._take_front()
        if job_id is None:
            job_id = self._take_turn()
        if job_id is not None:
            del self._where[job_id]
            self._remember(job_id)
        return job_id

    def _take_front(self) -> int | None:
        for index, (_, job_id, guild_id) in enumerate(self._front):
            if guild_id not in self._paused:
                del self._front[index]
                return job_id
        return None

    def _take_turn(self) -> int | None:
        for guild_id, members in self._guilds.items():
            if guild_id in self._paused:
                continue
            for user_id, line in members.lines.items():
                if line[0] in self._reserved:
                    continue
                job_id = members.take(user_id)
                self._guilds.move_to_end(guild_id)
                self._sizes.move_to_end(guild_id)
                self._leave(guild_id)
                return job_id
        return None

    def place(self, job_id: int) -> int | None:
        """How many jobs go before this one, plus one; ``None`` when it is not in. Jobs of paused
        servers do not go, so they are not counted; its own place is as if its server went on.
        """
        if job_id not in self._where:
            return None
        where = self._where[job_id]
        if where is None:
            own = next(index for index, one in enumerate(self._front) if one[1] == job_id)
            return 1 + self._going(self._front[:own])
        guild_id, user_id = where
        inside = self._guilds[guild_id].before(user_id, job_id, self._sizes[guild_id])
        place = 1 + self._going(self._front) + inside
        if len(self._sizes) == 1:
            return place
        sizes: Iterable[tuple[int, int]] = self._sizes.items()
        if self._paused:
            sizes = [(id_, n) for id_, n in sizes if id_ == guild_id or id_ not in self._paused]
        return place + _before(guild_id, inside, sizes)

    def _going(self, front: list[tuple[int, int, int]]) -> int:
        if not self._paused:
            return len(front)
        return sum(guild_id not in self._paused for _, _, guild_id in front)

    def order(self) -> Iterator[int]:
        """All jobs in the order in which they would go if nothing was added, reserved or paused.

        Computed while it is read, which must be done before the queue changes.
        """
        yield from [job_id for _, job_id, _ in self._front]
        guilds = deque(members.order() for members in self._guilds.values())
        while guilds:
            guild = guilds.popleft()
            for job_id in islice(guild, 1):
                yield job_id
                guilds.append(guild)

    def _remember(self, job_id: int) -> None:
        self._popped += 1
        self._pops[job_id] = self._pops.pop(job_id, self._popped)  # the first time counts
        if len(self._pops) > self.REMEMBERED:
            self._pops.popitem(last=False)

    def _leave(self, guild_id: int) -> None:
        self._sizes[guild_id] -= 1
        if not self._sizes[guild_id]:
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
