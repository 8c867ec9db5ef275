"""``/moderate setup``: a first run, its check of permissions, and its test posts."""

from __future__ import annotations

import asyncio

import pytest

from bot.sandbox.discord import Fault, Permission
from bot.ui.turns import AT_ONCE
from tests.e2e.conftest import OpenScene
from tests.e2e.moderating import helper
from tests.e2e.panel import Hand, opened, private
from tests.e2e.test_moderation import NOTHING_HERE, moderator
from tests.e2e.town import Scene, bots

MESSAGES = "/channels/{channel_id}/messages"
CALLBACK = "/interactions/{interaction_id}/{interaction_token}/callback"


async def test_a_first_run_from_the_first_step_to_the_last_word(scene: Scene) -> None:
    """Each step can be skipped or chosen in, there is a way back, and the summary says it all.
    Members are told nothing.
    """
    mona = moderator(scene)
    office = private(scene)
    hand = await opened(scene, mona, "setup")
    assert "Step 1 of 5" in hand.text
    assert hand.labels == ["Skip"]
    await hand.choose("allowed", scene.channel)
    assert hand.labels == ["Next"]
    await hand.open("places")
    assert hand.labels == ["Back", "Skip"]
    await hand.choose("log", office)
    await hand.choose("review", office)
    assert hand.labels == ["Back", "Next"]
    await hand.open("limits")
    text = await hand.choose("preset", "medium")
    assert "✅ Every member: the bot's own limit" in text
    assert "✅ This server's budget: none → 100 credits in 24 hours" in text
    text = await hand.fill("limits", credits="6", budget="", budget_hours="")
    assert "✅ This server's budget: 100 credits in 24 hours → none" in text
    assert "A budget is credits in so many hours" in await hand.fill("limits", budget="50")
    await hand.open("review")
    await hand.choose("looks", "new")
    assert hand.labels == ["Back", "Next", "Change days"]
    text = await hand.open("summary")
    for line in (
        f"Videos may be asked for only in <#{scene.channel.id}>",
        "Every member: 6 credits in 24 hours, 2 unfinished at once",
        "All members together: no budget",
        f"Looked at first, in <#{office.id}>: videos of new members (7 days)",
        f"✅ <#{office.id}>: I have all that I need (log, review)",
        f"✅ <#{scene.channel.id}>: I have all that I need (asking)",
    ):
        assert line in text
    await hand.open("review")
    await hand.open("summary")
    text = await hand.open("done")
    assert "Members can ask for videos now" in text
    assert hand.labels == ["Back", "All settings"]
    assert bots(scene.channel) == []
    assert all("-# Log " in message.text for message in bots(office))  # which it is, too
    again = await opened(scene, mona, "setup")
    assert again.chosen("allowed") == {scene.channel.id}


async def try_out(hand: Hand) -> str:
    """Send test posts; what came of it."""
    pressed = await hand.scene.discord.press(hand.who, hand.shown, custom_id=hand.id("test"))
    hand.scene.asked.append(pressed)
    await hand.scene.until(lambda: "⏳ Posting" in hand.text or pressed.failed)
    await hand.scene.until(lambda: "⏳ Posting" not in hand.text)
    return hand.text


async def test_a_test_post_proves_each_channel_and_is_gone(scene: Scene) -> None:
    """A message with a picture in a box, read again and deleted, without waking anybody; of what
    does not work the panel says what it is.
    """
    mona = moderator(scene)
    office, log, shut = (private(scene, name) for name in ("office", "log", "shut"))
    shut.set_overwrite(scene.guild.bot_role, allow=Permission.VIEW_CHANNEL,
                       deny=Permission.ATTACH_FILES)  # fmt: skip
    forum = scene.guild.create_forum("ideas")
    hand = await opened(scene, mona, "setup")
    await hand.choose("allowed", scene.channel, forum)
    await hand.open("places")
    for what, channel in (("result", scene.channel), ("log", log), ("review", office),
                          ("showcase", shut)):  # fmt: skip
        await hand.choose(what, channel)
    await hand.open("summary")
    await scene.until(lambda: "Showcase" in "".join(message.text for message in bots(log)))
    told = bots(log)  # what was chosen since it is the log
    began = len(scene.discord.requests)
    scene.discord.faults.add(
        Fault("POST", MESSAGES, status=403, code=50013, match=lambda r: str(log.id) in r.path)
    )
    text = await try_out(hand)
    assert "❌ Something is wrong in 2 of 5 channels." in text
    assert f"❌ <#{shut.id}>: not tried, as I lack **Attach Files**." in text
    assert f"❌ <#{log.id}>: Discord says that I lack a permission" in text
    assert f"✅ <#{office.id}>: posted, read again, deleted" in text
    assert f"✅ <#{scene.channel.id}>: posted, read again, deleted" in text
    assert f"✅ <#{forum.id}>: not tried" in text
    sent = [r for r in scene.discord.requests[began:] if r.route == MESSAGES and r.method == "POST"]
    assert {seen.path.split("/")[-2] for seen in sent} == {
        str(one.id) for one in (office, log, scene.channel)
    }
    for seen in sent:
        body = seen.json
        assert body["embeds"][0]["image"]["url"] == "attachment://test.png"
        assert body["flags"] & 1 << 12
        assert body["allowed_mentions"] == {"parse": []}
    for place in (scene.channel, office, shut):
        assert bots(place) == []
    assert bots(log) == told


async def test_test_posts_take_turns_and_say_what_stays(scene: Scene) -> None:
    """Where nothing is chosen, this very channel is tried. A second round has to wait; a post
    that could not be deleted is confessed; Discord out of order is no fault of the channel.
    """
    mona = moderator(scene)
    hand = await opened(scene, mona, "setup")
    await hand.open("summary")
    scene.discord.faults.add(
        Fault("DELETE", f"{MESSAGES}/{{message_id}}", times=None, status=403, code=50001)
    )
    text = await try_out(hand)
    assert "I could not delete it: please do, by its button." in text
    assert len(bots(scene.channel)) == 1
    text = await hand.press("test")
    assert "Please wait half a minute" in text
    assert len(bots(scene.channel)) == 1
    elsewhere = Scene(scene.town, "Elsewhere")
    other = await opened(elsewhere, moderator(elsewhere, "carol"), "setup")
    await other.open("summary")
    scene.discord.faults.clear()
    scene.discord.faults.add(Fault("POST", MESSAGES, status=404, code=10003))
    assert "it does not exist any more" in await try_out(other)


async def test_no_test_post_goes_where_whoever_asks_for_it_may_not_write(scene: Scene) -> None:
    """Whom the server handed the command had the bot post into channels of others."""
    helper(scene, scene.bob)
    office, news = private(scene), scene.guild.create_text_channel("news")
    news.set_overwrite(scene.guild.everyone, deny=Permission.SEND_MESSAGES)
    news.set_overwrite(scene.guild.bot_role, allow=Permission.SEND_MESSAGES)
    other = await opened(scene, moderator(scene), "setup")
    await other.choose("allowed", office, news, scene.channel)
    hand = await opened(scene, scene.bob, "setup")
    await hand.open("summary")
    began = len(scene.discord.requests)
    text = await try_out(hand)
    for place in (office, news):
        assert f"➖ <#{place.id}>: not tried, as you may not send messages there." in text
    assert f"✅ <#{scene.channel.id}>: posted, read again, deleted" in text
    sent = [r for r in scene.discord.requests[began:] if r.route == MESSAGES and r.method == "POST"]
    assert [seen.path.split("/")[-2] for seen in sent] == [str(scene.channel.id)]


@pytest.mark.parametrize(
    ("where", "bit"),
    [
        ("channel", Permission.SEND_MESSAGES),
        ("thread", Permission.SEND_MESSAGES_IN_THREADS),
    ],
)
async def test_nor_into_a_channel_that_whoever_asks_for_it_only_reads(
    scene: Scene, where: str, bit: Permission
) -> None:
    """Where nothing is chosen, the channel or thread of the panel was tried. What counts is what
    counts there, and now.
    """
    helper(scene, scene.bob)
    place = scene.channel if where == "channel" else scene.thread
    scene.channel.set_overwrite(scene.guild.everyone, deny=bit)
    scene.channel.set_overwrite(scene.guild.bot_role, allow=bit)
    shown = await (await scene.ask("moderate setup", who=scene.bob, where=place)).answered()
    hand = Hand(scene, scene.bob, shown, "setup")
    await hand.open("summary")
    text = await try_out(hand)
    assert f"➖ <#{place.id}>: not tried, as you may not send messages there." in text
    assert bots(place) == []


async def test_whoever_may_write_in_a_thread_tries_it_out(scene: Scene) -> None:
    """Also where they may not write in the channel above it."""
    helper(scene, scene.bob)
    scene.channel.set_overwrite(scene.guild.everyone, deny=Permission.SEND_MESSAGES)
    shown = await (await scene.ask("moderate setup", who=scene.bob, where=scene.thread)).answered()
    hand = Hand(scene, scene.bob, shown, "setup")
    await hand.open("summary")
    assert f"✅ <#{scene.thread.id}>: posted, read again, deleted" in await try_out(hand)


async def test_a_test_post_that_stayed_is_deleted_by_its_button(open_scene: OpenScene) -> None:
    """It said that it goes away by itself, and stayed when the bot was killed before that. Any
    moderator deletes it, after any restart; members do not, and nothing else goes that way.
    """
    scene = await open_scene()
    mona = moderator(scene)
    hand = await opened(scene, mona, "setup")
    await hand.open("summary")
    deleting = scene.discord.faults.add(
        Fault("DELETE", f"{MESSAGES}/{{message_id}}", delay=30, drop="before")
    )
    await scene.discord.press(mona, hand.shown, custom_id=hand.id("test"))
    await scene.until(lambda: deleting.used == 1)
    await scene.town.kill()
    await scene.town.restart()
    (post,) = bots(scene.channel)
    assert "goes away by itself" not in post.text
    assert [button.label for button in post.buttons] == ["Delete"]
    pressed = await scene.press(scene.bob, post, label="Delete")
    assert pressed.message is not None
    assert pressed.message.text == NOTHING_HERE
    assert bots(scene.channel) == [post]
    card = await scene.card(where=scene.channel)
    video = await scene.delivered(card)
    assert await scene.forge(mona, video, "test-post:delete") == NOTHING_HERE
    await scene.press(mona, post, label="Delete")
    await scene.until(lambda: bots(scene.channel) == [card, video])


async def test_a_press_that_is_answered_too_late_posts_nothing(scene: Scene) -> None:
    """Posts went into every channel, and their outcome to nobody. It also used up the server's
    turn: whoever pressed again was told to wait half a minute for a test that never was.
    """
    mona = moderator(scene)
    hand = await opened(scene, mona, "setup")
    await hand.open("summary")
    began = len(scene.discord.requests)
    late = scene.discord.faults.add(Fault("POST", CALLBACK, status=404, code=10062))
    await scene.discord.press(mona, hand.shown, custom_id="setup:summary:test")
    await scene.until(lambda: late.used == 1)
    await hand.open("review")  # whatever came of the press before has begun by now
    await hand.open("summary")
    asked = [seen.route for seen in scene.discord.requests[began:]]
    assert set(asked) == {CALLBACK}
    assert "✅ Everything works" in await try_out(hand)


async def test_servers_that_test_at_once_share_the_places(scene: Scene) -> None:
    """Each had three of its own: some servers together took all the requests that Discord gives
    the bot in a second, and everybody's videos waited.
    """
    hands = [await opened(scene, moderator(scene), "setup")]
    for number in range(2):
        elsewhere = Scene(scene.town, f"Elsewhere {number}")
        hands.append(await opened(elsewhere, moderator(elsewhere, f"m{number}"), "setup"))
    for hand in hands:
        channels = [hand.scene.guild.create_text_channel(f"c{number}") for number in range(4)]
        await hand.choose("allowed", *channels)
        await hand.open("summary")
    began = len(scene.discord.requests)
    texts = await asyncio.gather(*map(try_out, hands))
    assert ["✅ Everything works" in text for text in texts] == [True] * 3
    begun = most = 0
    for seen in scene.discord.requests[began:]:
        if seen.route == MESSAGES and seen.method == "POST":
            begun += 1
        elif seen.method == "DELETE":
            begun -= 1
        most = max(most, begun)
    assert most == AT_ONCE
