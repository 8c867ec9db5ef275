"""One request as the handlers see it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from .errors import Problems, invalid, refusal
from .snowflake import snowflake

if TYPE_CHECKING:
    from .channels import Channel
    from .guilds import Guild
    from .server import EmbeddedDiscord
    from .uploads import ReceivedFile
    from .world import World

Json = dict[str, Any]


class Call:
    """A request that found its route. ``body`` is JSON, of a form its ``payload_json``."""

    __slots__ = (
        "_query",
        "body",
        "files",
        "method",
        "params",
        "path",
        "query_string",
        "route",
        "server",
        "size",
        "world",
    )

    def __init__(
        self,
        server: EmbeddedDiscord,
        method: str,
        route: str,
        path: str,
        query: str,
        params: dict[str, str],
    ) -> None:
        self.server = server
        self.world: World = server.world
        self.method = method
        self.route = route
        self.path = path
        self.query_string = query
        self.params = params
        self.body: Any = None
        self.files: list[ReceivedFile] = []
        self.size = 0
        self._query: dict[str, str] | None = None

    @property
    def query(self) -> dict[str, str]:
        """The parameters after the question mark."""
        if self._query is None:
            self._query = dict(parse_qsl(self.query_string, keep_blank_values=True))
        return self._query

    def flag(self, name: str) -> bool:
        """A boolean parameter; Discord takes 1 as well as true."""
        if self.query_string in (f"{name}=1", f"{name}=true"):  # the hot path of first responses
            return True
        return self.query.get(name, "").lower() in ("1", "true")

    def number(self, name: str, default: int, low: int, high: int) -> int:
        """A whole number between two bounds.

        Raises ``ApiError`` 50035 for anything else.
        """
        raw = self.query.get(name)
        if raw is None:
            return default
        if not raw.isdigit() or not low <= int(raw) <= high:
            raise invalid(
                name, "NUMBER_TYPE_COERCE", f'Value "{raw}" is not between {low} and {high}.'
            )
        return int(raw)

    def form(self) -> Json:
        """The body, which must be an object."""
        if not isinstance(self.body, dict):
            problems = Problems()
            problems.add(
                "_errors", "DICT_TYPE_CONVERT", "Only dictionaries may be used in a DictType"
            )
            problems.refuse()
        body: Json = self.body
        return body

    def id(self, name: str) -> int:
        """A snowflake of the path."""
        return snowflake(self.params[name], name)

    def channel(self) -> Channel:
        """The channel of the path, whoever may see it.

        Raises ``ApiError`` 10003 when there is none.
        """
        found = self.world.channels.get(self.id("channel_id"))
        if found is None:
            raise refusal(10003)
        return found

    def guild(self) -> Guild:
        """The server of the path, which the bot must be in.

        Raises ``ApiError``: 10004 when there is none, 50001 when the bot is not in it.
        """
        found = self.world.guilds.get(self.id("guild_id"))
        if found is None:
            raise refusal(10004)
        if not found.installed:
            raise refusal(50001)
        return found
