"""Why a video is taken away: the form that asks a moderator."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import ClassVar, Self

from bot.ui import ids
from bot.ui.base import Interaction, services_of
from bot.ui.forms import Field
from bot.ui.moderation.access import moderator
from bot.ui.moderation.asking import REASON
from bot.ui.moderation.replies import tell


class RemoveForm:
    """Takes the video away that it is about, for whoever may moderate when it is sent."""

    template: ClassVar[re.Pattern[str]] = ids.template("remove")
    fields: Sequence[Field] = (REASON,)

    def __init__(self, job_id: int) -> None:
        self.job_id = job_id
        self.custom_id = ids.build(job_id, "remove")
        self.title = f"Remove the video of job {job_id}"

    @classmethod
    def of(cls, match: re.Match[str]) -> Self:
        """The form about the job that its id names."""
        return cls(int(match["id"]))

    async def submitted(self, interaction: Interaction, typed: Mapping[str, str]) -> None:
        """Remove it."""
        by = await moderator(interaction)
        removals = services_of(interaction).moderation.removals
        await tell(interaction, await removals.remove(by, self.job_id, typed.get("reason")))
