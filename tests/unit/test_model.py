"""The one list of arrows, and the names that Discord and the database know too."""

from __future__ import annotations

import re
from importlib import resources

import pytest

from bot.model import (
    FINAL,
    GIVEN_UP,
    LATE_MS,
    NEXT,
    UNFINISHED,
    Delivery,
    DeliveryKind,
    DeliveryState,
    Hold,
    Job,
    JobState,
    Mark,
    Picture,
    PikaReport,
    PikaStatus,
    Place,
    Verb,
    Verdict,
    may_come_late,
)
from bot.rules.words import Then
from tests.fakes import START, a_job

MIGRATIONS = resources.files("bot.store").joinpath("migrations")
SCHEMA = "".join(
    path.read_text("utf-8")
    for path in sorted(MIGRATIONS.iterdir(), key=lambda path: path.name)
    if path.name.endswith(".sql")
)
"""All migrations, one after the other: what stands last holds."""


def _words(constraint: str) -> set[str]:
    """The words that a CHECK ... IN (...) of the schema lists."""
    found = re.findall(rf"CONSTRAINT {constraint}" + r"\s+CHECK \(\w+ IN \(([^)]*)\)", SCHEMA)
    assert found, constraint
    return set(re.findall(r"'(\w+)'", found[-1]))


@pytest.mark.parametrize(
    ("constraint", "words"),
    [
        ("state_is_known", set(JobState)),
        ("verb_is_known", set(Verb)),
        ("hold_is_known", set(Hold)),
        ("kind_is_known", set(DeliveryKind)),
        ("delivery_state_is_known", set(DeliveryState)),
        ("place_is_known", set(Place)),
        ("phrase_leads_somewhere", set(Then)),
        ("verdict_is_known", set(Verdict)),
        ("review_has_a_reason", set(Mark)),
        ("mark_is_known", set(Mark) - {Mark.ALL}),
    ],
)
def test_the_schema_lists_the_words_of_the_model(constraint: str, words: set[str]) -> None:
    """A word that one of the two does not know would be refused at the worst moment."""
    assert _words(constraint) == words


def test_the_schema_knows_which_states_are_final() -> None:
    """``finished_iff_final`` and ``FINAL`` say the same."""
    found = re.findall(r"CONSTRAINT finished_iff_final\s+CHECK \(\(state IN \(([^)]*)\)", SCHEMA)

    assert found
    assert set(re.findall(r"'(\w+)'", found[-1])) == FINAL


def test_the_index_of_what_was_given_up_knows_every_code() -> None:
    """A code that only the model knows would be searched for in the whole table."""
    found = re.findall(r"WHERE state = 'failed' AND code IN \(([^)]*)\)", SCHEMA)

    assert found
    assert set(re.findall(r"'(\w+)'", found[-1])) == GIVEN_UP


def test_every_state_is_in_next_and_can_be_reached() -> None:
    """No state is forgotten, and none is decoration."""
    reached = {JobState.QUEUED}.union(*NEXT.values())

    assert set(NEXT) == set(JobState)
    assert reached == set(JobState)


def test_from_every_state_there_is_a_way_to_an_end() -> None:
    """No job can be caught in a circle without an exit, and ends are ends."""
    for start in UNFINISHED:
        seen, todo = set(), [start]
        while todo:
            state = todo.pop()
            if state not in seen:
                seen.add(state)
                todo += NEXT[state]
        assert seen & FINAL, start
    assert {state: NEXT[state] for state in FINAL if NEXT[state]} == {
        JobState.FAILED: {JobState.REVIEWING, JobState.DELIVERING}  # a video that comes late
    }
    assert set(JobState) == FINAL | UNFINISHED
    assert not FINAL & UNFINISHED


@pytest.mark.parametrize(
    ("changes", "welcome"),
    [
        ({}, True),
        ({"code": "stalled"}, True),
        ({"code": "gone"}, True),
        ({"code": "video_unreachable"}, True),
        ({"finished_at": START - LATE_MS + 1}, True),
        ({"finished_at": START - LATE_MS}, False),
        ({"code": "failed"}, False),
        ({"code": "moderated"}, False),
        ({"code": "undeliverable"}, False),
        ({"code": "refused"}, False),
        ({"cancel_asked_at": START}, False),
        ({"state": JobState.CANCELLED}, False),
        ({"state": JobState.DELIVERED}, False),
        ({"state": JobState.RENDERING, "finished_at": None}, False),
    ],
)
def test_a_late_video_is_welcome_where_we_gave_up_and_not_where_pika_said_no(
    changes: dict[str, object], welcome: bool
) -> None:
    """For a day, and not where the member had asked to cancel."""
    given_up = {"state": JobState.FAILED, "code": "unknown", "finished_at": START}

    assert may_come_late(a_job(**(given_up | changes)), START) is welcome


def test_a_paid_request_is_never_sent_again_on_doubt_alone() -> None:
    """Only ``queued`` leads to a POST, and neither doubt nor rendering leads there directly."""
    assert [state for state in JobState if JobState.SUBMITTING in NEXT[state]] == [JobState.QUEUED]
    assert JobState.QUEUED not in NEXT[JobState.RENDERING]


def test_the_arrows_cannot_be_changed_at_run_time() -> None:
    """``NEXT`` is a constant, not a suggestion."""
    with pytest.raises(TypeError):
        NEXT[JobState.FAILED] = frozenset({JobState.QUEUED})  # type: ignore[index]


@pytest.mark.parametrize("kind", DeliveryKind)
@pytest.mark.parametrize("place", Place)
def test_a_nonce_is_its_own_and_fits_discord(kind: DeliveryKind, place: Place) -> None:
    """At most 25 characters, even for the last job a snowflake could number."""
    job_id = 10**13

    nonce = Delivery(1, job_id, kind, DeliveryState.PENDING, 5, place=place).nonce
    anew = Delivery(1, 10**10, kind, DeliveryState.PENDING, 5, place=place, round=9_999).nonce

    assert len(nonce) <= 25
    assert len(anew) <= 25


def test_nonces_of_different_messages_differ() -> None:
    """The same nonce twice would swallow the second message."""
    nonces = {
        Delivery(1, job_id, kind, DeliveryState.PENDING, 5, place=place, round=round_).nonce
        for job_id in (1, 11, 111)
        for kind in DeliveryKind
        for place in Place
        for round_ in (0, 1, 11)
    }

    assert len(nonces) == 3 * len(DeliveryKind) * len(Place) * 3


def test_no_value_shows_a_secret_when_it_is_printed() -> None:
    """Signed addresses and references are keys; a log line of a job holds none."""
    picture = Picture("a.png", "image/png", 1, url="https://cdn/secret")
    report = PikaReport("p", PikaStatus.COMPLETED, "secret", video_url="https://cdn/secret")
    job: Job = a_job(reply_ref="secret")

    assert "secret" not in f"{picture!r} {report!r} {job!r}"
