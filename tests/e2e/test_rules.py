"""Rules of a server hold by what Discord says of the member and the place, with each command."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing

import pytest

from bot.rules.policy import AgeRule
from bot.sandbox.discord import Member
from bot.store import governing, words
from bot.store.audit import Act
from bot.store.governing import Access, Whose
from tests.e2e.town import Scene

HOUR = 3_600_000


def govern(scene: Scene, *changes: Callable[[sqlite3.Connection, Act], object]) -> None:
    """What a moderator set; the bot reads it with the next command."""
    path = scene.town.data / "pika.db"
    with closing(sqlite3.connect(path, timeout=5, isolation_level=None)) as db:
        db.execute("PRAGMA foreign_keys = ON")
        db.execute("BEGIN IMMEDIATE")
        for change in changes:
            change(db, Act(scene.guild.id, 1, int(scene.discord.world.clock.now() * 1000)))
        db.execute("COMMIT")


def with_role(scene: Scene, name: str) -> Member:
    """A member with a new role of that name."""
    member = scene.newcomer(name)
    member.add_role(scene.guild.create_role(name))
    return member


async def test_the_limit_of_a_role_is_for_those_who_have_it(scene: Scene) -> None:
    """From the command on with which they have it; a limit of the member's own goes before."""
    vip = with_role(scene, "vip")
    role = next(role for role in scene.guild.roles.values() if role.name == "vip")
    govern(scene, lambda tx, act: governing.set_limit(tx, act, Whose.ROLE, role.id, amount=2))

    assert await scene.left(vip) == 2
    assert f"role <@&{role.id}>" in await scene.says("quota", vip)
    assert await scene.left(scene.bob) == 5
    scene.bob.add_role(role)
    assert await scene.left(scene.bob) == 2
    govern(
        scene, lambda tx, act: governing.set_limit(tx, act, Whose.MEMBER, scene.bob.id, amount=4)
    )
    assert await scene.left(scene.bob) == 4


async def test_roles_may_bar_and_be_required(scene: Scene) -> None:
    """The refusal says which, and pings nobody."""
    muted, vip = with_role(scene, "muted"), with_role(scene, "vip")
    ids = {role.name: role.id for role in scene.guild.roles.values()}
    govern(
        scene,
        lambda tx, act: governing.set_access(tx, act, Access.BARRED_ROLE, [ids["muted"]]),
        lambda tx, act: governing.set_access(tx, act, Access.REQUIRED_ROLE, [ids["vip"]]),
    )

    assert f"<@&{ids['muted']}>" in await scene.refused(who=muted)
    assert "another role" in await scene.refused(who=scene.bob)
    await scene.delivered(await scene.card(who=vip))


async def test_new_members_wait(scene: Scene) -> None:
    """Since they joined, as Discord has it; they are told until when."""
    govern(scene, lambda tx, act: governing.set_gate(tx, act, newcomer_ms=HOUR))

    text = await scene.refused()

    joined = scene.alice.joined_at
    moment = int(joined * 1000) + HOUR
    assert f"You can ask again <t:{-(-moment // 1000)}:R>" in text


@pytest.mark.parametrize("rule", [AgeRule.ONLY_THERE, AgeRule.NOT_THERE])
async def test_age_restriction_is_the_channels_and_its_threads(scene: Scene, rule: AgeRule) -> None:
    """A thread has that of the channel above it."""
    adults = scene.guild.create_text_channel("adults", nsfw=True)
    inside = adults.create_thread("late night", owner=scene.alice)
    govern(scene, lambda tx, act: governing.set_gate(tx, act, age=rule))
    free = [adults, inside] if rule is AgeRule.ONLY_THERE else [scene.channel, scene.thread]
    shut = [scene.channel, scene.thread] if rule is AgeRule.ONLY_THERE else [adults, inside]

    for where in shut:
        assert "age restriction" in await scene.refused(where=where)
    for where in free:
        await scene.delivered(await scene.card(where=where), where)


async def test_a_channels_limit_counts_its_threads(scene: Scene) -> None:
    """A new thread is no way around it; another channel is another one."""
    govern(
        scene,
        lambda tx, act: governing.set_limit(
            tx, act, Whose.CHANNEL, scene.channel.id, amount=2, window_ms=HOUR
        ),
    )
    await scene.delivered(await scene.card(where=scene.channel), scene.channel)
    await scene.delivered(await scene.card(who=scene.bob, where=scene.thread))
    more = scene.channel.create_thread("another", owner=scene.alice)

    assert "In this channel, members have used 2 of 2" in await scene.refused(where=more)
    elsewhere = scene.guild.create_text_channel("elsewhere")
    await scene.delivered(await scene.card(where=elsewhere), elsewhere)


async def test_blocked_words_are_refused_in_every_text(scene: Scene) -> None:
    """Prompt, negative prompt, hidden message; in this server."""
    govern(scene, lambda tx, act: words.add(tx, act, "snake*"))

    assert "`5nakes`" in await scene.refused(prompt="many 5nakes")
    assert "`snake`" in await scene.refused(negative="a snake")
    text = await scene.refused("encrypt_text", message="s n a k e", prompt="a fox")
    assert "does not allow" in text
    assert "snake*" not in text
    assert await scene.left() == 5
    await scene.delivered(await scene.card(prompt="a fox"))
