"""What is said about a job: true, short, and harmless whatever the prompt holds."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import product

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.model import (
    FINAL,
    REJECTED,
    VIDEO_HERE,
    Delivery,
    DeliveryKind,
    DeliveryState,
    Font,
    Hold,
    Job,
    JobState,
    Mark,
    Place,
    Recipe,
    Removal,
    Review,
    Verb,
    Verdict,
)
from bot.ui.cards import (
    card,
    charge,
    code,
    link_text,
    notice_beginning,
    notice_text,
    reason,
    removal_text,
    result_text,
    share_signature,
    share_text,
    shown_prompt,
    signature,
    status_line,
    video_marker,
    video_name,
)
from bot.workflow.delivery.messenger import OPEN_TO_ALL, Outlook
from tests.fakes import START, a_job, requester

NASTY = [
    "`@everyone`",
    "``` ``` **bold** <@1>",
    "``",
    "\\`",
    "a\\",
    "[x](https://evil.test)",
    "discord.gg/evil",
    "<@&5> @here <#1> <:a:1>",
    "||spoiler|| __u__ ~~s~~",
    "# heading",
    "> quote",
    "-# small",
    "x`" * 700,
]
INLINE = re.compile(r"`[^`\n]+`")


def _job(prompt: str, state: JobState = JobState.RENDERING, **values: object) -> Job:
    return a_job(42, state, recipe=Recipe(Verb.CREATE, prompt), **values)


def _outside(text: str) -> str:
    """What of a text Discord reads as markup: all but inline code."""
    return INLINE.sub("", text)


@pytest.mark.parametrize("prompt", NASTY)
@pytest.mark.parametrize("state", JobState)
def test_no_prompt_escapes_its_code(prompt: str, state: JobState) -> None:
    """Whatever state the card is in, what is outside inline code is the same for any prompt."""
    about = Outlook(place=3, ready_at=START)
    ended = {"code": "failed"} if state is JobState.FAILED else {}

    nasty = card(_job(prompt, state, **ended), about)
    harmless = card(_job("fox", state, **ended), about)

    assert _outside(nasty.text) == _outside(harmless.text)


@given(st.text(max_size=400), st.integers(1, 300))
@example("`" * 300, 300)
@example("", 80)
@example("\n", 5)
@example(" ", 1)
@example("a\n\n```b", 80)
def test_inline_code_is_one_piece_and_no_longer_than_asked(text: str, most: int) -> None:
    """Exactly one opening and one closing mark, on one line, with something between them."""
    shown = code(text, most)

    assert INLINE.fullmatch(shown), shown
    assert len(shown) <= max(most, 1) + 2


@given(st.text(st.characters(exclude_categories=["C", "Zs", "Zl", "Zp"]), max_size=100))
def test_inline_code_shows_short_text_as_it_is(text: str) -> None:
    """All but the one character that would end the code."""
    assert text == "" or code(text, 300) == f"`{text.replace('`', 'ˋ')}`"


@given(
    prompt=st.text(min_size=0, max_size=1500),
    message=st.none() | st.text(min_size=1, max_size=20),
    state=st.sampled_from(JobState),
    why=st.none() | st.sampled_from(["failed", "moderated", "finished_first", "no such code"]),
    detail=st.none() | st.text(max_size=300),
)
def test_no_card_or_message_exceeds_discords_limits(
    prompt: str, message: str | None, state: JobState, why: str | None, detail: str | None
) -> None:
    """Embed: title 256, text 4096. Message: 2000."""
    job = a_job(
        10**15,
        state,
        recipe=Recipe(Verb.ENCRYPT_TEXT, prompt, message=message, font=Font.SANS_SERIF),
        code=why,
        detail=detail,
        percent=99,
    )

    about = card(job, Outlook(place=99_999, ready_at=START * 1000))

    assert 0 < len(about.title) <= 256
    assert 0 < len(about.text) <= 4096
    assert 0 < len(result_text(job)) <= 2000
    assert 0 < len(notice_text(job)) <= 2000
    assert 0 < len(share_text(job, Outlook(link="https://cdn.test/" + "a" * 983))) <= 2000
    assert len(video_name(job, ".webm", video_marker(42))) <= 80


@given(st.text(max_size=300))
def test_no_prompt_pings_anybody_but_the_requester(prompt: str) -> None:
    """Outside of inline code the message holds one mention, and it is the requester's."""
    for text in (
        result_text(_job(prompt)),
        share_text(_job(prompt), Outlook()),
        notice_text(_job("x", code="failed", detail=prompt)),
    ):
        outside = _outside(text)
        assert re.findall(r"<@\D*(\d+)>", outside) == [str(_job("x").requester.user_id)]
        assert "@everyone" not in outside
        assert "@here" not in outside


@given(st.text(max_size=300))
def test_the_file_name_is_plain_and_begins_with_the_jobs_marker(prompt: str) -> None:
    """The bot finds its own video by it; no path, no markup, no other job's marker."""
    name = video_name(_job(prompt), ".mp4", video_marker(42))

    assert re.fullmatch(r"pika-42-[a-z0-9]+(-[a-z0-9]+)*(-)?\.mp4|pika-42-\w+\.mp4", name), name
    assert name.startswith(video_marker(42))
    assert not name.startswith(video_marker(4))


def test_the_file_name_leaves_the_flags_out() -> None:
    """They are settings, not words."""
    assert video_name(_job("A red fox! -ar 16:9 -motion 2"), ".mp4", "pika-42-") == (
        "pika-42-a-red-fox.mp4"
    )


@pytest.mark.parametrize(
    ("state", "outlook", "says"),
    [
        (JobState.QUEUED, Outlook(place=1), "**Next** in the queue"),
        (JobState.QUEUED, Outlook(place=7), "Place **7** in the queue"),
        (JobState.QUEUED, Outlook(), "In the queue"),
        (JobState.QUEUED, Outlook(place=7, ready_at=61_000), "ready <t:61:R>"),
        (JobState.SUBMITTING, Outlook(), "Pika is making it"),
        (JobState.RENDERING, Outlook(ready_at=61_000), "ready <t:61:R>"),
        (JobState.IN_DOUBT, Outlook(), "checking"),
        (JobState.REVIEWING, Outlook(), "waits for a moderator"),
        (JobState.DELIVERING, Outlook(), "being posted"),
        (JobState.DELIVERED, Outlook(), "Done"),
        (JobState.CANCELLED, Outlook(), "Cancelled · you were not charged"),
    ],
)
def test_each_state_is_said_in_words(state: JobState, outlook: Outlook, says: str) -> None:
    """What a member sees at each station."""
    assert says in status_line(a_job(state=state), outlook)


def _sized(fit: int | None, place: Place = Place.HERE) -> Outlook:
    """The result of a job, made to fit or not."""
    result = Delivery(
        1, 42, DeliveryKind.RESULT, DeliveryState.SENT, 1, message_id=2, fit=fit, place=place
    )
    return Outlook(result=result)


@pytest.mark.parametrize(
    ("fit", "under_way", "done"),
    [
        (None, "being posted", "✅ Done"),
        (10 * 1024**2, "made smaller, to fit 10 MiB", "✅ Done · made smaller to fit this server"),
        (0, "its link is posted", "✅ Done · posted as a link"),
    ],
    ids=["as it is", "smaller", "link"],
)
def test_what_became_of_a_large_video_is_told(fit: int | None, under_way: str, done: str) -> None:
    """While it is made smaller, and afterwards; where it was posted comes after that."""
    assert under_way in status_line(_job("fox", JobState.DELIVERING), _sized(fit))
    assert status_line(_job("fox", JobState.DELIVERED), _sized(fit)) == done
    above = status_line(_job("fox", JobState.DELIVERED), _sized(fit, Place.PARENT))
    assert above.startswith(f"{done} · posted in the channel above")
    beside = result_text(_job("fox"), smaller=bool(fit))
    assert ("Made smaller" in beside) is bool(fit)
    assert beside.endswith(signature(42))


def test_a_video_in_the_chosen_channel_says_so_on_both_sides() -> None:
    """The card leads there, and the message says where it was asked for; and where that channel
    took none, the message says why it is here.
    """
    job = _job("fox", JobState.DELIVERED, requester=requester(channel_id=333))
    there = Delivery(
        1, 42, DeliveryKind.RESULT, DeliveryState.SENT, 777, message_id=9, place=Place.CHOSEN
    )
    shown = card(job, Outlook(result=there))
    assert shown.text.endswith("✅ Done · posted in <#777>")
    assert shown.link == "https://discord.com/channels/100/777/9"
    for text in (result_text(job, Place.CHOSEN), link_text(job, Place.CHOSEN, None)):
        assert text.endswith(f"\n-# Asked for in <#333>.{signature(42)}")
    why = "\n-# Posted here, as the channel chosen for videos takes none from me."
    for text in (
        result_text(job, Place.HERE, refused=50001),
        link_text(job, Place.HERE, None, refused=50001),
    ):
        assert text.endswith(f"{why}{signature(42)}")
    assert "chosen" not in result_text(job, Place.HERE)
    open_to_all = result_text(job, Place.HERE, refused=OPEN_TO_ALL)
    assert "as the channel chosen for videos is not age-restricted." in open_to_all


def test_a_shared_video_says_who_made_it_with_what_and_leads_back() -> None:
    """To the message where it was posted first, unless that is private."""
    job = _job("fox", JobState.DELIVERED)
    result = Delivery(1, 42, DeliveryKind.RESULT, DeliveryState.SENT, 300, message_id=9)
    beginning = "<@400> made this with /create `fox`"
    back = "\n-# First posted here: https://discord.com/channels/100/300/9"
    assert share_text(job, Outlook(result=result)) == f"{beginning}{back}{share_signature(42)}"
    private = replace(result, place=Place.DIRECT)
    assert share_text(job, Outlook(result=private)) == f"{beginning}{share_signature(42)}"
    linked = share_text(job, Outlook(result=result, link="https://cdn.test/a.mp4"))
    assert "too large for a message; for about a day it is here: https://cdn.test/a.mp4" in linked
    assert "Made smaller" in share_text(job, Outlook(result=result), smaller=True)
    assert not share_text(job, Outlook()).endswith(signature(42))


def test_a_percentage_is_shown_once_there_is_one() -> None:
    """Pika's own number; then the encoder's, where the video is made smaller."""
    for encoded, shown in ((None, "MiB"), (0, "MiB"), (7, "MiB · 7 %")):
        outlook = replace(_sized(10 * 1024**2), encoded=encoded)
        assert status_line(a_job(state=JobState.DELIVERING), outlook).endswith(shown)
    assert "55 %" in status_line(a_job(state=JobState.RENDERING, percent=55), Outlook())
    assert "%" not in status_line(a_job(state=JobState.RENDERING, percent=0), Outlook())


def test_a_wish_to_cancel_is_shown_until_the_job_is_over() -> None:
    """And then what came of it is."""
    asked = {"cancel_asked_at": START}

    assert "stop" in status_line(a_job(state=JobState.RENDERING, **asked), Outlook())
    over = status_line(a_job(state=JobState.CANCELLED, finished_at=START, **asked), Outlook())
    assert "Cancelled" in over


@pytest.mark.parametrize(("state", "asked"), list(product(JobState, [None, START])))
def test_the_cancel_button_stands_where_a_cancel_can_do_something(
    state: JobState, asked: int | None
) -> None:
    """Not once the video is there, nor twice, nor when the job is over."""
    job = a_job(state=state, cancel_asked_at=asked, finished_at=START if state in FINAL else None)

    may = state not in FINAL | VIDEO_HERE and asked is None
    assert card(job, Outlook()).can_cancel is may


@pytest.mark.parametrize("state", [JobState.FAILED, JobState.CANCELLED])
@pytest.mark.parametrize("why", ["moderated", "unknown", "finished_first", "undeliverable"])
@pytest.mark.parametrize(("hold", "charged"), [(Hold.RELEASED, False), (Hold.CHARGED, True)])
def test_a_job_without_a_video_says_whether_it_was_charged(
    state: JobState, why: str, hold: Hold, charged: bool
) -> None:
    """What the ledger says, whatever the reason."""
    job = a_job(state=state, code=why, finished_at=START, hold=hold)

    assert ("1 credit was charged" in charge(job)) is charged
    assert charge(job) in status_line(job, Outlook())


@pytest.mark.parametrize(
    ("hold", "says"),
    [(Hold.CHARGED, "1 credit was charged."), (Hold.RELEASED, "It is free")],
)
def test_a_late_video_says_so_and_what_it_cost(hold: Hold, says: str) -> None:
    """The member had been told that there would be none; the signature stays at the end."""
    late = _job("fox", JobState.DELIVERING, code="late", hold=hold)

    for text in (result_text(late), link_text(late, Place.HERE, None)):
        assert "This came after I had told you that there would be no video." in text
        assert says in text
        assert text.endswith(signature(42))
    in_time = _job("fox", JobState.DELIVERING, hold=Hold.CHARGED)
    assert "told you" not in result_text(in_time) + link_text(in_time, Place.HERE, None)


def test_a_reason_without_words_of_its_own_is_still_a_sentence() -> None:
    """A code that nobody foresaw does not show up as a word of ours."""
    assert reason(a_job(state=JobState.FAILED, code="quux")) == "The video could not be made"


def test_pikas_own_sentence_is_shown_where_it_helps() -> None:
    """And nowhere else."""
    told = reason(a_job(state=JobState.FAILED, code="bad_flag", detail="unknown: -foo\n`x`"))

    assert "unknown: -foo" in told
    assert len(re.findall("`", told)) == 2
    assert "boo" not in reason(a_job(state=JobState.FAILED, code="gone", detail="boo"))


@pytest.mark.parametrize(
    ("place", "channel", "link"),
    [
        (Place.HERE, 200, "https://discord.com/channels/100/200/5"),
        (Place.PARENT, 300, "https://discord.com/channels/100/300/5"),
        (Place.DIRECT, 7, "https://discord.com/channels/@me/7/5"),
    ],
)
def test_a_finished_card_leads_to_the_video_wherever_it_is(
    place: Place, channel: int, link: str
) -> None:
    """And says when that is not where it was asked for."""
    result = Delivery(
        1, 42, DeliveryKind.RESULT, DeliveryState.SENT, channel, message_id=5, place=place
    )
    job = a_job(state=JobState.DELIVERED, finished_at=START)

    about = card(job, Outlook(result=result))

    assert about.link == link
    assert ("posted here" in about.text or "above" in about.text) is (place is not Place.HERE)


def test_a_job_without_a_prompt_is_shown_as_such() -> None:
    """``/animate`` needs none."""
    assert shown_prompt(_job("")) == "*no prompt*"


def test_the_hidden_text_and_its_font_are_shown_to_the_one_who_hid_it() -> None:
    """In code of its own."""
    job = a_job(recipe=Recipe(Verb.ENCRYPT_TEXT, "fog", message="h`i", font=Font.RETRO))

    assert shown_prompt(job) == "`fog` hiding `hˋi` in RETRO"


@pytest.mark.parametrize(
    ("actor", "reason_given", "state", "says"),
    [
        (77, None, JobState.DELIVERED, "🗑️ Removed by a moderator"),
        (77, "too loud", JobState.DELIVERED, "🗑️ Removed by a moderator, reason: `too loud`"),
        (400, None, JobState.DELIVERED, "🗑️ Deleted by whoever asked for it"),
        (
            77,
            None,
            JobState.FAILED,
            "🗑️ Removed by a moderator · 1 credit was charged, as Pika made the video",
        ),
    ],
)
def test_a_card_says_who_took_the_video_away(
    actor: int, reason_given: str | None, state: JobState, says: str
) -> None:
    """Not their name, but whether it was a moderator; and it leads nowhere any more."""
    job = _job(
        "fox",
        state,
        code="removed" if state is JobState.FAILED else None,
        hold=Hold.CHARGED,
        finished_at=START,
        removal=Removal(actor, START, reason_given),
    )
    result = Delivery(1, 42, DeliveryKind.RESULT, DeliveryState.REMOVING, 5, message_id=6)
    shown = card(job, Outlook(result=result))
    assert shown.text == f"`fox`\n{says}"
    assert shown.link is None
    assert not shown.can_cancel


@pytest.mark.parametrize("words", NASTY)
def test_no_reason_escapes_its_code(words: str) -> None:
    """On the card and in the message to the member, with their one mention before it."""
    removed = _job("fox", JobState.DELIVERED, removal=Removal(77, START, words))
    harmless = _job("fox", JobState.DELIVERED, removal=Removal(77, START, "fox"))
    assert _outside(card(removed, Outlook()).text) == _outside(card(harmless, Outlook()).text)
    assert _outside(removal_text(removed)) == _outside(removal_text(harmless))
    assert _outside(removal_text(removed)).startswith("<@400> The video of job 42 was removed")


def _rejected(reason: str | None, by: int = 7) -> Job:
    review = Review(Mark.ALL, START, Verdict.REJECTED, START, by, reason)
    return _job(
        "fox", JobState.FAILED, code=REJECTED, detail=reason, review=review, hold=Hold.CHARGED
    )


def test_a_rejection_says_who_why_and_what_it_cost() -> None:
    """A moderator, or nobody for too long; in words that cannot be markup."""
    assert status_line(_rejected("`no` @here"), Outlook()) == (
        "❌ A moderator decided not to post the video: `ˋnoˋ @here` · "
        "1 credit was charged, as Pika made the video"
    )
    assert reason(_rejected(None)) == "A moderator decided not to post the video"
    assert notice_text(_rejected("nobody looked", by=0)) == (
        "<@400> Job 42: The video was not posted, as nobody looked. "
        "1 credit was charged, as Pika made the video."
    )


def test_a_rejection_is_told_apart_from_an_earlier_notice() -> None:
    """Somebody may have been told before that no video would come."""
    earlier, rejected = _job("fox", JobState.FAILED, code="unknown"), _rejected("no")

    assert notice_text(rejected).startswith(notice_beginning(rejected))
    assert notice_text(earlier).startswith(notice_beginning(earlier))
    assert not notice_text(earlier).startswith(notice_beginning(rejected))
