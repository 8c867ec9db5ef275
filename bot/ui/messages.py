"""The messages of jobs as discord.py sends them: text, buttons, file, and whom they may ping."""

from __future__ import annotations

from typing import Any, Final

import discord

from bot.errors import Denied, Missing
from bot.model import Delivery, DeliveryKind, Job
from bot.ui import cards, videos
from bot.ui.moderation import held, reports, reviews
from bot.ui.views import embed_of, view_of
from bot.workflow.delivery.messenger import Outlook, ServerMessage

TOO_LARGE: Final = 40005
"""Discord's code for a file that it does not take (Discord docs, opcodes and status codes)."""


def new(job: Job, delivery: Delivery, outlook: Outlook) -> dict[str, Any]:
    """What ``send`` is called with. Raises ``Missing`` where the video is not on disk, and
    ``Denied`` where there is nothing else to show.
    """
    match delivery.kind:
        case DeliveryKind.CARD:
            return {**_card(job, outlook), "allowed_mentions": discord.AllowedMentions.none()}
        case DeliveryKind.RESULT if delivery.fit == 0:
            text = cards.link_text(job, delivery.place, outlook.link, refused=delivery.code)
            return {
                "content": text,
                "view": videos.view_of(job.id),
                "allowed_mentions": _only(job.requester.user_id),
            }
        case DeliveryKind.RESULT:
            smaller, refused = bool(delivery.fit), delivery.code
            text = cards.result_text(job, delivery.place, smaller=smaller, refused=refused)
            return {
                "content": text,
                "file": _video(job, cards.video_marker(job.id)),
                "view": videos.view_of(job.id),
                "allowed_mentions": _only(job.requester.user_id),
            }
        case DeliveryKind.SHARE:
            return {
                "content": cards.share_text(job, outlook, smaller=bool(delivery.fit)),
                **_file_of(job, delivery, outlook, cards.share_marker(job.id)),
                "allowed_mentions": discord.AllowedMentions.none(),
            }
        case DeliveryKind.REPORT:
            return {**_report(job, outlook), "allowed_mentions": discord.AllowedMentions.none()}
        case DeliveryKind.NOTICE:
            text = cards.notice_text(job)
            return {"content": text, "allowed_mentions": _only(job.requester.user_id)}
        case DeliveryKind.REMOVAL:
            text = cards.removal_text(job)
            return {"content": text, "allowed_mentions": _only(job.requester.user_id)}
        case DeliveryKind.REVIEW:
            return {
                **_review(job, delivery, outlook),
                **_file_of(job, delivery, outlook, cards.review_marker(job.id)),
                "allowed_mentions": discord.AllowedMentions.none(),
            }
        case _:
            raise ValueError(delivery.kind)


def changed(job: Job, delivery: Delivery, outlook: Outlook) -> dict[str, Any]:
    """What ``edit`` is called with, for a message that is kept true."""
    match delivery.kind:
        case DeliveryKind.CARD:
            return _card(job, outlook)
        case DeliveryKind.REVIEW if held.waits(job) and delivery.fit == 0 and not outlook.former:
            return {"view": reviews.view_of(job.id)}  # its text has a link, which is not at hand
        case DeliveryKind.REVIEW:
            content = {"view": None, **_review(job, delivery, outlook)}
            if outlook.former:  # what is removed later must not be found here
                content["attachments"] = []
            return {**content, "allowed_mentions": discord.AllowedMentions.none()}
        case DeliveryKind.REPORT:
            mentions = discord.AllowedMentions.none()
            return {"view": None, **_report(job, outlook), "allowed_mentions": mentions}
        case _:
            raise ValueError(delivery.kind)


def is_of(message: discord.Message, job: Job, delivery: Delivery) -> bool:
    """Whether a message of ours is this one of this job's messages."""
    match delivery.kind:
        case DeliveryKind.RESULT:
            marker = cards.video_marker(job.id)
            posted = any(file.filename.startswith(marker) for file in message.attachments)
            return posted or message.content.endswith(cards.signature(job.id))
        case DeliveryKind.NOTICE:
            return message.content.startswith(cards.notice_beginning(job))
        case DeliveryKind.REPORT:
            return message.content.endswith(reports.signature(job.id))
        case DeliveryKind.SHARE:
            return message.content.endswith(cards.share_signature(job.id))
        case DeliveryKind.REMOVAL:
            return message.content.startswith(f"{cards.removal_marker(job)} ")
        case DeliveryKind.REVIEW:
            return message.content.endswith(held.signature(delivery))
        case DeliveryKind.CARD:
            footer = cards.footer(job.id)
            return any(embed.footer.text == footer for embed in message.embeds)
        case _:
            raise ValueError(delivery.kind)


def video_of(message: discord.Message, job: Job) -> str | None:
    """The address of the job's video on a message of ours; ``None`` where it has none."""
    marker = cards.video_marker(job.id)
    return next((one.url for one in message.attachments if one.filename.startswith(marker)), None)


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


def _review(job: Job, delivery: Delivery, outlook: Outlook) -> dict[str, Any]:
    content: dict[str, Any] = {"content": held.review_text(job, delivery, outlook)}
    if held.waits(job) and outlook.moved_to is None:
        content["view"] = reviews.view_of(job.id)
    return content


def _report(job: Job, outlook: Outlook) -> dict[str, Any]:
    content: dict[str, Any] = {"content": reports.report_text(job, outlook)}
    view = reports.view_of(job, outlook)
    return content if view is None else {**content, "view": view}


def _file_of(job: Job, delivery: Delivery, outlook: Outlook, marker: str) -> dict[str, Any]:
    """The video beside the text. Raises ``Denied`` where there is nothing to be looked at."""
    if delivery.fit == 0:
        if outlook.link is None:
            raise Denied(TOO_LARGE, "no file of it is taken, and Pika has no link to it any more")
        return {}
    return {"file": _video(job, marker)}


def _video(job: Job, marker: str) -> discord.File:
    path = job.video_path
    if path is None:
        raise Missing
    try:
        return discord.File(path, filename=cards.video_name(job, path.suffix, marker))
    except FileNotFoundError:
        raise Missing from None


def _only(user_id: int) -> discord.AllowedMentions:
    """Ping this member and nobody else, whatever the text says."""
    return discord.AllowedMentions(
        everyone=False, roles=False, users=[discord.Object(user_id)], replied_user=False
    )
