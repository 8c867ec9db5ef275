"""Too many prompts that Pika refuses: the bot blocks by itself, and everybody is told."""

from __future__ import annotations

from bot.rules.policy import Strikes
from tests.e2e.moderating import moderate, moderator
from tests.e2e.town import Scene, bots

HOUR = 3_600_000


async def test_strikes_block_in_their_server_only(scene: Scene) -> None:
    """The member with the last notice, the log channel as any block, moderators when they ask;
    nobody else is blocked, nor the member elsewhere, and a pardon is one.
    """
    mona = moderator(scene)
    log = scene.guild.create_text_channel("mod-log")
    await scene.choose(log=log.id, strikes=Strikes(2, 24 * HOUR, 3 * HOUR))
    elsewhere = scene.discord.world.create_guild("Elsewhere")
    elsewhere.join(scene.alice.user)
    there = elsewhere.create_text_channel("videos")
    await scene.choose(elsewhere, strikes=Strikes(2, 24 * HOUR, 3 * HOUR))

    scene.pika.script(outcome="moderated")
    await scene.notice(await scene.card(who=scene.alice.user, where=there), there)
    for number in (1, 2):
        assert "not ask for videos" not in await scene.says("quota")
        scene.pika.script(outcome="moderated")
        notice = await scene.notice(await scene.card())
        assert ("happened too often" in notice.text) == (number == 2)
    refusal = await scene.refused()
    assert "Reason: `Pika's moderation refused 2 prompts of the last 24 hours`" in refusal
    explained = await moderate(scene, mona, "explain", member=scene.alice)
    assert "**block** decides" in explained
    assert "refused in the last 24 hours: 0. 2 of them block for 3 hours." in explained
    blocked = f"<@{scene.alice.id}>: may ask for videos → blocked until <t:"
    await scene.until(lambda: any(blocked in message.text for message in bots(log)))
    assert "by the bot" in bots(log)[-1].text

    await scene.delivered(await scene.card(who=scene.bob))
    await scene.result(await scene.card(who=scene.alice.user, where=there), there)
    await moderate(scene, mona, "unblock", member=scene.alice)
    await scene.delivered(await scene.card())
