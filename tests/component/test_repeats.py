"""Events that come more than once, at the bot's own client: each is acted on once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import discord
import pytest

from bot.client import PikaBot
from bot.sandbox.discord import EmbeddedDiscord, Invocation
from tests.component.clients import client
from tests.fakes import MovableClock

Interaction = discord.Interaction[Any]


class Acts:
    """What the bot did: a command, a button and a form, none of which checks for copies."""

    def __init__(self, bot: PikaBot) -> None:
        self.done: list[str] = []

        async def act(interaction: Interaction, what: str, **answer: Any) -> None:
            self.done.append(what)
            await interaction.response.send_message(what, **answer)

        class Form(discord.ui.Modal, title="Edit"):
            words: discord.ui.TextInput[Any] = discord.ui.TextInput(label="Words", required=False)

            async def on_submit(self, interaction: Interaction) -> None:
                await act(interaction, "form")

        class Buttons(discord.ui.View):
            @discord.ui.button(label="Press")
            async def press(self, interaction: Interaction, _: discord.ui.Button[Any]) -> None:
                await act(interaction, "button")

            @discord.ui.button(label="Edit")
            async def edit(self, interaction: Interaction, _: discord.ui.Button[Any]) -> None:
                await interaction.response.send_modal(Form())

        @bot.tree.command(description="Act")
        async def command(interaction: Interaction) -> None:
            await act(interaction, "command", view=Buttons())


@pytest.fixture
async def server(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[EmbeddedDiscord]:
    """Discord."""
    async with EmbeddedDiscord() as running:
        monkeypatch.setattr(discord.http.Route, "BASE", running.api_url)
        yield running
        assert running.violations == []


@pytest.fixture
async def bot(server: EmbeddedDiscord, clock: MovableClock) -> AsyncIterator[PikaBot]:
    """The client; it connects when its test begins."""
    made = client(clock)
    yield made
    await made.close()


async def test_copies_of_commands_buttons_and_forms_are_not_acted_on(
    server: EmbeddedDiscord, bot: PikaBot
) -> None:
    """Right after the first one, and once that was answered."""
    guild = server.world.create_guild("Alpha")
    alice = guild.join(server.world.create_user("alice"))
    channel = guild.create_text_channel("general")
    acts = Acts(bot)
    running = asyncio.create_task(bot.start(server.token))
    await server.connected()
    await server.commands_registered()

    async def twice(asked: Invocation) -> Invocation:
        server.gateway.replay_last_interaction()
        await asked.acknowledged()
        server.gateway.replay_last_interaction()
        return asked

    message = await (await twice(await server.invoke(alice, channel, "command"))).answered()
    await twice(await server.press(alice, message, label="Press"))
    form = await twice(await server.press(alice, message, label="Edit"))
    await twice(await server.submit_modal(alice, form, {}))
    # Events come in order: once this one is answered, all copies have been heard.
    await (await server.invoke(alice, channel, "command")).acknowledged()

    assert acts.done == ["command", "button", "form", "command"]
    await bot.close()
    with suppress(asyncio.CancelledError):
        await running
