"""Values everybody speaks of, and the one list of arrows a job may follow.

Times are integers of milliseconds since 1970 and end in ``_at``; ids of Discord are
integers (snowflakes). Nothing here knows Discord, Pika, SQLite or the clock.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Final

PROMPT_LIMIT: Final = 1500
"""Characters of a prompt with its flags (useapi.net docs, api-pika-v1)."""

MESSAGE_LIMIT: Final = 20
"""Characters of the text that ``/encrypt_text`` hides (same source)."""


UNANSWERED: Final = "unanswered"
"""The code of a job whose command came too late to be answered: nobody saw it, it has no card."""


class Verb(StrEnum):
    """The four things Pika's bot makes; the value is the command's and the endpoint's name."""

    CREATE = "create"
    ANIMATE = "animate"
    ENCRYPT_TEXT = "encrypt_text"
    ENCRYPT_IMAGE = "encrypt_image"


class Font(StrEnum):
    """Fonts of ``/encrypt_text`` (useapi.net docs, post-pika-encrypt_text)."""

    MODERN = "MODERN"
    COMICS = "COMICS"
    SANS_SERIF = "SANS SERIF"
    BAUHAUS = "BAUHAUS"
    RETRO = "RETRO"


class JobState(StrEnum):
    """Where a job is; a word that ends in ``-ing`` means somebody is working on it."""

    QUEUED = "queued"
    SUBMITTING = "submitting"  # the POST may be on its way
    IN_DOUBT = "in_doubt"  # sent, outcome unknown: ask, never send again
    RENDERING = "rendering"
    REVIEWING = "reviewing"  # the video is on our disk and charged; a moderator has to look at it
    DELIVERING = "delivering"  # the video is on our disk and charged
    DELIVERED = "delivered"
    FAILED = "failed"
    CANCELLED = "cancelled"


NEXT: Final = MappingProxyType(
    {
        JobState.QUEUED: frozenset({JobState.SUBMITTING, JobState.FAILED, JobState.CANCELLED}),
        JobState.SUBMITTING: frozenset(
            {JobState.RENDERING, JobState.QUEUED, JobState.FAILED, JobState.IN_DOUBT}
        ),
        JobState.IN_DOUBT: frozenset({JobState.RENDERING, JobState.QUEUED, JobState.FAILED}),
        JobState.RENDERING: frozenset(
            {JobState.REVIEWING, JobState.DELIVERING, JobState.FAILED, JobState.CANCELLED}
        ),
        JobState.REVIEWING: frozenset({JobState.DELIVERING, JobState.FAILED}),
        JobState.DELIVERING: frozenset({JobState.DELIVERED, JobState.FAILED}),
        JobState.DELIVERED: frozenset[JobState](),
        # Late: see ``may_come_late``.
        JobState.FAILED: frozenset({JobState.REVIEWING, JobState.DELIVERING}),
        JobState.CANCELLED: frozenset[JobState](),
    }
)
"""Every arrow of the state machine; ``store.jobs.move`` refuses any other."""

FINAL: Final = frozenset({JobState.DELIVERED, JobState.FAILED, JobState.CANCELLED})
"""States that the member is told of as the end."""

UNFINISHED: Final = frozenset(NEXT) - FINAL

VIDEO_HERE: Final = frozenset({JobState.REVIEWING, JobState.DELIVERING})
"""Unfinished, but Pika's part is done: nothing can be cancelled any more."""

GIVEN_UP: Final = frozenset({"unknown", "stalled", "gone", "video_unreachable"})
"""Codes of failures that nobody told us of: we stopped waiting, and Pika may still be done."""

MODERATED: Final = "moderated"
"""The code of a job whose prompt or picture Pika's moderation refused."""

SERVER_LEFT: Final = "server_left"
"""The code of a job that was cancelled as the bot was removed from its server."""

REJECTED: Final = "rejected"
"""The code of a job whose video a moderator has looked at and does not want posted."""

UNDELIVERABLE: Final = "undeliverable"
"""The code of a job whose video no place has taken; it is kept."""

LOST: Final = "lost"
"""The code of a job whose finished video was lost before it was posted: nothing is charged."""

REMOVED: Final = "removed"
"""The code of a job whose video was taken away before it was posted."""

FAILED_WITH_VIDEO: Final = frozenset({REJECTED, UNDELIVERABLE, REMOVED})
"""Codes of failures with a video, which is charged."""

LATE: Final = "late"
"""The code of a job whose video came after it had failed."""

LATE_MS: Final = 24 * 3_600_000
"""How long a job that was given up may still be delivered: Pika's links live about as long, and
nobody waits for a video of last week."""


class Hold(StrEnum):
    """What became of the credits set aside for a job: ``held`` settles once. Released ones may
    be taken once more, for a video that comes late.
    """

    HELD = "held"
    CHARGED = "charged"
    RELEASED = "released"


class DeliveryKind(StrEnum):
    """A message that must exist in Discord."""

    CARD = "card"  # what became of the request, kept up to date
    RESULT = "result"  # the video
    NOTICE = "notice"  # why there is no video
    REVIEW = "review"  # the video, for moderators to look at before it is posted
    SHARE = "share"  # the video once more, where the server shows its best
    REPORT = "report"  # members find that the video should go: for moderators
    REMOVAL = "removal"  # that a moderator has taken the video away, for the member


WITH_VIDEO: Final = frozenset({DeliveryKind.RESULT, DeliveryKind.REVIEW, DeliveryKind.SHARE})
"""Messages that carry the video, in a size that fits where they go."""

LIVING: Final = frozenset({DeliveryKind.CARD, DeliveryKind.REVIEW, DeliveryKind.REPORT})
"""Messages that are kept true for as long as there is something to say."""


class DeliveryState(StrEnum):
    """Whether that message exists."""

    PENDING = "pending"
    SENT = "sent"
    UNDELIVERABLE = "undeliverable"
    REMOVING = "removing"  # it exists, and must not
    REMOVED = "removed"  # it did exist


class Place(StrEnum):
    """Where a message ended up, in the order in which places are tried."""

    CHOSEN = "chosen"  # a channel that the server's moderators have chosen for its kind
    HERE = "here"
    PARENT = "parent"
    DIRECT = "direct"


class Mark(StrEnum):
    """Why a video is looked at by a moderator before it is posted."""

    NEWCOMER = "newcomer"  # whoever asked is new in the server
    FLAGGED = "flagged"  # words in the request that the server wants to know of
    ALL = "all"  # the server looks at every video


class Verdict(StrEnum):
    """What a moderator has decided about a video."""

    APPROVED = "approved"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Review:
    """A video that is looked at before it is posted: why, and what was decided by whom.

    ``decided_by`` is a member's id, 0 for the bot itself, when nobody looked for too long.
    """

    why: Mark
    asked_at: int
    verdict: Verdict | None = None
    decided_at: int | None = None
    decided_by: int | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Removal:
    """The video was taken away, by a moderator or by whoever asked for it: its messages are
    deleted, and so is its file.
    """

    actor_id: int
    at: int
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Picture:
    """An image a member gave: what Discord said of it, and where its bytes are.

    ``url`` is Discord's signed address, good for about a day and kept only until the
    bytes are in ``path``.
    """

    filename: str
    content_type: str
    size: int
    url: str | None = field(default=None, repr=False)
    path: Path | None = None


@dataclass(frozen=True, slots=True)
class Flags:
    """Pika's options, written after the prompt; ``None`` leaves one to Pika."""

    aspect_ratio: str | None = None
    motion: int | None = None
    camera: str | None = None
    fps: int | None = None
    guidance: int | None = None
    negative: str | None = None
    seed: int | None = None


@dataclass(frozen=True, slots=True)
class Recipe:
    """What to make. Immutable; asking again reuses it.

    ``prompt`` is the text as Pika gets it, flags included, at most 1500 characters.
    ``message`` is the text of ``/encrypt_text``; ``message_image`` the picture of
    ``/encrypt_image``; ``image`` the start or reference picture of any verb.
    """

    verb: Verb
    prompt: str
    message: str | None = None
    font: Font | None = None
    image: Picture | None = None
    message_image: Picture | None = None


@dataclass(frozen=True, slots=True)
class Requester:
    """Who asks, and from where.

    ``request_key`` is the id of the Discord interaction: the same one twice is one job.
    ``parent_id`` is the channel that a thread hangs under, ``None`` outside threads.
    """

    request_key: int
    user_id: int
    guild_id: int
    channel_id: int
    parent_id: int | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """One thing asked for, from the command to the posted video. People say "job 42".

    ``code`` names the outcome of a job that made no video (``moderated``, ``bad_flag`` …) or
    says that its video came late, ``detail`` is Pika's own sentence about it. ``progressed_at``
    is when Pika last showed life. ``cancel_asked_at`` is a wish, not a state; ``cancel_asked_by``
    is the moderator who has it, if it is not the member's. ``credits`` is what it costs, ``hold``
    what the ledger says of them. ``mark`` is why its video is to be looked at first, as far as
    that was known when it was taken; ``review`` is that look, ``removal`` that it was taken away.
    ``blocked_until`` is the end of the block that its moderated prompt brought. ``erased_at`` is
    when its words and pictures were erased: its card stays as it is.
    """

    id: int
    requester: Requester
    recipe: Recipe
    state: JobState
    created_at: int
    attempt: int = 0
    reply_ref: str | None = field(default=None, repr=False)
    pika_id: str | None = None
    submitted_at: int | None = None
    progressed_at: int | None = None
    finished_at: int | None = None
    cancel_asked_at: int | None = None
    cancel_asked_by: int | None = None
    percent: int | None = None
    code: str | None = None
    detail: str | None = None
    video_path: Path | None = None
    hold: Hold = Hold.HELD
    credits: int = 1
    mark: Mark | None = None
    review: Review | None = None
    removal: Removal | None = None
    blocked_until: int | None = None
    erased_at: int | None = None


def may_come_late(job: Job, now: int) -> bool:
    """Whether a video of this job is still welcome, although the member was told of its end:
    we gave it up, not Pika; not long ago; and nobody wanted it cancelled.
    """
    if job.state is not JobState.FAILED or job.code not in GIVEN_UP or job.finished_at is None:
        return False
    return job.cancel_asked_at is None and now - job.finished_at < LATE_MS


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message that must exist in Discord, and what is known of it.

    ``shown`` is what a card said when it was last written; a card whose job has moved on
    is rewritten. ``attempts`` counts posts that were begun in this place,
    ``first_try_at`` and ``last_try_at`` when. ``round`` counts how often the message was wanted
    anew: each time it is another one. ``fit`` is the size in bytes that a video too large for its
    server is encoded to; 0 says that only its link is posted. ``code`` is why Discord did not take
    it in the last place before this one.
    """

    id: int
    job_id: int
    kind: DeliveryKind
    state: DeliveryState
    channel_id: int
    message_id: int | None = None
    shown: str | None = None
    attempts: int = 0
    due_at: int = 0
    place: Place = Place.HERE
    sent_at: int | None = None
    fit: int | None = None
    first_try_at: int | None = None
    last_try_at: int | None = None
    round: int = 0
    code: int | None = None

    @property
    def nonce(self) -> str:
        """Discord's deduplication key of this message: at most 25 characters."""
        anew = f"-{self.round}" if self.round else ""
        return f"pika-{self.job_id}-{_LETTERS[self.kind]}-{self.place[0]}{anew}"


_LETTERS: Final = MappingProxyType(
    {
        DeliveryKind.CARD: "c",
        DeliveryKind.RESULT: "r",
        DeliveryKind.NOTICE: "n",
        DeliveryKind.REVIEW: "v",
        DeliveryKind.SHARE: "s",
        DeliveryKind.REPORT: "p",
        DeliveryKind.REMOVAL: "x",
    }
)
"""Never changed: after an upgrade a message that is under way has the nonce of before."""


@dataclass(frozen=True, slots=True)
class Quota:
    """How much a member of one server may use: ``credits`` in any ``window_ms``."""

    credits: int
    window_ms: int
    concurrent: int


class PikaStatus(StrEnum):
    """The state of a job at Pika; ``working`` covers created, started and progress."""

    WORKING = "working"
    COMPLETED = "completed"
    MODERATED = "moderated"
    BAD_FLAG = "bad_flag"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class PikaReport:
    """What the API says of one of its jobs, in words that any backend shares."""

    pika_id: str
    status: PikaStatus
    reply_ref: str | None = field(default=None, repr=False)
    percent: int | None = None
    updated: str | None = None
    video_url: str | None = field(default=None, repr=False)
    error: str | None = None
