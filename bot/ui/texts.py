"""Longer answers, as plain text."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bot.model import Job
from bot.rules.quota import Ruling
from bot.ui.cards import code, status_line, when
from bot.workflow.delivery.messenger import Outlook
from bot.workflow.members import Account

NO_JOBS = "You have no unfinished videos here."
_MESSAGE_LIMIT = 2000


def account_text(account: Account) -> str:
    """What a member has left, which rule says so, and when that changes."""
    verdict = account.verdict
    quota, usage = verdict.quota, verdict.usage
    hours = quota.window_ms / 3_600_000
    span = "hour" if hours == 1 else f"{hours:g} hours"
    lines = [
        f"You have **{verdict.left} of {quota.credits}** credits left for the last {span}; "
        "a video costs 1.",
        f"Unfinished videos: {usage.unfinished} of {quota.concurrent} at once.",
    ]
    if account.frees_at is not None and usage.used:
        lines.append(f"The next credit frees {when(account.frees_at)}.")
    match verdict.ruling:
        case Ruling.UNFINISHED:
            lines.append("Now the number of unfinished videos decides: wait for one, or cancel it.")
        case Ruling.MEMBER_LIMIT:
            lines.append("Now the limit for every member of this server decides.")
        case Ruling.ALLOWED:
            lines.append("You can ask for a video now.")
    return "\n".join(lines)


def jobs_text(jobs: Sequence[tuple[Job, Outlook]]) -> str:
    """A line or two for each job, as many as one message holds."""
    text = ""
    for index, (job, outlook) in enumerate(jobs):
        block = (
            f"**Job {job.id}** /{job.recipe.verb} {code(job.recipe.prompt, 80)}\n"
            f"-# {status_line(job, outlook)}\n"
        )
        if len(text) + len(block) > _MESSAGE_LIMIT - 40:
            return f"{text}… and {len(jobs) - index} more"
        text += block
    return text


def help_text(mention: Callable[[str], str], account: Account) -> str:
    """What the bot does, with a mention of each command to click on."""
    return "\n".join(
        (
            "I make short videos with Pika and post them where you ask.",
            "",
            f"{mention('create')} makes a video from words, and a picture if you like.",
            f"{mention('animate')} brings a picture to life.",
            f"{mention('encrypt_text')} hides a short text in a video.",
            f"{mention('encrypt_image')} hides a picture in a video.",
            "",
            f"{mention('jobs')} shows your unfinished videos; you can cancel them there.",
            f"{mention('quota')} shows what you have left: now "
            f"{account.verdict.left} of {account.verdict.quota.credits}.",
            "",
            "A video takes a few minutes. If none comes of it, you are not charged.",
        )
    )
