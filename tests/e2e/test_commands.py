"""Every command, from the words a member types to the video that stands where they asked."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from bot.sandbox.discord import Channel, Message, Permission, Upload
from bot.sandbox.pika import Account, Picture, PikaJob
from tests.e2e.conftest import OpenScene
from tests.e2e.town import SECRET_DISCORD_TOKEN, Scene, bots, links, number, picture

TOWN = {"instant": False}  # every video is another one, rendered from its prompt

FOX = Upload("fox.png", "image/png", picture(colour="orange"))
SEA = Upload("sea.jpg", "image/jpeg", picture("JPEG", "blue"))

ORDERS: dict[str, dict[str, Any]] = {
    "create": {"prompt": "a fox in the snow", "image": FOX},
    "animate": {"prompt": "make it move", "image": SEA},
    "encrypt_text": {"message": "HELLO you", "prompt": "waves", "font": "SANS SERIF"},
    "encrypt_image": {"message": FOX, "prompt": "a market", "image": SEA},
}


def place(scene: Scene, where: str) -> Channel:
    """The thread or the channel it hangs under."""
    return scene.thread if where == "thread" else scene.channel


def same(got: Any, given: Any) -> bool:
    """Whether Pika has exactly what a member gave."""
    if isinstance(given, Upload):
        assert isinstance(got, Picture)
        same_bytes = got.data == given.data
        return same_bytes and (got.filename, got.type) == (given.filename, given.content_type)
    return bool(got == given)


def check_result(result: Message, card: Message, scene: Scene, made: PikaJob) -> None:
    """The video as a reply to the card, for the one who asked and nobody else."""
    assert result.channel is card.channel
    assert result.reference is not None
    assert result.reference["message_id"] == str(card.id)
    assert len(result.attachments) == 1
    video = result.attachments[0]
    assert video.filename.endswith(".mp4")
    assert hashlib.sha256(video.read()).hexdigest() == made.video_sha256
    assert result.mentions == [scene.alice.user]
    assert result.mention_roles == []
    assert not result.mention_everyone
    assert str(result.nonce).startswith(f"pika-{number(card)}-")


@pytest.mark.parametrize("where", ["thread", "channel"])
@pytest.mark.parametrize("verb", list(ORDERS))
async def test_a_command_becomes_a_video_where_it_was_asked(
    scene: Scene, verb: str, where: str
) -> None:
    """The card answers publicly within three seconds; Pika gets exactly what was asked; the
    video replies in that very place, for the requester alone; the card ends with a link to it.
    """
    asked = await scene.ask(verb, where=place(scene, where), **ORDERS[verb])
    card = await asked.answered()
    assert asked.ack_seconds is not None
    assert asked.ack_seconds < 3
    assert not asked.ephemeral
    assert card.channel is place(scene, where)
    result = await scene.delivered(card)

    (made,) = scene.accepted
    assert made.command == verb
    assert made.prompt == ORDERS[verb]["prompt"]
    for name in ("message", "image", "font"):
        assert same(getattr(made, name), ORDERS[verb].get(name)), name
    check_result(result, card, scene, made)
    await scene.until(lambda: links(card) == [result.url])
    assert bots(card.channel) == [card, result]
    assert scene.hold(card) == "charged"


async def test_a_picture_needs_no_words_to_be_animated(scene: Scene) -> None:
    """``/animate`` takes a picture alone."""
    card = await scene.card("animate", image=FOX)
    await scene.delivered(card)
    assert scene.accepted[0].prompt == ""


async def test_nobody_else_is_pinged_whatever_the_prompt_says(scene: Scene) -> None:
    """@everyone, members and roles in a prompt ping nobody, on the card and beside the video."""
    scene.guild.bot_role.grant(Permission.MENTION_EVERYONE)
    began = len(scene.discord.requests)
    role = scene.guild.create_role("Crew")
    role.mentionable = True
    prompt = f"@everyone @here {scene.bob.mention} {role.mention} <@!{scene.bob.id}> ` dance"
    card = await scene.card(prompt=prompt)
    assert card.mentions == []
    result = await scene.delivered(card)
    assert result.mentions == [scene.alice.user]
    for message in bots(scene.thread):
        assert message.mention_roles == []
        assert not message.mention_everyone
    posts = [seen for seen in scene.discord.requests[began:] if seen.method == "POST"]
    told = [seen.json.get("data", seen.json)["allowed_mentions"] for seen in posts]
    assert told == [{"parse": []}, {"parse": [], "users": [scene.alice.id]}]
    assert scene.accepted[0].prompt == prompt


async def test_flags_follow_the_prompt_as_pika_spells_them(scene: Scene) -> None:
    """Every flag option stands after the prompt in Pika's own spelling, in its own order."""
    card = await scene.card(
        prompt="a fox",
        aspect_ratio="9:16",
        motion=3,
        camera="pan up left",
        fps=12,
        guidance=16,
        negative="blurry, dark",
        seed=4_294_967_295,
    )
    await scene.delivered(card)
    assert scene.accepted[0].prompt == (
        'a fox -ar 9:16 -motion 3 -camera pan up left -fps 12 -gs 16 -neg "blurry, dark" '
        "-seed 4294967295"
    )


async def test_every_attempt_has_an_unguessable_reference_of_its_own(scene: Scene) -> None:
    """``replyRef`` is long, random and never used twice; without a public address Pika is not
    asked to call back.
    """
    cards = [await scene.card(prompt=f"fox {n}") for n in range(3)]
    for card in cards:
        await scene.delivered(card)
    references = [job.reply_ref or "" for job in scene.accepted]
    assert len(set(references)) == 3
    for reference, card in zip(references, cards, strict=True):
        assert len(reference) >= 32
        assert str(number(card)) != reference
        assert str(scene.alice.id) not in reference
    assert {job.reply_url for job in scene.accepted} == {None}


async def test_a_video_that_is_ready_at_once_still_replies_to_its_card(scene: Scene) -> None:
    """The card is written down a moment after it answered; the video waits for that."""
    scene.pika.script(seconds=0, video=scene.clip)
    card = await scene.card(where=scene.channel)
    result = await scene.delivered(card)
    assert result.reference is not None
    assert result.reference["message_id"] == str(card.id)


async def test_pika_gets_what_was_asked_and_no_more(scene: Scene) -> None:
    """With no account of our own configured: the prompt, the limit, the reference."""
    began = len(scene.pika.requests)
    await scene.delivered(await scene.card(prompt="a fox"))
    (post,) = [seen for seen in scene.pika.requests[began:] if seen.method == "POST"]
    assert sorted(post.fields) == ["maxJobs", "prompt", "replyRef"]
    assert post.headers["content-type"].startswith("multipart/form-data")
    assert scene.accepted[0].max_jobs == 10


async def test_the_operators_account_is_named_in_every_request(open_scene: OpenScene) -> None:
    """PIKA_CHANNEL, PIKA_DISCORD_TOKEN and PIKA_MAX_JOBS reach Pika, for every command; Pika's
    own secret is seen nowhere else.
    """
    scene = await open_scene(
        PIKA_CHANNEL="1190000000000000007",
        PIKA_DISCORD_TOKEN=SECRET_DISCORD_TOKEN,
        PIKA_MAX_JOBS=3,
    )
    for verb, options in ORDERS.items():
        await scene.delivered(await scene.card(verb, **options))
    for job in scene.accepted:
        assert job.channel == "1190000000000000007"
        assert job.discord.startswith(SECRET_DISCORD_TOKEN[:3])
        assert job.discord.endswith(SECRET_DISCORD_TOKEN[-3:])
        assert job.max_jobs == 3


async def test_a_configured_channel_needs_no_token(open_scene: OpenScene) -> None:
    """PIKA_CHANNEL alone picks one of the accounts that Pika's API knows; more jobs than a
    channel may run are not asked for.
    """
    one, two = (Account(f"11800000000000000{n}", f"MTE4sandboxToken{n}") for n in (11, 12))
    scene = await open_scene(accounts=(one, two), PIKA_CHANNEL=two.channel, PIKA_MAX_JOBS=50)
    for _ in range(3):
        await scene.delivered(await scene.card())
    assert {job.channel for job in scene.accepted} == {two.channel}
    assert {job.max_jobs for job in scene.accepted} == {10}
