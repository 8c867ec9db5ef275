"""The "no" of a trace, in words for the person who asked: which rule, and when it changes."""

from __future__ import annotations

from typing import Final

from bot.errors import NotAllowed, QuotaExceeded, TooManyJobs, UserError
from bot.rules.quoting import code
from bot.rules.trace import Line, Measure, Rule, Source, Trace

LONGEST_SHOWN: Final = 300
"""Characters of what a person wrote, in a refusal."""

_STOPS: Final = {
    Rule.OPERATOR_PAUSE: "The bot takes no new videos now.",
    Rule.SERVER_PAUSE: "This server takes no new videos now.",
    Rule.BLOCKED: "You may not ask for videos in this server.",
}

_WHOSE: Final = {
    Rule.MEMBER_LIMIT: "You have used",
    Rule.CHANNEL_LIMIT: "In this channel, members have used",
    Rule.SERVER_BUDGET: "This server has used",
    Rule.OPERATOR_CEILING: "All servers of this bot together have used",
}


def refusal(trace: Trace) -> UserError:
    """The error for a trace that refuses. Raises ``ValueError`` for one that does not."""
    line = trace.decided
    if line is None:
        raise ValueError("nothing refuses this order")
    measure = line.measure
    if measure is None:
        return NotAllowed(line.rule, f"{_why(line)}{_when(trace, line)}")
    if measure.window_ms is None:
        return TooManyJobs(_too_many(line, measure))
    whose = _WHOSE[line.rule]
    price = f" This video costs {measure.cost}." if measure.cost > 1 else ""
    when = _when(trace, line) or " Ask a moderator."
    return QuotaExceeded(
        measure.used,
        measure.limit,
        trace.opens_at,
        f"{whose} {measure.used} of {measure.limit} credits of the last "
        f"{hours(measure.window_ms)}.{price}{when} You were not charged for this.",
    )


def hours(window_ms: int) -> str:
    """A window in words, as they follow "of the last"."""
    number = window_ms / 3_600_000
    return "hour" if number == 1 else f"{number:g} hours"


def _when(trace: Trace, line: Line) -> str:
    opens = trace.opens_at
    if opens is None:
        return ""
    again = "Your next credit frees" if _is_next_credit(line, opens) else "You can ask again"
    return f" {again} <t:{-(-opens // 1000)}:R>."


def _is_next_credit(line: Line, opens: int) -> bool:
    own = line.rule is Rule.MEMBER_LIMIT and line.changes_at == opens
    return own and line.measure is not None and line.measure.cost == 1


def _too_many(line: Line, measure: Measure) -> str:
    if line.rule is Rule.CHANNEL_LIMIT:
        return (
            f"In this channel {_videos(measure.used)} {_are(measure.used)} unfinished, and it "
            f"takes {measure.limit} at once. Wait for one, or ask in another channel."
        )
    allows = "you" if measure.source is Source.MEMBER else "this server"
    return (
        f"You have {measure.used} unfinished {'video' if measure.used == 1 else 'videos'}, and "
        f"{'may have' if allows == 'you' else 'this server allows'} {measure.limit} at once. "
        "Wait for one, or cancel one with `/jobs`."
    )


def _videos(count: int) -> str:
    return f"{count} video" if count == 1 else f"{count} videos"


def _are(count: int) -> str:
    return "is" if count == 1 else "are"


def _why(line: Line) -> str:
    match line.rule:
        case Rule.OPERATOR_PAUSE | Rule.SERVER_PAUSE | Rule.BLOCKED:
            reason = f" Reason: {code(line.reason, LONGEST_SHOWN)}." if line.reason else ""
            return f"{_STOPS[line.rule]}{reason}"
        case Rule.BARRED_ROLE:
            return f"Members with the role <@&{line.subject_id}> may not ask for videos here."
        case Rule.REQUIRED_ROLE:
            return "You need another role to ask for videos in this server."
        case Rule.NEWCOMER:
            return "New members of this server have to wait before they may ask for videos."
        case Rule.CHANNEL:
            return "Videos may not be asked for in this channel. Try another one."
        case Rule.AGE:
            return "The age restriction of this channel does not allow videos here."
        case _:
            phrase = code(line.reason or "", LONGEST_SHOWN)
            return f"This server does not allow {phrase} in what you ask for."
