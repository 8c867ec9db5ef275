"""What people do without the bot: write, delete, threads, each as Discord allows it."""

from __future__ import annotations

from bot.sandbox.discord import Permission


async def test_writing_with_files_and_replies(stage, open_page, upload, png):
    """A message of one's own; its picture is served by the page itself."""
    page = await open_page(stage.alice)
    place = str(stage.channel.id)
    first = await page.ask("post", channel=place, content="hello")
    file = await upload("cat.png", png, "image/png")
    second = await page.ask(
        "post", channel=place, content="", files=[file["file"]], reply_to=first["message"]
    )
    message = page.state[f"message:{place}:{second['message']}"]
    assert message["type"] == 19
    assert message["referenced_message"]["content"] == "hello"
    picture = message["attachments"][0]
    assert (picture["filename"], picture["width"]) == ("cat.png", 8)
    assert picture["url"].startswith("/media/")


async def test_words_for_what_cannot_be_written(stage, open_page, upload):
    """Nothing, too much, too large, no right to."""
    page = await open_page(stage.alice)
    place = str(stage.channel.id)
    assert "nothing to send" in await page.refused("post", channel=place, content="  ")
    assert "2000" in await page.refused("post", channel=place, content="x" * 2001)
    stage.discord.upload_limit = 10
    file = await upload("big.bin", b"x" * 11)
    assert "larger" in await page.refused("post", channel=place, content="", files=[file["file"]])
    stage.channel.set_overwrite(stage.guild.everyone, deny=Permission.ATTACH_FILES)
    assert "attach" in await page.refused("post", channel=place, content="", files=[file["file"]])
    stage.channel.set_overwrite(stage.guild.everyone, deny=Permission.SEND_MESSAGES)
    assert "permission" in await page.refused("post", channel=place, content="hello")
    assert "open posts" in await page.refused("post", channel=str(stage.forum.id), content="hello")


async def test_deleting_is_for_authors_and_moderators(stage, open_page):
    """One's own always, others' with the right to manage messages."""
    alice, mo = await open_page(stage.alice), await open_page(stage.mo)
    place = str(stage.channel.id)
    hers, his = stage.channel.post(stage.alice, "hers"), stage.channel.post(stage.mo, "his")
    await alice.until(lambda: len(alice.texts()) == 2)
    can = {m["content"]: m["client"]["can_delete"] for m in alice.all("message")}
    assert can == {"hers": True, "his": False}
    assert "cannot delete" in await alice.refused("delete", channel=place, message=str(his.id))
    await mo.ask("delete", channel=place, message=str(hers.id))
    await alice.until(lambda: alice.texts() == ["his"])


async def test_threads_are_started_and_posts_opened(stage, open_page):
    """In a channel, from a message, in a forum; whoever cannot is told why."""
    page = await open_page(stage.alice)
    channel, forum = str(stage.channel.id), str(stage.forum.id)
    free = await page.ask("thread", channel=channel, name="spring", content="first")
    assert page.state[f"channel:{free['channel']}"]["name"] == "spring"
    assert "first" in page.texts()
    message = stage.channel.post(stage.mo, "look")
    hung = await page.ask("thread", channel=channel, name="about it", message=str(message.id))
    assert hung["channel"] == str(message.id)
    again = {"channel": channel, "name": "again", "message": str(message.id)}
    assert "already" in await page.refused("thread", **again)
    post = await page.ask("thread", channel=forum, name="My film", content="Look!")
    assert page.state[f"channel:{post['channel']}"]["parent_id"] == forum
    assert "message" in await page.refused("thread", channel=forum, name="Empty")
    assert "name" in await page.refused("thread", channel=channel, name=" ")
    stage.channel.set_overwrite(stage.guild.everyone, deny=Permission.CREATE_PUBLIC_THREADS)
    assert "permission" in await page.refused("thread", channel=channel, name="no")


async def test_threads_are_closed_by_those_who_may(stage, open_page):
    """Owners archive, moderators lock and delete; a locked thread stays closed to others."""
    alice, mo = await open_page(stage.alice), await open_page(stage.mo)
    thread = str(stage.thread.id)
    await alice.ask("thread_state", channel=thread, archived=True)
    assert stage.thread.archived
    await alice.ask("thread_state", channel=thread, archived=False)
    assert "lock" in await alice.refused("thread_state", channel=thread, locked=True)
    assert "delete" in await alice.refused("delete_thread", channel=thread)
    await mo.ask("thread_state", channel=thread, archived=True, locked=True)
    assert "reopen" in await alice.refused("thread_state", channel=thread, archived=False)
    assert "locked" in await alice.refused("post", channel=thread, content="hello")
    await mo.ask("delete_thread", channel=thread)
    await alice.until(lambda: f"channel:{thread}" not in alice.state)
    assert "not a thread" in await mo.refused("delete_thread", channel=str(stage.channel.id))


async def test_writing_in_an_archived_thread_opens_it(stage, open_page):
    """And whoever writes joins."""
    stage.thread.archive()
    page = await open_page(stage.mo)
    await page.ask("post", channel=str(stage.thread.id), content="hello")
    assert not stage.thread.archived
    assert page.named("clips")["joined"]


async def test_direct_messages_can_be_closed(stage, open_page):
    """The bot's are then refused, as Discord does."""
    page = await open_page(stage.alice)
    await page.ask("dms", open=False)
    assert page.state["me"]["dms_open"] is False
    assert stage.alice.user.dms_open is False
    await page.ask("post", channel=page.named("pika")["id"], content="hello bot")
    assert "hello bot" in page.texts()
