"""The sheets of the panel: what each asks for, what is set now, and how what was typed is set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from bot.errors import BadOption
from bot.model import Verb
from bot.rules.policy import Limit, Rate, Strikes
from bot.ui.moderation.panel.forms import Entries, Sent, Sheet, Typed, asked, number, whole
from bot.ui.moderation.panel.server import Server
from bot.workflow.moderation import Governing, Keep, Moderator, options
from bot.workflow.moderation.options import DAY_MS, HOUR_MS

_DAYS: Final = asked("days", "Days", "For how long after they joined; 0 for no waiting")


async def _save_newcomers(governing: Governing, by: Moderator, sent: Sent) -> Entries:
    if not sent.changed:
        return []
    span = options.new_for_ms(number(sent.text["days"], "Days"), "Days")
    return [await governing.gate(by, newcomer_ms=span)]


async def _save_newness(governing: Governing, by: Moderator, sent: Sent) -> Entries:
    if not sent.changed:
        return []
    span = options.new_for_ms(number(sent.text["days"], "Days"), "Days")
    return [
        await governing.choose(
            by, lambda now: replace(now, look_at=replace(now.look_at, newcomer_ms=span))
        )
    ]


async def _save_costs(governing: Governing, by: Moderator, sent: Sent) -> Entries:
    weights = {
        verb: options.weight(whole(sent.text[verb], f"/{verb}"), f"/{verb}")
        for verb in Verb
        if verb in sent.changed
    }
    return [await governing.weights(by, weights)]


_STRIKE_LABELS: Final = ("Refused prompts", "Within hours", "Blocked for hours")


async def _save_strikes(governing: Governing, by: Moderator, sent: Sent) -> Entries:
    text = sent.text
    count, within, blocked = _STRIKE_LABELS
    rule = options.strikes(
        whole(text["count"], count),
        number(text["within"], within),
        number(text["blocked"], blocked),
        _STRIKE_LABELS,
    )

    def change(now: Strikes | None) -> Strikes:
        before = now or rule
        return Strikes(
            rule.count if "count" in sent.changed else before.count,
            rule.window_ms if "within" in sent.changed else before.window_ms,
            rule.block_ms if "blocked" in sent.changed else before.block_ms,
        )

    return [await governing.choose(by, lambda now: replace(now, strikes=change(now.strikes)))]


async def _save_retention(governing: Governing, by: Moderator, sent: Sent) -> Entries:
    if not sent.changed:
        return []
    span = options.kept_for_ms(number(sent.text["days"], "Days"), "Days")
    return [await governing.choose(by, lambda now: replace(now, retention_ms=span))]


_LIMIT_LABELS: Final = (
    "Credits of each member",
    "In how many hours",
    "Unfinished videos at once",
    "Credits of the whole server",
    "In how many hours, the whole server",
)


async def _save_limits(governing: Governing, by: Moderator, sent: Sent) -> Entries:
    """Credits and the hours in which they may be used are one thing."""
    each, hours, at_once, _, _ = _LIMIT_LABELS
    text, rate, concurrent = sent.text, None, None
    if not sent.changed.isdisjoint({"credits", "hours"}):
        rate = Rate(
            options.amount(whole(text["credits"], each), least=0, name=each) or 0,
            options.hours_ms(number(text["hours"], hours), hours) or 0,
        )
    if "concurrent" in sent.changed:
        concurrent = options.at_once(whole(text["concurrent"], at_once), at_once)
    other = not sent.changed.isdisjoint({"budget", "budget_hours"})
    budget = _budget(text) if other else Keep.KEEP
    return await governing.change_limits(by, Limit(rate, concurrent), budget)


def _budget(text: Typed) -> Rate | None:
    """The budget that was typed. Raises ``BadOption``."""
    *_, together, together_hours = _LIMIT_LABELS
    if text["budget"].strip() or text["budget_hours"].strip():
        if not (text["budget"].strip() and text["budget_hours"].strip()):
            raise BadOption(
                together,
                f"A budget is credits in so many hours: fill in both `{together}` and "
                f"`{together_hours}`, or neither for no budget.",
            )
        return Rate(
            options.amount(whole(text["budget"], together), least=0, name=together) or 0,
            options.hours_ms(number(text["budget_hours"], together_hours), together_hours) or 0,
        )
    return None


def _strikes_now(server: Server) -> Sequence[float | None]:
    rule = server.standing.choices.strikes
    if rule is None:
        return (3, 24, 24)
    return (rule.count, rule.window_ms / HOUR_MS, rule.block_ms / HOUR_MS)


def _retention_now(server: Server) -> Sequence[float | None]:
    kept = server.standing.choices.retention_ms
    return (None if kept is None else kept / DAY_MS,)


def _limits_now(server: Server) -> Sequence[float | None]:
    everyone, budget = server.standing.policy.default, server.standing.policy.budget
    return (
        everyone.credits,
        everyone.window_ms / HOUR_MS,
        everyone.concurrent,
        None if budget is None else budget.credits,
        None if budget is None else budget.window_ms / HOUR_MS,
    )


SHEETS: Final[Mapping[str, Sheet]] = MappingProxyType(
    {
        "newcomers": Sheet(
            "Time in the server before asking",
            (_DAYS,),
            lambda server: (server.standing.policy.newcomer_ms / DAY_MS,),
            _save_newcomers,
        ),
        "newness": Sheet(
            "How long members are new",
            (asked("days", "Days", "After they joined; 0 to look at no video for that"),),
            lambda server: (server.standing.choices.look_at.newcomer_ms / DAY_MS,),
            _save_newness,
        ),
        "costs": Sheet(
            "What commands cost",
            tuple(
                asked(verb, f"/{verb}", "Multiplies what a video costs: a whole number from 1")
                for verb in Verb
            ),
            lambda server: [server.standing.policy.weights.get(verb, 1) for verb in Verb],
            _save_costs,
        ),
        "strikes": Sheet(
            "Strikes",
            (
                asked("count", _STRIKE_LABELS[0], "Prompts that Pika’s moderation refused"),
                asked("within", _STRIKE_LABELS[1], "In how many hours they count together"),
                asked("blocked", _STRIKE_LABELS[2], "For how long the member may not ask then"),
            ),
            _strikes_now,
            _save_strikes,
        ),
        "retention": Sheet(
            "Words and pictures of finished videos",
            (asked("days", "Days", "For how long they are kept after a video is finished"),),
            _retention_now,
            _save_retention,
        ),
        "limits": Sheet(
            "What everybody may use",
            (
                asked("credits", _LIMIT_LABELS[0], "A video from words costs one"),
                asked("hours", _LIMIT_LABELS[1], "Counted back from each request"),
                asked("concurrent", _LIMIT_LABELS[2], "Of one member"),
                asked("budget", _LIMIT_LABELS[3], "Together; empty for no budget", required=False),
                asked("budget_hours", _LIMIT_LABELS[4], "Empty for no budget", required=False),
            ),
            _limits_now,
            _save_limits,
        ),
    }
)  # fmt: skip
