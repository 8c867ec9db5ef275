"""Buttons under a video: they answer next month and after any restart."""

from __future__ import annotations

import re
from functools import partial
from typing import Any, Final, Self

import discord

from bot.ui import ids
from bot.ui.ages import may_be_shown
from bot.ui.base import Interaction, acting, answer, services_of
from bot.ui.forms import open_form
from bot.ui.moderation.access import moderator
from bot.ui.moderation.removing import RemoveForm

_Button = discord.ui.Button[Any]

SHARE, DELETE, DELETE_NOW = "share", "delete", "delete-now"

_AGAIN: Final = (
    " It did not work the last time: perhaps I may not post there. `/moderate settings` shows that "
    "to moderators."
)

_LABELS: Final = {SHARE: "Share", DELETE: "Delete", DELETE_NOW: "Delete it"}


class VideoButton(discord.ui.DynamicItem[_Button], template=ids.one_of(SHARE, DELETE, DELETE_NOW)):
    """Does something with the video of the job it names, for whoever may when it is pressed."""

    def __init__(self, job_id: int, what: str) -> None:
        danger = what == DELETE_NOW
        super().__init__(
            discord.ui.Button(
                label=_LABELS[what],
                style=discord.ButtonStyle.danger if danger else discord.ButtonStyle.secondary,
                custom_id=ids.build(job_id, what),
            )
        )
        self.job_id = job_id
        self.what = what

    @classmethod
    async def from_custom_id(
        cls, _interaction: Interaction, _item: discord.ui.Item[Any], match: re.Match[str]
    ) -> Self:
        """The button of a message that an earlier process may have sent."""
        return cls(int(match["id"]), match["what"])

    async def callback(self, interaction: Interaction) -> None:
        """Do it, or ask for more first."""
        match self.what:
            case "share":
                await acting(interaction, self._share(interaction))
            case "delete":
                await acting(interaction, self._ask(interaction))
            case _:
                await acting(interaction, self._delete(interaction))

    async def _share(self, interaction: Interaction) -> None:
        videos = services_of(interaction).videos
        shared = await videos.share(
            interaction.guild_id,
            interaction.user.id,
            self.job_id,
            suits=partial(may_be_shown, interaction.client),
        )
        text = f"Your video is being shared in <#{shared.channel_id}>."
        await answer(interaction, text + (_AGAIN if shared.again else ""))

    async def _ask(self, interaction: Interaction) -> None:
        """Once more, or a moderator why."""
        services, user_id = services_of(interaction), interaction.user.id
        if await services.videos.deletable(interaction.guild_id, user_id, self.job_id):
            view = discord.ui.View(timeout=None)
            await answer(
                interaction,
                f"Delete the video of job {self.job_id}? It goes wherever I have posted it, nobody "
                "can bring it back, and the credit stays spent.",
                view=view.add_item(VideoButton(self.job_id, DELETE_NOW)),
            )
            return
        by = await moderator(interaction)
        await services.moderation.removals.removable(by, self.job_id)  # or one would type in vain
        await open_form(interaction, RemoveForm(self.job_id))

    async def _delete(self, interaction: Interaction) -> None:
        videos = services_of(interaction).videos
        await videos.delete(interaction.guild_id, interaction.user.id, self.job_id)
        text = f"The video of job {self.job_id} is being deleted, wherever I have posted it."
        await interaction.response.edit_message(content=text, view=None)


def view_of(job_id: int) -> discord.ui.View:
    """The buttons of a video that is posted for whoever asked for it."""
    view = discord.ui.View(timeout=None)
    for what in (SHARE, DELETE):
        view.add_item(VideoButton(job_id, what))
    return view
