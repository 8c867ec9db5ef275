"""Longer answers, as plain text."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from bot.model import Job
from bot.rules.refusal import hours
from bot.rules.trace import Measure, Trace
from bot.ui.cards import code, status_line, when
from bot.ui.traces import strikes_text, trace_text
from bot.workflow.decisions import Account
from bot.workflow.delivery.messenger import Outlook

NO_JOBS = "You have no unfinished videos here."
_MESSAGE_LIMIT = 2000


def account_text(account: Account) -> str:
    """What a member has left, which rule decides, and when that changes."""
    trace, tightest = account.trace, _tightest(account.trace)
    price = "1" if trace.cost == 1 else str(trace.cost)
    lines = [
        f"You have **{tightest.left} of {tightest.limit}** credits left for the last "
        f"{hours(tightest.window_ms or 0)}; a video costs {price}."
    ]
    if account.next_credit_at is not None:
        lines.append(f"Your next credit frees {when(account.next_credit_at + 999)}.")
    return "\n".join((*lines, trace_text(trace), *_strikes(account)))


def explained_text(account: Account, who: str) -> str:
    """Every rule that holds for a member, for a moderator."""
    return "\n".join((trace_text(account.trace, who=who), *_strikes(account)))


def _strikes(account: Account) -> Iterator[str]:
    if account.strikes is not None:
        yield strikes_text(account.strikes)


def _tightest(trace: Trace) -> Measure:
    """The limit of credits that leaves least, the member's own if it is one of several."""
    measures = (line.measure for line in trace.lines if line.measure is not None)
    return min((one for one in measures if one.window_ms is not None), key=lambda one: one.left)


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
    left = _tightest(account.trace)
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
            f"{mention('quota')} shows what you have left, which rule decides, and when that "
            f"changes: now {left.left} of {left.limit}.",
            "",
            "A video takes a few minutes. If none comes of it, you are not charged.",
        )
    )
