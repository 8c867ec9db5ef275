"""From the body of a request to the message it asks for; everything wrong with it refused."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from . import components, embeds, mentions
from .errors import Problems, refusal
from .media import Upload, type_of
from .mentions import Allowed
from .messages import (
    COMPONENTS_V2,
    EPHEMERAL,
    IS_VOICE_MESSAGE,
    SUPPRESS_EMBEDS,
    SUPPRESS_NOTIFICATIONS,
    Message,
)
from .snowflake import snowflake

if TYPE_CHECKING:
    from .uploads import ReceivedFile

Json = dict[str, Any]

MAX_CONTENT: Final = 2000
MAX_ATTACHMENTS: Final = 10
MAX_NONCE: Final = 25
MAX_ALT_TEXT: Final = 1024

#: Flags the bot may set, by what it sends (Discord docs, resources/message and
#: interactions/receiving-and-responding).
FLAGS_CREATE: Final = SUPPRESS_EMBEDS | SUPPRESS_NOTIFICATIONS | IS_VOICE_MESSAGE | COMPONENTS_V2
FLAGS_REPLY: Final = FLAGS_CREATE | EPHEMERAL
FLAGS_EDIT: Final = SUPPRESS_EMBEDS | COMPONENTS_V2
FLAGS_DEFER: Final = EPHEMERAL


@dataclass(slots=True)
class Draft:
    """A message to be, or a change of one; None means "as it is"."""

    content: str | None = None
    embeds: list[Json] | None = None
    components: list[Json] | None = None
    flags: int | None = None
    uploads: list[Upload] = field(default_factory=list)
    kept: list[int] | None = None
    descriptions: dict[int, str | None] = field(default_factory=dict)
    allowed: Allowed | None = None
    tts: bool = False
    nonce: str | int | None = None
    enforce_nonce: bool = False
    reference: Json | None = None


def read(
    body: Json,
    files: list[ReceivedFile],
    *,
    base: Message | None = None,
    webhook: bool = False,
    flags: int = FLAGS_CREATE,
) -> Draft:
    """Read a create request, or with ``base`` an edit of that message.

    ``webhook`` chooses the rules of interactions. Raises ``ApiError``: 50035 with every problem
    found, 50006 for a message with nothing in it, 30015 for too many attachments.
    """
    problems = Problems()
    draft = Draft()
    draft.content = _content(body, problems)
    draft.embeds = _list(body, "embeds", problems)
    draft.components = _list(body, "components", problems)
    draft.flags = _flags(body, flags, problems)
    if problems:
        problems.refuse()
    _attachments(draft, body, files, base, problems)
    raw_allowed = body.get("allowed_mentions")
    if raw_allowed is not None or base is None:
        draft.allowed = mentions.parse(raw_allowed, webhook=webhook, problems=problems)
    draft.tts = bool(body.get("tts"))
    draft.reference = body.get("message_reference")
    _nonce(draft, body, problems)
    for unsupported in ("poll", "sticker_ids", "shared_client_theme"):
        if body.get(unsupported):
            problems.add(unsupported, "SANDBOX_UNSUPPORTED", "This sandbox does not have these.")
    _check_whole(draft, base, problems)
    problems.refuse()
    return draft


def _content(body: Json, problems: Problems) -> str | None:
    if "content" not in body:
        return None
    content = body["content"]
    if content is None:
        return ""
    if not isinstance(content, str):
        problems.add("content", "STRING_TYPE_CONVERT", "Could not interpret value as string.")
        return None
    problems.length("content", content, MAX_CONTENT)
    return content.strip()


def _list(body: Json, key: str, problems: Problems) -> list[Json] | None:
    if key not in body:
        return None
    value = body[key]
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        problems.add(key, "LIST_TYPE_CONVERT", "Only iterables may be used in a ListType.")
        return None
    return value


def _flags(body: Json, allowed: int, problems: Problems) -> int | None:
    given = body.get("flags")
    if given is None:
        return None
    if not isinstance(given, int) or given & ~allowed:
        problems.add("flags", "BASE_TYPE_CHOICES", f"Only the bits of {allowed} can be set here.")
        return None
    return given


def _nonce(draft: Draft, body: Json, problems: Problems) -> None:
    nonce = body.get("nonce")
    if nonce is None:
        return
    if isinstance(nonce, str):
        problems.length("nonce", nonce, MAX_NONCE)
    elif not isinstance(nonce, int):
        problems.add("nonce", "NONCE_TYPE_INVALID", "Must be a string or an integer.")
    draft.nonce = nonce
    draft.enforce_nonce = bool(body.get("enforce_nonce"))


def _attachments(
    draft: Draft, body: Json, files: list[ReceivedFile], base: Message | None, problems: Problems
) -> None:
    described: dict[int, Json] = {}
    if body.get("attachments") is not None:
        existing = {a.id for a in base.attachments} if base else set()
        draft.kept = []
        by_index = {file.index for file in files}
        for number, item in enumerate(body["attachments"]):
            wanted = snowflake(item.get("id"), f"attachments.{number}.id")
            if wanted in existing:
                draft.kept.append(wanted)
                if "description" in item:
                    draft.descriptions[wanted] = item["description"]
            elif wanted in by_index:
                described[wanted] = item
            else:
                problems.add(
                    f"attachments.{number}.id",
                    "ATTACHMENT_NOT_FOUND",
                    f"Attachment {wanted} is neither here nor uploaded.",
                )
            problems.length(
                f"attachments.{number}.description", item.get("description"), MAX_ALT_TEXT
            )
    elif body.get("attachments", ...) is None:
        draft.kept = []
    for file in files:
        about = described.get(file.index, {})
        name = about.get("filename") or file.filename
        draft.uploads.append(
            Upload(name, type_of(name), file.path, description=about.get("description"))
        )
    total = len(draft.uploads) + (
        len(draft.kept) if draft.kept is not None else len(base.attachments) if base else 0
    )
    if total > MAX_ATTACHMENTS:
        raise refusal(30015)


def _check_whole(draft: Draft, base: Message | None, problems: Problems) -> None:
    """Check the message as it will be, not only what the request changes."""
    was_v2 = bool(base and base.flags & COMPONENTS_V2)
    v2 = was_v2 or bool((draft.flags or 0) & COMPONENTS_V2)
    content = draft.content if draft.content is not None else base.content if base else ""
    shown = draft.embeds if draft.embeds is not None else base.embeds if base else []
    parts = draft.components if draft.components is not None else base.components if base else []
    files = {upload.filename for upload in draft.uploads}
    if base is not None:
        kept = draft.kept
        files |= {a.filename for a in base.attachments if kept is None or a.id in kept}
    if draft.embeds:
        embeds.check(draft.embeds, problems)
    if draft.components:
        components.check(draft.components, v2=v2, files=files, problems=problems)
    if v2:
        for name, value in (("content", content), ("embeds", shown)):
            if value:
                problems.add(
                    name,
                    "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2",
                    f"The '{name}' field cannot be used when using MessageFlags.IS_COMPONENTS_V2",
                )
        empty = not parts
    else:
        empty = not (content or shown or parts or files)
    if empty and not problems:
        raise refusal(50006)
