"""The five POSTs that make a job (useapi.net docs, api-pika-v1/post-pika-create and its kin)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from aiohttp import web

from bot.sandbox.pika import flags
from bot.sandbox.pika.accounts import Account
from bot.sandbox.pika.answers import (
    INVALID_PARAMETER,
    MODERATED,
    Refusal,
    queue_full,
    reply_coded,
    unable_to_locate,
)
from bot.sandbox.pika.callbacks import Callbacks
from bot.sandbox.pika.forms import MAX_MESSAGE, MAX_PROMPT, MAX_REPLY, Form, read_form
from bot.sandbox.pika.jobs import PikaJob
from bot.sandbox.pika.life import Life
from bot.sandbox.pika.state import RequestSeen, State
from bot.sandbox.pika.wire import masked

FONTS: Final = ("MODERN", "COMICS", "SANS SERIF", "BAUHAUS", "RETRO")

# The texts for create and encrypt_text are documented. Those of the other pages are cut from
# the copies that survive and are formed after them.
_MISSING: Final = {
    "create": "prompt, discord or channel value is missing",
    "animate": "image, discord or channel value is missing",
    "encrypt_text": "message, prompt, discord or channel value is missing",
    "encrypt_image": "message, prompt, discord or channel value is missing",
    "button": "jobid or button value is missing",
}
_TOO_LONG: Final = {
    "create": "prompt, replyRef or replyUrl is too long",
    "animate": "prompt, replyRef or replyUrl is too long",
    "encrypt_text": "message, prompt, replyRef or replyUrl is too long",
    "encrypt_image": "prompt, replyRef or replyUrl is too long",
    "button": "replyRef or replyUrl is too long",
}
_REQUIRED: Final = {
    "create": ("prompt",),
    "animate": ("image",),
    "encrypt_text": ("message", "prompt"),
    "encrypt_image": ("message", "prompt"),
    "button": ("jobid", "button"),
}
_LENGTHS: Final = {
    "prompt": MAX_PROMPT,
    "message": MAX_MESSAGE,
    "replyUrl": MAX_REPLY,
    "replyRef": MAX_REPLY,
}
_EARLY: Final = frozenset({"early"})


class Submit:
    """Checks a submission, makes its job and answers as the API does."""

    def __init__(self, state: State, life: Life, callbacks: Callbacks) -> None:
        self._state = state
        self._life = life
        self._callbacks = callbacks
        self._placing: set[asyncio.Task[web.StreamResponse]] = set()

    async def close(self) -> None:
        """Break off what is being handed to the bot."""
        for task in self._placing:
            task.cancel()
        await asyncio.gather(*self._placing, return_exceptions=True)

    def handler(
        self, command: str
    ) -> Callable[[web.Request, RequestSeen], Awaitable[web.StreamResponse]]:
        """Return the handler of POST /{command}."""

        async def handle(request: web.Request, seen: RequestSeen) -> web.StreamResponse:
            form = Form()
            try:
                await read_form(request, command, form)
            finally:
                seen.fields = tuple(form.names)
                if form.violations:
                    where = f"POST /{command}"
                    self._state.violations += [f"{where}: {text}" for text in form.violations]
            _check(form, command)
            job = self._button_job(form) if command == "button" else self._job(form, command)
            # What the API has accepted goes on, whoever hangs up.
            task = asyncio.get_running_loop().create_task(self._place(job))
            self._placing.add(task)
            task.add_done_callback(self._placing.discard)
            return await asyncio.shield(task)

        return handle

    def _job(self, form: Form, command: str) -> PikaJob:
        book = self._state.book
        account, limit = self._state.accounts.choose(
            form.text("discord"), form.text("channel"), form.max_jobs(), book.load,
            _MISSING[command],
        )  # fmt: skip
        self._need_a_slot(account.channel, limit)
        prompt = form.texts.get("prompt", "")
        message = form.files.get("message") or form.text("message")
        known = flags.ENCRYPT if command.startswith("encrypt_") else flags.COMMON
        job = self._new_job(form, command, command, account, limit)
        job.prompt, job.message, job.font = prompt, message, form.text("font")
        job.image = form.files.get("image")
        job.flags = flags.parse(prompt, known)
        return job

    def _button_job(self, form: Form) -> PikaJob:
        """Make the job of POST /button: run a completed job's recipe again.

        Without `discord` the current account of the parent's channel is used (docs,
        post-pika-button). That a button outside the parent's list is a 400, and an unknown
        parent a 404, is known from the vendor's Midjourney API.
        """
        state, parent_id = self._state, form.texts["jobid"]
        parent = state.book.find(parent_id, state.clock.now())
        if parent is None:
            raise Refusal(404, unable_to_locate(parent_id))
        button = form.texts["button"]
        if parent.status != "completed" or button != "retry":
            raise Refusal(400, f"button {button} is not available for job {parent_id}")
        account, limit = state.accounts.choose(
            form.text("discord"), parent.channel, form.max_jobs(), state.book.load,
            "discord or channel value is missing",
        )  # fmt: skip
        self._need_a_slot(account.channel, limit)
        job = self._new_job(form, "button", parent.command, account, limit)
        job.button, job.parent = button, parent.jobid
        job.prompt, job.message, job.font = parent.prompt, parent.message, parent.font
        job.image, job.flags = parent.image, parent.flags
        return job

    def _new_job(
        self, form: Form, verb: str, command: str, account: Account, limit: int
    ) -> PikaJob:
        now = self._state.clock.now()
        return PikaJob(
            jobid=self._state.book.new_id(now),
            verb=f"pika-{verb}",
            command=command,
            channel=account.channel,
            discord=masked(account.discord),
            user_id=account.user_id,
            prompt="",
            created=now,
            updated=now,
            max_jobs=limit,
            reply_url=form.text("replyUrl"),
            reply_ref=form.text("replyRef"),
        )

    def _need_a_slot(self, channel: str, limit: int) -> None:
        if self._state.book.load(channel) >= limit:
            ids = self._state.book.executing_ids(channel)
            raise Refusal(429, queue_full(limit), executingJobs=ids)

    async def _place(self, job: PikaJob) -> web.StreamResponse:
        """Hand the job to the bot and answer with what it says."""
        state = self._state
        job.script = state.scripts.take(job)
        state.book.add(job)
        state.changed()
        if state.tempo.accept > 0:
            await state.clock.sleep(state.tempo.accept / state.tempo.speed)
            if not job.executing:  # cancelled meanwhile
                return reply_coded(job.body())
        message = job.message if isinstance(job.message, str) else ""
        if state.words.refuse(f"{job.prompt}\n{message}"):
            return self._refused(job, MODERATED)
        if job.flags.refusal is not None:
            return self._refused(job, INVALID_PARAMETER, job.flags.refusal)
        script = job.script
        if script is not None and script.at_submit:
            if script.outcome == "moderated":
                return self._refused(job, script.error or MODERATED, script.error_details)
            if script.outcome == "failed":
                self._life.fail(job, script.error, script.error_details)
                return reply_coded(job.body())
        self._life.start(job)
        state.accepted.append(job)
        answer = job.body()
        if state.faults.take("callback", _EARLY) is not None:
            await self._life.complete(job)
            await self._callbacks.settled(job.jobid)
        return reply_coded(answer)

    def _refused(self, job: PikaJob, error: str, details: str | None = None) -> web.Response:
        """Answer 422; the job exists and is readable (its `jobid` is in the answer)."""
        self._life.refuse(job, error, details)
        body: dict[str, object] = {"error": error}
        if details is not None:
            body["errorDetails"] = details
        return reply_coded({**body, "jobid": job.jobid, "status": "moderated"}, 422)


def _check(form: Form, command: str) -> None:
    """Check presence, lengths and font. Refusal(400) with the page's text.

    That a blank text counts as missing is an assumption.
    """
    for name in _REQUIRED[command]:
        if name not in form.files and form.text(name) is None:
            raise Refusal(400, _MISSING[command])
    for name, longest in _LENGTHS.items():
        if len(form.texts.get(name, "")) > longest:
            raise Refusal(400, _TOO_LONG[command])
    font = form.text("font")
    if font is not None and font not in FONTS:
        allowed = ", ".join(FONTS)
        raise Refusal(400, f"font {font} is not one of allowed values {allowed}")
