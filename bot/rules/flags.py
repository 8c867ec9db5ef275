"""Pika's flags: which values it takes, and how they are written after the prompt.

Ranges are those of the public cheat-sheets of the Pika bot (pikalabs.org,
pika-bot-optional-parameters); where two sources differ, the narrower range stands here, so
that nothing is sent which one of them refuses.
"""

from __future__ import annotations

import re
from typing import Final

from bot.errors import BadRecipe
from bot.model import Flags

ASPECT_RATIOS: Final = ("16:9", "9:16", "1:1", "5:2", "4:5", "4:3")
CAMERAS: Final = (
    "zoom in",
    "zoom out",
    "pan up",
    "pan down",
    "pan left",
    "pan right",
    "pan up left",
    "pan up right",
    "pan down left",
    "pan down right",
    "rotate cw",
    "rotate ccw",
)
MOTION: Final = range(5)
FPS: Final = range(8, 25)
GUIDANCE: Final = range(8, 25)
SEED: Final = range(2**32)

_SPELLING: Final = (
    ("aspect_ratio", "-ar"),
    ("motion", "-motion"),
    ("camera", "-camera"),
    ("fps", "-fps"),
    ("guidance", "-gs"),
    ("negative", "-neg"),
    ("seed", "-seed"),
)

_FLAG_IN_TEXT = re.compile(r"(?:^|\s)(-[a-z]+)(?=\s|$)", re.IGNORECASE)


def written(flags: Flags, prompt: str) -> str:
    """``prompt`` followed by ``flags`` as Pika spells them.

    Raises ``BadRecipe`` naming the option for a value Pika does not take, and for a flag
    that the prompt has already.
    """
    _check(flags)
    already = {flag.lower() for flag in _FLAG_IN_TEXT.findall(prompt)}
    parts = [prompt] if prompt else []
    for option, spelling in _SPELLING:
        value = getattr(flags, option)
        if value is None:
            continue
        if spelling in already:
            raise BadRecipe(
                option,
                f"Your prompt already says `{spelling}`. Leave out either the flag in the "
                f"prompt or the option `{option}`.",
            )
        parts.append(f"{spelling} {_quoted(value) if option == 'negative' else value}")
    return " ".join(parts)


def _quoted(words: str) -> str:
    return f'"{words}"' if " " in words or "," in words else words


def _check(flags: Flags) -> None:
    _one_of("aspect_ratio", flags.aspect_ratio, ASPECT_RATIOS)
    _one_of("camera", flags.camera, CAMERAS)
    _within("motion", flags.motion, MOTION)
    _within("fps", flags.fps, FPS)
    _within("guidance", flags.guidance, GUIDANCE)
    _within("seed", flags.seed, SEED)
    if flags.negative is not None:
        if not flags.negative:
            raise BadRecipe("negative", "`negative` is empty. Name what to avoid, or leave it out.")
        if '"' in flags.negative or _FLAG_IN_TEXT.search(flags.negative):
            raise BadRecipe(
                "negative",
                "`negative` may not contain quotation marks or flags such as `-seed`. "
                "Write plain words, separated by commas.",
            )


def _one_of(option: str, value: str | None, allowed: tuple[str, ...]) -> None:
    if value is not None and value not in allowed:
        raise BadRecipe(option, f"`{option}` must be one of {', '.join(allowed)}.")


def _within(option: str, value: int | None, allowed: range) -> None:
    if value is not None and value not in allowed:
        raise BadRecipe(
            option, f"`{option}` must be between {allowed.start} and {allowed.stop - 1}."
        )
