"""The server's queue, block list and usage, as plain text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from bot.model import Job
from bot.rules.words import Match, Rejected
from bot.ui.cards import code, status_line
from bot.ui.moderation.values import credits_
from bot.workflow.delivery.messenger import Outlook
from bot.workflow.members import Cancelled
from bot.workflow.moderation import UsageReport

MESSAGE_LIMIT: Final = 2000
_ROOM: Final = MESSAGE_LIMIT - 60  # for "… and so many more"
_TOP: Final = 10
_MATCHES: Final = 5
_REJECTED: Final = 5


def queue_text(jobs: Sequence[tuple[Job, Outlook]]) -> str:
    """A line or two for each unfinished job of the server, as many as one message holds."""
    if not jobs:
        return "No videos are unfinished in this server."
    text = f"**{so_many(len(jobs), 'unfinished video')}** in this server:\n"
    for index, (job, outlook) in enumerate(jobs):
        block = (
            f"**Job {job.id}** <@{job.requester.user_id}> /{job.recipe.verb} "
            f"{code(job.recipe.prompt, 80)}\n-# {status_line(job, outlook)}\n"
        )
        if len(text) + len(block) > _ROOM:
            return f"{text}… and {len(jobs) - index:,} more"
        text += block
    return text


def list_text(phrases: Sequence[str]) -> str:
    """The block list, as much of it as one message holds."""
    if not phrases:
        return "No words are blocked in this server. `/moderate words add` blocks some."
    text = f"**{so_many(len(phrases), 'blocked phrase')}**: "
    for index, phrase in enumerate(phrases):
        piece = f"{', ' if index else ''}{code(phrase, 100)}"
        if len(text) + len(piece) > _ROOM - 60:
            more = len(phrases) - index
            return f"{text} … and {more:,} more; `/moderate words export` has them all"
        text += piece
    return text


def test_text(matches: Sequence[Match]) -> str:
    """What the block list found in a text."""
    if not matches:
        return "Nothing in this text is blocked."
    lines = [f"- {_harmless(match.why)}" for match in matches[:_MATCHES]]
    if len(matches) > _MATCHES:
        lines.append(f"- … and {len(matches) - _MATCHES} more")
    return "This text would be refused:\n" + "\n".join(lines)


def rejected_text(rejected: Sequence[Rejected]) -> str:
    """Lines of a file that cannot be used; empty where there are none."""
    if not rejected:
        return ""
    lines = [
        f"- line {one.number} {code(one.line, 40)}: {_harmless(one.why, 160)}"
        for one in rejected[:_REJECTED]
    ]
    if len(rejected) > _REJECTED:
        lines.append(f"- … and {len(rejected) - _REJECTED:,} more")
    return f"\n{so_many(len(rejected), 'line')} could not be used:\n" + "\n".join(lines)


def usage_text(report: UsageReport) -> str:
    """Totals, outcomes and who used most."""
    days = len(report.days)
    lines = [
        f"**{'Today' if days == 1 else f'The last {days} days'}** (UTC): "
        f"**{credits_(report.credits)}** by {so_many(len(report.members), 'member')}.",
        f"{so_many(report.delivered, 'video')} posted, {report.failed:,} failed, "
        f"{report.cancelled:,} cancelled; what failed was not charged.",
    ]
    if report.members:
        lines.append("Most credits:")
    lines += [
        f"{place}. <@{one.user_id}>: {credits_(one.credits)} for {so_many(one.videos, 'video')}"
        for place, one in enumerate(report.members[:_TOP], start=1)
    ]
    return "\n".join(lines)


def so_many(number: int, what: str) -> str:
    """So many of something."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _harmless(text: str, most: int = 300) -> str:
    """A sentence with somebody's words in it, in which no markup works."""
    return code(text, most)


def cancelled_text(job: Job, came_of_it: Cancelled) -> str:
    """What came of a moderator's wish to cancel a job."""
    whose = f"Job {job.id} of <@{job.requester.user_id}>"
    if came_of_it is Cancelled.RELEASED:
        return f"{whose}: in the queue → cancelled. Nothing was charged; its card says so."
    return (
        f"{whose} may be in work at Pika already; I have asked Pika to stop. If it stops, nothing "
        "is charged. If it is done first, the video is thrown away and charged."
    )
