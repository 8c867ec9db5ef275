"""Whose videos a moderator looks at before they are posted."""

from __future__ import annotations

from bot.model import Mark
from bot.rules.policy import Asker, ReviewRule


def mark(rule: ReviewRule, asker: Asker, now: int, *, flagged: bool) -> Mark | None:
    """What a request is marked for when it is taken, as far as it is known only then.

    ``flagged`` says that it has words which the server wants to know of. A member is new who has
    been here for less than the rule says; also one of whom Discord does not say since when. Of
    two marks the one counts whose rule holds.
    """
    new = bool(rule.newcomer_ms) and (
        asker.joined_at is None or now - asker.joined_at < rule.newcomer_ms
    )
    if flagged and (rule.flagged or not new):
        return Mark.FLAGGED
    return Mark.NEWCOMER if new else None


def reason(rule: ReviewRule, marked: Mark | None) -> Mark | None:
    """Why a finished video is to be looked at by the rule that holds now; ``None``: it is not.

    A mark that was made by a rule which no longer holds is none.
    """
    if marked is Mark.FLAGGED and rule.flagged:
        return marked
    if marked is Mark.NEWCOMER and rule.newcomer_ms:
        return marked
    return Mark.ALL if rule.everything else None
