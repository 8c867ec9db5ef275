"""The steps of ``/moderate setup``: five pages with a way back and on, and a last word.

What is chosen holds at once, as everywhere; so whoever stops in the middle has lost nothing, and
whoever begins again finds what was chosen.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import discord
from discord import ui

from bot.ui.cards import Colour
from bot.ui.moderation import values
from bot.ui.moderation.panel import summaries
from bot.ui.moderation.panel.fields import allowed, looks, mending, newness, posting, warned
from bot.ui.moderation.panel.parts import (
    CHECK,
    OPEN,
    SETTINGS,
    SETUP,
    Item,
    Notice,
    Panel,
    Where,
    button,
    labelled,
    page,
    row,
    warning,
)
from bot.ui.moderation.panel.server import Chosen, Server
from bot.ui.moderation.panel.settings import HOME, Draw
from bot.ui.permissions import Use
from bot.workflow.moderation.presets import PRESETS, chosen

STEPS: Final = ("asking", "places", "limits", "review", "summary")
FIRST: Final = STEPS[0]
SUMMARY: Final = STEPS[-1]
DONE: Final = "done"

TEST: Final = "test"
"""What the button does that tries every channel out."""

_ROOM: Final = 2_400
"""Characters that the lines about channels may have, together with those about pauses."""


def _step(
    name: str,
    title: str,
    about: str,
    body: Sequence[Item],
    notice: Notice | None,
    *,
    on: str = "Next",
    more: Iterable[Item] = (),
) -> Panel:
    """A step with its buttons: back, on, and whatever else there is to do."""
    number = STEPS.index(name)
    back = [button("Back", Where(SETUP, STEPS[number - 1]).id(OPEN))] if number else []
    following = STEPS[number + 1] if name != SUMMARY else DONE
    style = discord.ButtonStyle.secondary if on == "Skip" else discord.ButtonStyle.primary
    further = button(on, Where(SETUP, following).id(OPEN), style)
    where = f"-# Step {number + 1} of {len(STEPS)} · {about}"
    return page(title, where, [*body, ui.Separator(), row(*back, further, *more)], notice)


def _on(something: object) -> str:
    """The way on is called by whether this step has anything chosen."""
    return "Next" if something else "Skip"


def _asking(server: Server, notice: Notice | None) -> Panel:
    where = Where(SETUP, "asking")
    found = warned(server, "asking")
    return _step(
        "asking", "Where may members ask for videos?",
        "What you choose holds at once; you can change it at any time.",
        [*allowed(server, where), *found], notice,
        on=_on(server.standing.policy.allowed_channels),
        more=mending(server, where, found),
    )  # fmt: skip


def _places(server: Server, notice: Notice | None) -> Panel:
    where = Where(SETUP, "places")
    choices = server.standing.choices
    found = warned(server, "places")
    body = [item for what in ("result", "showcase", "log", "review")
            for item in posting(server, where, what)]  # fmt: skip
    return _step(
        "places", "Where should things go?",
        "None of these is needed. Log and review are for moderators: choose a channel of yours.",
        [*body, *found], notice,
        on=_on((choices.result, choices.showcase, choices.log, choices.review) != (None,) * 4),
        more=mending(server, where, found),
    )  # fmt: skip


_PRESETS: Final = {
    "bot": "The bot’s own limit",
    "small": "A small server: some dozens of members",
    "medium": "A medium server: some hundreds",
    "large": "A large server: thousands",
}


def _limits(server: Server, notice: Notice | None) -> Panel:
    where = Where(SETUP, "limits")
    policy = server.standing.policy
    now = chosen(policy, server.default)
    select: Item = ui.Select(
        custom_id=where.id("preset"),
        placeholder="Numbers of your own; or choose",
        options=[
            discord.SelectOption(
                value=name,
                label=_PRESETS[name],
                description=f"{values.quota(preset.everyone or server.default)}; "
                f"budget: {values.rate(preset.budget)}",
                default=name == now,
            )
            for name, preset in PRESETS.items()
        ],
    )
    return _step(
        "limits", "How much may everybody use?",
        "A video from words costs one credit, unless you change that.",
        [
            ui.TextDisplay(summaries.limits(server)),
            *labelled("To begin with", "You can give members, roles and channels limits of their "
                      "own later.", select),
        ],
        notice,
        on=_on(now != "bot"),
        more=[button("Own numbers", where.id("limits"))],
    )  # fmt: skip


def _review(server: Server, notice: Notice | None) -> Panel:
    where = Where(SETUP, "review")
    found = warned(server, "review")
    return _step(
        "review", "Should moderators look first?",
        "New members are the ones to begin with.",
        [*posting(server, where, "review"), *looks(server, where), *found], notice,
        on=_on(server.standing.choices.review),
        more=[*newness(server, where), *mending(server, where, found)],
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Finding:
    """What is known of a channel, and whether all is well there."""

    well: bool
    text: str


def _summary(server: Server, notice: Notice | None) -> Panel:
    return summary(server, notice, checks(server))


def summary(
    server: Server, notice: Notice | None, findings: Sequence[Finding], *, busy: bool = False
) -> Panel:
    """What was chosen, and what was found in each channel. While ``busy``, more is on the way."""
    where = Where(SETUP, SUMMARY)
    pauses = summaries.pauses(server)
    room = _ROOM - sum(map(len, pauses))
    said = (
        summaries.asking(server),
        summaries.results(server),
        summaries.records(server),
        *summaries.limits(server).splitlines(),
        summaries.review(server),
    )
    return _step(
        SUMMARY, "This is how it is set up", "Go back to change something.",
        [
            *map(ui.TextDisplay, pauses),
            ui.TextDisplay("\n".join(f"- {line}" for line in said)),
            ui.Separator(),
            ui.TextDisplay("**Channels**\n" + fitting(findings, room)),
        ],
        notice,
        on="Done",
        more=[
            button("Send a test post", where.id(TEST), disabled=busy),
            button("Check again", where.id(CHECK), disabled=busy),
        ],
    )  # fmt: skip


def channels(server: Server) -> list[Chosen]:
    """Every chosen channel, and the one where the moderator is."""
    found = server.chosen()
    if all(one.id != server.here.id for one in found):
        found.append(Chosen(server.here.id, ("here",), Use.ASKING, server.here))
    return found


def checks(server: Server) -> list[Finding]:
    """What the bot needs in each channel and does not have."""
    return [_check(one) for one in channels(server)]


def _check(one: Chosen) -> Finding:
    lacking = warning(one)
    uses = f"({', '.join(one.uses)})"
    if lacking is not None:
        return Finding(False, f"{lacking} {uses}")
    return Finding(True, f"✅ <#{one.id}>: I have all that I need {uses}")


def verdict(findings: Sequence[Finding]) -> Notice:
    """What came of test posts, together."""
    wrong = sum(not one.well for one in findings)
    if wrong:
        return Notice(
            f"❌ Something is wrong in {wrong} of {len(findings)} channels.", Colour.FAILED
        )
    return Notice("✅ Everything works where it was tried.", Colour.DONE)


def fitting(findings: Sequence[Finding], room: int) -> str:
    """As many of them as there is room for, a line each; what is wrong first."""
    ordered = sorted(findings, key=lambda one: one.well)
    lines: list[str] = []
    for index, one in enumerate(ordered):
        room -= len(one.text) + 1
        if room < 0:
            rest = ordered[index:]
            wrong = sum(not left.well for left in rest)
            return "\n".join((*lines, f"… and {len(rest)} more, {wrong} of them with a problem"))
        lines.append(one.text)
    return "\n".join(lines)


def _done(server: Server, notice: Notice | None) -> Panel:
    pauses = summaries.pauses(server)
    begin = "once the pause is over" if pauses else "now"
    body: list[Item] = [
        *map(ui.TextDisplay, pauses),
        ui.TextDisplay(
            "\n".join(
                (
                    f"Members can ask for videos {begin}, with {server.mention('create')}. They "
                    "were told nothing: say a word to them when you like.",
                    f"{server.mention('moderate settings')} changes all of this and more; "
                    f"{server.mention('moderate explain')} says what holds for one member.",
                )
            )
        ),
        row(
            button("Back", Where(SETUP, SUMMARY).id(OPEN)),
            button("All settings", Where(SETTINGS, HOME).id(OPEN)),
        ),
    ]
    return page("Done", "-# You can begin again at any time.", body, notice)


PAGES: Final[dict[str, Draw]] = {
    "asking": _asking,
    "places": _places,
    "limits": _limits,
    "review": _review,
    SUMMARY: _summary,
    DONE: _done,
}
