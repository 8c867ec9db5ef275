"""The rules about who and where: pauses, blocks, roles, newcomers, channels, words.

Each gives its line; none of them counts anything.
"""

from __future__ import annotations

from bot.rules.policy import AgeRule, Asker, Block, Pause, Policy
from bot.rules.trace import Line, Outcome, Rule

SILENT = {rule: Line(rule, Outcome.DOES_NOT_APPLY) for rule in Rule}
PASSES = {rule: Line(rule, Outcome.PASSES) for rule in Rule}


def stopped(rule: Rule, stop: Pause | Block | None, now: int) -> Line:
    """A pause or a block, as long as it holds."""
    if stop is None or not stop.active(now):
        return SILENT[rule]
    return Line(rule, Outcome.REFUSES, changes_at=stop.until, reason=stop.reason)


def barred_role(policy: Policy, asker: Asker) -> Line:
    """One barred role bars, whatever other roles there are."""
    if not policy.barred_roles:
        return SILENT[Rule.BARRED_ROLE]
    barred = asker.roles & policy.barred_roles
    if not barred:
        return PASSES[Rule.BARRED_ROLE]
    return Line(Rule.BARRED_ROLE, Outcome.REFUSES, subject_id=min(barred))


def required_role(policy: Policy, asker: Asker) -> Line:
    """One of the required roles suffices."""
    if not policy.required_roles:
        return SILENT[Rule.REQUIRED_ROLE]
    if asker.roles & policy.required_roles:
        return PASSES[Rule.REQUIRED_ROLE]
    return Line(Rule.REQUIRED_ROLE, Outcome.REFUSES, subject_id=min(policy.required_roles))


def newcomer(policy: Policy, asker: Asker, now: int) -> Line:
    """Members must have been here for a while; if Discord does not say since when, they wait."""
    if not policy.newcomer_ms:
        return SILENT[Rule.NEWCOMER]
    opens = None if asker.joined_at is None else asker.joined_at + policy.newcomer_ms
    if opens is not None and opens <= now:
        return PASSES[Rule.NEWCOMER]
    return Line(Rule.NEWCOMER, Outcome.REFUSES, changes_at=opens)


def channel(policy: Policy, asker: Asker) -> Line:
    """A thread is allowed where its channel is; it may also be allowed alone."""
    if not policy.allowed_channels:
        return SILENT[Rule.CHANNEL]
    if not policy.allowed_channels.isdisjoint((asker.channel_id, asker.top_channel_id)):
        return PASSES[Rule.CHANNEL]
    return Line(Rule.CHANNEL, Outcome.REFUSES, subject_id=asker.channel_id)


def age(policy: Policy, asker: Asker) -> Line:
    """Only in age-restricted channels, or not there."""
    if policy.age is AgeRule.ANYWHERE:
        return SILENT[Rule.AGE]
    if asker.age_restricted is (policy.age is AgeRule.ONLY_THERE):
        return PASSES[Rule.AGE]
    return Line(Rule.AGE, Outcome.REFUSES, subject_id=asker.channel_id)


def words(blocked_phrase: str | None) -> Line:
    """The match was made before; the words that hit the list are the reason."""
    if blocked_phrase is None:
        return SILENT[Rule.WORDS]
    return Line(Rule.WORDS, Outcome.REFUSES, reason=blocked_phrase)
