"""The two drawers: what they cause really happens, shows as in force, and can be undone."""

from __future__ import annotations

import aiohttp
import pytest

from bot.sandbox.discord import Permission
from bot.sandbox.web.backstage import TOOLS


async def submit(stage, http, prompt="a fox", **fields):
    """A submission to the embedded Pika, as the bot sends it; status and body."""
    headers = {"Authorization": f"Bearer {stage.pika.token}"}
    form = aiohttp.FormData({"prompt": prompt, **fields}, default_to_multipart=True)
    url = f"{stage.pika.api_url}/create"
    async with http.post(url, data=form, headers=headers) as response:
        return response.status, await response.json()


@pytest.mark.parametrize("name", sorted(TOOLS))
async def test_every_tool_works_as_offered_and_leaves_no_trace(stage, open_page, name):
    """With what its fields offer first, or says why not; undone, the servers are as before."""
    page = await open_page(stage.mo)
    places = {"thread": stage.thread, "channel": stage.channel, "guild": stage.guild}
    tool = page.state[f"tool:{name}"]
    fields = {
        one["name"]: str(places[one["kind"]].id) for one in tool["fields"] if one["kind"] in places
    }
    answer = await page.answer("tool", tool=name, fields=fields)
    if "error" in answer:
        assert answer["error"] == tool["why_not"] or name in {"discord_gateway", "discord_replay"}
        return
    assert answer["ok"]["said"].endswith(".")
    for fault in page.all("fault"):
        assert fault["tool"] == name
        assert "Undone" in (await page.ask("undo", fault=fault["id"]))["said"]
    assert page.all("fault") == []
    assert not stage.discord.faults.pending
    assert stage.pika.up
    assert not stage.pika.scripts


async def test_jobs_show_their_progress_and_where_their_video_is(stage, open_page, http, bot):
    """From accepted to posted; the place is found by the bytes."""
    page = await open_page()
    stage.pika.pause()
    await submit(stage, http)
    job = (await page.until(lambda: page.all("job")))[0]
    assert (job["prompt"], job["status"], job["can"]) == ("a fox", "started", ["finish", "fail"])
    await page.ask("finish_job", job=job["id"])
    await page.until(lambda: page.all("job")[0]["status"] == "completed")
    made = stage.pika.jobs[job["id"]]
    assert made.video is not None
    await bot.post(stage.channel, "here", "fox.mp4", made.video.read_bytes())
    await page.until(lambda: page.all("job")[0]["posted"])
    posted = page.all("job")[0]["posted"]
    message = stage.channel.messages[-1]
    assert posted == [{"channel": str(stage.channel.id), "message": str(message.id)}]
    assert "not run" in await page.refused("finish_job", job=job["id"])
    assert "not run" in await page.refused("fail_job", job="nothing")


async def test_the_next_job_is_moderated_once(stage, open_page, http):
    """Ordered for two, it counts down and ends by itself."""
    page = await open_page()
    fields = {"when": "submit", "times": 2}
    await page.ask("tool", tool="pika_moderated", fields=fields)
    assert page.all("fault")[0]["left"] == 2
    assert page.state["pika"]["next"] == ["moderated", "moderated"]
    assert (await submit(stage, http))[0] == 422
    await page.until(lambda: page.all("fault")[0]["left"] == 1)
    assert page.all("fault")[0]["used"] == 1
    assert (await submit(stage, http))[0] == 422
    await page.until(lambda: page.all("fault") == [])
    assert (await submit(stage, http))[0] == 200


async def test_the_api_goes_down_and_comes_back(stage, open_page, http):
    """Nothing listens, then it does, at the same address."""
    page = await open_page()
    await page.ask("tool", tool="pika_down", fields={})
    assert page.state["pika"]["up"] is False
    with pytest.raises(aiohttp.ClientConnectionError):
        await submit(stage, http)
    assert "down" in await page.refused("tool", tool="pika_down", fields={})
    await page.ask("undo", fault=page.all("fault")[0]["id"])
    assert page.state["pika"]["up"]
    assert (await submit(stage, http))[0] == 200


async def test_a_callback_is_lost(stage, open_page, http):
    """The job shows it."""
    page = await open_page()
    await page.ask("tool", tool="pika_callback", fields={"how": "lost"})
    await submit(stage, http, replyUrl="http://127.0.0.1:9/callbacks/x")
    await page.until(lambda: page.all("job") and page.all("job")[0]["callbacks"])
    called = page.all("job")[0]["callbacks"][0]
    assert (called["status"], called["error"]) == (None, "lost on order")


async def test_discord_fails_the_next_posts_only(stage, open_page, http):
    """The routes that were chosen, as often as was chosen."""
    page = await open_page()
    fields = {"status": "503", "what": "post", "times": 1}
    said = await page.ask("tool", tool="discord_5xx", fields=fields)
    assert said == {"said": "Discord answers 503 to the next message posted."}
    headers = {"Authorization": stage.discord.authorization}
    url = f"{stage.discord.api_url}/channels/{stage.channel.id}"
    async with http.get(url, headers=headers) as response:
        assert response.status == 200
    statuses = []
    for _ in range(2):
        body = {"content": "hi"}
        async with http.post(f"{url}/messages", json=body, headers=headers) as response:
            statuses.append(response.status)
    assert statuses == [503, 200]
    await page.until(lambda: page.all("fault") == [])


async def test_a_lost_permission_is_given_back(stage, open_page):
    """Only what was taken; what the channel had denied before stays denied."""
    page = await open_page()
    bot = stage.guild.bot
    stage.channel.set_overwrite(bot, deny=Permission.ATTACH_FILES)
    fields = {"channel": str(stage.thread.id), "right": "send"}
    await page.ask("tool", tool="place_right", fields=fields)
    assert not bot.can(Permission.SEND_MESSAGES, stage.channel)
    assert "as it is" in await page.refused("tool", tool="place_right", fields=fields)
    await page.ask("undo", fault=page.all("fault")[0]["id"])
    assert bot.can(Permission.SEND_MESSAGES, stage.channel)
    assert not bot.can(Permission.ATTACH_FILES, stage.channel)


async def test_leaving_and_coming_back(stage, open_page):
    """With the same roles, and on the same day as the first time."""
    page = await open_page(stage.mo)
    joined = stage.mo.joined_at
    await page.ask("tool", tool="place_leave", fields={"guild": str(stage.guild.id)})
    assert page.all("guild") == []
    await page.ask("undo", fault=page.all("fault")[0]["id"])
    again = stage.guild.members[stage.mo.id]
    assert again.joined_at == joined
    assert page.state[f"standing:{stage.guild.id}"]["moderator"]


async def test_roles_are_taken_and_given_back(stage, open_page):
    """Those that the person has, in that server; given back by somebody else, it is over."""
    page = await open_page(stage.mo)
    before = stage.mo.roles
    fields = {"guild": str(stage.guild.id)}
    said = await page.ask("tool", tool="place_roles", fields=fields)
    assert said == {"said": "Mo has no roles in Film club."}
    assert not page.state[f"standing:{stage.guild.id}"]["moderator"]
    assert "no roles" in await page.refused("tool", tool="place_roles", fields=fields)
    await page.ask("undo", fault=page.all("fault")[0]["id"])
    assert stage.mo.roles == before
    await page.ask("tool", tool="place_roles", fields=fields)
    stage.mo.add_role(before[0])
    await page.until(lambda: page.all("fault") == [])


async def test_the_bot_is_killed_and_started(stage, open_page):
    """What can be done follows its state; an end of its own shows the log."""
    page = await open_page()
    assert page.state["bot"]["can"] == ["stop", "kill", "restart"]
    await page.ask("tool", tool="bot_kill", fields={})
    assert (page.state["bot"]["state"], page.state["bot"]["exit_code"]) == ("stopped", -9)
    assert page.state["bot"]["can"] == ["start"]
    assert "does not run" in await page.refused("tool", tool="bot_kill", fields={})
    await page.ask("tool", tool="bot_start", fields={})
    assert (page.state["bot"]["state"], page.state["bot"]["starts"]) == ("starting", 2)
    stage.control.die()
    await page.until(lambda: page.state["bot"]["state"] == "failed")
    assert page.state["bot"]["log"] == ["first", "last"]


@pytest.mark.parametrize(
    ("tool", "fields"),
    [
        ("nothing", {}),
        ("discord_5xx", {"times": 0}),
        ("discord_5xx", {"times": 1.5}),
        ("discord_5xx", {"times": "3"}),
        ("discord_5xx", {"times": True}),
        ("discord_5xx", {"status": "200"}),
        ("discord_5xx", {"status": 503}),
        ("discord_5xx", {"other": 1}),
        ("discord_5xx", []),
        ("place_thread", {"thread": "1", "how": "archive"}),
        ("place_thread", {"how": "archive"}),
        ("place_right", {"channel": "x", "right": "send"}),
        ("place_remove", {"guild": "999"}),
        (None, {}),
    ],
)
async def test_unfit_fields_are_refused_in_words(stage, open_page, tool, fields):
    """Nothing happens then."""
    page = await open_page()
    await page.refused("tool", tool=tool, fields=fields)
    assert page.all("fault") == []
    assert "over" in await page.refused("undo", fault="1")
