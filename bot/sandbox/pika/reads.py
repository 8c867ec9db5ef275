"""Reading, listing and cancelling jobs; the accounts.

Sources: useapi.net docs, api-pika-v1/get-pika-jobid, get-pika-jobs, get-pika-jobs-cancel,
get-pika-account, post-pika-account-channel, del-pika-account-channel.
"""

from __future__ import annotations

import orjson
from aiohttp import web

from bot.sandbox.pika.answers import (
    NO_CONFIGURATION,
    NO_JOBID,
    Refusal,
    reply,
    reply_coded,
    unable_to_locate,
)
from bot.sandbox.pika.jobs import PikaJob
from bot.sandbox.pika.life import Life
from bot.sandbox.pika.state import RequestSeen, State


class Reads:
    """The handlers of the GETs, and of the accounts."""

    def __init__(self, state: State, life: Life) -> None:
        self._state = state
        self._life = life

    async def jobs(self, request: web.Request, _seen: RequestSeen) -> web.StreamResponse:
        """GET /jobs: the ids of all executing jobs, as a bare array."""
        if request.query_string:
            self._state.violations.append("GET /jobs: takes no query; one job is /jobs/?jobid=")
        return reply(list(self._state.book.executing))

    async def job(self, request: web.Request, _seen: RequestSeen) -> web.StreamResponse:
        """GET /jobs/?jobid=: all about one job. Refusal 400 without the id, 404 unknown."""
        return reply_coded(self._find(request).body())

    async def cancel(self, request: web.Request, _seen: RequestSeen) -> web.StreamResponse:
        """GET /jobs/cancel/?jobid=: free the job's slot. Refusal 400, 404 as above.

        A job that has ended keeps its end, and the answer says which: the page's model lists
        every status, which is the only hint.
        """
        job = self._find(request)
        if job.executing:
            self._life.cancel(job)
        return reply_coded({"jobid": job.jobid, "status": job.status})

    async def accounts(self, _request: web.Request, _seen: RequestSeen) -> web.StreamResponse:
        """GET /account: a bare map with the Discord tokens in clear, as documented."""
        listed = self._state.accounts.listed()
        if not listed:
            raise Refusal(404, NO_CONFIGURATION)
        return reply(listed)

    async def configure(self, request: web.Request, seen: RequestSeen) -> web.StreamResponse:
        """POST /account/{channel} with JSON: 204 without a body."""
        if request.content_type != "application/json":
            raise Refusal(400, "Content-Type must be application/json")
        try:
            body = orjson.loads(await request.read())
        except orjson.JSONDecodeError as error:
            raise Refusal(400, "Malformed JSON body") from error
        if isinstance(body, dict):
            seen.fields = tuple(body)
        self._state.accounts.configure(request.match_info["channel"], body)
        return web.Response(status=204)

    async def remove(self, request: web.Request, _seen: RequestSeen) -> web.StreamResponse:
        """DELETE /account/{channel}: it must be configured. The answers are not preserved:
        204 as for POST, and the 404 of GET /account, are assumptions.
        """
        if self._state.accounts.by_channel.pop(request.match_info["channel"], None) is None:
            raise Refusal(404, NO_CONFIGURATION)
        return web.Response(status=204)

    def _find(self, request: web.Request) -> PikaJob:
        jobid = request.query.get("jobid")
        if not jobid:
            raise Refusal(400, NO_JOBID)
        job = self._state.book.find(jobid, self._state.clock.now())
        if job is None:
            raise Refusal(404, unable_to_locate(jobid))
        return job
