"""What moderators read of a video that is looked at before it is posted, as plain text."""

from __future__ import annotations

from typing import Final

from bot.model import PROMPT_LIMIT, Delivery, Job, JobState, Mark, Review, Verdict
from bot.ui.cards import code, shown_prompt, when
from bot.workflow.delivery.messenger import Outlook

PROMPT_BESIDE_LINK: Final = 500
"""A link may be long. Elsewhere all of a prompt is shown: what is at its end is to be judged."""

REASON_SHOWN: Final = 200

WHY: Final = {
    Mark.NEWCOMER: "whoever asked is new here",
    Mark.FLAGGED: "the request has words of your list (`/moderate words test` says which)",
    Mark.ALL: "every video is looked at here",
}


def review_text(job: Job, delivery: Delivery, outlook: Outlook) -> str:
    """What stands beside the video: why it waits or what was decided, and what it is."""
    review = job.review
    assert review is not None
    if outlook.moved_to is not None:
        return f"↪️ The review of job {job.id} goes on in <#{outlook.moved_to}>."
    most = PROMPT_BESIDE_LINK if delivery.fit == 0 else PROMPT_LIMIT
    asked = (
        f"<@{job.requester.user_id}> in {_where(job, outlook)}: "
        f"`/{job.recipe.verb}` {shown_prompt(job, most)}"
    )
    said = (_standing(job, review), asked, _size(job, delivery, outlook))
    return "\n".join(filter(None, said)) + signature(delivery)


def signature(delivery: Delivery) -> str:
    """How the text of this message of a job's review ends, and of no other one."""
    again = f", message {delivery.round + 1}" if delivery.round else ""
    return f"\n-# Review of job {delivery.job_id}{again}"


def decision(review: Review) -> str:
    """What was decided, by whom and why."""
    if review.verdict is Verdict.APPROVED:
        return f"✅ **Approved** by <@{review.decided_by}> {when(review.decided_at or 0)}"
    reason = review.reason or ""
    if not review.decided_by:
        why = f", as {reason}" if reason else ""  # it may be erased by now
        return f"🚫 **Rejected** {when(review.decided_at or 0)}{why}"
    why = f": {code(reason, REASON_SHOWN)}" if reason else ""
    return f"🚫 **Rejected** by <@{review.decided_by}> {when(review.decided_at or 0)}{why}"


def refusal(code_: int) -> str:
    """What Discord's refusal of a review means, in words."""
    return {
        10003: "that channel is gone",
        50001: "I cannot see that channel",
        50013: "I may not post files there",
        40005: "the video is too large",
        0: "the video is gone from the disk",
    }.get(code_, f"Discord refuses it (code {code_})")


def waits(job: Job) -> bool:
    """Whether there is something to decide."""
    return job.state is JobState.REVIEWING


def _standing(job: Job, review: Review) -> str:
    if not waits(job):
        return decision(review)
    return f"👀 **Waits for review** since {when(review.asked_at)}: {WHY[review.why]}"


def _where(job: Job, outlook: Outlook) -> str:
    who, card = job.requester, outlook.card
    if card is None or card.message_id is None:
        return f"<#{who.channel_id}>"
    return f"https://discord.com/channels/{who.guild_id}/{card.channel_id}/{card.message_id}"


def _size(job: Job, delivery: Delivery, outlook: Outlook) -> str:
    if delivery.fit is None or not waits(job):
        return ""
    if delivery.fit:
        return "-# Made smaller, as this server takes no files of its size."
    link = f" Pika keeps it for about a day: {outlook.link}" if outlook.link else ""
    return f"It is too large for this server.{link}"
