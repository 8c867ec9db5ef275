"""The first response to an interaction."""

from __future__ import annotations

from typing import Any, Final

from . import drafts, message_payload, modals, uploads
from .access import require_reply, require_unarchived
from .call import Call
from .errors import Problems, invalid
from .invocations import AUTOCOMPLETE, COMMAND, COMPONENT, MODAL_SUBMIT, Invocation
from .messages import EPHEMERAL
from .rest_messages import request_limit
from .routing import Answer, Routes

Json = dict[str, Any]
routes = Routes()

# Callback types (Discord docs, interactions/receiving-and-responding).
MESSAGE: Final = 4
DEFERRED: Final = 5
DEFERRED_UPDATE: Final = 6
UPDATE: Final = 7
CHOICES: Final = 8
MODAL: Final = 9
_CHOICES_FOR: Final = {
    COMMAND: frozenset({MESSAGE, DEFERRED, MODAL}),
    COMPONENT: frozenset({MESSAGE, DEFERRED, DEFERRED_UPDATE, UPDATE, MODAL}),
    AUTOCOMPLETE: frozenset({CHOICES}),
    MODAL_SUBMIT: frozenset({MESSAGE, DEFERRED}),
}
_MODAL_OF_MESSAGE: Final = frozenset({MESSAGE, DEFERRED, DEFERRED_UPDATE, UPDATE})
_MAX_CHOICES: Final = 25
_MAX_CHOICE: Final = 100


def _check_type(invocation: Invocation, kind: object) -> None:
    allowed = _CHOICES_FOR[invocation.type]
    if invocation.type == MODAL_SUBMIT and invocation.source is not None:
        allowed = _MODAL_OF_MESSAGE
    if kind not in allowed:
        listed = ", ".join(str(one) for one in sorted(allowed))
        raise invalid("type", "BASE_TYPE_CHOICES", f"Value must be one of {{{listed}}}.")


@routes("POST", "/interactions/{interaction_id}/{interaction_token}/callback", open=True)
async def callback(call: Call) -> Answer:
    """Respond, within three seconds and once."""
    invocation = call.server.interactions.for_callback(
        call.params["interaction_id"], call.params["interaction_token"]
    )
    body = call.form()
    kind = body.get("type")
    _check_type(invocation, kind)
    data: Json = body.get("data") or {}
    if kind == MESSAGE:
        _reply(call, invocation, data)
    elif kind == DEFERRED:
        _defer(call, invocation, data)
    elif kind == DEFERRED_UPDATE:
        invocation.message = invocation.source
        invocation.ephemeral = invocation.source is not None and invocation.source.ephemeral
        invocation.settle("deferred_update")
    elif kind == UPDATE:
        _update(call, invocation, data)
    elif kind == CHOICES:
        _suggest(invocation, data)
    else:
        problems = Problems()
        modals.check(data, problems)
        problems.refuse()
        invocation.modal = data
        invocation.settle("modal")
    call.world.changes.bump()
    if call.query_string and call.flag("with_response"):
        return 200, _callback_object(invocation, kind)
    return 204, None


def _reply(call: Call, invocation: Invocation, data: Json) -> None:
    require_reply(invocation.channel)
    uploads.check_sizes(call, invocation.limit, request_limit(invocation.limit))
    draft = drafts.read(data, call.files, webhook=True, flags=drafts.FLAGS_REPLY)
    hidden = bool((draft.flags or 0) & EPHEMERAL)
    invocation.ephemeral = hidden
    invocation.message = call.world.posting.create(
        invocation.channel,
        call.world.bot,
        draft,
        invocation=invocation,
        ephemeral_to=invocation.user if hidden else None,
        kind=invocation.reply_type,
    )
    invocation.settle("message")


def _defer(call: Call, invocation: Invocation, data: Json) -> None:
    flags = data.get("flags") or 0
    if flags & ~drafts.FLAGS_DEFER:
        raise invalid(
            "data.flags", "BASE_TYPE_CHOICES", "Only EPHEMERAL can be set when deferring."
        )
    require_reply(invocation.channel)
    invocation.ephemeral = bool(flags & EPHEMERAL)
    invocation.message = call.world.posting.thinking(
        invocation.channel,
        invocation,
        ephemeral=invocation.ephemeral,
        kind=invocation.reply_type,
    )
    invocation.settle("deferred")


def _update(call: Call, invocation: Invocation, data: Json) -> None:
    message = invocation.source
    assert message is not None
    require_unarchived(invocation.channel)
    uploads.check_sizes(call, invocation.limit, request_limit(invocation.limit))
    draft = drafts.read(data, call.files, base=message, webhook=True, flags=drafts.FLAGS_EDIT)
    call.world.posting.edit(message, draft)
    invocation.message = message
    invocation.ephemeral = message.ephemeral
    invocation.settle("update")


def _suggest(invocation: Invocation, data: Json) -> None:
    choices = data.get("choices") or []
    problems = Problems()
    if len(choices) > _MAX_CHOICES:
        problems.add(
            "data.choices", "BASE_TYPE_MAX_LENGTH", f"Must be {_MAX_CHOICES} or fewer in length."
        )
    for index, choice in enumerate(choices):
        at = f"data.choices.{index}"
        if not choice.get("name"):
            problems.required(f"{at}.name")
        problems.length(f"{at}.name", choice.get("name"), _MAX_CHOICE)
        if isinstance(choice.get("value"), str):
            problems.length(f"{at}.value", choice["value"], _MAX_CHOICE)
    problems.refuse()
    invocation.choices = choices
    invocation.settle("autocomplete")


def _callback_object(invocation: Invocation, kind: object) -> Json:
    about: Json = {"id": str(invocation.id), "type": invocation.type}
    answer: Json = {"interaction": about}
    message = invocation.message
    if message is not None:
        about["response_message_id"] = str(message.id)
        about["response_message_loading"] = message.loading
        about["response_message_ephemeral"] = message.ephemeral
        about["channel_id"] = str(message.channel.id)
        if message.channel.guild is not None:
            about["guild_id"] = str(message.channel.guild.id)
        if kind in (MESSAGE, UPDATE):
            answer["resource"] = {"type": kind, "message": message_payload.message(message)}
    return answer
