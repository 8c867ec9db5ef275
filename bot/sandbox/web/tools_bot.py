"""The drawer of faults, the bot's process: killed, stopped, started."""

from __future__ import annotations

from typing import Final

from bot.sandbox.discord import ClientRefused
from bot.sandbox.web.control import BotControl
from bot.sandbox.web.tools import Backstage, Tool, Use

_GROUP: Final = "The bot"


def _control(use: Use) -> BotControl:
    if use.stage.control is None:
        raise ClientRefused("nobody here can start or stop the bot")
    return use.stage.control


async def _kill(use: Use) -> str:
    await _control(use).kill()
    return "The bot was killed (SIGKILL): it could not write down anything more."


async def _stop(use: Use) -> str:
    await _control(use).stop()
    return "The bot was stopped (SIGTERM)."


async def _start(use: Use) -> str:
    await _control(use).start()
    return "The bot is starting."


async def _restart(use: Use) -> str:
    control = _control(use)
    await control.kill()
    await control.start()
    return "The bot was killed (SIGKILL) and is starting again."


def _when_running(stage: Backstage) -> str | None:
    if stage.control is None:
        return "nobody here can stop the bot"
    return None if stage.control.pid is not None else "the bot does not run"


def _when_stopped(stage: Backstage) -> str | None:
    if stage.control is None:
        return "nobody here can start the bot"
    return "the bot runs" if stage.control.pid is not None else None


def can(stage: Backstage) -> list[str]:
    """What may be done to the bot's process now."""
    named = {"start": _when_stopped, "stop": _when_running, "kill": _when_running}
    named["restart"] = _when_running
    return [name for name, why_not in named.items() if why_not(stage) is None]


TOOLS: Final = (
    Tool(
        "bot_kill",
        "faults",
        _GROUP,
        "Kill the bot",
        "SIGKILL, at this very moment.",
        _kill,
        danger=True,
        why_not=_when_running,
    ),
    Tool(
        "bot_start",
        "faults",
        _GROUP,
        "Start the bot",
        "It goes on where it stopped.",
        _start,
        why_not=_when_stopped,
    ),
    Tool(
        "bot_restart",
        "faults",
        _GROUP,
        "Kill and restart",
        "SIGKILL, and at once a new process.",
        _restart,
        danger=True,
        why_not=_when_running,
    ),
    Tool(
        "bot_stop",
        "faults",
        _GROUP,
        "Stop the bot",
        "SIGTERM: it may finish what it is writing.",
        _stop,
        why_not=_when_running,
    ),
)
