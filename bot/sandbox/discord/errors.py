"""How Discord says no: JSON error bodies for the bot, plain refusals for people."""

from __future__ import annotations

from typing import Any, Final

Json = dict[str, Any]

#: Discord's JSON error codes (Discord docs, topics/opcodes-and-status-codes): code → status, text.
KNOWN: Final[dict[int, tuple[int, str]]] = {
    10003: (404, "Unknown Channel"),
    10004: (404, "Unknown Guild"),
    10007: (404, "Unknown Member"),
    10008: (404, "Unknown Message"),
    10011: (404, "Unknown Role"),
    10013: (404, "Unknown User"),
    10015: (404, "Unknown Webhook"),
    10062: (404, "Unknown interaction"),
    10063: (404, "Unknown application command"),
    10066: (404, "Unknown application command permissions"),
    20028: (429, "The write action you are performing on the channel has hit the write rate limit"),
    30015: (400, "Maximum number of attachments in a message reached (10)"),
    30034: (400, "Maximum number of application command creates has been reached (200)"),
    40001: (401, "Unauthorized"),
    40005: (413, "Request entity too large"),
    40060: (400, "Interaction has already been acknowledged."),
    50001: (403, "Missing Access"),
    50003: (403, "Cannot execute action on a DM channel"),
    50005: (403, "Cannot edit a message authored by another user"),
    50006: (400, "Cannot send an empty message"),
    50007: (403, "Cannot send messages to this user"),
    50008: (400, "Cannot send messages in a non-text channel"),
    50013: (403, "Missing Permissions"),
    50021: (403, "Cannot execute action on a system message"),
    50024: (400, "Cannot execute action on this channel type"),
    50027: (401, "Invalid Webhook Token"),
    50035: (400, "Invalid Form Body"),
    50046: (400, "Invalid asset"),
    50083: (400, "Thread is archived"),
    50109: (400, "The request body contains invalid JSON."),
    50278: (403, "Cannot send messages to this user due to having no mutual guilds"),
    160002: (400, "You do not have permission to reply without permission to read message history"),
    160004: (400, "A thread has already been created for this message"),
    160005: (400, "Thread is locked"),
}


_BLAMED: Final = frozenset({30015, 50006, 50109})


class ApiError(Exception):
    """An answer other than success, as the bot receives it.

    ``status`` is HTTP's, ``code`` Discord's own; ``errors`` is the nested object that names
    the offending fields of a form. ``blame`` marks what no correct client ever causes.
    """

    def __init__(
        self,
        status: int,
        code: int,
        message: str,
        *,
        errors: Json | None = None,
        extra: Json | None = None,
        headers: dict[str, str] | None = None,
        blame: bool = False,
    ) -> None:
        super().__init__(f"{status}/{code} {message}")
        self.status = status
        self.code = code
        self.message = message
        self.errors = errors
        self.extra = extra
        self.headers = headers
        self.blame = blame

    def body(self) -> Json:
        """The JSON object Discord sends."""
        answer: Json = {"message": self.message, "code": self.code}
        if self.errors is not None:
            answer["errors"] = self.errors
        if self.extra is not None:
            answer.update(self.extra)
        return answer


def refusal(code: int) -> ApiError:
    """The error Discord gives this number, with its status and its own words."""
    status, message = KNOWN[code]
    return ApiError(status, code, message, blame=code in _BLAMED)


class Problems:
    """Everything wrong with one form, gathered before it is refused as a whole (50035)."""

    def __init__(self) -> None:
        self.tree: Json = {}

    def add(self, path: str, code: str, message: str) -> None:
        """Note a problem at ``path``, its steps separated by dots."""
        node = self.tree
        for step in path.split("."):
            node = node.setdefault(step, {})
        node.setdefault("_errors", []).append({"code": code, "message": message})

    def length(self, path: str, text: str | None, limit: int) -> None:
        """Note it when ``text`` has more than ``limit`` characters."""
        if text is not None and len(text) > limit:
            self.add(path, "BASE_TYPE_MAX_LENGTH", f"Must be {limit} or fewer in length.")

    def required(self, path: str) -> None:
        """Note that a field is missing."""
        self.add(path, "BASE_TYPE_REQUIRED", "This field is required")

    def refuse(self) -> None:
        """Raise ``ApiError`` 50035 if there was any problem."""
        if self.tree:
            status, message = KNOWN[50035]
            raise ApiError(status, 50035, message, errors=self.tree, blame=True)

    def __bool__(self) -> bool:
        return bool(self.tree)


def invalid(path: str, code: str, message: str, *, blame: bool = True) -> ApiError:
    """A form refused for one reason (400/50035); not to ``blame`` if it was right a while ago."""
    problems = Problems()
    problems.add(path, code, message)
    status, text = KNOWN[50035]
    return ApiError(status, 50035, text, errors=problems.tree, blame=blame)


class ClientRefused(Exception):
    """Discord's client or server did not let the member do it; the bot never heard of it."""


class DidNotRespond(Exception):
    """The member saw "The application did not respond"."""
