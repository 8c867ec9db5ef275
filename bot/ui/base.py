"""What every command, button and form shares: the services, and one way to answer errors."""

from __future__ import annotations

import logging
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Any, Protocol, cast

import aiohttp
import discord
from discord import app_commands

from bot.errors import NotStored, StorageTrouble, UserError
from bot.ui.callback import (
    ALREADY_ANSWERED,
    UNKNOWN_INTERACTION,
    NotAnsweredError,
    Responder,
)
from bot.ui.drafts import Drafts
from bot.ui.tokens import AnswerTokens
from bot.ui.turns import Turns
from bot.workflow.intake import Intake
from bot.workflow.members import Members
from bot.workflow.moderation import Moderation
from bot.workflow.videos import Videos

log = logging.getLogger(__name__)

Interaction = discord.Interaction[Any]

EPHEMERAL = 64
"""The flag of a message that only one person sees (Discord docs, resources/message)."""

NO_STORAGE = (
    "I cannot write anything down right now: the bot's storage has trouble, and whoever runs me "
    "can see it. Nothing was done and nothing was charged. Please try again in some minutes."
)


@dataclass(frozen=True, slots=True)
class Services:
    """What commands and buttons may call."""

    intake: Intake
    members: Members
    videos: Videos
    responder: Responder
    tokens: AnswerTokens
    moderation: Moderation
    drafts: Drafts
    tests: Turns


class _HasServices(Protocol):
    services: Services


def services_of(interaction: Interaction) -> Services:
    """The services of the bot that received this interaction."""
    return cast("_HasServices", interaction.client).services


async def answer_error(interaction: Interaction, error: BaseException) -> None:
    """Tell the person, privately, what happened; log what the operator must know. Never raises."""
    if isinstance(error, app_commands.CommandInvokeError):
        error = error.original
    if _too_late(error):
        log.info("an interaction could not be answered in time")
        return
    if isinstance(error, UserError):
        log.info("refused: %s", type(error).__name__)
        text = str(error)
    elif isinstance(error, StorageTrouble | NotStored):
        log.info("refused: the storage has trouble")  # the operator was told what and where
        text = NO_STORAGE
    elif isinstance(error, app_commands.CheckFailure):
        text = "You may not use this command here."
    elif isinstance(error, app_commands.AppCommandError):
        log.warning("a command could not be run: %s", error)
        text = "I could not read that command. Discord may still show an old version: try again."
    else:
        log.error("a command failed", exc_info=error)
        text = "Something went wrong on my side. You were not charged; please try again."
    await answer(interaction, text)


async def acting(interaction: Interaction, work: Awaitable[None]) -> None:
    """Do what a lasting button or a form is for, and answer its errors: discord.py swallows what
    a ``DynamicItem`` raises. Never raises.
    """
    try:
        await work
    except Exception as error:  # noqa: BLE001 - the one answerer decides
        await answer_error(interaction, error)


async def answer(
    interaction: Interaction, text: str, *, view: discord.ui.View | None = None
) -> None:
    """Say something to this person alone, with these lasting buttons. Never raises."""
    message: dict[str, Any] = {
        "content": text,
        "flags": EPHEMERAL,
        "allowed_mentions": {"parse": []},
    }
    if view is not None:
        message["components"] = view.to_components()
    try:
        await _say(interaction, text, message)
    except (discord.HTTPException, NotAnsweredError, aiohttp.ClientError, OSError):
        log.info("a private answer did not arrive", exc_info=log.isEnabledFor(logging.DEBUG))


async def _say(interaction: Interaction, text: str, message: dict[str, Any]) -> None:
    try:
        await services_of(interaction).responder.answer(interaction, message)
    except NotAnsweredError as error:
        if error.code != ALREADY_ANSWERED:
            raise
        await interaction.followup.send(text, ephemeral=True)


def _too_late(error: BaseException) -> bool:
    """Whether no answer of ours arrives any more; a form may have been that answer."""
    if isinstance(error, NotAnsweredError):
        return True
    return isinstance(error, discord.NotFound) and error.code == UNKNOWN_INTERACTION
