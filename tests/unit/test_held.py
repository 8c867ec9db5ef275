"""What moderators read under a video that waits: short, true, and harmless."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.errors import BadOption, Denied, Missing
from bot.model import (
    REJECTED,
    Delivery,
    DeliveryKind,
    DeliveryState,
    Font,
    Job,
    JobState,
    Mark,
    Place,
    Recipe,
    Requester,
    Review,
    Verb,
    Verdict,
)
from bot.ui import messages
from bot.ui.cards import review_marker, signature, video_marker
from bot.ui.moderation import asking, held
from bot.ui.moderation.reviews import FORMS, ReviewButton
from bot.ui.moderation.texts import queue_text
from bot.workflow.delivery.messenger import Outlook
from tests.fakes import CHANNEL, GUILD, MEMBER, REVIEWS, START, a_job

K, D = DeliveryKind, DeliveryState
SECONDS = START // 1000
HUGE = 2**63 - 1
"""No snowflake is longer."""

CARD = Delivery(1, 42, K.CARD, D.SENT, CHANNEL, message_id=9)
POSTED = Delivery(2, 42, K.REVIEW, D.SENT, REVIEWS, message_id=8, place=Place.CHOSEN)
AGAIN = replace(POSTED, round=1)


def waiting(prompt: str = "fox", why: Mark = Mark.ALL, **values: Any) -> Job:
    """A job whose video waits."""
    recipe = values.pop("recipe", Recipe(Verb.CREATE, prompt))
    return a_job(42, JobState.REVIEWING, recipe=recipe, review=Review(why, START), **values)


def decided(verdict: Verdict, by: int = 7, reason: str | None = None) -> Job:
    """The same, decided."""
    review = Review(Mark.ALL, START, verdict, START, by, reason)
    if verdict is Verdict.APPROVED:
        return a_job(42, JobState.DELIVERING, review=review)
    return a_job(42, JobState.FAILED, code=REJECTED, detail=reason, review=review)


def test_what_waits_says_why_who_where_and_what() -> None:
    """With a link to the card; to the channel, where there is none."""
    text = held.review_text(waiting(why=Mark.NEWCOMER), POSTED, Outlook(card=CARD))
    assert text == (
        f"👀 **Waits for review** since <t:{SECONDS}:R>: whoever asked is new here\n"
        f"<@{MEMBER}> in https://discord.com/channels/{GUILD}/{CHANNEL}/9: `/create` `fox`\n"
        "-# Review of job 42"
    )
    assert f"in <#{CHANNEL}>:" in held.review_text(waiting(), POSTED, Outlook())
    assert set(held.WHY) == set(Mark)


@pytest.mark.parametrize(
    ("job", "says"),
    [
        (decided(Verdict.APPROVED), f"✅ **Approved** by <@7> <t:{SECONDS}:R>\n"),
        (decided(Verdict.REJECTED), f"🚫 **Rejected** by <@7> <t:{SECONDS}:R>\n"),
        (
            decided(Verdict.REJECTED, reason="`x`\n**y**"),
            f"🚫 **Rejected** by <@7> <t:{SECONDS}:R>: `ˋxˋ **y**`\n",
        ),
        (
            decided(Verdict.REJECTED, by=0, reason="nobody looked"),
            f"🚫 **Rejected** <t:{SECONDS}:R>, as nobody looked\n",
        ),
        (decided(Verdict.REJECTED, by=0), f"🚫 **Rejected** <t:{SECONDS}:R>\n"),  # erased since
    ],
)
def test_what_was_decided_stands_where_the_question_was(job: Job, says: str) -> None:
    """By whom, when and why; the buttons go, the video stays."""
    changed = messages.changed(job, POSTED, Outlook(card=CARD))
    assert changed["content"].startswith(says)
    assert changed["view"] is None
    assert "attachments" not in changed
    assert "**Waits" not in changed["content"]


@given(
    prompt=st.text(max_size=1500),
    message=st.none() | st.text(min_size=1, max_size=20),
    why=st.sampled_from(Mark),
    reason=st.text(max_size=200),
    fit=st.sampled_from([None, 10, 0]),
)
@example("x" * 1500, "y" * 20, Mark.FLAGGED, "z" * 200, 10)
@example("x" * 1500, "y" * 20, Mark.FLAGGED, "z" * 200, 0)
def test_whatever_was_asked_for_fits_and_pings_nobody(
    prompt: str, message: str | None, why: Mark, reason: str, fit: int | None
) -> None:
    """Discord takes 2,000 characters."""
    recipe = Recipe(Verb.ENCRYPT_TEXT, prompt, message=message, font=Font.SANS_SERIF)
    review = Review(why, START, Verdict.REJECTED, START, HUGE, reason)
    who = Requester(HUGE, HUGE, HUGE, HUGE)
    rejected = a_job(
        10**15, JobState.FAILED, recipe=recipe, code=REJECTED, review=review, requester=who
    )
    card = Delivery(1, 42, K.CARD, D.SENT, HUGE, message_id=HUGE)
    outlook = Outlook(card=card, link=f"https://cdn.pika.art/{'x' * 800}")
    delivery = Delivery(2, 42, K.REVIEW, D.SENT, REVIEWS, message_id=8, fit=fit)
    for job in (waiting(recipe=recipe, why=why, requester=who), rejected):
        text = held.review_text(job, delivery, outlook)
        assert len(text) <= 2000
        assert text.endswith(held.signature(delivery))
        assert not text.endswith(signature(job.id))


def test_a_message_that_went_on_elsewhere_says_where() -> None:
    """It has no video any more, and is not found again as a message of the review."""
    moved = messages.changed(waiting(), POSTED, Outlook(moved_to=77, former=True))
    assert (moved["view"], moved["attachments"]) == (None, [])
    assert "attachments" not in messages.changed(waiting(), POSTED, Outlook())
    assert "goes on in <#77>" in moved["content"]
    assert not moved["content"].endswith(held.signature(POSTED))


def test_a_video_of_which_there_is_only_a_link_is_shown_by_it(tmp_path: Path) -> None:
    """And by nothing, where Pika has none: moderators cannot judge what they cannot see. The
    link stays in the text when the message is looked at again.
    """
    linked = Delivery(2, 42, K.REVIEW, D.PENDING, REVIEWS, fit=0)
    job = waiting(video_path=tmp_path / "42.mp4")
    new = messages.new(job, linked, Outlook(link="https://cdn.pika.art/x"))
    assert "too large for this server. Pika keeps it for about a day: https://cdn" in new["content"]
    assert "file" not in new
    with pytest.raises(Denied) as denied:
        messages.new(job, linked, Outlook())
    assert denied.value.code == messages.TOO_LARGE
    assert messages.changed(job, linked, Outlook()).keys() == {"view"}


def test_a_new_message_has_the_video_and_the_buttons(tmp_path: Path) -> None:
    """Under a name of its own: a result is found again by its file's name."""
    path = tmp_path / "42.mp4"
    path.write_bytes(b"video")
    pending = Delivery(2, 42, K.REVIEW, D.PENDING, REVIEWS)
    new = messages.new(waiting(video_path=path), pending, Outlook(card=CARD))
    assert new["file"].filename == "review-42-fox.mp4"
    assert not new["file"].filename.startswith(video_marker(42))
    assert new["file"].filename.startswith(review_marker(42))
    new["file"].close()
    assert new["allowed_mentions"].to_dict() == {"parse": []}
    rows = new["view"].to_components()
    ids = [button["custom_id"] for row in rows for button in row["components"]]
    assert ids == ["review:42:approve", "review:42:reject", "review:42:block"]
    path.unlink()
    with pytest.raises(Missing):
        messages.new(waiting(video_path=path), pending, Outlook())


@pytest.mark.parametrize(
    ("kind", "job", "content", "file", "its_own"),
    [
        (AGAIN, waiting(), "x\n-# Review of job 42, message 2", "review-42-a.mp4", True),
        (AGAIN, waiting(), "x\n-# Review of job 42", "review-42-a.mp4", False),
        (K.REVIEW, waiting(), "x\n-# Review of job 42, message 2", "review-42-a.mp4", False),
        (K.REVIEW, waiting(), "x\n-# Review of job 42", "review-42-a.mp4", True),
        (K.REVIEW, waiting(), "x\n-# Review of job 4", "review-4-a.mp4", False),
        (K.REVIEW, waiting(), "x\n-# Job 42", "pika-42-a.mp4", False),
        (K.RESULT, waiting(), "x\n-# Review of job 42", "review-42-a.mp4", False),
        (K.NOTICE, waiting(), "<@400> Job 42: Pika never said", "", True),
        (K.NOTICE, decided(Verdict.REJECTED), "<@400> Job 42: Pika never said", "", False),
        (
            K.NOTICE,
            decided(Verdict.REJECTED),
            "<@400> Job 42: A moderator decided not to post the video. 1 credit",
            "",
            True,
        ),
    ],
)
def test_the_bot_tells_its_messages_apart(
    kind: DeliveryKind | Delivery, job: Job, content: str, file: str, its_own: bool
) -> None:
    """Looking back, it must find none but the one that it means."""
    files = [SimpleNamespace(filename=file)] if file else []
    found: Any = SimpleNamespace(content=content, attachments=files, embeds=[])
    delivery = kind if isinstance(kind, Delivery) else Delivery(2, 42, kind, D.PENDING, REVIEWS)
    assert messages.is_of(found, job, delivery) is its_own


@pytest.mark.parametrize(
    "text",
    [
        "review:0:approve",
        "review:01:approve",
        "review:-1:approve",
        "review:42:approve ",
        "review:42:delete",
        "review:1234567890123456789:approve",
        "review:\u0664\u0662:approve",
        "job:42:approve",
    ],
)
def test_anything_else_is_no_id_of_ours(text: str) -> None:
    """Neither for buttons nor for forms."""
    templates = [ReviewButton.__discord_ui_compiled_template__, *(form.template for form in FORMS)]
    assert not any(template.fullmatch(text) for template in templates)


def test_each_form_is_known_by_its_id_and_fits_discord() -> None:
    """What one process opened, another one understands."""
    for form in FORMS:
        match = form.template.fullmatch(f"review:{10**17}:{form.template.pattern.split(':')[-1]}")
        assert match is not None
        again = form.of(match)
        assert form.template.fullmatch(again.custom_id)
        assert len(again.title) <= 45
        assert all(len(field.label) <= 45 and len(field.hint) <= 100 for field in again.fields)
        assert sum(one.template.fullmatch(again.custom_id) is not None for one in FORMS) == 1


@pytest.mark.parametrize(
    ("typed", "hours"), [("", None), ("  ", None), ("24", 24.0), (" 0,5 ", 0.5), ("1e1", 10.0)]
)
def test_hours_are_read_as_people_write_them(typed: str, hours: float | None) -> None:
    """A comma is one of the ways."""
    assert asking.hours(typed) == hours
    with pytest.raises(BadOption, match="must be a number"):
        asking.hours("soon")


def _queue(review: Delivery | None) -> str:
    return queue_text([(waiting(), Outlook(review=review))], holds=True)


@pytest.mark.parametrize(
    ("state", "code", "says"),
    [
        (D.PENDING, None, f"its message is being posted in <#{REVIEWS}>"),
        (D.PENDING, 50013, "I may not post files there; it is tried again"),
        (D.UNDELIVERABLE, 10003, "that channel is gone; choose another review channel"),
        (D.UNDELIVERABLE, 50001, "I cannot see that channel; choose another"),
        (D.UNDELIVERABLE, 40005, "the video is too large; choose another"),
        (D.UNDELIVERABLE, 4711, "Discord refuses it (code 4711); choose another"),
    ],
)
def test_the_queue_says_why_a_review_cannot_be_seen(
    state: DeliveryState, code: int | None, says: str
) -> None:
    """In words that say what to do."""
    assert says in _queue(Delivery(2, 42, K.REVIEW, state, REVIEWS, code=code))


def test_the_queue_leads_to_what_waits() -> None:
    """By a link; and it says when nothing new is held."""
    text = _queue(POSTED)
    assert text.startswith("**1 unfinished video** in this server, **1** of them in review:\n")
    assert f"https://discord.com/channels/{GUILD}/{REVIEWS}/8" in text
    assert "still wait for you" not in text
    assert "still wait for you" in queue_text([(waiting(), Outlook(review=POSTED))], holds=False)
    other = queue_text([(a_job(), Outlook())], holds=False)
    assert "in review" not in other
    assert "still wait" not in other
    many = [(waiting(), Outlook(review=POSTED))] * 50
    assert len(queue_text(many, holds=False)) <= 2000
