"""What must hold at both servers and in the database, whatever has happened.

One place for all who let something happen and look afterwards: the town's tests, the crash
tests, the soak benchmark. Nothing here raises for a broken promise; it is told as a
``Violation``, so that whoever asked can tell the whole story.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import pairwise
from typing import Any

from bot.model import (
    FINAL,
    LATE,
    LOST,
    NEXT,
    REJECTED,
    UNDELIVERABLE,
    VIDEO_HERE,
    DeliveryKind,
    Hold,
    JobState,
    Verdict,
)
from bot.sandbox.discord import Message, World
from bot.sandbox.pika import PikaJob
from bot.store.deliveries import SHOWN_STUCK

Row = dict[str, Any]
Rows = Callable[..., list[Row]]
"""Runs a query with named parameters on the bot's database, as ``Town.rows`` does."""

UNTRUE = ("⏳", "🎬", "🔎", "👀", "📦", "🗜", "🛑")
"""How a card, or a message for moderators, begins to say that something is still to come."""

SAYS = {JobState.DELIVERED: "✅ Done", JobState.CANCELLED: "🚫 Cancelled", JobState.FAILED: "❌"}
"""How it says what became of a job."""

SAYS_REMOVED = "🗑️"
"""How it says that the video was taken away."""

DECIDED = {Verdict.APPROVED: "**Approved**", Verdict.REJECTED: "**Rejected**"}
"""How a message for moderators says what was decided."""

PAID = VIDEO_HERE
"""Unfinished states in which the credit is charged already: the video is on our disk."""


class Broken(StrEnum):
    """Which promise."""

    LOST = "lost"
    DOUBLED = "doubled"
    OVERCHARGED = "overcharged"
    UNTRUE_CARD = "untrue card"
    LEFT = "left"  # what was to be gone is still there
    BOOKS = "books"  # the database contradicts itself


@dataclass(frozen=True)
class Violation:
    """A promise that was not kept, about which job, in words."""

    broken: Broken
    text: str
    job_id: int | None = None

    def __str__(self) -> str:
        about = "" if self.job_id is None else f" job {self.job_id}"
        return f"{self.broken}{about}: {self.text}"


# -- the database alone -----------------------------------------------------------------------


def open_work(rows: Rows) -> list[Row]:
    """Jobs that are not over, cards and messages that are not what they should be, and messages
    that should not be. One whose place is closed cannot be.
    """
    return rows(
        """
        SELECT j.id, j.state, d.kind, d.state AS delivery, d.shown, d.due_at, d.place
        FROM job j LEFT JOIN delivery d ON d.job_id = j.id
        WHERE j.finished_at IS NULL OR d.state IN ('pending', 'removing')
           OR (d.kind IN ('card', 'review') AND d.state = 'sent'
               AND d.shown NOT IN ('final', :stuck))
        UNION ALL
        SELECT j.id, j.state, 'former review', 'unknown', NULL, NULL, NULL
        FROM former_review f JOIN job j ON j.id = f.job_id
        """,
        stuck=SHOWN_STUCK,
    )


def books(rows: Rows) -> Iterator[Violation]:
    """One reservation for each job, in the state that the job's own state asks for; every step
    an arrow of ``NEXT``, and none past a moderator; and the file is whole. A video that came late
    may have been free.
    """
    jobs = rows(
        """
        SELECT j.id, j.state, j.code, count(r.job_id) AS holds, min(r.state) AS hold
        FROM job j LEFT JOIN reservation r ON r.job_id = j.id GROUP BY j.id
        """
    )
    for job in jobs:
        state, hold = JobState(job["state"]), job["hold"]
        if job["holds"] != 1:
            yield Violation(Broken.BOOKS, f"{job['holds']} reservations", job["id"])
        elif (hold == Hold.HELD) != (state not in FINAL | PAID):
            yield Violation(Broken.OVERCHARGED, f"{state}, and its credit is {hold}", job["id"])
        elif state is JobState.DELIVERED and hold != Hold.CHARGED and job["code"] != LATE:
            yield Violation(Broken.BOOKS, f"delivered, and its credit is {hold}", job["id"])
    yield from _wrong_steps(rows)
    yield from _wrong_decisions(rows)
    for verdict in rows("PRAGMA integrity_check"):
        if verdict["integrity_check"] != "ok":
            yield Violation(Broken.BOOKS, verdict["integrity_check"])


def _wrong_steps(rows: Rows) -> Iterator[Violation]:
    steps: dict[int, list[JobState]] = defaultdict(list)
    for event in rows("SELECT job_id, state FROM job_event ORDER BY id"):
        steps[event["job_id"]].append(JobState(event["state"]))
    for job_id, states in steps.items():
        if states[0] is not JobState.QUEUED or any(
            after not in NEXT[before] for before, after in pairwise(states)
        ):
            yield Violation(Broken.BOOKS, f"went {' → '.join(states)}", job_id)


def _wrong_decisions(rows: Rows) -> Iterator[Violation]:
    """A video that waits is decided about once, and only an approved one goes on: to its end, or
    until it is lost.
    """
    for job in rows(
        """
        SELECT j.id, j.state, j.code, r.verdict,
               (SELECT count(*) FROM job_event e WHERE e.job_id = j.id AND e.state = 'reviewing')
               AS waited,
               (SELECT count(*) FROM audit_entry a WHERE a.action = 'review'
                AND a.subject_id = j.id) AS entries
        FROM job j LEFT JOIN review r ON r.job_id = j.id
        WHERE r.job_id IS NOT NULL OR j.state = 'reviewing' OR j.code = 'rejected'
        """
    ):
        state, verdict = JobState(job["state"]), job["verdict"]
        went = {
            None: state is JobState.REVIEWING,
            Verdict.APPROVED: state in {JobState.DELIVERING, JobState.DELIVERED}
            or (state is JobState.FAILED and job["code"] in {UNDELIVERABLE, LOST}),
            Verdict.REJECTED: state is JobState.FAILED and job["code"] in {REJECTED, LOST},
        }[verdict]
        if not went or job["waited"] != 1 or job["entries"] != (verdict is not None):
            yield Violation(Broken.BOOKS, f"its review and its state differ: {job}", job["id"])


def over_limit(rows: Rows, *, limit: int, window_ms: int, concurrent: int) -> Iterator[Violation]:
    """Whether any job was taken although its member had used up the limit, or had too many
    unfinished jobs, at the very moment when it was taken. (A job whose video came late is taken
    anew then, and nobody can tell any more when it was over before.)
    """
    taken = rows(
        """
        SELECT r.job_id AS id, r.guild_id, r.user_id, r.credits, r.state, r.held_at,
               r.settled_at, j.finished_at,
               EXISTS (SELECT 1 FROM job_event WHERE job_id = j.id AND code = :late) AS late
        FROM reservation r JOIN job j ON j.id = r.job_id ORDER BY r.held_at, r.job_id
        """,
        late=LATE,
    )
    members: dict[tuple[int, int], list[Row]] = defaultdict(list)
    for one in taken:
        earlier, now = members[one["guild_id"], one["user_id"]], one["held_at"]
        used = one["credits"] + sum(
            r["credits"]
            for r in earlier
            if r["held_at"] > now - window_ms
            and not (r["state"] == Hold.RELEASED and r["settled_at"] <= now)
        )
        open_jobs = 1 + sum(
            not r["late"] and (r["finished_at"] is None or r["finished_at"] > now) for r in earlier
        )
        if used > limit:
            yield Violation(Broken.OVERCHARGED, f"taken as credit {used} of {limit}", one["id"])
        if open_jobs > concurrent and not one["late"]:
            text = f"taken as unfinished job {open_jobs} of {concurrent}"
            yield Violation(Broken.OVERCHARGED, text, one["id"])
        earlier.append(one)


# -- Discord ----------------------------------------------------------------------------------

_FOOTER = re.compile(r"Job (\d+)")
_FILE = re.compile(r"pika-(\d+)-")
_SIGNATURE = re.compile(r"\n-# Job (\d+)$")
_NOTICE = re.compile(r"<@\d+> Job (\d+): ")
_SHARE = re.compile(r"\n-# Shared · job (\d+)$")
_REPORT = re.compile(r"\n-# Report · job (\d+)$")
_REMOVAL = re.compile(r"<@\d+> The video of job (\d+) was removed")
_REJECTION = re.compile(r"<@\d+> Job (\d+): (?:A moderator decided|The video was not posted)")
_REVIEW = re.compile(r"\n-# Review of job (\d+)(?:, message \d+)?$")

Found = dict[int, list[Message]]


@dataclass
class Posted:
    """The bot's messages by job. ``gone`` are those whose place was deleted meanwhile."""

    cards: Found = field(default_factory=lambda: defaultdict(list))
    results: Found = field(default_factory=lambda: defaultdict(list))
    notices: Found = field(default_factory=lambda: defaultdict(list))
    removals: Found = field(default_factory=lambda: defaultdict(list))
    rejections: Found = field(default_factory=lambda: defaultdict(list))
    reviews: Found = field(default_factory=lambda: defaultdict(list))
    shares: Found = field(default_factory=lambda: defaultdict(list))
    reports: Found = field(default_factory=lambda: defaultdict(list))

    @classmethod
    def of(cls, world: World, gone: Iterable[Message] = ()) -> Posted:
        """All there are in this world that everybody sees."""
        posted = cls()
        standing = [m for channel in world.channels.values() for m in channel.messages]
        for message in {id(m): m for m in (*gone, *standing)}.values():
            if message.author is world.bot and not message.ephemeral:
                posted.note(message)
        return posted

    def note(self, message: Message) -> None:
        """One message more."""
        for embed in message.embeds:
            if found := _FOOTER.fullmatch(embed.get("footer", {}).get("text", "")):
                self.cards[int(found[1])].append(message)
        named = [_FILE.match(file.filename) for file in message.attachments]
        if found := next(filter(None, named), None) or _SIGNATURE.search(message.content):
            self.results[int(found[1])].append(message)
        elif found := _REVIEW.search(message.content):
            self.reviews[int(found[1])].append(message)
        elif found := _REJECTION.match(message.content):
            self.rejections[int(found[1])].append(message)
        elif found := _NOTICE.match(message.content):
            self.notices[int(found[1])].append(message)
        elif found := _REMOVAL.match(message.content):
            self.removals[int(found[1])].append(message)
        elif found := _SHARE.search(message.content):
            self.shares[int(found[1])].append(message)
        elif found := _REPORT.search(message.content):
            self.reports[int(found[1])].append(message)

    def of_kind(self, kind: DeliveryKind) -> Found:
        """Those of one kind."""
        return {
            DeliveryKind.CARD: self.cards,
            DeliveryKind.RESULT: self.results,
            DeliveryKind.NOTICE: self.notices,
            DeliveryKind.REMOVAL: self.removals,
            DeliveryKind.REVIEW: self.reviews,
            DeliveryKind.SHARE: self.shares,
            DeliveryKind.REPORT: self.reports,
        }.get(kind, {})

    def doubled(self) -> Iterator[Violation]:
        """Messages of one kind that a job has twice."""
        kinds = {
            "card": self.cards,
            "result": self.results,
            "notice": self.notices,
            "rejection": self.rejections,
        }
        for kind, found in kinds.items():
            for job_id, messages in found.items():
                if len(messages) > 1:
                    yield Violation(Broken.DOUBLED, f"{kind} posted as {messages}", job_id)
        for job_id, messages in self.reviews.items():  # each time it went on elsewhere, one more
            if len({message.nonce for message in messages}) < len(messages):
                yield Violation(Broken.DOUBLED, f"review posted as {messages}", job_id)


def says_working(card: Message) -> bool:
    """Whether a card says that something is still to come."""
    return any(sign in card.text for sign in UNTRUE)


# -- a job that should be over, at both servers -----------------------------------------------


def removed_jobs(rows: Rows) -> set[int]:
    """Jobs whose video was taken away."""
    return {row["job_id"] for row in rows("SELECT job_id FROM removal")}


def one_job(
    job: Row, hold: str, posted: Posted, made: list[PikaJob], *, removed: bool = False
) -> Iterator[Violation]:
    """What must hold of each job once everything has come to rest.

    ``hold`` is what became of its credit, ``made`` what Pika took for it, ``removed`` says that
    its video was taken away.
    """
    job_id, state = job["id"], JobState(job["state"])
    results, notices = posted.results.get(job_id, []), posted.notices.get(job_id, [])
    if len(made) > 1:
        taken = ", ".join(f"{one.jobid} {one.status}" for one in made)
        yield Violation(Broken.DOUBLED, f"Pika took it {len(made)} times: {taken}", job_id)
    carrying = [*results, *posted.shares.get(job_id, [])]
    standing = [m for m in carrying if not m.deleted and not m.channel.deleted]
    if job["code"] == LOST:
        yield Violation(Broken.LOST, "its video was on our disk, and nobody has deleted it", job_id)
    if state not in FINAL:
        yield Violation(Broken.LOST, f"still {state}", job_id)
    elif removed:
        if standing:
            yield Violation(Broken.LEFT, f"taken away, but its video is posted: {standing}", job_id)
    elif state is JobState.DELIVERED and not results:
        yield Violation(Broken.LOST, "delivered, but its video is nowhere", job_id)
    elif state is not JobState.DELIVERED and results:
        yield Violation(Broken.LOST, f"{state}, but its video is posted", job_id)
    if state is JobState.DELIVERED and notices and job["code"] != LATE:
        yield Violation(Broken.DOUBLED, "a video, and a notice that there is none", job_id)
    if hold == Hold.CHARGED and not any(one.status == "completed" for one in made):
        yield Violation(Broken.OVERCHARGED, "charged, but Pika made no video", job_id)
    says = SAYS_REMOVED if removed else SAYS.get(state, "")
    for card in posted.cards.get(job_id, []):
        if not card.deleted and state in FINAL and says not in card.text:
            text = f"{state}, but the card says {card.text!r}"
            yield Violation(Broken.UNTRUE_CARD, text, job_id)
    yield from _review_of(job, posted)


def _review_of(job: Row, posted: Posted) -> Iterator[Violation]:
    """Whether its member and its moderators read what was decided."""
    job_id, rejected = job["id"], job["code"] == REJECTED
    if posted.rejections.get(job_id) and not rejected:
        yield Violation(Broken.BOOKS, "its member was told that it is rejected", job_id)
    verdict = Verdict.REJECTED if rejected else Verdict.APPROVED
    for message in posted.reviews.get(job_id, []):
        if not message.deleted and (DECIDED[verdict] not in message.text or message.buttons):
            text = f"{verdict}, but moderators read {message.text!r}"
            yield Violation(Broken.UNTRUE_CARD, text, job_id)
