"""Looking for a message of ours that an earlier try may have left in a channel.

Where to look follows from when the tries were begun: a message has the time of its making in its
id. Our clock and Discord's may differ; by how much, the request itself shows, which has a time
of each.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from typing import Final

import discord

from bot.errors import TryLater
from bot.model import Delivery, DeliveryKind, Job
from bot.ui import messages
from bot.workflow.delivery.messenger import ServerMessage

MOST: Final = 2_000
"""Messages of others that one look reads, a hundred with each request; the next look goes on
behind them, and nothing is posted before the last one is through."""

MORE_SECONDS: Final = 1.0

ANSWER_MS: Final = 60_000
"""A command is answered within three seconds or not at all (Discord docs, interactions/
receiving-and-responding); its card is no later than this."""

SLACK_MS: Final = 60_000
"""By how much clocks may drift apart between the request and a try."""

CLOCKS_MS: Final = 30 * 60_000
"""The same where no request shows it. Log channels are quiet: there is little to look through."""

TRY_MS: Final = 30 * 60_000
"""The longest that one try can be under way: five uploads of at most five minutes each, and what
discord.py waits between them."""

REMEMBERED: Final = 10_000
"""Places of which it is known how far they were looked through, those looked at last."""


class LookBack:
    """Looks through histories, each message once."""

    def __init__(self) -> None:
        # (channel, nonce of what is looked for) -> the last one looked at
        self._seen: OrderedDict[tuple[int, str], int] = OrderedDict()

    async def find(
        self, channel: discord.PartialMessageable, me: int, job: Job, delivery: Delivery
    ) -> int | None:
        """The id of the message of this delivery, written by ``me``; ``None`` when it is certainly
        not there. Raises ``TryLater`` when there is more to look at.
        """
        return await self._find(
            channel,
            delivery.nonce,
            _spans(job, delivery),
            lambda found: found.author.id == me and messages.is_of(found, job, delivery),
        )

    async def find_announced(
        self, channel: discord.PartialMessageable, me: int, message: ServerMessage
    ) -> int | None:
        """The same for a message of a server, anywhere since the first try to post it."""
        return await self._find(
            channel,
            message.nonce,
            [(_id(message.begun_at - CLOCKS_MS), _LAST)],
            lambda found: found.author.id == me and messages.is_announcement(found, message),
        )

    async def _find(
        self,
        channel: discord.PartialMessageable,
        nonce: str,
        spans: Iterable[tuple[int, int]],
        is_it: Callable[[discord.Message], bool],
    ) -> int | None:
        key = (channel.id, nonce)
        left = MOST
        for begin, end in spans:
            begin = max(begin, self._seen.get(key, 0))  # noqa: PLW2901 - what is left of it
            if begin >= end:
                continue
            async for message in channel.history(
                limit=left,
                after=discord.Object(begin),
                before=discord.Object(end),
                oldest_first=True,
            ):
                if is_it(message):
                    return message.id
                self._saw(key, message.id)
                left -= 1
            if left <= 0:
                raise TryLater(MORE_SECONDS, "there is more to look through for an earlier try")
        self._step_back(key)
        return None

    def _saw(self, key: tuple[int, str], message_id: int) -> None:
        self._seen[key] = message_id
        self._seen.move_to_end(key)
        if len(self._seen) > REMEMBERED:
            self._seen.popitem(last=False)

    def _step_back(self, key: tuple[int, str]) -> None:
        """What is made at the same time may be shown a little later: the last minute is looked at
        once more, should there be a next time.
        """
        if key in self._seen:
            self._seen[key] -= SLACK_MS << 22


def _spans(job: Job, delivery: Delivery) -> Iterator[tuple[int, int]]:
    """Where the message can be: after the one id and before the other, in the order of time."""
    request = job.requester.request_key
    asked = _time(request)
    if delivery.kind is DeliveryKind.CARD:
        yield request, _id(asked + ANSWER_MS)
    if delivery.first_try_at is not None and delivery.last_try_at is not None:
        # Right if no clock was set meanwhile; right if ours is now. One of them will do.
        first = min(asked + delivery.first_try_at - job.created_at, delivery.first_try_at)
        last = max(asked + delivery.last_try_at - job.created_at, delivery.last_try_at)
        yield max(request, _id(first - SLACK_MS)), _id(last + TRY_MS)
    elif delivery.attempts:  # begun by a version that did not note when
        yield request, _LAST


_LAST: Final = (1 << 63) - 1


def _time(snowflake: int) -> int:
    """Milliseconds since 1970 at which this id was made (Discord docs, reference, "Snowflakes")."""
    return (snowflake >> 22) + discord.utils.DISCORD_EPOCH


def _id(moment: int) -> int:
    """An id between those made before ``moment`` and those made from then on."""
    return max(0, moment - discord.utils.DISCORD_EPOCH) << 22
