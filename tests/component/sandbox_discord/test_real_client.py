"""What a real discord.py client does, all of it against the embedded Discord."""

from __future__ import annotations

import io
import re

import discord
import pytest
from discord import app_commands

from bot.sandbox.discord import ClientRefused, DidNotRespond, Upload


async def test_login_sync_and_ready(server, community, run, new_bot):
    """A client logs in, registers its commands and knows the server it is in."""
    bot = new_bot()

    @bot.tree.command(description="Make a video")
    async def create(interaction: discord.Interaction, prompt: str) -> None:
        await interaction.response.send_message(prompt)

    await run(bot)
    await server.connected(1)
    await server.commands_registered(1)
    assert bot.user.id == server.application_id == server.bot_user.id
    guild = bot.get_guild(community.guild.id)
    assert guild.me.id == bot.user.id
    assert guild.get_thread(community.thread.id).parent.name == "general"
    assert guild.get_channel(community.channel.id).permissions_for(guild.me).send_messages
    assert [c["name"] for c in server.commands.all(None)] == ["create"]


async def test_slash_command_with_attachment_and_follow_ups(server, community, run, new_bot):
    """Options arrive typed, the picture can be downloaded, answers land where they belong."""
    bot = new_bot()
    seen = {}

    @bot.tree.command(description="Make a video")
    @app_commands.choices(mode=[app_commands.Choice(name="Fast", value="f")])
    async def create(
        interaction: discord.Interaction,
        prompt: app_commands.Range[str, 1, 50],
        image: discord.Attachment | None = None,
        mode: app_commands.Choice[str] | None = None,
        seed: app_commands.Range[int, 0, 9] | None = None,
        member: discord.Member | None = None,
        place: discord.TextChannel | None = None,
    ) -> None:
        await interaction.response.defer()
        seen.update(data=await image.read(), mode=mode.value, seed=seed)
        seen.update(member=member.display_name, place=place.name, size=(image.width, image.height))
        seen.update(limit=interaction.filesize_limit, perms=interaction.app_permissions)
        seen.update(channel=interaction.channel, where=interaction.channel.parent.name)
        await interaction.edit_original_response(content=f"Making {prompt}")
        await interaction.followup.send("just for you", ephemeral=True)

    await run(bot)
    png = b"\x89PNG\r\n\x1a\n" + b"\0\0\0\rIHDR" + (64).to_bytes(4) + (48).to_bytes(4) + b"rest"
    invocation = await server.invoke(
        community.alice,
        community.thread,
        "create",
        prompt="a fox",
        image=Upload("my fox.png", "image/png", png),
        mode="Fast",
        seed=7,
        member=community.mod,
        place=community.channel,
    )
    await invocation.acknowledged()
    assert invocation.kind == "deferred"
    assert 0 < invocation.ack_seconds < 3
    message = await invocation.answered()
    assert message.text == "Making a fox"
    await server.wait_for(lambda: invocation.followups)
    assert invocation.followups[0].ephemeral_to is community.alice.user
    assert seen["data"] == png
    assert (seen["mode"], seen["seed"], seen["member"]) == ("f", 7, "Mod")
    assert (seen["place"], seen["where"], seen["size"]) == ("general", "general", (64, 48))
    assert isinstance(seen["channel"], discord.Thread)
    assert seen["limit"] == 20 * 1024 * 1024
    assert seen["perms"].send_messages_in_threads
    assert not seen["perms"].manage_messages


async def test_layout_view_with_file_and_button(server, community, run, new_bot):
    """Components V2: text, a gallery showing the upload, a section with a button that works."""
    bot = new_bot()

    class Card(discord.ui.LayoutView):
        def __init__(self) -> None:
            super().__init__(timeout=None)
            button = discord.ui.Button(label="Redo", custom_id="redo")
            button.callback = self.redo
            box = discord.ui.Container(accent_colour=0x123456)
            box.add_item(discord.ui.TextDisplay("# Your video"))
            box.add_item(discord.ui.Section("by Alice", accessory=button))
            box.add_item(discord.ui.Separator())
            gallery = discord.ui.MediaGallery()
            gallery.add_item(media="attachment://fox.mp4", description="a fox")
            box.add_item(gallery)
            box.add_item(discord.ui.File("attachment://fox.mp4"))
            self.add_item(box)

        async def redo(self, interaction: discord.Interaction) -> None:
            await interaction.response.send_message("again", ephemeral=True)

    @bot.tree.command(description="Show a card")
    async def card(interaction: discord.Interaction) -> None:
        video = discord.File(io.BytesIO(b"video"), "fox.mp4")
        await interaction.response.send_message(view=Card(), file=video)

    await run(bot)
    invocation = await server.invoke(community.alice, community.thread, "card")
    message = (await invocation.acknowledged()).message
    assert message.text == "# Your video\nby Alice"
    assert [b.label for b in message.buttons] == ["Redo"]
    assert message.attachments[0].read() == b"video"
    assert message.attachments[0].content_type == "video/mp4"
    press = await server.press(community.alice, message, label="Redo")
    assert (await press.answered()).text == "again"
    assert press.ephemeral


async def test_dynamic_button_survives_a_restart(server, community, run, new_bot):
    """A fresh process answers a press on an old message by the pattern of its custom id."""

    class Redo(discord.ui.DynamicItem[discord.ui.Button], template=r"redo:(?P<job>\d+)"):
        def __init__(self, job: int) -> None:
            self.job = job
            super().__init__(discord.ui.Button(label="Redo", custom_id=f"redo:{job}"))

        @classmethod
        async def from_custom_id(
            cls, interaction: discord.Interaction, item: object, match: re.Match[str], /
        ) -> Redo:
            return cls(int(match["job"]))

        async def callback(self, interaction: discord.Interaction) -> None:
            await interaction.response.send_message(f"job {self.job} again")

    first = await run(new_bot())
    view = discord.ui.View(timeout=None)
    view.add_item(Redo(42))
    await first.get_partial_messageable(community.thread.id).send("done", view=view)
    (old,) = community.thread.messages
    await first.close()

    second = new_bot()
    second.add_dynamic_items(Redo)
    await run(second)
    press = await server.press(community.alice, old, custom_id="redo:42")
    assert (await press.answered()).text == "job 42 again"


async def test_modal_with_every_kind_of_field(server, community, run, new_bot):
    """A form is opened, filled in, checked as the client checks it, and submitted."""
    bot = new_bot()
    got = {}

    class Edit(discord.ui.Modal, title="Edit"):
        prompt = discord.ui.Label(
            text="Prompt",
            component=discord.ui.TextInput(custom_id="prompt", min_length=3, max_length=10),
        )
        mode = discord.ui.Label(
            text="Mode",
            component=discord.ui.Select(
                custom_id="mode",
                options=[discord.SelectOption(label=x, value=x) for x in ("slow", "fast")],
            ),
        )
        member = discord.ui.Label(
            text="For", component=discord.ui.UserSelect(custom_id="member", required=False)
        )
        files = discord.ui.Label(
            text="Picture", component=discord.ui.FileUpload(custom_id="files", required=False)
        )

        async def on_submit(self, interaction: discord.Interaction) -> None:
            got["prompt"] = self.prompt.component.value
            got["mode"] = self.mode.component.values
            got["member"] = [str(m) for m in self.member.component.values]
            got["files"] = [await a.read() for a in self.files.component.values]
            await interaction.response.send_message("saved", ephemeral=True)

    @bot.tree.command(description="Edit")
    async def edit(interaction: discord.Interaction) -> None:
        await interaction.response.send_modal(Edit())

    await run(bot)
    opened = await server.invoke(community.alice, community.thread, "edit")
    await opened.acknowledged()
    assert opened.kind == "modal"
    assert opened.modal["title"] == "Edit"
    for wrong in ({"prompt": "ab", "mode": ["fast"]}, {"prompt": "a fox"}, {"nope": 1}):
        with pytest.raises(ClientRefused):
            await server.submit_modal(community.alice, opened, wrong)
    with pytest.raises(ClientRefused, match="somebody else"):
        await server.submit_modal(community.mod, opened, {})
    sent = await server.submit_modal(
        community.alice,
        opened,
        {
            "prompt": "a fox",
            "mode": ["fast"],
            "member": [community.mod],
            "files": [Upload("a.png", "image/png", b"123")],
        },
    )
    assert (await sent.answered()).text == "saved"
    assert got == {"prompt": "a fox", "mode": ["fast"], "member": ["mod"], "files": [b"123"]}


async def test_autocomplete_suggests_and_does_not_restrict(server, community, run, new_bot):
    """Suggestions follow what is typed; any value may be submitted all the same."""
    bot = new_bot()

    @bot.tree.command(description="Show")
    async def show(interaction: discord.Interaction, job: str) -> None:
        await interaction.response.send_message(f"job {job}")

    @show.autocomplete("job")
    async def suggest(interaction: discord.Interaction, current: str) -> list[app_commands.Choice]:
        return [app_commands.Choice(name=f"Job {n}", value=n) for n in ("4", "42") if current in n]

    await run(bot)
    typing = await server.autocomplete(
        community.alice, community.channel, "show", focused="job", value="42"
    )
    await typing.acknowledged()
    assert typing.kind == "autocomplete"
    assert typing.choices == [{"name": "Job 42", "value": "42"}]
    invocation = await server.invoke(community.alice, community.channel, "show", job="7")
    assert (await invocation.answered()).text == "job 7"


async def test_message_menu_user_menu_and_select(server, community, run, new_bot):
    """Context menus get their target resolved; a select menu gets what was chosen."""
    bot = new_bot()

    @bot.tree.context_menu(name="Redo this")
    async def redo(interaction: discord.Interaction, message: discord.Message) -> None:
        view = discord.ui.View()
        pick = discord.ui.Select(
            custom_id="pick",
            max_values=2,
            options=[discord.SelectOption(label=x) for x in "abc"],
        )

        async def chosen(second: discord.Interaction) -> None:
            await second.response.edit_message(content=f"chose {pick.values}", view=None)

        pick.callback = chosen
        view.add_item(pick)
        await interaction.response.send_message(f"redo {message.content}", view=view)

    @bot.tree.context_menu(name="Who")
    async def who(interaction: discord.Interaction, member: discord.Member) -> None:
        await interaction.response.send_message(member.name)

    await run(bot)
    target = community.channel.post(community.alice, "my video")
    invocation = await server.message_menu(community.alice, "Redo this", target)
    message = await invocation.answered()
    assert message.text == "redo my video"
    with pytest.raises(ClientRefused, match="no option"):
        await server.select(community.alice, message, "pick", ["z"])
    with pytest.raises(ClientRefused, match="choose 1 to 2"):
        await server.select(community.alice, message, "pick", ["a", "b", "c"])
    await (await server.select(community.alice, message, "pick", ["a", "c"])).acknowledged()
    assert message.text == "chose ['a', 'c']"
    menu = await server.user_menu(community.alice, community.channel, "Who", community.mod)
    assert (await menu.answered()).text == "mod"


async def test_sending_twice_with_one_nonce_posts_once(server, community, run, new_bot):
    """``send(nonce=…)`` after a lost answer gives the message of the first time."""
    bot = await run(new_bot())
    thread = bot.get_partial_messageable(community.thread.id, guild_id=community.guild.id)
    first = await thread.send("video", nonce="v1", file=discord.File(io.BytesIO(b"x"), "a.mp4"))
    second = await thread.send("video", nonce="v1", file=discord.File(io.BytesIO(b"x"), "a.mp4"))
    assert first.id == second.id
    (message,) = community.thread.messages
    assert (message.nonce, message.attachments[0].read()) == ("v1", b"x")


async def test_reply_pings_only_whom_it_may(server, community, run, new_bot):
    """The requester alone is notified, whatever the prompt says."""
    bot = await run(new_bot())
    request = community.thread.post(community.alice, "please")
    thread = bot.get_partial_messageable(community.thread.id, guild_id=community.guild.id)
    await thread.send(
        f"{community.alice.mention} asked for @everyone {community.mod.mention}",
        reference=discord.MessageReference(
            message_id=request.id, channel_id=community.thread.id, fail_if_not_exists=False
        ),
        allowed_mentions=discord.AllowedMentions(
            everyone=False, roles=False, users=[discord.Object(community.alice.id)]
        ),
        mention_author=False,
    )
    message = community.thread.messages[-1]
    assert message.mentions == [community.alice.user]
    assert not message.mention_everyone
    assert message.reference["message_id"] == str(request.id)


async def test_direct_messages(server, community, run, new_bot):
    """A member can be written to until they close their direct messages (403/50007)."""
    bot = await run(new_bot())
    user = await bot.fetch_user(community.alice.id)
    await user.send("your video")
    assert [m.text for m in community.alice.user.dm.messages] == ["your video"]
    community.alice.user.dms_open = False
    with pytest.raises(discord.Forbidden) as refused:
        await user.send("and another")
    assert refused.value.code == 50007


async def test_fetching_and_editing_what_is_there(server, community, run, new_bot):
    """The REST calls a bot needs after a restart, each with a real client's parser."""
    bot = await run(new_bot())
    channel = await bot.fetch_channel(community.channel.id)
    sent = await channel.send("one", embed=discord.Embed(title="T", description="D"))
    assert (await channel.fetch_message(sent.id)).embeds[0].title == "T"
    await sent.edit(content="two", embed=None)
    assert [m.content async for m in channel.history(limit=5)] == ["two"]
    thread = await sent.create_thread(name="talk")
    assert thread.id == sent.id
    await thread.send("hello")
    await thread.edit(archived=True)
    assert [t.id async for t in channel.archived_threads()] == [thread.id]
    assert (await bot.fetch_guild(community.guild.id)).name == "Alpha"
    assert (await bot.get_guild(community.guild.id).fetch_member(community.mod.id)).name == "mod"
    assert len(await bot.get_guild(community.guild.id).fetch_roles()) == 3
    async with channel.typing():
        await sent.delete()
    assert community.channel.messages == []
    assert (await bot.application_info()).owner.name == "operator"
    forum = community.guild.create_forum("ideas")
    place = await bot.fetch_channel(forum.id)
    post = await place.create_thread(name="idea", content="what if")
    assert post.message.content == "what if"


async def test_an_unknown_button_stays_unanswered(server, community, run, new_bot):
    """A press nobody handles shows the person that the application did not respond."""
    bot = await run(new_bot())
    view = discord.ui.View(timeout=None)
    view.add_item(discord.ui.Button(label="Old", custom_id="from-another-age"))
    await bot.get_partial_messageable(community.channel.id).send("x", view=view)
    bot._connection._view_store._views.clear()
    (message,) = community.channel.messages
    press = await server.press(community.alice, message, label="Old")
    server.clock.advance(3.1)
    with pytest.raises(DidNotRespond):
        await press.acknowledged()
