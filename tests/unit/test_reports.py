"""Reports of members: how often they may, and how moderators read them."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import NotAllowed
from bot.model import (
    Delivery,
    DeliveryKind,
    DeliveryState,
    Font,
    Job,
    JobState,
    Recipe,
    Removal,
    Verb,
)
from bot.rules.reporting import MOST, WINDOW_MS, Report, Reported, check
from bot.ui.moderation.reports import report_text, signature, view_of
from bot.workflow.delivery.messenger import Outlook
from bot.workflow.outlook import shows
from tests.fakes import START, a_job
from tests.unit.test_cards import NASTY, _outside

MOMENTS = st.lists(st.integers(0, 3 * WINDOW_MS), max_size=12)


@given(MOMENTS, st.integers(0, 4 * WINDOW_MS))
def test_five_reports_in_any_hour_and_no_more(earlier: list[int], now: int) -> None:
    """Those of the last hour count, and what is told as the end of waiting is one."""
    recent = [at for at in earlier if now - WINDOW_MS < at]
    if len(recent) < MOST:
        check(earlier, now)
        return
    with pytest.raises(NotAllowed) as refused:
        check(earlier, now)
    (told,) = re.findall(r"<t:(\d+):R>", str(refused.value))
    then = int(told) * 1000
    assert then > now - 1000
    check(earlier, max(then, now))
    if then - 1000 > now:
        with pytest.raises(NotAllowed):
            check(earlier, then - 1000)


def _reported(*reports: Report, dismissed_at: int | None = None) -> Reported:
    newest = tuple(sorted(reports, key=lambda one: -one.at))
    return Reported(len(reports), newest[:5], dismissed_at, None if dismissed_at is None else 77)


def _job(**values: object) -> Job:
    return a_job(42, JobState.DELIVERED, recipe=Recipe(Verb.CREATE, "fox"), **values)


@pytest.mark.parametrize(
    ("reported", "open_"),
    [
        (Reported(), False),
        (_reported(Report(1, START)), True),
        (_reported(Report(1, START), dismissed_at=START), False),
        (_reported(Report(1, START), Report(2, START + 1), dismissed_at=START), True),
    ],
)
def test_a_report_waits_until_it_is_dismissed(reported: Reported, open_: bool) -> None:
    """And again after a new one; never once the video is gone."""
    assert reported.open is open_
    assert reported.waits(_job()) is open_
    assert not reported.waits(_job(removal=Removal(77, START)))
    for job in (_job(), _job(removal=Removal(77, START))):
        outlook = Outlook(reported=reported)
        waits = open_ and job.removal is None
        assert (view_of(job, outlook) is not None) is waits
        final = shows(job, outlook, DeliveryKind.REPORT) == "final"
        assert final is not waits


def test_moderators_read_who_said_what_and_where_it_is() -> None:
    """The newest first; those without a reason, and how many there were before."""
    reports = [Report(n, START + n * 1000, f"bad {n}" if n % 2 else None) for n in range(7)]
    result = Delivery(1, 42, DeliveryKind.RESULT, DeliveryState.SENT, 300, message_id=9)
    text = report_text(_job(), Outlook(result=result, reported=_reported(*reports)))
    assert text.splitlines() == [
        "🚩 **7 members find** that a video should go: job 42 of <@400>, /create `fox`",
        "https://discord.com/channels/100/300/9",
        *(
            f"- <@{n}> <t:{START // 1000 + n}:R>: {f'`bad {n}`' if n % 2 else 'gave no reason'}"
            for n in (6, 5, 4, 3, 2)
        ),
        "-# … and 2 before",
        "-# Report · job 42",
    ]
    assert text.endswith(signature(42))


@pytest.mark.parametrize(
    ("removal", "dismissed_at", "says"),
    [
        (Removal(5, START, "loud"), None, "🗑️ **Removed** by <@5>: `loud`"),
        (Removal(400, START), None, "🗑️ **Deleted** by whoever asked for it"),
        (None, START + 1, f"✅ **Dismissed** by <@77> <t:{START // 1000}:R>"),
        (None, START - 5000, f"-# Dismissed before, by <@77> <t:{START // 1000 - 5}:R>"),
    ],
)
def test_what_came_of_a_report_is_told(
    removal: Removal | None, dismissed_at: int | None, says: str
) -> None:
    """By whom, as only moderators read it."""
    reported = _reported(Report(1, START), dismissed_at=dismissed_at)
    text = report_text(_job(removal=removal), Outlook(reported=reported))
    assert says in text.splitlines()
    assert text.startswith("🚩 **1 member finds**")


@pytest.mark.parametrize("words", NASTY)
def test_no_reason_of_a_member_escapes_its_code(words: str) -> None:
    """Nor that of a moderator beside it."""
    for removal in (None, Removal(77, START, words)):
        nasty = report_text(
            _job(removal=removal), Outlook(reported=_reported(Report(1, START, words)))
        )
        tame = report_text(
            _job(removal=removal and Removal(77, START, "fox")),
            Outlook(reported=_reported(Report(1, START, "fox"))),
        )
        assert _outside(nasty) == _outside(tame)


def test_the_longest_report_fits_one_message() -> None:
    """Whatever everybody wrote."""
    everything = Recipe(Verb.ENCRYPT_TEXT, "x" * 1500, message="y" * 20, font=Font.SANS_SERIF)
    job = a_job(
        10**17,
        JobState.DELIVERED,
        recipe=everything,
        removal=Removal(2**63, START, "z" * 200),
    )
    reported = Reported(
        9_999_999, tuple(Report(2**63, START * 10, "w" * 200) for _ in range(5)), START, 2**63
    )
    result = Delivery(1, 42, DeliveryKind.RESULT, DeliveryState.SENT, 2**63, message_id=2**63)
    for one in (job, a_job(10**17, JobState.DELIVERED, recipe=everything)):
        assert len(report_text(one, Outlook(result=result, reported=reported))) <= 2000
