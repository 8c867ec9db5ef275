"""The pages of ``/moderate settings``: a first one with a line for each group, and one for each."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

import discord
from discord import ui

from bot.model import Verb
from bot.rules.policy import AgeRule
from bot.ui.moderation import values
from bot.ui.moderation.panel import summaries
from bot.ui.moderation.panel.fields import allowed, looks, mending, newness, posting, warned
from bot.ui.moderation.panel.parts import (
    CHECK,
    OPEN,
    SETTINGS,
    Item,
    Notice,
    Panel,
    Where,
    button,
    labelled,
    page,
    role_select,
    row,
    warnings,
)
from bot.ui.moderation.panel.server import Server

HOME: Final = "home"

Draw = Callable[[Server, Notice | None], Panel]

_WARNED_AT_HOME: Final = 3


def home(server: Server, notice: Notice | None) -> Panel:
    """A line for each group with a button to change it, and what commands have set."""
    body: list[Item] = [ui.TextDisplay(line) for line in summaries.pauses(server)]
    body += [
        ui.Section(
            ui.TextDisplay(f"**{title}**\n{summary(server)}"),
            accessory=button("Edit", Where(SETTINGS, name).id(OPEN)),
        )
        for name, (title, summary, _) in _GROUPS.items()
    ]
    found = warnings(server.chosen(), _WARNED_AT_HOME)
    if server.lost_roles():
        found.append("⚠️ A role on a list under Members does not exist any more.")
    if found:
        again = button("Check again", Where(SETTINGS, HOME).id(CHECK))
        body += [ui.TextDisplay("\n".join(found)), row(again)]
    body += [ui.Separator(), ui.TextDisplay(_by_commands(server))]
    about = "-# Only you see this. What you change holds at once and stands in the audit log."
    return page("Settings", about, body, notice)


def _by_commands(server: Server) -> str:
    """What is set elsewhere, each with the command that sets it."""
    policy, numbers = server.standing.policy, server.standing.numbers
    own = {
        "member": numbers.members_limited,
        "role": len(policy.roles),
        "channel": len(policy.channels),
    }
    others = [_count(number, what) for what, number in own.items() if number]
    extra = f"; another limit for {', '.join(others)}" if others else ""
    pause = "takes no new videos" if server.standing.pause else "takes new videos"
    lines = (
        ("limit", f"{values.quota(policy.default)}{extra}"),
        ("budget", values.rate(policy.budget)),
        ("words list", f"{_count(numbers.phrases, 'phrase')} on the list"),
        ("block", f"{_count(numbers.members_blocked, 'member')} blocked"),
        ("pause", f"the server {pause}"),
    )
    said = [f"{server.mention(f'moderate {name}')} {words}" for name, words in lines]
    return "\n".join(("**Set by commands**", *said))


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


# The pages of groups.


def _group(
    name: str,
    server: Server,
    notice: Notice | None,
    *body: Item,
    about: str,
    first: Iterable[Item] = (),
) -> Panel:
    """The page of a group: its controls, what is wrong, and a last row with the way back."""
    found = warned(server, name)
    back = button("All settings", Where(SETTINGS, HOME).id(OPEN))
    last = row(*first, *mending(server, Where(SETTINGS, name), found), back)
    return page(_GROUPS[name][0], f"-# {about}", [*body, *found, ui.Separator(), last], notice)


def _channels(server: Server, notice: Notice | None) -> Panel:
    where = Where(SETTINGS, "channels")
    now = server.standing.policy.age
    ages = {
        AgeRule.ANYWHERE: ("As in any other channel", "Age restriction does not matter"),
        AgeRule.ONLY_THERE: ("Only there", "Videos only in age-restricted channels"),
        AgeRule.NOT_THERE: ("Not there", "No videos in age-restricted channels"),
    }
    select: Item = ui.Select(
        custom_id=where.id("age"),
        options=[
            discord.SelectOption(value=age, label=label, description=about, default=age is now)
            for age, (label, about) in ages.items()
        ],
    )
    return _group(
        "channels", server, notice,
        *allowed(server, where),
        *labelled("Age-restricted channels", "Threads are restricted as their channel is.", select),
        about="Where members may ask for videos.",
    )  # fmt: skip


def _members(server: Server, notice: Notice | None) -> Panel:
    where = Where(SETTINGS, "members")
    policy = server.standing.policy
    needed, barred = policy.required_roles, policy.barred_roles
    lost = ", ".join(f"<@&{id_}>" for id_ in sorted(server.lost_roles())[: values.NAMED])
    none = "None that exists: nobody can ask" if needed else "No role is needed"
    gone: list[Item] = [ui.TextDisplay(f"⚠️ Does not exist any more: {lost}")] if lost else []
    return _group(
        "members", server, notice,
        *labelled("Roles of which one is needed", "Choose none to need none.",
                  role_select(where.id("required"), needed, server, none)),
        *labelled("Barred roles", "One of them bars, whatever other roles a member has.",
                  role_select(where.id("barred"), barred, server, "No role is barred")),
        ui.TextDisplay(
            f"**Time in the server before asking**: {values.waiting(policy.newcomer_ms)}"
        ),
        *gone,
        about="Who may ask for videos.",
        first=[button("Change days", where.id("newcomers"))],
    )  # fmt: skip


def _costs(server: Server, notice: Notice | None) -> Panel:
    weights = server.standing.policy.weights
    lines = [f"`/{verb}` × **{weights.get(verb, 1)}**" for verb in Verb]
    return _group(
        "costs", server, notice,
        ui.TextDisplay("\n".join(lines)),
        about="What a video costs is multiplied by this number.",
        first=[button("Change costs", Where(SETTINGS, "costs").id("costs"))],
    )  # fmt: skip


def _results(server: Server, notice: Notice | None) -> Panel:
    where = Where(SETTINGS, "results")
    return _group(
        "results", server, notice,
        *posting(server, where, "result"),
        *posting(server, where, "showcase"),
        about="Where the bot posts videos.",
    )  # fmt: skip


def _review(server: Server, notice: Notice | None) -> Panel:
    where = Where(SETTINGS, "review")
    return _group(
        "review", server, notice,
        *posting(server, where, "review"),
        *looks(server, where),
        about="Moderators look at videos in a channel of theirs and let them pass or not.",
        first=newness(server, where),
    )  # fmt: skip


def _strikes(server: Server, notice: Notice | None) -> Panel:
    where = Where(SETTINGS, "strikes")
    rule = server.standing.choices.strikes
    off = [button("Switch off", where.id("strikes_off"))] if rule else []
    return _group(
        "strikes", server, notice,
        ui.TextDisplay(f"**Strikes**: {summaries.strikes(server).lower()}"),
        about="Members whose prompts Pika’s moderation refuses again and again are blocked "
        "for a while.",
        first=[button("Change numbers" if rule else "Switch on", where.id("strikes")), *off],
    )  # fmt: skip


def _records(server: Server, notice: Notice | None) -> Panel:
    where = Where(SETTINGS, "records")
    choices = server.standing.choices
    own = [button("Keep as the bot does", where.id("kept"))] if choices.retention_ms else []
    lines = (
        summaries.stuck(server),
        f"**Daily report in the log**: {values.on(choices.digest)}",
        f"**Words and pictures of finished videos**: kept {values.kept(choices.retention_ms)}",
    )
    return _group(
        "records", server, notice,
        *posting(server, where, "log"),
        ui.TextDisplay("\n".join(filter(None, lines))),
        about="What is written down, and for how long.",
        first=[
            button(
                f"Switch report {values.on(not choices.digest)}",
                where.id(f"digest_{values.on(not choices.digest)}"),
                disabled=choices.log is None,
            ),
            button("Change days", where.id("retention")),
            *own,
        ],
    )  # fmt: skip


_GROUPS: Final[dict[str, tuple[str, Callable[[Server], str], Draw]]] = {
    "channels": ("Channels", summaries.asking, _channels),
    "members": ("Members", summaries.members, _members),
    "costs": ("Costs", summaries.costs, _costs),
    "results": ("Results", summaries.results, _results),
    "review": ("Review", summaries.review, _review),
    "strikes": ("Strikes", summaries.strikes, _strikes),
    "records": ("Log and records", summaries.records, _records),
}

PAGES: Final[dict[str, Draw]] = {
    HOME: home,
    **{name: draw for name, (_, _, draw) in _GROUPS.items()},
}
