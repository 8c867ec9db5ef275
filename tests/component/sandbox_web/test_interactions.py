"""Commands, buttons, menus and forms, from the page to the bot and back."""

from __future__ import annotations

import pytest

BUTTONS = {
    "content": "Here",
    "components": [
        {
            "type": 1,
            "components": [
                {"type": 2, "style": 1, "label": "Press", "custom_id": "press"},
                {"type": 2, "style": 5, "label": "Go", "url": "https://example.com"},
            ],
        },
        {
            "type": 1,
            "components": [
                {
                    "type": 3,
                    "custom_id": "pick",
                    "options": [{"label": "A", "value": "a"}, {"label": "B", "value": "b"}],
                }
            ],
        },
        {"type": 1, "components": [{"type": 5, "custom_id": "person"}]},
    ],
}
FORM = {
    "custom_id": "edit",
    "title": "Edit",
    "components": [
        {
            "type": 18,
            "label": "Prompt",
            "component": {"type": 4, "custom_id": "prompt", "style": 2, "value": "a fox"},
        },
        {
            "type": 18,
            "label": "Picture",
            "component": {"type": 19, "custom_id": "files", "required": False, "min_values": 0},
        },
        {"type": 18, "label": "Sure?", "component": {"type": 23, "custom_id": "sure"}},
    ],
}


@pytest.fixture
async def asked(stage, open_page):
    """Alice's page, and /create sent from it."""
    page = await open_page(stage.alice)
    done = await page.ask(
        "invoke", channel=str(stage.channel.id), command="create", options={"prompt": "a fox"}
    )
    return page, done["invocation"]


async def test_a_command_is_pending_until_it_is_answered(stage, asked, bot):
    """Sent, shown as sent, thinking, answered: each as Discord's client shows it."""
    page, number = asked
    pending = page.state[f"invocation:{number}"]
    assert (pending["state"], pending["name"]) == ("pending", "/create")
    await bot.answer(5)
    await page.until(lambda: f"invocation:{number}" not in page.state)
    message = page.all("message")[0]
    assert message["client"]["thinking"]
    assert message["client"]["invoked"] == {"user": str(stage.alice.id), "name": "/create"}
    await bot.edit({"content": "Done"})
    await page.until(lambda: "Done" in page.texts())
    assert not page.all("message")[0]["client"]["thinking"]


async def test_three_seconds_of_silence_fail_on_the_page_that_asked(stage, asked, open_page):
    """The words appear exactly when Discord would show them, for that page, until dismissed."""
    page, number = asked
    elsewhere = await open_page(stage.alice)
    stage.discord.clock.advance(2.5)
    assert page.state[f"invocation:{number}"]["state"] == "pending"
    stage.discord.clock.advance(0.5)
    await page.until(lambda: page.state[f"invocation:{number}"]["state"] == "failed")
    assert page.state[f"invocation:{number}"]["text"] == "The application did not respond"
    await page.ask("forget", invocation=number)
    assert page.all("invocation") == []
    assert elsewhere.all("invocation") == []


async def test_thinking_ends_after_fifteen_minutes(stage, asked, bot):
    """Nothing can follow then, and the page says so."""
    page, _ = asked
    await bot.answer(5)
    await page.until(lambda: page.all("message"))
    stage.discord.clock.advance(15 * 60 + 1)
    await page.until(lambda: page.all("message")[0]["client"]["gave_up"])


async def test_ephemeral_answers_are_private_and_dismissible(stage, asked, open_page, bot):
    """Only the one who asked ever gets it; dismissed, it is gone from all their pages."""
    page, _ = asked
    again, other = await open_page(stage.alice), await open_page(stage.mo)
    await bot.answer(4, {"content": "just for you", "flags": 64})
    message = (await page.until(lambda: page.all("message")))[0]
    assert message["client"]["ephemeral"]
    await again.until(lambda: again.texts() == ["just for you"])
    assert "no such message" in await other.refused("dismiss", message=message["id"])
    for do in ("press", "message_menu", "delete"):
        rest = {"custom_id": "x", "command": "Report video"}
        words = await other.refused(
            do, channel=message["channel_id"], message=message["id"], **rest
        )
        assert "no such message" in words
    await page.ask("dismiss", message=message["id"])
    assert page.texts() == []
    await again.until(lambda: again.texts() == [])
    assert "just for you" not in str(other.log)


async def test_options_become_what_they_mean(stage, open_page, bot, upload, png):
    """People, places, roles by id; a picked file by its token."""
    page = await open_page(stage.alice)
    file = await upload("cat.png", png, "image/png")
    await page.ask(
        "invoke",
        channel=str(stage.channel.id),
        command="create",
        options={
            "prompt": "a fox",
            "image": file["file"],
            "friend": str(stage.mo.id),
            "place": str(stage.thread.id),
            "group": str(stage.guild.id),
        },
    )
    assert bot.last().user is stage.alice.user
    for name, value, words in (
        ("image", "nonsense", "no such file"),
        ("friend", str(stage.bob.id), "no such member"),
        ("place", str(stage.office.id), "no such place"),
        ("place", str(stage.stalls.id), "no such place"),
        ("group", "1", "no such role"),
        ("prompt", ["a"], "one value"),
    ):
        options = {"prompt": "a fox", name: value}
        asked = {"channel": str(stage.channel.id), "command": "create", "options": options}
        assert words in await page.refused("invoke", **asked)


async def test_suggestions_come_from_the_bot(stage, open_page, bot):
    """While typing; when it does not answer, the client's own words."""
    page = await open_page(stage.alice)
    typed = {"channel": str(stage.channel.id), "command": "create", "focused": "style"}
    await page.send({"id": 900, "do": "autocomplete", "options": {"style": "oi"}, **typed})
    await stage.discord.wait_for(lambda: len(stage.discord.interactions))
    await bot.answer(8, {"choices": [{"name": "Oil", "value": "oil"}]})
    await page.until(lambda: page.log[-1].get("id") == 900)
    assert page.log[-1]["ok"] == {"choices": [{"name": "Oil", "value": "oil"}]}
    await page.send({"id": 901, "do": "autocomplete", "options": {"style": "x"}, **typed})
    await stage.discord.wait_for(lambda: len(stage.discord.interactions) == 2)
    stage.discord.clock.advance(3)
    await page.until(lambda: page.log[-1].get("id") == 901)
    assert page.log[-1]["error"] == "Loading options failed"


async def test_buttons_and_menus_are_busy_until_answered(stage, asked, bot):
    """Press and choose; unanswered, the interaction failed."""
    page, _ = asked
    await bot.answer(4, BUTTONS)
    message = (await page.until(lambda: page.all("message")))[0]
    there = {"channel": message["channel_id"], "message": message["id"]}
    pressed = await page.ask("press", custom_id="press", **there)
    busy = page.state[f"invocation:{pressed['invocation']}"]
    assert (busy["kind"], busy["message"], busy["custom_id"]) == (
        "component",
        message["id"],
        "press",
    )
    await bot.answer(6)
    await page.until(lambda: not page.all("invocation"))
    await page.ask("select", custom_id="pick", values=["b"], **there)
    await bot.answer(7, {"content": "You chose B"})
    await page.until(lambda: "You chose B" in page.texts())
    chosen = await page.ask("select", custom_id="person", values=[str(stage.mo.id)], **there)
    stage.discord.clock.advance(3)
    key = f"invocation:{chosen['invocation']}"
    await page.until(lambda: page.state[key]["state"] == "failed")
    assert page.state[key]["text"] == "This interaction failed"
    for custom_id, values in (("pick", ["c"]), ("pick", []), ("person", ["1"]), ("nothing", ["a"])):
        await page.refused("select", custom_id=custom_id, values=values, **there)
    await page.refused("press", custom_id="nothing", **there)


async def test_a_form_is_opened_submitted_and_gone(stage, asked, open_page, bot, upload, png):
    """It belongs to the page that asked; the bot's answer closes it."""
    page, _ = asked
    elsewhere = await open_page(stage.alice)
    await bot.answer(9, FORM)
    form = await page.until(lambda: page.state.get("modal"))
    assert (form["title"], form["sending"], form["error"]) == ("Edit", False, None)
    file = await upload("cat.png", png)
    values = {"prompt": "a wolf", "files": [file["file"]], "sure": True}
    await page.ask("submit", modal=form["id"], values=values)
    assert page.state["modal"]["sending"]
    assert "on its way" in await page.refused("submit", modal=form["id"], values=values)
    await bot.answer(4, {"content": "Edited"})
    await page.until(lambda: "modal" not in page.state)
    await page.until(lambda: "Edited" in page.texts())
    assert not any("modal" in message.get("set", {}) for message in elsewhere.log)


async def test_a_form_stays_when_nobody_answers(stage, asked, bot):
    """What was typed is not lost: one can try again, or close it."""
    page, _ = asked
    await bot.answer(9, FORM)
    form = await page.until(lambda: page.state.get("modal"))
    await page.ask("submit", modal=form["id"], values={})
    stage.discord.clock.advance(3)
    await page.until(lambda: page.state["modal"]["error"])
    assert not page.state["modal"]["sending"]
    for values in ({"prompt": ["a"]}, {"nothing": "a"}, {"sure": "yes"}, {"files": ["x"]}):
        await page.refused("submit", modal=form["id"], values=values)
    await page.ask("close", modal=form["id"])
    assert "modal" not in page.state
    assert "not open" in await page.refused("submit", modal=form["id"], values={})


async def test_a_form_that_comes_late_is_not_for_somebody_else(stage, asked, bot):
    """Switched before the bot answered: the form was meant for who asked."""
    page, _ = asked
    await page.ask("be", person=str(stage.mo.id))
    await bot.answer(9, FORM)
    await page.ask("post", channel=str(stage.channel.id), content="hello")
    assert "modal" not in page.state


async def test_becoming_somebody_else_closes_the_form(stage, asked, bot):
    """Nobody fills in what was opened for another."""
    page, number = asked
    await bot.answer(9, FORM)
    await page.until(lambda: page.state.get("modal"))
    await page.ask("be", person=str(stage.mo.id))
    assert "modal" not in page.state
    assert "not open" in await page.refused("submit", modal=number, values={})


async def test_menus_of_messages_and_people(stage, open_page, bot):
    """Commands from a message's and from a member's menu."""
    page = await open_page(stage.alice)
    message = stage.channel.post(stage.mo, "look")
    place = str(stage.channel.id)
    await page.ask("message_menu", channel=place, message=str(message.id), command="Report video")
    assert (bot.last().name, bot.last().target_id) == ("Report video", message.id)
    await page.ask("user_menu", channel=place, user=str(stage.mo.id), command="Usage")
    assert bot.last().name == "Usage"
    await page.refused("user_menu", channel=place, user=str(stage.bob.id), command="Usage")
    await page.refused("message_menu", channel=place, message=str(message.id), command="Nothing")


async def test_commands_are_not_used_from_afar(stage, open_page):
    """Places that one does not see, and commands that one may not use, are refused."""
    page = await open_page(stage.alice)
    for channel in (stage.office, stage.stalls):
        asked = {"channel": str(channel.id), "command": "create", "options": {"prompt": "a"}}
        assert "no such place" in await page.refused("invoke", **asked)
    asked = {"channel": str(stage.channel.id), "command": "moderate pause"}
    assert "permission" in await page.refused("invoke", **asked)
    assert "no command" in await page.refused(
        "invoke", channel=str(stage.channel.id), command="nothing"
    )
