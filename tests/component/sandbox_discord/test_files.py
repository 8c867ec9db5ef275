"""Uploads and the CDN: limits, signed links, and content that is not what it says."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest

from bot.sandbox.discord import EmbeddedDiscord, Upload

MIB = 1024 * 1024


async def fetch(rest, url):
    """Status, content type and body of a link."""
    async with rest.session.get(url) as response:
        return response.status, response.headers.get("Content-Type"), await response.read()


async def test_an_upload_is_served_under_a_signed_link(server, community, rest):
    """The extension decides the type; the bytes are those received."""
    path = f"/channels/{community.channel.id}/messages"
    _, sent = await rest("POST", path, {}, files={"a fox.mp4": b"video"})
    (attachment,) = sent["attachments"]
    assert attachment["content_type"] == "video/mp4"
    assert (attachment["filename"], attachment["title"]) == ("a_fox.mp4", "a fox")
    assert await fetch(rest, attachment["url"]) == (200, "video/mp4", b"video")
    (message,) = community.channel.messages
    assert message.attachments[0].read() == message.attachments[0].path.read_bytes() == b"video"


async def test_links_expire_and_are_renewed_by_reading_the_message(server, community, rest):
    """404 after the lifetime, for a wrong signature and for a changed path."""
    path = f"/channels/{community.channel.id}/messages"
    _, sent = await rest("POST", path, {}, files={"a.mp4": b"video"})
    url = sent["attachments"][0]["url"]
    assert (await fetch(rest, url.replace("hm=", "hm=0")))[0] == 404
    assert (await fetch(rest, url.replace("a.mp4", "b.mp4")))[0] == 404
    assert (await fetch(rest, url.split("?")[0]))[0] == 404
    server.clock.advance(server.world.media.lifetime + 1)
    assert (await fetch(rest, url))[0] == 404
    _, fresh = await rest("GET", f"{path}/{sent['id']}")
    assert (await fetch(rest, fresh["attachments"][0]["url"]))[2] == b"video"
    await rest("DELETE", f"{path}/{sent['id']}")
    assert (await fetch(rest, fresh["attachments"][0]["url"]))[0] == 404
    assert (server.cdn.served, server.cdn.refused) == (1, 5)


async def test_links_in_components_and_embeds_are_renewed_too(server, community, rest):
    """Whatever shows an attachment of the message shows it under a link that works."""
    path = f"/channels/{community.channel.id}/messages"
    show = {
        "components": [{"type": 12, "items": [{"media": {"url": "attachment://a.mp4"}}]}],
        "flags": 1 << 15,
    }
    _, gallery = await rest("POST", path, show, files={"a.mp4": b"video"})
    embed = {"embeds": [{"image": {"url": "attachment://a.png"}}]}
    _, card = await rest("POST", path, embed, files={"a.png": b"picture"})
    server.clock.advance(server.world.media.lifetime + 1)
    old = gallery["components"][0]["items"][0]["media"]["url"]
    assert (await fetch(rest, old))[0] == 404
    _, gallery = await rest("GET", f"{path}/{gallery['id']}")
    _, card = await rest("GET", f"{path}/{card['id']}")
    media = gallery["components"][0]["items"][0]["media"]
    assert media["attachment_id"] == gallery["attachments"][0]["id"]
    assert (await fetch(rest, media["url"]))[2] == b"video"
    assert (await fetch(rest, card["embeds"][0]["image"]["url"]))[2] == b"picture"


async def test_ranges(community, rest):
    """Players ask for parts of a video."""
    path = f"/channels/{community.channel.id}/messages"
    _, sent = await rest("POST", path, {}, files={"a.mp4": b"0123456789"})
    url = sent["attachments"][0]["url"]
    async with rest.session.get(url, headers={"Range": "bytes=2-4"}) as response:
        assert (response.status, await response.read()) == (206, b"234")


@pytest.mark.parametrize(
    ("tier", "size", "ok"),
    [(0, 20, True), (0, 20.001, False), (1, 20.001, False), (2, 50, True), (3, 51, True)],
)
async def test_limits_by_boost(server, community, rest, tier, size, ok):
    """20 MiB, 50 with tier 2, 100 with tier 3; beyond it 413/40005."""
    community.guild.boost_tier = tier
    data = b"x" * int(size * MIB)
    path = f"/channels/{community.channel.id}/messages"
    status, body = await rest("POST", path, {"content": "x"}, files={"a.mp4": data})
    assert (status, body.get("code")) == ((200, None) if ok else (413, 40005))


async def test_limits_of_the_request(server, community, rest):
    """Ten attachments (30015) and 25 MiB in all where there are no boosts."""
    path = f"/channels/{community.channel.id}/messages"
    eleven = {f"{n}.txt": b"x" for n in range(11)}
    status, body = await rest("POST", path, {"content": "x"}, files=eleven)
    assert (status, body["code"]) == (400, 30015)
    server.violations.clear()
    both = {"a.mp4": b"x" * 13 * MIB, "b.mp4": b"x" * 13 * MIB}
    status, body = await rest("POST", path, {"content": "x"}, files=both)
    assert (status, body["code"]) == (413, 40005)
    server.upload_limit = 10
    status, body = await rest("POST", path, {"content": "x"}, files={"a.mp4": b"x" * 11})
    assert (status, body["code"]) == (413, 40005)


async def test_nitro_of_the_invoker_counts_for_answers_only(server, community, rest, asked):
    """The interaction has the larger limit of the two, the bot's own messages the server's."""
    rich = community.guild.join(server.world.create_user("rich", nitro=True))
    data = {"a.mp4": b"x" * 21 * MIB}
    invocation = await asked(rich)
    assert invocation.limit == 500 * MIB
    await rest.answer(invocation, 5)
    tail = "/messages/@original"
    status, _ = await rest.hook("PATCH", invocation, tail, {"content": "x"}, files=data)
    assert status == 200
    path = f"/channels/{community.thread.id}/messages"
    assert (await rest("POST", path, {"content": "x"}, files=data))[0] == 413


async def test_big_uploads_go_to_disk(server, community, rest):
    """The file is on disk while the message exists, and gone when the server stops."""
    path = f"/channels/{community.channel.id}/messages"
    await rest("POST", path, {}, files={"a.mp4": b"x" * 19 * MIB})
    (message,) = community.channel.messages
    assert message.attachments[0].path.stat().st_size == 19 * MIB
    await rest("POST", path, {"content": 5}, files={"b.mp4": b"x" * MIB})
    server.violations.clear()
    directory = message.attachments[0].path.parent
    assert len(list(directory.iterdir())) == 1
    server.world.media.close()
    assert not directory.exists()


async def test_members_files_that_lie(server, rest):
    """Empty, of another type than declared, of another size, broken off, or simply failing."""
    host = server.world.host_file
    empty = host(Upload("a.png", "image/png", b""))
    assert (empty.size, await fetch(rest, empty.url)) == (0, (200, "image/png", b""))
    lying = host(Upload("a.png", "image/png", b"MZ", served_type="application/x-msdownload"))
    assert (await fetch(rest, lying.url))[1] == "application/x-msdownload"
    larger = host(Upload("a.png", "image/png", b"x" * 100, size=10))
    assert (larger.size, len((await fetch(rest, larger.url))[2])) == (10, 100)
    failing = host(Upload("a.png", "image/png", b"", status=503))
    assert (await fetch(rest, failing.url))[0] == 503
    cut = host(Upload("a.png", "image/png", b"x" * 100, cut_after=10))
    with pytest.raises(aiohttp.ClientPayloadError):
        await fetch(rest, cut.url)
    promised = host(Upload("a.png", "image/png", b"x", served_length=50))
    with pytest.raises(aiohttp.ClientPayloadError):
        await fetch(rest, promised.url)


async def test_members_uploads_are_ephemeral(server, community, asked, rest):
    """They live on a path of their own and vanish when told to."""
    await rest.register(
        {
            "name": "animate",
            "description": "x",
            "options": [{"type": 11, "name": "image", "description": "x"}],
        }
    )
    picture = Upload("fox.gif", "image/gif", b"GIF89a" + bytes([64, 0, 48, 0]))
    await server.invoke(community.alice, community.channel, "animate", image=picture)
    (stored,) = server.world.media._files.values()
    assert "/ephemeral-attachments/" in stored.url
    assert (stored.width, stored.height) == (64, 48)
    assert (await fetch(rest, stored.url))[0] == 200
    stored.removed = True
    assert (await fetch(rest, stored.url))[0] == 404


async def test_the_cdn_can_have_a_port_of_its_own(openapi):
    """As Discord's has a host of its own."""
    async with EmbeddedDiscord(media_port=0, openapi=openapi) as server:
        file = server.world.host_file(Upload("a.txt", "text/plain", b"hi"))
        assert not file.url.startswith(server.base_url)
        async with aiohttp.ClientSession() as session, session.get(file.url) as response:
            assert await response.read() == b"hi"


async def test_many_uploads_at_once(community, rest):
    """Nothing mixes up."""
    path = f"/channels/{community.channel.id}/messages"
    await asyncio.gather(
        *(rest("POST", path, {}, files={f"{n}.txt": bytes([n]) * MIB}) for n in range(8))
    )
    for message in community.channel.messages:
        (attachment,) = message.attachments
        assert attachment.read() == bytes([int(attachment.filename[0])]) * MIB
