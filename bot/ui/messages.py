"""The messages of jobs as discord.py sends them: text, buttons, file, and whom they may ping."""

from __future__ import annotations

from typing import Any

import discord

from bot.errors import Missing
from bot.model import Delivery, DeliveryKind, Job
from bot.ui import cards
from bot.ui.views import embed_of, view_of
from bot.workflow.delivery.messenger import Outlook, ServerMessage


def new(job: Job, delivery: Delivery, outlook: Outlook) -> dict[str, Any]:
    """What ``send`` is called with. Raises ``Missing`` where the video is not on disk."""
    match delivery.kind:
        case DeliveryKind.CARD:
            return {**_card(job, outlook), "allowed_mentions": discord.AllowedMentions.none()}
        case DeliveryKind.RESULT if delivery.fit == 0:
            text = cards.link_text(job, delivery.place, outlook.link)
            return {"content": text, "allowed_mentions": _only(job.requester.user_id)}
        case DeliveryKind.RESULT:
            text = cards.result_text(job, delivery.place, smaller=bool(delivery.fit))
            return {
                "content": text,
                "file": _video(job),
                "allowed_mentions": _only(job.requester.user_id),
            }
        case DeliveryKind.NOTICE:
            text = cards.notice_text(job)
            return {"content": text, "allowed_mentions": _only(job.requester.user_id)}
        case _:
            raise ValueError(delivery.kind)


def changed(job: Job, delivery: Delivery, outlook: Outlook) -> dict[str, Any]:
    """What ``edit`` is called with, for a message that is kept true."""
    match delivery.kind:
        case DeliveryKind.CARD:
            return _card(job, outlook)
        case _:
            raise ValueError(delivery.kind)


def is_of(message: discord.Message, job: Job, kind: DeliveryKind) -> bool:
    """Whether a message of ours is this job's message of this kind."""
    match kind:
        case DeliveryKind.RESULT:
            marker = cards.video_marker(job.id)
            posted = any(file.filename.startswith(marker) for file in message.attachments)
            return posted or message.content.endswith(cards.signature(job.id))
        case DeliveryKind.NOTICE:
            return message.content.startswith(f"<@{job.requester.user_id}> Job {job.id}:")
        case DeliveryKind.CARD:
            footer = cards.footer(job.id)
            return any(embed.footer.text == footer for embed in message.embeds)
        case _:
            raise ValueError(kind)


def announcement(message: ServerMessage) -> dict[str, Any]:
    """What ``send`` is called with for a message of a server. It pings nobody."""
    return {
        "content": f"{message.text}{_signature(message)}",
        "allowed_mentions": discord.AllowedMentions.none(),
    }


def is_announcement(found: discord.Message, message: ServerMessage) -> bool:
    """Whether a message of ours in the same channel is this one."""
    return found.content.endswith(_signature(message))


def _signature(message: ServerMessage) -> str:
    """How the text of a server's message ends, and no other's in its channel."""
    return f"\n-# Log {message.number}"


def _card(job: Job, outlook: Outlook) -> dict[str, Any]:
    about = cards.card(job, outlook)
    return {"embed": embed_of(about), "view": view_of(about)}


def _video(job: Job) -> discord.File:
    path = job.video_path
    if path is None:
        raise Missing
    try:
        return discord.File(path, filename=cards.video_name(job, path.suffix))
    except FileNotFoundError:
        raise Missing from None


def _only(user_id: int) -> discord.AllowedMentions:
    """Ping this member and nobody else, whatever the text says."""
    return discord.AllowedMentions(
        everyone=False, roles=False, users=[discord.Object(user_id)], replied_user=False
    )
