"""What the workflow needs said in Discord; ``bot.messenger`` says it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final, Protocol

from bot.model import Delivery, Job
from bot.rules.reporting import Reported
from bot.workflow.pauses import Held

GONE: Final = frozenset({10003, 10008})
"""Codes of ``Denied`` that say that the channel, or the message in it, does not exist any more
(Discord docs, topics/opcodes-and-status-codes)."""


OPEN_TO_ALL: Final = -1
"""Our own code, beside Discord's: the chosen channel is none for what is restricted by age."""


@dataclass(frozen=True, slots=True)
class Outlook:
    """What a message says besides the job itself.

    ``place`` in the queue (1 = next), ``ready_at`` in milliseconds since 1970, the message
    of the result, ``link`` to the video where only that can be posted, ``held`` is what keeps
    the job from going, ``encoded`` how many percent of a smaller copy are made, ``reported`` what
    members said against the video; the messages of the ``card`` and of the ``review``, and the
    channel in which a review goes on that was in this message before (``moved_to``); each ``None``
    where it does not apply or is not known. ``former`` says that the review has another message
    than this, whether it still goes on there or not.
    """

    place: int | None = None
    ready_at: int | None = None
    result: Delivery | None = None
    link: str | None = None
    held: Held | None = None
    encoded: int | None = None
    reported: Reported | None = None
    card: Delivery | None = None
    review: Delivery | None = None
    moved_to: int | None = None
    former: bool = False


@dataclass(frozen=True, slots=True)
class ServerMessage:
    """A message that belongs to a server and to none of its jobs.

    ``number`` tells it apart from all others in its channel, ``begun_at`` is when the first try
    to post it was begun.
    """

    guild_id: int
    channel_id: int
    number: int
    text: str
    begun_at: int

    @property
    def nonce(self) -> str:
        """Discord's deduplication key of this message: at most 25 characters."""
        what = f"{self.channel_id} {self.number}".encode()
        return f"log-{hashlib.sha256(what).hexdigest()[:20]}"


class Messenger(Protocol):
    """Writes messages. All methods raise ``Denied`` or ``TryLater``, ``post`` also ``TooLarge`` and
    ``Missing``.
    """

    async def post(
        self, job: Job, delivery: Delivery, outlook: Outlook, *, reply_to: int | None
    ) -> int:
        """Post the message of this delivery into ``delivery.channel_id``; its message id.

        ``reply_to`` is a message there that it answers, if that still exists. The same
        delivery posted twice within minutes is one message.
        """
        ...

    async def edit_card(self, job: Job, card: Delivery, outlook: Outlook) -> None:
        """Rewrite the card that exists."""
        ...

    async def edit_answer(self, job: Job, card: Delivery, outlook: Outlook) -> None:
        """Rewrite the card through the command that it answers, whatever the bot may do in the
        channel. Only this process can, and only for a quarter of an hour.
        """
        ...

    async def find(self, job: Job, delivery: Delivery) -> int | None:
        """The message of this delivery, if an earlier try has posted it: its id. ``None`` is sure;
        ``TryLater`` says that there is more to look at.
        """
        ...

    async def video_of(self, job: Job, delivery: Delivery) -> str | None:
        """A fresh address of the video that hangs on this message, good for about a day; ``None``
        where none does.
        """
        ...

    async def delete(self, job: Job, delivery: Delivery) -> None:
        """Delete the message of this delivery. One that is gone already is none to delete."""
        ...

    async def announce(self, message: ServerMessage) -> int:
        """Post a message of a server; its id. The same one twice within minutes is one message."""
        ...

    async def find_announced(self, message: ServerMessage) -> int | None:
        """A message of a server, if an earlier run has posted it: its id."""
        ...

    async def direct_channel(self, user_id: int) -> int:
        """The channel of direct messages with this member."""
        ...
