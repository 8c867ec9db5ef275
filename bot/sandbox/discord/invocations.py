"""Interactions from the side of the person: what was asked, what came back, and how fast."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from typing import TYPE_CHECKING, Any, Final

from .errors import DidNotRespond, refusal
from .ids import created_at, interaction_of, interaction_token
from .messages import CHAT_COMMAND, DEFAULT, MENU_COMMAND, Message
from .people import User

if TYPE_CHECKING:
    from .channels import Channel
    from .guilds import Guild
    from .people import Member
    from .world import World

Json = dict[str, Any]

#: Seconds the application has for its first response, and the life of an interaction's token
#: (Discord docs, interactions/receiving-and-responding).
ACK_SECONDS: Final = 3.0
TOKEN_SECONDS: Final = 15 * 60.0
#: Expired interactions are forgotten after this many seconds; their tokens stay recognisable.
FORGET_SECONDS: Final = 20 * 60.0

# Interaction types.
COMMAND: Final = 2
COMPONENT: Final = 3
AUTOCOMPLETE: Final = 4
MODAL_SUBMIT: Final = 5

MENU_TYPES: Final = frozenset({2, 3})


class Invocation:
    """One use of a command, button, select, form or autocompleted option by a person."""

    __slots__ = (
        "_acked",
        "_world",
        "ack_seconds",
        "actor",
        "channel",
        "choices",
        "command_type",
        "created_at",
        "dispatched",
        "ephemeral",
        "failed",
        "followups",
        "id",
        "kind",
        "limit",
        "message",
        "modal",
        "name",
        "opener",
        "source",
        "target_id",
        "token",
        "type",
    )

    def __init__(
        self,
        world: World,
        actor: User | Member,
        channel: Channel,
        kind: int,
        name: str,
    ) -> None:
        self._world = world
        self.id = world.ids.next()
        self.token = interaction_token(self.id)
        self.type = kind
        self.name = name
        self.actor = actor
        self.channel = channel
        self.created_at = world.clock.now()
        self.dispatched = time.perf_counter()
        self.command_type = 1
        self.target_id: int | None = None
        self.source: Message | None = None
        self.opener: Invocation | None = None
        self.limit = 0
        self.kind: str | None = None
        self.ack_seconds: float | None = None
        self.failed = False
        self.ephemeral: bool | None = None
        self.message: Message | None = None
        self.followups: list[Message] = []
        self.modal: Json | None = None
        self.choices: list[Json] | None = None
        self._acked: asyncio.Future[None] | None = None

    # what a person sees

    async def acknowledged(self, timeout: float = ACK_SECONDS) -> Invocation:  # noqa: ASYNC109
        """Wait for the first response.

        Raises ``DidNotRespond`` when three seconds passed on the server's clock without one, or
        ``timeout`` seconds of real time.
        """
        if self.kind is None and not self.failed:
            self._acked = self._acked or asyncio.get_running_loop().create_future()
            await asyncio.wait([self._acked], timeout=timeout)
        if self.kind is None:
            waited = "" if self.failed else f" (within {timeout:g} s)"
            raise DidNotRespond(f"{self.name}: The application did not respond{waited}")
        return self

    async def answered(self, timeout: float = 10.0) -> Message:  # noqa: ASYNC109
        """Wait until there is a message that no longer says "thinking", and return it.

        Raises ``DidNotRespond`` as ``acknowledged`` does, ``TimeoutError`` if it goes on thinking.
        """
        await self.acknowledged()

        def answer() -> Message | None:
            return None if self.message is None or self.message.loading else self.message

        found = await self._world.changes.until(
            answer, timeout=timeout, describe=lambda: f"{self.name} answered {self.message}"
        )
        assert found is not None
        return found

    @property
    def user(self) -> User:
        """The account that did it."""
        return self.actor if isinstance(self.actor, User) else self.actor.user

    @property
    def guild(self) -> Guild | None:
        """The server it happened in."""
        return self.channel.guild

    # what the server knows

    def settle(self, kind: str) -> None:
        """Note the first response."""
        self.kind = kind
        self.ack_seconds = time.perf_counter() - self.dispatched
        self._wake()

    def fail(self) -> None:
        """Three seconds are over."""
        self.failed = True
        self._wake()

    def _wake(self) -> None:
        if self._acked is not None and not self._acked.done():
            self._acked.set_result(None)

    @property
    def reply_type(self) -> int:
        """The type of the message that answers it."""
        if self.type == COMMAND:
            return MENU_COMMAND if self.command_type in MENU_TYPES else CHAT_COMMAND
        return DEFAULT

    def owners(self) -> dict[str, str]:
        """``authorizing_integration_owners``: installed in the guild, "0" in direct messages."""
        return {"0": str(self.guild.id) if self.guild else "0"}

    def metadata(self, message: Message) -> Json:
        """``interaction_metadata`` of a message this interaction produced."""
        data: Json = {
            "id": str(self.id),
            "type": self.type,
            "user": self.user.payload(),
            "authorizing_integration_owners": self.owners(),
        }
        if self.message is not None and self.message is not message:
            data["original_response_message_id"] = str(self.message.id)
        if self.type == COMPONENT and self.source is not None:
            data["interacted_message_id"] = str(self.source.id)
        elif self.type == MODAL_SUBMIT and self.opener is not None:
            data["triggering_interaction_metadata"] = self.opener.metadata(message)
        elif self.target_id is not None:
            data["target_message_id"] = str(self.target_id)
        return data

    def __repr__(self) -> str:
        state = "failed" if self.failed else self.kind or "unanswered"
        return f"<Invocation {self.name} by {self.user.name}: {state}>"


class Interactions:
    """All interactions of the last minutes, and the two deadlines each of them has."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._by_id: dict[int, Invocation] = {}
        self._by_token: dict[str, Invocation] = {}
        self._unacked: deque[Invocation] = deque()
        self._all: deque[Invocation] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self.failures = 0
        world.clock.on_advance(self._sweep)

    def __len__(self) -> int:
        return len(self._by_id)

    def add(self, invocation: Invocation) -> None:
        """Start the three seconds."""
        self._by_id[invocation.id] = invocation
        self._by_token[invocation.token] = invocation
        self._unacked.append(invocation)
        self._all.append(invocation)
        if self._timer is None:
            self._arm()

    def _arm(self) -> None:
        # One timer for all: every interaction has the same three seconds, so they fall due in
        # the order they came.
        if self._unacked:
            due = self._unacked[0].created_at + ACK_SECONDS - self._world.clock.now()
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(max(0.001, due), self._sweep)

    def _sweep(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        now = self._world.clock.now()
        unacked = self._unacked
        while unacked and (
            unacked[0].kind is not None or now - unacked[0].created_at >= ACK_SECONDS
        ):
            head = unacked.popleft()
            if head.kind is None:
                self.failures += 1
                head.fail()
                self._world.changes.bump()
        while self._all and now - self._all[0].created_at > FORGET_SECONDS:
            old = self._all.popleft()
            self._by_id.pop(old.id, None)
            self._by_token.pop(old.token, None)
        self._arm()

    def for_callback(self, interaction_id: str, token: str) -> Invocation:
        """The interaction a first response is meant for.

        Raises ``ApiError``: 10062 when unknown or too late, 40060 when already answered.
        """
        found = self._by_token.get(token)
        if found is None or str(found.id) != interaction_id or self._late(found):
            raise refusal(10062)
        if found.kind is not None:
            raise refusal(40060)
        return found

    def _late(self, found: Invocation) -> bool:
        if found.kind is not None:
            return False
        return found.failed or self._world.clock.now() - found.created_at >= ACK_SECONDS

    def for_webhook(self, application_id: str, token: str) -> Invocation:
        """The interaction a follow-up or an edit is meant for.

        Raises ``ApiError``: 50027 after fifteen minutes, 10015 before any first response.
        """
        found = self._by_token.get(token)
        now = self._world.clock.now()
        if found is None:
            number = interaction_of(token)
            if number is not None and now - created_at(number) > TOKEN_SECONDS:
                raise refusal(50027)
            raise refusal(10015)
        if now - found.created_at > TOKEN_SECONDS:
            raise refusal(50027)
        if application_id != str(self._world.bot.id) or found.kind is None:
            raise refusal(10015)
        return found

    def close(self) -> None:
        """Stop the timer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._unacked.clear()
