"""What people do: type commands, press buttons, choose, fill in forms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import command_rules as rules
from . import commands as registry
from . import event, message_payload, modals
from .channels import Channel, Thread
from .errors import ClientRefused
from .invocations import AUTOCOMPLETE, COMMAND, COMPONENT, MODAL_SUBMIT, Invocation
from .messages import BUTTON, LINK_STYLE, ROW, SELECTS, TEXT_DISPLAY, Message, walk
from .options import Filling
from .people import Member, User
from .permissions import Permission

if TYPE_CHECKING:
    from .media import Upload
    from .server import EmbeddedDiscord

Json = dict[str, Any]

_IN_GUILD, _IN_BOT_DM = 0, 1


class Hands:
    """Acts for people; whatever Discord's client or server would not let them do is refused."""

    def __init__(self, server: EmbeddedDiscord) -> None:
        self._server = server
        self._world = server.world

    # commands

    def invoke(
        self, who: User | Member, where: Channel, path: str, values: dict[str, Any]
    ) -> Invocation:
        """Use a chat command; ``path`` names subcommands too ("moderate limit")."""
        actor = self._actor(who, where)
        command = self._usable(actor, where, rules.CHAT_INPUT, path.split(" ", maxsplit=1)[0])
        filling = Filling(self._world, actor, where)
        data = self._command_data(command, where)
        options, wrap = _descend(command, path.split(" ")[1:])
        filled = wrap(filling.fill(options, values))
        if filled:
            data["options"] = filled
        if filling.resolved:
            data["resolved"] = filling.resolved
        return self._dispatch(self._new(actor, where, COMMAND, f"/{path}"), data)

    def autocomplete(
        self, who: User | Member, where: Channel, path: str, focused: str, values: dict[str, Any]
    ) -> Invocation:
        """Type into an option that suggests values."""
        actor = self._actor(who, where)
        command = self._usable(actor, where, rules.CHAT_INPUT, path.split(" ", maxsplit=1)[0])
        filling = Filling(self._world, actor, where)
        options, wrap = _descend(command, path.split(" ")[1:])
        data = self._command_data(command, where)
        data["options"] = wrap(filling.partial(options, values, focused))
        if filling.resolved:
            data["resolved"] = filling.resolved
        return self._dispatch(self._new(actor, where, AUTOCOMPLETE, f"/{path}"), data)

    def message_menu(self, who: User | Member, name: str, message: Message) -> Invocation:
        """Use a command from a message's menu."""
        where = message.channel
        actor = self._actor(who, where)
        self._seen(actor, message)
        if message.ephemeral:
            raise ClientRefused("a message that only one person sees has no menu of apps")
        command = self._usable(actor, where, rules.MESSAGE_MENU, name)
        data = self._command_data(command, where)
        data["target_id"] = str(message.id)
        data["resolved"] = {"messages": {str(message.id): message_payload.message(message)}}
        invocation = self._new(actor, where, COMMAND, name)
        invocation.command_type = rules.MESSAGE_MENU
        invocation.target_id = message.id
        return self._dispatch(invocation, data)

    def user_menu(
        self, who: User | Member, where: Channel, name: str, target: User | Member
    ) -> Invocation:
        """Use a command from a user's menu."""
        actor = self._actor(who, where)
        command = self._usable(actor, where, rules.USER_MENU, name)
        filling = Filling(self._world, actor, where)
        data = self._command_data(command, where)
        data["target_id"] = filling.person(target)
        data["resolved"] = filling.resolved
        invocation = self._new(actor, where, COMMAND, name)
        invocation.command_type = rules.USER_MENU
        return self._dispatch(invocation, data)

    def offered(self, who: User | Member, where: Channel) -> list[Json]:
        """The commands, of all types, that somebody may use in a place; empty where none."""
        try:
            actor = self._actor(who, where)
        except ClientRefused:
            return []
        return [
            command
            for command in self._server.commands.visible(where.guild)
            if self._may(actor, where, command)
        ]

    def _may(self, actor: User | Member, where: Channel, command: Json) -> bool:
        try:
            self._usable(actor, where, command["type"], command["name"])
        except ClientRefused:
            return False
        return True

    def _command_data(self, command: Json, where: Channel) -> Json:
        data: Json = {"id": command["id"], "name": command["name"], "type": command["type"]}
        if "guild_id" in command and where.guild is not None:
            data["guild_id"] = command["guild_id"]
        return data

    def _usable(self, actor: User | Member, where: Channel, kind: int, name: str) -> Json:
        guild = where.guild
        if guild is not None and not guild.installed:
            raise ClientRefused(f"the application is not in {guild.name}")
        command = self._server.commands.find(guild, kind, name)
        if command is None:
            names = sorted(c["name"] for c in self._server.commands.visible(guild))
            raise ClientRefused(f"there is no command {name!r}; there are {names}")
        contexts = command.get("contexts")
        context = _IN_BOT_DM if guild is None else _IN_GUILD
        if contexts is not None and context not in contexts:
            raise ClientRefused(f"{name!r} is not offered here")
        if isinstance(where, Thread) and where.archived:
            raise ClientRefused("commands cannot be used in an archived thread")
        if command.get("nsfw") and not getattr(where, "nsfw", guild is None):
            raise ClientRefused(f"{name!r} is for age-restricted channels")
        if isinstance(actor, Member):
            if not actor.can(Permission.USE_APPLICATION_COMMANDS, where):
                raise ClientRefused("you do not have permission to use application commands")
            if not registry.may_use(command, actor, where):
                raise ClientRefused(f"you do not have permission to use {name!r}")
        return command

    # components

    def press(
        self, who: User | Member, message: Message, custom_id: str | None, label: str | None
    ) -> Invocation:
        """Press a button that is really there."""
        actor = self._actor(who, message.channel)
        self._seen(actor, message)
        button = _button(message, custom_id, label)
        return self._click(actor, message, button, {})

    def select(
        self, who: User | Member, message: Message, custom_id: str, values: list[Any]
    ) -> Invocation:
        """Choose values in a select menu; users, roles and channels are given as objects."""
        actor = self._actor(who, message.channel)
        self._seen(actor, message)
        menu = message.component(custom_id)
        if menu is None or menu["type"] not in SELECTS:
            raise ClientRefused(f"there is no select menu {custom_id!r}")
        filling = Filling(self._world, actor, message.channel)
        more: Json = {"values": filling.choose(menu, values)}
        if filling.resolved:
            more["resolved"] = filling.resolved
        return self._click(actor, message, menu, more)

    def _click(
        self, actor: User | Member, message: Message, component: Json, more: Json
    ) -> Invocation:
        if component.get("disabled"):
            raise ClientRefused(f"{component['custom_id']!r} is disabled")
        data: Json = {
            "custom_id": component["custom_id"],
            "component_type": component["type"],
            "id": component["id"],
            **more,
        }
        label = component.get("label") or component["custom_id"]
        invocation = self._new(actor, message.channel, COMPONENT, f"[{label}]")
        invocation.source = message
        return self._dispatch(invocation, data)

    # forms

    def submit_modal(
        self, who: User | Member, opener: Invocation, values: dict[str, Any]
    ) -> Invocation:
        """Submit the form that ``opener`` was answered with; what is left out stays as shown."""
        form = opener.modal
        if form is None:
            raise ClientRefused("no form was opened")
        actor = self._actor(who, opener.channel)
        if actor.id != opener.user.id:
            raise ClientRefused("the form was opened for somebody else")
        inputs = modals.fields(form)
        for name in values:
            if name not in inputs:
                raise ClientRefused(f"the form has no field {name!r}; it has {sorted(inputs)}")
        filling = Filling(self._world, actor, opener.channel)
        data: Json = {
            "custom_id": form["custom_id"],
            "components": _submitted(form["components"], values, filling),
            "resolved": filling.resolved,
        }
        invocation = self._new(actor, opener.channel, MODAL_SUBMIT, f"form {form['title']!r}")
        invocation.opener = opener
        invocation.source = opener.source
        return self._dispatch(invocation, data)

    # common

    def _actor(self, who: User | Member, where: Channel) -> User | Member:
        user = who.user if isinstance(who, Member) else who
        guild = where.guild
        if where.deleted:
            raise ClientRefused(f"{where.name} does not exist any more")
        if guild is None:
            return user
        member = guild.members.get(user.id)
        if member is None:
            raise ClientRefused(f"{user.name} is not in {guild.name}")
        seen = (
            where.visible_to(member)
            if isinstance(where, Thread)
            else member.can(Permission.VIEW_CHANNEL, where)
        )
        if not seen:
            raise ClientRefused(f"{user.name} cannot see {where.name}")
        return member

    def _seen(self, actor: User | Member, message: Message) -> None:
        if message.deleted:
            raise ClientRefused("the message was deleted")
        if message.ephemeral_to is not None and message.ephemeral_to.id != actor.id:
            raise ClientRefused("only its addressee sees this message")

    def _new(self, actor: User | Member, where: Channel, kind: int, name: str) -> Invocation:
        invocation = Invocation(self._world, actor, where, kind, name)
        invocation.limit = event.attachment_limit(invocation.user, where.guild)
        return invocation

    def _dispatch(self, invocation: Invocation, data: Json) -> Invocation:
        server = self._server
        server.interactions.add(invocation)
        server.gateway.interaction(invocation.guild, event.build(invocation, data))
        return invocation


def _descend(command: Json, path: list[str]) -> tuple[list[Json], Any]:
    """The options at the end of a path of subcommands, and how to wrap their values."""
    here, options = command, command.get("options") or []
    steps: list[Json] = []
    for name in path:
        found = next(
            (
                o
                for o in options
                if o["name"] == name and o["type"] in (rules.SUBCOMMAND, rules.GROUP)
            ),
            None,
        )
        if found is None:
            raise ClientRefused(f"{here['name']!r} has no subcommand {name!r}")
        steps.append(found)
        here, options = found, found.get("options") or []
    if any(option["type"] in (rules.SUBCOMMAND, rules.GROUP) for option in options):
        raise ClientRefused(f"{here['name']!r} needs a subcommand")

    def wrap(filled: list[Json]) -> list[Json]:
        for step in reversed(steps):
            filled = [{"name": step["name"], "type": step["type"], "options": filled}]
        return filled

    return options, wrap


def _button(message: Message, custom_id: str | None, label: str | None) -> Json:
    buttons = [c for c in walk(message.components) if c["type"] == BUTTON]
    for button in buttons:
        wanted = (
            button.get("custom_id") == custom_id
            if custom_id is not None
            else button.get("label") == label
        )
        if wanted and button["style"] == LINK_STYLE:
            raise ClientRefused(f"{label or custom_id!r} opens a link")
        if wanted:
            return button
    there = [button.get("label") or button.get("custom_id") for button in buttons]
    raise ClientRefused(f"there is no button {custom_id or label!r}; there are {there}")


def _submitted(components: list[Json], values: dict[str, Any], filling: Filling) -> list[Json]:
    numbers = iter(range(1, 1000))
    answer: list[Json] = []
    for row in components:
        sent: Json = {"type": row["type"], "id": row.get("id") or next(numbers)}
        if row["type"] == ROW:
            field = row["components"][0]
            sent["components"] = [_field(field, values, filling, next(numbers))]
        elif row["type"] != TEXT_DISPLAY:
            sent["component"] = _field(row["component"], values, filling, next(numbers))
        answer.append(sent)
    return answer


def _field(field: Json, values: dict[str, Any], filling: Filling, number: int) -> Json:
    name, kind = field["custom_id"], field["type"]
    sent: Json = {"type": kind, "id": field.get("id") or number, "custom_id": name}
    if kind == modals.TEXT_INPUT:
        text = str(values.get(name, field.get("value") or ""))
        modals.check_text(field, text)
        sent["value"] = text
    elif kind == modals.CHECKBOX:
        sent["value"] = bool(values.get(name, field.get("default", False)))
    elif kind == modals.FILE_UPLOAD:
        files: list[Upload] = values.get(name) or []
        sent["values"] = [filling.attachment(file) for file in files]
        modals.check_choice({**field, "min_values": field.get("min_values", 1)}, sent["values"])
    else:
        chosen = filling.choose(field, values[name] if name in values else filling.preset(field))
        if kind == modals.RADIO_GROUP:
            sent["value"] = chosen[0] if chosen else None
        else:
            sent["values"] = chosen
    return sent
