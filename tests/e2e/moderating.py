"""Acting as a moderator of a scene's server."""

from __future__ import annotations

from typing import Any

from bot.sandbox.discord import Member, Message, Permission, Role
from tests.e2e.town import Scene


def moderator(scene: Scene, name: str = "mona") -> Member:
    """A member who may manage the server, by a role."""
    mona = scene.newcomer(name)
    mona.add_role(scene.guild.create_role("moderators", Permission.MANAGE_GUILD))
    return mona


def helper(scene: Scene, who: Member) -> Role:
    """Hand ``/moderate`` to somebody who does not manage the server; the role that has it."""
    helpers = scene.guild.create_role("helpers")
    who.add_role(helpers)
    hand_over(scene, helpers)
    return helpers


def hand_over(scene: Scene, role: Role, *, allow: bool = True) -> None:
    """Hand ``/moderate`` to a role, under Integrations, or take it back."""
    command = scene.discord.commands.find(scene.guild, 1, "moderate")
    assert command is not None
    scene.guild.override_command(int(command["id"]), role, allow=allow)


async def moderate(scene: Scene, who: Member, what: str, **options: Any) -> str:
    """Use ``/moderate`` in the channel; the private words."""
    return (await moderated(scene, who, what, **options)).text


async def moderated(scene: Scene, who: Member, what: str, **options: Any) -> Message:
    """The same, with all that hangs on the answer."""
    asked = await scene.ask(f"moderate {what}", who=who, where=scene.channel, **options)
    message = await asked.answered()
    assert asked.ephemeral
    return message
