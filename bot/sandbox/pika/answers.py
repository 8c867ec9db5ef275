"""JSON answers: every body carries `code`, equal to the HTTP status.

Exceptions in the documents: GET /jobs is a bare array, GET /account a bare map, and
POST /account/{channel} answers 204 without a body.
"""

from __future__ import annotations

from collections.abc import Mapping

import orjson
from aiohttp import web

UNAUTHORIZED = "Unauthorized"
NO_SUBSCRIPTION = "Account has no subscription or subscription expired"
NOT_AN_IMAGE = "image is not File or Blob"
MODERATED = "Sorry, your input may be inconsistent with server rules."
INVALID_PARAMETER = "Invalid parameter"
RATE_LIMITED = "Discord /interactions failed with HTTP status 429"
NO_JOBID = "Query param jobid not provided"
NO_CONFIGURATION = "configuration not found, create it with account/channel"


def unable_to_locate(jobid: str) -> str:
    """Return the text of a 404 for a job (api-pika-v1/get-pika-jobs-cancel)."""
    return f"Unable to locate job {jobid}"


def queue_full(maximum: int) -> str:
    """Return the text of the first kind of 429 (api-pika-v1/post-pika-create)."""
    return f"Maximum of {maximum} jobs executing in parallel supported"


class Refusal(Exception):
    """An answer that is not a success: the HTTP status, the `error` text and more fields."""

    def __init__(self, status: int, error: str, **more: object) -> None:
        super().__init__(error)
        self.status = status
        self.body: dict[str, object] = {"error": error, **more, "code": status}


def reply(body: object, status: int = 200) -> web.Response:
    """Make a JSON answer of exactly this body."""
    return web.Response(body=orjson.dumps(body), status=status, content_type="application/json")


def reply_coded(body: Mapping[str, object], status: int = 200) -> web.Response:
    """Make a JSON answer and write its status into `code`."""
    return reply({**body, "code": status}, status)
