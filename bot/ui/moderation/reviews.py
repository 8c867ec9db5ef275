"""Deciding about a video under its message: buttons and forms that answer after any restart."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final, Self

import discord

from bot.ui.base import Interaction, acting, answer, services_of
from bot.ui.forms import Field, Form, open_form
from bot.ui.moderation.access import moderator
from bot.ui.moderation.asking import HOURS, REASON, hours
from bot.ui.moderation.changes import NOTHING_CHANGED, change
from bot.ui.moderation.replies import tell
from bot.workflow.moderation import Reviews

_Button = discord.ui.Button[Any]

APPROVE, REJECT, BLOCK = "approve", "reject", "block"

_LABELS: Final = {APPROVE: "Approve", REJECT: "Reject…", BLOCK: "Block…"}
_STYLES: Final = {
    APPROVE: discord.ButtonStyle.success,
    REJECT: discord.ButtonStyle.danger,
    BLOCK: discord.ButtonStyle.secondary,
}
_JOB: Final = r"review:(?P<id>[1-9][0-9]{0,17})"


def _id(job_id: int, what: str) -> str:
    return f"review:{job_id}:{what}"


def view_of(job_id: int) -> discord.ui.View:
    """The buttons of a video that waits."""
    view = discord.ui.View(timeout=None)
    for what in _LABELS:
        view.add_item(ReviewButton(job_id, what))
    return view


class ReviewButton(
    discord.ui.DynamicItem[_Button], template=re.compile(rf"{_JOB}:(?P<what>{'|'.join(_LABELS)})")
):
    """Decides, or asks for more first; for whoever may moderate when it is pressed."""

    def __init__(self, job_id: int, what: str) -> None:
        super().__init__(
            discord.ui.Button(label=_LABELS[what], style=_STYLES[what], custom_id=_id(job_id, what))
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
        """Approve, or open the form."""
        await acting(interaction, self._act(interaction))

    async def _act(self, interaction: Interaction) -> None:
        by, reviews = await moderator(interaction), _reviews(interaction)
        if self.what == APPROVE:
            entry = await reviews.approve(by, self.job_id)
            await tell(interaction, entry, "\nIt is being posted where it was asked for.")
            return
        await reviews.check(by, self.job_id)  # before somebody types in vain
        form: Form = RejectForm(self.job_id) if self.what == REJECT else BlockForm(self.job_id)
        await open_form(interaction, form)


class _ReviewForm:
    """What both forms share: the job that they are about."""

    what: ClassVar[str]
    asks: ClassVar[str]

    def __init__(self, job_id: int) -> None:
        self.job_id = job_id
        self.custom_id = _id(job_id, self.what)
        self.title = f"{self.asks} of job {job_id}"

    @classmethod
    def of(cls, match: re.Match[str]) -> Self:
        """The form about the job that its id names."""
        return cls(int(match["id"]))


class RejectForm(_ReviewForm):
    """Why a video is not posted."""

    what = REJECT
    asks = "Reject the video"
    template: ClassVar[re.Pattern[str]] = re.compile(rf"{_JOB}:{REJECT}")
    fields: Sequence[Field] = (REASON,)

    async def submitted(self, interaction: Interaction, typed: Mapping[str, str]) -> None:
        """Reject it."""
        by = await moderator(interaction)
        entry = await _reviews(interaction).reject(by, self.job_id, typed.get("reason"))
        await tell(interaction, entry, _MEMBER_IS_TOLD)


class BlockForm(_ReviewForm):
    """Why, and for how long, a member is blocked whose video is not posted."""

    what = BLOCK
    asks = "Block the member"
    template: ClassVar[re.Pattern[str]] = re.compile(rf"{_JOB}:{BLOCK}")
    fields: Sequence[Field] = (REASON, HOURS)

    async def submitted(self, interaction: Interaction, typed: Mapping[str, str]) -> None:
        """Block the member and reject the video, or neither."""
        by = await moderator(interaction)
        until = hours(typed.get("hours", ""))
        done = await _reviews(interaction).block(by, self.job_id, typed.get("reason"), until)
        default = services_of(interaction).moderation.governing.default
        block = NOTHING_CHANGED if done.block is None else change(done.block, default)
        await answer(interaction, f"{change(done.review, default)}\n{block}{_MEMBER_IS_TOLD}")


FORMS: tuple[type[Form], ...] = (RejectForm, BlockForm)
"""Every form of reviews; ``bot.client`` listens for them."""

_MEMBER_IS_TOLD: Final = "\nThe member is told. The credit stays spent, as Pika made the video."


def _reviews(interaction: Interaction) -> Reviews:
    return services_of(interaction).moderation.reviews
