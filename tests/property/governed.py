"""What moderators have set in a test, in its plainest form, and whether a hold was in order."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bot.model import Quota
from bot.rules.policy import PauseMode
from bot.rules.words import Listed
from bot.store import governing, words
from bot.store.audit import Act
from bot.store.governing import Whose

ROLE = 77
FOREVER = 10**18
CHANGES = (
    "everyone", "role", "member", "budget", "grant", "block", "pause", "drain", "words",
    "nothing any more",
)  # fmt: skip


@dataclass
class Server:
    """One server's settings."""

    default: int
    role: int | None = None
    budget: int | None = None
    member: dict[int, int] = field(default_factory=dict)
    grants: list[tuple[int, int, int]] = field(default_factory=list)  # member, credits, until
    blocks: dict[int, tuple[int, int]] = field(default_factory=dict)  # since, until
    stops: list[tuple[PauseMode, int, int]] = field(default_factory=list)  # since, until
    words: bool = False


class Governed:
    """All servers' settings, changed in the store and here alike."""

    def __init__(self, quota: Quota, guilds: Sequence[int]) -> None:
        self.quota = quota
        self.servers = {guild: Server(quota.credits) for guild in guilds}

    def change(
        self, tx: sqlite3.Connection, what: str, guild: int, user: int, number: int,
        until: int | None, now: int,
    ) -> None:  # fmt: skip
        """One moderator's command."""
        act, server = Act(guild, 900, now), self.servers[guild]
        limit = {"amount": number}
        match what:
            case "everyone":
                governing.set_limit(tx, act, Whose.EVERYONE, **limit)
                server.default = number
            case "role":
                governing.set_limit(tx, act, Whose.ROLE, ROLE, **limit)
                server.role = number
            case "member":
                governing.set_limit(tx, act, Whose.MEMBER, user, **limit)
                server.member[user] = number
            case "budget":
                window_ms = self.quota.window_ms
                governing.set_limit(tx, act, Whose.SERVER, window_ms=window_ms, **limit)
                server.budget = number
            case "grant":
                end = until or now + 600_000
                governing.grant(tx, act, user, number + 1, end)
                server.grants.append((user, number + 1, end))
            case "block":
                governing.block(tx, act, user, until=until)
                server.blocks[user] = now, until or FOREVER
            case "pause" | "drain":
                mode = PauseMode(what)
                governing.pause(tx, act, mode, until=until)
                self._end_stops(server, now)
                server.stops.append((mode, now, until or FOREVER))
            case "words":
                words.replace_all(tx, act, [Listed("wish")])
                server.words = True
            case _:
                self.free(tx, guild, now)

    def blocked(self, guild: int, user: int, now: int) -> None:
        """Somebody was blocked beside a review."""
        self.servers[guild].blocks[user] = now, FOREVER

    def free(self, tx: sqlite3.Connection, guild: int, now: int) -> None:
        """Take everything away that is set in a server, save for grants."""
        act, server = Act(guild, 900, now), self.servers[guild]
        for whose, subject in (
            (Whose.EVERYONE, 0),
            (Whose.ROLE, ROLE),
            (Whose.SERVER, 0),
            *((Whose.MEMBER, user) for user in server.member),
        ):
            governing.clear_limit(tx, act, whose, subject)
        for user in server.blocks:
            governing.unblock(tx, act, user)
        governing.resume(tx, act)
        words.replace_all(tx, act, ())
        self._end_stops(server, now)
        self.servers[guild] = Server(self.quota.credits, grants=server.grants, stops=server.stops)

    def _end_stops(self, server: Server, now: int) -> None:
        server.stops = [(mode, since, min(until, now)) for mode, since, until in server.stops]

    def wrong(
        self, row: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], *, late: bool, role: bool
    ) -> str | None:
        """What speaks against this hold among ``rows``, all that is held or charged; it was made
        while these settings held.
        """
        server, at, user = self.servers[row["guild_id"]], row["held_at"], row["user_id"]
        start = at - self.quota.window_ms
        here = [
            one for one in rows
            if one["guild_id"] == row["guild_id"] and start < one["held_at"] <= at
        ]  # fmt: skip
        own = server.member.get(user)
        if own is None:
            possible = [server.role if role and server.role is not None else server.default]
            if late and server.role is not None:
                possible = [server.role, server.default]
            own = min(possible)
        own += sum(number for who, number, until in server.grants if who == user and at < until)
        if sum(one["credits"] for one in here if one["user_id"] == user) > own:
            return "over the member's limit"
        if server.budget is not None and sum(one["credits"] for one in here) > server.budget:
            return "over the server's budget"
        if late:  # it was taken before
            return None
        since, until = server.blocks.get(user, (FOREVER, FOREVER))
        if since <= at < until:
            return "blocked"
        if any(since <= at < until for _, since, until in server.stops):
            return "paused"
        return "words" if server.words else None

    def held_back(self, guild: int, at: int) -> bool:
        """Whether no job of this server may have gone to Pika at this moment."""
        return any(
            mode is PauseMode.PAUSE and since < at < until
            for mode, since, until in self.servers[guild].stops
        )
