"""The drawer of faults, Discord's own: errors, lost connections, lost events."""

from __future__ import annotations

from typing import Final

from bot.sandbox.discord import ClientRefused, Fault
from bot.sandbox.discord.guilds import MIB
from bot.sandbox.web.tools import Tool, Use, choice, counted, number, times, unless_held

_GROUP: Final = "Discord"

_WHAT: Final = choice(
    "what",
    "requests",
    all="of any kind",
    post="that post a message",
    answer="that answer a command or button",
    edit="that edit a message",
)
_ROUTES: Final[dict[str, tuple[tuple[str, str] | None, str]]] = {
    "all": (None, "request"),
    "post": (("POST", "/channels/{channel_id}/messages"), "message posted"),
    "answer": (("POST", "/interactions/{interaction_id}/{interaction_token}/callback"), "answer"),
    "edit": (("PATCH", "/channels/{channel_id}/messages/{message_id}"), "edit"),
}
_MANY: Final = {"message posted": "messages posted"}


def _fault(use: Use, fault: Fault, how: str) -> str:
    asked = use.count("times")
    route, one = _ROUTES[use.text("what")]
    if route is not None:
        fault.method, fault.route = route
    fault.times = asked
    use.stage.discord.faults.add(fault)
    title = how.format(counted(asked, one, _MANY.get(one, f"{one}s")))

    def undo() -> None:
        fault.times = fault.used

    use.stage.add(
        use.tool,
        title,
        undo,
        left=lambda: (fault.times or 0) - fault.used,
        used=lambda: fault.used,
        over=lambda: fault.spent,
    )
    return f"{title}."


def _errors(use: Use) -> str:
    status = int(use.text("status"))
    return _fault(use, Fault(status=status), f"Discord answers {status} to {{}}")


def _cut(use: Use) -> str:
    if use.text("when") == "before":
        return _fault(use, Fault(drop="before"), "Discord ignores {} and hangs up")
    return _fault(use, Fault(drop="after"), "Discord takes {}, but hangs up instead of answering")


def _rate_limit(use: Use) -> str:
    seconds = use.number("seconds")
    fault = Fault(status=429, retry_after=seconds, scope="user")
    return _fault(use, fault, f"Discord asks to wait {seconds:g} s with {{}}")


def _slow(use: Use) -> str:
    seconds = use.number("seconds")
    return _fault(use, Fault(delay=seconds), f"Discord takes {seconds:g} s longer for {{}}")


def _gateway(use: Use) -> str:
    gateway = use.stage.discord.gateway
    if not gateway.sockets:
        raise ClientRefused("the bot is not connected")
    how = use.text("how")
    if how == "drop":
        gateway.drop()
        return "The gateway connection broke."
    if how == "reconnect":
        gateway.reconnect()
        return "Discord asked the bot to connect again."
    gateway.invalidate()
    return "Discord declared the bot's session invalid."


def _lost(use: Use) -> str:
    asked = use.count("times")
    use.stage.discord.gateway.drop_interactions(asked)
    return f"The bot will not hear of {counted(asked, 'command or button', 'commands or buttons')}."


def _replay(use: Use) -> str:
    try:
        use.stage.discord.gateway.replay_last_interaction()
    except LookupError as error:
        raise ClientRefused("nobody has used a command yet") from error
    return "Discord delivered the last command or button once more."


def _limit(use: Use) -> str:
    world = use.stage.discord.world
    before, size = world.upload_limit, use.number("mib")
    world.upload_limit = int(size * MIB)

    def undo() -> None:
        world.upload_limit = before

    title = f"Servers without boosts take {size:g} MiB per file"
    use.stage.add(use.tool, title, undo)
    return f"{title}."


TOOLS: Final = (
    Tool(
        "discord_5xx",
        "faults",
        _GROUP,
        "Errors",
        "Discord answers with an error and does nothing.",
        _errors,
        (
            choice(
                "status",
                "status",
                **{"503": "503", "500": "500", "502": "502", "504": "504"},
            ),
            _WHAT,
            times("requests", 3),
        ),
    ),
    Tool(
        "discord_cut",
        "faults",
        _GROUP,
        "Connection cut",
        "Discord hangs up: did it post the message?",
        _cut,
        (
            choice("when", "when", after="after doing it", before="before doing it"),
            _WHAT,
            times("requests"),
        ),
    ),
    Tool(
        "discord_rate_limit",
        "faults",
        _GROUP,
        "Rate limit",
        "Discord asks to wait (429).",
        _rate_limit,
        (number("seconds", "seconds", 3, 0.5, 60, 0.5), _WHAT, times("requests")),
    ),
    Tool(
        "discord_slow",
        "faults",
        _GROUP,
        "Slow",
        "Discord takes longer to answer.",
        _slow,
        (number("seconds", "seconds", 2, 0.5, 60, 0.5), _WHAT, times("requests")),
    ),
    Tool(
        "discord_gateway",
        "faults",
        _GROUP,
        "Gateway",
        "The connection on which the bot hears of things.",
        _gateway,
        (
            choice(
                "how",
                "how",
                drop="breaks",
                reconnect="is asked to reconnect",
                invalidate="loses its session",
            ),
        ),
    ),
    Tool(
        "discord_lost",
        "faults",
        _GROUP,
        "Lost command",
        "The bot never hears of what somebody does.",
        _lost,
        (times("commands or buttons"),),
    ),
    Tool(
        "discord_replay",
        "faults",
        _GROUP,
        "Command twice",
        "The bot hears of the last command or button again.",
        _replay,
    ),
    Tool(
        "discord_limit",
        "faults",
        _GROUP,
        "Upload limit",
        "What servers without boosts take per file.",
        _limit,
        (number("mib", "MiB", 0.2, 0.05, 100, 0.05),),
        why_not=unless_held("discord_limit", "undo the one in force first"),
    ),
)
