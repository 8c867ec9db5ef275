"""When a member has given Pika too much to refuse, and is blocked for it."""

from __future__ import annotations

from dataclasses import dataclass

from bot.rules.policy import Block, Strikes
from bot.rules.refusal import hours


@dataclass(frozen=True, slots=True)
class StrikeCount:
    """How many strikes of a member count now, by this rule."""

    count: int
    rule: Strikes


def count_after(rule: Strikes, fresh_at: int | None, now: int) -> int:
    """Strikes after this moment count: those in the window, and none of before ``fresh_at``, when
    the member was last blocked for them, or unblocked.
    """
    return max(now - rule.window_ms, fresh_at or 0)


def block(rule: Strikes, count: int, standing: Block | None, now: int) -> Block | None:
    """The block that ``count`` strikes bring. ``None`` where they are too few, or where the
    ``standing`` block lasts as long anyway.
    """
    if count < rule.count:
        return None
    until = now + rule.block_ms
    lasts = standing is not None and standing.active(now)
    if lasts and standing is not None and (standing.until is None or standing.until >= until):
        return None
    prompts = "a prompt" if count == 1 else f"{count} prompts"
    return Block(f"Pika's moderation refused {prompts} of the last {hours(rule.window_ms)}", until)
