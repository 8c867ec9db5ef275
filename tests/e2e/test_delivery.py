"""The video arrives, once, wherever the thread is by then and whatever Discord does."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from bot.sandbox.discord import Fault, Message, Permission
from bot.sandbox.pika import PikaFault
from bot.workflow.delivery.posting import POSTS_AT_ONCE
from tests.e2e.town import Scene, about, bots, links, number

POST = "/channels/{channel_id}/messages"


async def rendering(scene: Scene) -> Message:
    """A card whose job is at Pika and stays there until Pika goes on."""
    scene.pika.pause()
    card = await scene.card()
    await scene.state(card, "rendering")
    return card


HICCUPS: dict[str, dict[str, Any]] = {
    "503 before": {"status": 503},
    "503 after": {"status": 503, "done": True},
    "cut before": {"drop": "before"},
    "cut after": {"drop": "after"},
}


async def test_every_hiccup_of_discord_is_one_message(scene: Scene) -> None:
    """Refused or broken off, before or after Discord took it: one video in the end, as a reply
    to its card.
    """
    faults = {
        prompt: scene.discord.faults.add(Fault("POST", POST, match=about(prompt), **how))
        for prompt, how in HICCUPS.items()
    }
    cards = {prompt: await scene.card(prompt=prompt) for prompt in HICCUPS}
    for prompt, card in cards.items():
        result = await scene.delivered(card)
        assert faults[prompt].used == 1, prompt
        assert result.reference is not None, prompt
    assert len(bots(scene.thread)) == 2 * len(HICCUPS)


async def test_a_video_whose_file_went_missing_is_fetched_again_or_called_lost(
    scene: Scene,
) -> None:
    """While Discord takes nothing, somebody tidies up the data directory: what Pika still has is
    posted all the same, and what it has forgotten is told honestly, and not charged.
    """
    busy = scene.discord.faults.add(Fault("POST", POST, status=503, times=None))
    kept, forgotten = await scene.card(), await scene.card()
    for card in (kept, forgotten):
        job = await scene.state(card, "delivering")
        if card is forgotten:
            del scene.pika.jobs[job["pika_id"]]
        await asyncio.to_thread(Path(job["video_path"]).unlink)
    busy.times = 0
    await scene.delivered(kept)
    assert "I lost the finished video" in (await scene.notice(forgotten)).text
    await scene.says_on(forgotten, "❌", "no longer has it", "you were not charged")
    assert scene.hold(forgotten) == "released"
    assert await scene.left() == 4


async def test_discords_limit_is_honoured(scene: Scene) -> None:
    """429 with a time: nothing is posted there before."""
    scene.discord.faults.add(Fault("POST", POST, status=429, retry_after=0.7))
    began = len(scene.discord.requests)
    card = await scene.card()
    await scene.delivered(card)
    posts = [seen for seen in scene.discord.requests[began:] if seen.route == POST]
    assert [seen.status for seen in posts] == [429, 200]
    assert posts[1].at - posts[0].at >= 0.7


async def test_an_archived_thread_is_opened_again(scene: Scene) -> None:
    """A post opens a thread that silence has archived."""
    card = await rendering(scene)
    scene.thread.archive()
    scene.pika.resume()
    await scene.delivered(card)
    assert not scene.thread.archived


async def test_a_card_in_an_archived_thread_tells_of_a_failure(scene: Scene) -> None:
    """The notice opens the thread; only then can the card be rewritten, and it is."""
    card = await rendering(scene)
    scene.thread.archive()
    scene.discord.faults.add(Fault("POST", POST, delay=0.5))
    scene.pika.fail(scene.accepted[0].jobid, "no more film")
    await scene.notice(card)
    await scene.says_on(card, "❌", "no more film")


def lock(scene: Scene) -> None:
    """A moderator locks the thread."""
    scene.thread.lock()


def close(scene: Scene) -> None:
    """A moderator closes the thread for good."""
    scene.thread.update(archived=True, locked=True)


def delete(scene: Scene) -> None:
    """A moderator deletes the thread."""
    scene.thread.delete()


@pytest.mark.parametrize("end", [lock, close, delete])
async def test_a_thread_that_takes_nothing_any_more(scene: Scene, end: Any) -> None:
    """Locked, closed or deleted: the video goes to the channel above, and says why."""
    card = await rendering(scene)
    end(scene)
    scene.pika.resume()
    result = await scene.result(card, scene.channel)
    assert "the thread no longer takes messages" in result.content
    assert result.mentions == [scene.alice.user]
    assert scene.hold(card) == "charged"
    if end is lock:
        await scene.says_on(card, "Done", "posted in the channel above")
        assert links(card) == [result.url]
    assert [m for m in bots(scene.thread) if m.attachments] == []


async def test_where_nothing_may_be_posted_it_comes_as_a_direct_message(scene: Scene) -> None:
    """Neither thread nor channel: to the member alone; the card says so."""
    card = await rendering(scene)
    scene.channel.set_overwrite(
        scene.guild.bot_role, deny=Permission.SEND_MESSAGES | Permission.SEND_MESSAGES_IN_THREADS
    )
    scene.pika.resume()
    result = await scene.result(card, scene.alice.user.dm)
    assert "can no longer post it in the server" in result.content
    await scene.says_on(card, "Done", "sent as a direct message")
    assert links(card) == [result.url]
    assert bots(scene.thread) == [card]
    assert bots(scene.channel) == []


async def test_what_can_be_posted_nowhere_is_kept(scene: Scene) -> None:
    """No thread, no channel, no direct messages: the card says so, the video stays on disk."""
    card = await rendering(scene)
    scene.alice.user.dms_open = False
    scene.channel.set_overwrite(scene.guild.bot_role, deny=Permission.ATTACH_FILES)
    scene.pika.resume()
    await scene.says_on(card, "could not be posted anywhere; it is kept", "1 credit was charged")
    job = scene.job(card)
    assert (job["state"], job["code"]) == ("failed", "undeliverable")
    assert scene.hold(card) == "charged"
    assert scene.logged("cannot be posted anywhere")
    path = scene.town.data / "videos" / f"{number(card)}.mp4"
    assert path.exists()
    path.unlink()


async def test_a_bot_that_was_thrown_out_keeps_the_video(scene: Scene) -> None:
    """Removed from the server while it was made, and no server in common any more."""
    card = await rendering(scene)
    scene.guild.remove_bot()
    scene.pika.resume()
    job = await scene.state(card, "failed")
    assert job["code"] == "undeliverable"
    path = scene.town.data / "videos" / f"{number(card)}.mp4"
    assert path.exists()
    path.unlink()


async def test_a_bot_that_is_invited_again_posts_where_it_was_asked(scene: Scene) -> None:
    """Removed from the server, it keeps what it cannot post; back again, it does not go on
    thinking that the thread is closed to it. A video that was under way comes there as well.
    """
    lost = await rendering(scene)
    waiting = await scene.card()
    await scene.state(waiting, "rendering")
    scene.guild.remove_bot()
    first = next(job for job in scene.accepted if job.jobid == scene.job(lost)["pika_id"])
    await scene.pika.finish(first.jobid)
    await scene.state(lost, "failed")
    scene.guild.add_bot()
    scene.pika.resume()
    await scene.delivered(waiting)
    await scene.delivered(await scene.card())
    (scene.town.data / "videos" / f"{number(lost)}.mp4").unlink()
    scene.discord.world.posting.delete(lost)


async def test_a_member_who_left_finds_the_video_where_it_was_asked_for(scene: Scene) -> None:
    """Others in the thread have waited for it too. Where the thread is closed as well, nobody
    can be reached (50278), and it is kept.
    """
    card = await rendering(scene)
    scene.guild.kick(scene.alice)
    scene.pika.resume()
    await scene.delivered(card)

    scene.pika.pause()
    second = await scene.card(who=scene.bob)
    await scene.state(second, "rendering")
    scene.guild.kick(scene.bob)
    scene.channel.set_overwrite(scene.guild.bot_role, deny=Permission.ATTACH_FILES)
    scene.pika.resume()
    await scene.says_on(second, "could not be posted anywhere; it is kept")
    assert scene.logged("cannot be posted anywhere (50278)")
    (scene.town.data / "videos" / f"{number(second)}.mp4").unlink()


async def test_many_jobs_do_not_knock_at_a_door_that_is_closed(scene: Scene) -> None:
    """The thread takes no more messages from the bot while twelve videos are made: it is asked
    a few times at once and not twelve times, and all arrive in the channel above. As soon as
    Discord tells that it is open again, it is used again.
    """
    scene.pika.pause()
    members = (scene.alice, scene.bob, scene.newcomer("carol"))
    cards = [await scene.card(who=who) for who in members for _ in range(4)]
    for card in cards:
        await scene.state(card, "rendering", "queued")
    before = scene.discord.invalid_requests
    role = scene.guild.bot_role
    scene.channel.set_overwrite(role, deny=Permission.SEND_MESSAGES_IN_THREADS)
    scene.pika.resume()
    for card in cards:
        await scene.result(card, scene.channel)
        await scene.says_on(card, "posted in the channel above")
    assert 1 <= scene.discord.invalid_requests - before <= POSTS_AT_ONCE

    scene.channel.set_overwrite(role, allow=Permission.SEND_MESSAGES_IN_THREADS)
    await scene.delivered(await scene.card())


async def test_a_card_in_a_channel_that_the_bot_lost_still_tells(scene: Scene) -> None:
    """The bot may no longer see the channel; the video comes as a direct message, and for a
    quarter of an hour the answer to the command can be rewritten all the same.
    """
    card = await rendering(scene)
    scene.channel.set_overwrite(scene.guild.bot_role, deny=Permission.VIEW_CHANNEL)
    scene.pika.resume()
    result = await scene.result(card, scene.alice.user.dm)
    await scene.says_on(card, "Done", "sent as a direct message")
    assert links(card) == [result.url]


async def test_a_job_cancelled_from_elsewhere_says_so_in_its_archived_thread(
    scene: Scene,
) -> None:
    """No video and no failure would be posted there, and an archived card cannot be rewritten:
    a notice opens the thread, and no card says "working" for ever.
    """
    card = await rendering(scene)
    scene.thread.archive()
    listed = await (await scene.ask("jobs", where=scene.channel)).answered()
    await scene.press(scene.alice, listed, label=f"Cancel job {number(card)}")
    notice = await scene.notice(card)
    assert "was cancelled" in notice.content
    assert "You were not charged." in notice.content
    await scene.says_on(card, "Cancelled")
    scene.pika.resume()


async def test_a_failure_finds_its_way_too(scene: Scene) -> None:
    """The notice goes where the video would have gone."""
    card = await rendering(scene)
    scene.thread.lock()
    scene.pika.fail(scene.accepted[0].jobid)
    notice = await scene.notice(card, scene.channel)
    assert notice.mentions == [scene.alice.user]
    await scene.says_on(card, "❌", "you were not charged")


async def test_a_deleted_card_does_not_hold_up_its_video(scene: Scene) -> None:
    """There is nothing to reply to: the video comes all the same."""
    card = await rendering(scene)
    scene.discord.world.posting.delete(card)
    scene.pika.resume()
    result = await scene.result(card)
    assert result.reference is None
    assert scene.hold(card) == "charged"


async def test_without_history_it_is_no_reply(scene: Scene) -> None:
    """Replying needs Read Message History; posting does not."""
    card = await rendering(scene)
    scene.channel.set_overwrite(scene.guild.bot_role, deny=Permission.READ_MESSAGE_HISTORY)
    scene.pika.resume()
    result = await scene.delivered(card)
    assert result.reference is None


async def test_a_slow_upload_holds_up_nobody_else(scene: Scene) -> None:
    """While one video takes its time, others are posted and commands are answered."""
    slow = scene.discord.faults.add(Fault("POST", POST, delay=2.0))
    first = await scene.card(prompt="slow")
    await scene.until(lambda: slow.used)
    second = await scene.card(prompt="quick", where=scene.channel)
    await scene.result(second)
    assert scene.job(first)["state"] == "delivering"
    await scene.delivered(first)
    await scene.delivered(second)


async def test_a_pika_that_fails_does_not_stop_deliveries(scene: Scene) -> None:
    """Submits that go wrong and videos that are ready are two different things."""
    card = await rendering(scene)
    scene.pika.faults.add(PikaFault("create", "queue_full", times=None))
    waiting = await scene.card()
    scene.pika.resume()
    await scene.delivered(card)
    scene.pika.faults.clear()
    await scene.delivered(waiting)


@pytest.mark.parametrize("thread", [False, True])
async def test_what_is_restricted_by_age_is_not_posted_in_front_of_everybody(
    scene: Scene, thread: bool
) -> None:
    """The channel that the server has chosen for videos is open to all: the video stays where it
    was asked for, and says why. In an age-restricted one it is posted.
    """
    videos = scene.guild.create_text_channel("videos")
    await scene.choose(result=videos.id)
    red = scene.guild.create_text_channel("red", nsfw=True)
    place = red.create_thread("dark", owner=scene.alice) if thread else red
    result = await scene.delivered(await scene.card(where=place))
    assert result.channel is place
    assert "as the channel chosen for videos is not age-restricted." in result.content
    assert bots(videos) == []

    await scene.delivered(await scene.card(who=scene.bob), videos)
    late = scene.guild.create_text_channel("late-night", nsfw=True)
    await scene.choose(result=late.id)
    await scene.delivered(await scene.card(where=place), late)
