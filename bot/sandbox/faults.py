"""Scripted misfortune for a stand-in server: refusals, dropped connections, delays.

A fault is chosen by method, route and whatever else a test wants to look at; the first one that
fits and is not used up takes effect.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol


class Seen(Protocol):
    """What ``Fault.match`` may look at. A multipart body is its ``payload_json``."""

    method: str
    route: str
    path: str
    body: Any


@dataclass
class Fault:
    """One misfortune, for the next ``times`` requests that fit (None: for ever).

    ``method`` and ``route`` (spelled as in the server's OpenAPI file) choose the requests, None
    fits all; the first ``skip`` that fit are spared. What then happens, in this order:

    * ``delay`` seconds pass;
    * ``drop="before"`` cuts the connection before the server did anything, ``drop="after"``
      when everything is done but nothing answered;
    * ``status`` is answered instead of the truth, with ``body`` (JSON if not a string) or an
      error object of ``code`` and ``message``; with ``done=True`` the server did the thing first;
    * a 429 says ``retry_after`` seconds, carries ``Via`` unless ``via=False`` (then it looks like
      a ban by the proxy in front), and names its ``scope``.
    """

    method: str | None = None
    route: str | None = None
    times: int | None = 1
    skip: int = 0
    status: int | None = None
    code: int = 0
    message: str = ""
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0
    drop: Literal["before", "after"] | None = None
    done: bool = False
    retry_after: float | None = None
    via: bool = True
    scope: Literal["user", "global", "shared"] = "user"
    match: Callable[[Seen], bool] | None = None
    used: int = 0

    def fits(self, request: Seen) -> bool:
        """Whether the fault concerns this request, used up or not."""
        return (
            (self.method is None or self.method == request.method)
            and (self.route is None or self.route == request.route)
            and (self.match is None or self.match(request))
        )

    @property
    def spent(self) -> bool:
        """Whether it has happened as often as it was to."""
        return self.times is not None and self.used >= self.times


class Faults:
    """The faults to come, in the order they were added."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []

    def add(self, fault: Fault) -> Fault:
        """Script a fault; the returned object tells later how often it was ``used``."""
        self._faults.append(fault)
        return fault

    def clear(self) -> None:
        """Forget all of them."""
        self._faults.clear()

    @property
    def pending(self) -> list[Fault]:
        """Those that have not happened as often as they were to."""
        return [fault for fault in self._faults if not fault.spent]

    def __bool__(self) -> bool:
        return bool(self._faults)

    def pick(self, request: Seen) -> Fault | None:
        """The fault that befalls this request, counted as used; None for none."""
        for fault in self._faults:
            if fault.spent or not fault.fits(request):
                continue
            if fault.skip:
                fault.skip -= 1
                return None
            fault.used += 1
            if fault.spent:
                self._faults.remove(fault)
            return fault
        return None
