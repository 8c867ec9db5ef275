"""What the page asks for, each done as the person it plays."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

from bot.sandbox.discord import (
    Channel,
    ClientRefused,
    DidNotRespond,
    EmbeddedDiscord,
    ForumChannel,
    Invocation,
    User,
)
from bot.sandbox.web import talk, tools_pika
from bot.sandbox.web.asked import Asked
from bot.sandbox.web.backstage import TOOLS
from bot.sandbox.web.connection import Connection
from bot.sandbox.web.files import Files
from bot.sandbox.web.filling import Filling
from bot.sandbox.web.players import Player
from bot.sandbox.web.sight import Sight
from bot.sandbox.web.tools import Backstage
from bot.sandbox.web.view import View

Json = dict[str, Any]
Handler = Callable[["Actions", Connection, Asked], Awaitable[Json]]


class Actions:
    """Does what a request says. Everything raises ``ClientRefused`` with words for a person."""

    def __init__(
        self,
        discord: EmbeddedDiscord,
        stage: Backstage,
        files: Files,
        view: View,
        players: Sequence[Player],
    ) -> None:
        self._discord = discord
        self._stage = stage
        self._files = files
        self._view = view
        self._players = players

    async def do(self, connection: Connection, body: Json) -> Json:
        """Do one request; what to answer."""
        name = body.get("do")
        handler = _HANDLERS.get(name) if isinstance(name, str) else None
        if handler is None:
            raise ClientRefused("this server does not know how to do that")
        return await handler(self, connection, Asked(body))

    def player(self, raw: object) -> User | None:
        """The account of somebody whom the page may play."""
        return next((one.user for one in self._players if str(one.user.id) == raw), None)

    def _sight(self, connection: Connection) -> Sight:
        return Sight(self._discord, connection.user)

    def _place(self, connection: Connection, asked: Asked) -> tuple[Sight, Channel]:
        sight = self._sight(connection)
        return sight, sight.channel(asked.text("channel"))

    # whom to play

    async def be(self, connection: Connection, asked: Asked) -> Json:
        """Become somebody else."""
        user = self.player(asked.text("person"))
        if user is None:
            raise ClientRefused("there is nobody like that to play")
        connection.become(user)
        return {}

    async def dms(self, connection: Connection, asked: Asked) -> Json:
        """Open or close one's direct messages."""
        connection.user.dms_open = asked.flag("open")
        self._discord.changes.bump()
        return {}

    # commands

    async def invoke(self, connection: Connection, asked: Asked) -> Json:
        """Use a slash command."""
        sight, channel = self._place(connection, asked)
        command = asked.text("command")
        options = Filling(sight, channel, self._files).options(command, asked.values("options"))
        return _began(
            connection,
            await self._discord.invoke(sight.actor(channel), channel, command, **options),
        )

    async def autocomplete(self, connection: Connection, asked: Asked) -> Json:
        """Ask the bot for suggestions, and wait for them."""
        sight, channel = self._place(connection, asked)
        command, focused = asked.text("command"), asked.text("focused")
        filling = Filling(sight, channel, self._files)
        options = filling.options(command, asked.values("options"), typing=True)
        options.setdefault(focused, "")
        invocation = await self._discord.autocomplete(
            sight.actor(channel), channel, command, focused=focused, **options
        )
        try:
            await invocation.acknowledged()
        except DidNotRespond as error:
            raise ClientRefused("Loading options failed") from error
        return {"choices": invocation.choices or []}

    async def message_menu(self, connection: Connection, asked: Asked) -> Json:
        """Use a command from a message's menu."""
        sight, channel = self._place(connection, asked)
        message = sight.message(channel, asked.text("message"))
        command = asked.text("command")
        actor = sight.actor(channel)
        return _began(connection, await self._discord.message_menu(actor, command, message))

    async def user_menu(self, connection: Connection, asked: Asked) -> Json:
        """Use a command from a user's menu."""
        sight, channel = self._place(connection, asked)
        target = sight.person(channel.guild, asked.text("user"))
        command = asked.text("command")
        actor = sight.actor(channel)
        return _began(connection, await self._discord.user_menu(actor, channel, command, target))

    # components and forms

    async def press(self, connection: Connection, asked: Asked) -> Json:
        """Press a button."""
        sight, channel = self._place(connection, asked)
        message = sight.message(channel, asked.text("message"))
        custom_id = asked.text("custom_id")
        actor = sight.actor(channel)
        pressed = await self._discord.press(actor, message, custom_id=custom_id)
        return _began(connection, pressed, custom_id)

    async def select(self, connection: Connection, asked: Asked) -> Json:
        """Choose in a select menu."""
        sight, channel = self._place(connection, asked)
        message = sight.message(channel, asked.text("message"))
        custom_id = asked.text("custom_id")
        menu = message.component(custom_id)
        if menu is None:
            raise ClientRefused("there is no such menu any more")
        values = Filling(sight, channel, self._files).chosen(menu, asked.texts("values"))
        actor = sight.actor(channel)
        chosen = await self._discord.select(actor, message, custom_id, values)
        return _began(connection, chosen, custom_id)

    async def submit(self, connection: Connection, asked: Asked) -> Json:
        """Submit the open form."""
        opener = _form(connection, asked)
        if connection.submission is not None:
            raise ClientRefused("the form is on its way")
        assert opener.modal is not None  # _form looked
        sight = self._sight(connection)
        filling = Filling(sight, opener.channel, self._files)
        values = filling.form(opener.modal, asked.values("values"))
        actor = sight.actor(opener.channel)
        invocation = await self._discord.submit_modal(actor, opener, values)
        connection.submitted(invocation)
        return {"invocation": str(invocation.id)}

    async def close(self, connection: Connection, asked: Asked) -> Json:
        """Close the open form."""
        _form(connection, asked)
        connection.close_form()
        return {}

    # without the bot

    async def post(self, connection: Connection, asked: Asked) -> Json:
        """Write a message."""
        sight, channel = self._place(connection, asked)
        uploads = [self._files.upload(token) for token in asked.texts("files")]
        raw = asked.given("reply_to")
        reply_to = None if raw is None else sight.message(channel, raw)
        content = asked.text_or("content", "")
        message = talk.write(sight.actor(channel), channel, content, uploads, reply_to)
        return {"message": str(message.id)}

    async def delete(self, connection: Connection, asked: Asked) -> Json:
        """Delete a message."""
        sight, channel = self._place(connection, asked)
        talk.delete(sight.actor(channel), sight.message(channel, asked.text("message")))
        return {}

    async def dismiss(self, connection: Connection, asked: Asked) -> Json:
        """Dismiss an ephemeral message."""
        raw = asked.text("message")
        sight = self._sight(connection)
        for channel in sight.channels():
            for message in channel.ephemerals.values():
                if str(message.id) == raw and message.ephemeral_to is sight.user:
                    self._view.dismissed.add(message.id)
                    return {}
        raise ClientRefused("there is no such message")

    async def forget(self, connection: Connection, asked: Asked) -> Json:
        """Dismiss something that failed."""
        if not connection.forget(asked.text("invocation")):
            raise ClientRefused("there is nothing to dismiss")
        return {}

    async def thread(self, connection: Connection, asked: Asked) -> Json:
        """Start a thread, or open a post in a forum."""
        sight, channel = self._place(connection, asked)
        actor = sight.actor(channel)
        name, content = asked.text("name").strip(), asked.text_or("content", "")
        if isinstance(channel, ForumChannel):
            return {"channel": str(talk.open_post(actor, channel, name, content).id)}
        raw = asked.given("message")
        message = None if raw is None else sight.message(channel, raw)
        private = bool(asked.flag_or("private", default=False))
        thread = talk.start_thread(actor, channel, name, message=message, private=private)
        if content.strip():
            talk.write(actor, thread, content, [], None)
        return {"channel": str(thread.id)}

    async def thread_state(self, connection: Connection, asked: Asked) -> Json:
        """Archive or reopen, lock or unlock a thread."""
        sight, channel = self._place(connection, asked)
        archived = asked.flag_or("archived", default=None)
        locked = asked.flag_or("locked", default=None)
        talk.change_thread(sight.actor(channel), channel, archived=archived, locked=locked)
        return {}

    async def delete_thread(self, connection: Connection, asked: Asked) -> Json:
        """Delete a thread."""
        sight, channel = self._place(connection, asked)
        talk.delete_thread(sight.actor(channel), channel)
        return {}

    # the drawers

    async def tool(self, connection: Connection, asked: Asked) -> Json:
        """Do what a drawer offers."""
        tool = TOOLS.get(asked.text("tool"))
        if tool is None:
            raise ClientRefused("the drawers do not have that")
        said = await tool.use(self._stage, self._sight(connection), asked.values("fields"))
        self._discord.changes.bump()
        return {"said": said}

    async def undo(self, _connection: Connection, asked: Asked) -> Json:
        """End a misfortune."""
        said = await self._stage.undo(asked.text("fault"))
        self._discord.changes.bump()
        return {"said": said}

    async def finish_job(self, _connection: Connection, asked: Asked) -> Json:
        """Let Pika finish a job now."""
        tools_pika.finish(self._stage, asked.text("job"))
        return {}

    async def fail_job(self, _connection: Connection, asked: Asked) -> Json:
        """Let Pika fail a job now."""
        tools_pika.fail(self._stage, asked.text("job"))
        return {}


def _began(connection: Connection, invocation: Invocation, custom_id: str | None = None) -> Json:
    connection.began(invocation, custom_id)
    return {"invocation": str(invocation.id)}


def _form(connection: Connection, asked: Asked) -> Invocation:
    opener = connection.form
    if opener is None or str(opener.id) != asked.text("modal"):
        raise ClientRefused("that form is not open any more")
    return opener


_HANDLERS: Final[dict[str, Handler]] = {
    "be": Actions.be,
    "dms": Actions.dms,
    "invoke": Actions.invoke,
    "autocomplete": Actions.autocomplete,
    "press": Actions.press,
    "select": Actions.select,
    "submit": Actions.submit,
    "close": Actions.close,
    "message_menu": Actions.message_menu,
    "user_menu": Actions.user_menu,
    "post": Actions.post,
    "delete": Actions.delete,
    "dismiss": Actions.dismiss,
    "forget": Actions.forget,
    "thread": Actions.thread,
    "thread_state": Actions.thread_state,
    "delete_thread": Actions.delete_thread,
    "tool": Actions.tool,
    "undo": Actions.undo,
    "finish_job": Actions.finish_job,
    "fail_job": Actions.fail_job,
}
