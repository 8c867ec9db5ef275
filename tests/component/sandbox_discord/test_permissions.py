"""Permissions, computed and enforced as Discord does (Discord docs, topics/permissions)."""

from __future__ import annotations

import pytest

from bot.sandbox.discord import Permission


def forbid(community, bits, channel=None):
    """Take rights from the bot in a channel."""
    place = channel or community.channel
    place.set_overwrite(community.guild.bot, deny=bits)


async def test_the_order_of_overwrites(community):
    """@everyone, then roles together (allow wins over deny), then the member."""
    guild, channel = community.guild, community.channel
    red, blue = guild.create_role("red"), guild.create_role("blue")
    carol = guild.join(guild.world.create_user("carol"), roles=[red, blue])
    channel.set_overwrite(guild.everyone, deny=Permission.SEND_MESSAGES)
    assert not carol.can(Permission.SEND_MESSAGES, channel)
    channel.set_overwrite(red, allow=Permission.SEND_MESSAGES)
    channel.set_overwrite(blue, deny=Permission.SEND_MESSAGES)
    assert carol.can(Permission.SEND_MESSAGES, channel)
    channel.set_overwrite(carol, deny=Permission.SEND_MESSAGES)
    assert not carol.can(Permission.SEND_MESSAGES, channel)
    red.grant(Permission.ADMINISTRATOR)
    assert carol.can(Permission.MANAGE_GUILD, channel)
    red.revoke(Permission.ADMINISTRATOR)
    carol.remove_role(red)
    assert not carol.can(Permission.SEND_MESSAGES, channel)
    assert guild.owner.can(Permission.ADMINISTRATOR, channel)
    guild.delete_role(blue)
    assert carol.roles == []


async def test_losing_the_right_to_send_or_see_takes_others_with_it(community):
    """Without SEND_MESSAGES no files or embeds; without VIEW_CHANNEL nothing."""
    bot, channel = community.guild.bot, community.channel
    forbid(community, Permission.SEND_MESSAGES)
    assert not bot.can(Permission.ATTACH_FILES, channel)
    assert bot.can(Permission.ATTACH_FILES, community.thread)
    forbid(community, Permission.VIEW_CHANNEL)
    assert bot.permissions_in(channel) == Permission(0)


@pytest.mark.parametrize(
    ("missing", "fields", "code"),
    [
        (Permission.VIEW_CHANNEL, {}, 50001),
        (Permission.SEND_MESSAGES, {}, 50013),
        (Permission.EMBED_LINKS, {"embeds": [{"title": "x"}]}, 50013),
        (Permission.SEND_MESSAGES_IN_THREADS, {}, None),
    ],
)
async def test_sending_in_a_channel(server, community, rest, missing, fields, code):
    """50001 when the bot cannot see, 50013 when it may not; each counts as an invalid request."""
    forbid(community, missing)
    status, body = await rest.say(community.channel, "x", **fields)
    assert (status, body.get("code")) == ((403, code) if code else (200, None))
    assert server.invalid_requests == (1 if code else 0)


@pytest.mark.parametrize(
    ("missing", "code"),
    [
        (Permission.SEND_MESSAGES_IN_THREADS, 50013),
        (Permission.SEND_MESSAGES, None),
        (Permission.VIEW_CHANNEL, 50001),
    ],
)
async def test_sending_in_a_thread(community, rest, missing, code):
    """A thread has its parent's overwrites and a right of its own to send."""
    forbid(community, missing)
    _, body = await rest.say(community.thread, "x")
    assert body.get("code") == code


async def test_files_need_a_right(community, rest):
    """ATTACH_FILES, for sending and for editing."""
    path = f"/channels/{community.channel.id}/messages"
    _, sent = await rest("POST", path, {"content": "x"})
    forbid(community, Permission.ATTACH_FILES)
    status, body = await rest("POST", path, {"content": "x"}, files={"a.mp4": b"1"})
    assert (status, body["code"]) == (403, 50013)
    status, body = await rest("PATCH", f"{path}/{sent['id']}", {}, files={"a.mp4": b"1"})
    assert (status, body["code"]) == (403, 50013)


async def test_private_threads(community, rest):
    """Only members of the thread and those who manage threads see it."""
    secret = community.channel.create_thread("secret", owner=community.alice, private=True)
    assert (await rest.say(secret, "x"))[1]["code"] == 50001
    community.guild.bot_role.grant(Permission.MANAGE_THREADS)
    assert (await rest.say(secret, "x"))[0] == 200
    community.guild.bot_role.revoke(Permission.MANAGE_THREADS)
    secret.add_member(community.guild.bot)
    assert (await rest.say(secret, "x"))[0] == 200
    assert not secret.visible_to(community.mod)


async def test_answers_to_interactions_need_no_right_to_send(server, community, rest, asked):
    """A bot that may not send here still answers; its own messages are refused."""
    forbid(community, Permission.SEND_MESSAGES_IN_THREADS | Permission.VIEW_CHANNEL)
    invocation = await asked()
    status, _ = await rest.answer(invocation, 4, {"embeds": [{"title": "hi"}]})
    assert status == 200
    assert (await rest.hook("POST", invocation, json={"content": "more"}))[0] == 200
    assert (await rest.say(community.thread, "x"))[1]["code"] == 50001


async def test_a_bot_that_was_removed(community, rest):
    """50001 everywhere in the server it was removed from."""
    community.guild.remove_bot()
    for method, path in (
        ("POST", f"/channels/{community.channel.id}/messages"),
        ("GET", f"/channels/{community.channel.id}"),
        ("GET", f"/guilds/{community.guild.id}"),
    ):
        status, body = await rest(method, path, {"content": "x"} if method == "POST" else None)
        assert (status, body["code"]) == (403, 50001)
    community.guild.add_bot()
    assert (await rest("GET", f"/guilds/{community.guild.id}"))[0] == 200


async def test_what_is_unknown(community, rest):
    """10003, 10004, 10007, 10008, 10011, 10013: each thing has its own code."""
    guild, channel = community.guild.id, community.channel.id
    for path, code in (
        ("/channels/1", 10003),
        (f"/channels/{channel}/messages/1", 10008),
        ("/guilds/1", 10004),
        (f"/guilds/{guild}/members/1", 10013),
        (f"/guilds/{guild}/roles/1", 10011),
        ("/users/1", 10013),
    ):
        status, body = await rest("GET", path)
        assert (status, body["code"]) == (404, code)
    outsider = community.guild.world.create_user("outsider")
    assert (await rest("GET", f"/guilds/{guild}/members/{outsider.id}"))[1]["code"] == 10007
    status, body = await rest("GET", f"/guilds/{guild}/members")
    assert (status, body["code"]) == (403, 50001)


async def test_the_interaction_tells_both_sides_permissions(server, community, asked):
    """``app_permissions`` and ``member.permissions`` hold for the channel it came from."""
    from bot.sandbox.discord.event import build

    community.channel.set_overwrite(community.guild.bot, deny=Permission.ATTACH_FILES)
    invocation = await asked(community.mod)
    event = build(invocation, {})
    assert not int(event["app_permissions"]) & Permission.ATTACH_FILES
    assert int(event["app_permissions"]) & Permission.SEND_MESSAGES_IN_THREADS
    assert int(event["member"]["permissions"]) & Permission.MANAGE_GUILD
    boss = await asked(community.guild.owner)
    assert int(build(boss, {})["member"]["permissions"]) & Permission.ADMINISTRATOR
    assert event["channel"]["thread_metadata"]["archived"] is False
    assert event["channel"]["parent_id"] == str(community.channel.id)
    assert event["context"] == 0
    assert event["authorizing_integration_owners"] == {"0": str(community.guild.id)}
