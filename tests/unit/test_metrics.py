"""What Prometheus reads after the bot has done something."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import aiohttp
import pytest
from aiohttp import web
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from bot.metrics import LAG_SECONDS, MOST_WORDS, CallbackResult, HintResult, Metrics
from bot.model import (
    Hold,
    Job,
    JobState,
    Mark,
    Recipe,
    Removal,
    Requester,
    Review,
    Verb,
    Verdict,
)
from bot.workflow.changes import Changes
from bot.workflow.queue import FairQueue
from bot.workflow.servers.chores import Chore

NOW = 1_700_000_000_000
PROMPT = "a very private prompt"


@dataclass
class Clock:
    """Time that tests move, in milliseconds."""

    at: int = NOW

    def now(self) -> int:
        """Milliseconds since 1970."""
        return self.at

    async def sleep(self, seconds: float) -> None:
        """Time passes at once."""
        self.at += int(seconds * 1000)


@dataclass
class World:
    """Metrics, and those they listen to."""

    changes: Changes = field(default_factory=Changes)
    queue: FairQueue = field(default_factory=FairQueue)
    clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        """The metrics of this world."""
        self.metrics = Metrics(self.changes, self.queue, self.clock)

    def families(self) -> Iterator[Metric]:
        """What Prometheus would make of the text."""
        return iter(text_string_to_metric_families(self.metrics.text().decode()))

    def value(self, sample_name: str, **labels: str) -> float:
        """A number; 0 for a series that is not there."""
        for family in self.families():
            for sample in family.samples:
                if sample.name == sample_name and sample.labels == labels:
                    return sample.value
        return 0.0

    def moves(self, job: Job, *states: JobState, code: str | None = None) -> Job:
        """The job goes through these states; ``code`` belongs to the last one."""
        for state in states:
            last = code if state is states[-1] else None
            attempt = job.attempt + (state is JobState.SUBMITTING)
            job = replace(job, state=state, code=last, attempt=attempt)
            self.changes.tell(job)
        return job

    def credits(self) -> tuple[float, float, float]:
        """Held, charged, released."""
        held, charged, released = (
            self.value("pikabot_credits_total", hold=hold)
            for hold in ("held", "charged", "released")
        )
        return held, charged, released


@pytest.fixture
def world() -> World:
    """Nothing has happened."""
    return World()


def a_job(number: int = 1) -> Job:
    """A job as it is when it is taken."""
    requester = Requester(number, 2222222222, 3333333333, 4444444444)
    return Job(number, requester, Recipe(Verb.CREATE, PROMPT), JobState.QUEUED, NOW)


def test_a_job_is_counted_in_each_state_it_comes_to(world: World) -> None:
    """Each arrow once, and at the end no unfinished job is left."""
    way = [*list(JobState)[:2], JobState.RENDERING, JobState.DELIVERING, JobState.DELIVERED]
    world.moves(a_job(), *way)

    for state in way:
        assert world.value("pikabot_job_transitions_total", state=state, code="") == 1
    assert sum(world.value("pikabot_jobs", state=state) for state in JobState) == 0


def test_unfinished_jobs_are_known_by_state(world: World) -> None:
    """The gauge says how many jobs are where now."""
    for number in range(5):
        job = world.moves(a_job(number), JobState.QUEUED)
        if number < 2:
            world.moves(job, JobState.SUBMITTING, JobState.RENDERING)

    assert world.value("pikabot_jobs", state="queued") == 3
    assert world.value("pikabot_jobs", state="rendering") == 2
    assert world.value("pikabot_jobs", state="submitting") == 0


def test_progress_is_no_transition(world: World) -> None:
    """A job that is told of again in the same state has not come into it again."""
    job = world.moves(a_job(), JobState.QUEUED, JobState.SUBMITTING, JobState.RENDERING)
    for percent in (10, 20, 30):
        world.changes.tell(replace(job, percent=percent))

    assert world.value("pikabot_job_transitions_total", state="rendering", code="") == 1
    assert world.value("pikabot_jobs", state="rendering") == 1


def test_what_happens_to_a_job_that_is_over_is_no_transition(world: World) -> None:
    """A video that is reported or taken away has not been delivered once more."""
    job = world.moves(a_job(), *READY, JobState.DELIVERED)
    world.changes.tell(replace(job, removal=Removal(5, NOW)))

    assert world.value("pikabot_job_transitions_total", state="delivered", code="") == 1
    assert sum(world.value("pikabot_jobs", state=state) for state in JobState) == 0


def test_outcomes_are_told_apart_by_their_code(world: World) -> None:
    """Failures and doubts carry their reason, other states none that is left over."""
    world.moves(a_job(1), JobState.QUEUED, JobState.FAILED, code="moderated")
    world.moves(a_job(2), JobState.QUEUED, JobState.SUBMITTING, JobState.IN_DOUBT, code="timeout")
    left_over = replace(a_job(3), state=JobState.RENDERING, code="timeout")
    world.changes.tell(left_over)

    transitions = "pikabot_job_transitions_total"
    assert world.value(transitions, state="failed", code="moderated") == 1
    assert world.value(transitions, state="in_doubt", code="timeout") == 1
    assert world.value(transitions, state="rendering", code="") == 1


SUBMITTED = (JobState.QUEUED, JobState.SUBMITTING)
RENDERED = (*SUBMITTED, JobState.RENDERING)
READY = (*RENDERED, JobState.DELIVERING)


@pytest.mark.parametrize(
    ("way", "code", "charged", "released"),
    [
        ((JobState.QUEUED,), None, 0, 0),
        ((*READY, JobState.DELIVERED), None, 1, 0),
        ((*READY, JobState.FAILED), "undeliverable", 1, 0),
        ((*READY, JobState.FAILED), "removed", 1, 0),
        ((*SUBMITTED, JobState.FAILED), "moderated", 0, 1),
        ((*RENDERED, JobState.FAILED), "stalled", 0, 1),
        ((JobState.QUEUED, JobState.CANCELLED), "cancelled", 0, 1),
        ((JobState.QUEUED, JobState.CANCELLED), "unanswered", 0, 1),
        ((*RENDERED, JobState.CANCELLED), "cancelled", 0, 1),
        ((*RENDERED, JobState.CANCELLED), "finished_first", 1, 0),
        ((*SUBMITTED, *SUBMITTED, JobState.IN_DOUBT, *READY), None, 1, 0),
    ],
)
def test_credits_are_held_once_and_settled_once(
    world: World, way: tuple[JobState, ...], code: str | None, charged: int, released: int
) -> None:
    """Whatever way a job goes, its credit is counted as the ledger books it."""
    world.moves(a_job(), *way, code=code)

    assert world.credits() == (1, charged, released)


@pytest.mark.parametrize(("hold", "charged"), [(Hold.CHARGED, 1), (Hold.RELEASED, 0)])
def test_a_late_video_is_counted_as_such_and_charged_as_the_ledger_says(
    world: World, hold: Hold, charged: int
) -> None:
    """It was released first; a gift is not charged. How long it took is not measured."""
    job = world.moves(
        replace(a_job(), submitted_at=NOW), *SUBMITTED, JobState.FAILED, code="unknown"
    )
    job = replace(job, hold=hold, submitted_at=None)
    job = world.moves(job, JobState.DELIVERING, code="late")
    world.moves(replace(job, finished_at=NOW), JobState.DELIVERED)

    assert world.value("pikabot_job_transitions_total", state="delivering", code="late") == 1
    assert world.credits() == (1, charged, 1)
    assert world.value("pikabot_video_seconds_count") == 0
    assert sum(world.value("pikabot_jobs", state=state) for state in JobState) == 0


def test_a_member_who_is_blocked_for_a_prompt_is_counted(world: World) -> None:
    """Beside the chores that others count."""
    job = world.moves(a_job(), JobState.QUEUED, JobState.SUBMITTING)
    failed = replace(job, state=JobState.FAILED, code="moderated", blocked_until=NOW + 5)
    world.changes.tell(failed)
    world.moves(a_job(2), JobState.QUEUED, JobState.FAILED, code="moderated")
    world.metrics.chore(Chore.LOG_POSTED, 3)

    assert world.value("pikabot_chores_total", what="member_blocked") == 1
    assert world.value("pikabot_chores_total", what="log_posted") == 3


def test_jobs_of_an_earlier_process_are_there_but_not_new(world: World) -> None:
    """After a restart the gauge is right, and neither moves nor holds are counted again."""
    rendering = replace(a_job(1), state=JobState.RENDERING, attempt=1)
    world.metrics.resume([rendering, a_job(2)])
    world.changes.tell(replace(rendering, percent=50))
    world.changes.tell(replace(a_job(2), cancel_asked_at=NOW))

    assert world.value("pikabot_jobs", state="rendering") == 1
    assert world.value("pikabot_jobs", state="queued") == 1
    assert world.value("pikabot_job_transitions_total", state="rendering", code="") == 0
    assert world.credits() == (0, 0, 0)

    world.moves(rendering, JobState.DELIVERING, JobState.DELIVERED)
    assert world.value("pikabot_jobs", state="rendering") == 0
    assert world.credits() == (0, 1, 0)


def test_the_queue_is_measured_when_asked(world: World) -> None:
    """Its length is what it is now, without anybody telling."""
    world.queue.add(1, a_job().requester)
    world.queue.add(2, a_job().requester)
    assert world.value("pikabot_queue_length") == 2

    world.queue.remove(1)
    assert world.value("pikabot_queue_length") == 1


def test_waiting_ends_with_the_post_that_pika_took(world: World) -> None:
    """Attempts that Pika was too busy for belong to the wait; a job waits once."""
    job = world.moves(a_job(), *SUBMITTED, JobState.QUEUED)
    job = replace(job, submitted_at=NOW + 90_000)
    world.moves(job, JobState.SUBMITTING, JobState.IN_DOUBT, JobState.RENDERING)

    assert world.value("pikabot_queue_wait_seconds_count") == 1
    assert world.value("pikabot_queue_wait_seconds_sum") == 90


def test_delivery_is_measured_from_the_ready_video(world: World) -> None:
    """Delivery alone, and the whole time since Pika took the job, each in seconds."""
    job = replace(a_job(), submitted_at=NOW)
    job = world.moves(job, *RENDERED)
    world.clock.at = NOW + 60_000
    job = world.moves(job, JobState.DELIVERING)
    world.clock.at = NOW + 62_500
    world.moves(replace(job, finished_at=world.clock.at), JobState.DELIVERED)

    assert world.value("pikabot_delivery_seconds_count") == 1
    assert world.value("pikabot_delivery_seconds_sum") == 2.5
    assert world.value("pikabot_video_seconds_sum") == 62.5


def test_a_delivery_begun_by_an_earlier_process_is_not_guessed(world: World) -> None:
    """When the video became ready is not known then: only the whole time is measured."""
    job = replace(a_job(), state=JobState.DELIVERING, submitted_at=NOW - 100_000)
    world.metrics.resume([job])
    world.moves(replace(job, finished_at=NOW), JobState.DELIVERED)

    assert world.value("pikabot_delivery_seconds_count") == 0
    assert world.value("pikabot_video_seconds_sum") == 100


def test_a_clock_set_back_spoils_nothing(world: World) -> None:
    """Times are never negative."""
    job = world.moves(replace(a_job(), submitted_at=NOW - 5000), *READY)
    world.moves(replace(job, finished_at=NOW - 9000), JobState.DELIVERED)

    for name in ("queue_wait", "video", "delivery"):
        assert world.value(f"pikabot_{name}_seconds_sum") == 0
        assert world.value(f"pikabot_{name}_seconds_count") == 1


def test_answers_of_pika_by_endpoint_and_code(world: World) -> None:
    """Statuses as numbers, missing answers by their word, Pika's own 596 included."""
    world.metrics.pika_answered("create", 200)
    world.metrics.pika_answered("create", 200)
    world.metrics.pika_answered("jobs", 596)
    world.metrics.pika_answered("job", "timeout")

    answers = "pikabot_pika_answers_total"
    assert world.value(answers, endpoint="create", code="200") == 2
    assert world.value(answers, endpoint="jobs", code="596") == 1
    assert world.value(answers, endpoint="job", code="timeout") == 1


def test_callbacks_by_result(world: World) -> None:
    """Every way a callback and its read can end has its number."""
    for result in CallbackResult:
        world.metrics.callback(result)
    for ending in HintResult:
        world.metrics.callback_read(ending)

    assert [world.value("pikabot_callbacks_total", result=r) for r in CallbackResult] == [1] * 7
    assert [world.value("pikabot_callback_reads_total", result=r) for r in HintResult] == [1] * 3


async def test_discord_answers_are_counted_by_the_trace(world: World) -> None:
    """Each answer by its status, a broken connection as no answer; nothing else is noticed."""

    async def answer(request: web.Request) -> web.Response:
        return web.Response(status=int(request.match_info["status"]))

    app = web.Application()
    app.router.add_get("/{status}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    async with aiohttp.ClientSession(trace_configs=[world.metrics.discord_trace()]) as http:
        for status in (200, 429, 429):
            async with http.get(f"{url}/{status}"):
                pass
        await runner.cleanup()
        with pytest.raises(aiohttp.ClientConnectionError):
            await http.get(url)

    answers = "pikabot_discord_answers_total"
    assert world.value(answers, code="200") == 1
    assert world.value(answers, code="429") == 2
    assert world.value(answers, code="no_answer") == 1


class StallingLoop(asyncio.SelectorEventLoop):
    """A loop that can be held up without anybody waiting."""

    stalled = 0.0

    def time(self) -> float:
        """Its own time, moved on by what it was held up."""
        return super().time() + self.stalled


async def turns(count: int) -> None:
    """Let everything run that is due."""
    for _ in range(count):
        await asyncio.sleep(0)


def test_a_stall_of_the_event_loop_is_seen(world: World) -> None:
    """How late the loop came is counted each time; the longest stall is remembered, and a
    shorter one afterwards does not replace it.
    """

    async def two_stalls() -> None:
        with world.metrics.watch_loop():
            for seconds in (3.0, 0.7):
                await turns(3)
                loop.stalled += seconds
                await turns(3)

    loop = StallingLoop()
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.run(two_stalls())

    assert world.value("pikabot_loop_lag_max_seconds") == pytest.approx(3.0 - LAG_SECONDS, abs=0.2)
    bucket = "pikabot_loop_lag_seconds_bucket"
    all_of_them = world.value(bucket, le="+Inf")
    assert all_of_them - world.value(bucket, le="0.5") == 2
    assert all_of_them - world.value(bucket, le="1.0") == 1


def test_a_loop_is_watched_no_longer_than_asked(world: World) -> None:
    """Afterwards nothing is counted any more, however late the loop is."""

    async def stall_afterwards() -> None:
        with world.metrics.watch_loop():
            await turns(3)
        loop.stalled += 5.0
        await turns(3)

    loop = StallingLoop()
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.run(stall_afterwards())

    assert world.value("pikabot_loop_lag_max_seconds") < 1


def test_labels_stay_few_whatever_is_counted(world: World) -> None:
    """Neither many words nor strange ones nor impossible statuses make new series."""
    for number in range(500):
        world.metrics.pika_answered(f"endpoint_{number}", f"error_{number}")
        world.metrics.discord_answered(1000 + number)
        world.moves(a_job(number), JobState.QUEUED, JobState.FAILED, code=f"code_{number}")

    for name in ("pika_answers", "discord_answers", "job_transitions"):
        for label in ("endpoint", "code"):
            values = {
                sample.labels.get(label)
                for family in world.families()
                if family.name == f"pikabot_{name}"
                for sample in family.samples
            }
            assert len(values) <= MOST_WORDS + 2
    assert world.value("pikabot_pika_answers_total", endpoint="other", code="other") > 0


def test_a_label_is_a_plain_word(world: World) -> None:
    """What looks like an address, a token or a sentence is not written down."""
    for strange in ("https://x/callbacks/secret", "user:1-SECRET", "no secret", "s3cret" * 9, ""):
        world.metrics.pika_answered("create", strange)
        world.metrics.discord_answered(strange)

    assert world.value("pikabot_pika_answers_total", endpoint="create", code="other") == 4
    assert b"secret" not in world.metrics.text().lower()
    assert b"s3cret" not in world.metrics.text()


def test_nothing_personal_is_told(world: World) -> None:
    """No prompt, no id of a member, server or channel, and every name has our prefix."""
    world.moves(replace(a_job(987654321), submitted_at=NOW), *READY)
    text = world.metrics.text().decode()

    for private in (PROMPT, "2222222222", "3333333333", "4444444444", "987654321"):
        assert private not in text
    assert all(family.name.startswith("pikabot_") for family in world.families())


def test_two_bots_in_one_process_do_not_meet() -> None:
    """Each has its own registry."""
    one, other = World(), World()
    one.metrics.pika_answered("create", 200)

    assert other.value("pikabot_pika_answers_total", endpoint="create", code="200") == 0


@pytest.mark.parametrize(
    ("name", "label", "values"),
    [
        ("pikabot_callbacks", "result", [*CallbackResult]),
        ("pikabot_callback_reads", "result", [*HintResult]),
        ("pikabot_credits", "hold", ["held", "charged", "released"]),
    ],
)
def test_what_can_be_counted_begins_at_zero(
    world: World, name: str, label: str, values: list[str]
) -> None:
    """The first event is seen as a change, as its series was there before."""
    (family,) = [family for family in world.families() if family.name == name]

    assert {s.labels[label]: s.value for s in family.samples if s.name.endswith("_total")} == (
        dict.fromkeys(values, 0.0)
    )


@pytest.mark.parametrize(
    ("verdict", "by", "to", "label"),
    [
        (Verdict.APPROVED, 7, JobState.DELIVERING, "moderator"),
        (Verdict.REJECTED, 7, JobState.FAILED, "moderator"),
        (Verdict.REJECTED, 0, JobState.FAILED, "nobody"),
    ],
)
def test_reviews_and_their_decisions_are_seen(
    world: World, verdict: Verdict, by: int, to: JobState, label: str
) -> None:
    """How many videos wait, and what was decided by whom; each decision once, its credit too."""
    review = Review(Mark.ALL, NOW)
    waiting = world.moves(replace(a_job(), review=review), *RENDERED, JobState.REVIEWING)
    assert world.value("pikabot_jobs", state="reviewing") == 1
    assert world.credits() == (1, 1, 0)
    assert _decisions(world) == 0

    decided = replace(review, verdict=verdict, decided_at=NOW, decided_by=by)
    code = "rejected" if to is JobState.FAILED else None
    done = world.moves(replace(waiting, review=decided), to, code=code)
    if to is JobState.DELIVERING:
        world.moves(done, JobState.DELIVERED)
    name = "pikabot_review_decisions_total"
    assert world.value(name, verdict=verdict, by=label) == _decisions(world) == 1
    assert world.value("pikabot_jobs", state="reviewing") == 0
    assert world.credits() == (1, 1, 0)


def _decisions(world: World) -> float:
    return sum(
        sample.value
        for family in world.families()
        for sample in family.samples
        if sample.name == "pikabot_review_decisions_total"
    )
