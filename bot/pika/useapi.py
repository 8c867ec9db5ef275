"""Pika through useapi.net: the v1 API over Pika's Discord bot.

Endpoints, fields and answers: useapi.net docs, api-pika-v1 (post-pika-create, -animate,
-encrypt_text, -encrypt_image, -button; get-pika-jobid, get-pika-jobs, get-pika-jobs-cancel,
get-pika-account). There is no idempotency key: a second POST is a second video.
"""

from __future__ import annotations

import logging
import ssl
from collections.abc import Callable
from typing import Final

import httpx
from pydantic import SecretStr

from bot.model import PikaReport, PikaStatus, Recipe
from bot.pika import recipes, wire
from bot.pika.answers import Reply, read_error, sentence, submit_error
from bot.pika.backend import AccountChannel, Accounts, Backend
from bot.pika.errors import Garbled, Gone, NotSent, PikaError, Unavailable
from bot.pika.form import Form, Upload
from bot.pika.line import Line
from bot.pika.redact import Redactor

log = logging.getLogger(__name__)

MAX_JOBS: Final = 10
"""Jobs one channel may run at once (useapi.net docs, api-pika-v1/post-pika-account-channel)."""

OnAnswer = Callable[[str, int | str], None]
"""Told of each exchange: the endpoint (``create``, ``job``, ``jobs`` …) and the HTTP status,
or the error's word when there was no answer."""


class UseApi(Backend):
    """Pika behind useapi.net. ``timeout``: seconds that a POST may wait for its answer.

    The POST answers only after Pika's bot has answered in Discord (inferred from the samples:
    they already hold the bot's first message), so it takes seconds and may take a minute.
    ``channel`` and ``discord_token`` go into every request when set; without them the API
    picks one of the configured accounts. ``max_jobs`` is what one channel may run; the API takes
    1 to 10, so more than that is sent as 10. ``tls`` is for https, by default one of httpx's.
    """

    def __init__(
        self,
        *,
        base_url: str,
        token: str,
        channel: str | None,
        discord_token: str | None,
        max_jobs: int,
        timeout: float = 60.0,
        transport: httpx.AsyncBaseTransport | None = None,
        tls: ssl.SSLContext | None = None,
        on_answer: OnAnswer | None = None,
    ) -> None:
        """Raises ValueError for an address or token that cannot be sent; names no value."""
        _check(base_url, token)
        self.on_answer = on_answer
        self._channel = channel or None
        self._discord_token = SecretStr(discord_token or "")
        self._max_jobs = min(max(max_jobs, 1), MAX_JOBS)
        self._redactor = Redactor(token, discord_token)
        self._line = Line(
            base_url=base_url,
            token=token,
            timeout=timeout,
            redactor=self._redactor,
            transport=transport,
            tls=tls,
        )

    def __repr__(self) -> str:
        return f"UseApi(max_jobs={self._max_jobs})"

    async def submit(self, recipe: Recipe, *, reply_ref: str, reply_url: str | None) -> PikaReport:
        """Send a recipe to the endpoint of its verb; see ``Backend.submit``."""
        fields = recipes.fields(recipe) | self._account_fields()
        if self._channel:
            fields["channel"] = self._channel
        uploads = recipes.uploads(recipe)
        return await self._make(recipe.verb.value, fields, uploads, reply_ref, reply_url)

    async def again(
        self, pika_id: str, button: str, *, reply_ref: str, reply_url: str | None
    ) -> PikaReport:
        """Press a button of a completed job; see ``Backend.again``.

        The job's own channel is used, so none is sent.
        """
        fields = {"jobid": pika_id, "button": button} | self._account_fields()
        return await self._make("button", fields, {}, reply_ref, reply_url)

    async def executing(self) -> frozenset[str]:
        """``GET /jobs``; see ``Backend.executing``."""
        reply = await self._read("jobs", "jobs")
        if not reply.ok:
            raise read_error(reply, self._redactor, optional=True)
        names = wire.job_names(reply.body) if reply.complete else None
        if names is None:
            raise _unreadable(reply, None)
        return names

    async def report(self, pika_id: str) -> PikaReport:
        """``GET /jobs/?jobid=…``; see ``Backend.report``.

        A completed job without the address of a video is Unavailable: an answer only half
        there, as its attachments are written after its state.
        """
        return await self._read_job("job", "jobs/", pika_id)

    async def cancel(self, pika_id: str) -> PikaReport:
        """``GET /jobs/cancel/?jobid=…``; see ``Backend.cancel``.

        Whether Pika itself stops is undocumented; the slot at the API is free again.
        """
        return await self._read_job("cancel", "jobs/cancel/", pika_id, whole=False)

    async def account(self) -> Accounts:
        """``GET /account``; no account configured is an empty answer, not an error."""
        reply = await self._read("account", "account")
        if not reply.ok:
            error = read_error(reply, self._redactor)
            if isinstance(error, Gone):
                return Accounts(())
            raise error
        found = wire.accounts(reply.body) if reply.complete else None
        if found is None:
            raise _unreadable(reply, None)
        return Accounts(tuple(AccountChannel(channel, jobs) for channel, jobs in found))

    async def aclose(self) -> None:
        """Close all connections."""
        await self._line.aclose()

    def _account_fields(self) -> dict[str, str]:
        found = {"maxJobs": str(self._max_jobs)}
        if self._discord_token:
            found["discord"] = self._discord_token.get_secret_value()
        return found

    async def _make(
        self,
        endpoint: str,
        fields: dict[str, str],
        uploads: dict[str, Upload],
        reply_ref: str,
        reply_url: str | None,
    ) -> PikaReport:
        """The one place that sends what costs money."""
        form = Form(fields | recipes.reply_fields(reply_ref, reply_url), uploads)
        redactor = self._redactor.also(reply_url, reply_ref)
        try:
            try:
                missing = await form.open()
            except OSError as error:
                raise NotSent(f"A picture cannot be read: {type(error).__name__}") from None
            if missing is not None:
                raise recipes.gone(missing)
            reply = await self._exchange(endpoint, form)
        finally:
            await form.aclose()
        if not reply.ok:
            raise submit_error(reply, redactor)
        answer = wire.answer(reply.body) if reply.complete else None
        if answer is None or answer.jobid is None:
            raise Garbled("The answer names no job.", status=reply.status)
        return _report(answer, answer.jobid, wire.status(answer) or PikaStatus.WORKING, redactor)

    async def _exchange(self, endpoint: str, form: Form) -> Reply:
        try:
            reply = await self._line.send(endpoint, form)
        except PikaError as error:
            self._tell(endpoint, error.code)
            raise
        self._tell(endpoint, reply.status)
        return reply

    async def _read(self, endpoint: str, path: str, pika_id: str | None = None) -> Reply:
        params = None if pika_id is None else {"jobid": pika_id}
        try:
            reply = await self._line.read(path, params)
        except Unavailable as error:
            error.pika_id = pika_id
            self._tell(endpoint, error.code)
            raise
        self._tell(endpoint, reply.status)
        return reply

    async def _read_job(
        self, endpoint: str, path: str, pika_id: str, *, whole: bool = True
    ) -> PikaReport:
        reply = await self._read(endpoint, path, pika_id)
        if not reply.ok:
            raise read_error(reply, self._redactor, pika_id=pika_id)
        answer = wire.answer(reply.body) if reply.complete else None
        status = None if answer is None else wire.status(answer)
        if answer is None or status is None or answer.jobid != pika_id:
            raise _unreadable(reply, pika_id)
        found = _report(answer, pika_id, status, self._redactor)
        if whole and status is PikaStatus.COMPLETED and found.video_url is None:
            raise _unreadable(reply, pika_id)
        return found

    def _tell(self, endpoint: str, outcome: int | str) -> None:
        """Call the hook; its failure must not cost the answer to a paid request."""
        if self.on_answer is None:
            return
        try:
            self.on_answer(endpoint, outcome)
        except Exception:
            log.exception("counting an answer failed")


def _report(
    answer: wire.Answer, pika_id: str, status: PikaStatus, redactor: Redactor
) -> PikaReport:
    working = status is PikaStatus.WORKING
    return PikaReport(
        pika_id=pika_id,
        status=status,
        reply_ref=answer.reply_ref,
        percent=wire.percent(answer) if working else None,
        updated=answer.updated,
        video_url=wire.video_url(answer.attachments) if status is PikaStatus.COMPLETED else None,
        error=sentence(answer, redactor) or None,
    )


def _unreadable(reply: Reply, pika_id: str | None) -> Unavailable:
    return Unavailable(
        "The answer cannot be read.", status=reply.status, code="garbled", pika_id=pika_id
    )


def _check(base_url: str, token: str) -> None:
    try:
        url = httpx.URL(base_url)
    except httpx.InvalidURL:
        raise ValueError("the base address of the Pika API is no address") from None
    if url.scheme not in {"http", "https"} or not url.host or url.userinfo or url.query:
        raise ValueError("the base address of the Pika API must be plain http(s)://host/path")
    if not token or not all("!" <= letter <= "~" for letter in token):
        raise ValueError("the token of the Pika API is empty or has characters that no token has")
