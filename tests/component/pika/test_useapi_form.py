"""What Pika's API gets to see, read by a server that shares no code with the client."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from aiohttp import BodyPartReader, web

from bot.errors import BadRecipe
from bot.model import Font, Picture, Recipe, Verb
from bot.pika import NotSent, UseApi

if TYPE_CHECKING:
    from tests.component.pika.conftest import Canned

File = tuple[str | None, str | None, bytes]


@dataclass
class Seen:
    """One request as the server understood it."""

    path: str
    authorization: str | None
    length: str | None
    fields: dict[str, str] = field(default_factory=dict)
    files: dict[str, File] = field(default_factory=dict)


@dataclass
class Server:
    """An address, and what arrived there."""

    url: str
    seen: list[Seen]

    def client(self, channel: str | None = None, discord_token: str | None = None) -> UseApi:
        """A client of this server."""
        return UseApi(
            base_url=self.url,
            token="user:1-abc",
            channel=channel,
            discord_token=discord_token,
            max_jobs=7,
        )


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    """A server that takes everything."""
    seen: list[Seen] = []

    async def take(request: web.Request) -> web.Response:
        now = Seen(
            request.path,
            request.headers.get("Authorization"),
            request.headers.get("Content-Length"),
        )
        async for part in await request.multipart():
            assert isinstance(part, BodyPartReader)
            assert part.name is not None
            data = bytes(await part.read())
            if part.filename is None:
                now.fields[part.name] = data.decode()
            else:
                now.files[part.name] = (part.filename, part.headers.get("Content-Type"), data)
        seen.append(now)
        return web.json_response({"jobid": "j-1", "status": "started"})

    app = web.Application(client_max_size=64 * 1024 * 1024)
    app.router.add_post("/v1/pika/{verb}", take)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    yield Server(f"http://127.0.0.1:{port}/v1/pika", seen)
    await runner.cleanup()


async def test_every_verb_has_its_endpoint_and_fields(
    server: Server, recipes: dict[Verb, Recipe], picture: Picture
) -> None:
    """Names and types as the pages of the API document them; pictures arrive byte by byte."""
    assert picture.path is not None
    file = ("mein Bild.png", "image/png", picture.path.read_bytes())
    client = server.client()
    for recipe in recipes.values():
        report = await client.submit(recipe, reply_ref="ref-1", reply_url=None)
        assert report.pika_id == "j-1"
    await client.aclose()
    always = {"maxJobs": "7", "replyRef": "ref-1"}
    expected = [
        ("/v1/pika/create", {"prompt": "a fox -ar 16:9"}, {"image": file}),
        ("/v1/pika/animate", {}, {"image": file}),
        (
            "/v1/pika/encrypt_text",
            {"prompt": "waves", "message": "HELLO", "font": "SANS SERIF"},
            {"image": file},
        ),
        ("/v1/pika/encrypt_image", {"prompt": "waves"}, {"message": file}),
    ]
    assert [(s.path, s.fields, s.files) for s in server.seen] == [
        (path, fields | always, files) for path, fields, files in expected
    ]
    assert all(s.authorization == "Bearer user:1-abc" for s in server.seen)
    assert all(s.length is not None for s in server.seen)


async def test_account_and_callback_are_sent_when_set(server: Server, fox: Recipe) -> None:
    """``channel``, ``discord``, ``replyUrl``: only if there are any."""
    client = server.client("1122", "discord-token")
    await client.submit(fox, reply_ref="ref-1", reply_url="https://bot.example/callbacks/x")
    await client.aclose()
    assert server.seen[0].fields == {
        "prompt": "a fox -ar 16:9",
        "channel": "1122",
        "discord": "discord-token",
        "maxJobs": "7",
        "replyRef": "ref-1",
        "replyUrl": "https://bot.example/callbacks/x",
    }


async def test_the_button_names_its_parent(server: Server) -> None:
    """A retry goes to the parent's own channel: no ``channel`` field."""
    client = server.client("1122", "discord-token")
    await client.again("j-0", "retry", reply_ref="ref-2", reply_url=None)
    await client.aclose()
    assert server.seen[0].path == "/v1/pika/button"
    assert server.seen[0].fields == {
        "jobid": "j-0",
        "button": "retry",
        "discord": "discord-token",
        "maxJobs": "7",
        "replyRef": "ref-2",
    }


async def test_two_pictures_and_odd_names(server: Server, picture: Picture, tmp_path: Path) -> None:
    """Quotes, line breaks and lies in a name or type cannot break the form."""
    other = tmp_path / "other"
    other.write_bytes(b"\r\n--boundary--\r\n")
    recipe = Recipe(
        Verb.ENCRYPT_IMAGE,
        "wäves 🌊\nsecond line",
        message_image=replace(picture, filename='a"b\\c/../d\r\n.png', content_type="x\r\nY: z"),
        image=Picture("ü🌊.webp", "image/webp; q=1", 15, path=other),
    )
    client = server.client()
    await client.submit(recipe, reply_ref="ref-1", reply_url=None)
    await client.aclose()
    seen = server.seen[0]
    assert seen.fields["prompt"] == "wäves 🌊\nsecond line"
    name, kind, _ = seen.files["message"]
    assert kind == "application/octet-stream"
    assert name is not None
    assert not set('"\r\n/\\') & set(name.replace("%22", ""))
    assert seen.files["image"] == ("ü🌊.webp", "image/webp", b"\r\n--boundary--\r\n")


@pytest.mark.parametrize(
    ("recipe", "option"),
    [
        (Recipe(Verb.CREATE, ""), "prompt"),
        (Recipe(Verb.CREATE, "  "), "prompt"),
        (Recipe(Verb.CREATE, "x" * 1501), "prompt"),
        (Recipe(Verb.ANIMATE, "fox"), "image"),
        (Recipe(Verb.ANIMATE, "fox", image=Picture("a", "image/png", 1)), "image"),
        (
            Recipe(Verb.CREATE, "fox", image=Picture("a", "image/png", 1, path=Path("/no/such"))),
            "image",
        ),
        (Recipe(Verb.ENCRYPT_TEXT, "waves"), "message"),
        (Recipe(Verb.ENCRYPT_TEXT, "waves", message=" "), "message"),
        (Recipe(Verb.ENCRYPT_TEXT, "waves", message="x" * 21), "message"),
        (Recipe(Verb.ENCRYPT_TEXT, "", message="x"), "prompt"),
        (Recipe(Verb.ENCRYPT_TEXT, "waves", message="x", font="COMIC SANS"), "font"),  # type: ignore[arg-type]
        (Recipe(Verb.ENCRYPT_IMAGE, "waves"), "message"),
        (Recipe(Verb.ENCRYPT_IMAGE, "waves", message="text"), "message"),
    ],
)
async def test_limits_are_checked_before_anything_is_sent(
    canned: Canned, recipe: Recipe, option: str
) -> None:
    """The person learns which option to change; Pika hears nothing."""
    with pytest.raises(BadRecipe) as caught:
        await canned.submit(recipe)
    assert caught.value.field == option
    assert canned.requests == []


async def test_limits_are_inclusive(canned: Canned) -> None:
    """1500 and 20 characters are fine, and a font may be left out."""
    canned.says(200, {"jobid": "j", "status": "started"})
    await canned.submit(Recipe(Verb.CREATE, "x" * 1500))
    await canned.submit(Recipe(Verb.ENCRYPT_TEXT, "w", message="x" * 20))
    await canned.submit(Recipe(Verb.ENCRYPT_TEXT, "w", message="x", font=Font.RETRO))
    assert len(canned.requests) == 3


@pytest.mark.parametrize("option", ["replyRef", "replyUrl"])
async def test_reference_and_callback_have_limits(canned: Canned, fox: Recipe, option: str) -> None:
    """1024 characters; the text does not repeat the value."""
    values = {"replyRef": "ref", "replyUrl": "https://x"} | {option: "s" * 1025}
    with pytest.raises(BadRecipe) as caught:
        await canned.client.submit(fox, reply_ref=values["replyRef"], reply_url=values["replyUrl"])
    assert caught.value.field == option
    assert "sss" not in str(caught.value)


async def test_an_empty_stored_picture_is_asked_for_again(canned: Canned, tmp_path: Path) -> None:
    """A file without bytes is not sent."""
    empty = tmp_path / "empty"
    empty.touch()
    with pytest.raises(BadRecipe) as caught:
        await canned.submit(Recipe(Verb.ANIMATE, "", image=Picture("a", "b", 1, path=empty)))
    assert caught.value.field == "image"


async def test_a_picture_that_cannot_be_opened_now_is_not_sent(
    canned: Canned, tmp_path: Path
) -> None:
    """A machine out of file handles, say: nothing was sent, try later."""
    picture = Picture("a.png", "image/png", 1, path=tmp_path)  # a folder
    with pytest.raises(NotSent):
        await canned.submit(Recipe(Verb.ANIMATE, "", image=picture))


async def test_large_uploads_leave_the_loop_free(server: Server, tmp_path: Path) -> None:
    """While pictures of 8 MiB are on their way, a heartbeat goes on."""
    large = tmp_path / "large"
    large.write_bytes(bytes(8 * 1024 * 1024))
    recipe = Recipe(Verb.ANIMATE, "", image=Picture("a.png", "image/png", 1, path=large))
    client = server.client()
    beats = 0

    async def beat() -> None:
        nonlocal beats
        while True:
            await asyncio.sleep(0.001)
            beats += 1

    heart = asyncio.create_task(beat())
    async with asyncio.TaskGroup() as group:
        for number in range(3):
            group.create_task(client.submit(recipe, reply_ref=f"r{number}", reply_url=None))
    heart.cancel()
    await client.aclose()
    assert beats > 10
    assert [len(s.files["image"][2]) for s in server.seen] == [8 * 1024 * 1024] * 3
