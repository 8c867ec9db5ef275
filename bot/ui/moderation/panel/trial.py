"""Test posts: a real message with an embed and a picture into every chosen channel, then away.

What permissions promise is not all that Discord asks for. So this does what a delivery does: it
posts, embeds, attaches, and reads again; then it deletes the message. It wakes nobody. One that
stays, as the bot was stopped in between or may not delete it, moderators delete by its button.
"""

from __future__ import annotations

import asyncio
import re
import struct
import zlib
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from typing import Any, Final, Protocol, Self, cast

import aiohttp
import discord

from bot.errors import NothingHere, TryLater
from bot.ui.base import Interaction, acting, services_of
from bot.ui.cards import Colour, code
from bot.ui.moderation.access import moderator
from bot.ui.moderation.panel.parts import bold
from bot.ui.moderation.panel.server import Chosen, guild_of
from bot.ui.moderation.panel.setup import Finding
from bot.ui.moderation.reach import Reach
from bot.workflow.delivery.brake import Brake

PICTURE: Final = "test.png"
TITLE: Final = "Test post"
_SIDE: Final = 32
_COLOUR: Final = bytes((0x58, 0x65, 0xF2))


@dataclass(frozen=True, slots=True)
class Arrived:
    """What came of a test post that was taken: whether it could be read again, had its picture in
    its box, and is gone again.
    """

    read: bool
    whole: bool
    deleted: bool


class _HasBrake(Protocol):
    brake: Brake


async def try_out(interaction: Interaction, channels: list[Chosen]) -> list[Finding]:
    """What came of a test post in each of these channels of the interaction's server."""
    places = services_of(interaction).tests.places
    reach = Reach.of(interaction, guild_of(interaction))

    async def one(channel: Chosen) -> Finding:
        if channel.place is not None and not reach.sends(channel.id):
            where = f"<#{channel.id}>"
            return Finding(True, f"➖ {where}: not tried, as you may not send messages there.")
        async with places:
            return await _try_one(interaction, channel)

    return list(await asyncio.gather(*map(one, channels)))


async def _try_one(interaction: Interaction, channel: Chosen) -> Finding:
    where = f"<#{channel.id}>"
    if channel.place is None:
        return Finding(False, f"❌ {where} does not exist any more.")
    if channel.lacks:  # what is known to be refused is not asked for
        return Finding(False, f"❌ {where}: not tried, as I lack {bold(channel.lacks)}.")
    if channel.place.kind in _WITHOUT_POSTS:
        return Finding(True, f"✅ {where}: not tried, as only members begin posts; I may answer.")
    try:
        await cast("_HasBrake", interaction.client).brake.turn()
        arrived = await _post(interaction, channel.id)
    except TryLater:
        return Finding(False, f"❌ {where}: not tried, as Discord has refused too much lately.")
    except discord.HTTPException as error:
        return Finding(False, f"❌ {where}: {_why(error)}")
    except (discord.RateLimited, TimeoutError, aiohttp.ClientError, OSError):
        return Finding(False, f"❌ {where}: {_NO_ANSWER}")
    return _judged(where, arrived)


async def _post(interaction: Interaction, channel_id: int) -> Arrived:
    """Post, read again, delete. Raises what discord.py raises when the post was not taken."""
    channel = interaction.client.get_partial_messageable(channel_id, guild_id=interaction.guild_id)
    message = await channel.send(**content())
    read = whole = deleted = False
    with suppress(discord.DiscordException, TimeoutError, aiohttp.ClientError, OSError):
        found = await channel.fetch_message(message.id)
        read, whole = True, any(embed.image.url for embed in found.embeds)
    with suppress(discord.DiscordException, TimeoutError, aiohttp.ClientError, OSError):
        await message.delete()
        deleted = True
    return Arrived(read, whole, deleted)


def _judged(where: str, arrived: Arrived) -> Finding:
    gone = "" if arrived.deleted else " I could not delete it: please do, by its button."
    if not arrived.read:
        return Finding(False, f"❌ {where}: posted, but I could not read it again.{gone}")
    if not arrived.whole:
        return Finding(False, f"❌ {where}: the post came without its picture or its box.{gone}")
    if not arrived.deleted:
        return Finding(False, f"❌ {where}: posted and read again.{gone}")
    return Finding(True, f"✅ {where}: posted, read again, deleted")


_WITHOUT_POSTS: Final = frozenset({discord.ChannelType.forum, discord.ChannelType.media})
_NO_ANSWER: Final = "Discord did not answer in time. Please try again."

_WORDS: Final = {
    10003: "it does not exist any more.",
    50001: "Discord says that I cannot see it: I lack **View Channel**.",
    50013: "Discord says that I lack a permission, and not which one. Check again in a moment.",
    50008: "it takes no messages.",
    160005: "the thread is locked.",
}
"""Discord's codes in words (Discord docs, topics/opcodes-and-status-codes)."""


def _why(error: discord.HTTPException) -> str:
    if error.status >= 500 or error.status == 429:
        return _NO_ANSWER
    known = _WORDS.get(error.code)
    return known or f"Discord refused it ({error.code}): {code(error.text, 100)}"


_Button = discord.ui.Button[Any]


class LeftoverButton(discord.ui.DynamicItem[_Button], template=re.compile("test-post:delete")):
    """Deletes the test post that it is on, for whoever may moderate when it is pressed."""

    def __init__(self) -> None:
        super().__init__(discord.ui.Button(label="Delete", custom_id="test-post:delete"))

    @classmethod
    async def from_custom_id(
        cls, _interaction: Interaction, _item: discord.ui.Item[Any], _match: re.Match[str]
    ) -> Self:
        """The button of a post that an earlier process may have sent."""
        return cls()

    async def callback(self, interaction: Interaction) -> None:
        """Delete it."""
        await acting(interaction, self._delete(interaction))

    async def _delete(self, interaction: Interaction) -> None:
        await moderator(interaction)
        post = interaction.message
        if post is None or [embed.title for embed in post.embeds] != [TITLE]:
            raise NothingHere
        await interaction.response.defer()
        with suppress(discord.NotFound):  # somebody was faster
            await interaction.delete_original_response()


def content() -> dict[str, Any]:
    """The message, which wakes nobody."""
    embed = discord.Embed(
        title=TITLE,
        description="Moderators are trying out where I may post. I delete this as soon as I have "
        "read it again. Should it stay, I was interrupted: a moderator can delete it.",
        colour=int(Colour.WORKING),
    ).set_image(url=f"attachment://{PICTURE}")
    return {
        "embed": embed,
        "view": discord.ui.View(timeout=None).add_item(LeftoverButton()),
        "file": discord.File(BytesIO(picture()), PICTURE, description="A blue square"),
        "silent": True,
        "allowed_mentions": discord.AllowedMentions.none(),
    }


@cache
def picture() -> bytes:
    """A small square as PNG (W3C, PNG specification, section 5)."""
    rows = (b"\0" + _COLOUR * _SIDE) * _SIDE  # each begins with its filter: none
    header = struct.pack(">IIBBBBB", _SIDE, _SIDE, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in chunks
    )
