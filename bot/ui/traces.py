"""A decision in words: every rule that was tested, what decides, and when that changes."""

from __future__ import annotations

from typing import Final

from bot.rules.refusal import hours
from bot.rules.strikes import StrikeCount
from bot.rules.trace import Line, Measure, Outcome, Rule, Source, Trace
from bot.ui.cards import code, when
from bot.ui.moderation.values import hours as length

_NAMES: Final = {
    Rule.OPERATOR_PAUSE: "Pause by the bot's operator",
    Rule.SERVER_PAUSE: "Pause of this server",
    Rule.BLOCKED: "Block",
    Rule.BARRED_ROLE: "Barred roles",
    Rule.REQUIRED_ROLE: "Required roles",
    Rule.NEWCOMER: "Wait for new members",
    Rule.CHANNEL: "Allowed channels",
    Rule.AGE: "Age restriction",
    Rule.WORDS: "Blocked words",
    Rule.UNFINISHED: "Unfinished videos",
    Rule.MEMBER_LIMIT: "Own limit",
    Rule.CHANNEL_LIMIT: "Limit of this channel",
    Rule.SERVER_BUDGET: "Budget of this server",
    Rule.OPERATOR_CEILING: "Ceiling of all servers",
}

_SIGNS: Final = {Outcome.PASSES: "✅", Outcome.REFUSES: "⛔"}
_REASON: Final = 150
"""Characters of a reason that are shown."""


def trace_text(trace: Trace, *, who: str = "You") -> str:
    """All of ``trace``: below 2,000 characters. ``who`` is the member as a sentence begins."""
    tested = [line for line in trace.lines if line.outcome is not Outcome.DOES_NOT_APPLY]
    unset = [
        _NAMES[line.rule]
        for line in trace.lines
        if line.outcome is Outcome.DOES_NOT_APPLY and line.rule is not Rule.WORDS
    ]
    lines = [verdict_text(trace, who=who), ""]
    lines += [_line(line, decides=line is trace.decided) for line in tested]
    if unset:
        lines.append(f"-# Nothing set: {', '.join(unset)}.")
    if trace.of(Rule.WORDS).outcome is Outcome.DOES_NOT_APPLY:
        lines.append("-# What is asked for is held against the blocked words each time.")
    return "\n".join(lines)


def strikes_text(strikes: StrikeCount) -> str:
    """How many strikes a member has, and what comes of them. No rule refuses for them: a block
    does.
    """
    rule = strikes.rule
    return (
        f"-# Prompts that Pika's moderation refused in the last {hours(rule.window_ms)}: "
        f"{strikes.count}. {rule.count} of them block for {length(rule.block_ms)}."
    )


def verdict_text(trace: Trace, *, who: str = "You") -> str:
    """Whether one more is allowed; if not, which rule decides, and when that changes."""
    line = trace.decided
    if line is None:
        return f"{who} can ask for a video now."
    opens = trace.opens_at
    if line.rule is Rule.UNFINISHED:
        change = "That ends when one of them is done or cancelled."
    elif opens is None:
        change = "Waiting alone does not change that."
    else:
        change = f"That ends {_soon(opens)}."
    return f"{who} cannot ask for a video now: **{decider_text(line)}** decides. {change}"


def decider_text(line: Line) -> str:
    """The rule of a line, with where its limit was set."""
    name = _NAMES[line.rule].lower()
    if line.measure is None:
        return name
    match line.measure.source:
        case Source.MEMBER:
            return f"{name} (set for this member)"
        case Source.ROLE:
            return f"{name} (of the role <@&{line.subject_id}>)"
        case Source.DEFAULT:
            return f"{name} (that of every member)"
        case _:
            return name


def _line(line: Line, *, decides: bool) -> str:
    text = f"{_SIGNS[line.outcome]} **{_NAMES[line.rule]}**"
    if line.measure is not None:
        text += f": {_numbers(line, line.measure)}"
    elif line.subject_id is not None:
        text += f": {_subject(line)}"
    if line.reason:
        text += f" · {code(line.reason, _REASON)}"
    if line.changes_at is not None:
        text += f" · until {_soon(line.changes_at)}"
    return f"{text} ← decides" if decides else text


def _numbers(line: Line, measure: Measure) -> str:
    if measure.window_ms is None:
        text = f"{measure.used} of {measure.limit} at once"
    else:
        span = hours(measure.window_ms)
        text = f"{measure.used} of {measure.limit} credits used in the last {span}"
    if measure.granted:
        text += f", {measure.granted} of them granted"
    match measure.source:
        case Source.MEMBER:
            return f"{text} (set for this member)"
        case Source.ROLE:
            return f"{text} (role <@&{line.subject_id}>)"
        case Source.DEFAULT:
            return f"{text} (every member's)"
        case _:
            return text


def _subject(line: Line) -> str:
    if line.rule in {Rule.BARRED_ROLE, Rule.REQUIRED_ROLE}:
        return f"<@&{line.subject_id}>"
    return f"<#{line.subject_id}>"


def _soon(at: int) -> str:
    """A moment, rounded up: a promise must not be early."""
    return when(at + 999)
