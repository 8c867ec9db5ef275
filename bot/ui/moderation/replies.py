"""How moderators are answered: privately, and without waking anybody."""

from __future__ import annotations

import io

import discord

from bot.errors import BadWords
from bot.rules.words.files import LARGEST_FILE
from bot.ui.base import Interaction, answer, services_of
from bot.ui.moderation.changes import NOTHING_CHANGED, change
from bot.ui.moderation.files import days_csv, members_csv
from bot.ui.moderation.texts import usage_text
from bot.workflow.moderation import AuditEntry, UsageReport


async def tell(interaction: Interaction, entry: AuditEntry | None, more: str = "") -> None:
    """Answer with what was and what is now; ``None`` is a change that changed nothing."""
    if entry is None:
        await answer(interaction, NOTHING_CHANGED + more)
        return
    default = services_of(interaction).moderation.governing.default
    await answer(interaction, change(entry, default) + more)


async def show_usage(interaction: Interaction, report: UsageReport, picture: bytes | None) -> None:
    """Send a report as words, a picture and files; the interaction was deferred."""
    files = [
        discord.File(io.BytesIO(days_csv(report)), "usage-days.csv"),
        discord.File(io.BytesIO(members_csv(report)), "usage-members.csv"),
    ]
    if picture is not None:
        alt = "Bars: credits used on each day"
        files.insert(0, discord.File(io.BytesIO(picture), "usage.png", description=alt))
    await interaction.followup.send(usage_text(report), files=files, ephemeral=True)


async def content_of(file: discord.Attachment) -> bytes:
    """What is in a list that was attached. Raises ``BadWords`` for what is too large, or cannot
    be had from Discord.
    """
    if file.size > LARGEST_FILE:
        raise BadWords(f"The file is too large: at most {LARGEST_FILE // 1024:,} KiB are read.")
    try:
        return await file.read()
    except (discord.HTTPException, OSError) as error:
        raise BadWords("Discord did not give me the file. Please try again.") from error
