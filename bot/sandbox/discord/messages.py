"""Messages, as everyone (or, if ephemeral, one person) sees them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from .media import Attachment

if TYPE_CHECKING:
    from .channels import AnyChannel, Thread
    from .invocations import Invocation
    from .people import Role, User

Json = dict[str, Any]

# Message flags (Discord docs, resources/message).
CROSSPOSTED: Final = 1 << 0
SUPPRESS_EMBEDS: Final = 1 << 2
HAS_THREAD: Final = 1 << 5
EPHEMERAL: Final = 1 << 6
LOADING: Final = 1 << 7
SUPPRESS_NOTIFICATIONS: Final = 1 << 12
IS_VOICE_MESSAGE: Final = 1 << 13
COMPONENTS_V2: Final = 1 << 15

# Message types.
DEFAULT: Final = 0
THREAD_CREATED: Final = 18
REPLY: Final = 19
CHAT_COMMAND: Final = 20
STARTER: Final = 21
MENU_COMMAND: Final = 23

# Component types (Discord docs, components/reference).
ROW: Final = 1
BUTTON: Final = 2
STRING_SELECT: Final = 3
USER_SELECT: Final = 5
ROLE_SELECT: Final = 6
MENTIONABLE_SELECT: Final = 7
CHANNEL_SELECT: Final = 8
SELECTS: Final = frozenset(
    {STRING_SELECT, USER_SELECT, ROLE_SELECT, MENTIONABLE_SELECT, CHANNEL_SELECT}
)
TEXT_DISPLAY: Final = 10
LINK_STYLE: Final = 5


class ButtonSeen(NamedTuple):
    """A button as a person sees it; ``target`` is its custom_id, or the address of a link."""

    label: str
    target: str
    disabled: bool


class Message:
    """One message. ``mentions`` are the users it really notified when it was sent."""

    __slots__ = (
        "attachments",
        "author",
        "channel",
        "components",
        "content",
        "created_at",
        "deleted",
        "edited_at",
        "embeds",
        "ephemeral_to",
        "flags",
        "id",
        "invocation",
        "listed_mentions",
        "mention_everyone",
        "mention_roles",
        "mentions",
        "nonce",
        "reference",
        "revision",
        "thread",
        "tts",
        "type",
    )

    def __init__(self, message_id: int, channel: AnyChannel, author: User, at: float) -> None:
        self.id = message_id
        self.channel = channel
        self.author = author
        self.created_at = at
        self.type = DEFAULT
        self.content = ""
        self.embeds: list[Json] = []
        self.components: list[Json] = []
        self.attachments: list[Attachment] = []
        self.flags = 0
        self.tts = False
        self.mentions: list[User] = []
        self.listed_mentions: list[User] = []
        self.mention_roles: list[Role] = []
        self.mention_everyone = False
        self.reference: Json | None = None
        self.nonce: str | int | None = None
        self.edited_at: float | None = None
        self.deleted = False
        self.ephemeral_to: User | None = None
        self.invocation: Invocation | None = None
        self.thread: Thread | None = None
        self.revision = 0

    @property
    def ephemeral(self) -> bool:
        """Whether only one person sees it."""
        return self.ephemeral_to is not None

    @property
    def loading(self) -> bool:
        """Whether it still says that the application is thinking."""
        return bool(self.flags & LOADING)

    @property
    def text(self) -> str:
        """Everything there is to read: content, embeds and text displays, one per line."""
        return "\n".join(part for part in self._texts() if part)

    def _texts(self) -> Iterator[str]:
        yield self.content
        for embed in self.embeds:
            yield embed.get("author", {}).get("name", "")
            yield embed.get("title", "")
            yield embed.get("description", "")
            for field in embed.get("fields", []):
                yield field["name"]
                yield field["value"]
            yield embed.get("footer", {}).get("text", "")
        for component in walk(self.components):
            if component["type"] == TEXT_DISPLAY:
                yield component["content"]

    @property
    def buttons(self) -> list[ButtonSeen]:
        """The buttons in the order they are shown."""
        return [
            ButtonSeen(
                button.get("label") or button.get("emoji", {}).get("name", ""),
                button.get("custom_id") or button.get("url") or "",
                bool(button.get("disabled")),
            )
            for button in walk(self.components)
            if button["type"] == BUTTON
        ]

    @property
    def url(self) -> str:
        """The link people copy to point at the message."""
        guild = self.channel.guild
        where = guild.id if guild else "@me"
        return f"https://discord.com/channels/{where}/{self.channel.id}/{self.id}"

    def component(self, custom_id: str) -> Json | None:
        """The button or select with this custom_id."""
        for component in walk(self.components):
            if component.get("custom_id") == custom_id:
                return component
        return None

    def __repr__(self) -> str:
        seen = self.text[:60].replace("\n", " / ")
        state = "deleted " if self.deleted else "loading " if self.loading else ""
        return f"<{state}Message by {self.author.name}: {seen!r}>"


def walk(components: list[Json]) -> list[Json]:
    """Every component of a tree, outermost first."""
    # A list, as every message is walked several times and generators within generators cost.
    found: list[Json] = []
    for component in components:
        found.append(component)
        if "components" in component:
            found += walk(component["components"])
        for key in ("accessory", "component"):
            if key in component:
                found.append(component[key])
    return found
