"""``/moderate``: what moderators govern in their own server.

Discord offers the command to whoever has Manage Server, or to whom the server hands it; every
handler asks again.
"""

from __future__ import annotations

from typing import Literal

import discord
from discord import app_commands
from discord.ext import commands

from bot.errors import BadOption, NothingHere
from bot.rules.policy import PauseMode, ReviewRule
from bot.ui.base import Interaction, answer, services_of
from bot.ui.moderation import log
from bot.ui.moderation.access import COMMAND, moderator
from bot.ui.moderation.panel.controls import begin
from bot.ui.moderation.panel.parts import SETTINGS, SETUP
from bot.ui.moderation.places import Place
from bot.ui.moderation.replies import show_usage, tell
from bot.ui.moderation.texts import cancelled_text, queue_text
from bot.ui.ordering import asker_for
from bot.ui.texts import explained_text
from bot.workflow.moderation import Moderation, Moderator, Whose
from bot.workflow.moderation.options import (
    FEWEST_HOURS,
    LONGEST_REASON,
    MOST_CONCURRENT,
    MOST_CREDITS,
    MOST_DAYS,
    MOST_HOURS,
)

Hours = app_commands.Range[float, round(FEWEST_HOURS, 2), MOST_HOURS]
Credits = app_commands.Range[int, 0, MOST_CREDITS]
SomeCredits = app_commands.Range[int, 1, MOST_CREDITS]
Concurrent = app_commands.Range[int, 1, MOST_CONCURRENT]
Days = app_commands.Range[int, 1, MOST_DAYS]
Reason = app_commands.Range[str, 1, LONGEST_REASON]
JobNumber = app_commands.Range[int, 1, 2**53 - 1]

_WINDOW = "In how many hours, counted back from each request"
_CLEAR = "Take it away instead"
_UNTIL = "For how many hours; left out: until somebody ends it"


@app_commands.default_permissions(manage_guild=True)
@app_commands.guild_only()
class Moderate(commands.GroupCog, group_name=COMMAND, group_description="Govern videos here"):
    """Limits, blocks, pauses, the queue and what was used."""

    @app_commands.command(description="A guided first run: channels, limits, reviews, and a test")
    async def setup(self, interaction: Interaction) -> None:
        """The first step; all of it can be repeated at any time."""
        await begin(interaction, SETUP)

    @app_commands.command(description="Everything that this server sets, on one panel")
    async def settings(self, interaction: Interaction) -> None:
        """The first page of the panel."""
        await begin(interaction, SETTINGS)

    @app_commands.command(description="Limit every member, or one member, role or channel")
    @app_commands.describe(
        member="Only this member",
        role="Only members with this role; the best of their roles counts",
        channel="Only this channel with its threads, all members together",
        credits_="How many credits may be used",
        hours=_WINDOW,
        concurrent="How many videos may be unfinished at once",
        clear=_CLEAR,
    )
    @app_commands.rename(credits_="credits")
    async def limit(
        self,
        interaction: Interaction,
        member: discord.User | None = None,
        role: discord.Role | None = None,
        channel: Place | None = None,
        credits_: Credits | None = None,
        hours: Hours | None = None,
        concurrent: Concurrent | None = None,
        clear: bool = False,
    ) -> None:
        """Set or clear a limit; without a subject that of every member."""
        by = await moderator(interaction)
        subjects: list[tuple[Whose, int]] = []
        if member is not None:
            subjects.append((Whose.MEMBER, member.id))
        if role is not None:
            subjects.append((Whose.ROLE, role.id))
        if channel is not None:
            subjects.append((Whose.CHANNEL, channel))
        if len(subjects) > 1:
            raise BadOption("member", "Choose one of `member`, `role` and `channel`, or none.")
        whose, subject_id = subjects[0] if subjects else (Whose.EVERYONE, 0)
        await _limit(interaction, by, whose, subject_id, credits_, hours, concurrent, clear=clear)

    @app_commands.command(description="What the whole server may use")
    @app_commands.describe(
        credits_="How many credits all members may use together", hours=_WINDOW, clear=_CLEAR
    )
    @app_commands.rename(credits_="credits")
    async def budget(
        self,
        interaction: Interaction,
        credits_: Credits | None = None,
        hours: Hours | None = None,
        clear: bool = False,
    ) -> None:
        """Set or clear the server's budget."""
        by = await moderator(interaction)
        await _limit(interaction, by, Whose.SERVER, 0, credits_, hours, None, clear=clear)

    @app_commands.command(description="Give a member more credits for a while")
    @app_commands.describe(
        member="Who gets them",
        credits_="How many, on top of what this member may use anyway",
        hours="For how many hours; left out: 24",
    )
    @app_commands.rename(credits_="credits")
    async def grant(
        self,
        interaction: Interaction,
        member: discord.User,
        credits_: SomeCredits,
        hours: Hours = 24.0,
    ) -> None:
        """Add to what a member may use."""
        by = await moderator(interaction)
        here = _member(member)
        entry = await _moderation(interaction).governing.grant(by, here.id, credits_, hours)
        await tell(interaction, entry)

    @app_commands.command(description="Take no more requests from a member")
    @app_commands.describe(member="Who is blocked", reason="Why; the member is told", hours=_UNTIL)
    async def block(
        self,
        interaction: Interaction,
        member: discord.User,
        reason: Reason | None = None,
        hours: Hours | None = None,
    ) -> None:
        """Block somebody, also one who has left the server."""
        by = await moderator(interaction)
        entry = await _moderation(interaction).governing.block(by, member.id, reason, hours)
        await tell(interaction, entry)

    @app_commands.command(description="End a block")
    @app_commands.describe(member="Who may ask for videos again")
    async def unblock(self, interaction: Interaction, member: discord.User) -> None:
        """Let somebody ask again."""
        by = await moderator(interaction)
        await tell(interaction, await _moderation(interaction).governing.unblock(by, member.id))

    @app_commands.command(description="Take no new videos in this server for a while")
    @app_commands.describe(
        reason="Why; members are told",
        hours=_UNTIL,
        mode="What becomes of those waiting: pause lets them wait, drain has them made",
    )
    async def pause(
        self,
        interaction: Interaction,
        reason: Reason | None = None,
        hours: Hours | None = None,
        mode: Literal["pause", "drain"] = "pause",
    ) -> None:
        """Pause the server, or change its pause."""
        by = await moderator(interaction)
        governing = _moderation(interaction).governing
        await tell(interaction, await governing.pause(by, PauseMode(mode), reason, hours))

    @app_commands.command(description="Take videos again")
    async def resume(self, interaction: Interaction) -> None:
        """End a pause."""
        by = await moderator(interaction)
        await tell(interaction, await _moderation(interaction).governing.resume(by))

    @app_commands.command(description="All unfinished videos of this server")
    async def queue(self, interaction: Interaction) -> None:
        """What is being made and what waits, in turn."""
        by = await moderator(interaction)
        moderation = _moderation(interaction)
        jobs = await moderation.jobs.unfinished(by.guild_id)
        look_at = (await moderation.governing.choices(by.guild_id)).look_at
        await answer(interaction, queue_text(jobs, holds=look_at != ReviewRule()))
        await moderation.jobs.look_at_reviews(by.guild_id)

    @app_commands.command(description="Cancel a member's video")
    @app_commands.describe(job="The number of the job, as its card says")
    async def cancel(self, interaction: Interaction, job: JobNumber) -> None:
        """Cancel a job of this server; its card says by whom."""
        by = await moderator(interaction)
        gone, came_of_it = await _moderation(interaction).jobs.cancel(by, job)
        await answer(interaction, cancelled_text(gone, came_of_it))

    @app_commands.command(description="Delete a video wherever I have posted it")
    @app_commands.describe(
        job="The number of the job, as its card says", reason="Why; the member is told"
    )
    async def remove(
        self, interaction: Interaction, job: JobNumber, reason: Reason | None = None
    ) -> None:
        """Take a video of this server away; its card says so, and whoever asked for it is told."""
        by = await moderator(interaction)
        await tell(interaction, await _moderation(interaction).removals.remove(by, job, reason))

    @app_commands.command(description="Every rule that holds for a member here, and what decides")
    @app_commands.describe(member="Whose rules")
    async def explain(self, interaction: Interaction, member: discord.User) -> None:
        """The decision that the member would meet in this channel now."""
        await moderator(interaction)
        asker = asker_for(interaction, _member(member))
        account = await services_of(interaction).members.account(asker)
        await answer(interaction, explained_text(account, member.mention))

    @app_commands.command(description="Who has used what: totals, a chart, and files")
    @app_commands.describe(days="How many days back, today among them; left out: 30")
    async def usage(self, interaction: Interaction, days: Days = 30) -> None:
        """A report on the last days."""
        by = await moderator(interaction)
        await interaction.response.defer(ephemeral=True, thinking=True)
        report, picture = await _moderation(interaction).reports.usage(by.guild_id, days)
        await show_usage(interaction, report, picture)

    @app_commands.command(description="Every change that moderators made, newest first")
    async def audit(self, interaction: Interaction) -> None:
        """The first page of the audit log."""
        by = await moderator(interaction)
        newest = await log.page(interaction, by)
        await answer(interaction, newest.text, view=newest.view)


def _moderation(interaction: Interaction) -> Moderation:
    return services_of(interaction).moderation


def _member(user: discord.User | discord.Member) -> discord.Member:
    """Somebody who is in this server. Raises ``NothingHere`` for anybody else."""
    if not isinstance(user, discord.Member):
        raise NothingHere
    return user


async def _limit(
    interaction: Interaction,
    by: Moderator,
    whose: Whose,
    subject_id: int,
    credits_: int | None,
    hours: float | None,
    concurrent: int | None,
    *,
    clear: bool,
) -> None:
    governing = _moderation(interaction).governing
    if clear and (credits_, hours, concurrent) != (None, None, None):
        raise BadOption("clear", "`clear` takes the limit away; leave the numbers out with it.")
    if clear:
        await tell(interaction, await governing.clear_limit(by, whose, subject_id))
        return
    entry = await governing.limit(
        by, whose, subject_id, credits_=credits_, hours=hours, concurrent=concurrent
    )
    await tell(interaction, entry)


async def setup(bot: commands.Bot) -> None:
    """Called by discord.py when the extension is loaded."""
    await bot.add_cog(Moderate())
