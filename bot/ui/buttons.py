"""Buttons that outlive the command, the message cache and the process."""

from __future__ import annotations

import re
from typing import Any, Self

import discord

from bot.ui import ids
from bot.ui.base import Interaction, acting, answer, services_of
from bot.workflow.members import Cancelled

CANCEL = "Cancel"
_Button = discord.ui.Button[Any]


class CancelButton(discord.ui.DynamicItem[_Button], template=ids.template("cancel")):
    """Cancels the job it names, for the one who asked for it."""

    def __init__(self, job_id: int, label: str = CANCEL) -> None:
        super().__init__(
            discord.ui.Button(
                label=label,
                style=discord.ButtonStyle.secondary,
                custom_id=ids.build(job_id, "cancel"),
            )
        )
        self.job_id = job_id

    @classmethod
    async def from_custom_id(
        cls, _interaction: Interaction, _item: discord.ui.Item[Any], match: re.Match[str]
    ) -> Self:
        """The button of a message that an earlier process may have sent."""
        return cls(int(match["id"]))

    async def callback(self, interaction: Interaction) -> None:
        """Cancel, and say honestly what came of it."""
        await acting(interaction, self._cancel(interaction))

    async def _cancel(self, interaction: Interaction) -> None:
        members = services_of(interaction).members
        _, came_of_it = await members.cancel(
            interaction.guild_id or 0, interaction.user.id, self.job_id
        )
        if came_of_it is Cancelled.RELEASED:
            text = f"Job {self.job_id} is cancelled. You were not charged."
        else:
            text = (
                f"Pika may be at work on job {self.job_id} already; I have asked it to stop. "
                "If it stops, you are not charged. If it is done first, the video is thrown "
                "away and your credit is spent."
            )
        await answer(interaction, text)


ALL: tuple[type[discord.ui.DynamicItem[Any]], ...] = (CancelButton,)
"""Every button that must answer after a restart; ``bot.client`` registers them."""
