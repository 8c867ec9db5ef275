"""Each group of settings in a line or two."""

from __future__ import annotations

from bot.rules.policy import AgeRule, Choices
from bot.ui.cards import when
from bot.ui.moderation import values
from bot.ui.moderation.changes import paused
from bot.ui.moderation.panel.server import Server
from bot.ui.moderation.texts import so_many
from bot.workflow.moderation import Access


def pauses(server: Server) -> list[str]:
    """Why nothing is taken, where that is so."""
    standing = server.standing
    lines = []
    if standing.all_paused is not None:
        lines.append(
            f"⏸️ **The bot’s operator has paused all servers**: {paused(standing.all_paused)}\n"
            "-# Only the operator can end that."
        )
    if standing.pause is not None:
        lines.append(
            f"⏸️ **This server is paused**: {paused(standing.pause)}\n"
            f"-# {server.mention('moderate resume')} ends that."
        )
    return lines


def asking(server: Server) -> str:
    """Where videos may be asked for."""
    policy = server.standing.policy
    where = (
        f"only in {values.listed(Access.ALLOWED_CHANNEL, policy.allowed_channels)}"
        if policy.allowed_channels
        else "in every channel"
    )
    age = "" if policy.age is AgeRule.ANYWHERE else f" · age-restricted: {values.AGES[policy.age]}"
    return f"Videos may be asked for {where}{age}"


def members(server: Server) -> str:
    """Who may ask."""
    policy = server.standing.policy
    parts = []
    if policy.required_roles:
        parts.append(f"Needs one of {values.listed(Access.REQUIRED_ROLE, policy.required_roles)}")
    if policy.barred_roles:
        parts.append(f"Barred: {values.listed(Access.BARRED_ROLE, policy.barred_roles)}")
    if policy.newcomer_ms:
        parts.append(f"After {values.days(policy.newcomer_ms)} in the server")
    return " · ".join(parts) or "Every member may ask"


def costs(server: Server) -> str:
    """By what prices are multiplied."""
    prices = values.prices(server.standing.policy.weights)
    return prices[0].upper() + prices[1:]


def results(server: Server) -> str:
    """Where finished videos go."""
    result, showcase = server.standing.choices.result, server.standing.choices.showcase
    posted = "where they were asked for" if result is None else f"in {values.place(result)}"
    shown = "no showcase" if showcase is None else f"showcase {values.place(showcase)}"
    return f"Videos are posted {posted} · {shown}"


def review(server: Server) -> str:
    """Which videos are looked at first, where, and how many wait: also when no more are held."""
    choices, waiting = server.standing.choices, server.standing.waiting
    looks = looked_at(choices)
    if looks is None:
        rest = f" · {waiting:,} from before still wait for a decision" if waiting else ""
        return f"No video is looked at before it is posted{rest}"
    rest = f" · {waiting:,} wait for a decision" if waiting else ""
    return f"Looked at first, in {values.place(choices.review)}: {looks}{rest}"


def looked_at(choices: Choices) -> str | None:
    """Which videos are looked at before they are posted; ``None`` for none."""
    rule = choices.look_at
    if rule.everything:
        return "every video"
    parts = []
    if rule.newcomer_ms:
        parts.append(f"of new members ({values.days(rule.newcomer_ms)})")
    if rule.flagged:
        parts.append("of flagged prompts")
    return f"videos {' and '.join(parts)}" if parts else None


def strikes(server: Server) -> str:
    """What becomes of members whose prompts Pika refuses again and again."""
    rule = server.standing.choices.strikes
    words = values.struck(*((rule.count, rule.window_ms, rule.block_ms) if rule else (None,) * 3))
    return words[0].upper() + words[1:]


def records(server: Server) -> str:
    """What is written down where, and for how long."""
    choices = server.standing.choices
    log = "No log"
    if choices.log is not None:
        digest = "with" if choices.digest else "without"
        log = f"Log in {values.place(choices.log)}, {digest} a daily report"
    return f"{log} · words and pictures are kept {values.kept(choices.retention_ms)}"


def stuck(server: Server) -> str:
    """What waits for a log channel that has refused it; empty where none does."""
    log = server.standing.log
    if log.refused is None or log.since is None:
        return ""
    lines = so_many(log.waiting, "line")
    return f"⚠️ The log channel refuses what I tell it: {lines} waiting, since {when(log.since)}."


def limits(server: Server) -> str:
    """What every member and the whole server may use."""
    policy = server.standing.policy
    return f"Every member: {values.quota(policy.default)}\n{budget(server)}"


def budget(server: Server) -> str:
    """What the whole server may use."""
    budget = server.standing.policy.budget
    return f"All members together: {'no budget' if budget is None else values.rate(budget)}"
