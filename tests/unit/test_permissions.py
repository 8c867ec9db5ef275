"""What the bot lacks in a channel is named exactly, as Discord's settings name it."""

from __future__ import annotations

import discord
import pytest
from discord import ChannelType
from hypothesis import given
from hypothesis import strategies as st

from bot.ui.permissions import INVITED, NAMES, Use, missing, needed

KINDS = (
    ChannelType.text,
    ChannelType.news,
    ChannelType.forum,
    ChannelType.voice,
    ChannelType.stage_voice,
    ChannelType.public_thread,
)


@pytest.mark.parametrize(
    ("kind", "use", "names"),
    [
        (ChannelType.text, Use.POSTING,
         ("View Channel", "Send Messages", "Attach Files", "Embed Links", "Read Message History")),
        (ChannelType.text, Use.ASKING,
         ("View Channel", "Send Messages", "Send Messages in Threads", "Attach Files",
          "Embed Links", "Read Message History")),
        (ChannelType.forum, Use.ASKING,
         ("View Channel", "Send Messages in Threads", "Attach Files", "Embed Links",
          "Read Message History")),
        (ChannelType.public_thread, Use.ASKING,
         ("View Channel", "Send Messages in Threads", "Attach Files", "Embed Links",
          "Read Message History")),
        (ChannelType.voice, Use.ASKING,
         ("View Channel", "Connect", "Send Messages", "Attach Files", "Embed Links",
          "Read Message History")),
    ],
)  # fmt: skip
def test_each_kind_of_channel_needs_its_own(
    kind: ChannelType, use: Use, names: tuple[str, ...]
) -> None:
    """Posts in a forum are threads, and there are none in a voice channel."""
    assert missing(discord.Permissions.none(), kind, use) == names
    assert missing(discord.Permissions.all(), kind, use) == ()


@given(st.sampled_from(KINDS), st.sampled_from(list(Use)), st.sets(st.sampled_from(list(NAMES))))
def test_what_is_not_granted_is_named_and_nothing_else(
    kind: ChannelType, use: Use, granted: set[str]
) -> None:
    """Also when View Channel is among it: what else is missing is not hidden by that."""
    bits = discord.Permissions(**dict.fromkeys(granted, True))
    lacking = {name for name in needed(kind, use) if name not in granted}
    assert missing(bits, kind, use) == tuple(NAMES[name] for name in NAMES if name in lacking)


def test_administrators_need_nothing_else() -> None:
    """Administrator stands for all of them."""
    assert missing(discord.Permissions(administrator=True), ChannelType.text, Use.ASKING) == ()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("use", list(Use))
def test_whoever_follows_the_invite_link_lacks_nothing(kind: ChannelType, use: Use) -> None:
    """Except Connect in voice channels, which everybody has unless somebody closed them."""
    lacking = missing(INVITED, kind, use)
    assert lacking == (("Connect",) if "voice" in kind.name else ())
