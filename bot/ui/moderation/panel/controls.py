"""From a press to the page drawn anew. Today's permission is asked for at each."""

from __future__ import annotations

import logging
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, Final, Self

import discord

from bot.errors import BadOption, NothingHere
from bot.ui.base import EPHEMERAL, Interaction, answer_error, services_of
from bot.ui.callback import INVALID_FORM, NotAnsweredError
from bot.ui.cards import Colour
from bot.ui.forms import Field, Form, open_form
from bot.ui.moderation.access import moderator
from bot.ui.moderation.panel import settings, setup
from bot.ui.moderation.panel.acts import ACTS, OPENING, Press, UnaskedError
from bot.ui.moderation.panel.forms import Entries, Typed, filled, sent
from bot.ui.moderation.panel.numbers import SHEETS
from bot.ui.moderation.panel.parts import (
    CHECK,
    IDS,
    OPEN,
    SETTINGS,
    SETUP,
    Notice,
    Panel,
    Where,
    asking,
    changed,
    refused,
)
from bot.ui.moderation.panel.server import guild_of, look
from bot.ui.moderation.panel.trial import try_out
from bot.ui.moderation.reach import Reach
from bot.workflow.moderation import Moderator

log = logging.getLogger(__name__)

LAYOUT: Final = 1 << 15
"""The flag of a message that consists of Components V2 (Discord docs, resources/message)."""

_Item = discord.ui.Item[Any]

_PAGES: Final[Mapping[str, Mapping[str, settings.Draw]]] = {
    SETTINGS: settings.PAGES,
    SETUP: setup.PAGES,
}
_FIRST: Final = {SETTINGS: settings.HOME, SETUP: setup.FIRST}
_FORMS_ON: Final = (
    Where(SETTINGS, "members").id("newcomers"),
    Where(SETTINGS, "costs").id("costs"),
    Where(SETTINGS, "review").id("newness"),
    Where(SETTINGS, "strikes").id("strikes"),
    Where(SETTINGS, "records").id("retention"),
    Where(SETUP, "limits").id("limits"),
    Where(SETUP, "review").id("newness"),
)
"""Every form with the page on which it stands."""


async def begin(interaction: Interaction, home: str) -> None:
    """Show the first page to a moderator, and to nobody else."""
    by = await moderator(interaction)
    panel = await _drawn(interaction, by, Where(home, _FIRST[home]))
    await _say(services_of(interaction).responder.answer, interaction, panel, EPHEMERAL)


class Control(discord.ui.DynamicItem[_Item], template=IDS):
    """Any button or select of any page, also of one that an earlier process has drawn."""

    def __init__(self, item: _Item, where: Where, what: str) -> None:
        super().__init__(item)
        self._where = where
        self._what = what

    @classmethod
    async def from_custom_id(
        cls, _interaction: Interaction, item: _Item, match: re.Match[str]
    ) -> Self:
        """The control on a message that is there already."""
        return cls(item, Where(match["home"], match["page"]), match["what"])

    async def callback(self, interaction: Interaction) -> None:
        """Do what it says, and draw the page anew."""
        # discord.py swallows what a DynamicItem raises, so it is answered here.
        try:
            await self._act(interaction)
        except Exception as error:  # noqa: BLE001 - the one answerer decides
            await answer_error(interaction, error)

    async def _act(self, interaction: Interaction) -> None:
        by = await moderator(interaction)
        if self._where.page not in _PAGES[self._where.home]:
            raise NothingHere
        if self._what in {OPEN, CHECK}:
            await _show(interaction, await _drawn(interaction, by, self._where))
        elif self._where.id(self._what) in _FORMS_ON:
            await _open(interaction, by, self._where, self._what)
        elif self._where == Where(SETUP, setup.SUMMARY) and self._what == setup.TEST:
            await _test(interaction, by)
        else:
            act = ACTS.get(self._what)
            if act is None:
                raise NothingHere
            press = self._press(interaction, by)
            await _show(interaction, await _answered(interaction, by, self._where, act(press)))

    def _press(self, interaction: Interaction, by: Moderator) -> Press:
        data: Mapping[str, Any] = interaction.data or {}
        guild = guild_of(interaction)
        return Press(
            by=by,
            reach=Reach.of(interaction, guild),
            guild=guild,
            governing=services_of(interaction).moderation.governing,
            page=self._where.page,
            values=tuple(data.get("values", ())),
            seen=frozenset(_preset(self.item)),
        )


def _preset(item: _Item) -> Iterator[str]:
    """What was shown as chosen in a select when it was used."""
    if isinstance(item, discord.ui.ChannelSelect | discord.ui.RoleSelect):
        yield from (str(value.id) for value in item.default_values)
    elif isinstance(item, discord.ui.Select):
        yield from (option.value for option in item.options if option.default)


async def _drawn(
    interaction: Interaction, by: Moderator, where: Where, notice: Notice | None = None
) -> Panel:
    """A page as everything is now."""
    return _PAGES[where.home][where.page](await look(interaction, by), notice)


async def _answered(
    interaction: Interaction, by: Moderator, where: Where, work: Awaitable[Entries]
) -> Panel:
    """The page after ``work``, with what it changed, with what to do so that it can be done, or
    with what has to be asked first.
    """
    try:
        notice = changed(await work, services_of(interaction).moderation.governing.default)
    except BadOption as error:
        notice = refused(error)
    except UnaskedError as error:
        notice = asking(error, error.label, where.id(OPENING))
    return await _drawn(interaction, by, where, notice)


async def _show(interaction: Interaction, panel: Panel) -> bool:
    """Change the page that was pressed; whether that arrived."""
    return await _say(services_of(interaction).responder.update, interaction, panel)


async def _say(
    how: Callable[[Interaction, dict[str, Any]], Awaitable[int]],
    interaction: Interaction,
    panel: Panel,
    flags: int = 0,
) -> bool:
    """Answer with a page; whether it arrived, as one that comes too late is not worth a word.
    Raises ``NotAnsweredError`` where Discord finds fault with it.
    """
    page = {
        "components": panel.body(),
        "flags": LAYOUT | flags,
        "allowed_mentions": {"parse": []},
    }
    try:
        await how(interaction, page)
    except NotAnsweredError as error:
        if error.code == INVALID_FORM:
            raise
        log.info("a page did not arrive: %s", error)
        return False
    return True


class NumbersForm:
    """Numbers of a page, typed."""

    template: ClassVar[re.Pattern[str]] = re.compile("|".join(map(re.escape, _FORMS_ON)))

    def __init__(self, custom_id: str, fields: Sequence[Field] = ()) -> None:
        home, page, self.name = custom_id.split(":")
        self.custom_id = custom_id
        self.title = SHEETS[self.name].title
        self.fields = fields
        self._where = Where(home, page)

    @classmethod
    def of(cls, match: re.Match[str]) -> Self:
        """The form on the page that its id names."""
        return cls(match[0])

    async def submitted(self, interaction: Interaction, typed: Typed) -> None:
        """Set what was changed; what is wrong is kept for the next try."""
        by = await moderator(interaction)
        sheet = SHEETS[self.name]
        came = sent(typed, sheet)
        drafts, key = services_of(interaction).drafts, (by.guild_id, by.user_id, self.name)
        governing = services_of(interaction).moderation.governing

        async def save() -> Entries:
            drafts.keep(key, {field: came.text[field] for field in came.changed})
            entries = await sheet.save(governing, by, came)
            drafts.drop(key)
            return entries

        await _show(interaction, await _answered(interaction, by, self._where, save()))


FORMS: tuple[type[Form], ...] = (NumbersForm,)
"""``bot.client`` listens for them."""


async def _open(interaction: Interaction, by: Moderator, where: Where, name: str) -> None:
    """Show a form with the current numbers, or with those that were wrong a moment ago."""
    draft = services_of(interaction).drafts.of((by.guild_id, by.user_id, name))
    fields = filled(SHEETS[name], await look(interaction, by), draft)
    await open_form(interaction, NumbersForm(where.id(name), fields))


async def _test(interaction: Interaction, by: Moderator) -> None:
    """Post into every chosen channel, or here where none is chosen, and say what came of it."""
    server = await look(interaction, by)
    turns = services_of(interaction).tests
    if not turns.take(by.guild_id):
        soon = Notice(
            "⏳ There was a test a moment ago. Please wait half a minute.", Colour.WAITING
        )
        await _show(interaction, setup.summary(server, soon, setup.checks(server)))
        return
    waiting = Notice("⏳ Posting into every channel…", Colour.WAITING)
    if not await _show(
        interaction, setup.summary(server, waiting, setup.checks(server), busy=True)
    ):
        turns.give_back(by.guild_id)  # nobody would read what came of it
        return
    tried = server.chosen() or setup.channels(server)
    findings = await try_out(interaction, tried)
    server = await look(interaction, by)
    notice = setup.verdict(findings)
    await interaction.edit_original_response(view=setup.summary(server, notice, findings))
