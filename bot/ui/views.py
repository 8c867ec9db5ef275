"""Cards as discord objects."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import discord

from bot.model import VIDEO_HERE, Job
from bot.ui.buttons import CANCEL, CancelButton
from bot.ui.cards import Card, footer
from bot.ui.ids import build


def embed_of(card: Card) -> discord.Embed:
    """The coloured part of a card."""
    embed = discord.Embed(title=card.title, description=card.text, colour=int(card.colour))
    return embed.set_footer(text=footer(card.job_id))


def view_of(card: Card) -> discord.ui.View | None:
    """The buttons of a card; ``None`` when it has none."""
    if not card.can_cancel and card.link is None:
        return None
    view = discord.ui.View(timeout=None)
    if card.can_cancel:
        view.add_item(CancelButton(card.job_id))
    if card.link is not None:
        button: discord.ui.Button[Any] = discord.ui.Button(label="Watch", url=card.link)
        view.add_item(button)
    return view


def card_payload(card: Card) -> dict[str, Any]:
    """A new card as the body Discord's docs describe: the same as ``embed_of`` and
    ``view_of`` say, without building their objects for every answer.
    """
    payload: dict[str, Any] = {
        "embeds": [
            {
                "title": card.title,
                "description": card.text,
                "color": int(card.colour),
                "footer": {"text": footer(card.job_id)},
            }
        ],
        "allowed_mentions": {"parse": []},
    }
    if card.can_cancel:
        button = {"type": 2, "style": 2, "label": CANCEL, "custom_id": build(card.job_id, "cancel")}
        payload["components"] = [{"type": 1, "components": [button]}]
    return payload


JOBS_SHOWN = 25
"""Buttons that fit under one message: five rows of five."""


def cancel_view(jobs: Sequence[Job]) -> discord.ui.View:
    """A cancel button for each of these jobs that can still be cancelled."""
    view = discord.ui.View(timeout=None)
    for job in jobs:
        if job.cancel_asked_at is None and job.state not in VIDEO_HERE:
            view.add_item(CancelButton(job.id, label=f"Cancel job {job.id}"))
    return view
