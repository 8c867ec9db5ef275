"""The gateway: sessions that survive their connections, and events to those who want them."""

from __future__ import annotations

import secrets
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import orjson

from . import payloads
from .intents import PRIVILEGED, Intent

if TYPE_CHECKING:
    from .connection import Socket
    from .guilds import Guild
    from .world import Data, World

Json = dict[str, Any]

#: Seconds a session waits for its client to come back, and events it keeps meanwhile. Discord
#: says "a few minutes" and gives no number of events.
SESSION_SECONDS: Final = 180.0
REPLAY_EVENTS: Final = 20_000
#: Seconds within which one bucket of ``max_concurrency`` may identify once.
IDENTIFY_SECONDS: Final = 5.0
MAX_CONCURRENCY: Final = 1
HEARTBEAT_MS: Final = 41_250


class Session:
    """What Discord remembers of one shard of the bot, connected or not."""

    def __init__(self, shard: int, shards: int, intents: Intent) -> None:
        self.id = secrets.token_hex(16)
        self.shard = shard
        self.shards = shards
        self.intents = intents
        self.sequence = 0
        self.socket: Socket | None = None
        self.ready = False
        self.lost_at: float | None = None
        self.events: deque[tuple[int, bytes]] = deque(maxlen=REPLAY_EVENTS)

    @property
    def connected(self) -> bool:
        """Whether its client is there and has heard READY or RESUMED."""
        return self.socket is not None and self.ready

    def send(self, event: str, data: bytes) -> None:
        """Deliver an event now, or keep it for a resume."""
        self.sequence += 1
        payload = b'{"t":"%b","s":%d,"op":0,"d":%b}' % (event.encode(), self.sequence, data)
        self.events.append((self.sequence, payload))
        if self.socket is not None:
            self.socket.send(payload)

    def missed(self, sequence: int) -> list[bytes] | None:
        """The events after ``sequence``; None when some of them are no longer kept."""
        if sequence > self.sequence:
            return None
        if self.events and self.events[0][0] > sequence + 1:
            return None
        return [payload for number, payload in self.events if number > sequence]

    def __repr__(self) -> str:
        state = "connected" if self.connected else "away"
        return f"<Session of shard {self.shard}/{self.shards}: {state}>"


class Gateway:
    """All sessions, and the misfortunes tests can cause them."""

    def __init__(self, world: World, token: str) -> None:
        self._world = world
        self.token = token
        self.url = ""
        self.shards = 1
        self.sessions: list[Session] = []
        self.sockets: set[Socket] = set()
        self.identifies = 0
        self.resumes = 0
        self.ack_heartbeats = True
        self.reachable = True
        self.enforce_identify_limit = False
        self.privileged_intents = Intent.NONE
        self.max_concurrency = MAX_CONCURRENCY
        self.heartbeat_ms = HEARTBEAT_MS
        self.heartbeats = 0
        self._identified_at: dict[int, float] = {}
        self._dropping = 0
        self._last_interaction: tuple[int | None, bytes] | None = None

    # sending

    def wants(self, needs: Intent) -> bool:
        """Whether any session asked for this kind of event."""
        return any(session.intents & needs for session in self.sessions)

    def dispatch(
        self,
        event: str,
        data: Data,
        *,
        guild: Guild | None,
        needs: Intent,
        bare: Callable[[], Json] | None = None,
    ) -> None:
        """Send an event to every session of the right shard that asked for its kind."""
        full: bytes | None = None
        stripped: bytes | None = None
        for session in self._sessions_for(guild.id if guild else None):
            if needs and not session.intents & needs:
                continue
            if bare is not None and not session.intents & Intent.MESSAGE_CONTENT:
                if stripped is None:
                    stripped = orjson.dumps(bare())
                session.send(event, stripped)
                continue
            if full is None:
                full = orjson.dumps(data() if callable(data) else data)
            session.send(event, full)

    def interaction(self, guild: Guild | None, data: Json) -> int:
        """Send INTERACTION_CREATE, which needs no intent; returns to how many sessions."""
        if self._dropping:
            self._dropping -= 1
            return 0
        body = orjson.dumps(data)
        self._last_interaction = (guild.id if guild else None, body)
        count = 0
        for session in self._sessions_for(guild.id if guild else None):
            session.send("INTERACTION_CREATE", body)
            count += 1
        return count

    def _sessions_for(self, guild_id: int | None) -> list[Session]:
        return [
            session
            for session in self.sessions
            if (0 if guild_id is None else (guild_id >> 22) % session.shards) == session.shard
            and self._alive(session)
        ]

    def _alive(self, session: Session) -> bool:
        if session.lost_at is None:
            return True
        return self._world.clock.now() - session.lost_at <= SESSION_SECONDS

    # sessions

    def open(self, socket: Socket, shard: int, shards: int, intents: Intent) -> Session:
        """Start a session: READY, then the servers of its shard."""
        self.identifies += 1
        self._drop_dead()
        session = Session(shard, shards, intents)
        session.socket = socket
        self.sessions.append(session)
        world = self._world
        mine = [
            guild
            for guild in world.guilds.values()
            if guild.installed and (guild.id >> 22) % shards == shard
        ]
        ready: Json = {
            "v": 10,
            "user": {**world.bot.payload(), "verified": True, "mfa_enabled": False, "email": None},
            "guilds": [{"id": str(guild.id), "unavailable": True} for guild in mine],
            "session_id": session.id,
            "session_type": "normal",
            "resume_gateway_url": self.url,
            "shard": [shard, shards],
            "private_channels": [],
            "presences": [],
            "relationships": [],
            "application": {"id": str(world.bot.id), "flags": 0},
        }
        session.send("READY", orjson.dumps(ready))
        if intents & Intent.GUILDS:
            for guild in mine:
                if guild.available:
                    session.send("GUILD_CREATE", orjson.dumps(payloads.guild_create(guild)))
        session.ready = True
        world.changes.bump()
        return session

    def resume(self, socket: Socket, session_id: str, sequence: int) -> Session | None:
        """Take a session up again; None when it is gone or its events are."""
        session = next((s for s in self.sessions if s.id == session_id), None)
        if session is None or not self._alive(session):
            return None
        missed = session.missed(sequence)
        if missed is None:
            return None
        if session.socket is not None:
            session.socket.close(4000)
        self.resumes += 1
        session.socket = socket
        session.lost_at = None
        for payload in missed:
            socket.send(payload)
        session.send("RESUMED", b"{}")
        session.ready = True
        self._world.changes.bump()
        return session

    def lost(self, session: Session, *, ended: bool) -> None:
        """A connection closed; ``ended`` when the client closed it with 1000 or 1001."""
        session.socket = None
        session.ready = False
        session.lost_at = self._world.clock.now()
        if ended and session in self.sessions:
            self.sessions.remove(session)
        self._world.changes.bump()

    def _drop_dead(self) -> None:
        self.sessions = [session for session in self.sessions if self._alive(session)]

    def may_identify(self, shard: int) -> bool:
        """Whether this shard's bucket has not identified in the last seconds."""
        if not self.enforce_identify_limit:
            return True
        bucket = shard % self.max_concurrency
        now = self._world.clock.now()
        if now - self._identified_at.get(bucket, 0.0) < IDENTIFY_SECONDS:
            return False
        self._identified_at[bucket] = now
        return True

    def disallowed(self, intents: Intent) -> bool:
        """Whether privileged intents are asked for that the application does not have."""
        return bool(intents & PRIVILEGED & ~self.privileged_intents)

    @property
    def is_connected(self) -> bool:
        """Whether every shard of the bot has heard READY."""
        connected = [session for session in self.sessions if session.connected]
        if not connected:
            return False
        shards = connected[-1].shards
        return {s.shard for s in connected if s.shards == shards} == set(range(shards))

    # misfortunes

    def disconnect(self, code: int = 4000) -> int:
        """Close every connection with ``code``; returns how many there were."""
        sockets = list(self.sockets)
        for socket in sockets:
            socket.close(code)
        return len(sockets)

    def drop(self) -> int:
        """Break every connection without a word, as a network does."""
        sockets = list(self.sockets)
        for socket in sockets:
            socket.abort()
        return len(sockets)

    def cut_off(self) -> None:
        """Break every connection and take no new one, until ``reachable`` is set again."""
        self.reachable = False
        self.drop()

    def reconnect(self) -> None:
        """Ask every client to connect again and resume (op 7)."""
        for socket in list(self.sockets):
            socket.send(b'{"op":7,"d":null,"s":null,"t":null}')

    def invalidate(self, resumable: bool = False) -> None:
        """Declare every session invalid (op 9); not resumable ones are forgotten."""
        for socket in list(self.sockets):
            socket.send(b'{"op":9,"d":%b,"s":null,"t":null}' % (b"true" if resumable else b"false"))
            if not resumable and socket.session in self.sessions:
                self.sessions.remove(socket.session)

    def forget_sessions(self) -> None:
        """Lose all sessions, as after a long outage: a resume will be refused."""
        self.sessions = [session for session in self.sessions if session.connected]

    def replay_last_interaction(self) -> None:
        """Deliver the last INTERACTION_CREATE once more; events may come more than once.

        Raises ``LookupError`` when there was none.
        """
        if self._last_interaction is None:
            raise LookupError("no interaction yet")
        guild_id, body = self._last_interaction
        for session in self._sessions_for(guild_id):
            session.send("INTERACTION_CREATE", body)

    def drop_interactions(self, count: int = 1) -> None:
        """Lose the next ``count`` interactions; events may come not at all."""
        self._dropping = count
