"""What the papers say is what the code does."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import discord
import pytest
from discord import app_commands
from discord.ext import commands

from bot.cli import cli
from bot.client import COGS
from bot.settings import Settings

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
EXAMPLE = (ROOT / ".env.example").read_text(encoding="utf-8")
SETTINGS = {name.upper(): field for name, field in Settings.model_fields.items()}


def test_every_setting_is_in_the_example_and_no_other() -> None:
    """``.env.example`` lists exactly the variables the code reads."""
    listed = re.findall(r"^([A-Z_]+)=", EXAMPLE, re.MULTILINE)

    assert sorted(listed) == sorted(SETTINGS)


def test_every_setting_in_the_example_is_explained() -> None:
    """Each variable has a line of explanation above it, alone or with its neighbour."""
    bare = []
    lines = EXAMPLE.splitlines()
    for number, line in enumerate(lines):
        if "=" in line and not line.startswith("#"):
            above = number - 1
            while lines[above] and not lines[above].startswith("#"):
                above -= 1
            if not lines[above].startswith("# ") or lines[above].startswith("# ---"):
                bare.append(line)

    assert bare == []


def test_defaults_in_the_example_are_those_of_the_code() -> None:
    """Copying ``.env.example`` changes nothing but what one fills in."""
    given = dict(re.findall(r"^([A-Z_]+)=(.+)$", EXAMPLE, re.MULTILINE))
    real = {name: field.default for name, field in SETTINGS.items() if name in given}

    assert {name: str(value) for name, value in real.items()} == given


@pytest.mark.parametrize("name", sorted(SETTINGS))
def test_readme_names_every_setting(name: str) -> None:
    """An operator finds each variable in README."""
    assert f"`{name}`" in README


@pytest.fixture
async def slash_commands() -> list[app_commands.Command[Any, ..., Any]]:
    """Every command that members and moderators can type, subcommands among them."""
    bot = commands.Bot(command_prefix=(), help_command=None, intents=discord.Intents.none())
    for name in COGS:
        await bot.load_extension(name)
    found = bot.tree.walk_commands()
    return [command for command in found if isinstance(command, app_commands.Command)]


def test_readme_names_every_slash_command(
    slash_commands: list[app_commands.Command[Any, ..., Any]],
) -> None:
    """People find each command in a table of README, and none that does not exist."""
    real = {f"/{command.qualified_name}" for command in slash_commands}
    first_cells = re.findall(r"^\| (`/[^|]+) \|", README, re.MULTILINE)
    named = {name for cell in first_cells for name in re.findall(r"`(/[a-z_ ]+)`", cell)}

    assert named == real


def test_commands_have_the_options_of_the_contract(
    slash_commands: list[app_commands.Command[Any, ..., Any]],
) -> None:
    """Names and options are those that tools outside drive the bot by."""
    flags = ["aspect_ratio", "motion", "camera", "fps", "guidance", "negative", "seed"]
    options = {
        command.qualified_name: [parameter.display_name for parameter in command.parameters]
        for command in slash_commands
    }

    assert options == {
        "create": ["prompt", "image", *flags],
        "animate": ["image", "prompt", *flags],
        "encrypt_text": ["message", "prompt", "font", "image", *flags],
        "encrypt_image": ["message", "prompt", "image", *flags],
        "jobs": [],
        "quota": [],
        "help": [],
        "moderate setup": [],
        "moderate settings": [],
        "moderate limit": ["member", "role", "channel", "credits", "hours", "concurrent", "clear"],
        "moderate budget": ["credits", "hours", "clear"],
        "moderate grant": ["member", "credits", "hours"],
        "moderate block": ["member", "reason", "hours"],
        "moderate unblock": ["member"],
        "moderate words add": ["phrase", "then"],
        "moderate words remove": ["phrase"],
        "moderate words list": [],
        "moderate words test": ["phrase"],
        "moderate words import": ["file"],
        "moderate words export": [],
        "moderate pause": ["reason", "hours", "mode"],
        "moderate resume": [],
        "moderate queue": [],
        "moderate cancel": ["job"],
        "moderate remove": ["job", "reason"],
        "moderate explain": ["member"],
        "moderate usage": ["days"],
        "moderate audit": [],
    }


def test_readme_names_every_command_of_the_terminal() -> None:
    """``pika-bot --help`` and README speak of the same commands."""
    real = {
        f"pika-bot {command.callback.__name__}"
        for command in cli.registered_commands
        if command.callback
    }
    named = set(re.findall(r"^\| `(pika-bot [a-z]+)", README, re.MULTILINE))

    assert named == real


@pytest.mark.parametrize("path", re.findall(r"\]\(((?!http)[^)#]+)\)", README))
def test_links_in_readme_lead_somewhere(path: str) -> None:
    """Every file README points at exists."""
    assert (ROOT / path).exists()


SECURITY = (ROOT / ".github" / "SECURITY.md").read_text(encoding="utf-8")
TESTS = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py"))


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`(test_\w+)`", SECURITY))))
def test_each_threat_has_the_test_it_names(name: str) -> None:
    """The threat model points at tests that exist."""
    assert f"def {name}(" in TESTS
