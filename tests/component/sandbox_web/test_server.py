"""The server itself: who may talk to it, files in and out, and requests that make no sense."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest

from bot.sandbox.web import files, requests, server
from bot.sandbox.web.actions import _HANDLERS


def test_the_contract_lists_every_request():
    """What can be asked for is what is written down."""
    assert set(_HANDLERS) == set(requests.REQUESTS)


@pytest.mark.parametrize(
    "origin", [None, "null", "http://evil.example", "http://127.0.0.1:1", "https://127.0.0.1"]
)
async def test_another_page_gets_no_socket_and_sends_no_file(stage, http, origin):
    """Whatever does not come from a page of ours: 403."""
    headers = {} if origin is None else {"Origin": origin}
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await http.ws_connect(f"{stage.origin}/socket", headers=headers)
    assert refused.value.status == 403
    url = f"{stage.origin}/files?name=x"
    async with http.post(url, data=b"x", headers=headers) as response:
        assert response.status == 403


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1", "localhost:1", ""])
async def test_a_rebound_name_leads_nowhere(stage, http, host):
    """The address must be ours, even for reading."""
    for path in ("/", "/media/x/1/x", "/socket"):
        headers = {"Host": host, "Origin": stage.origin}
        async with http.get(f"{stage.origin}{path}", headers=headers) as response:
            assert response.status in {400, 403}


async def test_localhost_is_ours_too(stage, http):
    """By its other name, with its own origin."""
    there = f"http://localhost:{stage.page.port}"
    async with http.ws_connect(f"{there}/socket", headers={"Origin": there}) as socket:
        assert (await socket.receive_json(timeout=5))["all"]


async def test_only_this_machine_is_listened_to(stage):
    """The server is bound to the loopback address."""
    with pytest.raises(OSError):  # noqa: PT011 - which one depends on the machine
        await asyncio.open_connection("127.0.0.2", stage.page.port)


@pytest.mark.parametrize(
    "path",
    [
        "/..%2fserver.py",
        "/%2e%2e/server.py",
        "/..%2f..%2f..%2f..%2fpyproject.toml",
        "/js/..%2f..%2fserver.py",
        "/%2fetc%2fpasswd",
        "/..%5cserver.py",
        "/index.html%00.js",
        "/nothing.html",
        "/js",
        "/.html",
    ],
)
async def test_only_static_files_are_served(stage, path):
    """Tricks with paths find nothing."""
    assert await status_of(stage, path) in {b"404", b"400"}


async def status_of(stage, path: str) -> bytes:
    """The status for exactly this path; clients would tidy it up."""
    reader, writer = await asyncio.open_connection("127.0.0.1", stage.page.port)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{stage.page.port}\r\n\r\n".encode())
    status = (await reader.readline()).split()[1]
    writer.close()
    return status


async def test_scripts_elsewhere_on_the_disk_are_not_served(stage, tmp_path):
    """Whole paths and ways up lead nowhere, even to a file of a type that is served."""
    secret = tmp_path / "secret.js"
    secret.write_text("secret")
    up = "../" * len(server.STATIC.parts) + str(secret).lstrip("/")
    for way in (str(secret), up):
        assert (server.STATIC / way).is_file()
        for path in (way, way.replace("/", "%2f"), way.replace(".", "%2e")):
            assert await status_of(stage, f"/{path}") in {b"404", b"400"}


async def test_every_answer_carries_the_policy(stage, http):
    """Scripts from here only, nothing framed, nothing sniffed; also where nothing is found."""
    for path in ("/", "/nothing.js"):
        async with http.get(f"{stage.origin}{path}") as response:
            policy = response.headers["Content-Security-Policy"]
            assert "default-src 'none'" in policy
            assert "script-src 'self'" in policy
            assert "unsafe" not in policy
            assert stage.pika.origin in policy
            assert response.headers["X-Content-Type-Options"] == "nosniff"
            assert response.headers["Cross-Origin-Resource-Policy"] == "same-origin"


async def test_the_page_itself_is_served(stage, http):
    """With types that browsers insist on for modules."""
    async with http.get(f"{stage.origin}/") as response:
        assert response.status == 200
        assert response.content_type == "text/html"
    for path in sorted(server.STATIC.rglob("*.js")):
        name = path.relative_to(server.STATIC).as_posix()
        async with http.get(f"{stage.origin}/{name}") as response:
            assert (response.status, response.content_type) == (200, "text/javascript")


# -- files ---------------------------------------------------------------------------------------


async def media(stage, http, url, **headers):
    async with http.get(f"{stage.origin}{url}", headers=headers) as response:
        return response.status, dict(response.headers), await response.read()


async def link(stage, page, message):
    """The page's link to the first attachment of a message."""
    key = f"message:{message.channel.id}:{message.id}"
    await page.until(lambda: key in page.state)
    return page.state[key]["attachments"][0]["url"]


async def test_videos_are_served_in_ranges(stage, open_page, http, bot, clip):
    """As players ask for them; the link stays the same for ever."""
    page = await open_page()
    await bot.post(stage.channel, "here", "fox.mp4", clip)
    message = stage.channel.messages[-1]
    url = await link(stage, page, message)
    status, headers, body = await media(stage, http, url)
    assert (status, headers["Content-Type"], body) == (200, "video/mp4", clip)
    status, headers, body = await media(stage, http, url, Range="bytes=10-19")
    assert (status, body) == (206, clip[10:20])
    assert headers["Content-Range"] == f"bytes 10-19/{len(clip)}"
    stage.discord.clock.advance(3 * 86_400)
    assert await link(stage, page, message) == url
    assert (await media(stage, http, url))[0] == 200


async def test_links_cannot_be_guessed(stage, open_page, http, bot):
    """A file's number alone opens nothing; deleted, it is gone."""
    page = await open_page()
    await bot.post(stage.channel, "here", "a.txt", b"secret")
    message = stage.channel.messages[-1]
    url = await link(stage, page, message)
    number = message.attachments[0].id
    for guess in (f"/media/x/{number}/a.txt", f"/media/{'0' * 32}/{number}/a.txt"):
        assert (await media(stage, http, guess))[0] == 404
    stage.discord.world.posting.delete(message)
    assert (await media(stage, http, url))[0] == 404


async def test_a_page_among_the_files_is_not_shown_as_one(stage, open_page, http, upload):
    """What somebody uploads must not speak for this page: it is saved, not opened."""
    page = await open_page()
    file = await upload("evil.html", b"<script>alert(1)</script>", "text/html")
    place = str(stage.channel.id)
    done = await page.ask("post", channel=place, content="", files=[file["file"]])
    key = f"message:{place}:{done['message']}"
    url = page.state[key]["attachments"][0]["url"]
    _, headers, _ = await media(stage, http, url)
    assert headers["Content-Type"] == "application/octet-stream"
    assert headers["Content-Disposition"] == "attachment"
    assert "sandbox" in headers["Content-Security-Policy"]


async def test_uploads_that_do_not_fit_are_refused(stage, upload, monkeypatch):
    """Empty, nameless, too large, too many; nothing of them is kept."""
    monkeypatch.setattr(files, "MAX_FILE", 10)
    monkeypatch.setattr(files, "MAX_TOTAL", 15)
    assert (await upload("ok.bin", b"x" * 10))["status"] == 200
    for name, data in (
        ("empty", b""),
        ("", b"x"),
        ("n" * 201, b"x"),
        ("line\nbreak", b"x"),
        ("big.bin", b"x" * 11),
        ("one too many", b"x" * 6),
    ):
        answer = await upload(name, data)
        assert answer["status"] == 400, name
        assert answer["error"]


async def test_an_upload_that_grows_is_cut_off(stage, http, monkeypatch):
    """Without a length, what counts is what comes."""
    monkeypatch.setattr(files, "MAX_FILE", 1000)

    async def endless():
        while True:
            yield b"x" * 500

    url = f"{stage.origin}/files?name=x.bin"
    try:
        async with http.post(url, data=endless(), headers={"Origin": stage.origin}) as response:
            assert response.status == 400
    except aiohttp.ClientError:
        pass  # the server hung up on the rest of the body


# -- requests that make no sense -----------------------------------------------------------------


@pytest.mark.parametrize("raw", ["", "null", "[]", "7", '"do"', "{", "{}x", '{"id": NaN}'])
async def test_what_is_no_request_is_answered_in_words(stage, open_page, raw):
    """The page lives on."""
    page = await open_page()
    await page.send(raw)
    answer = await page.receive()
    assert answer["id"] is None
    assert answer["error"]
    await page.ask("dms", open=True)


@pytest.mark.parametrize("do", [*sorted(requests.REQUESTS), "nothing", "", None, 7, [], {}])
async def test_every_request_without_its_fields_gets_words(stage, open_page, do):
    """Missing and misshapen fields: words, never a traceback, and nothing happens."""
    page = await open_page(stage.alice)
    names = {
        name for kind in requests.REQUESTS.values() for name in kind.__annotations__
    }  # every field that any request has
    shapes = (None, 7, "", "x", "1", [], ["x"], {}, {"x": "y"}, True, -1.5, "9" * 30, "x" * 20_000)
    for shape in ({}, *(dict.fromkeys(names, value) for value in shapes)):
        body = {"id": 5, "do": do, **{k: v for k, v in shape.items() if v is not None}}
        await page.send(body)
        await page.until(lambda: page.log[-1].get("id") == 5)
        answer = page.log.pop()
        harmless = do == "dms" and "ok" in answer
        assert harmless or answer.get("error"), (do, shape, answer)
        assert "went wrong" not in answer.get("error", "")


async def test_requests_far_too_large_end_the_connection(stage, open_page):
    """A page of ours never sends a megabyte."""
    page = await open_page()
    await page.send({"id": 1, "do": "post", "content": "x" * (server.MAX_REQUEST + 1)})
    with pytest.raises(AssertionError):
        await page.receive()


async def test_a_page_that_goes_away_leaves_nothing(stage, open_page, http):
    """Closed in the middle of waiting; others go on."""
    page = await open_page(stage.alice)
    await page.ask(
        "invoke", channel=str(stage.channel.id), command="create", options={"prompt": "a"}
    )
    await page._socket.close()
    for _ in range(100):
        if not stage.page._connections:
            break
        await asyncio.sleep(0.01)
    assert not stage.page._connections
    await open_page(stage.alice)


async def test_a_mistake_of_ours_is_told_and_survived(stage, open_page):
    """Words for the person, the rest in the log; the page goes on."""
    page = await open_page()

    class Broken(dict[str, object]):
        def get(self, *_: object) -> object:
            raise RuntimeError("broken")

    stage.page._files._waiting = Broken()
    answer = await page.answer("post", channel=str(stage.channel.id), content="", files=["x"])
    assert "went wrong" in answer["error"]
    assert len(stage.page.failures) == 1
    stage.page.failures.clear()
