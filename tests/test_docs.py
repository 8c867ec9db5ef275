"""What the papers say is what the code does."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

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


def _cogs() -> list[type[commands.Cog]]:
    modules = [importlib.import_module(name) for name in COGS]
    return [
        item
        for module in modules
        for item in vars(module).values()
        if isinstance(item, type)
        and issubclass(item, commands.Cog)
        and item.__module__ == module.__name__
    ]


def _slash_commands() -> list[app_commands.Command[commands.Cog, ..., object]]:
    return [
        command
        for cog in _cogs()
        for command in cog.__cog_app_commands__
        if isinstance(command, app_commands.Command)
    ]


def test_readme_names_every_slash_command() -> None:
    """A member finds each command in README, and none that does not exist."""
    real = {f"/{command.name}" for command in _slash_commands()}
    named = set(re.findall(r"^\| `(/[a-z_]+)`", README, re.MULTILINE))

    assert named == real


def test_commands_have_the_options_of_the_contract() -> None:
    """Names and options are those that tools outside drive the bot by."""
    flags = ["aspect_ratio", "motion", "camera", "fps", "guidance", "negative", "seed"]
    options = {
        command.name: [parameter.name for parameter in command.parameters]
        for command in _slash_commands()
    }

    assert options == {
        "create": ["prompt", "image", *flags],
        "animate": ["image", "prompt", *flags],
        "encrypt_text": ["message", "prompt", "font", "image", *flags],
        "encrypt_image": ["message", "prompt", "image", *flags],
        "jobs": [],
        "quota": [],
        "help": [],
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
