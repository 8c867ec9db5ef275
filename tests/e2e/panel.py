"""Moderators with a panel open, and what they and forgers do with it."""

from __future__ import annotations

from typing import Any

from bot.sandbox.discord import Invocation, Member, Message, Permission, TextChannel
from tests.e2e import forging
from tests.e2e.test_moderation import moderated
from tests.e2e.town import Scene

Json = dict[str, Any]
STEPS = ("asking", "places", "limits", "review", "summary")


class Hand:
    """A moderator with a panel open."""

    def __init__(self, scene: Scene, who: Member, shown: Message, home: str) -> None:
        self.scene = scene
        self.who = who
        self.shown = shown
        self.home = home
        self.page = "home" if home == "settings" else "asking"

    @property
    def text(self) -> str:
        """What the panel says."""
        return self.shown.text

    @property
    def labels(self) -> list[str]:
        """What its buttons are called."""
        return [button.label for button in self.shown.buttons]

    def id(self, what: str) -> str:
        """The id of a control on the page that is open."""
        return f"{self.home}:{self.page}:{what}"

    async def open(self, page: str) -> str:
        """Go to another page."""
        if self.home == "settings" and self.page != "home" and page != "home":
            await self._follow("home")
        elif self.home == "setup" and page in STEPS and self.page in STEPS:
            way = 1 if STEPS.index(page) > STEPS.index(self.page) else -1
            while STEPS.index(page) - STEPS.index(self.page) != way and page != self.page:
                await self._follow(STEPS[STEPS.index(self.page) + way])
        await self._follow(page)
        return self.text

    async def _follow(self, page: str) -> None:
        """Press the button that leads to a page."""
        await self.scene.press(self.who, self.shown, custom_id=f"{self.home}:{page}:open")
        self.page = page

    async def press(self, what: str) -> str:
        """Press a button of this page."""
        await self.scene.press(self.who, self.shown, custom_id=self.id(what))
        return self.text

    async def choose(self, what: str, *values: Any) -> str:
        """Choose in a select of this page."""
        pressed = await self.scene.discord.select(self.who, self.shown, self.id(what), list(values))
        self.scene.asked.append(pressed)
        await pressed.answered()
        return self.text

    async def form(self, what: str) -> Invocation:
        """Open a form of this page."""
        opened = await self.scene.discord.press(self.who, self.shown, custom_id=self.id(what))
        self.scene.asked.append(opened)
        await opened.acknowledged()
        assert opened.modal is not None
        return opened

    async def send(self, opened: Invocation, **values: str) -> Message:
        """Send a form; what is not named stays as it was shown."""
        assert opened.modal is not None
        ids = [row["component"]["custom_id"] for row in opened.modal["components"]]
        by_id = {id_: values[name] for id_ in ids if (name := field_name(id_)) in values}
        assert len(by_id) == len(values)
        sent = await self.scene.discord.submit_modal(self.who, opened, by_id)
        self.scene.asked.append(sent)
        return await sent.answered()

    async def fill(self, what: str, **values: str) -> str:
        """Open a form and send it."""
        await self.send(await self.form(what), **values)
        return self.text

    def chosen(self, what: str) -> set[int]:
        """What a select of channels or roles shows as chosen."""
        menu = self.shown.component(self.id(what))
        assert menu is not None
        return {int(value["id"]) for value in menu.get("default_values") or ()}

    async def forge(self, custom_id: str, values: list[str] | None = None, kind: int = 2) -> str:
        """Use a control that the bot never put there, with whatever values; the private words,
        or those of the panel where it was drawn anew.
        """
        sent = await forging.component(
            self.scene, self.who, self.shown, custom_id, kind=kind, values=values or []
        )
        return (await sent.answered()).text


def field_name(custom_id: str) -> str:
    """What a field of a form is for; the rest of its id is what was set when it was shown."""
    return custom_id.partition("=")[0]


async def opened(scene: Scene, who: Member, home: str = "settings") -> Hand:
    """The panel, fresh."""
    shown = await moderated(scene, who, home)
    return Hand(scene, who, shown, home)


def rows(scene: Scene, table: str) -> list[dict[str, Any]]:
    """What a table has of this server."""
    return scene.town.rows(f"SELECT * FROM {table} WHERE guild_id = :id", id=scene.guild.id)


def choice(scene: Scene, name: str) -> Any:
    """One of the server's choices as the database has it."""
    (row,) = rows(scene, "server_choice")
    return row[name]


def access(scene: Scene, kind: str) -> set[int]:
    """A list of the server."""
    return {row["subject_id"] for row in rows(scene, "server_access") if row["kind"] == kind}


def private(scene: Scene, name: str = "office") -> TextChannel:
    """A channel that only moderators and the bot see."""
    office = scene.guild.create_text_channel(name)
    office.set_overwrite(scene.guild.everyone, deny=Permission.VIEW_CHANNEL)
    for role in (scene.guild.bot_role, *scene.guild.roles.values()):
        if role is scene.guild.bot_role or role.permissions & Permission.MANAGE_GUILD:
            office.set_overwrite(role, allow=Permission.VIEW_CHANNEL)
    return office
