"""The drawer of faults, what befalls places: closed threads, lost rights, a bot or member gone."""

from __future__ import annotations

from typing import Final

from bot.sandbox.discord import ClientRefused, Guild, Member, Permission, Thread
from bot.sandbox.discord.channels import GuildChannel
from bot.sandbox.discord.permissions import Overwrite
from bot.sandbox.web.tools import Tool, Use, choice, place

P = Permission

_GROUP: Final = "Places"

_RIGHTS: Final = {
    "view": ("see", P.VIEW_CHANNEL),
    "send": ("write in", P.SEND_MESSAGES | P.SEND_MESSAGES_IN_THREADS),
    "attach": ("attach files in", P.ATTACH_FILES),
    "history": ("read the history of", P.READ_MESSAGE_HISTORY),
}


def _thread(use: Use) -> str:
    # Whoever opens the drawer may do this to any thread: a stagehand needs no permission.
    thread = use.stage.discord.world.channels.get(_number(use.text("thread")))
    if not isinstance(thread, Thread):
        raise ClientRefused("there is no such thread")
    name = f"“{thread.name}”"
    match use.text("how"):
        case "archive":
            thread.update(archived=True)
            return f"The thread {name} is archived."
        case "close":
            thread.update(archived=True, locked=True)
            return f"The thread {name} is archived and locked."
        case "open":
            thread.update(archived=False, locked=False)
            return f"The thread {name} is open."
        case _:
            thread.delete()
            return f"The thread {name} is deleted."


def _right(use: Use) -> str:
    channel = use.stage.discord.world.channels.get(_number(use.text("channel")))
    if isinstance(channel, Thread):
        channel = channel.parent
    if not isinstance(channel, GuildChannel):
        raise ClientRefused("there is no such channel")
    home, bot = channel, channel.guild.bot
    if bot is None:
        raise ClientRefused("the bot is not in that server")
    verb, bits = _RIGHTS[use.text("right")]
    before = home.overwrites.get(bot.id)
    lost = P(int(bits) & ~(before.deny if before else 0))
    if not lost:
        raise ClientRefused(f"the bot may not {verb} #{home.name} as it is")
    _deny(home, bot, lost)

    def undo() -> None:
        if not home.deleted and home.guild.bot is not None:
            _deny(home, home.guild.bot, lost, back=True)

    title = f"The bot may not {verb} #{home.name}"
    use.stage.add(use.tool, title, undo, over=lambda: home.deleted)
    return f"{title}."


def _deny(channel: GuildChannel, bot: Member, bits: Permission, *, back: bool = False) -> None:
    """Deny the bot ``bits`` in a channel, or give them ``back``; its overwrite else stays."""
    old = channel.overwrites.get(bot.id) or Overwrite(bot.id, True, 0, 0)
    deny = old.deny & ~int(bits) if back else old.deny | int(bits)
    channel.set_overwrite(bot, allow=P(old.allow), deny=P(deny))


def _remove(use: Use) -> str:
    guild = _guild(use)
    if not guild.installed:
        raise ClientRefused("the bot is not in that server")
    guild.remove_bot()
    title = f"The bot is not in {guild.name}"
    use.stage.add(use.tool, title, guild.add_bot, over=lambda: guild.installed)
    return f"The bot was removed from {guild.name}."


def _outage(use: Use) -> str:
    guild = _guild(use)
    if not guild.available:
        raise ClientRefused("that server is unavailable already")
    guild.set_available(False)
    title = f"{guild.name} is unavailable to the bot"
    use.stage.add(use.tool, title, lambda: guild.set_available(True), over=lambda: guild.available)
    return f"{title}."


def _leave(use: Use) -> str:
    guild, who = _guild(use), use.who
    member = guild.members.get(who.id)
    if member is None:
        raise ClientRefused(f"you are not in {guild.name}")
    if guild.owner_id == who.id:
        raise ClientRefused("the owner cannot leave")
    roles, nick = member.roles, member.nick
    joined_at, boosting = member.joined_at, member.boosting_since
    guild.kick(member)

    def undo() -> None:
        again = guild.join(who, roles=roles, nick=nick)
        again.joined_at, again.boosting_since = joined_at, boosting
        guild.world.changes.bump()

    name = who.global_name or who.name
    title = f"{name} has left {guild.name}"
    use.stage.add(use.tool, title, undo, over=lambda: who.id in guild.members)
    return f"{title}."


def _roles(use: Use) -> str:
    guild, who = _guild(use), use.who
    member = guild.members.get(who.id)
    roles = [] if member is None else member.roles
    if member is None or not roles:
        raise ClientRefused(f"you have no roles in {guild.name}")
    for role in roles:
        member.remove_role(role)

    def undo() -> None:
        for role in roles:
            member.add_role(role)

    def over() -> bool:
        there = guild.members.get(who.id) is member
        return not there or any(role in member.roles for role in roles)

    name = who.global_name or who.name
    title = f"{name} has no roles in {guild.name}"
    use.stage.add(use.tool, title, undo, over=over)
    return f"{title}."


def _guild(use: Use) -> Guild:
    found = use.stage.discord.world.guilds.get(_number(use.text("guild")))
    if found is None:
        raise ClientRefused("there is no such server")
    return found


def _number(raw: str) -> int:
    return int(raw) if raw.isascii() and raw.isdigit() else 0


TOOLS: Final = (
    Tool(
        "place_thread",
        "faults",
        _GROUP,
        "Thread",
        "Somebody closes the thread that waits for a video.",
        _thread,
        (
            place("thread", "thread"),
            choice(
                "how",
                "is",
                archive="archived",
                close="archived and locked",
                delete="deleted",
                open="open",
            ),
        ),
        danger=True,
    ),
    Tool(
        "place_right",
        "faults",
        _GROUP,
        "Lost permission",
        "The bot loses a right in a channel and its threads.",
        _right,
        (
            place("channel", "channel"),
            choice(
                "right",
                "may not",
                send="write",
                view="see it",
                attach="attach files",
                history="read the history",
            ),
        ),
    ),
    Tool(
        "place_remove",
        "faults",
        _GROUP,
        "Bot removed",
        "A moderator removes the bot from a server.",
        _remove,
        (place("guild", "server"),),
        danger=True,
    ),
    Tool(
        "place_outage",
        "faults",
        _GROUP,
        "Server outage",
        "Discord declares a server unavailable for a while.",
        _outage,
        (place("guild", "server"),),
    ),
    Tool(
        "place_roles",
        "faults",
        _GROUP,
        "I lose my roles",
        "All roles are taken from whom you play.",
        _roles,
        (place("guild", "server"),),
    ),
    Tool(
        "place_leave",
        "faults",
        _GROUP,
        "I leave",
        "Whom you play leaves a server.",
        _leave,
        (place("guild", "server"),),
    ),
)
