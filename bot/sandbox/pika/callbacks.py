"""Calling `replyUrl` back.

Once a job is completed or failed, its JSON is POSTed there, in the shape of
GET /jobs/?jobid= (useapi.net docs, api-pika-v1/post-pika-create). Retries, time limits and
signatures are not documented, so there are none: one try, ten seconds, no secret.
"""

from __future__ import annotations

import asyncio
import ipaddress
from typing import Final

import aiohttp
import orjson
from yarl import URL

from bot.sandbox.pika.faults import pause
from bot.sandbox.pika.jobs import PikaJob
from bot.sandbox.pika.state import CallbackSent, State

_KINDS: Final = frozenset({"twice", "lost", "late"})
_TIMEOUT = aiohttp.ClientTimeout(total=10)


class Callbacks:
    """Sends callbacks in the background and remembers each in `state.callbacks`."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._session: aiohttp.ClientSession | None = None
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def announce(self, job: PikaJob) -> None:
        """Start to call back for a job that has ended; without a replyUrl do nothing."""
        if job.reply_url is None:
            return
        task = asyncio.get_running_loop().create_task(self._send(job, job.reply_url))
        self._tasks[job.jobid] = task
        task.add_done_callback(lambda _: self._tasks.pop(job.jobid, None))

    async def repeat(self, job: PikaJob) -> CallbackSent:
        """Call back about a job as it is now, whatever was sent before and whatever faults wait.
        Without a replyUrl: ValueError.
        """
        if job.reply_url is None:
            message = f"{job.jobid} has no replyUrl"
            raise ValueError(message)
        sent = CallbackSent(job.reply_url, job.jobid, {**job.body(), "code": 200}, self._now())
        await self._post(sent)
        self._remember(sent)
        return sent

    async def settled(self, jobid: str) -> None:
        """Wait until the callback for this job was answered or has failed."""
        task = self._tasks.get(jobid)
        if task is not None:
            await asyncio.wait([task])

    async def close(self) -> None:
        """Break off what is under way."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _send(self, job: PikaJob, url: str) -> None:
        fault = self._state.faults.take("callback", _KINDS)
        if fault is not None and fault.kind == "lost":
            body: dict[str, object] = {**job.body(), "code": 200}
            self._remember(CallbackSent(url, job.jobid, body, self._now(), error="lost on order"))
            return
        if fault is not None and fault.kind == "late":
            await pause(fault.seconds, self._state.stopping)
        for _ in range(2 if fault is not None and fault.kind == "twice" else 1):
            await self.repeat(job)

    async def _post(self, sent: CallbackSent) -> None:
        target = _loopback(sent.url)
        if target is None:
            sent.error = "not sent: not an http address on this machine"
            return
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=_TIMEOUT)
        headers = {"Content-Type": "application/json"}
        try:
            async with self._session.post(
                target, data=orjson.dumps(sent.body), headers=headers, allow_redirects=False
            ) as answer:
                await answer.read()
                sent.status = answer.status
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            sent.error = f"{type(error).__name__}: {error}"

    def _remember(self, sent: CallbackSent) -> None:
        self._state.callbacks.append(sent)
        self._state.changed()

    def _now(self) -> float:
        return self._state.clock.now()


def _loopback(url: str) -> URL | None:
    """Read an address; None unless it points to this machine: the sandbox never leaves it."""
    try:
        target = URL(url)
        if target.scheme not in {"http", "https"} or target.host is None:
            return None
        if target.host == "localhost" or ipaddress.ip_address(target.host).is_loopback:
            return target
    except ValueError:
        return None
    return None
