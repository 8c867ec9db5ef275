"""What can be said of a job beyond its state: its place, and when it will be ready."""

from __future__ import annotations

from bot.clock import Clock
from bot.model import Delivery, DeliveryKind, Job, JobState
from bot.store.deliveries import SHOWN_FINAL
from bot.workflow.delivery.messenger import Outlook
from bot.workflow.estimate import Durations
from bot.workflow.pauses import Pauses
from bot.workflow.queue import FairQueue


class Slots:
    """The jobs that are at Pika now, and how many may be."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.taken: set[int] = set()

    @property
    def free(self) -> int:
        """Jobs that may be submitted now."""
        return max(0, self.most - len(self.taken))


class Outlooks:
    """Computes places and times from the queue and from measured durations. ``encoded`` is how
    many percent of a smaller copy of a job's video are made, while one is being made.
    """

    def __init__(
        self,
        clock: Clock,
        queue: FairQueue,
        slots: Slots,
        durations: Durations,
        pauses: Pauses,
    ) -> None:
        self._clock = clock
        self._pauses = pauses
        self._queue = queue
        self._slots = slots
        self._durations = durations
        self.encoded: dict[int, int] = {}

    def of(self, job: Job, result: Delivery | None = None) -> Outlook:
        """The outlook of a job as it is in the queue now."""
        if job.state is JobState.QUEUED:
            held = self._pauses.of(job.requester.guild_id)
            if held is not None:
                return Outlook(held=held)
            return self._at(self._queue.place(job.id))
        ready_at = None
        if job.state is JobState.RENDERING and job.submitted_at and self._durations.typical:
            ready_at = job.submitted_at + self._durations.typical
        return Outlook(ready_at=ready_at, result=result, encoded=self.encoded.get(job.id))

    def _at(self, place: int | None) -> Outlook:
        """The outlook of a queued job whose place is known."""
        if place is None:
            return Outlook()
        wait = self._durations.ready_in(place, free=self._slots.free, slots=self._slots.most)
        return Outlook(place=place, ready_at=None if wait is None else self._clock.now() + wait)


def shows(job: Job, outlook: Outlook, kind: DeliveryKind = DeliveryKind.CARD) -> str:
    """What a message about this job says, in a word to compare: a different one means rewrite.
    A message that is never rewritten says its last word at once.
    """
    match kind:
        case DeliveryKind.CARD:
            return _card_shows(job, outlook)
        case DeliveryKind.REVIEW if job.state is JobState.REVIEWING:
            return "waits"
        case DeliveryKind.REPORT if outlook.reported and outlook.reported.waits(job):
            return f"reported {outlook.reported.count}"
        case _:
            return SHOWN_FINAL


def _card_shows(job: Job, outlook: Outlook) -> str:
    match job.state:
        case JobState.QUEUED if outlook.held is not None:
            what = f"held {outlook.held.by_operator} {outlook.held.pause.until}"
        case JobState.QUEUED:
            what = f"queued {outlook.place}"
        case JobState.SUBMITTING | JobState.RENDERING:
            what = f"rendering {(job.percent or 0) // 10}"
        case JobState.IN_DOUBT:
            what = "in doubt"
        case JobState.REVIEWING:
            what = "in review"
        case JobState.DELIVERING:
            what = f"delivering {outlook.result.fit if outlook.result else None}"
            if outlook.encoded is not None:
                what = f"{what} {outlook.encoded // 10}"
        case _:
            return SHOWN_FINAL
    return f"{what} stopping" if job.cancel_asked_at is not None else what
