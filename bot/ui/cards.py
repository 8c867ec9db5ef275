"""What is said about a job, as plain text and numbers: no discord objects, no clock.

Prompts are shown in inline code: there no markdown, mention, link or invite works.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import IntEnum

from bot.model import LATE, REJECTED, VIDEO_HERE, Hold, Job, JobState, Place, Removal
from bot.rules.quoting import code as code  # noqa: PLC0414 - the ui knows it from here
from bot.workflow.delivery.messenger import OPEN_TO_ALL, Outlook
from bot.workflow.pauses import Held

PROMPT_SHOWN = 300
REASON_SHOWN = 200


class Colour(IntEnum):
    """The bar beside a card."""

    WAITING = 0xFEE75C
    WORKING = 0x5865F2
    DONE = 0x57F287
    FAILED = 0xED4245
    OFF = 0x99AAB5


@dataclass(frozen=True, slots=True)
class Card:
    """A card about one job."""

    job_id: int
    title: str
    text: str
    colour: Colour
    can_cancel: bool
    link: str | None = None


def card(job: Job, outlook: Outlook) -> Card:
    """The card for a job as it is now."""
    status, colour = _status(job, outlook)
    return Card(
        job_id=job.id,
        title=f"/{job.recipe.verb}",
        text=f"{shown_prompt(job)}\n{status}",
        colour=colour,
        can_cancel=job.finished_at is None
        and job.state not in VIDEO_HERE
        and job.cancel_asked_at is None,
        link=link_of(job, outlook),
    )


def footer(job_id: int) -> str:
    """The line under a card; it also tells the bot its own cards apart."""
    return f"Job {job_id}"


def shown_prompt(job: Job, most: int = PROMPT_SHOWN) -> str:
    """What was asked for, harmless and short."""
    recipe = job.recipe
    text = code(recipe.prompt, most) if recipe.prompt else "*no prompt*"
    if recipe.message:
        font = f" in {recipe.font}" if recipe.font else ""
        text = f"{text} hiding {code(recipe.message, most)}{font}"
    return text


def status_line(job: Job, outlook: Outlook) -> str:
    """The state of a job in one line."""
    return _status(job, outlook)[0]


def _status(job: Job, outlook: Outlook) -> tuple[str, Colour]:
    ready = f" · ready {when(outlook.ready_at)}" if outlook.ready_at else ""
    if job.removal is not None:
        return _removed(job, job.removal), Colour.OFF
    if job.cancel_asked_at is not None and job.finished_at is None:
        why = ", as a moderator wants" if job.cancel_asked_by is not None else ""
        return f"🛑 Asking Pika to stop{why}", Colour.OFF
    match job.state:
        case JobState.QUEUED:
            return _waiting(outlook, ready), Colour.WAITING
        case JobState.SUBMITTING | JobState.RENDERING:
            percent = f" · {job.percent} %" if job.percent else ""
            return f"🎬 Pika is making it{percent}{ready}", Colour.WORKING
        case JobState.IN_DOUBT:
            return "🔎 Pika gave no clear answer; checking with it", Colour.WORKING
        case JobState.REVIEWING:
            return "👀 The video is here and waits for a moderator to look at it", Colour.WAITING
        case JobState.DELIVERING if outlook.result and outlook.result.fit:
            size = f"{outlook.result.fit / 1024 / 1024:.3g} MiB"
            done = f" · {outlook.encoded} %" if outlook.encoded else ""
            text = (
                f"The video is too large for this server: it is made smaller, to fit {size}{done}"
            )
            return f"🗜️ {text}", Colour.WORKING
        case JobState.DELIVERING if outlook.result and outlook.result.fit == 0:
            return "📦 The video is too large for this server: its link is posted", Colour.WORKING
        case JobState.DELIVERING:
            return "📦 The video is here and is being posted", Colour.WORKING
        case JobState.DELIVERED:
            return f"✅ Done{_whereabouts(outlook)}", Colour.DONE
        case JobState.CANCELLED:
            by = " by a moderator" if job.cancel_asked_by is not None else ""
            return f"🚫 Cancelled{by} · {charge(job)}", Colour.OFF
        case _:
            return f"❌ {reason(job)} · {charge(job)}", Colour.FAILED


def _removed(job: Job, removal: Removal) -> str:
    own = removal.actor_id == job.requester.user_id
    what = "Deleted by whoever asked for it" if own else "Removed by a moderator"
    paid = "" if job.state is JobState.DELIVERED else f" · {charge(job)}"
    return f"🗑️ {what}{_because(removal.reason)}{paid}"


def _because(reason: str | None) -> str:
    return f", reason: {code(reason, REASON_SHOWN)}" if reason else ""


def _waiting(outlook: Outlook, ready: str) -> str:
    if outlook.held is not None:
        return _held(outlook.held)
    if outlook.place == 1:
        return f"⏳ **Next** in the queue{ready}"
    return f"⏳ {f'Place **{outlook.place}** in' if outlook.place else 'In'} the queue{ready}"


def _held(held: Held) -> str:
    who = "the bot's operator" if held.by_operator else "the moderators"
    pause = held.pause
    why = f": {code(pause.reason, 100)}" if pause.reason else ""
    until = f" · goes on {when(pause.until)}" if pause.until is not None else ""
    return f"⏸️ Paused by {who}{why}{until}"


def _whereabouts(outlook: Outlook) -> str:
    if outlook.result is None:
        return ""
    size = ""
    if outlook.result.fit is not None:
        size = " · made smaller to fit this server" if outlook.result.fit else " · posted as a link"
    place = {
        Place.CHOSEN: f" · posted in <#{outlook.result.channel_id}>",
        Place.HERE: "",
        Place.PARENT: " · posted in the channel above, as this thread did not take it",
        Place.DIRECT: " · sent as a direct message, as it could not be posted here",
    }[outlook.result.place]
    return size + place


def link_of(job: Job, outlook: Outlook) -> str | None:
    """Where the video is posted; ``None`` where it is not, or not any more."""
    result = outlook.result
    if job.state is not JobState.DELIVERED or job.removal is not None:
        return None
    if result is None or result.message_id is None:
        return None
    where = "@me" if result.place is Place.DIRECT else job.requester.guild_id
    return f"https://discord.com/channels/{where}/{result.channel_id}/{result.message_id}"


def when(at: int) -> str:
    """A moment, which Discord shows as a countdown."""
    return f"<t:{at // 1000}:R>"


def charge(job: Job) -> str:
    """Whether a job that is over without a video was charged."""
    if job.hold is Hold.CHARGED:
        return f"{credits_text(job.credits)} charged, as Pika made the video"
    return "you were not charged"


def credits_text(number: int) -> str:
    """So many credits with their verb, to be followed by what became of them."""
    return "1 credit was" if number == 1 else f"{number} credits were"


_REASONS = {
    "moderated": "Pika's moderation refused this prompt or picture",
    "bad_flag": "Pika does not know an option in the prompt",
    **dict.fromkeys(
        ("refused", "bad_request", "not_found", "too_large", "unprocessable"),
        "Pika refused the request",
    ),
    "failed": "Pika could not make this video",
    "no_video": "Pika finished without a video",
    "bad_video": "What Pika sent is not a usable video",
    "video_unreachable": "The finished video could not be fetched from Pika",
    "bad_picture": "The picture cannot be used",
    "stalled": "Pika made no progress for too long",
    "unknown": "Pika never said whether it took this job",
    "gone": "Pika no longer knows this job",
    "cancelled_at_pika": "The job was cancelled at Pika",
    "gave_up": "Pika did not take the job after many tries",
    "undeliverable": "The video could not be posted anywhere; it is kept",
    "lost": "I lost the finished video before I could post it, and Pika no longer has it",
    "removed": "The video was taken away before it was posted",
    "cancelled": "It was cancelled",
    "server_left": "It was cancelled, as I am no longer in that server",
    "finished_first": "It was cancelled, but Pika had finished it first",
}

_TELLS_DETAIL = frozenset(
    {"bad_flag", "bad_picture", "failed", "bad_video"}
    | {"refused", "bad_request", "not_found", "too_large", "unprocessable"}
)


def reason(job: Job) -> str:
    """Why there is no video, in words for the member."""
    if job.code == REJECTED:
        return _rejection(job)
    text = _REASONS.get(job.code or "", "The video could not be made")
    if job.detail and job.code in _TELLS_DETAIL:
        return f"{text}: {code(job.detail, 150)}"
    return text


def _rejection(job: Job) -> str:
    if job.review is not None and job.review.decided_by == 0:
        return f"The video was not posted, as {job.review.reason}"
    why = f": {code(job.detail, 200)}" if job.detail else ""
    return f"A moderator decided not to post the video{why}"


def result_text(
    job: Job, place: Place = Place.HERE, *, smaller: bool = False, refused: int | None = None
) -> str:
    """What stands beside the video; ``smaller`` says that it was encoded to fit, ``refused`` why
    another place did not take it before (Discord's code, or ours).
    """
    size = "\n-# Made smaller, as this server takes no files of its size." if smaller else ""
    return (
        f"<@{job.requester.user_id}> {shown_prompt(job, 200)}{_late(job)}{size}"
        f"{_why_here(job, place, refused)}{signature(job.id)}"
    )


def link_text(job: Job, place: Place, link: str | None, *, refused: int | None = None) -> str:
    """What is posted of a video that does not fit into any message here."""
    where = f"Pika keeps it for about a day: {link}" if link else "Pika no longer has a link to it."
    return (
        f"<@{job.requester.user_id}> {shown_prompt(job, 200)}\n"
        f"The video is too large for this server, and could not be made smaller. {where}"
        f"{_late(job)}{_why_here(job, place, refused)}{signature(job.id)}"
    )


def share_text(job: Job, outlook: Outlook, *, smaller: bool = False) -> str:
    """What stands beside a video that is shown once more; who made it is not woken."""
    size = "\n-# Made smaller, as this server takes no files of its size." if smaller else ""
    if outlook.link is not None:
        size = f"\nThe video is too large for a message; for about a day it is here: {outlook.link}"
    result = outlook.result
    back = None if result is None or result.place is Place.DIRECT else link_of(job, outlook)
    first = "" if back is None else f"\n-# First posted here: {back}"
    return (
        f"<@{job.requester.user_id}> made this with /{job.recipe.verb} {shown_prompt(job, 200)}"
        f"{size}{first}{share_signature(job.id)}"
    )


def share_signature(job_id: int) -> str:
    """How the text of a shared video ends, and no other's."""
    return f"\n-# Shared · job {job_id}"


def _late(job: Job) -> str:
    if job.code != LATE:
        return ""
    paid = job.hold is Hold.CHARGED
    credit = (
        f"{credits_text(job.credits)} charged" if paid else "It is free, as you have no credit left"
    )
    return f"\n-# This came after I had told you that there would be no video. {credit}."


def signature(job_id: int) -> str:
    """How the text of a job's result ends, and no other's."""
    return f"\n-# Job {job_id}"


def _why_here(job: Job, place: Place, refused: int | None) -> str:
    why = "is not age-restricted" if refused == OPEN_TO_ALL else "takes none from me"
    elsewhere = f"\n-# Posted here, as the channel chosen for videos {why}."
    return {
        Place.CHOSEN: f"\n-# Asked for in <#{job.requester.channel_id}>.",
        Place.HERE: "" if refused is None else elsewhere,
        Place.PARENT: "\n-# Posted here, as the thread no longer takes messages from me.",
        Place.DIRECT: "\n-# Sent here, as I can no longer post it in the server.",
    }[place]


def notice_text(job: Job) -> str:
    """What a member is told when there will be no video."""
    text = f"{_addressed(job)} {reason(job)}. {_sentence(charge(job))}"
    if job.blocked_until is None:
        return text
    return (
        f"{text} As that has now happened too often, you may not ask for videos in this server "
        f"until <t:{-(-job.blocked_until // 1000)}:f>."
    )


def notice_beginning(job: Job) -> str:
    """How that begins. That a video was rejected is another notice than one before, which may
    have said that there would be no video.
    """
    return f"{_addressed(job)} {_rejection(job)}." if job.code == REJECTED else _addressed(job)


def _addressed(job: Job) -> str:
    return f"<@{job.requester.user_id}> Job {job.id}:"


def removal_text(job: Job) -> str:
    """What a member is told whose video a moderator has taken away."""
    why = _because(job.removal.reason) if job.removal is not None else ""
    return f"{removal_marker(job)} by a moderator{why}."


def removal_marker(job: Job) -> str:
    """How the text begins that tells of a removal, and no other's."""
    return f"<@{job.requester.user_id}> The video of job {job.id} was removed"


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


def video_name(job: Job, suffix: str, marker: str) -> str:
    """The file name of a posted video: its marker, then some of the prompt's words."""
    prompt = _FLAGS.split(job.recipe.prompt.lower(), maxsplit=1)[0]
    words = "".join(c if c.isascii() and c.isalnum() else "-" for c in prompt)
    slug = "-".join(part for part in words.split("-") if part)[:40].rstrip("-")
    return f"{marker}{slug or job.recipe.verb}{suffix}"


_FLAGS = re.compile(r"(?:^|\s)-[a-z]+\s")


def video_marker(job_id: int) -> str:
    """How the name of a job's video begins, and no other's."""
    return f"pika-{job_id}-"


def review_marker(job_id: int) -> str:
    """The same for the video that moderators look at: it is not the result."""
    return f"review-{job_id}-"


def share_marker(job_id: int) -> str:
    """The same where the video is shown once more."""
    return f"shared-{job_id}-"
