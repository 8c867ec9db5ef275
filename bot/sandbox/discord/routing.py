"""From a method and a path to the handler, by the templates of Discord's OpenAPI file."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .call import Call

#: Status and JSON body (None: no body at all).
Answer = tuple[int, Any]
Handler = Callable[["Call"], Awaitable[Answer]]


@dataclass(slots=True)
class Route:
    """One operation. ``open`` ones carry no Authorization: their path holds a secret."""

    method: str
    template: str
    names: list[str]
    handler: Handler
    open: bool = False


@dataclass(slots=True)
class _Node:
    fixed: dict[str, _Node] = field(default_factory=dict)
    any: _Node | None = None
    routes: dict[str, Route] = field(default_factory=dict)


class Router:
    """A tree over path segments; a fixed segment wins over a parameter (``@me``, ``@original``)."""

    def __init__(self) -> None:
        self._root = _Node()

    def add(self, method: str, template: str, handler: Handler, *, open: bool = False) -> None:  # noqa: A002
        """Serve ``template`` by ``handler``."""
        node, names = self._root, []
        for segment in template.strip("/").split("/"):
            if segment.startswith("{"):
                names.append(segment[1:-1])
                node.any = node.any or _Node()
                node = node.any
            else:
                node = node.fixed.setdefault(segment, _Node())
        node.routes[method] = Route(method, template, names, handler, open)

    def find(self, method: str, segments: list[str]) -> tuple[Route | None, list[str], bool]:
        """The route, the values of its parameters, and whether any method is served there."""
        found = self._walk(self._root, segments, 0, [])
        if found is None:
            return None, [], False
        node, values = found
        return node.routes.get(method), values, True

    def _walk(
        self, node: _Node, segments: list[str], at: int, values: list[str]
    ) -> tuple[_Node, list[str]] | None:
        if at == len(segments):
            return (node, values) if node.routes else None
        fixed = node.fixed.get(segments[at])
        if fixed is not None:
            found = self._walk(fixed, segments, at + 1, values)
            if found is not None:
                return found
        if node.any is not None and segments[at]:
            return self._walk(node.any, segments, at + 1, [*values, segments[at]])
        return None


class Routes:
    """Collects the handlers of one module: ``@routes("GET", "/users/@me")``."""

    def __init__(self) -> None:
        self.entries: list[tuple[str, str, Handler, bool]] = []

    def __call__(
        self,
        method: str,
        template: str,
        *,
        open: bool = False,  # noqa: A002 -- the word for a route without a lock
    ) -> Callable[[Handler], Handler]:
        """Register the decorated handler."""

        def note(handler: Handler) -> Handler:
            self.entries.append((method, template, handler, open))
            return handler

        return note
