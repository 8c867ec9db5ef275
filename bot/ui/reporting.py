"""A member reports a video: the form, and what they are told."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import ClassVar, Final, Self

from bot.errors import NoVideoThere
from bot.ui.base import Interaction, answer, services_of
from bot.ui.forms import Field, Form, open_form
from bot.workflow.moderation.options import LONGEST_REASON

NAME: Final = "Report video"
"""What the menu of a message calls it."""

_SEEN: Final = "Thank you. The moderators of this server can read your report now."
_UNSEEN: Final = (
    "Thank you. The moderators of this server cannot be reached this way: they have chosen no log "
    "channel. Your report is kept, and shown to them once they choose one; until then, tell one of "
    "them yourself."
)
_REASON: Final = Field(
    "reason",
    "What is wrong with it?",
    "Moderators read it, and who wrote it. You may leave it empty.",
    LONGEST_REASON,
    lines=True,
)


async def ask(interaction: Interaction, message_id: int) -> None:
    """Ask a member what is wrong with the video on this message. Raises ``UserError`` where they
    may not report it.
    """
    if interaction.guild_id is None:
        raise NoVideoThere
    reported = services_of(interaction).moderation.reported
    await reported.check(interaction.guild_id, interaction.user.id, message_id)
    await open_form(interaction, ReportForm(message_id))


class ReportForm:
    """A report on its way."""

    # No number that SQLite could not hold (2**63 - 1); Discord reaches nine of them in 2082.
    template: ClassVar[re.Pattern[str]] = re.compile(
        r"report:(?P<id>[1-8][0-9]{0,18}|9[0-9]{0,17})"
    )
    title: str = NAME
    fields: Sequence[Field] = (_REASON,)

    def __init__(self, message_id: int) -> None:
        self.message_id = message_id
        self.custom_id = f"report:{message_id}"

    @classmethod
    def of(cls, match: re.Match[str]) -> Self:
        """The form about the message that its id names."""
        return cls(int(match["id"]))

    async def submitted(self, interaction: Interaction, typed: Mapping[str, str]) -> None:
        """Take the report, if they may still make it."""
        if interaction.guild_id is None:
            raise NoVideoThere
        reported = services_of(interaction).moderation.reported
        seen = await reported.report(
            interaction.guild_id, interaction.user.id, self.message_id, typed.get("reason")
        )
        await answer(interaction, _SEEN if seen else _UNSEEN)


FORMS: tuple[type[Form], ...] = (ReportForm,)
"""``bot.client`` listens for them."""
