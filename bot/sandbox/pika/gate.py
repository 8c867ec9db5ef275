"""What every request passes: the log, the faults, the token, the subscription."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Final

from aiohttp import web

from bot.sandbox.pika.answers import NO_SUBSCRIPTION, UNAUTHORIZED, Refusal, reply
from bot.sandbox.pika.cdn import Cdn
from bot.sandbox.pika.faults import drop, perform
from bot.sandbox.pika.state import SECRET_HEADERS, RequestSeen, State

Handler = Callable[[web.Request, RequestSeen], Awaitable[web.StreamResponse]]

_PAYING: Final = frozenset(
    {"create", "animate", "encrypt_text", "encrypt_image", "button", "jobs", "job", "cancel"}
)
"""Endpoints whose pages list 402; those of the account do not."""


class Gate:
    """Wraps handlers."""

    def __init__(self, state: State, cdn: Cdn) -> None:
        self._state = state
        self._cdn = cdn

    def api(
        self, endpoint: str, handler: Handler
    ) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        """Wrap a handler of the API: faults first, then 401, 402, then its own answer."""
        pays = endpoint in _PAYING

        async def answer(request: web.Request, seen: RequestSeen) -> web.StreamResponse:
            try:
                if request.headers.get("Authorization") != f"Bearer {self._state.token}":
                    raise Refusal(401, UNAUTHORIZED)
                if pays and not self._state.subscription:
                    raise Refusal(402, NO_SUBSCRIPTION)
                return await handler(request, seen)
            except Refusal as refusal:
                return reply(refusal.body, refusal.status)

        async def handle(request: web.Request) -> web.StreamResponse:
            seen, began = self._saw(endpoint, request), time.perf_counter()
            fault = self._state.faults.take(endpoint)
            if fault is None:
                response = await _unless_gone(request, answer(request, seen))
            else:
                seen.fault = fault.kind
                stopping = self._state.stopping
                work = perform(fault, request, lambda: answer(request, seen), stopping)
                response = await _unless_gone(request, work)
            return self._answered(request, seen, began, response)

        return handle

    def cdn(self) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        """Wrap the CDN: its own faults, no token."""

        async def handle(request: web.Request) -> web.StreamResponse:
            seen, began = self._saw("cdn", request), time.perf_counter()
            fault = self._state.faults.take("cdn")
            if fault is None:
                response = await _unless_gone(request, self._cdn.serve(request, seen))
            else:
                seen.fault = fault.kind
                work = self._cdn.misbehave(fault, request, seen)
                response = await _unless_gone(request, work)
            return self._answered(request, seen, began, response)

        return handle

    async def unknown(self, request: web.Request) -> web.StreamResponse:
        """Answer 404 for an address or method that no page documents, and note a violation."""
        seen = self._saw("unknown", request)
        self._state.violations.append(f"{request.method} {request.path}: not documented")
        return self._answered(
            request, seen, time.perf_counter(), reply({"error": "Not Found", "code": 404}, 404)
        )

    def _saw(self, endpoint: str, request: web.Request) -> RequestSeen:
        shown = ((name.lower(), value) for name, value in request.headers.items())
        headers = {name: value for name, value in shown if name not in SECRET_HEADERS}
        seen = RequestSeen(
            endpoint=endpoint,
            method=request.method,
            path=request.path,
            query=request.query_string,
            headers=headers,
            at=self._state.clock.now(),
        )
        self._state.requests.append(seen)
        self._state.changed()
        return seen

    def _answered(
        self, request: web.Request, seen: RequestSeen, began: float, response: web.StreamResponse
    ) -> web.StreamResponse:
        seen.seconds = time.perf_counter() - began
        gone = request.transport is None or request.transport.is_closing()
        seen.status = None if gone and not response.prepared else response.status
        self._state.changed()
        return response


async def _unless_gone(
    request: web.Request, work: Awaitable[web.StreamResponse]
) -> web.StreamResponse:
    """The answer, unless whoever asked has gone away in the middle of it."""
    try:
        return await work
    except ConnectionError:
        return drop(request)
