"""One gateway connection: what the client may say, and when Discord hangs up on it."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from typing import TYPE_CHECKING, Any, Final

import orjson
from aiohttp import WSCloseCode, WSMsgType, web

from . import payloads
from .intents import KNOWN_BITS, Intent
from .transport import transport_for

if TYPE_CHECKING:
    from .gateway import Gateway, Session
    from .world import World

Json = dict[str, Any]

#: Bytes of one payload from the client, and payloads per minute (Discord docs, events/gateway).
MAX_UPWARD: Final = 4096
MAX_SENDS: Final = 120
SEND_WINDOW: Final = 60.0

HEARTBEAT: Final = 1
#: Seconds between a heartbeat and its acknowledgement: the round trip there always is.
ACK_DELAY: Final = 0.02
IDENTIFY: Final = 2
PRESENCE: Final = 3
VOICE_STATE: Final = 4
RESUME: Final = 6
REQUEST_MEMBERS: Final = 8
SOUNDBOARD: Final = 31

UNKNOWN_OPCODE: Final = 4001
DECODE_ERROR: Final = 4002
NOT_AUTHENTICATED: Final = 4003
AUTHENTICATION_FAILED: Final = 4004
ALREADY_AUTHENTICATED: Final = 4005
RATE_LIMITED: Final = 4008
INVALID_SHARD: Final = 4010
INVALID_VERSION: Final = 4012
INVALID_INTENTS: Final = 4013
DISALLOWED_INTENTS: Final = 4014
_CLEAN: Final = frozenset({1000, 1001})
_VERSIONS: Final = frozenset({"10", "9"})
_CHUNK: Final = 1000


class Socket:
    """One WebSocket of one shard."""

    def __init__(self, gateway: Gateway, world: World, request: web.BaseRequest) -> None:
        self._gateway = gateway
        self._world = world
        self._request = request
        self._ws = web.WebSocketResponse(max_msg_size=0, compress=False, timeout=1.0)
        self._transport = transport_for(request.query.get("compress"))
        self._outbox: deque[bytes] = deque()
        self._wakeup = asyncio.Event()
        self._closing: int | None = None
        self._sent_at: deque[float] = deque()
        self.session: Session | None = None

    async def run(self) -> web.StreamResponse:
        """Serve the connection until either side ends it."""
        await self._ws.prepare(self._request)
        if self._request.query.get("v") not in _VERSIONS:
            await self._ws.close(code=INVALID_VERSION, message=b"Invalid API version specified.")
            return self._ws
        self._gateway.sockets.add(self)
        writer = asyncio.create_task(self._write())
        beat = self._gateway.heartbeat_ms
        self.send(orjson.dumps({"op": 10, "d": {"heartbeat_interval": beat}, "s": None, "t": None}))
        code: int | None = None
        try:
            async for message in self._ws:
                if message.type not in (WSMsgType.TEXT, WSMsgType.BINARY):
                    break
                self._receive(message.data)
            code = self._ws.close_code
        finally:
            self._gateway.sockets.discard(self)
            writer.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await writer
            if self.session is not None and self.session.socket is self:
                ended = self._closing is None and code in _CLEAN
                self._gateway.lost(self.session, ended=ended)
        return self._ws

    def send(self, payload: bytes) -> None:
        """Queue a payload; once the connection is closing, nothing more goes out."""
        if self._closing is None:
            self._outbox.append(payload)
            self._wakeup.set()

    def close(self, code: int) -> None:
        """Close the connection once everything queued was sent."""
        if self._closing is None:
            self._closing = code
        self._wakeup.set()

    def abort(self) -> None:
        """Cut the connection."""
        self._closing = int(WSCloseCode.ABNORMAL_CLOSURE)
        if self._request.transport is not None:
            self._request.transport.abort()

    async def _write(self) -> None:
        ws, outbox, encode = self._ws, self._outbox, self._transport.encode
        with contextlib.suppress(ConnectionError):
            while True:
                while outbox:
                    payload = outbox.popleft()
                    data = encode(payload)
                    if data is None:
                        await ws.send_str(payload.decode())
                    else:
                        await ws.send_bytes(data)
                if self._closing is not None:
                    await ws.close(code=self._closing)
                    return
                self._wakeup.clear()
                await self._wakeup.wait()

    def _receive(self, data: str | bytes) -> None:
        raw = data.encode() if isinstance(data, str) else data
        if len(raw) > MAX_UPWARD or self._closing is not None:
            self.close(DECODE_ERROR)
            return
        now = self._world.clock.now()
        self._sent_at.append(now)
        while now - self._sent_at[0] > SEND_WINDOW:
            self._sent_at.popleft()
        if len(self._sent_at) > MAX_SENDS:
            self.close(RATE_LIMITED)
            return
        try:
            payload = orjson.loads(raw)
            op, body = payload["op"], payload.get("d")
        except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
            self.close(DECODE_ERROR)
            return
        self._act(op, body)

    def _act(self, op: int, body: Any) -> None:
        if op == HEARTBEAT:
            self._gateway.heartbeats += 1
            if self._gateway.ack_heartbeats:
                # No network answers at once; a client may note only then that it has sent.
                asyncio.get_running_loop().call_later(ACK_DELAY, self._ack)
        elif op == IDENTIFY:
            self._identify(body)
        elif op == RESUME:
            self._resume(body)
        elif op not in (PRESENCE, VOICE_STATE, REQUEST_MEMBERS, SOUNDBOARD):
            self.close(UNKNOWN_OPCODE)
        elif self.session is None:
            self.close(NOT_AUTHENTICATED)
        elif op == REQUEST_MEMBERS:
            self._members(self.session, body)

    def _ack(self) -> None:
        self.send(b'{"op":11,"d":null,"s":null,"t":null}')

    def _identify(self, body: Json) -> None:
        gateway = self._gateway
        if self.session is not None:
            self.close(ALREADY_AUTHENTICATED)
            return
        if body.get("token") != gateway.token:
            self.close(AUTHENTICATION_FAILED)
            return
        shard, shards = body.get("shard") or (0, 1)
        if not (isinstance(shards, int) and 0 <= shard < shards):
            self.close(INVALID_SHARD)
            return
        bits = body.get("intents")
        if not isinstance(bits, int) or bits & ~KNOWN_BITS or "properties" not in body:
            self.close(INVALID_INTENTS)
            return
        intents = Intent(bits)
        if gateway.disallowed(intents):
            self.close(DISALLOWED_INTENTS)
            return
        if not gateway.may_identify(shard):
            self.send(b'{"op":9,"d":false,"s":null,"t":null}')
            return
        self.session = gateway.open(self, shard, shards, intents)

    def _resume(self, body: Json) -> None:
        if body.get("token") != self._gateway.token:
            self.close(AUTHENTICATION_FAILED)
            return
        session_id, sequence = body.get("session_id"), body.get("seq")
        if isinstance(session_id, str) and isinstance(sequence, int):
            self.session = self._gateway.resume(self, session_id, sequence)
        if self.session is None:
            self.send(b'{"op":9,"d":false,"s":null,"t":null}')

    def _members(self, session: Session, body: Json) -> None:
        guild = self._world.guilds.get(int(body["guild_id"]))
        if guild is None or not guild.installed:
            return
        query, wanted = body.get("query"), body.get("user_ids")
        if query == "" and not session.intents & Intent.GUILD_MEMBERS:
            self.close(DISALLOWED_INTENTS)
            return
        if wanted is not None:
            ids = [int(one) for one in (wanted if isinstance(wanted, list) else [wanted])]
            found = [guild.members[one] for one in ids if one in guild.members]
        else:
            found = [m for m in guild.members.values() if m.name.startswith(query or "")]
            found = found[: body.get("limit") or None]
        pieces = [found[i : i + _CHUNK] for i in range(0, len(found), _CHUNK)] or [[]]
        for index, piece in enumerate(pieces):
            data: Json = {
                "guild_id": str(guild.id),
                "members": [payloads.member(m) for m in piece],
                "chunk_index": index,
                "chunk_count": len(pieces),
                "not_found": [],
            }
            if body.get("nonce") is not None:
                data["nonce"] = body["nonce"]
            session.send("GUILD_MEMBERS_CHUNK", orjson.dumps(data))
