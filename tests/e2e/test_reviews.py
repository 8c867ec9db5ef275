"""Videos that moderators look at before anybody else: the whole way, in Discord's own words."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Literal

import pytest

from bot.rules.policy import Choices, ReviewRule
from bot.sandbox.discord import (
    Fault,
    Invocation,
    Member,
    Message,
    Permission,
    TextChannel,
)
from bot.sandbox.discord.invocations import COMPONENT
from tests.e2e.choosing import choose
from tests.e2e.conftest import OpenScene
from tests.e2e.test_moderation import NOTHING_HERE, entries, forged, moderate, moderator
from tests.e2e.town import Scene, bots, has_file, noisy_clip, number

EVERYTHING = ReviewRule(everything=True)


async def choosing(scene: Scene, change: Callable[[Choices], Choices]) -> None:
    """A moderator of this scene's server chooses."""
    await choose(scene.town.data, scene.guild.id, change)


async def hold(scene: Scene, rule: ReviewRule = EVERYTHING, name: str = "reviews") -> TextChannel:
    """Videos are held from now on, and looked at in this channel, which only moderators see."""
    room = next((c for c in scene.guild.channels.values() if c.name == name), None)
    if room is None:
        room = scene.guild.create_text_channel(name)
    assert isinstance(room, TextChannel)
    await choose(
        scene.town.data, scene.guild.id, lambda now: replace(now, look_at=rule, review=room.id)
    )
    return room


async def review_of(scene: Scene, card: Message, room: TextChannel) -> Message:
    """The message for moderators about this card's job, in this channel."""
    ending = re.compile(rf"\n-# Review of job {number(card)}(?:, message \d+)?$")

    def posted() -> Message | None:
        found = (m for m in bots(room) if ending.search(m.content) and not m.deleted)
        return next(found, None)

    found = await scene.until(posted)
    assert found is not None
    return found


async def held(scene: Scene, room: TextChannel, **asked: Any) -> tuple[Message, Message]:
    """A card whose video waits, and the message for moderators."""
    card = await scene.card(**asked)
    return card, await review_of(scene, card, room)


def labels(message: Message) -> list[str]:
    """What its buttons are called."""
    return [button.label for button in message.buttons]


def said(pressed: Invocation) -> str:
    """The private answer."""
    assert pressed.ephemeral
    assert pressed.message is not None
    return pressed.message.text


async def filled(scene: Scene, who: Member, pressed: Invocation, **values: str) -> str:
    """Submit the form that a press has opened; the private answer."""
    submitted = await scene.discord.submit_modal(who, pressed, values)
    scene.asked.append(submitted)
    await submitted.answered()
    return said(submitted)


async def opened(scene: Scene, who: Member, message: Message, label: str) -> Invocation:
    """Press a button that opens a form."""
    pressed = await scene.discord.press(who, message, label=label)
    scene.asked.append(pressed)
    await scene.until(lambda: pressed.modal is not None)
    return pressed


async def test_an_approved_video_is_posted_where_it_was_asked_for(scene: Scene) -> None:
    """Until then only moderators have it: the file itself, who asked, where, what, and why it
    waits. Nobody is pinged. Then their message says by whom, and keeps the video.
    """
    mona = moderator(scene)
    room = await hold(scene)
    card, review = await held(scene, room, prompt="a fox in the *snow*")
    await scene.says_on(card, "waits for a moderator")
    assert labels(card) == []
    made = scene.pika.jobs[scene.job(card)["pika_id"]]
    (file,) = review.attachments
    assert file.filename == f"review-{number(card)}-a-fox-in-the-snow.mp4"
    assert hashlib.sha256(file.read()).hexdigest() == made.video_sha256
    assert "👀 **Waits for review**" in review.content
    assert "every video is looked at here" in review.content
    link = f"https://discord.com/channels/{scene.guild.id}/{scene.thread.id}/{card.id}"
    assert f"<@{scene.alice.id}> in {link}: `/create` `a fox in the *snow*`" in review.content
    assert review.mentions == []
    assert labels(review) == ["Approve", "Reject…", "Block…"]
    assert scene.hold(card) == "charged"
    assert bots(scene.thread) == [card]

    text = said(await scene.press(mona, review, label="Approve"))
    assert text.startswith(f"Job {number(card)}: waits for review → approved")
    result = await scene.delivered(card)
    assert result.mentions == [scene.alice.user]
    await scene.until(lambda: f"✅ **Approved** by <@{mona.id}>" in review.content)
    assert labels(review) == []
    assert review.attachments == [file]
    assert entries(scene) == ["choices", "review"]


async def test_a_rejected_video_is_told_with_the_reason(scene: Scene) -> None:
    """By a notice that mentions whoever asked, and by the card; the credit is spent; no file is
    left on the disk.
    """
    mona = moderator(scene)
    room = await hold(scene)
    card, review = await held(scene, room)
    form = await opened(scene, mona, review, "Reject…")
    text = await filled(scene, mona, form, reason="too `scary` @everyone")
    assert f"Job {number(card)}: waits for review → rejected, reason: `too ˋscaryˋ @every" in text
    assert "The credit stays spent" in text
    notice = await scene.notice(card)
    assert notice.content == (
        f"<@{scene.alice.id}> Job {number(card)}: A moderator decided not to post the video: "
        "`too ˋscaryˋ @everyone`. 1 credit was charged, as Pika made the video."
    )
    assert notice.mentions == [scene.alice.user]
    assert not notice.mention_everyone
    await scene.says_on(
        card, "❌ A moderator decided not to post the video", "1 credit was charged"
    )
    await scene.until(lambda: f"🚫 **Rejected** by <@{mona.id}>" in review.content)
    assert "`too ˋscaryˋ @everyone`" in review.content
    assert labels(review) == []
    assert len(review.attachments) == 1
    assert await scene.left() == 4
    assert not list((scene.town.data / "videos").glob(f"{number(card)}*"))


async def test_blocking_ends_the_video_and_the_requests(scene: Scene) -> None:
    """One form with reason and hours, one decision, both in the audit log."""
    mona = moderator(scene)
    room = await hold(scene)
    card, review = await held(scene, room)
    form = await opened(scene, mona, review, "Block…")
    assert "`hours` must be a number" in await filled(scene, mona, form, hours="soon")
    assert "`hours` must be between" in await filled(scene, mona, form, hours="nan")
    assert scene.job(card)["state"] == "reviewing"
    text = await filled(scene, mona, form, reason="spam", hours="1,5")
    assert "waits for review → rejected, reason: `spam`" in text
    assert f"<@{scene.alice.id}>: may ask for videos → blocked until <t:" in text
    await scene.notice(card)
    assert "Reason: `spam`" in await scene.refused()
    assert entries(scene) == ["choices", "review", "block"]
    rows = scene.town.rows("SELECT * FROM audit_entry WHERE action = 'block' ORDER BY id DESC")
    after = json.loads(rows[0]["after_state"])
    assert after["until"] - rows[0]["at"] == 5_400_000


@pytest.mark.parametrize("first", ["Approve", "Reject…", "Block…"])
async def test_two_moderators_at_once_are_one_decision(scene: Scene, first: str) -> None:
    """Both have the message, or even the same form, before them: the second is told who decided
    what, and nothing of theirs happens.
    """
    mona, otto = moderator(scene), moderator(scene, "otto")
    room = await hold(scene)
    card, review = await held(scene, room)
    reject = await opened(scene, otto, review, "Reject…")
    block = await opened(scene, otto, review, "Block…")
    again = await opened(scene, mona, review, "Reject…")
    if first == "Approve":
        await scene.press(mona, review, label=first)
    elif first == "Reject…":
        await filled(scene, mona, again, reason="no")
    else:
        await filled(scene, mona, await opened(scene, mona, review, first))
    what = "approved" if first == "Approve" else "rejected"
    told = re.compile(rf"Job {number(card)} was {what} <t:\d+:R> by <@{mona.id}>\.")
    assert told.fullmatch(await filled(scene, otto, reject, reason="me first"))
    assert told.fullmatch(await filled(scene, otto, block, reason="me first"))
    for button in ("approve", "reject", "block"):
        text = await scene.forge(otto, review, f"review:{number(card)}:{button}")
        assert told.fullmatch(text)
    await scene.until(lambda: labels(review) == [])
    actors = {row["actor_id"] for row in _log(scene) if row["action"] != "choices"}
    assert actors == {mona.id}
    if first == "Approve":
        await scene.delivered(card)
    else:
        notice = await scene.notice(card)
        assert bots(scene.thread) == [card, notice]


def _log(scene: Scene) -> list[dict[str, Any]]:
    return scene.town.rows(
        "SELECT * FROM audit_entry WHERE guild_id = :id ORDER BY id", id=scene.guild.id
    )


async def test_only_todays_moderators_of_this_server_decide(scene: Scene) -> None:
    """A member, a moderator of elsewhere, one who lost the permission a second ago, ids that
    nobody has: all are answered as if there was nothing, on buttons and on forms.
    """
    mona, former = moderator(scene), moderator(scene, "former")
    room = await hold(scene)
    card, review = await held(scene, room)
    job = number(card)
    reject = await opened(scene, former, review, "Reject…")
    block = await opened(scene, former, review, "Block…")
    former.remove_role(former.roles[0])
    for who in (scene.bob, scene.alice, former):
        for label in ("Approve", "Reject…", "Block…"):
            assert said(await scene.press(who, review, label=label)) == NOTHING_HERE
    assert await filled(scene, former, reject, reason="x") == NOTHING_HERE
    assert await filled(scene, former, block) == NOTHING_HERE

    stranger, theirs = await _elsewhere(scene)
    for button in ("approve", "reject", "block"):
        for job_id in (job, 987_654_321):
            text = await scene.forge(stranger, theirs, f"review:{job_id}:{button}")
            assert text == NOTHING_HERE
        assert await scene.forge(mona, review, f"review:987654321:{button}") == NOTHING_HERE

    form = await opened(scene, mona, review, "Reject…")
    assert form.modal is not None
    form.modal["custom_id"] = "review:987654321:reject"
    assert await filled(scene, mona, form, reason="x") == NOTHING_HERE
    form.modal["custom_id"] = f"review:{job}:reject"
    world = scene.discord.world
    there = Invocation(world, stranger, theirs.channel, COMPONENT, "[Reject…]")
    there.modal, there.source = form.modal, theirs
    assert await filled(scene, stranger, there, reason="x") == NOTHING_HERE
    assert scene.job(card)["state"] == "reviewing"
    assert entries(scene) == ["choices"]
    await scene.press(mona, review, label="Approve")
    await scene.delivered(card)


async def _elsewhere(scene: Scene) -> tuple[Member, Message]:
    """A moderator of another server, and a message of the bot there."""
    guild = scene.discord.world.create_guild("Elsewhere")
    there = guild.create_text_channel("mods")
    carol = guild.join(scene.discord.world.create_user("carol"))
    carol.add_role(guild.create_role("moderators", Permission.MANAGE_GUILD))
    asked = await scene.ask("moderate audit", who=carol, where=there)
    return carol, await asked.answered()


async def test_a_server_hands_the_decision_to_a_role(scene: Scene) -> None:
    """Whoever may use ``/moderate`` by the server's own rules may decide, and no longer when it
    is taken back.
    """
    helpers = scene.guild.create_role("helpers")
    scene.bob.add_role(helpers)
    command = scene.discord.commands.find(scene.guild, 1, "moderate")
    assert command is not None
    scene.guild.override_command(int(command["id"]), helpers, allow=True)
    room = await hold(scene)
    card, review = await held(scene, room)
    form = await opened(scene, scene.bob, review, "Reject…")
    scene.guild.override_command(int(command["id"]), helpers, allow=False)
    assert await filled(scene, scene.bob, form) == NOTHING_HERE
    scene.guild.override_command(int(command["id"]), helpers, allow=True)
    assert "rejected" in await filled(scene, scene.bob, form)
    await scene.notice(card)


async def test_buttons_and_forms_outlive_a_restart(open_scene: OpenScene) -> None:
    """A form that was open when the bot stopped is understood by the next process."""
    scene = await open_scene()
    mona = moderator(scene)
    room = await hold(scene)
    first, one = await held(scene, room, prompt="one")
    second, other = await held(scene, room, prompt="other")
    form = await opened(scene, mona, one, "Reject…")
    assert await scene.town.stop() == 0
    await scene.town.restart()
    assert "rejected, reason: `late`" in await filled(scene, mona, form, reason="late")
    await scene.notice(first)
    await scene.press(mona, other, label="Approve")
    await scene.delivered(second)


async def test_new_members_and_flagged_requests_are_held(scene: Scene) -> None:
    """Each for its reason; what others ask for is posted at once."""
    mona = moderator(scene)
    room = await hold(scene, ReviewRule(newcomer_ms=3_600_000, flagged=True))
    added = await moderate(scene, mona, "words add", phrase="dragon", then="review")
    assert "switched off" not in added
    old = scene.newcomer("old")
    old.joined_at -= 7200.0
    await scene.delivered(await scene.card(who=old))
    for who, prompt, why in (
        (scene.bob, "a fox", "whoever asked is new here"),
        (old, "a DRAG0N", "the request has words of your list"),
    ):
        card, review = await held(scene, room, who=who, prompt=prompt)
        assert why in review.content
        await scene.press(mona, review, label="Approve")
        await scene.delivered(card)


async def test_a_member_sees_what_waits_and_cannot_cancel_it(scene: Scene) -> None:
    """``/jobs`` says so and has no button for it; a press on an old one is told why."""
    mona = moderator(scene)
    room = await hold(scene)
    card, review = await held(scene, room)
    asked = await scene.ask("jobs", who=scene.alice)
    listed = await asked.answered()
    assert "waits for a moderator" in listed.text
    assert labels(listed) == []
    text = await scene.forge(scene.alice, card, f"job:{number(card)}:cancel")
    assert text == (
        f"Job {number(card)} has its video already; it waits for a moderator to look at it."
    )
    assert "under its review" in await moderate(scene, mona, "cancel", job=number(card))
    await scene.press(mona, review, label="Approve")
    await scene.delivered(card)


async def test_the_queue_leads_to_what_waits_or_says_why_nobody_sees_it(scene: Scene) -> None:
    """A link to each message; when the channel is gone, that, and what to do: in another channel
    all of them are posted again. Meanwhile nobody gets the video.
    """
    mona = moderator(scene)
    room = await hold(scene)
    card, review = await held(scene, room)
    await scene.until(lambda: _review_row(scene, card)["state"] == "sent")
    text = await moderate(scene, mona, "queue")
    assert "**1 unfinished video** in this server, **1** of them in review:" in text
    link = f"https://discord.com/channels/{scene.guild.id}/{room.id}/{review.id}"
    assert re.search(rf"👀 Waits for review since <t:\d+:R> · {link}", text)

    room.delete()
    await scene.until(lambda: _review_row(scene, card)["state"] == "undeliverable")
    text = await moderate(scene, mona, "queue")
    assert (
        f"⚠️ not shown in <#{room.id}>: that channel is gone; choose another review channel" in text
    )
    assert bots(scene.thread) == [card]
    text = await moderate(scene, mona, "audit")
    assert f"<#{room.id}>: ⚠️ reviews cannot be shown here, as that channel is gone." in text
    assert "by the bot" in text
    other = await hold(scene, name="more-reviews")
    again = await review_of(scene, card, other)
    await scene.until(lambda: _review_row(scene, card)["state"] == "sent")
    text = await moderate(scene, mona, "audit")
    assert f"<#{other.id}>: reviews are shown here again" in text
    await scene.press(mona, again, label="Approve")
    await scene.delivered(card)


def _review_row(scene: Scene, card: Message) -> dict[str, Any]:
    (row,) = scene.town.rows(
        "SELECT * FROM delivery WHERE job_id = :id AND kind = 'review'", id=number(card)
    )
    return row


@pytest.mark.parametrize("drop", ["before", "after"])
async def test_a_form_whose_connection_broke_is_opened_all_the_same(
    scene: Scene, drop: Literal["before", "after"]
) -> None:
    """The press had been told of something wrong on the bot's side, with a traceback in its log."""
    mona = moderator(scene)
    card, review = await held(scene, await hold(scene))
    fault = scene.discord.faults.add(
        Fault(
            method="POST",
            route="/interactions/{interaction_id}/{interaction_token}/callback",
            drop=drop,
            match=lambda request: isinstance(request.body, dict) and request.body["type"] == 9,
        )
    )
    form = await opened(scene, mona, review, "Reject…")
    assert fault.used
    await filled(scene, mona, form, reason="not here")
    await scene.state(card, "failed")


async def test_a_review_that_somebody_deleted_is_posted_again(scene: Scene) -> None:
    """`/moderate queue` finds out that it is gone."""
    mona = moderator(scene)
    room = await hold(scene)
    card, review = await held(scene, room)
    await scene.until(lambda: _review_row(scene, card)["state"] == "sent")
    scene.discord.world.posting.delete(review)
    await moderate(scene, mona, "queue")
    again = await review_of(scene, card, room)
    await scene.press(mona, again, label="Approve")
    await scene.delivered(card)


async def test_a_channel_that_is_opened_to_the_bot_gets_what_waited(scene: Scene) -> None:
    """It noticed by itself; until then the queue says what it lacks."""
    mona = moderator(scene)
    room = await hold(scene)
    room.set_overwrite(scene.guild.everyone, deny=Permission.ATTACH_FILES)
    card = await scene.card()
    await scene.state(card, "reviewing")
    await scene.until(lambda: _review_row(scene, card)["state"] == "undeliverable")
    assert "I may not post files there" in await moderate(scene, mona, "queue")
    room.set_overwrite(scene.guild.everyone)
    review = await review_of(scene, card, room)
    await scene.press(mona, review, label="Approve")
    await scene.delivered(card)


async def test_with_another_channel_what_waits_moves_there(scene: Scene) -> None:
    """The message of before says where to, without buttons and without the video; a press on what
    somebody still sees there is the same decision.
    """
    mona = moderator(scene)
    room = await hold(scene)
    card, old = await held(scene, room)
    other = await hold(scene, name="more-reviews")
    new = await review_of(scene, card, other)
    await scene.until(lambda: f"goes on in <#{other.id}>" in old.content)
    assert (labels(old), old.attachments) == ([], [])
    assert has_file(new, "review-")
    text = await scene.forge(mona, old, f"review:{number(card)}:approve")
    assert "approved" in text
    await scene.until(lambda: "**Approved**" in new.content)
    await scene.delivered(card)


async def test_switched_off_reviews_leave_what_waits(scene: Scene) -> None:
    """It still waits for a decision, and the queue says so; new videos are posted."""
    mona = moderator(scene)
    room = await hold(scene)
    card, review = await held(scene, room)
    await choose(
        scene.town.data, scene.guild.id, lambda now: replace(now, look_at=ReviewRule(), review=None)
    )
    await scene.delivered(await scene.card(who=scene.bob))
    assert "these still wait for you" in await moderate(scene, mona, "queue")
    assert scene.job(card)["state"] == "reviewing"
    await scene.press(mona, review, label="Approve")
    await scene.delivered(card)


async def test_the_video_for_moderators_is_never_taken_for_the_result(scene: Scene) -> None:
    """Reviews are in the channel where members ask, and the answer to the result's post was lost:
    the bot looks back, and must not find the wrong message.
    """
    mona = moderator(scene)
    await choose(
        scene.town.data,
        scene.guild.id,
        lambda now: replace(now, look_at=EVERYTHING, review=scene.channel.id),
    )
    card, review = await held(scene, scene.channel, where=scene.channel)
    scene.discord.faults.add(
        Fault(
            method="POST",
            route="/channels/{channel_id}/messages",
            drop="before",
            match=lambda request: f"pika-{number(card)}-" in str(request.body),
        )
    )
    await scene.press(mona, review, label="Approve")
    result = await scene.delivered(card)
    assert result is not review
    assert result.channel is scene.channel


async def test_a_video_too_large_for_the_channel_is_looked_at_smaller(
    open_scene: OpenScene,
) -> None:
    """And says so; what is decided about is the same video."""
    scene = await open_scene(video_bytes=noisy_clip(12.0))
    scene.discord.upload_limit = 10 * 1024 * 1024
    mona = moderator(scene)
    room = await hold(scene)
    card = await scene.card()
    await scene.until(lambda: any(has_file(m, "review-") for m in bots(room)), 60)
    review = await review_of(scene, card, room)
    assert "Made smaller" in review.content
    await scene.press(mona, review, label="Approve")
    await scene.result(card, seconds=60)
    await scene.says_on(card, "Done")


async def test_no_prompt_escapes_in_front_of_moderators(scene: Scene) -> None:
    """Nobody is pinged, and no markup of a member's works; nearly all of a long prompt is shown."""
    mona = moderator(scene)
    room = await hold(scene)
    prompt = f"@everyone <@{scene.bob.id}> `**x**` " + "long " * 250 + "the end"
    card, review = await held(scene, room, prompt=prompt)
    assert review.mentions == []
    assert not review.mention_everyone
    assert "`**x**`" not in review.content
    assert review.content.count("long") > 200
    assert len(review.content) <= 2000
    await scene.press(mona, review, label="Approve")
    await scene.delivered(card)


async def test_nobody_without_permission_sees_the_queue(scene: Scene) -> None:
    """What waits is for moderators."""
    mona = moderator(scene)
    room = await hold(scene)
    card, review = await held(scene, room)
    assert await forged(scene, scene.bob, "queue") == NOTHING_HERE
    await scene.press(mona, review, label="Approve")
    await scene.delivered(card)
