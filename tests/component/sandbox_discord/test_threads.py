"""Threads: archived, locked, private, deleted; posts of forums (Discord docs, topics/threads)."""

from __future__ import annotations

import pytest

from bot.sandbox.discord import Permission


async def test_sending_opens_an_archived_thread(community, rest):
    """It is un-archived by the message itself."""
    community.thread.archive()
    assert (await rest.say(community.thread, "x"))[0] == 200
    assert not community.thread.archived


async def test_a_locked_thread_takes_only_moderators_messages(community, rest):
    """400/160005 without MANAGE_THREADS, archived or not."""
    community.thread.lock()
    community.thread.archive()
    status, body = await rest.say(community.thread, "x")
    assert (status, body["code"]) == (400, 160005)
    assert community.thread.archived
    community.guild.bot_role.grant(Permission.MANAGE_THREADS)
    assert (await rest.say(community.thread, "x"))[0] == 200


async def test_messages_of_an_archived_thread_cannot_be_changed(community, rest, asked):
    """Editing and deleting: 400/50083, by the bot's token and by the interaction's."""
    _, sent = await rest.say(community.thread, "x")
    invocation = await asked()
    await rest.answer(invocation, 4, {"content": "y"})
    community.thread.archive()
    path = f"/channels/{community.thread.id}/messages/{sent['id']}"
    assert (await rest("PATCH", path, {"content": "z"}))[1]["code"] == 50083
    assert (await rest("DELETE", path))[1]["code"] == 50083
    edit = await rest.hook("PATCH", invocation, "/messages/@original", {"content": "z"})
    assert (edit[0], edit[1]["code"]) == (400, 50083)


async def test_changing_threads(server, community, rest):
    """Opening takes the right to send; locking and others' threads take MANAGE_THREADS."""
    path = f"/channels/{community.thread.id}"
    community.thread.archive()
    assert (await rest("PATCH", path, {"name": "new"}))[1]["code"] == 50083
    status, body = await rest("PATCH", path, {"archived": False})
    assert (status, body["thread_metadata"]["archived"]) == (200, False)
    assert (await rest("PATCH", path, {"locked": True}))[1]["code"] == 50013
    assert (await rest("PATCH", path, {"name": "new"}))[1]["code"] == 50013
    community.guild.bot_role.grant(Permission.MANAGE_THREADS)
    status, body = await rest("PATCH", path, {"locked": True, "name": "new", "archived": True})
    assert (status, body["name"]) == (200, "new")
    assert community.thread.locked
    community.guild.bot_role.revoke(Permission.MANAGE_THREADS)
    assert (await rest("PATCH", path, {"archived": False}))[1]["code"] == 160005
    for wrong in ({"auto_archive_duration": 7}, {"name": "x" * 101}):
        assert (await rest("PATCH", path, wrong))[1]["code"] == 50035
    server.violations.clear()


async def test_deleting_threads_and_channels(community, rest):
    """Takes rights; afterwards the channel and its messages are unknown."""
    thread, channel = community.thread, community.channel
    assert (await rest("DELETE", f"/channels/{thread.id}"))[1]["code"] == 50013
    community.guild.bot_role.grant(Permission.MANAGE_THREADS | Permission.MANAGE_CHANNELS)
    assert (await rest("DELETE", f"/channels/{thread.id}"))[0] == 200
    assert (await rest.say(thread, "x"))[1]["code"] == 10003
    other = channel.create_thread("other", owner=community.alice)
    assert (await rest("DELETE", f"/channels/{channel.id}"))[0] == 200
    assert (await rest.say(other, "x"))[1]["code"] == 10003


async def test_starting_threads(server, community, rest):
    """From a message (once), without one, private; each takes its own right."""
    base = f"/channels/{community.channel.id}"
    message = community.channel.post(community.alice, "talk")
    status, thread = await rest("POST", f"{base}/messages/{message.id}/threads", {"name": "t"})
    assert (status, thread["id"]) == (201, str(message.id))
    again = await rest("POST", f"{base}/messages/{message.id}/threads", {"name": "t"})
    assert (again[0], again[1]["code"]) == (400, 160004)
    _, seen = await rest("GET", f"{base}/messages/{message.id}")
    assert seen["thread"]["id"] == str(message.id)
    assert seen["flags"] & 32
    status, body = await rest("POST", f"{base}/threads", {"name": "public", "type": 11})
    assert status == 201
    assert community.channel.messages[-1].type == 18
    status, body = await rest("POST", f"{base}/threads", {"name": "private"})
    assert (status, body["type"]) == (201, 12)
    assert body["thread_metadata"]["invitable"] is True
    community.channel.set_overwrite(
        community.guild.bot,
        deny=Permission.CREATE_PUBLIC_THREADS | Permission.CREATE_PRIVATE_THREADS,
    )
    for kind in (11, 12):
        status, body = await rest("POST", f"{base}/threads", {"name": "x", "type": kind})
        assert (status, body["code"]) == (403, 50013)


async def test_forums(community, rest):
    """A post needs its first message; a forum takes no messages itself."""
    forum = community.guild.create_forum("ideas")
    path = f"/channels/{forum.id}/threads"
    status, body = await rest("POST", path, {"name": "idea", "message": {"content": "what if"}})
    assert (status, body["message"]["id"]) == (201, body["id"])
    form = {"name": "video", "message": {"content": "see"}}
    status, body = await rest("POST", path, form, files={"a.mp4": b"1"})
    assert (status, body["message"]["attachments"][0]["filename"]) == (201, "a.mp4")
    assert (await rest.say(forum, "x"))[1]["code"] == 50008
    post = forum.create_post("mine", owner=community.alice)
    assert post.messages[0].id == post.id
    assert (await rest.say(post, "answer"))[0] == 200


async def test_members_of_threads(community, rest):
    """Joining, adding, leaving and listing."""
    path = f"/channels/{community.thread.id}/thread-members"
    assert (await rest("PUT", f"{path}/@me"))[0] == 204
    assert (await rest("PUT", f"{path}/{community.mod.id}"))[0] == 204
    assert {m["user_id"] for m in (await rest("GET", path))[1]} == {
        str(community.alice.id),
        str(community.mod.id),
        str(community.guild.bot.id),
    }
    assert (await rest("DELETE", f"{path}/{community.mod.id}"))[1]["code"] == 50013
    assert (await rest("DELETE", f"{path}/@me"))[0] == 204
    assert (await rest("GET", f"{path}/{community.guild.bot.id}"))[1]["code"] == 10007
    community.thread.archive()
    assert (await rest("PUT", f"{path}/@me"))[1]["code"] == 50083


async def test_lists_of_threads(community, rest):
    """Active ones by server, archived ones by channel and kind, as far as the bot sees them."""
    secret = community.channel.create_thread("secret", owner=community.alice, private=True)
    active = f"/guilds/{community.guild.id}/threads/active"
    names = [t["name"] for t in (await rest("GET", active))[1]["threads"]]
    assert names == ["clips"]
    community.thread.archive()
    secret.archive()
    base = f"/channels/{community.channel.id}"
    _, body = await rest("GET", f"{base}/threads/archived/public")
    assert [t["name"] for t in body["threads"]] == ["clips"]
    assert (await rest("GET", f"{base}/threads/archived/private"))[1]["code"] == 50013
    _, body = await rest("GET", f"{base}/users/@me/threads/archived/private")
    assert body == {"threads": [], "members": [], "has_more": False}


async def test_commands_in_locked_and_archived_threads(server, community, rest, asked):
    """An answer into a thread that was locked meanwhile is refused like any message."""
    invocation = await asked()
    community.thread.update(archived=True, locked=True)
    status, body = await rest.answer(invocation, 4, {"content": "x"})
    assert (status, body["code"]) == (400, 160005)


async def test_the_world_can_change_threads_too(community):
    """archive, unarchive, lock, unlock and delete do what they say."""
    thread = community.thread
    thread.archive()
    thread.lock()
    assert (thread.archived, thread.locked) == (True, True)
    thread.unarchive()
    thread.unlock()
    assert (thread.archived, thread.locked) == (False, False)
    thread.delete()
    assert thread.deleted
    with pytest.raises(KeyError):
        community.guild.threads[thread.id]
