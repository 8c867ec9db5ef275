"""What moderators read: true, in plain words, and harmless whatever people wrote."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import BadOption
from bot.model import Hold, JobState, Quota
from bot.rules.words import Listed, Match, Rejected, Then
from bot.store import choices
from bot.store.audit import Act, AuditEntry
from bot.store.reports import Day, MemberUse, UsageReport
from bot.ui.cards import status_line
from bot.ui.moderation.access import handed
from bot.ui.moderation.changes import change
from bot.ui.moderation.files import audit_csv, days_csv, members_csv
from bot.ui.moderation.log import Page
from bot.ui.moderation.texts import (
    list_text,
    queue_text,
    rejected_text,
    usage_text,
)
from bot.ui.moderation.texts import (
    test_text as tried_text,
)
from bot.workflow.delivery.messenger import Outlook
from bot.workflow.moderation import options
from tests.fakes import START, a_job

DAY_MS = 86_400_000
DEFAULT = Quota(credits=5, window_ms=86_400_000, concurrent=2)
GUILD, MODERATOR = 100, 7


def entry(
    action: str,
    subject: str,
    subject_id: int = 0,
    before: dict[str, object] | None = None,
    after: dict[str, object] | None = None,
    number: int = 1,
) -> AuditEntry:
    """One change."""
    act = Act(GUILD, MODERATOR, START)
    return AuditEntry(number, act, action, subject, subject_id, before, after)


@pytest.mark.parametrize(
    ("given_", "words"),
    [
        (
            entry("limit", "everyone", after={"concurrent": 1}),
            "Every member: the bot's own limit (5 credits in 24 hours, 2 unfinished at once) → "
            "5 credits in 24 hours, 1 unfinished at once",
        ),
        (
            entry("limit", "server", after={"credits": 100, "window_ms": 3_600_000}),
            "This server's budget: none → 100 credits in 1 hour",
        ),
        (
            entry("limit", "role", GUILD, before={"credits": 3, "window_ms": 5_400_000}),
            "The role of everyone: 3 credits in 1.5 hours → no limit of its own",
        ),
        (
            entry("grant", "member", 9, after={"credits": 1, "until": START}),
            f"<@9>: nothing extra → 1 credit extra, until <t:{START // 1000}:f> at the latest",
        ),
        (
            entry("pause", "server", after={"mode": "drain", "reason": "`tidy`"}),
            "This server: takes new videos → takes no new videos, those waiting are made, "
            "until somebody ends it, reason: `ˋtidyˋ`",
        ),
        (
            entry("cancel", "job", 42, {"state": "rendering"}, {"state": "cancelled"}),
            "Job 42: `state rendering` → cancelled by a moderator",
        ),
        (
            entry("words_import", "words", 0, {"phrases": []}, {"phrases": list("abcdefg")}),
            "Blocked words: added `a`, `b`, `c`, `d`, `e` and 2 more",
        ),
        (
            entry("words_import", "words", 0, {"phrases": []}, {"phrases": []}),
            "Blocked words: put in another order",
        ),
        (entry("of_a_later_version", "server", before=None, after={"colour": "red"}),
         "This server: nothing → `colour red`"),
        (entry("weights", "server", 0, {"animate": 2}, {"animate": 2, "create": 3}),
         "Prices: `/animate` × 2 → `/create` × 3, `/animate` × 2"),
        (entry("weights", "server", 0, {"animate": 2}, {}),
         "Prices: `/animate` × 2 → every command × 1"),
        (entry("gate", "server", 0, {"newcomer_ms": 0, "age": "anywhere"},
               {"newcomer_ms": 3 * DAY_MS, "age": "anywhere"}),
         "Time in the server before asking: none → 3 days"),
        (entry("gate", "server", 0, {"newcomer_ms": DAY_MS, "age": "only_there"},
               {"newcomer_ms": DAY_MS, "age": "not_there"}),
         "Age-restricted channels: nowhere else → no videos there"),
        (entry("gate", "server", 0, {"newcomer_ms": 0, "age": "anywhere"},
               {"newcomer_ms": DAY_MS // 2, "age": "only_there"}),
         "This server: Time in the server before asking: none; Age-restricted channels: like any "
         "other → Time in the server before asking: 0.5 days; Age-restricted channels: nowhere "
         "else"),
        (entry("allowed_channel", "server", 0, {"ids": []}, {"ids": [12, 11]}),
         "Channels where videos may be asked for: all → <#11>, <#12>"),
        (entry("required_role", "server", 0, {"ids": [11]}, {"ids": []}),
         "Roles of which one is needed: <@&11> → none is needed"),
        (entry("barred_role", "server", 0, {"ids": [*range(1, 26)]}, {"ids": [*range(2, 26)]}),
         "Barred roles: 25 → 24 (<@&1> taken off)"),
        (entry("barred_role", "server", 0, {"ids": []}, {"ids": [*range(1, 26)]}),
         "Barred roles: none → 25 (<@&1>, <@&2>, <@&3>, <@&4>, <@&5> and 20 more added)"),
        (entry("choices", "server", 0, {"result_channel": None}, {"result_channel": 11}),
         "Result place: where the video was asked for → <#11>"),
        (entry("choices", "server", 0, {"showcase_channel": 11}, {"showcase_channel": None}),
         "Showcase channel: <#11> → none"),
        (entry("choices", "server", 0, {"log_channel": None}, {"log_channel": 11}),
         "Log channel: none → <#11>"),
        (entry("choices", "server", 0, {"digest": 1}, {"digest": 0}),
         "Daily report: on → off"),
        (entry("choices", "server", 0, {"retention_ms": None}, {"retention_ms": 30 * DAY_MS}),
         "Words and pictures of finished videos are kept: as long as the bot keeps them → "
         "for 30 days"),
        (entry("choices", "server", 0,
               {"strikes": None, "strike_window_ms": None, "strike_block_ms": None},
               {"strikes": 3, "strike_window_ms": DAY_MS, "strike_block_ms": 2 * DAY_MS}),
         "Strikes: off → after 3 refused prompts, within 24 hours, blocked for 48 hours"),
        (entry("choices", "server", 0, {"strike_window_ms": DAY_MS},
               {"strike_window_ms": 2 * DAY_MS}),
         "Strikes: within 24 hours → within 48 hours"),
        (entry("choices", "server", 0, {"review_channel": None, "review_newcomer_ms": 0},
               {"review_channel": 11, "review_newcomer_ms": 7 * DAY_MS}),
         "This server: Review channel: none; Review of new members’ videos: off → "
         "Review channel: <#11>; Review of new members’ videos: for 7 days"),
        (entry("choices", "server", 0, {"review_flagged": 0}, {"review_flagged": 1}),
         "Review of flagged prompts: off → on"),
        (entry("choices", "server", 0, {"review_all": 1}, {"review_all": 0}),
         "Review of every video: on → off"),
        (
            entry("words_add", "words", 0, None, {"phrase": "fox", "then": "review"}),
            "Blocked words: `fox` lets the video be looked at",
        ),
        (
            entry("words_add", "words", 0, {"phrase": "fox", "then": "review"}, {"phrase": "fox"}),
            "Blocked words: `fox` lets the video be looked at → `fox` is blocked",
        ),
        (
            entry("words_remove", "words", 0, {"phrase": "fox", "then": "review"}, None),
            "Blocked words: `fox` lets the video be looked at no more",
        ),
        (
            entry(
                "words_import", "words", 0,
                {"phrases": ["a"], "review": ["b"]}, {"phrases": ["b"], "review": ["a", "c"]},
            ),
            "Blocked words: added `b`; added to look at `a`, `c`; taken off `a`; "
            "looked at no more `b`",
        ),
    ],
)  # fmt: skip
def test_a_change_says_before_and_after(given_: AuditEntry, words: str) -> None:
    """In a moderator's words, not in those of the table."""
    assert change(given_, DEFAULT) == words


def test_every_choice_has_words_of_its_own() -> None:
    """No name of a column reaches a moderator, whatever a server can choose."""
    before, after = (
        {"result_channel": 1, "showcase_channel": 1, "log_channel": 1, "review_channel": 1,
         "review_newcomer_ms": n, "review_flagged": n, "review_all": n, "strikes": n,
         "strike_window_ms": n, "strike_block_ms": n, "retention_ms": n, "digest": n}
        for n in (1, 2)
    )  # fmt: skip
    assert set(before) == set(choices._COLUMNS)
    text = change(entry("choices", "server", 0, before, after), DEFAULT)
    assert "_" not in text
    assert text.count(": ") == 1 + 2 * 10


def ids(page: Page) -> list[str]:
    """What the page's buttons are called."""
    rows_: list[dict[str, list[dict[str, str]]]] = page.view.to_components()
    return [button["custom_id"] for row in rows_ for button in row["components"]]


async def test_a_page_holds_what_a_message_takes_and_knows_of_more() -> None:
    """Entries too long for one page go to the next one, and none is left out on the way."""
    reason = "x" * 200
    log = [
        entry("block", "member", 1, {"reason": reason}, {"reason": reason}, number)
        for number in range(20, 0, -1)
    ]
    seen, rest, first = 0, log, True
    while rest:
        page = Page(rest[:9], DEFAULT, first=first)
        shown = page.text.count("by <@7>")
        assert 0 < shown <= 8
        assert len(page.text) <= 2000
        older = [name for name in ids(page) if "older" in name]
        seen, rest, first = seen + shown, rest[shown:], False
        assert older == ([f"audit:older:{rest[0].id + 1}"] if rest else [])
    assert seen == 20


def rows(content: bytes) -> list[list[str]]:
    """The cells of a CSV file."""
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))


@given(st.text(max_size=60))
def test_no_words_become_a_formula(reason: str) -> None:
    """Whatever a moderator wrote, no cell begins as a formula of a spreadsheet does."""
    blocked = entry("block", "member", 9, after={"reason": reason})
    added = entry("words_add", "words", after={"phrase": reason})
    for cells in rows(audit_csv([blocked, added], DEFAULT)):
        assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in cells)


def test_usage_is_told_in_words_and_files() -> None:
    """The ten who used most in the text, everybody in the file."""
    members = tuple(MemberUse(user, 20 - user, 2) for user in range(1, 13))
    report = UsageReport((Day(0, 7, 3, 2, 1), Day(86_400_000, 1, 1)), members)
    text = usage_text(report)
    assert text.startswith(
        "**The last 2 days** (UTC): **8 credits** by 12 members.\n4 videos posted, 2"
    )
    assert "\n10. <@10>: 10 credits for 2 videos" in text
    assert "<@11>" not in text
    assert rows(days_csv(report))[1:] == [
        ["1970-01-01", "7", "3", "2", "1"],
        ["1970-01-02", "1", "1", "0", "0"],
    ]
    assert len(rows(members_csv(report))) == 13


def test_a_long_queue_and_a_long_list_fit_into_a_message() -> None:
    """What does not fit is counted."""
    jobs = [(a_job(number, JobState.QUEUED), Outlook(place=number)) for number in range(1, 200)]
    text = queue_text(jobs, holds=False)
    assert len(text) <= 2000
    shown = text.count("**Job ")
    assert text.endswith(f"… and {199 - shown} more")
    phrases = [f"word{number} `{'y' * 80}" for number in range(1000)]
    listed = list_text(list(map(Listed, phrases)), held=False)
    assert len(listed) <= 2000
    assert "more; `/moderate words export` has them all" in listed


def test_both_kinds_of_phrases_are_listed_and_fit_into_a_message() -> None:
    """Each with its number; it is said when nobody looks at the videos of the second kind."""
    both = [Listed("bad"), Listed("fox", Then.REVIEW), Listed("dog", Then.REVIEW)]
    assert list_text(both, held=True) == (
        "**1 blocked phrase**: `bad`\n**2 phrases to look at the video of**: `fox`, `dog`"
    )
    assert "switched off" in list_text(both, held=False)
    assert "switched off" not in list_text([Listed("bad")], held=False)
    many = [Listed(f"{then} {number} {'y' * 80}", then) for number in range(900) for then in Then]
    text = list_text(many, held=False)
    assert len(text) <= 2000
    assert all(text.count(f"`{then} ") >= 2 for then in Then)
    assert text.count("more; `/moderate words export` has them all") == 2


def test_a_tried_text_says_what_would_become_of_it() -> None:
    """Refused if any phrase refuses; else its video would wait, if videos are held."""
    look, refuse = (
        Match("fox", 0, 3, f"it is {then}", then) for then in (Then.REVIEW, Then.REFUSE)
    )
    both = tried_text([look, refuse], held=True)
    assert both.startswith("This text would be refused:")
    assert both.count(" · to look at") == 1
    alone = tried_text([look], held=True)
    assert alone.startswith("This text would be taken, and its video would wait for a moderator:")
    assert "switched off" in tried_text([look], held=False)


def test_tried_and_rejected_texts_fit_and_work_no_markup() -> None:
    """Somebody's words stand in code, and the worst of them fit into a message."""
    match = Match("x", 0, 1, "“**<@1> `x`**” matches " + "z" * 4000)
    assert len(tried_text([match] * 100, held=False)) <= 2000
    assert "`“**<@1> ˋxˋ**”" in tried_text([match], held=False)
    worst = [Rejected(number, "`" * 81, "w" * 500) for number in range(4000)]
    assert len(rejected_text(worst)) <= 1500


@pytest.mark.parametrize(
    ("overrides", "may"),
    [
        ({}, False),
        ({5: True}, True),
        ({5: True, 6: False}, True),
        ({6: False}, False),
        ({1: False, 5: True}, False),
        ({1: True, 6: False}, True),
        ({GUILD: True}, True),
        ({GUILD: True, 6: False}, False),
        ({5: True, 50: False}, False),
        ({5: True, GUILD - 1: False}, False),
        ({5: True, GUILD - 1: False, 50: True}, True),
        ({99: True}, False),
    ],
)
def test_a_server_hands_the_command_over(overrides: dict[int, bool], may: bool) -> None:
    """Member before roles before everyone, one role suffices, and the channel must be open."""
    asked = handed(overrides, guild_id=GUILD, user_id=1, role_ids={5, 6, GUILD}, channel_id=50)
    assert asked is may


@pytest.mark.parametrize("hours", [0.0, -1.0, float("nan"), float("inf"), 8761.0, 1e300])
def test_no_time_is_no_time(hours: float) -> None:
    """What no clock can tell is refused by name."""
    with pytest.raises(BadOption) as refused:
        options.hours_ms(hours)
    assert refused.value.field == "hours"


def test_reasons_are_one_short_line() -> None:
    """Breaks and spaces go; what is too long is refused, not cut."""
    assert options.words(" so\n\n many   words ") == "so many words"
    assert options.words("  ") is None
    with pytest.raises(BadOption):
        options.words("x" * 201)


def test_a_card_says_that_a_moderator_cancelled() -> None:
    """And says nothing of moderators where the member did."""
    how: dict[str, Any] = {"cancel_asked_at": START, "hold": Hold.RELEASED}
    gone = {**how, "finished_at": START, "code": "cancelled"}
    by_moderator = a_job(1, JobState.CANCELLED, cancel_asked_by=MODERATOR, **gone)
    assert status_line(by_moderator, Outlook()) == (
        "🚫 Cancelled by a moderator · you were not charged"
    )
    assert "moderator" not in status_line(a_job(1, JobState.CANCELLED, **gone), Outlook())
    stopping = a_job(1, JobState.RENDERING, cancel_asked_by=MODERATOR, **how)
    assert "as a moderator wants" in status_line(stopping, Outlook())
