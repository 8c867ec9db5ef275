"""Misbehaviour on order."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Final, Literal

import orjson
from aiohttp import web

from bot.sandbox.pika.answers import RATE_LIMITED, queue_full, reply

SUBMITS: Final = frozenset({"create", "animate", "encrypt_text", "encrypt_image", "button"})
READS: Final = frozenset({"jobs", "job", "cancel", "account"})

Kind = Literal[
    "status",
    "rate_limited",
    "queue_full",
    "body",
    "not_json",
    "missing_fields",
    "truncated",
    "delay",
    "hang",
    "drop_before",
    "drop_after",
    # of the CDN only
    "expired",
    "redirect",
    "wrong_type",
    "junk",
    "no_length",
    # of callbacks only
    "twice",
    "lost",
    "early",
    "late",
]

_TEXTS: Final = {
    401: "Unauthorized",
    402: "Account has no subscription or subscription expired",
    500: "Internal Server Error",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Timeout",
    596: "Discord account has a pending moderation message",
}

_OF_THE_API: Final = frozenset(
    {"status", "rate_limited", "queue_full", "body", "not_json", "missing_fields"}
    | {"truncated", "delay", "hang", "drop_before", "drop_after"}
)
_OF_THE_CDN: Final = frozenset(
    {"status", "expired", "redirect", "wrong_type", "junk", "truncated", "no_length"}
    | {"delay", "hang", "drop_before"}
)
_OF_CALLBACKS: Final = frozenset({"twice", "lost", "late", "early"})
_OF_THE_TRUE_ANSWER: Final = frozenset({"truncated", "missing_fields"})
_AFTER_THE_WORK: Final = frozenset({"drop_after", "truncated", "missing_fields", "delay"})


@dataclass(slots=True)
class PikaFault:
    """The next `times` requests to `endpoint` go wrong in this way (None: all of them).

    `endpoint`: create, animate, encrypt_text, encrypt_image, button, jobs, job, cancel,
    account, cdn, callback; or `submit` (any of the five POSTs), `read` (any of jobs, job,
    cancel, account), `api` (both). `skip` lets that many requests pass first.

    Kinds for the API:

    - status: answer `status` with `error` and `details` (504, 596, 5xx and so on);
    - rate_limited: the second documented 429, naming `retry_after` seconds;
    - queue_full: the first documented 429, naming `executing` ids;
    - body: answer `status` with `body` as it stands; not_json: a page of HTML;
    - missing_fields: the true answer without `fields`;
    - truncated: half of the true answer, then the connection closes;
    - delay: the true answer `seconds` later; hang: read all, never answer;
    - drop_before: close before reading the body; drop_after: do the work, then close.

    Whether a request took effect all the same is the kind's nature (yes for drop_after,
    truncated, missing_fields, delay) unless `took` says otherwise: a 504 with ``took=True`` is
    a job that runs and of which the caller knows nothing. (truncated and missing_fields spoil
    the true answer, so they always take effect; delay with ``took=False`` works afterwards.)

    Kinds for the CDN: status, expired (404), redirect (to `location`), wrong_type (HTML, or
    `content_type`), junk (right type, no video), truncated, no_length (chunked), delay, hang,
    drop_before. Kinds for callbacks: twice, lost, late (by `seconds`), early (the job is
    finished and called back before the POST is answered).
    """

    endpoint: str
    kind: Kind
    times: int | None = 1
    skip: int = 0
    status: int = 500
    error: str | None = None
    details: str | None = None
    retry_after: float = 10
    executing: tuple[str, ...] = ()
    fields: tuple[str, ...] = ("jobid", "status")
    body: bytes = b""
    content_type: str = "text/html"
    location: str = ""
    seconds: float = 0.0
    took: bool | None = None
    hits: int = field(default=0, init=False)

    @property
    def takes_effect(self) -> bool:
        """Say whether the request does its work in spite of the fault."""
        if self.took is None or self.kind in _OF_THE_TRUE_ANSWER:
            return self.kind in _AFTER_THE_WORK
        return self.took


_GROUPS: Final[dict[str, frozenset[str]]] = {
    "submit": SUBMITS,
    "read": READS,
    "api": SUBMITS | READS,
}


class Faults:
    """The faults that wait, by endpoint; the oldest is used first."""

    def __init__(self) -> None:
        self._waiting: dict[str, list[PikaFault]] = {}

    def add(self, *faults: PikaFault) -> None:
        """Order faults. An unknown endpoint, or a kind it cannot have: ValueError."""
        for fault in faults:
            fitting = {"cdn": _OF_THE_CDN, "callback": _OF_CALLBACKS}
            if fault.kind not in fitting.get(fault.endpoint, _OF_THE_API):
                message = f"{fault.endpoint} cannot have a fault of kind {fault.kind}"
                raise ValueError(message)
            for endpoint in _endpoints(fault.endpoint):
                self._waiting.setdefault(endpoint, []).append(fault)

    def clear(self, endpoint: str | None = None) -> None:
        """Forget the faults of an endpoint or group, or all of them."""
        if endpoint is None:
            self._waiting.clear()
        else:
            for name in _endpoints(endpoint):
                self._waiting.pop(name, None)

    def take(self, endpoint: str, kinds: frozenset[str] | None = None) -> PikaFault | None:
        """Return the fault for this request, if there is one (of these kinds)."""
        if not self._waiting:
            return None
        waiting = self._waiting.get(endpoint)
        if waiting is None:
            return None
        # A fault of a group stands in several lists; spent ones are dropped when met.
        waiting[:] = [f for f in waiting if f.times is None or f.times > 0]
        for fault in waiting:
            if kinds is not None and fault.kind not in kinds:
                continue
            if fault.skip > 0:
                fault.skip -= 1
                continue
            if fault.times is not None:
                fault.times -= 1
            fault.hits += 1
            return fault
        return None


def _endpoints(name: str) -> Iterable[str]:
    group = _GROUPS.get(name)
    if group is not None:
        return group
    if name in SUBMITS or name in READS or name in {"cdn", "callback"}:
        return (name,)
    message = f"no such endpoint: {name}"
    raise ValueError(message)


Answer = Callable[[], Awaitable[web.StreamResponse]]


async def perform(
    fault: PikaFault, request: web.Request, answer: Answer, stopping: asyncio.Event
) -> web.StreamResponse:
    """Answer a request of the API in the way of the fault."""
    if fault.kind == "drop_before":
        return drop(request)
    if fault.kind == "delay" and not fault.takes_effect:
        await pause(fault.seconds, stopping)
        return await answer()
    if not fault.takes_effect:
        await request.read()
        if fault.kind == "hang":
            await stopping.wait()
        return drop(request) if fault.kind in {"hang", "drop_after"} else canned(fault)
    return await _spoilt(fault, request, await answer(), stopping)


async def _spoilt(
    fault: PikaFault, request: web.Request, whole: web.StreamResponse, stopping: asyncio.Event
) -> web.StreamResponse:
    """Keep the true answer back, or part of it."""
    match fault.kind:
        case "hang" | "drop_after":
            if fault.kind == "hang":
                await stopping.wait()
            return drop(request)
        case "delay":
            await pause(fault.seconds, stopping)
            return whole
        case "truncated":
            return await _half(request, whole)
        case "missing_fields":
            return _without(whole, fault.fields)
        case _:
            return canned(fault)


def canned(fault: PikaFault) -> web.Response:
    """Make an answer that owes nothing to the request."""
    match fault.kind:
        case "status":
            text = fault.error or _TEXTS.get(fault.status, "Error")
            more = {"errorDetails": fault.details} if fault.details is not None else {}
            return reply({"error": text, **more, "code": fault.status}, fault.status)
        case "rate_limited":
            limit = {
                "global": True,
                "message": "You are being rate limited.",
                "retry_after": fault.retry_after,
            }
            details = orjson.dumps(limit).decode()
            return reply({"error": RATE_LIMITED, "errorDetails": details, "code": 429}, 429)
        case "queue_full":
            names = list(fault.executing)
            text = fault.error or queue_full(len(names))
            return reply({"error": text, "executingJobs": names, "code": 429}, 429)
        case "body":
            return web.Response(
                body=fault.body, status=fault.status, headers={"Content-Type": fault.content_type}
            )
        case _:  # not_json
            page = b"<html><body><h1>502 Bad Gateway</h1></body></html>"
            return web.Response(body=page, status=200, content_type="text/html")


def drop(request: web.Request) -> web.Response:
    """Close the connection without an answer; the result only ends the handler."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=499)


async def pause(seconds: float, stopping: asyncio.Event) -> None:
    """Wait in real time, but not beyond the server's end."""
    try:
        async with asyncio.timeout(seconds):
            await stopping.wait()
    except TimeoutError:
        return


async def _half(request: web.Request, whole: web.StreamResponse) -> web.StreamResponse:
    body = _bytes_of(whole)
    partial = web.StreamResponse(status=whole.status)
    partial.content_type = whole.content_type
    partial.content_length = len(body)
    await partial.prepare(request)
    await partial.write(body[: len(body) // 2])
    if request.transport is not None:
        request.transport.close()
    return partial


def _without(whole: web.StreamResponse, fields: tuple[str, ...]) -> web.Response:
    body = orjson.loads(_bytes_of(whole))
    if isinstance(body, dict):
        body = {name: value for name, value in body.items() if name not in fields}
    return reply(body, whole.status)


def _bytes_of(answer: web.StreamResponse) -> bytes:
    body = answer.body if isinstance(answer, web.Response) else None
    return bytes(body) if isinstance(body, bytes | bytearray | memoryview) else b""
