"""Nobody gets more than their share, at any speed; nobody pays for what did not happen."""

from __future__ import annotations

import asyncio
import re

from bot.sandbox.discord import DidNotRespond, Fault
from tests.e2e.conftest import OpenScene
from tests.e2e.town import Scene, bots, png

CALLBACK = "/interactions/{interaction_id}/{interaction_token}/callback"


async def test_forty_commands_at_once_with_a_quota_of_five_are_five_videos(scene: Scene) -> None:
    """Exactly five are taken; the other 35 are refused privately, with the rule that decided
    and the moment it changes.
    """
    asked = await asyncio.gather(*(scene.ask(prompt=f"fox {n}") for n in range(40)))
    answers = [await one.answered() for one in asked]
    cards = [answer for answer in answers if not answer.ephemeral]
    refusals = [answer.text for answer in answers if answer.ephemeral]
    assert (len(cards), len(refusals)) == (5, 35)
    for text in refusals:
        assert "5 of 5 credits of the last 24 hours" in text
        assert re.search(r"next credit frees <t:\d+:R>", text)
    for card in cards:
        await scene.delivered(card)
    assert len(scene.accepted) == 5
    assert len(scene.jobs) == 5
    assert await scene.left() == 0


async def test_forty_pictures_at_once_leave_nothing_on_the_disk(scene: Scene) -> None:
    """Whatever was fetched for a command that was then refused is deleted again."""
    asked = await asyncio.gather(*(scene.ask("animate", image=png()) for _ in range(12)))
    answers = [await one.answered() for one in asked]
    cards = [answer for answer in answers if not answer.ephemeral]
    assert len(cards) == 5
    for card in cards:
        await scene.delivered(card)
    await scene.until(lambda: not list((scene.town.data / "pictures").iterdir()))
    assert not list((scene.town.data / "videos").iterdir())


async def test_a_limit_is_one_members_in_one_server(scene: Scene) -> None:
    """Who has used up everything here still has everything elsewhere; others have theirs."""
    elsewhere = scene.discord.world.create_guild("Elsewhere")
    elsewhere.join(scene.alice.user)
    there = elsewhere.create_text_channel("videos")
    for _ in range(5):
        await scene.card()
    assert "5 of 5 credits" in await scene.refused()
    await scene.result(await scene.card(who=scene.bob))
    await scene.result(await scene.card(who=scene.alice.user, where=there))
    assert len(scene.accepted) == 7
    assert await scene.left(scene.bob) == 4


async def test_unfinished_videos_are_limited_too(open_scene: OpenScene) -> None:
    """A member may have as many unfinished videos as the server allows at once; a finished
    one makes room. Other members are not touched.
    """
    scene = await open_scene(DEFAULT_CONCURRENT=2)
    scene.pika.pause()
    first, second = await scene.card(), await scene.card()
    refusal = await scene.refused()
    assert "2 unfinished videos" in refusal
    assert "allows 2 at once" in refusal
    assert "/jobs" in refusal
    other = await scene.card(who=scene.bob)
    scene.pika.resume()
    for card in (first, second, other):
        await scene.delivered(card)
    await scene.delivered(await scene.card())
    assert len(scene.accepted) == 4


async def test_the_operators_ceiling_is_for_all_servers_together(open_scene: OpenScene) -> None:
    """What one server has used is not there for the other: its members are refused with the rule
    and with when it opens, and ``/quota`` says the same. A credit that comes back is there for
    whoever asks first.
    """
    scene = await open_scene(OPERATOR_CEILING=2, OPERATOR_CEILING_HOURS=12)
    elsewhere = scene.discord.world.create_guild("Elsewhere")
    there = elsewhere.create_text_channel("videos")
    carol = elsewhere.join(scene.discord.world.create_user("carol"))
    scene.pika.pause()
    first, second = await scene.card(), await scene.card(who=scene.bob)
    refusal = await scene.refused(who=carol, where=there)
    assert "All servers of this bot together have used 2 of 2 credits" in refusal
    assert re.search(r"last 12 hours. You can ask again <t:\d+:R>", refusal)
    assert "**ceiling of all servers** decides" in await scene.says("quota", carol, there)
    await scene.state(first, "rendering")
    await scene.press(scene.alice, first, label="Cancel")
    await scene.says_on(first, "Cancelled")
    card = await scene.card(who=carol, where=there)
    scene.pika.resume()
    await scene.result(card, there)
    await scene.delivered(second)
    assert "together have used 2 of 2" in await scene.refused()


async def test_an_event_that_comes_twice_is_one_job(scene: Scene) -> None:
    """The gateway may replay an interaction; it stays one job, one charge and one card."""
    asked = await scene.ask()
    scene.discord.gateway.replay_last_interaction()
    card = await asked.answered()
    scene.discord.gateway.replay_last_interaction()
    await scene.delivered(card)
    scene.discord.gateway.replay_last_interaction()
    await scene.until(lambda: len(scene.logged("arrived twice")) == 3)
    assert len(scene.jobs) == len(scene.accepted) == 1
    assert await scene.left() == 4


async def test_what_a_limit_refused_stays_refused_when_it_frees(open_scene: OpenScene) -> None:
    """An event came twice; the second time there was room again. The member was told no, and
    nothing is made or charged behind their back.
    """
    scene = await open_scene(DEFAULT_CONCURRENT=1)
    scene.pika.pause()
    first = await scene.card()
    assert "1 unfinished video" in await scene.refused()
    scene.pika.resume()
    await scene.delivered(first)
    scene.discord.gateway.replay_last_interaction()
    await scene.until(lambda: scene.logged("arrived twice"))
    assert await scene.left() == 4
    assert len(scene.jobs) == len(scene.accepted) == 1


async def test_what_an_earlier_process_refused_stays_refused(open_scene: OpenScene) -> None:
    """The copy comes to a process that has never heard of it: Discord says that the command was
    answered already (40060), so the job is withdrawn before it costs anything.
    """
    patient = {"DEFAULT_CONCURRENT": "1", "PIKA_DOUBT_SECONDS": "10"}
    scene = await open_scene(**patient)
    scene.pika.pause()
    first = await scene.card()
    await scene.refused()
    await scene.town.kill()
    await scene.town.restart(**patient)
    scene.pika.resume()
    await scene.delivered(first)
    scene.discord.gateway.replay_last_interaction()
    await scene.until(lambda: [job["state"] for job in scene.jobs] == ["delivered", "cancelled"])
    assert scene.jobs[1]["code"] == "unanswered"
    assert await scene.left() == 4
    assert len(scene.accepted) == 1


async def test_an_answer_that_comes_too_late_is_no_job(scene: Scene) -> None:
    """Discord takes no answer after three seconds (10062): nobody saw a card, so nothing is
    charged and nothing is sent to Pika.
    """
    late = scene.discord.faults.add(Fault("POST", CALLBACK, delay=0.2))
    asked = await scene.ask()
    await scene.until(lambda: late.used == 1)
    scene.discord.clock.advance(4)
    try:
        await asked.acknowledged()
    except DidNotRespond:
        pass
    else:
        raise AssertionError("Discord took an answer that was too late")
    await scene.until(lambda: [job["state"] for job in scene.jobs] == ["cancelled"])
    assert await scene.left() == 5
    assert scene.accepted == []
    assert bots(scene.thread) == []


async def test_an_answer_whose_confirmation_is_lost_stays_the_card(scene: Scene) -> None:
    """The connection breaks after Discord took the card: it is the one card of the job."""
    scene.discord.faults.add(Fault("POST", CALLBACK, drop="after"))
    asked = await scene.ask()
    card = await asked.answered()
    result = await scene.delivered(card)
    assert bots(scene.thread) == [card, result]


async def test_a_command_is_answered_through_a_hiccup_of_discord(scene: Scene) -> None:
    """One 503 and one broken connection before the answer are not the member's problem."""
    scene.discord.faults.add(Fault("POST", CALLBACK, status=503))
    scene.discord.faults.add(Fault("POST", CALLBACK, drop="before"))
    asked = await scene.ask()
    card = await asked.answered()
    assert asked.ack_seconds is not None
    assert asked.ack_seconds < 3
    await scene.delivered(card)
