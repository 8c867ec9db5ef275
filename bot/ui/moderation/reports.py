"""Reported videos as moderators read them, and the buttons under each."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final, Self

import discord

from bot.model import Job
from bot.rules.reporting import Report, Reported
from bot.ui import ids
from bot.ui.base import Interaction, acting, services_of
from bot.ui.cards import code, link_of, shown_prompt, when
from bot.ui.forms import Field, Form, open_form
from bot.ui.moderation.access import moderator
from bot.ui.moderation.asking import HOURS, REASON, hours
from bot.ui.moderation.removing import RemoveForm
from bot.ui.moderation.replies import tell
from bot.workflow.delivery.messenger import Outlook

_Button = discord.ui.Button[Any]

REMOVE, BLOCK, DISMISS = "report-remove", "report-block", "report-dismiss"

_LABELS: Final = {REMOVE: "Remove…", BLOCK: "Block requester…", DISMISS: "Dismiss"}
_REASON_SHOWN: Final = 150


def report_text(job: Job, outlook: Outlook) -> str:
    """How often, the newest reasons with who gave them, and what came of it."""
    reported = outlook.reported or Reported()
    members = "1 member finds" if reported.count == 1 else f"{reported.count:,} members find"
    link = link_of(job, outlook)
    more = reported.count - len(reported.newest)
    return "\n".join(
        (
            f"🚩 **{members}** that a video should go: job {job.id} of "
            f"<@{job.requester.user_id}>, /{job.recipe.verb} {shown_prompt(job, 150)}",
            *([link] if link else []),
            *map(_line, reported.newest),
            *([f"-# … and {more:,} before"] if more > 0 else []),
            *_standing(job, reported),
            signature(job.id).lstrip("\n"),
        )
    )


def signature(job_id: int) -> str:
    """How the text of a report ends, and no other's."""
    return f"\n-# Report · job {job_id}"


def _line(report: Report) -> str:
    said = code(report.reason, _REASON_SHOWN) if report.reason else "gave no reason"
    return f"- <@{report.user_id}> {when(report.at)}: {said}"


def _standing(job: Job, reported: Reported) -> list[str]:
    """What moderators have done about it."""
    removal = job.removal
    if removal is not None and removal.actor_id == job.requester.user_id:
        return ["🗑️ **Deleted** by whoever asked for it"]
    if removal is not None:
        why = f": {code(removal.reason, _REASON_SHOWN)}" if removal.reason else ""
        return [f"🗑️ **Removed** by <@{removal.actor_id}>{why}"]
    if reported.dismissed_at is None:
        return []
    by = f"<@{reported.dismissed_by}> {when(reported.dismissed_at)}"
    if reported.open:
        return [f"-# Dismissed before, by {by}"]
    return [f"✅ **Dismissed** by {by}"]


def view_of(job: Job, outlook: Outlook) -> discord.ui.View | None:
    """The buttons, as long as there is something to do."""
    if outlook.reported is None or not outlook.reported.waits(job):
        return None
    view = discord.ui.View(timeout=None)
    for what in _LABELS:
        view.add_item(ReportButton(job.id, what))
    return view


class ReportButton(discord.ui.DynamicItem[_Button], template=ids.one_of(REMOVE, BLOCK, DISMISS)):
    """Acts on a reported video, or asks for more first; for whoever may moderate when it is
    pressed.
    """

    def __init__(self, job_id: int, what: str) -> None:
        danger = what == REMOVE
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
        """Dismiss it, or open the form."""
        await acting(interaction, self._act(interaction))

    async def _act(self, interaction: Interaction) -> None:
        by, moderation = await moderator(interaction), services_of(interaction).moderation
        if self.what == DISMISS:
            await tell(interaction, await moderation.reported.dismiss(by, self.job_id))
        elif self.what == REMOVE:
            await moderation.removals.removable(by, self.job_id)  # or one would type in vain
            await open_form(interaction, RemoveForm(self.job_id))
        else:
            await moderation.reported.requester(by, self.job_id)
            await open_form(interaction, BlockForm(self.job_id))


class BlockForm:
    """Why, and for how long, whoever asked for a reported video is blocked."""

    template: ClassVar[re.Pattern[str]] = ids.template(BLOCK)
    fields: Sequence[Field] = (REASON, HOURS)

    def __init__(self, job_id: int) -> None:
        self.job_id = job_id
        self.custom_id = ids.build(job_id, BLOCK)
        self.title = f"Block the member of job {job_id}"

    @classmethod
    def of(cls, match: re.Match[str]) -> Self:
        """The form about the job that its id names."""
        return cls(int(match["id"]))

    async def submitted(self, interaction: Interaction, typed: Mapping[str, str]) -> None:
        """Block them."""
        by, moderation = await moderator(interaction), services_of(interaction).moderation
        member = await moderation.reported.requester(by, self.job_id)
        until = hours(typed.get("hours", ""))
        entry = await moderation.governing.block(by, member, typed.get("reason"), until)
        await tell(interaction, entry)


FORMS: tuple[type[Form], ...] = (RemoveForm, BlockForm)
"""``bot.client`` listens for them."""
