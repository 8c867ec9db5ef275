"""Select menus in messages and forms: what they list, what is preset, what may be sent."""

from __future__ import annotations

import discord
import pytest

from bot.sandbox.discord import ClientRefused

TEXT_CHANNEL = 0


def menu(kind, custom_id="pick", **more):
    """A select menu."""
    return {"type": kind, "custom_id": custom_id, **more}


def form(*components):
    """The data of a form with these components, each in a label."""
    labels = [{"type": 18, "label": "L", "component": one} for one in components]
    return {"custom_id": "f", "title": "Form", "components": labels}


async def shown(rest, asked, *menus):
    """The message with these menus."""
    invocation = await asked()
    rows = [{"type": 1, "components": [one]} for one in menus]
    status, answer = await rest.answer(invocation, 4, {"content": "x", "components": rows})
    assert status == 200, answer
    return invocation.message


async def test_a_menu_takes_what_it_lists(server, community, rest, asked):
    """People, roles and channels of this server, of the kinds that are asked for."""
    elsewhere = server.world.create_guild("Beta")
    theirs, role = elsewhere.create_text_channel("theirs"), elsewhere.create_role("Theirs")
    forum = community.guild.create_forum("ideas")
    mods = community.guild.create_role("Mods")
    message = await shown(
        rest,
        asked,
        menu(8, "where", channel_types=[TEXT_CHANNEL], max_values=2),
        menu(6, "role"),
        menu(5, "who"),
        menu(7, "any", max_values=2),
        menu(3, "text", options=[{"label": "a", "value": "a"}]),
    )
    alice = community.alice
    for name, value in (
        ("where", forum), ("where", community.thread), ("where", theirs), ("where", mods),
        ("where", "1"), ("role", role), ("role", alice), ("role", str(mods.id)),
        ("who", mods), ("any", community.channel), ("text", mods), ("text", "b"),
    ):  # fmt: skip
        with pytest.raises(ClientRefused, match=name):
            await server.select(alice, message, name, [value])
    with pytest.raises(ClientRefused, match="choose 1 to 2, not 0"):
        await server.select(alice, message, "where", [])
    for name, values in (
        ("where", [community.channel]), ("role", [mods]), ("who", [community.mod]),
        ("any", [mods, alice]), ("text", ["a"]),
    ):  # fmt: skip
        await server.select(alice, message, name, values)


async def test_presets_that_come_as_numbers_are_strings_ever_after(rest, asked, community):
    """Discord takes ids as either; what it shows is fit for clients without long numbers."""
    preset = [{"type": "channel", "id": community.channel.id}]
    message = await shown(rest, asked, menu(8, "where", default_values=preset))
    kept = message.component("where")["default_values"]
    assert kept == [{"type": "channel", "id": str(community.channel.id)}]


async def test_what_a_form_presets_is_sent_when_it_is_left_alone(
    server, community, rest, asked, run, new_bot
):
    """Options, people, roles and channels, each described; what is gone meanwhile is not."""
    mods = community.guild.create_role("Mods")
    gone = community.guild.create_text_channel("gone")
    options = [{"label": x, "value": x, "default": x == "b"} for x in "abc"]
    places = [{"type": "channel", "id": str(c.id)} for c in (community.channel, gone)]
    opener = await asked()
    answered = await rest.answer(
        opener,
        9,
        form(
            menu(3, "text", options=options),
            menu(6, "role", default_values=[{"type": "role", "id": str(mods.id)}]),
            menu(8, "where", default_values=places, max_values=2),
            menu(5, "who", required=False, min_values=0),
        ),
    )
    assert answered[0] == 200, answered
    gone.delete()
    bot = await run(new_bot(), sync=False)
    heard = []

    @bot.event
    async def on_interaction(interaction: discord.Interaction) -> None:
        heard.append(interaction.data)

    await server.submit_modal(community.alice, opener, {})
    await server.wait_for(lambda: heard)
    [data] = heard
    sent = {one["component"]["custom_id"]: one["component"]["values"] for one in data["components"]}
    assert sent == {
        "text": ["b"], "role": [str(mods.id)], "where": [str(community.channel.id)], "who": [],
    }  # fmt: skip
    assert data["resolved"]["roles"].keys() == {str(mods.id)}
    assert data["resolved"]["channels"].keys() == {str(community.channel.id)}
    with pytest.raises(ClientRefused, match="not in the list"):
        await server.submit_modal(community.alice, opener, {"where": [mods]})


@pytest.mark.parametrize(
    "select",
    [
        menu(8, disabled=True),
        menu(8, min_values=0),
        menu(6, min_values=0, required=True),
        menu(6, default_values=[{"type": "user", "id": "1"}]),
        menu(3, options=[]),
    ],
)
async def test_menus_that_no_form_may_have(server, rest, asked, select):
    """A menu of a form cannot be disabled, nor be required and left empty."""
    status, body = await rest.answer(await asked(), 9, form(select))
    assert (status, body["code"]) == (400, 50035)
    assert len(server.violations) == 1
    server.violations.clear()


async def test_menus_that_a_form_may_have(rest, asked):
    """An answer that is not required may be empty."""
    fine = form(menu(8, "a", min_values=0, required=False), menu(6, "b", max_values=25))
    assert (await rest.answer(await asked(), 9, fine))[0] == 200
