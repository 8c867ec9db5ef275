"""The server: its parts put together, and the handles by which it is driven."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Final, Self, TypeVar

from aiohttp import web

from bot.sandbox.pika.accounts import DEFAULT_ACCOUNT, Account, Accounts
from bot.sandbox.pika.callbacks import Callbacks
from bot.sandbox.pika.cdn import Cdn
from bot.sandbox.pika.clock import Clock
from bot.sandbox.pika.faults import Faults
from bot.sandbox.pika.forms import MAX_BODY
from bot.sandbox.pika.gate import Gate
from bot.sandbox.pika.jobs import PikaJob
from bot.sandbox.pika.life import Life
from bot.sandbox.pika.reads import Reads
from bot.sandbox.pika.scripts import Match, Outcome, Script
from bot.sandbox.pika.state import CallbackSent, RequestSeen, State, Tempo, Words
from bot.sandbox.pika.submit import Submit
from bot.sandbox.pika.video import Renderer, find_ffmpeg

HOST: Final = "127.0.0.1"
DEFAULT_TOKEN: Final = "user:1000-embeddedPikaToken"  # noqa: S105 - opens nothing but this server
DEFAULT_WORDS: Final = ("forbidden-by-pika", "nsfw", "gore")

_POLL: Final = 0.02
_GRACE: Final = 0.2

T = TypeVar("T")


class EmbeddedPika:
    """The Pika API of useapi.net v1 on 127.0.0.1, as strict as its documents.

    An async context manager; `start()` and `stop()` do the same. Times in seconds; see `Tempo`
    for what they mean. `port` 0 takes a free one, which a second start keeps. `instant` serves
    one small ready-made clip for every job, `video_bytes` serves those bytes: both spare the
    rendering. `accounts` are the configured channels.

    `subscription = False` answers 402. `jobs`, `accepted`, `requests`, `callbacks` and
    `violations` (things the documents do not allow, that the API may let pass) are there to be
    read; `faults`, `script()`, `pause()`, `finish()` and `clock` decide what happens.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        token: str = DEFAULT_TOKEN,
        speed: float = 1.0,
        render_seconds: float = 2.0,
        accept_seconds: float = 0.0,
        poll_seconds: float = 0.0,
        link_seconds: float = 86400.0,
        instant: bool = False,
        video_bytes: bytes | None = None,
        words: tuple[str, ...] = DEFAULT_WORDS,
        accounts: tuple[Account, ...] = (DEFAULT_ACCOUNT,),
    ) -> None:
        self.tempo = Tempo(render_seconds, accept_seconds, poll_seconds, link_seconds, speed)
        self._state = State(token, Accounts(accounts), self.tempo, Words(words))
        self._port = port
        self._instant = instant
        self._video = video_bytes
        self._life: Life | None = None
        self._renderer: Renderer | None = None
        self._callbacks: Callbacks | None = None
        self._submit: Submit | None = None
        self._runner: web.AppRunner | None = None
        self._site: web.TCPSite | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Listen. OSError when the port is taken, NoEncoder when there is no ffmpeg."""
        if self._runner is not None:
            return
        if self._video is None:
            find_ffmpeg()
        self._state.stopping.clear()
        self._folder = tempfile.TemporaryDirectory(prefix="embedded-pika-")
        folder = Path(self._folder.name)
        self._renderer = Renderer(folder, instant=self._instant, video=self._video)
        self._callbacks = Callbacks(self._state)
        cdn = Cdn(self._state)
        self._life = Life(self._state, self._renderer, cdn, self._callbacks)
        app = self._application(self._life, cdn, self._callbacks)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=_GRACE)
        try:
            await self._runner.setup()
            await self.plug()
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Close every connection, break off every job, remove every file."""
        self._state.stopping.set()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = self._site = None
        self._state.clock.close()
        if self._submit is not None:
            await self._submit.close()
        if self._life is not None:
            await self._life.close()
        if self._renderer is not None:
            await self._renderer.close()
        if self._callbacks is not None:
            await self._callbacks.close()
        self._life = self._renderer = self._callbacks = self._submit = None
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    async def unplug(self) -> None:
        """Stop listening and close every connection; jobs go on. `plug()` undoes it."""
        if self._site is not None and self._runner is not None:
            await self._site.stop()
            self._site = None
            if self._runner.server is not None:
                await self._runner.server.shutdown(_GRACE)

    async def plug(self) -> None:
        """Listen again, on the same port. OSError when somebody else has taken it."""
        if self._runner is None or self._site is not None:
            return
        site = web.TCPSite(self._runner, HOST, self._port)
        await site.start()
        self._site = site
        self._port = int(self._runner.addresses[0][1])
        self._state.origin = f"http://{HOST}:{self._port}"

    @property
    def up(self) -> bool:
        """Whether it listens."""
        return self._site is not None

    def _application(self, life: Life, cdn: Cdn, callbacks: Callbacks) -> web.Application:
        gate = Gate(self._state, cdn)
        submit = self._submit = Submit(self._state, life, callbacks)
        reads = Reads(self._state, life)
        app = web.Application(client_max_size=MAX_BODY)
        base, router = "/v1/pika", app.router
        for command in ("create", "animate", "encrypt_text", "encrypt_image", "button"):
            router.add_post(f"{base}/{command}", gate.api(command, submit.handler(command)))
        router.add_get(f"{base}/jobs", gate.api("jobs", reads.jobs), allow_head=False)
        router.add_get(f"{base}/jobs/", gate.api("job", reads.job), allow_head=False)
        router.add_get(f"{base}/jobs/cancel/", gate.api("cancel", reads.cancel), allow_head=False)
        account = f"{base}/account"
        router.add_get(account, gate.api("account", reads.accounts), allow_head=False)
        router.add_post(account + "/{channel}", gate.api("account", reads.configure))
        router.add_delete(account + "/{channel}", gate.api("account", reads.remove))
        for prefix in ("/attachments", "/media/attachments"):
            router.add_get(prefix + "/{channel}/{number}/{name}", gate.cdn())
        router.add_route("*", "/{rest:.*}", gate.unknown)
        return app

    @property
    def port(self) -> int:
        """The port listened on; 0 before the first start if none was chosen."""
        return self._port

    @property
    def origin(self) -> str:
        """Scheme, host and port: the base of the links to the CDN."""
        return self._state.origin

    @property
    def api_url(self) -> str:
        """The base address of the API."""
        return f"{self._state.origin}/v1/pika"

    @property
    def token(self) -> str:
        """The accepted Bearer token."""
        return self._state.token

    @token.setter
    def token(self, token: str) -> None:
        self._state.token = token

    @property
    def subscription(self) -> bool:
        """Whether the account is paid for; if not, 402."""
        return self._state.subscription

    @subscription.setter
    def subscription(self, paid: bool) -> None:
        self._state.subscription = paid

    @property
    def words(self) -> tuple[str, ...]:
        """The words that Pika refuses."""
        return self._state.words.get()

    @words.setter
    def words(self, words: tuple[str, ...]) -> None:
        self._state.words.set(words)

    @property
    def clock(self) -> Clock:
        """The server's clock."""
        return self._state.clock

    @property
    def faults(self) -> Faults:
        """The faults to come."""
        return self._state.faults

    @property
    def accounts(self) -> dict[str, Account]:
        """The configured accounts by channel."""
        return self._state.accounts.by_channel

    @property
    def jobs(self) -> dict[str, PikaJob]:
        """Every job by its id, those refused with 422 too."""
        return self._state.book.by_id

    @property
    def executing(self) -> dict[str, PikaJob]:
        """The jobs that hold a slot, oldest first."""
        return self._state.book.executing

    @property
    def accepted(self) -> list[PikaJob]:
        """The submissions that Pika took, in order, whether or not the caller heard of it."""
        return self._state.accepted

    @property
    def requests(self) -> list[RequestSeen]:
        """Every request, in order of arrival."""
        return self._state.requests

    @property
    def callbacks(self) -> list[CallbackSent]:
        """Every callback, in order of its end."""
        return self._state.callbacks

    @property
    def violations(self) -> list[str]:
        """What clients did that no document allows."""
        return self._state.violations

    def by_ref(self, reply_ref: str) -> list[PikaJob]:
        """Return the accepted jobs with this replyRef, in order: never more than one, please."""
        return [job for job in self._state.accepted if job.reply_ref == reply_ref]

    def script(
        self,
        *,
        match: Match = None,
        outcome: Outcome = "completed",
        seconds: float | None = None,
        error: str | None = None,
        error_details: str | None = None,
        times: int | None = 1,
        at_submit: bool = False,
        size_mb: float | None = None,
        video: bytes | None = None,
    ) -> Script:
        """Decide the fate of the next jobs that match; see `Script`."""
        return self._state.scripts.add(
            Script(
                match=match,
                outcome=outcome,
                seconds=seconds,
                error=error,
                error_details=error_details,
                times=times,
                at_submit=at_submit,
                size_mb=size_mb,
                video=video,
            )
        )

    @property
    def scripts(self) -> list[Script]:
        """The scripts that wait for their job, in order; removing one calls it off."""
        return self._state.scripts.waiting

    def unscript(self) -> None:
        """Forget all scripts that wait for their job."""
        self._state.scripts.clear()

    def pause(self) -> None:
        """Stop the progress of all jobs; new ones are still taken."""
        self._running().pause()

    def resume(self) -> None:
        """Let jobs go on where they stopped."""
        self._running().resume()

    def finish(self, jobid: str) -> asyncio.Task[None]:
        """Complete a job now, paused or not, whatever its script says.

        The video may still have to be rendered: await the result, or do not. KeyError when no
        such job is running.
        """
        return self._running().complete(self._started(jobid))

    def fail(self, jobid: str, error: str | None = None, details: str | None = None) -> None:
        """Let a job fail now. KeyError when no such job is running."""
        self._running().fail(self._started(jobid), error, details)

    async def call_back(self, jobid: str) -> CallbackSent:
        """Call back about a job now: late, again, before others, or although it has not ended.

        What became of it is returned. KeyError for an unknown job, ValueError for one that has
        no replyUrl.
        """
        if self._callbacks is None:
            message = "the server is not running"
            raise RuntimeError(message)
        return await self._callbacks.repeat(self.jobs[jobid])

    async def change(self) -> None:
        """Wait until anything is different here."""
        await asyncio.shield(self._state.next_change())

    async def wait_for(self, condition: Callable[[], T], *, timeout: float = 10.0) -> T:  # noqa: ASYNC109 - fixed name
        """Wait until the condition holds and return what it returned.

        It is asked again whenever something changes here, and every 20 ms for what changes
        elsewhere. TimeoutError after `timeout` seconds of real time.
        """
        async with asyncio.timeout(timeout):
            while not (result := condition()):
                await asyncio.wait([self._state.next_change()], timeout=_POLL)
        return result

    def _running(self) -> Life:
        if self._life is None:
            message = "the server is not running"
            raise RuntimeError(message)
        return self._life

    def _started(self, jobid: str) -> PikaJob:
        job = self._state.book.executing[jobid]
        if job.status == "created":
            raise KeyError(jobid)
        return job
