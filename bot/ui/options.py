"""The flag options that all four video commands share, declared once."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Literal

from discord import app_commands

from bot.model import Flags
from bot.rules.flags import FPS, GUIDANCE, MOTION, SEED

AspectRatio = Literal["16:9", "9:16", "1:1", "5:2", "4:5", "4:3"]
Camera = Literal[
    "zoom in", "zoom out", "pan up", "pan down", "pan left", "pan right", "pan up left",
    "pan up right", "pan down left", "pan down right", "rotate cw", "rotate ccw",
]  # fmt: skip

_OPTIONS: dict[str, tuple[Any, str]] = {
    "aspect_ratio": (AspectRatio, "Shape of the picture"),
    "motion": (
        app_commands.Range[int, MOTION.start, MOTION.stop - 1],
        "How much moves: 0 is calm, 4 is wild",
    ),
    "camera": (Camera, "How the camera moves"),
    "fps": (app_commands.Range[int, FPS.start, FPS.stop - 1], "Frames per second"),
    "guidance": (
        app_commands.Range[int, GUIDANCE.start, GUIDANCE.stop - 1],
        "How closely to follow the prompt",
    ),
    "negative": (app_commands.Range[str, 1, 500], "What to avoid, separated by commas"),
    "seed": (
        app_commands.Range[int, SEED.start, SEED.stop - 1],
        "The same seed and prompt give a similar video again",
    ),
}

Callback = Callable[..., Coroutine[Any, Any, None]]


def with_flags(callback: Callback) -> Any:
    """Give a command that takes ``**flags`` one option for each field of ``Flags``.

    discord.py reads a command's options from its signature, so the signature is written
    out here instead of seven lines in every command.
    """
    signature = inspect.signature(callback)
    own = [p for p in signature.parameters.values() if p.kind is not p.VAR_KEYWORD]
    added = [
        inspect.Parameter(
            name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=kind | None
        )
        for name, (kind, _) in _OPTIONS.items()
    ]
    callback.__signature__ = signature.replace(parameters=[*own, *added])  # type: ignore[attr-defined]
    texts = {name: text for name, (_, text) in _OPTIONS.items()}
    return app_commands.describe(**texts)(callback)


def flags_of(given: Mapping[str, Any]) -> Flags:
    """The flags of a command that was decorated with ``with_flags``."""
    return Flags(**given)
