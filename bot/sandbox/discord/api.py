"""HTTP: from a request to a handler and back, in the order Discord checks things."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

import orjson
from aiohttp import web

from . import uploads
from .call import Call
from .errors import ApiError
from .limits import limited

if TYPE_CHECKING:
    from bot.sandbox.faults import Fault

    from .routing import Route, Router
    from .server import EmbeddedDiscord

Json = dict[str, Any]

PREFIX: Final = "/api/v10/"
_JSON: Final = {"Content-Type": "application/json"}
_TOO_MANY: Final = 429
_INVALID: Final = frozenset({401, 403, 429})
_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Recorded:
    """One request as it came and how it went; ``at`` in seconds since 1970, server's clock."""

    method: str
    route: str
    path: str
    status: int
    json: Any
    at: float
    files: list[str]
    code: int | None = None


class Api:
    """Answers everything under ``/api/v10``."""

    def __init__(self, server: EmbeddedDiscord, router: Router) -> None:
        self._server = server
        self._router = router

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request."""
        if self._server.ban.left:
            return _banned(self._server.ban.left)
        path, _, query = request.raw_path.partition("?")
        if "%" in path:
            path = unquote(path)
        method = request.method
        route, values, known = self._router.find(method, path[len(PREFIX) :].split("/"))
        if route is None:
            return self._not_served(request, path, known=known)
        call = Call(
            self._server,
            method,
            route.template,
            path,
            query,
            dict(zip(route.names, values, strict=True)),
        )
        return await self._serve(request, call, route)

    async def _serve(
        self, request: web.BaseRequest, call: Call, route: Route
    ) -> web.StreamResponse:
        server = self._server
        headers: dict[str, str] = {}
        body: Any = None
        code: int | None = None
        fault: Fault | None = None
        try:
            if server.faults and (fault := await self._misfortune(request, call)) is not None:
                if fault.drop == "before":
                    uploads.discard(call)
                    return _hang_up(request)
                if fault.status is not None and not fault.done:
                    return await self._forged(request, call, fault)
            if not route.open:
                self._authorize(request)
            if server.rate_limits:
                headers = server.limits.take(call.method, call.route, call.params)
            if request.can_read_body and call.body is None:
                await uploads.receive(call, request, server.world.media)
            if server.oracle is not None:
                server.check_request(call)
            status, body = await route.handler(call)
            if server.oracle is not None:
                server.check_answer(call, status, body)
        except ApiError as error:
            status, body, code = error.status, error.body(), error.code
            headers = error.headers or headers
            if error.blame:
                server.violations.append(f"{call.method} {call.route}: {_reason(error)}")
            uploads.discard(call)
        except ConnectionError:
            # The client went away in the middle of its body: nobody is there to hear an answer.
            uploads.discard(call)
            return _hang_up(request)
        except Exception as error:  # noqa: BLE001 -- a bug of ours must not look like Discord's no
            _log.exception("sandbox failed at %s %s", call.method, call.route)
            server.violations.append(
                f"{call.method} {call.route}: the sandbox failed: {error!r}, body {call.body!r}"
            )
            status, body = 500, {"message": "500: Internal Server Error", "code": 0}
        self._note(call, status, code)
        if fault is not None:
            if fault.drop == "after":
                return _hang_up(request)
            if fault.status is not None:
                return await self._forged(request, call, fault)
        return _answer(status, body, headers)

    def _authorize(self, request: web.BaseRequest) -> None:
        if request.headers.get("Authorization") != self._server.authorization:
            raise ApiError(401, 0, "401: Unauthorized")

    async def _misfortune(self, request: web.BaseRequest, call: Call) -> Fault | None:
        # A fault may choose by the body, which must then be read before anything else.
        faults = self._server.faults
        if any(fault.match is not None for fault in faults.pending):
            await uploads.receive(call, request, self._server.world.media)
        fault = faults.pick(call)
        if fault is not None and fault.delay:
            await asyncio.sleep(fault.delay)
        return fault

    async def _forged(
        self, request: web.BaseRequest, call: Call, fault: Fault
    ) -> web.StreamResponse:
        if request.can_read_body and call.body is None and not call.files:
            await uploads.receive(call, request, self._server.world.media)
        if not fault.done:
            uploads.discard(call)
        assert fault.status is not None
        headers = dict(fault.headers)
        body = fault.body
        if body is None and fault.status == _TOO_MANY:
            error = limited(
                1.0 if fault.retry_after is None else fault.retry_after,
                scope=fault.scope,
                via=fault.via,
                code=fault.code,
            )
            body, headers = error.body(), {**(error.headers or {}), **headers}
        elif body is None:
            message = fault.message or f"{fault.status}: Scripted Fault"
            body = {"message": message, "code": fault.code}
        shared = fault.scope == "shared" and fault.status == _TOO_MANY
        self._note(call, fault.status, fault.code, counts=not shared)
        if isinstance(body, str):
            headers.setdefault("Content-Type", "text/html")
            return web.Response(status=fault.status, body=body.encode(), headers=headers)
        return _answer(fault.status, body, headers)

    def _note(self, call: Call, status: int, code: int | None, *, counts: bool = True) -> None:
        server = self._server
        if status in _INVALID and counts:
            server.invalid_requests += 1
            server.ban.count()
        if server.record:
            names = [file.filename for file in call.files]
            now = server.clock.now()
            server.requests.append(
                Recorded(call.method, call.route, call.path, status, call.body, now, names, code)
            )
            server.world.changes.bump()

    def _not_served(
        self, request: web.BaseRequest, path: str, *, known: bool
    ) -> web.StreamResponse:
        self._server.violations.append(f"{request.method} {path}: no such operation here")
        if known:
            return _answer(405, {"message": "405: Method Not Allowed", "code": 0}, {})
        return _answer(404, {"message": "404: Not Found", "code": 0}, {})


def _answer(status: int, body: Any, headers: dict[str, str]) -> web.Response:
    if body is None:
        return web.Response(status=status, headers=headers)
    # Clients compare the content type for equality: no charset may follow.
    return web.Response(status=status, body=orjson.dumps(body), headers={**headers, **_JSON})


def _banned(seconds: float) -> web.Response:
    """What the proxy in front of Discord says: neither JSON nor Via, as Discord is not asked."""
    headers = {"Content-Type": "text/html", "Retry-After": str(round(seconds))}
    return web.Response(status=_TOO_MANY, body=b"error code: 1015", headers=headers)


def _reason(error: ApiError) -> str:
    details = orjson.dumps(error.errors).decode() if error.errors else ""
    return f"{error} {details}".strip()


def _hang_up(request: web.BaseRequest) -> web.StreamResponse:
    if request.transport is not None:
        request.transport.close()
    return web.Response(status=500)
