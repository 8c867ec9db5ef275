"""What Prometheus may know: counts and times, never an id, a prompt or a secret.

Most of it is derived from the jobs that ``Changes`` tells of; the rest is told by whoever
saw it. Counters begin at zero with each process, as Prometheus expects.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from functools import cache
from types import SimpleNamespace
from typing import Final

import aiohttp
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from bot.clock import Clock
from bot.model import FAILED_WITH_VIDEO, FINAL, UNFINISHED, Hold, Job, JobState, Verdict
from bot.workflow.changes import Changes
from bot.workflow.delivery.brake import Brake
from bot.workflow.queue import FairQueue
from bot.workflow.servers.chores import Chore

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
"""The media type of ``Metrics.text``; every Prometheus reads it."""

MOST_WORDS: Final = 64
"""Different words a label may hold; further ones are counted as ``other``. Ours are fewer:
this only keeps a mistake elsewhere from filling the memory of Prometheus."""

LAG_SECONDS: Final = 0.05
"""How often the event loop is watched: of a stall, up to this much goes unseen."""

_WORD = re.compile(r"[a-z][a-z0-9_]{0,31}")
_WAITS = (1, 5, 15, 60, 180, 600, 1800, 3600, 7200, 21600)
_POSTS = (0.5, 1, 2, 5, 10, 30, 60, 300, 900, 3600)
_LAGS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_VIDEOS = (15, 30, 60, 90, 120, 180, 300, 600, 1200, 3600)
_CODED = frozenset(
    {JobState.IN_DOUBT, JobState.FAILED, JobState.CANCELLED}
    | {JobState.REVIEWING, JobState.DELIVERING}  # late
)
_DECISIONS = (
    (Verdict.APPROVED, "moderator"),
    (Verdict.REJECTED, "moderator"),
    (Verdict.REJECTED, "nobody"),  # it waited for too long
)


class CallbackResult(StrEnum):
    """What became of a callback: ``accepted`` and ``merged`` lead to a read, no other does."""

    ACCEPTED = "accepted"
    MERGED = "merged"  # the same reference waits already
    MALFORMED = "malformed"  # no reference of ours looks like that
    TOO_LARGE = "too_large"
    BROKEN = "broken"  # the body did not arrive whole, or in time
    THROTTLED = "throttled"
    FULL = "full"  # too many wait


class HintResult(StrEnum):
    """How the read after a callback ended."""

    READ = "read"
    UNKNOWN = "unknown"  # no job carries the reference
    FAILED = "failed"


class _Words:
    """Keeps the values of a label few and plain."""

    def __init__(self) -> None:
        self._known: set[str] = set()

    def __call__(self, word: str | None) -> str:
        if not word or word in self._known:
            return word or ""
        if len(self._known) < MOST_WORDS and _WORD.fullmatch(word):
            self._known.add(word)
            return word
        return "other"


class Metrics:
    """Counts in a registry of its own. Durations are in seconds."""

    def __init__(self, changes: Changes, queue: FairQueue, clock: Clock) -> None:
        self._clock = clock
        self._states: dict[int, JobState] = {}
        self._ready_at: dict[int, int] = {}
        self._job_codes, self._endpoints, self._errors = _Words(), _Words(), _Words()
        self._registry = registry = CollectorRegistry()

        self._jobs = Gauge(
            "pikabot_jobs", "Unfinished jobs by state.", ["state"], registry=registry
        )
        self._moves = Counter(
            "pikabot_job_transitions",
            "Jobs that came into a state, with the outcome's code where there is one.",
            ["state", "code"],
            registry=registry,
        )
        length = Gauge("pikabot_queue_length", "Jobs in the queue.", registry=registry)
        length.set_function(lambda: len(queue))
        self._wait = Histogram(
            "pikabot_queue_wait_seconds",
            "From the request to the POST that Pika took.",
            buckets=_WAITS,
            registry=registry,
        )
        self._video = Histogram(
            "pikabot_video_seconds",
            "From the POST that Pika took to the posted video.",
            buckets=_VIDEOS,
            registry=registry,
        )
        self._post = Histogram(
            "pikabot_delivery_seconds",
            "From the video on our disk to its message; only videos that this process fetched.",
            buckets=_POSTS,
            registry=registry,
        )
        self._credits = Counter(
            "pikabot_credits", "Credits that were held, charged, released.", ["hold"],
            registry=registry,
        )  # fmt: skip
        self._reviews = Counter(
            "pikabot_review_decisions",
            "What was decided about videos that waited for a moderator, and by whom.",
            ["verdict", "by"],
            registry=registry,
        )
        self._pika = Counter(
            "pikabot_pika_answers",
            "Answers of Pika: HTTP status, or the error's word where there was none.",
            ["endpoint", "code"],
            registry=registry,
        )
        self._discord = Counter(
            "pikabot_discord_answers",
            "Answers of Discord: HTTP status, or the error's word where there was none.",
            ["code"],
            registry=registry,
        )
        self._callbacks = Counter(
            "pikabot_callbacks", "Callbacks by what became of them.", ["result"],
            registry=registry,
        )  # fmt: skip
        self._hints = Counter(
            "pikabot_callback_reads", "Reads after callbacks by how they ended.", ["result"],
            registry=registry,
        )  # fmt: skip
        self._chores = Counter(
            "pikabot_chores",
            "What was done for whole servers: log channels that were told, and more.",
            ["what"],
            registry=registry,
        )
        self._lag = Histogram(
            "pikabot_loop_lag_seconds",
            "How late the event loop came to what was due; meanwhile nobody was answered.",
            buckets=_LAGS,
            registry=registry,
        )
        self._longest_lag = Gauge(
            "pikabot_loop_lag_max_seconds",
            "The longest of these since the process started.",
            registry=registry,
        )
        # Looking a series up costs more than counting in it, and a rush counts much.
        self._jobs_in, self._moves_to = cache(self._jobs.labels), cache(self._moves.labels)
        self._credits_that, self._discord_said = (
            cache(self._credits.labels),
            cache(self._discord.labels),
        )
        self._begin_at_zero()
        changes.listen(self._changed)

    def _begin_at_zero(self) -> None:
        """A series that appears with its first event hides that event from ``rate()``."""
        for state in UNFINISHED:
            self._jobs.labels(state)
        for hold in Hold:
            self._credits.labels(hold)
        for verdict, by in _DECISIONS:
            self._reviews.labels(verdict, by)
        for result in CallbackResult:
            self._callbacks.labels(result)
        for ending in HintResult:
            self._hints.labels(ending)
        for what in Chore:
            self._chores.labels(what)

    def text(self) -> bytes:
        """Everything, in Prometheus' text format."""
        return generate_latest(self._registry)

    def resume(self, jobs: Iterable[Job]) -> None:
        """These unfinished jobs are from an earlier process: they are there, and not new."""
        for job in jobs:
            self._enter(job)

    @contextmanager
    def watch_loop(self) -> Iterator[None]:
        """Measure inside how late the running event loop comes to its timers."""
        loop = asyncio.get_running_loop()
        longest = 0.0
        timer: asyncio.Handle

        def look(due: float) -> None:
            nonlocal timer, longest
            now = loop.time()
            lag = max(0.0, now - due)
            self._lag.observe(lag)
            if lag > longest:
                longest = lag
                self._longest_lag.set(lag)
            timer = loop.call_at(now + LAG_SECONDS, look, now + LAG_SECONDS)

        timer = loop.call_soon(look, loop.time())
        try:
            yield
        finally:
            timer.cancel()

    def pika_answered(self, endpoint: str, status: int | str) -> None:
        """Pika answered with an HTTP status, or failed to in the way of that word."""
        self._pika.labels(self._endpoints(endpoint), self._code(status)).inc()

    def discord_answered(self, status: int | str) -> None:
        """Discord answered with an HTTP status, or failed to in the way of that word."""
        self._discord_said(self._code(status)).inc()

    def callback(self, result: CallbackResult) -> None:
        """Somebody called back."""
        self._callbacks.labels(result).inc()

    def callback_read(self, result: HintResult) -> None:
        """The read after a callback has ended."""
        self._hints.labels(result).inc()

    def chore(self, what: Chore, count: int) -> None:
        """Something was done for a server, so many times."""
        self._chores.labels(what).inc(count)

    def watch(self, brake: Brake) -> None:
        """Show how near we are to Discord's ban, and what is done about it."""
        invalid = Gauge(
            "pikabot_discord_invalid_answers",
            "Answers 401, 403 and 429 of Discord in the last ten minutes; it bans at 10,000.",
            registry=self._registry,
        )
        invalid.set_function(lambda: brake.invalid)
        pace = Gauge(
            "pikabot_discord_pace",
            "How messages go: 0 freely, 1 slowly, 2 not at all.",
            registry=self._registry,
        )
        pace.set_function(lambda: brake.pace)

    def discord_trace(self) -> aiohttp.TraceConfig:
        """For ``http_trace`` of a discord.py client: counts the answer to every try."""

        async def ended(
            _session: aiohttp.ClientSession,
            _context: SimpleNamespace,
            params: aiohttp.TraceRequestEndParams,
        ) -> None:
            self.discord_answered(params.response.status)

        async def failed(
            _session: aiohttp.ClientSession,
            _context: SimpleNamespace,
            params: aiohttp.TraceRequestExceptionParams,
        ) -> None:
            if not isinstance(params.exception, asyncio.CancelledError):  # our doing
                timeout = isinstance(params.exception, TimeoutError)
                self.discord_answered("timeout" if timeout else "no_answer")

        trace = aiohttp.TraceConfig()
        trace.on_request_end.append(ended)
        trace.on_request_exception.append(failed)
        return trace

    def _code(self, status: int | str) -> str:
        if isinstance(status, str):
            return self._errors(status)
        return str(int(status)) if 100 <= status <= 599 else "other"

    def _changed(self, job: Job) -> None:
        before = self._states.get(job.id)
        if job.state is before:
            return  # progress, or a wish to cancel
        if before is None and job.state in FINAL:
            return  # it was over before; something else about it has changed
        if before is not None:
            self._jobs_in(before).dec()
        self._enter(job)
        code = self._job_codes(job.code) if job.state in _CODED else ""
        self._moves_to(job.state, code).inc()
        self._count_credits(job)
        self._take_times(job)
        if before is JobState.REVIEWING and job.review is not None and job.review.verdict:
            by = "moderator" if job.review.decided_by else "nobody"
            self._reviews.labels(job.review.verdict, by).inc()
        if job.state is JobState.FAILED and job.blocked_until is not None:
            self.chore(Chore.MEMBER_BLOCKED, 1)

    def _enter(self, job: Job) -> None:
        if job.state in FINAL:
            self._states.pop(job.id, None)
        else:
            self._states[job.id] = job.state
            self._jobs_in(job.state).inc()

    def _count_credits(self, job: Job) -> None:
        """Credits move in the commits that move the job: the same rules, read off the states."""
        hold: Hold | None = None
        match job.state:
            case JobState.QUEUED if job.attempt == 0:  # later ones come back
                hold = Hold.HELD
            case JobState.DELIVERING if job.review is not None:  # charged before it was looked at
                pass
            case JobState.REVIEWING | JobState.DELIVERING if job.hold is not Hold.RELEASED:
                hold = Hold.CHARGED  # released: it came late, and no credit was left
            case JobState.CANCELLED:
                hold = Hold.CHARGED if job.code == "finished_first" else Hold.RELEASED
            case JobState.FAILED if job.code not in FAILED_WITH_VIDEO:
                hold = Hold.RELEASED
            case _:
                pass
        if hold is not None:
            self._credits_that(hold).inc(job.credits)

    def _take_times(self, job: Job) -> None:
        match job.state:
            case JobState.RENDERING if job.submitted_at is not None:
                self._wait.observe(_seconds(job.created_at, job.submitted_at))
            case JobState.DELIVERING:
                self._ready_at[job.id] = self._clock.now()
            case JobState.DELIVERED if job.finished_at is not None:
                if job.submitted_at is not None and job.review is None:
                    self._video.observe(_seconds(job.submitted_at, job.finished_at))
                if job.id in self._ready_at:
                    self._post.observe(_seconds(self._ready_at[job.id], job.finished_at))
            case _:
                pass
        if job.state in FINAL:
            self._ready_at.pop(job.id, None)


def _seconds(start: int, end: int) -> float:
    """From ``start`` to ``end`` in milliseconds; never below zero, whatever the clock did."""
    return max(0, end - start) / 1000
