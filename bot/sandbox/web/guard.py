"""Who may talk to the page's server: this machine's browser, on a page that we served.

A web page from anywhere can send requests to 127.0.0.1, and can make its own name lead here.
So the ``Host`` must be ours (against rebound names), and whatever changes things or opens the
socket must come from a page of ours (``Origin``).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final

from aiohttp import web

if TYPE_CHECKING:
    from aiohttp.typedefs import Middleware

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_NAMES: Final = ("127.0.0.1", "localhost")
_HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Frame-Options": "DENY",
}


class Guard:
    """A middleware. ``port`` is known once the server listens; ``media`` are the two CDNs."""

    def __init__(self) -> None:
        self.port = 0
        self.media: tuple[str, ...] = ()

    def policy(self) -> str:
        """The Content-Security-Policy of the page."""
        media = " ".join(("'self'", "blob:", *self.media))
        sockets = " ".join(f"ws://{name}:{self.port}" for name in _NAMES)
        rules = {
            "default-src": "'none'",
            "script-src": "'self'",
            "style-src": "'self'",
            "img-src": f"{media} data:",
            "media-src": media,
            "connect-src": f"'self' {sockets}",
            "manifest-src": "'self'",
            "base-uri": "'none'",
            "form-action": "'none'",
            "frame-ancestors": "'none'",
        }
        return "; ".join(f"{name} {value}" for name, value in rules.items())

    @property
    def middleware(self) -> Middleware:
        """The middleware itself, as aiohttp wants it."""

        @web.middleware
        async def guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
            refused = self._refused(request)
            if refused is not None:
                return web.Response(status=403, text=refused, headers=_HEADERS)
            return await handler(request)

        return guarded

    async def sign(self, _request: web.Request, response: web.StreamResponse) -> None:
        """Put the headers on every answer."""
        for name, value in _HEADERS.items():
            response.headers.setdefault(name, value)
        response.headers.setdefault("Content-Security-Policy", self.policy())

    def _refused(self, request: web.Request) -> str | None:
        if request.headers.get("Host") not in {f"{name}:{self.port}" for name in _NAMES}:
            return "This server answers to its own address only."
        changes = request.method not in ("GET", "HEAD") or "Upgrade" in request.headers
        ours = {f"http://{name}:{self.port}" for name in _NAMES}
        if changes and request.headers.get("Origin") not in ours:
            return "This server takes requests from its own page only."
        return None
