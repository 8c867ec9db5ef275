"""The server's queue, list of words and usage, as plain text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from bot.model import DeliveryState, Job
from bot.rules.words import Listed, Match, Rejected, Then, by_kind
from bot.ui.cards import code, status_line, when
from bot.ui.moderation.held import refusal, waits
from bot.ui.moderation.values import credits_
from bot.workflow.delivery.messenger import Outlook
from bot.workflow.members import Cancelled
from bot.workflow.moderation import UsageReport

MESSAGE_LIMIT: Final = 2000
_ROOM: Final = MESSAGE_LIMIT - 60  # for "… and so many more"
NOT_HELD: Final = (
    "\n-# No video is held for such a phrase now: reviews of flagged requests are switched off."
)
"""Said of phrases that let a video be looked at, where nobody looks."""

STILL_HELD: Final = (
    "-# Reviews are switched off: new videos are posted at once, but these still wait for you.\n"
)

_MORE: Final = 80
"""Characters that say how many more there are, and where."""

_LEAST: Final = 500
"""Characters that phrases to look at get in any case."""

_TOP: Final = 10
_MATCHES: Final = 5
_REJECTED: Final = 5


def queue_text(jobs: Sequence[tuple[Job, Outlook]], *, holds: bool) -> str:
    """A line or two for each unfinished job of the server, as many as one message holds.
    ``holds`` says whether new videos are held for review.
    """
    if not jobs:
        return "No videos are unfinished in this server."
    waiting = sum(waits(job) for job, _ in jobs)
    held = f", **{waiting:,}** of them in review" if waiting else ""
    text = f"**{so_many(len(jobs), 'unfinished video')}** in this server{held}:\n"
    if waiting and not holds:
        text += STILL_HELD
    for index, (job, outlook) in enumerate(jobs):
        block = (
            f"**Job {job.id}** <@{job.requester.user_id}> /{job.recipe.verb} "
            f"{code(job.recipe.prompt, 80)}\n-# {_standing(job, outlook)}\n"
        )
        if len(text) + len(block) > _ROOM:
            return f"{text}… and {len(jobs) - index:,} more"
        text += block
    return text


def _standing(job: Job, outlook: Outlook) -> str:
    if job.review is None or not waits(job):
        return status_line(job, outlook)
    return f"👀 Waits for review since {when(job.review.asked_at)} · {_whereabouts(job, outlook)}"


def _whereabouts(job: Job, outlook: Outlook) -> str:
    """Where a video can be looked at, or why it cannot."""
    review = outlook.review
    if review is None:
        return "its message is not known"
    if review.message_id is not None:
        place = f"{job.requester.guild_id}/{review.channel_id}/{review.message_id}"
        return f"https://discord.com/channels/{place}"
    if review.code is None:
        return f"its message is being posted in <#{review.channel_id}>"
    lost = review.state is DeliveryState.UNDELIVERABLE
    rest = "choose another review channel, or open it to me" if lost else "it is tried again"
    return f"⚠️ not shown in <#{review.channel_id}>: {refusal(review.code)}; {rest}"


def list_text(entries: Sequence[Listed], *, held: bool) -> str:
    """The list, as much of it as one message holds. ``held`` says whether videos are held for
    the phrases that let them be looked at.
    """
    if not entries:
        return "No words are blocked in this server. `/moderate words add` blocks some."
    phrases = by_kind(entries)
    refuse, review = phrases[Then.REFUSE], phrases[Then.REVIEW]
    room, pieces = _ROOM - 60, []
    if refuse:
        most = room - (_LEAST if review else 0)
        pieces.append(_named(so_many(len(refuse), "blocked phrase"), refuse, most))
        room -= len(pieces[0])
    if review:
        what = f"{so_many(len(review), 'phrase')} to look at the video of"
        rest = "" if held else NOT_HELD
        pieces.append(_named(what, review, room - _MORE - len(rest)) + rest)
    return "\n".join(pieces)


def _named(what: str, phrases: Sequence[str], room: int) -> str:
    text = f"**{what}**: "
    for index, phrase in enumerate(phrases):
        piece = f"{', ' if index else ''}{code(phrase, 100)}"
        if len(text) + len(piece) > room:
            more = len(phrases) - index
            return f"{text} … and {more:,} more; `/moderate words export` has them all"
        text += piece
    return text


def test_text(matches: Sequence[Match], *, held: bool) -> str:
    """What the list found in a text, and what would become of a request with it."""
    if not matches:
        return "Nothing in this text is blocked."
    lines = [f"- {_harmless(match.why)}{_meant(match)}" for match in matches[:_MATCHES]]
    if len(matches) > _MATCHES:
        lines.append(f"- … and {len(matches) - _MATCHES} more")
    if any(match.then is Then.REFUSE for match in matches):
        return "This text would be refused:\n" + "\n".join(lines)
    return (
        "This text would be taken, and its video would wait for a moderator:\n"
        + "\n".join(lines)
        + ("" if held else NOT_HELD)
    )


def _meant(match: Match) -> str:
    return " · to look at" if match.then is Then.REVIEW else ""


def added_text(then: Then, *, held: bool) -> str:
    """What must be said of a phrase that was added; empty where there is nothing."""
    return NOT_HELD if then is Then.REVIEW and not held else ""


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
