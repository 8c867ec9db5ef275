"""What a log channel is told: everything that fits, nothing that works as markup."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bot.model import Quota
from bot.store.audit import Act, AuditEntry
from bot.store.logbook import LogLine
from bot.ui.moderation.logged import LogWording
from bot.ui.moderation.texts import MESSAGE_LIMIT
from tests.fakes import GUILD, START

WORDING = LogWording(Quota(5, 86_400_000, 2))
SIGNATURE = len("\n-# Log 9223372036854775807")


def line(number: int, reason: str = "spam", actor: int = 7) -> LogLine:
    """The block of a member."""
    act = Act(GUILD, actor, START)
    after = {"reason": reason}
    return LogLine(number, START, AuditEntry(number, act, "block", "member", 9, None, after))


def test_a_line_says_who_what_and_when() -> None:
    """From what to what, at a moment that Discord shows to each in their own time; the bot itself
    has a name too.
    """
    by_hand, by_rule = line(1), line(2, actor=0)
    page = WORDING([by_hand, by_rule], 0)

    change = "<@9>: may ask for videos → blocked, until somebody ends it, reason: `spam`"
    assert page.lines == 2
    assert page.text.split("\n") == [
        change,
        f"-# <t:{START // 1000}:f> by <@7>",
        change,
        f"-# <t:{START // 1000}:f> by the bot",
    ]


@given(reasons=st.lists(st.text(max_size=400), min_size=1, max_size=60), lost=st.integers(0, 9_999))
def test_a_message_takes_what_fits_and_at_least_one(reasons: list[str], lost: int) -> None:
    """Whatever people wrote, with the signature below it and what is missing above it."""
    lines = [line(number, reason) for number, reason in enumerate(reasons)]
    page = WORDING(lines, lost)

    assert 1 <= page.lines <= len(lines)
    assert len(page.text) + SIGNATURE <= MESSAGE_LIMIT
    if page.lines < len(lines):
        assert len(WORDING(lines[: page.lines + 1], lost).text) == len(page.text)
    assert page.text.startswith("-# Before this, ") == (lost > 0)
    assert ("1 line could" in page.text) == (lost == 1)
