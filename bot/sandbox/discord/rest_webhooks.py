"""What follows a first response: its message read, edited and deleted, and further messages."""

from __future__ import annotations

from typing import Any

from . import drafts, message_payload, uploads
from .access import require_reply, require_unarchived
from .call import Call
from .errors import refusal
from .invocations import Invocation
from .messages import EPHEMERAL, Message
from .rest_messages import request_limit
from .routing import Answer, Routes

Json = dict[str, Any]
routes = Routes()

_TOKEN = "/webhooks/{webhook_id}/{webhook_token}"  # noqa: S105 -- a path, not a secret
_ORIGINAL = f"{_TOKEN}/messages/@original"
_MESSAGE = f"{_TOKEN}/messages/{{message_id}}"


def _invocation(call: Call) -> Invocation:
    params = call.params
    return call.server.interactions.for_webhook(params["webhook_id"], params["webhook_token"])


def _original(invocation: Invocation) -> Message:
    message = invocation.message
    if message is None or message.deleted or message.channel.deleted:
        raise refusal(10008)
    return message


def _message(call: Call, invocation: Invocation) -> Message:
    wanted = call.id("message_id")
    for message in (invocation.message, *invocation.followups):
        if message is not None and message.id == wanted and not message.deleted:
            return message
    raise refusal(10008)


def _edit(call: Call, invocation: Invocation, message: Message) -> Answer:
    require_unarchived(message.channel)
    uploads.check_sizes(call, invocation.limit, request_limit(invocation.limit))
    draft = drafts.read(
        call.form(), call.files, base=message, webhook=True, flags=drafts.FLAGS_EDIT
    )
    call.world.posting.edit(message, draft)
    return 200, message_payload.message(message)


@routes("POST", _TOKEN, open=True)
async def follow_up(call: Call) -> Answer:
    """Send another message; the first one after a deferral fills the deferred one in."""
    invocation = _invocation(call)
    channel = invocation.channel
    if channel.deleted:
        raise refusal(10003)
    uploads.check_sizes(call, invocation.limit, request_limit(invocation.limit))
    body = call.form()
    original = invocation.message
    if original is not None and original.loading and not original.deleted:
        draft = drafts.read(body, call.files, base=original, webhook=True, flags=drafts.FLAGS_REPLY)
        call.world.posting.edit(original, draft)
        return 200, message_payload.message(original)
    require_reply(channel)
    draft = drafts.read(body, call.files, webhook=True, flags=drafts.FLAGS_REPLY)
    hidden = bool((draft.flags or 0) & EPHEMERAL)
    message = call.world.posting.create(
        channel,
        call.world.bot,
        draft,
        invocation=invocation,
        ephemeral_to=invocation.user if hidden else None,
    )
    invocation.followups.append(message)
    return 200, message_payload.message(message)


@routes("GET", _ORIGINAL, open=True)
async def get_original(call: Call) -> Answer:
    """The message of the first response."""
    return 200, message_payload.message(_original(_invocation(call)))


@routes("PATCH", _ORIGINAL, open=True)
async def edit_original(call: Call) -> Answer:
    """Edit the message of the first response."""
    invocation = _invocation(call)
    return _edit(call, invocation, _original(invocation))


@routes("DELETE", _ORIGINAL, open=True)
async def delete_original(call: Call) -> Answer:
    """Delete the message of the first response."""
    call.world.posting.delete(_original(_invocation(call)))
    return 204, None


@routes("GET", _MESSAGE, open=True)
async def get_follow_up(call: Call) -> Answer:
    """A message of this interaction."""
    return 200, message_payload.message(_message(call, _invocation(call)))


@routes("PATCH", _MESSAGE, open=True)
async def edit_follow_up(call: Call) -> Answer:
    """Edit a message of this interaction."""
    invocation = _invocation(call)
    return _edit(call, invocation, _message(call, invocation))


@routes("DELETE", _MESSAGE, open=True)
async def delete_follow_up(call: Call) -> Answer:
    """Delete a message of this interaction."""
    call.world.posting.delete(_message(call, _invocation(call)))
    return 204, None
