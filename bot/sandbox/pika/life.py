"""The life of a job: created, started, progress, and an end.

The statuses are those of useapi.net docs, get-pika-jobs-cancel, Model. The percentages on the
way are not documented; four of them are shown.
"""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from bot.sandbox.pika import content
from bot.sandbox.pika.answers import MODERATED
from bot.sandbox.pika.callbacks import Callbacks
from bot.sandbox.pika.cdn import Cdn
from bot.sandbox.pika.clock import Timer
from bot.sandbox.pika.jobs import PikaJob
from bot.sandbox.pika.picture import NotAPicture
from bot.sandbox.pika.scene import Scene, recipe_key, seed_for
from bot.sandbox.pika.scripts import Script
from bot.sandbox.pika.state import State
from bot.sandbox.pika.video import Clip, EncodingFailed, NoEncoder, Renderer
from bot.sandbox.pika.wire import snowflake

_PERCENTS: Final = (20, 40, 60, 80)
_STUCK_AT: Final = 40
_FAILED = "Pika failed to generate the video"
_UNREADABLE = "Pika could not read the image"


@dataclass(slots=True)
class _Plan:
    """What is still to come for one executing job: percentages, and when, after `base`."""

    job: PikaJob
    script: Script
    base: float
    duration: float
    steps: list[int]
    timer: Timer | None = None
    clip: asyncio.Task[Clip] | None = None
    ending: asyncio.Task[None] | None = field(default=None)


class Life:
    """Moves jobs on. Every change of a job after its creation happens here."""

    def __init__(self, state: State, renderer: Renderer, cdn: Cdn, callbacks: Callbacks) -> None:
        self._state = state
        self._renderer = renderer
        self._cdn = cdn
        self._callbacks = callbacks
        self._plans: dict[str, _Plan] = {}
        self._turns: Counter[str] = Counter()
        self._paused_at: float | None = None

    def start(self, job: PikaJob) -> None:
        """Let the bot take the job: its first message is there, the video is being made."""
        script = job.script or Script()
        seed = job.flags.number("seed")
        if seed is None:
            key = recipe_key(job)
            seed = seed_for(key, self._turns[key])
            self._turns[key] += 1
        job.seed = seed
        self._say(job, "started", content.queued)
        tempo = self._state.tempo
        duration = max(0.0, script.duration(tempo.render)) / tempo.speed
        steps = [p for p in _PERCENTS if duration > 0]
        if script.outcome == "stuck":
            steps = [p for p in steps if p <= _STUCK_AT]
        else:
            steps.append(100)
        plan = _Plan(job, script, self._state.clock.now(), duration, steps)
        self._plans[job.jobid] = plan
        if script.outcome in {"completed", "slow"}:
            self._begin_clip(plan)
        self._arm(plan)

    def refuse(self, job: PikaJob, error: str, details: str | None = None) -> None:
        """End a job as moderated before it was accepted: no callback is documented for that."""
        job.error, job.error_details = error, details
        self._end(job, "moderated", announce=False)

    def fail(self, job: PikaJob, error: str | None = None, details: str | None = None) -> None:
        """End an executing job as failed, and call back."""
        job.error, job.error_details = error or _FAILED, details
        self._end(job, "failed", announce=True)

    def cancel(self, job: PikaJob) -> None:
        """End an executing job as cancelled. A callback is not documented, so there is none."""
        self._end(job, "cancelled", announce=False)

    def complete(self, job: PikaJob) -> asyncio.Task[None]:
        """End a started job well, whatever its script says, as soon as the video is there."""
        plan = self._plans[job.jobid]
        if plan.timer is not None:
            plan.timer.cancel()
        plan.steps.clear()
        if plan.ending is None:
            plan.ending = asyncio.get_running_loop().create_task(self._complete(plan))
        return plan.ending

    def pause(self) -> None:
        """Stop all progress; a second time does nothing."""
        if self._paused_at is None:
            self._paused_at = self._state.clock.now()
            for plan in self._plans.values():
                if plan.timer is not None:
                    plan.timer.cancel()

    def resume(self) -> None:
        """Go on where progress stopped: the pause is not counted."""
        if self._paused_at is None:
            return
        paused_at, self._paused_at = self._paused_at, None
        now = self._state.clock.now()
        for plan in self._plans.values():
            plan.base += now - max(paused_at, plan.base)
            self._arm(plan)

    async def close(self) -> None:
        """Break off every job."""
        tasks = [t for p in self._plans.values() for t in (p.clip, p.ending) if t is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._plans.clear()

    def _arm(self, plan: _Plan) -> None:
        """Set the timer of the next step, at one of the moments when the API looks."""
        if self._paused_at is not None or not plan.steps:
            return
        when = plan.base + plan.duration * plan.steps[0] / 100
        tempo = self._state.tempo
        if tempo.poll > 0:
            every = tempo.poll / tempo.speed
            when = plan.job.created + every * math.ceil((when - plan.job.created) / every)
        plan.timer = self._state.clock.call_at(when, lambda: self._step(plan))

    def _step(self, plan: _Plan) -> None:
        percent = plan.steps.pop(0)
        if percent < 100:
            plan.job.percent = percent
            self._say(plan.job, "progress", content.in_progress)
            self._arm(plan)
            return
        script = plan.script
        match script.outcome:
            case "failed":
                self.fail(plan.job, script.error, script.error_details)
            case "moderated":
                plan.job.error = script.error or MODERATED
                plan.job.error_details = script.error_details
                self._end(plan.job, "moderated", announce=False)
            case _:
                self.complete(plan.job)

    def _begin_clip(self, plan: _Plan) -> asyncio.Task[Clip]:
        if plan.clip is None:
            plan.clip = asyncio.get_running_loop().create_task(self._make(plan))
            plan.clip.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
        return plan.clip

    async def _make(self, plan: _Plan) -> Clip:
        """Render. Bytes that are no picture were taken by the API, and fail here.

        What the real API does with them is not documented; Discord's bot would get an
        attachment that it cannot open.
        """
        job = plan.job
        pictures = [job.image] if job.image else []
        if job.message is not None and not isinstance(job.message, str):
            pictures.append(job.message)
        if not all(picture.looks_real for picture in pictures):
            raise NotAPicture(_UNREADABLE)
        scene = Scene.of(job)
        size, video = plan.script.size_mb, plan.script.video
        return await self._renderer.make(scene, size_mb=size, video=video)

    async def _complete(self, plan: _Plan) -> None:
        job = plan.job
        try:
            clip = await self._begin_clip(plan)
        except NotAPicture:
            self.fail(job, _UNREADABLE)
            return
        except (EncodingFailed, NoEncoder, OSError) as error:
            self.fail(job, _FAILED, str(error))
            return
        if not job.executing:
            return
        now = self._state.clock.now()
        job.percent = 100
        job.video, job.video_sha256 = clip.path, clip.sha256
        job.attachment = self._cdn.publish(job, clip, now)
        self._say(job, "completed", content.finished)
        self._end(job, "completed", announce=True)

    def _say(self, job: PikaJob, status: str, text: Callable[[PikaJob], str]) -> None:
        """Give the job a status and the bot's message that goes with it.

        The first message and the one with the video have their own ids; progress edits the
        first.
        """
        now = self._state.clock.now()
        job.status, job.content, job.updated = status, text(job), now
        if status != "progress":
            job.message_id, job.timestamp = snowflake(now), now
        self._state.changed()

    def _end(self, job: PikaJob, status: str, *, announce: bool) -> None:
        job.status, job.updated = status, self._state.clock.now()
        self._state.book.free(job)
        plan = self._plans.pop(job.jobid, None)
        if plan is not None and plan.timer is not None:
            plan.timer.cancel()
        if announce:
            self._callbacks.announce(job)
        self._state.changed()
