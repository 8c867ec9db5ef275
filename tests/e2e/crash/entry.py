"""The unchanged bot, with points around everything it does that somebody else can see.

A point is passed after every commit, before and after every request, and around the files of
pictures and videos. At one of them the process sends itself a signal. Told by its environment:

``CRASH_RECORD``  a file to which every point passed is appended, a JSON list a line;
``CRASH_AT``      a JSON list ``[label, n]``: at the n-th point of this label (from 1) …
``CRASH_SIGNAL``  … this signal (its number; SIGKILL if not told).

This is a script: to run it is ``pika-bot run``.
"""

from __future__ import annotations

import json
import os
import re
import signal
import sqlite3
import sys
import threading
from collections import Counter
from pathlib import Path
from typing import Any

import aiohttp
import httpx

import bot.cli
from bot.ui.connections import Connections

STRUCK = "--- struck at"
"""How the line in the log begins that is the last thing a process does before its signal."""


class Points:
    """Counts the points by their label and strikes at one of them."""

    def __init__(self) -> None:
        self._record = os.getenv("CRASH_RECORD")
        label, number = json.loads(os.getenv("CRASH_AT") or '["", 0]')
        self._at = (label, number)
        self._signal = int(os.getenv("CRASH_SIGNAL") or signal.SIGKILL)
        self._passed: Counter[str] = Counter()
        self._lock = threading.Lock()

    def passed(self, kind: str, what: str) -> None:
        """The process is at this point now."""
        label = f"{kind} {what}"
        with self._lock:
            self._passed[label] += 1
            if self._record:
                with Path(self._record).open("a") as file:
                    file.write(json.dumps([label, self._passed[label]]) + "\n")
            if (label, self._passed[label]) == self._at:
                os.write(2, f"{STRUCK} {label}\n".encode())
                os.kill(os.getpid(), self._signal)


POINTS = Points()

# -- commits ----------------------------------------------------------------------------------

_WRITES = re.compile(
    r"\b(?:INSERT INTO (?P<into>\w+)|UPDATE (?P<table>\w+)\s+SET\s+(?P<column>\w+))", re.IGNORECASE
)


class CountingConnection(sqlite3.Connection):
    """Knows what its transaction wrote, and tells when that is on the disk."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._wrote: list[str] = []

    def execute(self, sql: str, params: Any = (), /) -> sqlite3.Cursor:
        cursor = super().execute(sql, params)
        word = sql.split(maxsplit=1)[0].upper()
        if word == "BEGIN":
            self._wrote = []
        elif word == "COMMIT":
            POINTS.passed("commit", " + ".join(dict.fromkeys(self._wrote)) or "nothing")
        elif found := _WRITES.search(sql):
            self._wrote.append(self._write(found, params if isinstance(params, dict) else {}))
        return cursor

    def executescript(self, sql: str, /) -> sqlite3.Cursor:
        self._wrote = ["schema"]
        return super().executescript(sql)

    def _write(self, found: re.Match[str], params: dict[str, Any]) -> str:
        if found["into"]:
            kind = params.get("kind")
            return f"new {found['into']}" + (f" ({kind})" if kind else "")
        what = f"{found['table']}.{found['column']}"
        if found["table"] == "delivery" and "id" in params:
            rows = super().execute("SELECT kind FROM delivery WHERE id = ?", [params["id"]])
            what += "".join(f" ({row[0]})" for row in rows)
        told = params.get("to") or (found["column"] == "shown" and params.get("shown"))
        return f"{what} = {str(told).rstrip('0123456789 ')}" if told else what


_connect = sqlite3.connect


def connect(*args: Any, **kwargs: Any) -> sqlite3.Connection:
    """``sqlite3.connect``, counting."""
    return _connect(*args, **{"factory": CountingConnection, **kwargs})


# -- requests ---------------------------------------------------------------------------------

_CALLBACK = re.compile(r"/interactions/\d+/[^/]+/")
_NUMBER = re.compile(r"\d{6,}")


def request_label(method: str, path: str, note: str = "") -> str:
    """A request without the numbers and tokens that are different each time."""
    path = _NUMBER.sub("{id}", _CALLBACK.sub("/interactions/{id}/{token}/", path))
    return f"{method} {path}{note}"


_aiohttp_request = aiohttp.ClientSession._request


async def aiohttp_request(
    self: aiohttp.ClientSession, method: str, address: Any, **kwargs: Any
) -> aiohttp.ClientResponse:
    """What discord.py goes through."""
    note = " with files" if isinstance(kwargs.get("data"), aiohttp.FormData) else ""
    path = httpx.URL(str(address)).path
    label = request_label(method, path, note)
    POINTS.passed("before", label)
    response = await _aiohttp_request(self, method, address, **kwargs)
    POINTS.passed("after", label)
    return response


_connections_post = Connections.post


async def connections_post(self: Connections, path: str, body: bytes) -> tuple[int, bytes]:
    """What the answers of commands go through."""
    label = request_label("POST", f"/api/v10{path.partition('?')[0]}")
    POINTS.passed("before", label)
    answer = await _connections_post(self, path, body)
    POINTS.passed("after", label)
    return answer


_httpx_request = httpx.AsyncHTTPTransport.handle_async_request


async def httpx_request(self: httpx.AsyncHTTPTransport, request: httpx.Request) -> httpx.Response:
    """What goes to Pika and fetches pictures and videos."""
    path = request.url.path
    if "/attachments/" in path:
        path = f"/attachments/…{Path(path).suffix}"
    label = request_label(request.method, path)
    POINTS.passed("before", label)
    response = await _httpx_request(self, request)
    POINTS.passed("after", label)
    return response


# -- files ------------------------------------------------------------------------------------

_replace, _unlink = os.replace, os.unlink
_OURS = {"pictures", "videos"}


def replace(source: Any, target: Any, **kwargs: Any) -> None:
    """A file is whole and gets its name."""
    _replace(source, target, **kwargs)
    if Path(target).parent.name in _OURS:
        POINTS.passed("file", f"named in {Path(target).parent.name}")


def unlink(path: Any, **kwargs: Any) -> None:
    """A file goes."""
    where = Path(path)
    if where.parent.name in _OURS and where.exists():
        POINTS.passed("file", f"about to be deleted in {where.parent.name}")
    _unlink(path, **kwargs)


def main() -> None:
    """Put the points around the bot and run it."""
    sqlite3.connect = connect  # type: ignore[assignment]
    aiohttp.ClientSession._request = aiohttp_request  # type: ignore[method-assign]
    Connections.post = connections_post  # type: ignore[method-assign]
    httpx.AsyncHTTPTransport.handle_async_request = httpx_request  # type: ignore[method-assign]
    os.replace = replace
    os.unlink = os.remove = unlink  # type: ignore[assignment]
    sys.argv = ["pika-bot", "run"]
    bot.cli.cli()


if __name__ == "__main__":
    main()
