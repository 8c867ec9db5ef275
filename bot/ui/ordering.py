"""From a slash command to a job and its card: the same way for every verb."""

from __future__ import annotations

import logging

import discord

from bot.errors import NotAllowed
from bot.logs import about_job
from bot.model import Picture, Recipe
from bot.rules.policy import Asker
from bot.ui.ages import age_restricted
from bot.ui.base import Interaction, services_of
from bot.ui.callback import ALREADY_ANSWERED, UNKNOWN_INTERACTION, NotAnsweredError
from bot.ui.cards import card
from bot.ui.views import card_payload
from bot.workflow.outlook import shows

log = logging.getLogger(__name__)


def asker_of(interaction: Interaction) -> Asker:
    """Who asks, from where. Raises ``NotAllowed`` outside a server."""
    member = interaction.user
    if not isinstance(member, discord.Member):
        raise NotAllowed("server", "I only work inside a server.")
    return asker_for(interaction, member)


def asker_for(interaction: Interaction, member: discord.Member) -> Asker:
    """This member, a part of this interaction, as if they asked in its place now. Raises
    ``NotAllowed`` outside a server.
    """
    if interaction.guild_id is None or interaction.channel_id is None:
        raise NotAllowed("server", "I only work inside a server.")
    channel = interaction.channel
    joined = member.joined_at
    return Asker(
        guild_id=interaction.guild_id,
        user_id=member.id,
        channel_id=interaction.channel_id,
        # The ids as Discord sent them with the interaction: ``roles`` leaves out what the cache
        # does not know, such as a role that was created just now, and one of them may bar.
        role_ids=frozenset(member._roles),
        parent_id=channel.parent_id if isinstance(channel, discord.Thread) else None,
        joined_at=None if joined is None else int(joined.timestamp() * 1000),
        age_restricted=age_restricted(channel),
    )


def picture_of(attachment: discord.Attachment | None) -> Picture | None:
    """What Discord says of a picture somebody attached."""
    if attachment is None:
        return None
    return Picture(
        filename=attachment.filename,
        content_type=(attachment.content_type or "").split(";")[0].strip().lower(),
        size=attachment.size,
        url=attachment.url,
    )


_NOT_OURS_TO_TAKE = frozenset({UNKNOWN_INTERACTION, ALREADY_ANSWERED})
"""Refusals of a first answer after which nobody has seen, or will see, this job's card: the member
saw that nobody answered, or what an earlier process has said, which was no job."""


async def order(interaction: Interaction, recipe: Recipe) -> None:
    """Make the recipe a job and answer with its card.

    The job is on the disk before the answer leaves; it goes to Pika only once the answer
    has arrived. Raises ``UserError`` when a rule says no.
    """
    intake = services_of(interaction).intake
    _check_permissions(interaction)
    taken = await intake.take(interaction.id, asker_of(interaction), recipe)
    if not taken.new:
        log.info("an interaction arrived twice; it is job %d already", taken.job.id)
        return
    with about_job(taken.job.id):
        try:
            message_id = await services_of(interaction).responder.answer(
                interaction, card_payload(card(taken.job, taken.outlook))
            )
        except NotAnsweredError as error:
            if error.code in _NOT_OURS_TO_TAKE:
                log.info("came too late to be answered, or was answered before: withdrawn")
                await intake.withdraw(taken.job)
            else:
                log.warning("nobody knows whether the answer arrived: %s", error)
                intake.unanswered(taken.job)
        except Exception:
            log.exception("the answer went wrong; the job goes on")
            intake.unanswered(taken.job)
        else:
            services_of(interaction).tokens.keep(taken.job.id, interaction.token)
            await intake.answered(taken.job, message_id, shows(taken.job, taken.outlook))


_NEEDED = ("view_channel", "attach_files", "read_message_history")


def _bits(*names: str) -> discord.Permissions:
    return discord.Permissions(**dict.fromkeys((*_NEEDED, *names), True))


_NEEDED_HERE = {
    False: _bits("send_messages"),
    True: _bits("send_messages_in_threads"),
}
"""What posting the video takes, by whether the place is a thread."""


def _check_permissions(interaction: Interaction) -> None:
    """Raise ``NotAllowed`` where the finished video could not be posted."""
    needed = _NEEDED_HERE[isinstance(interaction.channel, discord.Thread)]
    have = interaction.app_permissions
    if have.value & needed.value == needed.value or have.administrator:
        return
    lacking = discord.Permissions(needed.value & ~have.value)
    names = ", ".join(f"**{name.replace('_', ' ').title()}**" for name, on in lacking if on)
    raise NotAllowed(
        "bot_permissions",
        f"I could not post the video here: I lack {names} in this channel. "
        "Ask a moderator to allow it, or ask me in another channel.",
    )
