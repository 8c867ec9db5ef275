"""What servers set, each value in words: one wording for the panel, answers and the audit log."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final

from bot.model import Quota, Verb
from bot.rules.policy import AgeRule, Rate
from bot.workflow.moderation import Access
from bot.workflow.moderation.options import DAY_MS, HOUR_MS

State = Mapping[str, Any]
Words = tuple[str, str]
"""What a value is about, and the value."""

NAMED: Final = 5
"""Channels or roles of a list that are named before the rest is counted."""

ABOUT_ACCESS: Final = MappingProxyType(
    {
        Access.ALLOWED_CHANNEL: "Channels where videos may be asked for",
        Access.REQUIRED_ROLE: "Roles of which one is needed",
        Access.BARRED_ROLE: "Barred roles",
    }
)
_NO_ACCESS: Final = MappingProxyType(
    {
        Access.ALLOWED_CHANNEL: "all",
        Access.REQUIRED_ROLE: "none is needed",
        Access.BARRED_ROLE: "none",
    }
)

AGES: Final = MappingProxyType(
    {
        AgeRule.ANYWHERE: "like any other",
        AgeRule.ONLY_THERE: "nowhere else",
        AgeRule.NOT_THERE: "no videos there",
    }
)


def hours(window_ms: int) -> str:
    """A length of time, in hours as the options take it."""
    number = window_ms / HOUR_MS
    return "1 hour" if number == 1 else f"{number:.4g} hours"


def days(span_ms: int) -> str:
    """A length of time, in days as the forms take it."""
    number = span_ms / DAY_MS
    return "1 day" if number == 1 else f"{number:,.4g} days"


def credits_(number: int) -> str:
    """So many credits."""
    return "1 credit" if number == 1 else f"{number:,} credits"


def quota(everyone: Quota) -> str:
    """What every member may use."""
    return (
        f"{credits_(everyone.credits)} in {hours(everyone.window_ms)}, "
        f"{everyone.concurrent} unfinished at once"
    )


def rate(budget: Rate | None) -> str:
    """What the whole server may use."""
    return "none" if budget is None else f"{credits_(budget.credits)} in {hours(budget.window_ms)}"


def mention(kind: Access, id_: int) -> str:
    """A channel or a role, as Discord links to it."""
    return f"<#{id_}>" if kind is Access.ALLOWED_CHANNEL else f"<@&{id_}>"


def listed(kind: Access, ids: Collection[int]) -> str:
    """A list of channels or roles, the first of a long one by name."""
    if not ids:
        return _NO_ACCESS[kind]
    named = ", ".join(mention(kind, id_) for id_ in sorted(ids)[:NAMED])
    more = len(ids) - NAMED
    return f"{named} and {more} more" if more > 0 else named


def lists(kind: Access, before: Collection[int], after: Collection[int]) -> Words:
    """Two states of a list; of a long one what came and what went."""
    if max(len(before), len(after)) <= NAMED:
        return listed(kind, before), listed(kind, after)
    came, went = set(after) - set(before), set(before) - set(after)
    moved = [f"{listed(kind, came)} added"] if came else []
    moved += [f"{listed(kind, went)} taken off"] if went else []
    old, new = (str(len(ids)) if ids else _NO_ACCESS[kind] for ids in (before, after))
    return old, f"{new} ({', '.join(moved)})"


def waiting(newcomer_ms: int) -> str:
    """How long members must have been in the server."""
    return days(newcomer_ms) if newcomer_ms else "none"


def prices(weights: Mapping[Any, int]) -> str:
    """By what the commands' prices are multiplied; by verb, as a value or as its name."""
    named = [f"`/{verb}` × {weights[verb]}" for verb in Verb if weights.get(verb, 1) != 1]
    return ", ".join(named) or "every command × 1"


def place(channel_id: int | None, nowhere: str = "none") -> str:
    """A channel that was chosen, or what holds without one."""
    return nowhere if channel_id is None else f"<#{channel_id}>"


WHERE_ASKED: Final = "where the video was asked for"
KEPT_BY_DEFAULT: Final = "as long as the bot keeps them"


def kept(retention_ms: int | None) -> str:
    """How long words and pictures of finished jobs stay."""
    return KEPT_BY_DEFAULT if retention_ms is None else f"for {days(retention_ms)}"


def struck(count: int | None, window_ms: int | None, block_ms: int | None) -> str:
    """The rule about strikes; of an entry of the audit log only what differs."""
    parts = []
    if count is not None:
        parts.append(f"after {count} refused {'prompt' if count == 1 else 'prompts'}")
    if window_ms is not None:
        parts.append(f"within {hours(window_ms)}")
    if block_ms is not None:
        parts.append(f"blocked for {hours(block_ms)}")
    return ", ".join(parts) or "off"


def on(value: object) -> str:
    """Whether something is done."""
    return "on" if value else "off"


def chosen(state: State) -> list[Words]:
    """What an entry about choices has, each with its name."""
    words = [
        (name, say(state[column])) for column, (name, say) in _CHOICES.items() if column in state
    ]
    strikes = [state.get(column) for column in _STRIKES]
    if not state.keys().isdisjoint(_STRIKES):
        words.append(("Strikes", struck(*strikes)))
    return words


def gated(before: State, after: State) -> tuple[list[Words], list[Words]]:
    """What differs between two states of the gate."""
    old, new = {**_OPEN, **before}, {**_OPEN, **after}
    differs = [(column, *named) for column, named in _GATE.items() if old[column] != new[column]]
    return (
        [(name, say(old[column])) for column, name, say in differs],
        [(name, say(new[column])) for column, name, say in differs],
    )


def together(words: Iterable[Words]) -> str:
    """Several values, each with its name."""
    return "; ".join(f"{name}: {value}" for name, value in words)


_CHOICES: Final[dict[str, tuple[str, Any]]] = {
    "result_channel": ("Result place", lambda id_: place(id_, WHERE_ASKED)),
    "showcase_channel": ("Showcase channel", place),
    "log_channel": ("Log channel", place),
    "review_channel": ("Review channel", place),
    "review_newcomer_ms": (
        "Review of new members’ videos",
        lambda span: f"for {days(span)}" if span else "off",
    ),
    "review_flagged": ("Review of flagged prompts", on),
    "review_all": ("Review of every video", on),
    "retention_ms": ("Words and pictures of finished videos are kept", kept),
    "digest": ("Daily report", on),
}
_STRIKES: Final = ("strikes", "strike_window_ms", "strike_block_ms")
_OPEN: Final[State] = {"newcomer_ms": 0, "age": AgeRule.ANYWHERE}
_GATE: Final[dict[str, tuple[str, Any]]] = {
    "newcomer_ms": ("Time in the server before asking", waiting),
    "age": ("Age-restricted channels", lambda age: AGES[AgeRule(age)]),
}
