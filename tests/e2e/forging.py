"""Sending what no client of Discord's would send: commands, presses and forms with any ids.

Whatever comes first in answer has arrived when these return.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bot.sandbox.discord import Channel, Invocation, Member, Message, User
from bot.sandbox.discord.event import attachment_limit, build
from bot.sandbox.discord.invocations import COMMAND, COMPONENT, MODAL_SUBMIT
from tests.e2e.town import Scene

Json = dict[str, Any]

BUTTON = 2


async def command(
    scene: Scene,
    who: User | Member,
    where: Channel,
    path: Sequence[str],
    *,
    kind: int = 1,
    options: Sequence[Json] = (),
    **more: Any,
) -> Invocation:
    """Use a command of this kind, with options at the end of its path, and ``more`` of what
    Discord tells with it.
    """
    filled = list(options)
    for depth, name in enumerate(reversed(path[1:])):
        filled = [{"name": name, "type": 1 if depth == 0 else 2, "options": filled}]
    found = scene.discord.commands.find(where.guild, kind, path[0])
    assert found is not None
    told = {"id": found["id"], "name": path[0], "type": kind, "options": filled, **more}
    return await send(scene, who, where, COMMAND, told).acknowledged()


async def component(
    scene: Scene,
    who: User | Member,
    source: Message,
    custom_id: str,
    *,
    kind: int = BUTTON,
    values: Sequence[str] = (),
) -> Invocation:
    """Use a control on a message that never had it."""
    more: Json = {"style": 2, "label": "Forged"} if kind == BUTTON else {"options": []}
    control = {"type": kind, "id": 2, "custom_id": custom_id, **more}
    data: Json = {"custom_id": custom_id, "component_type": kind, "id": 2}
    data.update({} if kind == BUTTON else {"values": list(values), "resolved": {}})
    real = source.components
    source.components = [{"type": 1, "id": 1, "components": [control]}]
    try:
        sent = send(scene, who, source.channel, COMPONENT, data, source)
    finally:
        source.components = real
    return await sent.acknowledged()


async def form(
    scene: Scene, who: User | Member, source: Message, custom_id: str, typed: dict[str, str]
) -> Invocation:
    """Submit a form, as if a button of this message had opened it."""
    fields = [
        {"type": 4, "id": 2, "custom_id": name, "value": text} for name, text in typed.items()
    ]
    labels = [{"type": 18, "id": 1, "component": field} for field in fields]
    data = {"custom_id": custom_id, "components": labels, "resolved": {}}
    return await send(scene, who, source.channel, MODAL_SUBMIT, data, source).acknowledged()


def send(
    scene: Scene,
    who: User | Member,
    where: Channel,
    kind: int,
    data: Json,
    source: Message | None = None,
) -> Invocation:
    """Send any interaction; nothing has been answered yet."""
    server = scene.discord
    sent = Invocation(server.world, who, where, kind, "forged")
    sent.command_type = data.get("type", 1) if kind == COMMAND else 1
    sent.source = source
    if kind == MODAL_SUBMIT:
        sent.opener = Invocation(server.world, who, where, COMPONENT, "forged")
        sent.opener.source = source
    sent.limit = attachment_limit(sent.user, where.guild)
    scene.asked.append(sent)
    server.interactions.add(sent)
    server.gateway.interaction(where.guild, build(sent, data))
    return sent
