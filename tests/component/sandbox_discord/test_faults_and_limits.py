"""Scripted faults, rate limits and what this Discord does not have."""

from __future__ import annotations

import asyncio

import aiohttp
import discord
import pytest

from bot.sandbox.discord import Fault

MESSAGES = "/channels/{channel_id}/messages"


async def test_a_status_instead_of_the_truth(server, community, rest):
    """Once, on the route named, with Discord's error body; nothing was done."""
    fault = server.faults.add(Fault(method="POST", route=MESSAGES, status=503))
    assert (await rest("GET", f"/channels/{community.channel.id}"))[0] == 200
    status, body = await rest.say(community.channel, "x")
    assert (status, body["code"]) == (503, 0)
    assert community.channel.messages == []
    assert (await rest.say(community.channel, "x"))[0] == 200
    assert fault.used == 1
    assert not server.faults.pending


async def test_a_code_of_its_own(server, community, rest):
    """Any of Discord's codes can be scripted."""
    server.faults.add(Fault(route=MESSAGES, status=403, code=50001, message="Missing Access"))
    status, body = await rest.say(community.channel, "x")
    assert (status, body) == (403, {"message": "Missing Access", "code": 50001})
    assert server.invalid_requests == 1


async def test_a_gateway_error_after_the_thing_was_done(server, community, rest):
    """The message exists, the client hears 504; a page of HTML instead of JSON."""
    server.faults.add(Fault(route=MESSAGES, status=504, done=True))
    assert (await rest.say(community.channel, "x"))[0] == 504
    assert len(community.channel.messages) == 1
    server.faults.add(Fault(route=MESSAGES, status=502, body="<html>"))
    url = f"{server.api_url}/channels/{community.channel.id}/messages"
    headers = {"Authorization": f"Bot {server.token}"}
    async with rest.session.post(url, json={"content": "x"}, headers=headers) as response:
        assert (response.status, await response.text()) == (502, "<html>")
        assert response.headers["Content-Type"] == "text/html"


@pytest.mark.parametrize(("drop", "posted"), [("before", 0), ("after", 1)])
async def test_a_dropped_connection(server, community, rest, drop, posted):
    """Before: nothing happened. After: it happened, and the client cannot know."""
    server.faults.add(Fault(method="POST", route=MESSAGES, drop=drop))
    with pytest.raises((aiohttp.ServerDisconnectedError, aiohttp.ClientOSError)):
        await rest.say(community.channel, "x", nonce="n1", enforce_nonce=True)
    assert len(community.channel.messages) == posted
    await rest.say(community.channel, "x", nonce="n1", enforce_nonce=True)
    assert len(community.channel.messages) == 1


async def test_a_client_that_dies_in_the_middle_of_an_upload(server, community, rest):
    """Nothing was posted, nothing stays on disk, and it is nobody's violation."""
    head = (
        f"POST /api/v10/channels/{community.channel.id}/messages HTTP/1.1\r\nHost: x\r\n"
        f"Authorization: Bot {server.token}\r\nContent-Length: 1000000\r\n"
        "Content-Type: multipart/form-data; boundary=b\r\n\r\n"
        '--b\r\nContent-Disposition: form-data; name="files[0]"; filename="a.mp4"\r\n\r\n'
    )
    address = server.base_url.removeprefix("http://").split(":")
    _, writer = await asyncio.open_connection(address[0], int(address[1]))
    writer.write(head.encode() + b"x" * 100_000)
    await writer.drain()
    await server.wait_for(lambda: [*server.world.media.new_path().parent.glob("*.part")])
    writer.transport.abort()
    await server.wait_for(lambda: not [*server.world.media.new_path().parent.glob("*.part")])
    assert community.channel.messages == []
    path = f"/channels/{community.channel.id}/messages"
    headers = {"Content-Type": "multipart/form-data", "Authorization": f"Bot {server.token}"}
    url = f"{server.api_url}{path}"
    async with rest.session.post(url, data=b"--", headers=headers) as response:
        assert response.status == 400
    server.violations.clear()


async def test_delay_match_skip_and_for_ever(server, community, rest):
    """A fault can wait, look at the body, spare the first ones and never end."""
    server.faults.add(Fault(route=MESSAGES, delay=0.05))
    before = server.clock.now()
    assert (await rest.say(community.channel, "x"))[0] == 200
    assert server.clock.now() - before >= 0.05
    server.faults.add(
        Fault(route=MESSAGES, status=500, match=lambda r: r.body["content"] == "bad", times=None)
    )
    assert (await rest.say(community.channel, "good"))[0] == 200
    for _ in range(3):
        assert (await rest.say(community.channel, "bad"))[0] == 500
    path = f"/channels/{community.channel.id}/messages"
    assert (await rest("POST", path, {"content": "bad"}, files={"a.txt": b"1"}))[0] == 500
    assert (await rest("POST", path, {"content": "good"}, files={"a.txt": b"1"}))[0] == 200
    server.faults.clear()
    server.faults.add(Fault(route=MESSAGES, status=500, skip=1))
    assert [(await rest.say(community.channel, "x"))[0] for _ in range(3)] == [200, 500, 200]


async def test_429_with_and_without_via(server, community, rest, run, new_bot):
    """With Via a client waits as told; without it it must think it is banned."""
    bot = await run(new_bot())
    channel = bot.get_partial_messageable(community.channel.id)
    server.faults.add(Fault(method="POST", route=MESSAGES, status=429, retry_after=0.01))
    await channel.send("after a short wait")
    server.faults.add(Fault(method="POST", route=MESSAGES, status=429, via=False))
    with pytest.raises(discord.HTTPException) as refused:
        await channel.send("banned")
    assert refused.value.status == 429
    assert server.invalid_requests == 2
    server.faults.add(Fault(route=MESSAGES, status=429, scope="shared", retry_after=0.5))
    _, body = await rest.say(community.channel, "x")
    assert (body["retry_after"], body["global"]) == (0.5, False)
    assert server.invalid_requests == 2


async def test_faults_reach_interactions_too(server, asked, rest):
    """Route templates are those of the OpenAPI file."""
    route = "/interactions/{interaction_id}/{interaction_token}/callback"
    server.faults.add(Fault(route=route, status=500))
    invocation = await asked()
    assert (await rest.answer(invocation, 5))[0] == 500
    assert (await rest.answer(invocation, 5))[0] == 200
    server.faults.add(
        Fault(route="/webhooks/{webhook_id}/{webhook_token}/messages/@original", status=404)
    )
    assert (await rest.hook("GET", invocation, "/messages/@original"))[0] == 404


async def test_buckets(server, community, rest):
    """Headers count down; then 429 until the bucket resets; each channel has its own."""
    server.rate_limits = True
    url = f"{server.api_url}/channels/{community.channel.id}/messages"
    headers = {"Authorization": f"Bot {server.token}"}
    for left in (4, 3, 2, 1, 0):
        async with rest.session.post(url, json={"content": "x"}, headers=headers) as response:
            assert response.status == 200
            assert response.headers["X-RateLimit-Remaining"] == str(left)
            assert response.headers["X-RateLimit-Bucket"]
    async with rest.session.post(url, json={"content": "x"}, headers=headers) as response:
        body = await response.json()
        assert response.status == 429
        assert response.headers["Via"]
        assert 0 < body["retry_after"] <= 5
    assert (await rest.say(community.thread, "x"))[0] == 200
    server.clock.advance(5.1)
    assert (await rest.say(community.channel, "x"))[0] == 200
    assert server.invalid_requests == 1


async def test_the_global_limit_spares_interactions(server, community, rest, asked):
    """50 requests a second for everything else."""
    server.rate_limits = True
    server.limits.table.clear()
    invocation = await asked()
    server.clock.advance(2)
    frozen = server.clock.now()
    server.limits._clock = type("Frozen", (), {"now": staticmethod(lambda: frozen)})()
    statuses = [(await rest("GET", "/gateway"))[0] for _ in range(51)]
    assert statuses == [200] * 50 + [429]
    assert (await rest.answer(invocation, 5))[0] in (200, 404)
    _, body = await rest("GET", "/gateway")
    assert body["global"] is True


async def test_who_annoys_is_banned_for_a_while(server, community, rest):
    """Too many 401, 403 and 429 within ten minutes, and the proxy in front answers everything:
    429 without JSON and without Via.
    """
    server.ban.limit, server.ban.seconds = 3, 100.0
    for _ in range(2):
        server.faults.add(Fault(route=MESSAGES, status=403, code=50001))
        await rest.say(community.channel, "x")
    server.clock.advance(600)
    for _ in range(3):
        server.faults.add(Fault(route=MESSAGES, status=403, code=50001))
        assert (await rest.say(community.channel, "x"))[0] == 403
    async with rest.session.get(f"{server.api_url}/gateway") as response:
        assert response.status == 429
        assert response.headers["Retry-After"] == "100"
        assert "Via" not in response.headers
        assert await response.text() == "error code: 1015"
    assert len(community.channel.messages) == 0
    server.clock.advance(100)
    assert (await rest.say(community.channel, "x"))[0] == 200


async def test_what_is_not_served_is_a_violation(server, rest):
    """404 for paths, 405 for methods, both on the record."""
    assert (await rest("GET", "/users/@me/billing"))[0] == 404
    assert (await rest("DELETE", "/gateway/bot"))[0] == 405
    assert server.violations == [
        "GET /api/v10/users/@me/billing: no such operation here",
        "DELETE /api/v10/gateway/bot: no such operation here",
    ]
    async with rest.session.get(f"{server.base_url}/elsewhere") as response:
        assert response.status == 404
    server.violations.clear()


async def test_requests_are_recorded_unless_switched_off(server, community, rest):
    """Method, template, status, body and time of each."""
    await rest.say(community.channel, "x")
    last = server.requests[-1]
    assert (last.method, last.route, last.status) == ("POST", MESSAGES, 200)
    assert last.json == {"content": "x"}
    assert last.path.endswith(f"/channels/{community.channel.id}/messages")
    assert abs(server.clock.now() - last.at) < 5
    server.record = False
    await rest.say(community.channel, "x")
    assert server.requests[-1] is last
