"""What cannot be made is refused to the one who asked, alone, with what to change; it costs
nothing and never reaches Pika.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from PIL import Image

from bot.sandbox.discord import Channel, Permission, Upload
from tests.e2e.town import Scene, bots, picture, png

MIB = 1024 * 1024


async def nothing_happened(scene: Scene) -> None:
    """No job, no charge, nothing public, nothing at Pika, nothing left on the disk."""
    assert scene.jobs == []
    assert scene.accepted == []
    assert bots(scene.thread) == bots(scene.channel) == []
    assert await scene.left() == 5
    assert list((scene.town.data / "pictures").iterdir()) == []
    assert scene.logged("refused: ")


@contextmanager
def unchecked(scene: Scene, verb: str) -> Iterator[None]:
    """Discord's client checks nothing, as one that still has an older version of the command."""
    command = scene.discord.commands.find(scene.guild, 1, verb)
    assert command is not None
    strict = command["options"]
    bounds = {"choices", "min_value", "max_value", "min_length", "max_length", "required"}
    command["options"] = [
        {name: value for name, value in option.items() if name not in bounds} for option in strict
    ]
    try:
        yield
    finally:
        command["options"] = strict


WORDS: dict[str, tuple[str, dict[str, Any], str]] = {
    "prompt of spaces": ("create", {"prompt": "   "}, "The prompt is empty"),
    "prompt too long": ("create", {"prompt": "x" * 1600}, "1600 characters long"),
    "prompt too long with its flags": (
        "create",
        {"prompt": "x" * 1490, "camera": "pan down left"},
        "Shorten it by 12",
    ),
    "control character": ("create", {"prompt": "a \x07 fox"}, "invisible character (U+0007)"),
    "zero width": ("create", {"prompt": "a\u200b fox"}, "invisible character (U+200B)"),
    "right to left": ("create", {"prompt": "a \u202exof"}, "invisible character (U+202E)"),
    "invisible negative": ("create", {"prompt": "x", "negative": "a\u2066"}, "`negative` has an"),
    "message too long": (
        "encrypt_text",
        {"message": "x" * 21, "prompt": "x"},
        "21 characters long; Pika takes 20",
    ),
    "message of spaces": ("encrypt_text", {"message": "  ", "prompt": "x"}, "message is empty"),
    "message unwritable": ("encrypt_text", {"message": "🦊", "prompt": "x"}, "cannot write “🦊”"),
    "message with accents": ("encrypt_text", {"message": "é", "prompt": "x"}, "without accents"),
    "font": ("encrypt_text", {"message": "x", "prompt": "x", "font": "WING"}, "`font` must be one"),
    "motion": ("create", {"prompt": "x", "motion": 9}, "`motion` must be between 0 and 4"),
    "fps": ("create", {"prompt": "x", "fps": 60}, "`fps` must be between 8 and 24"),
    "guidance": ("create", {"prompt": "x", "guidance": 1}, "`guidance` must be between 8 and 24"),
    "seed": ("create", {"prompt": "x", "seed": -1}, "`seed` must be between 0 and 4294967295"),
    "aspect ratio": ("create", {"prompt": "x", "aspect_ratio": "3:2"}, "`aspect_ratio` must be"),
    "camera": ("create", {"prompt": "x", "camera": "spin"}, "`camera` must be one of zoom in"),
    "quoted negative": ("create", {"prompt": "x", "negative": 'a" -fps 9'}, "`negative` may not"),
    "flag twice": ("create", {"prompt": "x -fps 9", "fps": 12}, "already says `-fps`"),
}


@pytest.mark.parametrize("what", list(WORDS))
async def test_words_that_pika_does_not_take(scene: Scene, what: str) -> None:
    """Every option is checked by the bot too, and the answer says what to change."""
    verb, options, answer = WORDS[what]
    with unchecked(scene, verb):
        assert answer in await scene.refused(verb, **options)
    await nothing_happened(scene)


async def test_a_command_without_what_it_needs(scene: Scene) -> None:
    """An image that must be there is missing: Discord shows an old version of the command."""
    with unchecked(scene, "animate"):
        refusal = await scene.refused("animate", prompt="x")
    assert "could not read that command" in refusal
    assert scene.logged("WARNING", "a command could not be run")
    assert scene.jobs == []


def moving(kind: str) -> bytes:
    """Two pictures in one file."""
    out = io.BytesIO()
    first, second = (Image.new("RGB", (16, 16), colour) for colour in ("red", "blue"))
    first.save(out, kind, save_all=True, append_images=[second], duration=100)
    return out.getvalue()


NOISE = bytes(range(256)) * 40
PICTURES: dict[str, tuple[Upload, str]] = {
    "no picture": (Upload("fox.png", "image/png", b"no picture at all" * 50), "is no picture"),
    "a document": (Upload("fox.pdf", "application/pdf", NOISE), "is of type application/pdf"),
    "no type": (Upload("fox.xyz", None, NOISE), "is no picture that Pika takes"),
    "empty": (Upload("fox.png", "image/png", b""), "empty file"),
    "says it is too large": (
        Upload("fox.png", "image/png", picture(), size=21 * MIB),
        "at most 20 MiB are taken",
    ),
    "is too large": (
        Upload("fox.png", "image/png", picture() + bytes(21 * MIB), size=1000),
        "larger than 20 MiB",
    ),
    "lies about its type": (
        Upload("fox.png", "image/png", picture("JPEG")),
        "says it is PNG but is JPEG",
    ),
    "a GIF": (Upload("fox.gif", "image/gif", moving("GIF")), "is of type image/gif"),
    "a moving PNG": (Upload("fox.png", "image/png", moving("PNG")), "animated"),
    "a moving WEBP": (Upload("fox.webp", "image/webp", moving("WEBP")), "animated"),
    "half a picture": (Upload("fox.png", "image/png", picture()[:90]), "damaged or incomplete"),
    "half a JPEG": (
        Upload("fox.jpg", "image/jpeg", picture("JPEG")[:-200]),
        "damaged or incomplete",
    ),
    "gone": (Upload("fox.png", "image/png", picture(), status=404), "ttach it again"),
}


@pytest.mark.parametrize("what", list(PICTURES))
async def test_pictures_that_pika_does_not_take(scene: Scene, what: str) -> None:
    """The bot looks into every picture before it takes the job."""
    upload, answer = PICTURES[what]
    scene.alice.user.nitro = True  # may send what is larger than the bot takes
    assert answer in await scene.refused("animate", image=upload)
    await nothing_happened(scene)


async def test_the_picture_to_hide_is_checked_as_well(scene: Scene) -> None:
    """``/encrypt_image`` takes two pictures; the second may be the bad one."""
    bad = PICTURES["half a picture"][0]
    for options in ({"message": bad, "image": png()}, {"message": png(), "image": bad}):
        refusal = await scene.refused("encrypt_image", prompt="x", **options)
        assert "damaged or incomplete" in refusal
    await nothing_happened(scene)


async def test_a_link_that_has_expired_is_refused(scene: Scene) -> None:
    """Discord's links are signed for a time; past it, the member attaches the picture again."""
    media = scene.discord.world.media
    lifetime, media.lifetime = media.lifetime, -1.0
    try:
        assert "ttach it again" in await scene.refused("animate", image=png())
    finally:
        media.lifetime = lifetime
    await nothing_happened(scene)


async def test_a_picture_that_cannot_be_had_at_once_is_fetched_later(scene: Scene) -> None:
    """The CDN has a bad moment: the command is answered in time all the same, and the picture
    is fetched while the job waits.
    """
    upload = png()
    asked = await scene.ask("animate", image=Upload(**{**vars(upload), "status": 503}))
    card = await asked.answered()
    assert not asked.ephemeral
    file = list(scene.discord.world.media._files.values())[-1]
    file.status = 200
    await scene.delivered(card)
    image = scene.accepted[0].image
    assert image is not None
    assert image.data == upload.data


PERMISSIONS = {
    "channel": [
        (Permission.SEND_MESSAGES, "**Send Messages**"),
        (Permission.ATTACH_FILES, "**Attach Files**"),
        (Permission.READ_MESSAGE_HISTORY, "**Read Message History**"),
    ],
    "thread": [
        (Permission.SEND_MESSAGES_IN_THREADS, "**Send Messages In Threads**"),
        (Permission.ATTACH_FILES, "**Attach Files**"),
    ],
}


@pytest.mark.parametrize(
    ("where", "lacking", "named"),
    [(where, bit, name) for where, pairs in PERMISSIONS.items() for bit, name in pairs],
    ids=lambda value: str(value).strip("*"),
)
async def test_where_the_bot_could_not_post_it_says_what_to_allow(
    scene: Scene, where: str, lacking: Permission, named: str
) -> None:
    """A right that posting needs is missing in this channel: refused at once, by its name."""
    place: Channel = scene.thread if where == "thread" else scene.channel
    scene.channel.set_overwrite(scene.guild.bot_role, deny=lacking)
    refusal = await scene.refused(where=place)
    assert named in refusal
    assert "Ask a moderator to allow it" in refusal
    await nothing_happened(scene)


async def test_a_right_that_is_not_needed_is_not_asked_for(scene: Scene) -> None:
    """In a thread, the right to write into the channel above does not matter."""
    scene.channel.set_overwrite(scene.guild.bot_role, deny=Permission.SEND_MESSAGES)
    await scene.delivered(await scene.card())
