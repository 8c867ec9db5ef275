"""The gateway: identify, resume, and everything that can go wrong on the way."""

from __future__ import annotations

import asyncio

import aiohttp
import discord
import orjson
import pytest

from bot.sandbox.discord import Permission


@pytest.fixture
async def ask(server, community, rest):
    """Registers /ping for raw sockets and bots alike."""
    await rest.register({"name": "ping", "description": "Ping"})

    async def ask():
        return await server.invoke(community.alice, community.thread, "ping")

    return ask


def answering(new_bot, **options):
    """A bot that answers /ping."""
    bot = new_bot(**options)

    @bot.tree.command(description="Ping")
    async def ping(interaction: discord.Interaction) -> None:
        await interaction.response.send_message("pong")

    return bot


async def test_guilds_go_to_their_shards(server, run, new_bot):
    """(guild_id >> 22) % shards decides; successive servers fall on successive shards."""
    server.gateway.shards = 2
    guilds = [server.world.create_guild(name) for name in ("A", "B")]
    bot = await run(answering(new_bot))
    assert server.gateway.identifies == 2
    assert sorted(bot.get_guild(g.id).shard_id for g in guilds) == [0, 1]
    for guild in guilds:
        channel = guild.create_text_channel("general")
        invocation = await server.invoke(guild.owner, channel, "ping")
        assert (await invocation.answered()).text == "pong"
    direct = await server.invoke(guilds[0].owner, guilds[0].owner.user.dm, "ping")
    assert (await direct.answered()).text == "pong"


@pytest.mark.parametrize("how", ["code 4000", "op 7", "op 9 resumable", "broken line"])
async def test_a_lost_connection_is_resumed_and_nothing_is_missed(server, ask, run, new_bot, how):
    """What happened meanwhile is replayed, in order, after RESUME."""
    bot = await run(answering(new_bot))
    match how:
        case "code 4000":
            server.gateway.disconnect(4000)
        case "op 7":
            server.gateway.reconnect()
        case "op 9 resumable":
            server.gateway.invalidate(resumable=True)
        case _:
            server.gateway.drop()
    invocation = await ask()
    assert (await invocation.answered()).text == "pong"
    assert (server.gateway.identifies, server.gateway.resumes) == (1, 1)
    await server.connected()
    assert "RESUMED" in bot.seen


async def test_a_gateway_that_cannot_be_reached_is_found_again(
    server, ask, run, new_bot, monkeypatch
):
    """Every new connection fails for a while; discord.py then begins a new session."""
    monkeypatch.setattr(discord.backoff.ExponentialBackoff, "delay", lambda _: 0.02)
    await run(answering(new_bot))
    server.gateway.cut_off()
    await asyncio.sleep(0.1)
    assert server.gateway.sockets == set()
    assert not server.gateway.is_connected
    server.gateway.reachable = True
    await server.connected()
    assert (await (await ask()).answered()).text == "pong"


async def test_an_invalid_session_means_identifying_again(server, ask, run, new_bot, monkeypatch):
    """Op 9 without resume ends the session; the client starts a new one."""
    monkeypatch.setattr(discord.backoff.ExponentialBackoff, "delay", lambda _: 0.0)
    await run(answering(new_bot))
    server.gateway.invalidate(resumable=False)
    await server.wait_for(lambda: server.gateway.identifies == 2)
    await server.connected()
    assert (await (await ask()).answered()).text == "pong"
    assert server.gateway.resumes == 0


async def test_a_wrong_token_closes_with_4004(server, ask, run, new_bot):
    """The client gives up: this code must not be retried."""
    await rest_only_login(server, new_bot, 4004, token="wrong")


async def rest_only_login(server, new_bot, code, *, token=None, intents=513, shard=None):
    """Identify by hand and expect to be hung up on."""
    async with raw(server) as ws:
        identify = {"token": token or server.token, "properties": {}, "intents": intents}
        if shard:
            identify["shard"] = shard
        await ws.send_bytes(orjson.dumps({"op": 2, "d": identify}))
        assert await closed(ws) == code


class raw:  # noqa: N801 -- reads as a verb
    """A bare WebSocket after HELLO."""

    def __init__(self, server, query="?v=10&encoding=json"):
        self.url = server.gateway.url + query

    async def __aenter__(self):
        self.session = aiohttp.ClientSession()
        self.ws = await self.session.ws_connect(self.url)
        hello = orjson.loads((await self.ws.receive()).data)
        assert hello["op"] == 10
        return self.ws

    async def __aexit__(self, *exc):
        await self.ws.close()
        await self.session.close()


async def closed(ws):
    """The code the server closes with."""
    while True:
        message = await ws.receive(timeout=5)
        if message.type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED):
            return ws.close_code


async def event(ws, name):
    """The next event of this name."""
    while True:
        payload = orjson.loads((await ws.receive(timeout=5)).data)
        if payload["t"] == name:
            return payload


def identify(server, **more):
    """An IDENTIFY payload."""
    body = {"token": server.token, "properties": {}, "intents": 1, **more}
    return orjson.dumps({"op": 2, "d": body}).decode()


async def test_close_codes(server, new_bot):
    """4010 for a shard that cannot be, 4013 for unknown intents, 4014 for privileged ones."""
    await rest_only_login(server, new_bot, 4010, shard=[2, 2])
    await rest_only_login(server, new_bot, 4013, intents=1 << 40)
    await rest_only_login(server, new_bot, 4014, intents=1 << 15)
    async with raw(server) as ws:
        await ws.send_str('{"op":99}')
        assert await closed(ws) == 4001
    async with raw(server) as ws:
        await ws.send_str("nonsense")
        assert await closed(ws) == 4002
    async with raw(server) as ws:
        await ws.send_str('{"op":3,"d":{}}')
        assert await closed(ws) == 4003
    async with raw(server) as ws:
        await ws.send_str(identify(server))
        await ws.send_str(identify(server))
        assert await closed(ws) == 4005


async def test_upward_limits(server):
    """A payload over 4096 bytes and more than 120 in a minute end the connection."""
    async with raw(server) as ws:
        await ws.send_str('{"op":1,"d":"%s"}' % ("x" * 4096))
        assert await closed(ws) == 4002
    async with raw(server) as ws:
        for _ in range(121):
            await ws.send_str('{"op":1,"d":null}')
        assert await closed(ws) == 4008


async def test_resume_is_refused_for_sessions_that_are_gone(server):
    """Unknown ones, and those a client stayed away from for too long: op 9, false."""
    async with raw(server) as ws:
        await ws.send_str(identify(server))
        ready = await event(ws, "READY")
    session = {"token": server.token, "session_id": ready["d"]["session_id"], "seq": 1}
    resume = orjson.dumps({"op": 6, "d": session}).decode()
    async with raw(server) as ws:
        await ws.send_str(resume)
        payload = orjson.loads((await ws.receive()).data)
        assert (payload["op"], payload["d"]) == (9, False)  # it was closed with 1000
    async with raw(server) as ws:
        await ws.send_str(identify(server))
        ready = await event(ws, "READY")
        await ws.close(code=4000)
    session["session_id"] = ready["d"]["session_id"]
    server.clock.advance(3600)
    async with raw(server) as ws:
        await ws.send_str(orjson.dumps({"op": 6, "d": session}).decode())
        payload = orjson.loads((await ws.receive()).data)
        assert (payload["op"], payload["d"]) == (9, False)


async def test_a_resume_replays_only_what_is_kept(server, community, monkeypatch):
    """After more events than Discord keeps, a session cannot be resumed."""
    monkeypatch.setattr("bot.sandbox.discord.gateway.REPLAY_EVENTS", 3)
    async with raw(server) as ws:
        await ws.send_str(identify(server))
        ready = await event(ws, "READY")
        await ws.close(code=4000)
    session = {"token": server.token, "session_id": ready["d"]["session_id"], "seq": 2}
    for name, op in (("one", 0), ("two", 0), ("three", 0), ("four", 9)):
        community.guild.create_text_channel(name)
        if name in ("three", "four"):
            async with raw(server) as ws:
                await ws.send_str(orjson.dumps({"op": 6, "d": session}).decode())
                names = []
                while True:
                    payload = orjson.loads((await ws.receive()).data)
                    if payload["t"] in (None, "RESUMED"):
                        break
                    names.append(payload["d"]["name"])
                assert payload["op"] == op
                assert names == ([] if op else ["one", "two", "three"])
                await ws.close(code=4000)


async def test_resumed_carries_an_object(server):
    """``d`` of RESUMED is ``{}``; a client that reads null there dies."""
    async with raw(server) as ws:
        await ws.send_str(identify(server))
        ready = await event(ws, "READY")
        await ws.close(code=4000)
    session = {"token": server.token, "session_id": ready["d"]["session_id"], "seq": ready["s"]}
    async with raw(server) as ws:
        await ws.send_str(orjson.dumps({"op": 6, "d": session}).decode())
        resumed = await event(ws, "RESUMED")
        assert resumed["d"] == {}
        assert resumed["s"] == ready["s"] + 1


async def test_identifying_too_fast_is_refused_when_enforced(server):
    """One identify per five seconds and bucket of ``max_concurrency``."""
    server.gateway.enforce_identify_limit = True
    async with raw(server) as first, raw(server) as second:
        await first.send_str(identify(server, shard=[0, 2]))
        await event(first, "READY")
        await second.send_str(identify(server, shard=[1, 2]))
        assert orjson.loads((await second.receive()).data)["op"] == 9
        server.clock.advance(5)
        await second.send_str(identify(server, shard=[1, 2]))
        await event(second, "READY")


async def test_events_may_come_twice_or_not_at_all(server, ask, run, new_bot):
    """A replayed interaction meets 40060; a dropped one is never heard of."""
    await run(answering(new_bot))
    await (await ask()).answered()
    server.gateway.replay_last_interaction()
    await server.wait_for(lambda: [r.code for r in server.requests if r.code] == [40060])
    server.gateway.drop_interactions(1)
    lost = await ask()
    assert (await (await ask()).answered()).text == "pong"
    assert lost.kind is None


async def test_heartbeats_are_acknowledged_unless_told_otherwise(server):
    """Op 11 for every op 1."""
    async with raw(server) as ws:
        await ws.send_str('{"op":1,"d":null}')
        assert orjson.loads((await ws.receive()).data)["op"] == 11
        server.gateway.ack_heartbeats = False
        await ws.send_str('{"op":1,"d":null}')
        with pytest.raises(asyncio.TimeoutError):
            await ws.receive(timeout=0.05)
        assert server.gateway.heartbeats == 2


async def test_without_compression_events_are_text(server):
    """The query decides; a client that asks for nothing gets readable frames."""
    async with raw(server) as ws:
        await ws.send_str(identify(server))
        message = await ws.receive()
        assert message.type is aiohttp.WSMsgType.TEXT


async def test_the_world_tells_the_bot_of_its_changes(server, community, run, new_bot):
    """Channels, threads, roles and the bot's own coming and going reach its cache."""
    bot = await run(new_bot())
    guild = bot.get_guild(community.guild.id)
    channel = community.guild.create_text_channel("new", nsfw=True)
    thread = channel.create_thread("deep", owner=community.alice)
    role = community.guild.create_role("VIP", Permission.MANAGE_MESSAGES)
    await server.wait_for(lambda: guild.get_role(role.id))
    assert guild.get_channel(channel.id).nsfw
    assert guild.get_thread(thread.id).owner_id == community.alice.id
    thread.archive()
    await server.wait_for(lambda: guild.get_thread(thread.id) is None)
    channel.set_overwrite(community.guild.bot_role, deny=Permission.SEND_MESSAGES)
    await server.wait_for(
        lambda: not guild.get_channel(channel.id).permissions_for(guild.me).send_messages
    )
    channel.delete()
    await server.wait_for(lambda: guild.get_channel(channel.id) is None)
    community.guild.set_available(False)
    await server.wait_for(lambda: guild.unavailable)
    community.guild.set_available(True)
    await server.wait_for(lambda: not bot.get_guild(community.guild.id).unavailable)
    late = server.world.create_guild("Late")
    await server.wait_for(lambda: bot.get_guild(late.id))
    late.remove_bot()
    await server.wait_for(lambda: bot.get_guild(late.id) is None)


async def test_messages_come_only_to_those_who_ask(server, community, run, new_bot):
    """Without the intent none; with it without content, unless the message is the bot's own."""
    intents = discord.Intents(guilds=True, guild_messages=True)
    heard = []
    bot = new_bot(intents)

    async def on_message(message: discord.Message) -> None:
        heard.append((message.author.name, message.content))

    bot.on_message = on_message
    await run(bot)
    community.channel.post(community.alice, "a secret")
    community.channel.post(community.alice, f"hello {server.bot_user.mention}")
    await bot.get_partial_messageable(community.channel.id).send("mine")
    await server.wait_for(lambda: len(heard) == 3)
    assert heard[0] == ("alice", "")
    assert heard[1][1].startswith("hello")
    assert heard[2] == ("pika", "mine")
    hidden = community.guild.create_text_channel("hidden")
    hidden.set_overwrite(community.guild.everyone, deny=Permission.VIEW_CHANNEL)
    hidden.set_overwrite(community.guild.bot_role, deny=Permission.VIEW_CHANNEL)
    hidden.post(community.guild.owner, "not for the bot")
    community.channel.post(community.alice, "again")
    await server.wait_for(lambda: len(heard) == 4)
    assert heard[3] == ("alice", "")


async def test_member_chunks(server, community, run, new_bot):
    """With the members intent granted, op 8 is answered and the cache is complete."""
    server.gateway.privileged_intents |= 2
    bot = await run(new_bot(discord.Intents(guilds=True, members=True)))
    guild = bot.get_guild(community.guild.id)
    assert {m.name for m in guild.members} == {"pika", "alpha-owner", "alice", "mod"}
    carol = community.guild.join(server.world.create_user("carol"))
    await server.wait_for(lambda: guild.get_member(carol.id))
    community.guild.kick(carol)
    await server.wait_for(lambda: guild.get_member(carol.id) is None)
